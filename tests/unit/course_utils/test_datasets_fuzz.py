"""Whatever happens to a file, it loads to tables that can be right or is refused by name."""

import tempfile
import warnings
from pathlib import Path

import releases_writer as writer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_utils.datasets import RELEASES, load_movielens
from course_utils.errors import CourseWarning, DataError

TARGETS = [
    (name, file) for name in ("ml-100k", "ml-1m", "ml-10m", "ml-latest-small")
    for file in writer.files(name) if file != "README.txt"
]  # fmt: skip
PIECES = st.binary(max_size=4) | st.sampled_from(
    [b"\n", b"\r", b"\r\n", b'"', b'""', b",", b"::", b":", b"|", b"\t", b"0x", b"-", b"+", b" ",
     b"\0", b"\xe9", "é".encode(), b"\xef\xbb\xbf", b"9" * 5000, b"nan", b"1e9", b"\x1c", b"\x85"]
)  # fmt: skip
# Where, how many bytes go, and what comes in their place.
EDIT = st.tuples(st.integers(0, 2000), st.integers(0, 30), PIECES)
EDITS = st.lists(EDIT, min_size=1, max_size=3)


def edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, length, piece in edits:
        at = place % (len(data) + 1)
        data = data[:at] + piece + data[at + length :]
    return data


def loads_or_is_refused(name: str, home: Path, about: str) -> bool:
    """Say whether it loads; anything but sound tables or a `DataError` about the file fails."""
    refused = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CourseWarning)
        try:
            ml = load_movielens(name, data_home=home, download=False)
        except DataError as error:
            refused = str(error)
    if refused:
        assert about in refused
        assert len(refused) < 1000
        return False
    low, high, step = RELEASES[name].scale
    assert ml.ratings["rating"].between(low, high).all()
    assert (ml.ratings["rating"] % step == 0).all()
    assert (ml.ratings[["user_id", "movie_id"]] > 0).all(axis=None)
    assert (ml.ratings["timestamp"] >= 0).all()
    assert ml.movies["movie_id"].is_unique
    for frame, wanted in ((ml.ratings, "ratings"), (ml.movies, "movies")):
        assert frame.dtypes.equals(writer.expected(name)[wanted].dtypes)
        assert not frame.drop(columns="year", errors="ignore").isna().any(axis=None)
    assert not ml.movies["title"].str.contains("[\r\n]").any()
    return True


@settings(max_examples=200)
@given(target=st.sampled_from(TARGETS), edits=EDITS)
@example(("ml-latest-small", "ratings.csv"), [(33, 0, b'"')])
@example(("ml-latest-small", "movies.csv"), [(24, 0, b'"')])
@example(("ml-latest-small", "movies.csv"), [(24, 2000, b'"')])
@example(("ml-1m", "movies.dat"), [(0, 1, b"9" * 5000)])
@example(("ml-1m", "ratings.dat"), [(0, 1, b"0x1")])
@example(("ml-1m", "ratings.dat"), [(3, 0, b"\r")])
def test_no_edit_of_a_file_goes_unnoticed(target: tuple, edits: list) -> None:
    name, file = target
    data = edited(writer.files(name)[file], edits)
    with tempfile.TemporaryDirectory() as folder:
        writer.write_folder(name, Path(folder), {file: data})
        loads_or_is_refused(name, Path(folder), about=file)


@settings(max_examples=80)
@given(edits=EDITS)
@example([(0, 0, b"")])
@example([(60, 2000, b"")])
def test_no_edit_of_an_archive_does_harm(edits: list) -> None:
    data = edited(writer.archive_bytes("ml-latest"), edits)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ml-latest.zip").write_bytes(data)
        loads_or_is_refused("ml-latest", Path(folder), about="ml-latest.zip")
        assert {path.name for path in Path(folder).iterdir()} <= {"ml-latest.zip", ".parsed"}


@settings(max_examples=40)
@given(edits=EDITS, pick=st.integers(0, 3))
def test_no_edit_of_the_cache_shows(edits: list, pick: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer.write_zip("ml-latest", Path(folder))
        loads_or_is_refused("ml-latest", Path(folder), about="-")
        kept = sorted(Path(folder).glob(".parsed/*/*"))
        victim = kept[pick]
        victim.write_bytes(edited(victim.read_bytes(), edits))
        assert loads_or_is_refused("ml-latest", Path(folder), about="-")
        ml = load_movielens("ml-latest", data_home=folder)
        for table, frame in writer.expected("ml-latest").items():
            read = getattr(ml, table)
            assert frame is read is None or frame.equals(read), table
