"""Loading 1,000,209 rows between `::`: pandas, polars and `load_movielens`, cold and from cache."""

from __future__ import annotations

import shutil
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from timing import best_of, print_table

from course_utils.datasets import RELEASES, load_movielens
from course_utils.datasets.parsing import RATING, parse_delimited
from course_utils.errors import CourseWarning

N_RATINGS, N_USERS, N_ITEMS = 1_000_209, 6_040, 3_706  # ml-1m's shape
NAMES = ["user_id", "movie_id", "rating", "timestamp"]


def write_release(folder: Path) -> None:
    """Write made-up ratings in ml-1m's format and shape: each (user, movie) pair once."""
    rng = np.random.default_rng(0)
    cells = np.unique(rng.integers(0, N_USERS * N_ITEMS, int(1.1 * N_RATINGS)))
    cells = rng.permutation(cells)[:N_RATINGS]
    cells = cells[np.argsort(cells // N_ITEMS, kind="stable")]  # by user, as ml-1m has them
    user, movie = cells // N_ITEMS + 1, cells % N_ITEMS + 1
    stars, time = rng.integers(1, 6, N_RATINGS), rng.integers(956_703_932, 1_046_454_590, N_RATINGS)
    rows = zip(user.tolist(), movie.tolist(), stars.tolist(), time.tolist(), strict=True)
    folder.mkdir()
    (folder / "ratings.dat").write_text("".join(f"{u}::{m}::{s}::{t}\n" for u, m, s, t in rows))
    (folder / "movies.dat").write_text(
        "".join(f"{m}::Made-up Film, A: Part {m} (1999)::Drama\n" for m in range(1, N_ITEMS + 1))
    )
    (folder / "users.dat").write_text(
        "".join(f"{u}::F::25::0::00000\n" for u in range(1, N_USERS + 1))
    )


def run() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        write_release(home / "ml-1m")
        ratings = home / "ml-1m" / "ratings.dat"
        zipped = home / "zipped"
        zipped.mkdir()
        with zipfile.ZipFile(zipped / "ml-1m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted((home / "ml-1m").iterdir()):
                archive.write(file, f"ml-1m/{file.name}")

        def first_load_of_the_archive() -> None:
            shutil.rmtree(zipped / ".parsed", ignore_errors=True)
            load_movielens("ml-1m", data_home=zipped)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CourseWarning)  # the archive is not the published one
            seconds = {
                "pandas, python engine": best_of(3, lambda: _pandas_python(ratings)),
                "pandas, C engine": best_of(15, lambda: _pandas_c(ratings)),
                "polars": best_of(15, lambda: _polars(ratings)),
                "course_utils, ratings.dat alone": best_of(15, lambda: _ours(ratings)),
                "load_movielens, folder": best_of(
                    15, lambda: load_movielens("ml-1m", data_home=home)
                ),
                "load_movielens, archive, first time": best_of(5, first_load_of_the_archive),
                "load_movielens, archive, again": best_of(
                    15, lambda: load_movielens("ml-1m", data_home=zipped)
                ),
            }
    print_table(
        f"{N_RATINGS:,} ratings between `::`. The peers read ratings.dat and check nothing; the "
        "course checks\nevery field, and load_movielens reads movies and users too.",
        seconds,
        baseline="pandas, python engine",
    )


def _pandas_python(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="::", engine="python", header=None, names=NAMES)


def _pandas_c(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep=":", header=None, usecols=[0, 2, 4, 6])


def _polars(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, separator=":", has_header=False, columns=[0, 2, 4, 6])


def _ours(path: Path) -> pd.DataFrame:
    scale = RELEASES["ml-1m"].scale
    return parse_delimited(path.read_bytes(), RATING, path.name, delimiter="::", scale=scale)
