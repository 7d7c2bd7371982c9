"""The generator at other sizes: exact counts, three layouts, the same for any number of workers."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit
from tools.sample import activity, exposure, files, make, world
from tools.sample.catalogue import read_catalogue
from tools.sample.chance import Chance
from tools.sample.films import START
from tools.sample.inventions import enough_films
from tools.sample.sizes import Size, SizeError

SMALL = Size(users=61, items=203, ratings=2_977)  # fewer films than the catalogue
LARGE = Size(users=1_237, items=1_511, ratings=87_641)  # more
CROWDED = Size(users=23, items=25, ratings=560)  # nearly everybody rates nearly everything


def simulated(size: Size, **options) -> pd.DataFrame:
    here = world.build_world(size, seed=7)
    parts = list(world.all_ratings(here, **options))
    names = ("user_id", "movie_id", "stars", "timestamp")
    return pd.DataFrame(
        {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def made(folder: Path, size: Size, layout: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `size`, load it again and return ratings and movies."""
    name = {"dat": "ml-1m", "csv": "ml-32m", "parquet": "any"}[layout]
    make.make_sample(folder / name, size, seed=7, layout=layout)
    if layout == "parquet":
        tables = [pd.read_parquet(folder / name / f"{t}.parquet") for t in ("ratings", "movies")]
        return tables[0], tables[1]
    loaded = load_movielens(name, data_home=folder, download=False)
    return loaded.ratings, loaded.movies


# ---------------------------------------------------------------- exact counts, readable files


@pytest.mark.parametrize("layout", files.LAYOUTS)
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
def test_counts_are_exact_and_the_package_reads_the_files(tmp_path, size, layout):
    ratings, movies = made(tmp_path, size, layout)
    assert (len(movies), len(ratings)) == (size.items, size.ratings)
    assert set(ratings["user_id"]) == set(range(1, size.users + 1))
    assert not ratings.duplicated(["user_id", "movie_id"]).any()
    assert ratings.groupby("user_id").size().min() >= 20
    assert ratings["movie_id"].isin(movies["movie_id"]).all()
    assert set(ratings["rating"]) == {1, 2, 3, 4, 5}
    assert encode(to_implicit(ratings)).matrix.nnz == (ratings["rating"] >= 4).sum()


def test_the_layouts_hold_the_same_ratings(tmp_path):
    order = ["user_id", "movie_id"]
    dat, csv, parquet = (
        made(tmp_path / layout, SMALL, layout)[0].sort_values(order, ignore_index=True)
        for layout in files.LAYOUTS
    )
    pd.testing.assert_frame_equal(dat, csv)
    pd.testing.assert_frame_equal(dat, parquet)


def test_csv_and_parquet_are_in_order_of_user_and_movie_and_dat_is_not(tmp_path):
    for layout in files.LAYOUTS:
        ratings, _ = made(tmp_path / layout, SMALL, layout)
        pairs = ratings["user_id"] * 1_000_000 + ratings["movie_id"]
        assert pairs.is_monotonic_increasing == (layout != "dat")


def test_parquet_has_the_types_of_the_course(tmp_path):
    make.make_sample(tmp_path / "p", SMALL, layout="parquet")
    tables = {t: pd.read_parquet(tmp_path / "p" / f"{t}.parquet") for t in ("ratings", "users")}
    assert [str(t) for t in tables["ratings"].dtypes] == ["int32", "int32", "float32", "int64"]
    assert list(tables["users"]) == ["user_id", "gender", "age", "occupation", "zip_code"]
    assert len(tables["users"]) == SMALL.users


def test_parquet_is_written_in_row_groups(tmp_path, monkeypatch):
    from pyarrow.parquet import ParquetFile

    monkeypatch.setattr(files, "ROW_GROUP", 10_000)
    make.make_sample(tmp_path / "p", LARGE, layout="parquet")
    with ParquetFile(tmp_path / "p" / "ratings.parquet") as file:
        assert file.num_row_groups > 1


def test_a_made_folder_says_that_it_is_simulated(tmp_path):
    make.make_sample(tmp_path / "out", SMALL)
    assert (tmp_path / "out" / "README.txt").read_text().startswith("SIMULATED")


# ---------------------------------------------------------------- people and films


def test_a_crowded_size_is_exact_too():
    ratings = simulated(CROWDED)
    assert len(ratings) == CROWDED.ratings
    assert not ratings.duplicated(["user_id", "movie_id"]).any()


def test_everybody_can_rate_everything():
    ratings = simulated(Size(users=21, items=20, ratings=420))
    assert (ratings.groupby("user_id")["movie_id"].nunique() == 20).all()


@pytest.mark.parametrize("n_ratings", [20_000, 20_001, 100_000, 299_999, 300_000])
def test_activities_add_up(n_ratings):
    rated = activity.activities(1_000, 300, n_ratings, seed=1)
    assert rated.sum() == n_ratings
    assert rated.min() >= 20
    assert rated.max() <= 300


def test_made_up_films_are_visibly_made_up_and_unique():
    catalogue = read_catalogue()
    films = enough_films(catalogue, 20_000, seed=3)
    assert films[: len(catalogue)] == catalogue
    invented = films[len(catalogue) :]
    assert all(
        re.fullmatch(r"Made-up [A-Z][A-Za-z ]+ \d{5}, The \(\d{4}\)", f.title) for f in invented
    )
    assert not any(film.title.startswith("Made-up") for film in catalogue)
    assert len({film.title for film in films}) == 20_000
    assert all(f"({film.year})" in film.title and film.genres for film in invented)
    assert np.mean([f.fame for f in invented]) < np.mean([f.fame for f in catalogue]) / 2


def test_fewer_films_are_some_of_the_catalogue():
    catalogue = read_catalogue()
    films = enough_films(catalogue, 100, seed=3)
    assert len({film.title for film in films}) == 100
    assert set(films) <= set(catalogue)
    assert films != enough_films(catalogue, 100, seed=4)


def test_no_film_is_rated_before_it_appears():
    here = world.build_world(LARGE, seed=7)
    appears = pd.Series(here.films.appears, index=here.films.movie_id)
    ratings = simulated(LARGE)
    assert (ratings["timestamp"] >= ratings["movie_id"].map(appears)).all()
    assert (appears > START).any()


def test_coming_across_a_part_of_the_films_is_much_like_looking_at_all(monkeypatch):
    def counts() -> np.ndarray:
        found = simulated(Size(users=800, items=1_300, ratings=40_000))["movie_id"].value_counts()
        return found.reindex(range(1, 6_000), fill_value=0).to_numpy()

    part = counts()
    monkeypatch.setattr(exposure, "EXTRA_GLANCES", 100_000)
    whole = counts()
    assert np.corrcoef(part, whole)[0, 1] > 0.97
    assert abs(np.sort(part)[-100:].sum() / np.sort(whole)[-100:].sum() - 1) < 0.05


def test_nothing_is_come_across_twice_nor_before_it_appears():
    here = world.build_world(LARGE, seed=7)
    often = exposure.fame_tables()[1][here.films.fame]
    last = here.sittings.last()[:200]
    looks = np.full(200, 400)
    person, film = exposure.considered(looks, often, last, here.films, Chance(1, "test"))
    assert len(set(zip(person, film, strict=True))) == len(film)
    assert np.bincount(person).max() <= 400
    assert (here.films.appears[film] <= last[person]).all()


# ---------------------------------------------------------------- processes


def test_one_process_and_two_give_the_same_bytes(tmp_path):
    assert len(world.build_world(LARGE, seed=7).parts()) > 2
    contents = []
    for processes in (1, 2):
        out = tmp_path / str(processes)
        make.make_sample(out, LARGE, layout="dat", processes=processes)
        contents.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert contents[0] == contents[1]


def test_parts_cover_everybody_once():
    parts = world.build_world(LARGE, seed=7).parts()
    covered = [person for rows in parts for person in range(rows.start, rows.stop)]
    assert covered == list(range(LARGE.users))


def test_no_two_parts_share_their_random_numbers(monkeypatch):
    asked = []

    def noted(*key):
        asked.append(key)
        return Chance(*key)

    here = world.build_world(LARGE, seed=7)
    monkeypatch.setattr(world, "Chance", noted)
    list(world.all_ratings(here))
    assert len(asked) == 4 * len(here.parts())
    drawn = {tuple(Chance(*key).raw(4).tolist()) for key in asked}
    assert len(drawn) == len(asked)


# ---------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("size", "complaint"),
    [
        (Size(10, 100, 199), "--ratings 199 is too few: 10 users with at least 20"),
        (Size(10, 100, 1_001), "--ratings 1001 is too many: 10 users and 100 items"),
        (Size(10, 19, 190), "--items 19: everybody rates at least 20 films"),
        (Size(0, 100, 100), "--users 0: there must be at least one"),
        (Size(10, -1, 200), "--items -1: there must be at least one"),
        (Size(10, 2_000_000, 200), "too many: at most"),
    ],
)
def test_a_size_that_cannot_be_is_refused_in_one_sentence(size, complaint):
    with pytest.raises(SizeError, match=re.escape(complaint)) as refusal:
        world.build_world(size, seed=1)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("--users 10", "data/sample has its own size"),
        ("--format csv", "data/sample has its own size"),
        ("--seed -1 --out x", "--seed -1"),
        ("--processes 0 --out x", "--processes 0"),
        ("--users 10 --ratings 5 --out x", "too few"),
        (f"--out {Path(__file__)}", "is a file"),
    ],
)
def test_bad_arguments_cost_one_sentence(given, complaint, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert make.main(given.split()) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- all or nothing


@pytest.mark.parametrize("layout", files.LAYOUTS)
@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError, OSError])
def test_a_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch, layout, failure):
    rate = world.rate

    def fails_at_the_third_part(here, number, rows, by_movie):
        if number == 2:
            raise failure
        return rate(here, number, rows, by_movie)

    monkeypatch.setattr(world, "rate", fails_at_the_third_part)
    with pytest.raises(failure):
        make.make_sample(tmp_path / "out", LARGE, layout=layout)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_files(tmp_path, monkeypatch):
    make.make_sample(tmp_path / "out", SMALL)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def fails(*_):
        raise OSError("no space left")

    monkeypatch.setattr(files, "write_ratings", fails)
    given = f"--users 70 --items 203 --ratings 2977 --out {tmp_path / 'out'}"
    assert make.main(given.split()) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def heeds_ctrl_c():
    """Undo what `make test &` in a script hands down: a process that ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_a_signal_leaves_nothing_and_no_process(tmp_path, repository_root, number):
    run = subprocess.Popen(
        [sys.executable, "-m", "tools.sample.make", "--users", "20000",
         "--items", "5000", "--ratings", "2000000", "--out", tmp_path / "out"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".out-*.tmp/ratings.dat")) and time.monotonic() < deadline:
        time.sleep(0.02)
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # as a terminal does: everybody gets it
    else:
        run.send_signal(number)
    said = run.communicate(timeout=20)[1]
    assert said == "Stopped; nothing was written.\n"
    assert run.returncode == 130
    assert list(tmp_path.iterdir()) == []
    while group_lives(run.pid) and time.monotonic() < deadline:
        time.sleep(0.02)  # multiprocessing's own helper takes a moment to notice
    assert not group_lives(run.pid)


def group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True
