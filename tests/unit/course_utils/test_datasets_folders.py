"""Folders and archives as people have them: other names, other places, other programs' files."""

import gzip
import io
import shutil
import zipfile

import pandas as pd
import pytest
import releases_writer as writer

from course_utils.datasets import load_movielens
from course_utils.errors import CourseWarning, DataError

KAGGLE = {
    "rating.csv": '"userId","movieId","rating","timestamp"\n1,3,3.5,"2005-04-02 23:53:47"\n'
    '2,1,4,"1995-01-09 11:46:44"\n',
    "movie.csv": '"movieId","title","genres"\n1,"Toy Story (1995)","Comedy"\n3,"Heat","Crime"\n',
    "tag.csv": '"userId","movieId","tag","timestamp"\n1,3,"a ""b""","2009-04-24 18:19:40"\n',
    "link.csv": '"movieId","imdbId","tmdbId"\n1,"0114709","862"\n3,"0113277",\n',
}


ROWS = KAGGLE["rating.csv"]
SECONDS = "userId,movieId,rating,timestamp\n1,3,4,60\n"
FILMS = "movieId,title,genres\n3,Heat,Crime\n"
BACKSLASHED = '"A \\"B\\" c"'
ANOTHER_EDITION = pytest.mark.filterwarnings("ignore:.*is not the published archive")


def write_texts(folder, files=KAGGLE):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def write_zip(path, files=KAGGLE, inside=""):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(inside + name, text)


def of_kaggle(ml):
    assert ml.ratings["timestamp"].tolist() == [1112486027, 789652004]
    assert ml.ratings["timestamp"].dtype == "int64"
    assert ml.ratings["rating"].tolist() == [3.5, 4.0]
    assert ml.movies["title"].tolist() == ["Toy Story (1995)", "Heat"]
    assert ml.tags["timestamp"].tolist() == [1240597180]
    assert ml.tags["tag"].tolist() == ['a "b"']
    assert ml.links["tmdb_id"].isna().tolist() == [False, True]


@ANOTHER_EDITION
def test_kaggles_copy_of_ml_20m_is_read_from_folder_and_archive(tmp_path):
    write_texts(tmp_path / "folder" / "ml-20m")
    (tmp_path / "zip").mkdir()
    write_zip(tmp_path / "zip" / "ml-20m.zip")
    for place in ("folder", "zip", "zip"):  # the second time from the cache
        of_kaggle(load_movielens("ml-20m", data_home=tmp_path / place, download=False))


@pytest.mark.parametrize("inner", ["ml-latest-small", "archive", "ml-latest-small (1)"])
def test_a_folder_in_a_folder_is_found(tmp_path, inner):
    written = writer.write_folder("ml-latest-small", tmp_path / "plain")
    expected = load_movielens("ml-latest-small", data_home=written.parent).ratings
    shutil.copytree(written, tmp_path / "twice" / "ml-latest-small" / inner)
    found = load_movielens("ml-latest-small", data_home=tmp_path / "twice", download=False)
    pd.testing.assert_frame_equal(found.ratings, expected)


def test_the_folder_of_the_release_may_be_given_itself(tmp_path, monkeypatch):
    written = writer.write_folder("ml-latest-small", tmp_path)
    assert len(load_movielens("ml-latest-small", data_home=written, download=False).ratings) == 8
    monkeypatch.setenv("COURSE_DATA_DIR", str(written))
    assert len(load_movielens("ml-latest-small", download=False).ratings) == 8


@ANOTHER_EDITION
def test_an_archive_with_a_folder_of_another_name_is_read(tmp_path):
    write_zip(tmp_path / "ml-20m.zip", inside="MovieLens 20M Dataset/")
    of_kaggle(load_movielens("ml-20m", data_home=tmp_path, download=False))


def test_a_release_without_tags_and_links_loads_and_says_so(tmp_path):
    write_texts(tmp_path / "ml-20m", {n: KAGGLE[n] for n in ("rating.csv", "movie.csv")})
    with pytest.warns(CourseWarning) as told:
        ml = load_movielens("ml-20m", data_home=tmp_path, download=False)
    assert ml.tags is None
    assert ml.links is None
    assert [str(w.message).rpartition("/")[2] for w in told] == [
        "tags.csv, so tags is None.", "links.csv, so links is None.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": "x", "b.txt": "y"}, r"ratings.csv, only a.csv, b.txt; rename the file"),
        ({}, "no .*/ratings.csv, only nothing; rename"),
        ({"x/rating.csv": "a", "y/rating.csv": "b"}, "only x/rating.csv, y/rating.csv; rename"),
        ({"rating.csv": ROWS}, "only rating.csv; rename .* movies to movi"),
        ({"rating.csv": "<!DOCTYPE html><p>Sign in"}, "rating.csv is a web page, not the file"),
        ({"rating.csv": "\n\n <html>"}, "rating.csv is a web page"),
        ({"rating.csv": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"}, "lfs pull"),
        ({"rating.csv": gzip.compress(ROWS.encode())}, "unpack it with gunzip"),
        ({"rating.csv": b"PK\x03\x04..."}, "rating.csv is a zip archive or an Excel workbook"),
        ({"rating.csv": b"PAR1..."}, "rating.csv is a Parquet file"),
        ({"rating.csv": ROWS.encode("utf-16")}, "rating.csv is UTF-16; save it as"),
        ({"rating.csv": ROWS.replace(",", ";")}, r"line 1: .*\(save it with commas\)"),
        ({"rating.csv": "userId\tmovieId\trating\ttimestamp\n"}, r"\(save it with commas\)"),
        ({"rating.csv": "user_id,movie_id,rating,timestamp\n1,2,3,4\n"}, "the header is 'user_id"),
        ({"rating.csv": ROWS.replace("-04-02", "-13-02")}, "line 2: .*2005-13"),
        ({"rating.csv": ROWS.replace(":47", ":47.5")}, "line 2: .* is no time such as"),
        ({"rating.csv": ROWS.replace("1995", "1905")}, "line 3: .*1905-01-09"),
        ({"rating.csv": ROWS + "2,3,4,789652004\n"}, "line 4: .* is no time such as"),
        ({"rating.csv": ROWS.replace("-04-02", "-02-30")}, "line 2: timestamp '2005-02-30"),
        ({"rating.csv": SECONDS.replace("60", "1112486027000")}, "line 2: .* is not between 0 and"),
        ({"rating.csv": ROWS, "movie.csv": FILMS.replace("Heat", BACKSLASHED)}, "line 2: a quote"),
        ({"rating.csv": ROWS, "movie.csv": FILMS.replace("Heat", '"He"at')}, "line 2: a quote"),
        ({"rating.csv": ROWS.replace('"userId",', "userId,")}, "the header is 'userId,.*belongs;"),
        ({"rating.csv": ROWS.replace("23:53:47", "")}, "line 2: .* is no time such"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_is_and_what_to_do(tmp_path, files, message):
    folder = write_texts(tmp_path / "ml-20m", {})
    for name, text in files.items():
        write_texts((folder / name).parent, {(folder / name).name: text})
    if "movies to" not in message and "only" not in message and "movie.csv" not in files:
        write_texts(folder, {"movie.csv": KAGGLE["movie.csv"]})
    with pytest.raises(DataError, match=message) as refused:
        load_movielens("ml-20m", data_home=tmp_path, download=False)
    assert "again" not in str(refused.value) or "line" in str(refused.value)


def test_what_the_places_hold_is_said_where_no_release_is_found(tmp_path):
    (tmp_path / "archive").mkdir()
    with pytest.raises(DataError, match=r"\(which holds archive\), .* ml-20m/ or ml-20m.zip"):
        load_movielens("ml-20m", data_home=tmp_path, download=False)


@ANOTHER_EDITION
def test_macs_twin_of_a_file_in_an_archive_is_left_alone(tmp_path):
    data = io.BytesIO()
    write_zip(data, KAGGLE | {"__MACOSX/._rating.csv": "?"}, inside="ml-20m/")
    (tmp_path / "ml-20m.zip").write_bytes(data.getvalue())
    of_kaggle(load_movielens("ml-20m", data_home=tmp_path, download=False))


def test_the_published_name_counts_more_than_kaggles(tmp_path):
    plain = "userId,movieId,rating,timestamp\n1,3,5,60\n"
    write_texts(tmp_path / "ml-20m", KAGGLE | {"ratings.csv": plain})
    assert load_movielens("ml-20m", data_home=tmp_path, download=False).ratings["rating"][0] == 5


def test_no_table_comes_from_another_folder_than_the_ratings(tmp_path):
    write_texts(tmp_path / "ml-20m", {"rating.csv": ROWS})
    write_texts(tmp_path / "ml-20m" / "old", KAGGLE)
    with pytest.raises(DataError, match="rename the file of movies"):
        load_movielens("ml-20m", data_home=tmp_path, download=False)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    write_texts(tmp_path / "ml-20m")

    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", forbidden)
    with pytest.raises(DataError, match=r"rating.csv cannot be read: Permission denied\."):
        load_movielens("ml-20m", data_home=tmp_path, download=False)
