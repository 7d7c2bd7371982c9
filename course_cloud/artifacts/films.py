"""The table of films in an artifact, checked when it is saved and when it is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Real
from typing import IO, Any

import numpy as np
import pandas as pd

from course_utils.errors import DataError
from course_utils.validation import LARGEST_ID

MOST_VALUES = 20_000_000  # in all columns together
LARGEST = 2**29  # bytes of all columns, unpacked
LARGEST_FOOTER = 2**20  # bytes


def need_ids(ids: Any, what: str) -> None:
    """Raise a DataError for ids that are no distinct integers from 0 to 2**31 - 1."""
    values = pd.Series(ids if np.ndim(ids) == 1 else [None])
    if values.dtype.kind not in "iu" or not values.between(0, LARGEST_ID).fillna(False).all():
        raise DataError(f"{what} must be integers from 0 to {LARGEST_ID}, none missing.")
    if values.duplicated().any():
        raise DataError(f"{what} hold {values[values.duplicated()].iloc[0]} twice.")


def as_films(movies: Any) -> pd.DataFrame:
    """Return the table with genres as texts, or raise a DataError for what cannot be shown."""
    if not isinstance(movies, pd.DataFrame) or not {"movie_id", "title"} <= {*movies.columns}:
        raise DataError("`movies` must be a table with columns 'movie_id' and 'title'.")
    if not movies.columns.is_unique:
        raise DataError("`movies` has two columns of one name; leave one of them out.")
    need_ids(movies["movie_id"], "The movie ids of `movies`")
    films = movies.reset_index(drop=True)
    if "genres" in films:
        films["genres"] = [_joined(kinds) for kinds in films["genres"]]
    _need(films, "title", lambda title: isinstance(title, str), "a text")
    _need(
        films, "genres", lambda kinds: isinstance(kinds, str) or _is_gap(kinds), "texts without '|'"
    )
    _need(films, "year", _is_year, "a whole number up to 9999")
    return films


def _need(films: pd.DataFrame, name: str, good: Callable[[Any], bool], what: str) -> None:
    for movie_id, value in zip(films["movie_id"], films.get(name, ()), strict=False):
        if not good(value):
            said = repr(value)[:60]
            raise DataError(f"The {name} of movie {movie_id} in `movies` is {said}, not {what}.")


def read_films(file: IO[bytes]) -> pd.DataFrame:
    """Read ``movies.parquet``; what is none, or too large, raises an error of any type.

    Sizes are added up before anything is unpacked: those in the footer, then those of texts, of
    which Parquet stores repeated ones once.
    """
    from pyarrow import parquet

    file.seek(-8, os.SEEK_END)
    if int.from_bytes(file.read(4), "little") > LARGEST_FOOTER:
        raise DataError(f"The footer has more than {LARGEST_FOOTER:,} bytes; save fewer columns.")
    packed = parquet.ParquetFile(file)
    schema, about = packed.schema_arrow, packed.metadata
    groups = [about.row_group(n).to_dict()["columns"] for n in range(about.num_row_groups)]
    chunks = [chunk for group in groups for chunk in group]
    for field in schema:
        if not _is_plain(field.type):
            why = f"holds {field.type}, no number or text; leave it out."
            raise DataError(f"In `movies` the column {field.name!r} {why}")
    sizes = ("num_values", "total_uncompressed_size")
    _need_room(*(sum(chunk[size] for chunk in chunks) for size in sizes))
    texts = [field.name for field in schema if _is_plain(field.type, texts=True)]
    table = parquet.ParquetFile(file, read_dictionary=texts).read()
    _need_room(0, sum(_n_bytes(column) for column in table.columns))
    return as_films(table.cast(schema).to_pandas())


def _need_room(n_values: int, size: int) -> None:
    if n_values > MOST_VALUES or size > LARGEST:
        raise DataError(f"{max(n_values, size):,} values or bytes are too many for films.")


def _is_plain(kind: Any, texts: bool = False) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_plain(kind.value_type, texts)
    if types.is_string(kind) or types.is_large_string(kind):
        return True
    return not texts and (types.is_primitive(kind) or types.is_null(kind))


def _n_bytes(column: Any) -> int:
    """Return the size of a column, in which each text counts as often as it stands there."""
    from pyarrow import compute

    if not _is_plain(column.type, texts=True):
        return int(column.nbytes)
    sizes = (compute.binary_length(part.dictionary).take(part.indices) for part in column.chunks)
    return sum(compute.sum(part).as_py() or 0 for part in sizes)


def _joined(kinds: Any) -> Any:
    listed = isinstance(kinds, list | tuple | np.ndarray)
    good = listed and all(isinstance(kind, str) and "|" not in kind for kind in kinds)
    return "|".join(kinds) if good else kinds


def _is_gap(value: Any) -> bool:
    return pd.isna(value) is True  # of a list it is an array


def _is_year(value: Any) -> bool:
    whole = isinstance(value, Real) and not isinstance(value, bool)
    return _is_gap(value) or bool(whole and 0 <= value <= 9999 and value == int(value))
