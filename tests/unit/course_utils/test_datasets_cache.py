"""A second load takes no parsing and gives the same; what is damaged is parsed again."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import releases_writer as writer
from test_datasets_formats import assert_is_small

from course_utils.datasets import load_movielens, loader, releases
from course_utils.errors import CourseWarning

pytestmark = pytest.mark.usefixtures("trust_archives")

Parsed = Callable[[], int]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Parsed:
    """Return a function that says how often a release has been parsed so far."""
    calls = []
    read_tables = loader.read_tables

    def counting(*args: object) -> object:
        calls.append(args)
        return read_tables(*args)

    monkeypatch.setattr(loader, "read_tables", counting)
    return lambda: len(calls)


def kept(home: Path) -> list[Path]:
    return sorted(path for path in (home / ".parsed").rglob("*") if path.is_file())


@pytest.mark.parametrize("name", writer.NAMES)
def test_the_second_load_gives_the_same_without_parsing(
    name: str, tmp_path: Path, parsed: Parsed
) -> None:
    writer.write_zip(name, tmp_path)
    first = load_movielens(name, data_home=tmp_path)
    second = load_movielens(name, data_home=tmp_path)
    assert parsed() == 1
    for table in ("ratings", "movies", "users", "tags", "links"):
        one, other = getattr(first, table), getattr(second, table)
        if one is None:
            assert other is None
        else:
            pd.testing.assert_frame_equal(one, other)
            assert type(one.index) is type(other.index)


def test_a_table_from_the_cache_is_the_readers_own(tmp_path: Path) -> None:
    writer.write_zip("ml-1m", tmp_path)
    for _ in range(3):
        ml = load_movielens("ml-1m", data_home=tmp_path)
        assert_is_small(ml)
        ml.ratings.loc[:, "rating"] = 1.0
        ml.movies.loc[0, "title"] = "gone"
        ml.users.loc[0, "age"] = 99


def test_another_archive_at_the_same_place_is_parsed(tmp_path: Path, parsed: Parsed) -> None:
    before = writer.write_zip("ml-1m", tmp_path).stat()
    load_movielens("ml-1m", data_home=tmp_path)
    changed = writer.files("ml-1m")["movies.dat"].replace(b"Toy Story", b"Joy Story")
    path = writer.write_zip("ml-1m", tmp_path, {"movies.dat": changed})
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the date says nothing
    movies = load_movielens("ml-1m", data_home=tmp_path).movies
    assert movies["title"][0] == "Joy Story (1995)"
    writer.write_zip("ml-1m", tmp_path)
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert parsed() == 2


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_with_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [truncate, empty, Path.unlink, replace_with_folder])
@pytest.mark.parametrize("file", ["ratings.parquet", "movies.parquet", "users.parquet"])
def test_a_damaged_cache_is_made_again(
    file: str, damage: Callable[[Path], None], tmp_path: Path, parsed: Parsed
) -> None:
    writer.write_zip("ml-1m", tmp_path)
    load_movielens("ml-1m", data_home=tmp_path)
    (victim,) = (path for path in kept(tmp_path) if path.name == file)
    damage(victim)
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert parsed() == 2
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert parsed() == 2  # it was written anew


def test_a_flipped_bit_in_a_number_is_noticed(tmp_path: Path, parsed: Parsed) -> None:
    """Half a byte of the ratings themselves, where any value would be a valid one."""
    writer.write_zip("ml-1m", tmp_path)
    load_movielens("ml-1m", data_home=tmp_path)
    (victim,) = (path for path in kept(tmp_path) if path.name == "ratings.parquet")
    data = victim.read_bytes()
    at = data.index((978300760).to_bytes(8, "little"))
    victim.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert parsed() == 2


def test_a_folder_called_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    home = tmp_path / "course=recsys" / "rating=5"
    writer.write_zip("ml-1m", home)
    for _ in range(2):
        assert_is_small(load_movielens("ml-1m", data_home=home))


def test_a_stray_file_in_the_cache_does_no_harm(tmp_path: Path, parsed: Parsed) -> None:
    writer.write_zip("ml-1m", tmp_path)
    load_movielens("ml-1m", data_home=tmp_path)
    (kept(tmp_path)[0].parent / ".DS_Store").write_bytes(b"the Finder was here")
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert parsed() == 1


def test_a_writer_killed_half_way_leaves_nothing_that_counts(
    tmp_path: Path, parsed: Parsed, repository_root: Path
) -> None:
    """A real process, killed with the ratings written and the movies not."""
    writer.write_zip("ml-latest", tmp_path)
    code = f"""
import os, signal, pandas as pd
from course_utils.datasets import load_movielens
write = pd.DataFrame.to_parquet
def write_and_die(frame, path, **options):
    write(frame, path, **options)
    os.kill(os.getpid(), signal.SIGKILL)
pd.DataFrame.to_parquet = write_and_die
load_movielens("ml-latest", data_home={str(tmp_path)!r})
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=repository_root, capture_output=True)
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
    assert [path.name for path in kept(tmp_path)] == ["ratings.parquet"]
    assert_is_small(load_movielens("ml-latest", data_home=tmp_path))
    assert_is_small(load_movielens("ml-latest", data_home=tmp_path))
    assert parsed() == 1


def test_a_full_disk_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parsed: Parsed
) -> None:
    def full(frame: pd.DataFrame, path: Path, **options: object) -> None:
        path.write_bytes(b"PAR1 and no more")
        raise OSError(28, "No space left on device")

    writer.write_zip("ml-1m", tmp_path)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert kept(tmp_path) == []
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
    assert parsed() == 2


def test_beside_a_read_only_archive_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parsed: Parsed
) -> None:
    writer.write_zip("ml-1m", tmp_path)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != tmp_path and allowed(path, mode)
    )
    assert_is_small(load_movielens("ml-1m"))
    assert_is_small(load_movielens("ml-1m"))
    assert parsed() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["ml-1m.zip"]
    assert len(kept(releases.user_cache())) == 3


def test_the_users_cache_is_the_tests_own(cache_home: Path) -> None:
    assert releases.user_cache() == cache_home / "course_utils"


def test_a_warning_is_repeated_on_the_second_load(tmp_path: Path) -> None:
    ratings = writer.files("ml-1m")["ratings.dat"] + b"7::999::4::5\n"
    writer.write_zip("ml-1m", tmp_path, {"ratings.dat": ratings})
    for _ in range(2):
        with pytest.warns(CourseWarning, match="the first is movie 999") as caught:
            load_movielens("ml-1m", data_home=tmp_path)
        assert [w.filename for w in caught] == [__file__]


def test_an_archive_that_is_not_the_published_one_is_read_with_a_word(
    tmp_path: Path, sources: Callable[..., None]
) -> None:
    sources("http://localhost", name="ml-1m")
    writer.write_zip("ml-1m", tmp_path)
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))  # the published one: not a word
    path = writer.write_zip("ml-1m", tmp_path, {"README.txt": b"repacked"})
    begins = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    for _ in range(2):
        with pytest.warns(CourseWarning) as caught:
            assert_is_small(load_movielens("ml-1m", data_home=tmp_path))
        assert len(caught) == 1
        assert f"{path} is not the published archive of ml-1m" in str(caught[0].message)
        assert f"its SHA-256 begins {begins}, not " in str(caught[0].message)
        assert caught[0].filename == __file__
