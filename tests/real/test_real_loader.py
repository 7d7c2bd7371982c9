"""The loader on real MovieLens: ml-latest-small, the edition of September 2018."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_utils.datasets import MovieLens, load_movielens

COLUMNS = {"userId": "user_id", "movieId": "movie_id", "imdbId": "imdb_id", "tmdbId": "tmdb_id"}


@pytest.fixture(scope="module")
def folder(repository_root: Path) -> Path:
    """Return the folder of the real release, wherever this machine has it."""
    shared = repository_root.parent / "shared" / "data"
    for place in (os.environ.get("COURSE_DATA_DIR"), shared):
        if place and (Path(place) / "ml-latest-small").is_dir():
            return Path(place) / "ml-latest-small"
    pytest.skip(f"no ml-latest-small/ in COURSE_DATA_DIR or {shared}")


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def ml(folder: Path) -> MovieLens:
    """Load it, and see that the files are the same afterwards and nothing joined them."""
    before = digests(folder)
    loaded = load_movielens("ml-latest-small", data_home=folder.parent, download=False)
    assert digests(folder) == before
    return loaded


def test_counts_are_the_published_ones(ml: MovieLens) -> None:
    assert len(ml.ratings) == 100_836
    assert len(ml.movies) == 9_742
    assert ml.ratings["user_id"].nunique() == 610
    assert len(ml.tags) == 3_683
    assert len(ml.links) == 9_742
    assert ml.users is None
    assert repr(ml) == "MovieLens('ml-latest-small': 100,836 ratings, 9,742 movies, 610 users)"


def test_known_values(ml: MovieLens) -> None:
    movies = ml.movies.set_index("movie_id")
    assert movies.loc[1, ["title", "year"]].tolist() == ["Toy Story (1995)", 1995]
    assert movies.loc[1, "genres"] == "Adventure|Animation|Children|Comedy|Fantasy"
    assert movies.loc[11, "title"] == "American President, The (1995)"
    links = ml.links.set_index("movie_id")
    assert links.loc[1, ["imdb_id", "tmdb_id"]].tolist() == ["0114709", 862]
    assert set(ml.links["imdb_id"].str.len()) <= {7, 8}  # no leading zero is lost
    assert ml.links["tmdb_id"].isna().sum() == 8
    assert round(float(ml.ratings["rating"].mean()), 2) == 3.50
    assert ml.ratings.iloc[0].tolist() == [1, 1, 4.0, 964982703]
    assert ml.ratings.iloc[-1].tolist() == [610, 170875, 3.0, 1493846415]


def test_years_are_those_that_titles_end_in(ml: MovieLens) -> None:
    """By other means than the loader's: the last four digits in brackets, by Python's own `re`."""
    for title, year in zip(ml.movies["title"], ml.movies["year"], strict=True):
        found = re.findall(r"\((\d{4})[^()]*\)", title)
        assert (found or [None])[-1] == (None if pd.isna(year) else str(year)), title
    assert ml.movies["year"].isna().sum() == 12
    assert (ml.movies["year"].min(), ml.movies["year"].max()) == (1902, 2018)


@pytest.mark.parametrize("table", ["ratings", "movies", "tags", "links"])
def test_pandas_reads_the_same(table: str, ml: MovieLens, folder: Path) -> None:
    wanted = pd.read_csv(
        folder / f"{table}.csv",
        dtype={"imdbId": str, "tmdbId": "Int32", "tag": str},
        keep_default_na=table == "links",
    ).rename(columns=COLUMNS)
    read = getattr(ml, table).drop(columns="year", errors="ignore")
    assert read.columns.tolist() == wanted.columns.tolist()
    pd.testing.assert_frame_equal(read, wanted, check_dtype=False)


def test_dtypes_are_the_promised_ones(ml: MovieLens) -> None:
    types = {column: str(dtype) for column, dtype in ml.ratings.dtypes.items()}
    assert types == {
        "user_id": "int32", "movie_id": "int32", "rating": "float32", "timestamp": "int64"
    }  # fmt: skip
    assert str(ml.movies.dtypes["year"]) == "Int16"
    assert str(ml.links.dtypes["tmdb_id"]) == "Int32"
    assert np.issubdtype(ml.tags.dtypes["timestamp"], np.int64)
    assert all(isinstance(title, str) for title in ml.movies["title"])
