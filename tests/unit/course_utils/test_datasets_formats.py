"""Every release, in a folder and in a zip, comes back as the same tables."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
import releases_writer as writer
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from course_utils.datasets import (
    RELEASES,
    MovieLens,
    describe,
    load_movielens,
    loader,
    parsing,
    requested_name,
)
from course_utils.datasets.loader import YEAR
from course_utils.datasets.parsing import parse_csv, parse_delimited, parse_lines
from course_utils.errors import CourseError, DataError

WHOLE, HALF = (1.0, 5.0, 1.0), (0.5, 5.0, 0.5)


def assert_is_small(ml: MovieLens) -> None:
    """Compare every table of `ml`, dtypes included, with what was written."""
    for table, frame in writer.expected(ml.name).items():
        if frame is None:
            assert getattr(ml, table) is None, table
        else:
            assert_frame_equal(getattr(ml, table), frame)


@pytest.mark.parametrize("name", writer.NAMES)
def test_a_folder_comes_back_as_written(name: str, tmp_path: Path) -> None:
    writer.write_folder(name, tmp_path)
    ml = load_movielens(name, data_home=tmp_path, download=False)
    assert ml.name == name
    assert_is_small(ml)


@pytest.mark.usefixtures("trust_archives")
@pytest.mark.parametrize("name", writer.NAMES)
def test_a_zip_comes_back_as_written(name: str, tmp_path: Path) -> None:
    writer.write_zip(name, tmp_path)
    assert_is_small(load_movielens(name, data_home=tmp_path, download=False))
    assert_is_small(load_movielens(name, data_home=tmp_path, download=False))  # from the cache


@pytest.mark.parametrize("name", writer.NAMES)
def test_crlf_and_no_last_newline_change_nothing(name: str, tmp_path: Path) -> None:
    for file, data in writer.files(name).items():
        crlf = data.replace(b"\n", b"\r\n")
        writer.write_folder(name, tmp_path / "crlf", {file: crlf})
        writer.write_folder(name, tmp_path / "open", {file: data.removesuffix(b"\n")})
    assert_is_small(load_movielens(name, data_home=tmp_path / "crlf"))
    assert_is_small(load_movielens(name, data_home=tmp_path / "open"))


def test_the_tests_cover_every_release() -> None:
    assert set(writer.NAMES) | {"sample"} == set(RELEASES)


def test_the_sample_is_in_the_layout_of_ml_1m(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "sample_folder", lambda: writer.write_folder("ml-1m", tmp_path))
    ml = load_movielens()
    assert ml.name == "sample"
    assert_frame_equal(ml.ratings, writer.expected("ml-1m")["ratings"])
    assert_frame_equal(ml.users, writer.expected("ml-1m")["users"])


@pytest.mark.parametrize("folder", ["ml-10m", "ml-10M100K"])
def test_ml_10m_may_lie_in_either_folder(folder: str, tmp_path: Path) -> None:
    writer.write_folder("ml-10m", tmp_path).rename(tmp_path / folder)
    assert_is_small(load_movielens("ml-10m", data_home=tmp_path))


def test_a_film_without_flags_is_of_unknown_genre(tmp_path: Path) -> None:
    items = writer.files("ml-100k")["u.item"].replace(b"|1|0|0\n", b"|0|0|0\n")
    blank = b"5|Nothing (1999)||||" + b"|".join([b"0"] * 19) + b"\n"
    writer.write_folder("ml-100k", tmp_path, {"u.item": items + blank})
    movies = load_movielens("ml-100k", data_home=tmp_path).movies.set_index("movie_id")
    assert movies.loc[5, "genres"] == "unknown"
    assert movies.loc[3, "genres"] == "Action|Sci-Fi"  # its Thriller was switched off


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Death Note (2006–2007)", 2006),
        ("Fawlty Towers (1975-1979)", 1975),
        ("Big Bang Theory, The (2007-)", 2007),
        ("Adventure Time (2009– )", 2009),
        ("9 (2009)  ", 2009),
        ("Movie (1980) (1999)", 1999),
        ("1984 (Nineteen Eighty-Four)", None),
        ("Babylon 5", None),
        ("Half (199)", None),
        ("(1995) first", None),
        ("Nile (١٩٩٥)", None),  # digits, though not those of the releases
    ],
)
def test_the_year_is_the_one_that_ends_the_title(title: str, year: int | None) -> None:
    found = pd.Series([title]).str.extract(YEAR, expand=False)
    assert found.isna().all() if year is None else int(found[0]) == year


def test_no_title_with_a_year_is_no_trouble(tmp_path: Path) -> None:
    movies = b"".join(b"%d::Untitled::Drama\n" % i for i in (1, 3, 11, 2_147_483_647))
    writer.write_folder("ml-1m", tmp_path, {"movies.dat": movies})
    year = load_movielens("ml-1m", data_home=tmp_path).movies["year"]
    assert year.dtype == "Int16"
    assert year.isna().all()


def test_tables_are_the_readers_own(tmp_path: Path) -> None:
    folder = writer.write_folder("ml-1m", tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    ml = load_movielens("ml-1m", data_home=tmp_path)
    for column in ("rating", "movie_id", "timestamp"):
        ml.ratings.loc[0, column] = 2  # fails where a column is a view of Arrow's read-only memory
    assert ml.ratings.loc[0, ["rating", "movie_id", "timestamp"]].tolist() == [2, 2, 2]
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_names_are_checked_and_default_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert requested_name() == "sample"
    writer.write_folder("ml-latest", tmp_path)
    monkeypatch.setenv("COURSE_DATASET", "ml-latest")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    assert requested_name() == "ml-latest"
    assert_is_small(load_movielens(download=False))
    assert repr(load_movielens(download=False)) == (
        "MovieLens('ml-latest': 8 ratings, 10 movies, 4 users)"
    )
    monkeypatch.setenv("COURSE_DATASET", "ml-2m")
    with pytest.raises(DataError, match=r"called 'ml-2m'; choose one of sample, ml-100k, ml-1m"):
        load_movielens()
    with pytest.raises(CourseError, match=r"'\.\./ml-1m'"):
        load_movielens("../ml-1m")
    assert "simulated" in describe("sample")
    assert "simulated" not in describe("ml-1m")


IDS = st.integers(1, 2**31 - 1)
TIMES = st.integers(0, 2**33)
# A title is any text on one line, colons and quotes and all, that is not blank at either end.
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(":,\"'|é"), min_size=1
)
TITLES = TEXT.filter(lambda text: bool(text.strip()))
DAT_TITLES = TITLES.filter(lambda t: "::" not in t and t[0] != ":" and t[-1] != ":")


@given(st.lists(st.tuples(IDS, IDS, st.sampled_from(range(1, 11)), TIMES), min_size=1), st.data())
def test_any_ratings_survive_colons_tabs_and_commas(rows: list, data: st.DataObject) -> None:
    rows = [(user, movie, half / 2, time) for user, movie, half, time in rows]
    wanted = writer._frame(rows, user_id="int32", movie_id="int32", rating="float32",
                           timestamp="int64")  # fmt: skip
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    for delimiter in ("::", "\t"):
        text = "".join(delimiter.join(map(str, row)) + end for row in rows).encode()
        read = parse_delimited(text, parsing.RATING, "r", delimiter=delimiter, scale=HALF)
        assert_frame_equal(read, wanted)
    header = "userId,movieId,rating,timestamp"
    text = (header + end + "".join(",".join(map(str, row)) + end for row in rows)).encode()
    assert_frame_equal(parse_csv(text, parsing.RATING, header, "r", scale=HALF), wanted)


@given(st.lists(st.tuples(IDS, DAT_TITLES, DAT_TITLES), min_size=1))
def test_any_titles_survive_colons_and_commas(rows: list) -> None:
    wanted = writer._frame(rows, movie_id="int32", title=None, genres=None)
    text = "".join(f"{movie}::{title}::{genres}\n" for movie, title, genres in rows)
    read = parse_lines(text.encode(), parsing.MOVIE, "m", delimiter="::", encoding="utf-8")
    assert_frame_equal(read, wanted)
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    text = "movieId,title,genres\n" + buffer.getvalue()
    read = parse_csv(text.encode(), parsing.MOVIE, "movieId,title,genres", "m", scale=HALF)
    assert_frame_equal(read, wanted)
