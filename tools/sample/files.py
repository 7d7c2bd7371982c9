"""Writing what was simulated: ML-1M's `.dat`, the later releases' `.csv`, or Parquet."""

import csv
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from tools.sample.people import AGES
from tools.sample.world import Ratings, World

LAYOUTS = ("dat", "csv", "parquet")
ROW_GROUP = 1 << 20  # ratings written at once

README = """\
SIMULATED. No person in these files exists, and no rating in them was ever given.

{users:,} users and {items:,} movies, seed {seed}, made by tools/sample/make.py of a course on
recommender systems. The files have the format of a MovieLens release and nothing else of it.
Movies called "Made-up ..." do not exist either. For timing and testing, not for conclusions.
"""


@contextmanager
def folder_in_one_go(out: Path) -> Iterator[Path]:
    """Yield a folder beside `out` to write to; its files move to `out` when all are written.

    Whatever goes wrong before, Ctrl-C included, leaves `out` as it was.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", suffix=".tmp", dir=out.parent))
    try:
        yield beside
        out.mkdir(exist_ok=True)
        for path in sorted(beside.iterdir()):
            os.replace(path, out / path.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_world(world: World, ratings: Iterable[Ratings], folder: Path, layout: str) -> None:
    """Write every table into `folder`.

    Parameters
    ----------
    world : World
        Whose films and people are written.
    ratings : iterable of Ratings
        Written as they come, and never held in memory all at once.
    folder : Path
        It must exist.
    layout : str
        One of `LAYOUTS`.
    """
    if layout == "dat":
        write_lines(folder / "movies.dat", movie_lines(world))
        write_lines(folder / "users.dat", user_lines(world))
        write_ratings(folder / "ratings.dat", ratings)
    elif layout == "csv":
        write_csv_tables(folder, world)
        write_ratings(folder / "ratings.csv", ratings)
    else:
        pq.write_table(movie_table(world), folder / "movies.parquet")
        pq.write_table(user_table(world), folder / "users.parquet")
        write_ratings(folder / "ratings.parquet", ratings)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write latin-1 lines."""
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("latin-1"))


def movie_lines(world: World) -> Iterator[str]:
    """Yield ``MovieID::Title::Genres``."""
    for number, film in zip(world.films.movie_id.tolist(), world.films.facts, strict=True):
        yield f"{number}::{film.title}::{'|'.join(film.genres)}"


def user_lines(world: World) -> Iterator[str]:
    """Yield ``UserID::Gender::Age::Occupation::Zip-code``."""
    people = world.people
    columns = (people.gender, people.age, people.occupation, people.zip_code)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for user, (gender, age, occupation, zip_code) in enumerate(rows, start=1):
        yield f"{user}::{'MF'[gender]}::{AGES[age]}::{occupation}::{zip_code:05d}"


def write_csv_tables(folder: Path, world: World) -> None:
    """Write movies.csv, and the two files that such a release must have: links.csv, tags.csv.

    Nobody tagged anything and no film has a page elsewhere, so there is one tag that says so,
    and every link is 0000000.
    """
    movies = [
        # The later releases dropped the 's.
        (number, film.title, "|".join(film.genres).replace("Children's", "Children"))
        for number, film in zip(world.films.movie_id.tolist(), world.films.facts, strict=True)
    ]
    tables: dict[str, tuple[str, Iterable[tuple[Any, ...]]]] = {
        "movies": ("movieId,title,genres", movies),
        "links": ("movieId,imdbId,tmdbId", ((movie[0], "0000000", "") for movie in movies)),
        "tags": (
            "userId,movieId,tag,timestamp",
            [(1, movies[0][0], "simulated", int(world.sittings.start[0, 0]))],
        ),
    }
    for name, (header, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            file.write(f"{header}\n")
            csv.writer(file, lineterminator="\n").writerows(rows)


def movie_table(world: World) -> pa.Table:
    """Return movie_id, title, genres, year."""
    facts = world.films.facts
    return pa.table(
        {
            "movie_id": pa.array(world.films.movie_id, pa.int32()),
            "title": [film.title for film in facts],
            "genres": ["|".join(film.genres) for film in facts],
            "year": pa.array([film.year for film in facts], pa.int16()),
        }
    )


def user_table(world: World) -> pa.Table:
    """Return user_id, gender, age, occupation, zip_code."""
    people = world.people
    return pa.table(
        {
            "user_id": pa.array(range(1, len(people) + 1), pa.int32()),
            "gender": ["MF"[gender] for gender in people.gender],
            "age": pa.array(np.array(AGES)[people.age], pa.int16()),
            "occupation": pa.array(people.occupation, pa.int16()),
            "zip_code": [f"{zip_code:05d}" for zip_code in people.zip_code],
        }
    )


def write_ratings(path: Path, ratings: Iterable[Ratings]) -> None:
    """Write ratings as they come; the name of the file says in which layout."""
    columns = {".dat": dat_columns, ".csv": csv_columns, ".parquet": parquet_columns}[path.suffix]
    with path.open("wb") as file:
        if path.suffix == ".csv":
            file.write(b"userId,movieId,rating,timestamp\n")
        writer: Any = None
        for table in grouped(pa.table(columns(part)) for part in ratings):
            writer = writer or open_writer(file, table.schema, path.suffix)
            writer.write_table(table)
        writer.close()


def open_writer(file: Any, schema: pa.Schema, suffix: str) -> Any:
    """Return a writer of Arrow tables."""
    if suffix == ".parquet":
        return pq.ParquetWriter(file, schema)
    options = arrow_csv.WriteOptions(
        include_header=False, delimiter=":" if suffix == ".dat" else ",", quoting_style="none"
    )
    return arrow_csv.CSVWriter(file, schema, write_options=options)


def grouped(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows in tables of about `ROW_GROUP`."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(len(table) for table in waiting) >= ROW_GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def dat_columns(part: Ratings) -> dict[str, Any]:
    """Return ratings.dat's columns: between two single colons stands an empty one."""
    empty = pa.nulls(len(part), pa.int8())
    return {
        "user_id": part.user_id, "1": empty, "movie_id": part.movie_id, "2": empty,
        "rating": part.stars, "3": empty, "timestamp": part.timestamp,
    }  # fmt: skip


def csv_columns(part: Ratings) -> dict[str, Any]:
    """Return ratings.csv's columns: stars are written 4.0 there."""
    stars = pa.array([f"{stars}.0" for stars in range(6)])
    return {
        "user_id": part.user_id, "movie_id": part.movie_id,
        "rating": stars.take(pa.array(part.stars)), "timestamp": part.timestamp,
    }  # fmt: skip


def parquet_columns(part: Ratings) -> dict[str, Any]:
    """Return the columns of the course's tidy table, in its types."""
    return {
        "user_id": part.user_id, "movie_id": part.movie_id,
        "rating": part.stars.astype(np.float32), "timestamp": part.timestamp,
    }  # fmt: skip
