"""Tables in S3 read into pandas and written back, in the format of the key's suffix.

`.csv`, `.tsv`, both also with `.gz`, and `.parquet` are read and written, `.dat` (MovieLens'
``::``) and `.dat.gz` are only read.

Limits: the table must fit in memory, and so must the object when it is text. S3 limits an object to
5 TB. Objects encrypted with a key of your own (SSE-C) cannot be read; those that the server
encrypts (SSE-S3, SSE-KMS) can. A folder of Parquet files is not read as one table.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from course_cloud.storage.addresses import Address, S3Object, parse_address
from course_cloud.storage.client import usable
from course_cloud.storage.failures import explained
from course_cloud.storage.objects import ObjectFile, fetch
from course_cloud.storage.transfers import transfer_config
from course_utils.datasets import parsing
from course_utils.datasets.releases import HALF_STARS
from course_utils.errors import DataError, StorageError

if TYPE_CHECKING:
    import pyarrow as pa

READABLE = (".csv", ".tsv", ".dat", ".csv.gz", ".tsv.gz", ".dat.gz", ".parquet")
WRITABLE = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
DAT = {
    "ratings": parsing.RATING,
    "movies": parsing.MOVIE,
    "users": parsing.USER_1M,
    "tags": parsing.TAG,
}
IN_MEMORY = 64 * 2**20  # bytes of a table about to be written, before it goes to a file
MULTIPART = 16 * 2**20  # bytes above which an upload goes in parts


def read_table(
    address: str | S3Object,
    columns: Sequence[str] | str | None = None,
    *,
    dtype: Mapping[str, str] | None = None,
    encoding: str | None = None,
    client: Any = None,
) -> pd.DataFrame:
    """Read a table from S3 into pandas.

    Text is fetched whole and parsed by Arrow. Of Parquet only the columns asked for are fetched, by
    ranged requests. When a connection breaks off, the missing bytes are requested again. All
    requests are for one version of the object.

    Parameters
    ----------
    address, client
        As in `write_table`. An object from `list_keys` is read only if it has not changed since.
    columns
        The columns to return, in this order; None for all.
    dtype
        NumPy types of single columns of a text file (``{"imdbId": "str"}``). The types of the
        others are inferred: integers, floats, booleans, ISO dates, text.
    encoding
        Encoding of a text file, by default UTF-8. A ``.dat`` that is not valid UTF-8 is then read
        as latin-1.

    Returns
    -------
    pandas.DataFrame
        The columns have the names of the file. A MovieLens ``.dat`` has no header: ratings, movies,
        users and tags are recognized by the key's last part and get the course's column names.
        Only an empty field of a text file is a missing value: "NA" is a string.

    Raises
    ------
    StorageError
        When the object cannot be read, or changes while it is read.
    DataError
        For an unknown suffix or column, and damaged or invalid content.
    """
    etag = address.etag if isinstance(address, S3Object) else None
    place = parse_address(address.address if isinstance(address, S3Object) else address)
    suffix = _suffix(place, READABLE, "read")
    wanted = [columns] if isinstance(columns, str) else None if columns is None else [*columns]
    client = usable(client)
    if suffix == ".parquet":
        if dtype or encoding:
            raise DataError(f"{place}: Parquet knows its types; leave out dtype and encoding.")
        return _read_parquet(client, place, wanted, etag)
    data, answer = fetch(client, place, etag)
    if suffix.endswith(".gz") or answer.get("ContentEncoding") == "gzip":
        try:
            data = gzip.decompress(data)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{place} is not a whole gzip file ({str(error)[:80]}).") from None
    if suffix.startswith(".dat"):
        if dtype:
            raise DataError(f"{place}: the types of a .dat are known; leave out dtype.")
        table = _parse_dat(data, place, encoding)
        return table if wanted is None else table[_known(wanted, [*table], place)]
    delimiter = "\t" if suffix.startswith(".tsv") else ","
    return _parse_csv(data, place, delimiter, wanted, dtype or {}, encoding or "utf-8")


def write_table(table: pd.DataFrame, address: str, *, client: Any = None) -> str:
    """Write a table to S3, in the format of the key's suffix.

    The object appears complete or not at all, and replaces an existing one. Above 16 MB it is
    uploaded in parts; when one of them fails, the upload is aborted.

    Parameters
    ----------
    table
        The table. Its index is not written; a named index is refused.
    address, client
        ``"s3://bucket/key"``, or a bare key when ``COURSE_BUCKET`` is set, with the end ``.csv``,
        ``.tsv``, one of them with ``.gz``, or ``.parquet``; a client of S3, by default from
        `connect`.

    Returns
    -------
    str
        The address, as ``s3://bucket/key``.

    Raises
    ------
    DataError
        For an unknown suffix, a named index, and a table that the format cannot hold.
    StorageError
        When the object cannot be written. When the connection is lost, its parts stay in the
        bucket, and are paid for, until a lifecycle rule removes them.
    """
    place = parse_address(address)
    store(client, table, place)
    return str(place)


def store(client: Any, table: pd.DataFrame, place: Address) -> tuple[int, str]:
    """Write a table to `place`, above 16 MB in parts; return the object's size and SHA-256."""
    suffix = _suffix(place, WRITABLE, "written")
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        write_to_file(table, file, suffix, str(place))
        size = file.tell()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        client = usable(client)
        with explained("write", *place, client):
            client.upload_fileobj(file, *place, Config=transfer_config(MULTIPART))
    return size, sha256


def write_to_file(table: pd.DataFrame, file: IO[bytes], suffix: str, label: str) -> None:
    """Write `table` into an open file, in the format of `suffix`."""
    names = [name for name in table.index.names if name is not None]
    if names:
        raise DataError(
            f"{label}: the index {', '.join(map(repr, names))} would be lost; call reset_index()."
        )
    if suffix == ".parquet":
        import pyarrow as pa

        try:
            table.to_parquet(file, index=False, compression="zstd", engine="pyarrow")
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            said = str(error).splitlines()[0][:120].rstrip(".")
            raise DataError(f"{label} cannot be written as Parquet: {said}.") from None
        return
    table.to_csv(
        file,
        index=False,
        sep="\t" if ".tsv" in suffix else ",",
        lineterminator="\n",
        # without the time in the gzip header, so that the same table gives the same bytes
        compression={"method": "gzip", "mtime": 0} if suffix.endswith(".gz") else None,
    )


def _read_parquet(
    client: Any, place: Address, columns: list[str] | None, etag: str | None
) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    source = ObjectFile(client, place, etag)
    if source.size < 12 or source.tail[-4:] != b"PAR1":
        raise DataError(f"{place} is not a Parquet file; write it again.")
    try:
        # pre_buffer: the byte ranges of neighboring columns are joined into one read
        with parquet.ParquetFile(source, pre_buffer=True) as file:
            _known(columns, file.schema_arrow.names, place)
            table = file.read(columns=columns)
        frame: pd.DataFrame = (table.select(columns) if columns else table).to_pandas()
        return frame
    except StorageError:
        raise
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0][:120].rstrip(".")
        raise DataError(f"{place} is a damaged Parquet file ({said}); write it again.") from None


def _parse_csv(
    data: bytes,
    place: Address,
    delimiter: str,
    columns: list[str] | None,
    dtype: Mapping[str, str],
    encoding: str,
) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if not data.split(b"\n", 1)[0].strip():
        raise DataError(f"{place} is empty, or its first line is; a header of names belongs there.")
    types = {column: _arrow_type(name, place) for column, name in dtype.items()}
    quotes = b'"' in data  # Arrow is a third faster when no quote can hide the end of a line
    read = arrow_csv.ReadOptions(encoding=encoding)
    parse = arrow_csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=quotes, quote_char='"' if quotes else False
    )
    convert = arrow_csv.ConvertOptions(
        column_types=types,
        include_columns=columns,
        null_values=[""],  # a film called "NA" is not missing
        strings_can_be_null=True,
    )
    try:
        with arrow_csv.open_csv(pa.BufferReader(data), read, parse) as beginning:
            names = beginning.schema.names
        _known([*types] or None, names, place)
        _known(columns, names, place)
        table = arrow_csv.read_csv(pa.BufferReader(data), read, parse, convert)
    except (pa.ArrowInvalid, UnicodeError, LookupError, TypeError) as error:
        said = str(error).splitlines()[0][:160].rstrip(".")
        raise DataError(f"{place} cannot be read as a table: {said}.") from None
    garbled = [field.name for field in table.schema if pa.types.is_binary(field.type)]
    if garbled:
        raise DataError(
            f"{place}: the column {garbled[0]!r} is not UTF-8; pass encoding='latin-1', or what "
            "the file was saved in."
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _arrow_type(name: str, place: Address) -> pa.DataType:
    import pyarrow as pa

    if name in ("str", "string", "object"):
        return pa.string()
    try:
        return pa.from_numpy_dtype(np.dtype(name))
    except (TypeError, pa.ArrowException):
        raise DataError(f"{place}: {name!r} is no type of a column; try 'str', 'int32'.") from None


def _parse_dat(data: bytes, place: Address, encoding: str | None) -> pd.DataFrame:
    """Parse ratings.dat, movies.dat, users.dat or tags.dat by the rules of the course's loader."""
    name = place.key.rpartition("/")[2].split(".")[0].lower()
    if name not in DAT:
        raise DataError(
            f"{place}: a .dat has no header, and only {', '.join(DAT)} .dat of MovieLens are "
            "known; save the table as .csv or .parquet."
        )
    columns, label = DAT[name], str(place)
    if name == "ratings":
        return parsing.parse_delimited(data, columns, label, delimiter="::", scale=HALF_STARS)
    if encoding is None:
        try:
            data.decode()
        except UnicodeDecodeError:
            encoding = "latin-1"
    encoding = encoding or "utf-8"
    return parsing.parse_lines(data, columns, label, delimiter="::", encoding=encoding)


def _known(columns: list[str] | None, names: list[str], place: Address) -> list[str]:
    """Return `columns`, by default all, or raise a `DataError` that lists those there are."""
    if columns is None:
        return names
    absent = [column for column in columns if column not in names]
    if absent:
        shown = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
        raise DataError(
            f"{place} has no column {', '.join(map(repr, absent))}; its columns are {shown}."
        )
    if len(set(columns)) < len(columns):
        raise DataError(f"{place}: a column is asked for twice in {columns}; name each once.")
    if not columns:
        raise DataError(f"{place}: columns is empty; name at least one, or leave it out for all.")
    return columns


def _suffix(place: Address, known: tuple[str, ...], done: str) -> str:
    key = place.key.lower()
    found = [suffix for suffix in known if key.endswith(suffix)]
    if not found:
        raise DataError(f"{place} cannot be {done}: its key must end with {', '.join(known)}.")
    return max(found, key=len)
