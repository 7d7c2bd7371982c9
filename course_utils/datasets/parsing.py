"""From the bytes of a file to a tidy table: fast for millions of rows, exact everywhere.

Every file goes through Arrow's CSV reader, whose columns are then validated as whole arrays. Only
when something is wrong does a slow reader go through the rows, to name the line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from course_utils.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["id", "optional id", "time", "date", "code", "flag", "rating", "name", "text"]
Columns = dict[str, Kind]  # the columns of a file in their order: name in the course, content
Scale = tuple[float, float, float]  # lowest rating, highest rating, step
Rows = Iterator[tuple[int, list[str]]]  # line number and fields

RATING: Columns = {"user_id": "id", "movie_id": "id", "rating": "rating", "timestamp": "time"}
MOVIE: Columns = {"movie_id": "id", "title": "name", "genres": "name"}
TAG: Columns = {"user_id": "id", "movie_id": "id", "tag": "text", "timestamp": "time"}
LINK: Columns = {"movie_id": "id", "imdb_id": "text", "tmdb_id": "optional id"}
USER_1M: Columns = {
    "user_id": "id", "gender": "name", "age": "code", "occupation": "code", "zip_code": "name",
}  # fmt: skip
USER_100K: Columns = {
    "user_id": "id", "age": "code", "gender": "name", "occupation": "name", "zip_code": "name",
}  # fmt: skip

# The flags of u.item in their order, which u.genre of the same release states.
GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
ITEM_100K: Columns = {
    "movie_id": "id", "title": "name", "release": "text", "video_release": "text", "url": "text",
    **dict.fromkeys(GENRES_100K, "flag"),
}  # fmt: skip

DTYPES: dict[Kind, str] = {
    "id": "int32",
    "optional id": "Int32",
    "time": "int64",
    "date": "timestamp[s]",  # of Arrow; the course has Unix seconds
    "code": "int16",
    "flag": "int8",
    "rating": "float32",
}
# Lowest and highest value of the kinds that are integers.
RANGES: dict[Kind, tuple[int, int]] = {
    "id": (1, 2**31 - 1),
    "optional id": (1, 2**31 - 1),
    "time": (0, 2**33),  # until the year 2242; milliseconds are more
    "date": (0, 2**33),
    "code": (0, 2**15 - 1),
    "flag": (0, 1),
}
# How files begin that have a wrong name, and what to do.
BEGINNINGS = {
    b"\x1f\x8b": "is compressed with gzip; unpack it with gunzip",
    b"PK\x03\x04": "is a zip archive or an Excel workbook; unpack it, or save it as CSV",
    b"PAR1": "is a Parquet file; write it as CSV",
    codecs.BOM_UTF16_LE: "is UTF-16; save it as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16; save it as UTF-8",
    b"version https://git-lfs": "is a pointer of Git LFS, not the file; fetch it with git lfs pull",
    b"<": "is a web page, not the file; download it in a browser and look at what it says",
}
NO_SCALE: Scale = (0, 0, 1)  # for tables without ratings

# The numbers that Arrow accepts; `int` and `float` accept more: "1_0", "٣". Twenty digits hold
# every integer that fits, and `int` refuses to convert thousands.
INTEGER = re.compile(r"-?[0-9]{1,20}")
TIME = re.compile(
    "(19[7-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([ T]"
    "([01][0-9]|2[0-3])(:[0-5][0-9]){1,2})?"
)
DATE = re.compile(rb',"?[0-9]{4}-[0-9]{2}-[0-9]{2}[^,]*$')  # the last field of a row
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
STRAY_QUOTE = re.compile(rb'[^,"\r\n]"[^,"\r\n]')  # Arrow reads on, and a title comes out wrong
BLANKS = " \t"  # may surround a number
# Stand-ins for "::" in text files, because Arrow needs a single character.
SEPARATORS = "\x1f\x1e\x1d\x1c"
# A field that Arrow reads as a number.
HEXADECIMAL = re.compile(rb"(?:\A|[\n,:\t\"\x1c-\x1f ])0[xX]")


def parse_delimited(
    data: bytes, wanted: Columns, label: str, *, delimiter: str, scale: Scale
) -> pd.DataFrame:
    """Parse a file of numbers without a header, as ratings.dat and u.data are.

    ``::`` is read as two single colons with an empty column between them. That is much faster than
    pandas' python engine (see ``make bench``), and right as long as every field is a number.
    `label` is the file's name for messages, `delimiter` ``"::"`` or a single character. The result
    has the dtypes of `DTYPES`; names and texts are str.

    Raises
    ------
    DataError
        For an empty file and for the first line that cannot be right.
    """
    _refuse_bytes(data, label)
    names = [*wanted]
    if delimiter == "::":
        names = [name for column in wanted for name in (column, f"after {column}")][:-1]
    # latin-1 decodes any byte, so a stray byte is shown as part of the wrong number
    rows = _delimited_rows(data, delimiter, "latin-1")
    return _parse(data, wanted, label, rows, scale, names=names, delimiter=delimiter[0])


def parse_lines(
    data: bytes, wanted: Columns, label: str, *, delimiter: str, encoding: str
) -> pd.DataFrame:
    """Parse a text file without a header: movies.dat, users.dat, tags.dat, u.item or u.user.

    A title may hold single colons and quotes. The arguments, the result and the errors are those
    of `parse_delimited`, with the file's `encoding`, which is decoded strictly.
    """
    _refuse_bytes(data, label)
    text = _decode(data, encoding, label)
    rows = _delimited_rows(data, delimiter, encoding)
    if text.count("\r") > text.count("\r\n"):  # Arrow would end a line at a single \r
        _refuse_bad_row(rows, wanted, NO_SCALE, label)
    separator = next((mark for mark in SEPARATORS if mark not in text), None)
    if separator is None:
        raise DataError(f"{label} cannot be read (control characters); get the release again.")
    data = text.replace(delimiter, separator).encode()
    return _parse(data, wanted, label, rows, NO_SCALE, names=[*wanted], delimiter=separator)


def parse_csv(
    data: bytes, wanted: Columns, header: str, label: str, *, scale: Scale
) -> pd.DataFrame:
    """Parse a CSV file in UTF-8 whose first line must be `header`; see `parse_delimited`."""
    _refuse_bytes(data, label)
    end = data.find(b"\n") + 1 or len(data)
    first = data[:end].decode("utf-8", "replace").rstrip("\r\n")
    if first not in (header, '"' + header.replace(",", '","') + '"'):
        commas = re.sub(r"[;\t|]", ",", first.replace('"', ""))
        hint = " (save it with commas)" if commas == header and "," not in first else ""
        raise bad_line(label, 1, f"the header is {_shown(first)} where {header!r} belongs{hint}")
    if end == len(data):
        raise DataError(f"{label} holds a header and no rows; get the release again.")
    if "timestamp" in wanted and DATE.search(data[end : end + 1000].split(b"\n")[0]):
        wanted = wanted | {"timestamp": "date"}
    rows = _csv_rows(data, label)
    return _parse(data, wanted, label, rows, scale, names=[*wanted], delimiter=",", is_csv=True)


def bad_line(label: str, line: int, what: str) -> DataError:
    """Return the error for a line that cannot be right."""
    return DataError(f"{label}, line {line}: {what}; mend that line or get the release again.")


def problem(kind: Kind, text: str, scale: Scale) -> str | None:
    """Say what is wrong with a field, to follow its value; None when it can be right.

    >>> problem("id", "12.5", scale=(1, 5, 1))
    'is not an integer'
    >>> problem("rating", "4.5", scale=(1, 5, 1))
    'is not on the scale of this release, 1 to 5 in steps of 1'
    """
    if kind in ("name", "text") and ("\n" in text or "\r" in text):
        return "runs on over the end of its line"
    if kind == "text" or (kind == "optional id" and text == ""):
        return None
    if kind == "name":
        return None if text.strip() else "is missing"
    if kind == "date":
        right = TIME.fullmatch(text) and pd.notna(pd.to_datetime(text, errors="coerce"))
        return None if right else "is no time such as 2005-04-02 23:53:47"
    text = text.strip(BLANKS)
    if text == "":
        return "is missing"
    if kind == "rating":
        return _rating_problem(text, scale)
    if not INTEGER.fullmatch(text):
        return "is not an integer"
    lowest, highest = RANGES[kind]
    return None if lowest <= int(text) <= highest else f"is not between {lowest} and {highest}"


def _rating_problem(text: str, scale: Scale) -> str | None:
    if not NUMBER.fullmatch(text):
        return "is not a number"
    low, high, step = scale
    value = float(text)
    if low <= value <= high and (value - low) % step == 0:
        return None
    return f"is not on the scale of this release, {low:g} to {high:g} in steps of {step:g}"


def _parse(
    data: bytes,
    wanted: Columns,
    label: str,
    rows: Rows,
    scale: Scale,
    *,
    names: list[str],
    delimiter: str,
    is_csv: bool = False,
) -> pd.DataFrame:
    """Parse with Arrow; when that fails or a column cannot be right, name the line from `rows`.

    `names` are the columns that Arrow sees. Those that are not `wanted` must be empty.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    types = {name: pa.null() for name in names}
    for name, kind in wanted.items():
        types[name] = pa.type_for_alias(DTYPES.get(kind, "string").lower())
    why = ""
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=int(is_csv)),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, quote_char='"' if is_csv else False, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=[""]),
        )
        for name, kind in wanted.items():
            if not why and not _can_be_right(table[name], kind, scale):
                why = f"column {name}"
    except pa.ArrowInvalid as error:
        why = str(error)
    if is_csv and data.count(b'"') % 2:
        why = why or "a quote is not closed"
    if is_csv and "rating" not in wanted and STRAY_QUOTE.search(data):
        why = why or "a quote in a field is not doubled"
    if why:
        _refuse_bad_row(rows, wanted, scale, label)
        raise DataError(f"{label} cannot be read ({why}); get the release again.")
    if (b"x" in data or b"X" in data) and HEXADECIMAL.search(data):
        _refuse_bad_row(rows, wanted, scale, label)
    return pd.DataFrame({name: _to_pandas(table[name], kind) for name, kind in wanted.items()})


def _can_be_right(values: pa.ChunkedArray, kind: Kind, scale: Scale) -> bool:
    """Apply the rules of `problem` to a whole column."""
    import pyarrow.compute as pc

    if kind in ("name", "text"):
        wrong = pc.match_substring_regex(values, r"[\r\n]")
        if kind == "name":
            wrong = pc.or_(wrong, pc.equal(pc.utf8_trim_whitespace(values), ""))
        return not pc.any(wrong).as_py()
    if kind != "optional id" and values.null_count:
        return False
    if kind == "rating":
        return not any(problem(kind, str(value), scale) for value in pc.unique(values).to_pylist())
    found = pc.min_max(values.cast("int64") if kind == "date" else values).as_py()
    lowest, highest = RANGES[kind]
    return found["min"] is None or lowest <= found["min"] <= found["max"] <= highest


def _to_pandas(values: pa.ChunkedArray, kind: Kind) -> object:
    if kind == "optional id":
        missing = np.asarray(values.is_null())
        return pd.arrays.IntegerArray(values.fill_null(0).to_numpy().copy(), missing)
    if kind == "date":
        return values.cast("int64").to_numpy()
    return values.to_pandas() if kind in ("name", "text") else values.to_numpy()


def _refuse_bytes(data: bytes, label: str) -> None:
    """Raise a `DataError` for a file that is empty, of another kind, or opens with a BOM."""
    if not data or data.isspace():
        raise DataError(f"{label} is empty; get the release again.")
    if data.startswith(codecs.BOM_UTF8):
        raise bad_line(label, 1, "a byte-order mark, which no release has")
    for beginning, what in BEGINNINGS.items():
        if data[:200].lstrip().startswith(beginning):
            raise DataError(f"{label} {what}.")
    position = data.find(b"\0")
    if position >= 0:
        raise bad_line(label, _line_of(data, position), "a NUL byte")


def _refuse_bad_row(rows: Rows, wanted: Columns, scale: Scale, label: str) -> None:
    """Raise a `DataError` that names the first line that cannot be right, if there is one."""
    wrong_with = lru_cache(maxsize=4096)(problem)  # values repeat from row to row
    for line, fields in rows:
        if fields in ([], [""]):
            raise bad_line(label, line, "a blank line")
        if len(fields) != len(wanted):
            names = ", ".join([*wanted][:5]) + (", …" if len(wanted) > 5 else "")
            raise bad_line(
                label, line, f"{len(fields)} fields where {len(wanted)} belong ({names})"
            )
        for (name, kind), text in zip(wanted.items(), fields, strict=True):
            if wrong := wrong_with(kind, text, scale):
                raise bad_line(label, line, f"{name} {_shown(text)} {wrong}")


def _delimited_rows(data: bytes, delimiter: str, encoding: str) -> Rows:
    lines = data.decode(encoding).removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        yield number, line.removesuffix("\r").split(delimiter)


def _csv_rows(data: bytes, label: str) -> Rows:
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
    """Decode strictly, and refuse a latin-1 file that was saved again as UTF-8."""
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


def _shown(text: str) -> str:
    """Return `text` for a message: quoted, and cut where it is as long as a file."""
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
