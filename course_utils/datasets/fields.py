"""What each column of a release holds, and what makes a row one that cannot be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from course_utils.errors import DataError

Kind = Literal["id", "optional id", "time", "code", "flag", "rating", "name", "text"]
Scale = tuple[float, float, float]

# What Arrow takes for a number, where `int` and `float` take more: "1_0", "٣". Twenty digits hold
# every integer that fits, and `int` refuses to convert thousands.
INTEGER = re.compile(r"-?[0-9]{1,20}")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
BLANKS = " \t"  # that may surround a number

# Lowest and highest value of the kinds that are integers; they fit the dtypes in `DTYPES`.
RANGES: dict[Kind, tuple[int, int]] = {
    "id": (1, 2**31 - 1),
    "optional id": (1, 2**31 - 1),
    "time": (0, 2**63 - 1),
    "code": (0, 2**15 - 1),
    "flag": (0, 1),
}
DTYPES: dict[Kind, str] = {
    "id": "int32",
    "optional id": "Int32",
    "time": "int64",
    "code": "int16",
    "flag": "bool",
    "rating": "float32",
}


@dataclass(frozen=True)
class Column:
    """A column of a table: its name in the course, and what its fields hold."""

    name: str
    kind: Kind


def columns(**kinds: Kind) -> tuple[Column, ...]:
    """Write a table's columns as ``columns(user_id="id", rating="rating")``."""
    return tuple(Column(name, kind) for name, kind in kinds.items())


RATING = columns(user_id="id", movie_id="id", rating="rating", timestamp="time")
MOVIE = columns(movie_id="id", title="name", genres="name")
TAG = columns(user_id="id", movie_id="id", tag="text", timestamp="time")
LINK = columns(movie_id="id", imdb_id="text", tmdb_id="optional id")
USER_1M = columns(user_id="id", gender="name", age="code", occupation="code", zip_code="name")
USER_100K = columns(user_id="id", age="code", gender="name", occupation="name", zip_code="name")

# The flags of u.item in their order, which u.genre of the same release states.
GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
ITEM_100K = (
    *columns(movie_id="id", title="name", release="text", video_release="text", url="text"),
    *(Column(genre, "flag") for genre in GENRES_100K),
)


@lru_cache(maxsize=4096)  # genders, ages, genres and flags repeat in every row
def problem(kind: Kind, text: str, scale: Scale) -> str | None:
    """Say what is wrong with a field, to follow its value; None when it can be right.

    >>> problem("id", "12.5", scale=(1, 5, 1))
    'is not an integer'
    >>> problem("rating", "4.5", scale=(1, 5, 1))
    'is not on the scale of this release, 1 to 5 in steps of 1'
    >>> problem("rating", "4.5", scale=(0.5, 5, 0.5)) is None
    True
    """
    if kind in ("name", "text") and ("\n" in text or "\r" in text):
        return "runs on over the end of its line"
    if kind == "text" or (kind == "optional id" and text == ""):
        return None
    if kind == "name":
        return None if text.strip() else "is missing"
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


def checked_rows(
    rows: Iterable[tuple[int, list[str]]], wanted: tuple[Column, ...], scale: Scale, label: str
) -> Iterator[list[str]]:
    """Yield the fields of each row, or raise a `DataError` that names the first bad line.

    Parameters
    ----------
    rows
        Pairs of line number and fields.
    wanted
        The columns that each row must have.
    scale
        Lowest rating, highest rating, step.
    label
        The file, for the message.
    """
    for line, fields in rows:
        if fields in ([], [""]):
            raise bad_line(label, line, "a blank line")
        if len(fields) != len(wanted):
            names = ", ".join(column.name for column in wanted[:5])
            names += ", …" if len(wanted) > 5 else ""
            raise bad_line(
                label, line, f"{len(fields)} fields where {len(wanted)} belong ({names})"
            )
        for column, text in zip(wanted, fields, strict=True):
            if wrong := problem(column.kind, text, scale):
                raise bad_line(label, line, f"{column.name} {shown(text)} {wrong}")
        yield fields


def shown(text: str) -> str:
    """Return `text` for a message: quoted, and cut where it is as long as a file."""
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


def bad_line(label: str, line: int, what: str) -> DataError:
    """Return the error for a line that cannot be right."""
    return DataError(f"{label}, line {line}: {what}; mend that line or get the release again.")
