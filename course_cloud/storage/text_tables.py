"""Comma- and tab-separated objects parsed by Arrow while they arrive, and MovieLens' ``.dat``."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_cloud.storage.addresses import Address
from course_cloud.storage.dat_tables import parse_dat
from course_cloud.storage.parquet import need_columns
from course_cloud.storage.streams import Body
from course_utils.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 2**20  # bytes that Arrow parses at a time, and a read asks for


class _Quoted(Exception):
    """A quote in a text that had none so far."""


class _Text(io.RawIOBase):
    """A text of which the first block is known, and whose quotes can be watched for.

    Parameters
    ----------
    source
        What to read it from, without copies in between.
    watch
        Whether a quote after the first block raises `_Quoted`.
    """

    def __init__(self, source: io.RawIOBase | gzip.GzipFile, watch: bool) -> None:
        self.source, self.watch = source, watch
        self.first = source.read(BLOCK) or b""
        self.quotes = not watch or b'"' in self.first
        self.waiting = self.first

    def readable(self) -> bool:
        """Say yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes, all that are left when it is negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        if self.waiting:
            data, self.waiting = self.waiting[:size], self.waiting[size:]
            return data
        data = self.source.read(size) or b""
        if not self.quotes and b'"' in data:
            raise _Quoted
        return data


def read_delimited(
    client: Any,
    address: Address,
    suffix: str,
    columns: list[str] | None,
    etag: str | None,
    *,
    dtype: Mapping[str, str] | None,
    encoding: str | None,
) -> pd.DataFrame:
    """Read a table of text; see `read_table`."""

    def _read(quotes: bool) -> pd.DataFrame:
        with Body(client, address, etag) as body:
            zipped = suffix.endswith(".gz") or body.gzipped
            source = gzip.GzipFile(fileobj=io.BufferedReader(body, BLOCK)) if zipped else body
            plain = suffix.startswith(".dat")
            file = _Text(source, watch=not (quotes or plain))
            if plain:
                return _parse_dat(file, address, columns, dtype, encoding)
            delimiter = "\t" if suffix.startswith(".tsv") else ","
            return _parse_csv(file, str(address), delimiter, columns, dtype, encoding)

    try:
        try:
            return _read(quotes=False)
        except _Quoted:  # far into the text; the first block says so at once
            return _read(quotes=True)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{address} is not a whole gzip file ({str(error)[:80]}).") from None


def _parse_dat(
    file: _Text,
    address: Address,
    columns: list[str] | None,
    dtype: Mapping[str, str] | None,
    encoding: str | None,
) -> pd.DataFrame:
    if dtype:
        raise DataError(f"{address}: the types of a .dat are known; leave out dtype.")
    table = parse_dat(file.read(), address, encoding)
    if columns is None:
        return table
    need_columns(columns, [*table.columns], str(address))
    return table[columns]


def _parse_csv(
    file: _Text,
    label: str,
    delimiter: str,
    columns: list[str] | None,
    dtype: Mapping[str, str] | None,
    encoding: str | None,
) -> pd.DataFrame:
    """Parse with Arrow, a third faster where no quote can hide the end of a line."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = _header(file, label, delimiter, encoding or "utf-8")
    types = {column: _arrow_type(name, label) for column, name in (dtype or {}).items()}
    need_columns([*types] or names[:1], names, label)
    if columns is not None:
        need_columns(columns, names, label)
    try:
        table = arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK, encoding=encoding or "utf-8"),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=file.quotes,
                quote_char='"' if file.quotes else False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types,
                include_columns=columns,
                null_values=[""],  # a film called "NA" is not missing
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0][:160].rstrip(".")
        raise DataError(f"{label} cannot be read as a table: {said}.") from None
    garbled = [field.name for field in table.schema if pa.types.is_binary(field.type)]
    if garbled:
        raise DataError(
            f"{label}: the column {garbled[0]!r} is not UTF-8; pass encoding='latin-1', or what "
            "the file was saved in."
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _header(file: _Text, label: str, delimiter: str, encoding: str) -> list[str]:
    """Return the names in the first line, which is not taken from `file`."""
    first = file.first.split(b"\n", 1)[0].split(b"\r", 1)[0]
    if not first.strip():
        raise DataError(f"{label} is empty, or its first line is; a header of names belongs there.")
    try:
        text = first.decode(encoding).removeprefix("\ufeff")
        return next(csv.reader([text], delimiter=delimiter))
    except (UnicodeDecodeError, LookupError, csv.Error) as error:
        raise DataError(f"{label}: its header cannot be read ({error}).") from None


def _arrow_type(name: str, label: str) -> pa.DataType:
    import numpy as np
    import pyarrow as pa

    if name in ("str", "string", "object"):
        return pa.string()
    try:
        return pa.from_numpy_dtype(np.dtype(name))
    except (TypeError, pa.ArrowException):
        raise DataError(f"{label}: {name!r} is no type of a column; try 'str', 'int32'.") from None
