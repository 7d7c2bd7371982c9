"""Writing the sample in ML-1M's own format."""

import os
from collections.abc import Iterable
from pathlib import Path

from sample.films import Films
from sample.people import AGES, People


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write latin-1 lines beside `path`, then move them into place.

    A reader, or a build that is stopped half-way, never sees half a file.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes("".join(f"{line}\n" for line in lines).encode("latin-1"))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def movie_lines(films: Films) -> Iterable[str]:
    """Yield ``MovieID::Title::Genres``."""
    for number, film in zip(films.movie_id.tolist(), films.facts, strict=True):
        yield f"{number}::{film.title}::{'|'.join(film.genres)}"


def user_lines(people: People) -> Iterable[str]:
    """Yield ``UserID::Gender::Age::Occupation::Zip-code``."""
    columns = (people.gender, people.age, people.occupation, people.zip_code)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for user, (gender, age, occupation, zip_code) in enumerate(rows, start=1):
        yield f"{user}::{'MF'[gender]}::{AGES[age]}::{occupation}::{zip_code:05d}"


def rating_lines(rows: Iterable[tuple[int, int, int, int]]) -> Iterable[str]:
    """Yield ``UserID::MovieID::Rating::Timestamp``."""
    for user, movie, stars, second in rows:
        yield f"{user}::{movie}::{stars}::{second}"
