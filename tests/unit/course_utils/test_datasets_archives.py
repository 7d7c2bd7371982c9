"""Archives as people make them, and as nobody should: read in place, never unpacked."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest
import releases_writer as writer
from test_datasets_formats import assert_is_small

from course_utils.datasets import load_movielens, releases
from course_utils.errors import DataError

pytestmark = pytest.mark.usefixtures("trust_archives")


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".parsed" not in path.parts
    }


@pytest.mark.parametrize("name", writer.NAMES)
def test_zipped_again_without_the_inner_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.zip").write_bytes(writer.zip_bytes(writer.files(name)))
    assert_is_small(load_movielens(name, data_home=tmp_path))


def test_members_with_paths_outside_are_never_touched(tmp_path: Path) -> None:
    home = tmp_path / "a" / "home"
    home.mkdir(parents=True)
    evil = {
        "../evil": b"1",
        "../../evil": b"1",
        "/tmp/course-utils-evil": b"1",
        "ml-1m/../../evil": b"1",
        "../ratings.dat": b"not these",
        "ml-1m/../ratings.dat": b"nor these",
        "C:\\evil": b"1",
    }
    sound = {f"ml-1m/{file}": data for file, data in writer.files("ml-1m").items()}
    (home / "ml-1m.zip").write_bytes(writer.zip_bytes(evil | sound | evil))
    assert_is_small(load_movielens("ml-1m", data_home=home))
    assert list(digests(tmp_path)) == ["a/home/ml-1m.zip"]
    assert not Path("/tmp/course-utils-evil").exists()
    assert not list(tmp_path.rglob("*evil*"))


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    members = {f"ml-1m/{file}": data for file, data in writer.files("ml-1m").items()}
    del members["ml-1m/movies.dat"]
    members["../movies.dat"] = b"1::Toy Story (1995)::Comedy\n"
    members["other/movies.dat"] = b"1::Toy Story (1995)::Comedy\n"
    path = tmp_path / "ml-1m.zip"
    path.write_bytes(writer.zip_bytes(members))
    with pytest.raises(DataError) as caught:
        load_movielens("ml-1m", data_home=tmp_path)
    said = str(caught.value)
    assert said.startswith(
        f"There is no {path}:movies.dat, only ml-1m/ratings.dat, ml-1m/users.dat"
    )
    assert said.endswith("; rename the file of movies to movies.dat.")


@pytest.mark.parametrize("what", ["text", "empty", "cut", "hole", "swapped"])
def test_a_corrupt_archive_is_refused_by_name(what: str, tmp_path: Path) -> None:
    whole = writer.archive_bytes("ml-1m")
    data = {
        "text": b"<html>Sign in</html>",
        "empty": b"",
        "cut": whole[:-40],
        "hole": whole[:60] + bytes(40) + whole[100:],
        "swapped": whole[:300] + whole[:300] + whole[600:],
    }[what]
    path = tmp_path / "ml-1m.zip"
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        load_movielens("ml-1m", data_home=tmp_path)
    assert str(caught.value).startswith(f"{path} is not a whole zip archive (")
    assert str(caught.value).endswith("; delete it and load again.")
    assert caught.value.__suppress_context__
    assert digests(tmp_path) == {"ml-1m.zip": hashlib.sha256(data).hexdigest()}
    assert list(tmp_path.iterdir()) == [path]  # and no cache of it


def test_a_bad_row_in_an_archive_names_archive_member_and_line(tmp_path: Path) -> None:
    ratings = writer.files("ml-10m")["ratings.dat"].replace(b"::4.5::", b"::4.7::")
    path = writer.write_zip("ml-10m", tmp_path, {"ratings.dat": ratings})
    for _ in range(2):  # nothing half-right is kept for the second time
        with pytest.raises(DataError) as caught:
            load_movielens("ml-10m", data_home=tmp_path)
        member = f"{path}:ml-10M100K/ratings.dat"
        assert str(caught.value).startswith(f"{member}, line 8: rating '4.7' is not on")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", writer.NAMES)
def test_sources_are_left_as_they_are(name: str, tmp_path: Path) -> None:
    writer.write_zip(name, tmp_path / "zip")
    writer.write_folder(name, tmp_path / "folder")
    before = digests(tmp_path)
    load_movielens(name, data_home=tmp_path / "zip")
    load_movielens(name, data_home=tmp_path / "folder")
    assert digests(tmp_path) == before
    assert not list((tmp_path / "folder").rglob(".parsed"))


def test_places_are_searched_in_order(
    tmp_path: Path, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folder before archive, COURSE_DATA_DIR before the cache, data_home instead of both."""

    def stars(home: Path) -> bytes:
        return b"1::1::%d::5\n" % (1 + ["dir", "dir-zip", "cache", "home"].index(home.name))

    def first_rating(**options: object) -> float:
        return float(load_movielens("ml-1m", download=False, **options).ratings["rating"][0])

    cache = cache_home / "course_utils"
    named, home = tmp_path / "dir", tmp_path / "home"
    writer.write_zip("ml-1m", named, {"ratings.dat": stars(Path("dir-zip"))})
    for place in (named, cache, home):
        changed = {"ratings.dat": b"1::1::3::5\n" if place == cache else stars(place)}
        writer.write_folder("ml-1m", place, changed)
    assert first_rating() == 3
    monkeypatch.setenv("COURSE_DATA_DIR", str(named))
    assert first_rating() == 1
    shutil.rmtree(named / "ml-1m")
    assert first_rating() == 2
    assert first_rating(data_home=home) == 4
    assert first_rating(data_home=str(home)) == 4
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere, which is not a folder; correct or unset it"):
        first_rating()


@pytest.mark.parametrize("claimed", [None, 1000, 2**31])
def test_a_member_that_unpacks_without_end_is_refused(tmp_path: Path, claimed: int | None) -> None:
    path = tmp_path / "ml-1m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ml-1m/ratings.dat", bytes(2**24))
    content = bytearray(path.read_bytes())
    for sign, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)) if claimed else ():
        place = content.index(sign) + at
        content[place : place + 4] = claimed.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"unpacks to more than .* of ratings|not a whole zip"):
        releases.Archive(path, ("ml-1m",)).read("ratings.dat")
