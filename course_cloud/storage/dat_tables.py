"""MovieLens' ``.dat`` files, read by the rules of `course_utils.datasets`.

Imports of the course follow the data, from storage to datasets. Here the two meet, so
`course_utils.datasets` is imported inside the functions only.
"""

from __future__ import annotations

import pandas as pd

from course_cloud.storage.addresses import Address
from course_utils.errors import DataError


def parse_dat(data: bytes, address: Address, encoding: str | None) -> pd.DataFrame:
    """Parse ratings.dat, movies.dat, users.dat or tags.dat by the rules of `course_utils.datasets`.

    Raises
    ------
    DataError
        For another name, since a ``.dat`` has no header, and for the first line that cannot be
        right.
    """
    from course_utils.datasets import fields
    from course_utils.datasets.parse import parse_delimited, parse_lines
    from course_utils.datasets.releases import HALF_STARS

    known = {
        "ratings": fields.RATING,
        "movies": fields.MOVIE,
        "users": fields.USER_1M,
        "tags": fields.TAG,
    }
    name = address.key.rpartition("/")[2].split(".")[0].lower()
    if name not in known:
        raise DataError(
            f"{address}: a .dat has no header, and only {', '.join(known)} .dat of MovieLens are "
            "known; save the table as .csv or .parquet."
        )
    if name == "ratings":
        return parse_delimited(data, fields.RATING, str(address), delimiter="::", scale=HALF_STARS)
    encoding = encoding or ("utf-8" if _is_utf8(data) else "latin-1")
    return parse_lines(data, known[name], str(address), delimiter="::", encoding=encoding)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
