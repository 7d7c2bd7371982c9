"""From the bytes of a file to a tidy table: fast for millions of rows, exact everywhere.

Big tables (ratings, and all CSV) go through Arrow's reader, whose columns are then checked as
whole arrays. Only when something is wrong does a slow reader look for the line to name.
Small ``.dat`` and pipe-separated tables are read line by line: titles hold colons, so a reader
that splits at single characters corrupts them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pandas as pd

from course_utils.datasets.fields import (
    DTYPES,
    RANGES,
    Column,
    Scale,
    bad_line,
    checked_rows,
    problem,
    shown,
)
from course_utils.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

NO_SCALE: Scale = (0, 0, 1)  # for tables without ratings
HEXADECIMAL = re.compile(rb"(?:\A|[\n,:\t\" ])0[xX]")  # a field that Arrow takes for a number


def parse_delimited(
    data: bytes, wanted: tuple[Column, ...], label: str, *, delimiter: str, scale: Scale
) -> pd.DataFrame:
    """Parse numbers between ``::`` or tabs, without a header, as ratings.dat and u.data have them.

    ``::`` is read as two single colons with nothing between them: much faster than pandas'
    python engine (``make bench`` says how much), and right as long as every field is a number.
    """
    refuse_bytes(data, label)
    names: list[str] = []
    for column in wanted:
        names += [column.name, f"after {column.name}"] if delimiter == "::" else [column.name]
    names = names[:-1] if delimiter == "::" else names
    rows = _delimited_rows(data, delimiter)
    return _parse_arrow(
        data, wanted, label, rows, scale, names=names, delimiter=delimiter[0], quote=False
    )


def parse_csv(
    data: bytes, wanted: tuple[Column, ...], header: str, label: str, *, scale: Scale
) -> pd.DataFrame:
    """Parse a CSV file in UTF-8 whose first line must be `header`."""
    refuse_bytes(data, label)
    end = data.find(b"\n") + 1 or len(data)
    first = data[:end].decode("utf-8", "replace").rstrip("\r\n")
    if first != header:
        raise bad_line(label, 1, f"the header is {shown(first)} where {header!r} belongs")
    if end == len(data):
        raise DataError(f"{label} holds a header and no rows; get the release again.")
    names = [column.name for column in wanted]
    rows = _csv_rows(data, label)
    return _parse_arrow(data, wanted, label, rows, scale, names=names, delimiter=",", quote=True)


def parse_lines(
    data: bytes, wanted: tuple[Column, ...], label: str, *, delimiter: str, encoding: str
) -> pd.DataFrame:
    """Parse a small text table line by line: movies.dat, users.dat, u.item and their like."""
    refuse_bytes(data, label)
    rows = _split_lines(_decode(data, encoding, label), delimiter)
    if {len(fields) for fields in rows} != {len(wanted)}:
        _name_the_bad_line(enumerate(rows, start=1), wanted, NO_SCALE, label, "its fields")
    table = dict(zip((column.name for column in wanted), zip(*rows, strict=True), strict=True))
    if not all(_all_can_be_right(table[column.name], column) for column in wanted):
        _name_the_bad_line(enumerate(rows, start=1), wanted, NO_SCALE, label, "its values")
    return pd.DataFrame({column.name: _typed(table[column.name], column) for column in wanted})


def refuse_bytes(data: bytes, label: str) -> None:
    """Raise a `DataError` for a file that is empty, opens with a BOM or holds a NUL byte."""
    if not data or data.isspace():
        raise DataError(f"{label} is empty; get the release again.")
    if data.startswith(codecs.BOM_UTF8):
        raise bad_line(label, 1, "a byte-order mark, which no release has")
    position = data.find(b"\0")
    if position >= 0:
        raise bad_line(label, _line_of(data, position), "a NUL byte")


def _parse_arrow(
    data: bytes,
    wanted: tuple[Column, ...],
    label: str,
    rows: Iterator[tuple[int, list[str]]],
    scale: Scale,
    *,
    names: list[str],
    delimiter: str,
    quote: bool,
) -> pd.DataFrame:
    """Parse with Arrow; when that fails or a column cannot be right, name the line from `rows`."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    types = {name: pa.null() for name in names}  # between the colons of "::" stands nothing
    types |= {column.name: _arrow_type(column) for column in wanted}
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=int(quote)),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, quote_char='"' if quote else False, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=[""]),
        )
        wrong = [c.name for c in wanted if not _can_be_right(table[c.name], c, scale)]
        why = f"column {wrong[0]}" if wrong else ""
    except pa.ArrowInvalid as error:
        why = str(error)
    if quote and data.count(b'"') % 2:
        why = why or "a quote is not closed"
    if why:
        _name_the_bad_line(rows, wanted, scale, label, why)
    if (b"x" in data or b"X" in data) and HEXADECIMAL.search(data):
        deque(checked_rows(rows, wanted, scale, label), maxlen=0)
    return pd.DataFrame({column.name: _to_pandas(table[column.name], column) for column in wanted})


def _name_the_bad_line(
    rows: Iterable[tuple[int, list[str]]],
    wanted: tuple[Column, ...],
    scale: Scale,
    label: str,
    why: str,
) -> NoReturn:
    deque(checked_rows(rows, wanted, scale, label), maxlen=0)
    raise DataError(f"{label} cannot be read ({why}); get the release again.")


def _arrow_type(column: Column) -> pa.DataType:
    import pyarrow as pa

    if column.kind in ("name", "text"):
        return pa.string()
    return pa.type_for_alias(DTYPES[column.kind].lower().replace("float32", "float"))


def _can_be_right(values: pa.ChunkedArray, column: Column, scale: Scale) -> bool:
    """Check a whole column at once by the rules of `fields.problem`."""
    import pyarrow.compute as pc

    if column.kind in ("name", "text"):
        wrong = pc.match_substring_regex(values, r"[\r\n]")
        if column.kind == "name":
            wrong = pc.or_(wrong, pc.equal(pc.utf8_trim_whitespace(values), ""))
        return not pc.any(wrong).as_py()
    if column.kind != "optional id" and values.null_count:
        return False
    if column.kind == "rating":
        return not any(
            problem("rating", str(value), scale) for value in pc.unique(values).to_pylist()
        )
    lowest, _ = RANGES[column.kind]  # the highest is the dtype's, which Arrow has checked
    smallest = pc.min(values).as_py()
    return smallest is None or smallest >= lowest


def _to_pandas(values: pa.ChunkedArray, column: Column) -> object:
    if column.kind == "optional id":
        missing = np.asarray(values.is_null())
        return pd.arrays.IntegerArray(values.fill_null(0).to_numpy().copy(), missing)
    return values.to_pandas() if column.kind in ("name", "text") else values.to_numpy()


def _typed(texts: tuple[str, ...], column: Column) -> object:
    if column.kind in ("name", "text"):
        return pd.Series(list(texts))
    return np.array([int(text) for text in texts], dtype=DTYPES[column.kind])


def _all_can_be_right(texts: tuple[str, ...], column: Column) -> bool:
    """Check a column of texts by the rules of `fields.problem`, each different value once."""
    digits = "".join(texts)
    if column.kind in RANGES and digits.isascii() and digits.isdigit() and all(texts):
        lowest, highest = RANGES[column.kind]
        numbers = [*map(int, texts)] if max(map(len, texts)) < 20 else [highest + 1]
        return lowest <= min(numbers) and max(numbers) <= highest
    return not any(problem(column.kind, text, NO_SCALE) for text in set(texts))


def _split_lines(text: str, delimiter: str) -> list[list[str]]:
    """Return the fields of each line; a title may hold the delimiter's single colon."""
    lines = text.removesuffix("\n").split("\n")
    if "\r" in text:
        lines = [line.removesuffix("\r") for line in lines]
    return [line.split(delimiter) for line in lines]


def _delimited_rows(data: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    # latin-1 decodes anything, so a stray byte is shown as the wrong number that it makes
    yield from enumerate(_split_lines(data.decode("latin-1"), delimiter), start=1)


def _csv_rows(data: bytes, label: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(_decode(data, "utf-8", label), newline=""), strict=True)
    next(reader)
    line = 2
    try:
        for fields in reader:
            yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise bad_line(label, line, f"a quote that does not close its field ({error})") from None


def _decode(data: bytes, encoding: str, label: str) -> str:
    """Decode strictly, and refuse a latin-1 file that somebody saved again as UTF-8."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = _line_of(data, error.start)
        raise bad_line(label, line, f"byte 0x{data[error.start]:02x} is not {encoding}") from None
    if encoding == "latin-1" and not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return text
        line = _line_of(data, next(i for i, byte in enumerate(data) if byte > 127))
        raise DataError(
            f"{label}, line {line}: saved as UTF-8, but this release is published in latin-1, and "
            "titles would come out garbled; get the release again."
        )
    return text


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
