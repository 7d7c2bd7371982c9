"""No key, however made, puts a byte outside the folder; what cannot be a file is refused first."""

import os
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from course_cloud.storage import addresses, download_dir, downloads
from course_utils.errors import StorageError

PARTS = st.sampled_from(["..", ".", "", "a", "b c", "ü", "C:", "\\", "..\\", "nul", "\0", "~", "A"])
NAMES = st.one_of(st.text(max_size=40), st.lists(PARTS, max_size=6).map("/".join))


@given(name=NAMES)
@example("../x")
@example("a/../../x")
@example("/etc/passwd")
@example("C:\\Windows\\x")
@example("C:x")
@example("..\\x")
@example("a//b")
@example("\ud800")
def test_a_name_that_is_let_through_stays_below_the_folder_on_every_system(name):
    if addresses.why_no_file(name) is not None:
        return
    assert os.path.normpath(f"/top/{name}") == f"/top/{name}"
    windows = PureWindowsPath(name)
    assert not windows.drive
    assert not windows.root
    assert ".." not in windows.parts
    assert (PureWindowsPath("D:/top") / name).as_posix() == f"D:/top/{name}"
    assert "\0" not in name


@given(names=st.sets(NAMES, max_size=5))
def test_places_are_one_file_for_each_name_or_none_at_all(tmp_path_factory, names):
    top = tmp_path_factory.getbasetemp() / "never made"
    try:
        found = downloads.places(names, top, "s3://bucket/")
    except StorageError:
        return
    assert {path.relative_to(top).as_posix() for path in found.values()} == names
    for one in found.values():
        assert not any(one in other.parents for other in found.values())


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("../escaped.csv", "leads out of the folder"),
        ("a/../../escaped.csv", "leads out of the folder"),
        ("/etc/absolute.csv", "begins with a slash"),
        ("a//b.csv", "has an empty folder or file name"),
        ("folder with content/", "has an empty folder or file name"),
        ("./a.csv", "has the part '.'"),
        ("C:/Windows/a.csv", "begins with a drive letter"),
        ("..\\escaped.csv", "has a backslash"),
        ("tab\tand bell\a.csv", "has a control character"),
        ("x" * 256, "has a name longer than 255 bytes"),
        ("ü" * 128, "has a name longer than 255 bytes"),
    ],
)
def test_a_dangerous_key_is_refused_before_anything_is_downloaded(s3, tmp_path, moved, key, why):
    s3.put("class/fine.csv", b"1")
    s3.put(f"class/{key}", b"2")
    read = moved(s3.client)
    top = tmp_path / "top" / "there"
    with pytest.raises(StorageError, match=r"cannot become a file") as refused:
        download_dir(s3.address("class"), top, client=s3.client)
    assert why in str(refused.value)
    assert "Nothing was downloaded" in str(refused.value)
    assert read == []
    assert list(tmp_path.iterdir()) == []


def test_a_nul_in_a_key_is_refused():
    assert addresses.why_no_file("a\0.csv") == "has a control character"


@pytest.mark.parametrize("name", ["nul", "com1.csv", "12:00.csv", "what?", "dot.", "folder /x"])
def test_what_windows_reserves_is_refused_there_and_only_there(monkeypatch, name):
    assert addresses.why_no_file(name) is None
    monkeypatch.setattr(addresses.os, "name", "nt")
    assert "Windows" in addresses.why_no_file(name)


def test_a_key_that_is_file_and_folder_is_refused(moto, tmp_path):
    moto.put("a", b"1")
    moto.put("a/b", b"2")
    with pytest.raises(StorageError, match=r"'a/b' needs a folder where 'a' is a file"):
        download_dir(moto.address(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_keys_for_one_file_are_refused_where_case_does_not_count(moto, tmp_path, monkeypatch):
    moto.put("Ratings.csv", b"1")
    moto.put("ratings.csv", b"2")
    assert download_dir(moto.address(), tmp_path / "counts").files == 2
    monkeypatch.setattr(downloads, "ignores_case", lambda folder: True)
    with pytest.raises(StorageError, match=r"'ratings.csv' and 'Ratings.csv' are one file"):
        download_dir(moto.address(), tmp_path / "does not")
    assert not (tmp_path / "does not").exists()


def test_whether_case_counts_is_found_out_without_a_trace(tmp_path):
    assert (
        downloads.ignores_case(tmp_path / "not made")
        == (tmp_path.parent / tmp_path.name.upper()).exists()
    )
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_through_a_link_that_lies_in_the_folder(moto, tmp_path, moved):
    outside, top = tmp_path / "outside", tmp_path / "top"
    outside.mkdir()
    top.mkdir()
    (outside / "ratings.csv").write_text("mine")
    (top / "folder").symlink_to(outside)
    (top / "file.csv").symlink_to(outside / "ratings.csv")
    (top / "dangling.csv").symlink_to(outside / "new.csv")
    moto.put("1/folder/ratings.csv", b"not yours")
    moto.put("2/file.csv", b"not yours")
    moto.put("3/dangling.csv", b"not yours")
    moto.put("4/deep/folder/x.csv", b"not yours")
    (top / "deep").symlink_to(top)
    read = moved(moto.client)
    for prefix in "1234":
        with pytest.raises(StorageError, match=r"would go through the link"):
            download_dir(moto.address(prefix), top, client=moto.client)
    assert read == []
    assert {p.name: p.read_text() for p in outside.iterdir()} == {"ratings.csv": "mine"}


def test_the_folder_itself_may_be_a_link(moto, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    moto.put("a.csv", b"1")
    download_dir(moto.address(), tmp_path / "link")
    assert (tmp_path / "real" / "a.csv").read_bytes() == b"1"


def test_what_stands_in_the_way_is_named(moto, tmp_path):
    moto.put("1/a/b.csv", b"1")
    moto.put("2/c", b"1")
    moto.put("3/pipe", b"1")
    (tmp_path / "a").write_text("a file")
    (tmp_path / "c").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for prefix, why in [
        ("1", "a in the way, which is no folder"),
        ("2", "c in the way, which is no ordinary file"),
        ("3", "pipe in the way, which is no ordinary file"),
    ]:
        with pytest.raises(StorageError, match=why):
            download_dir(moto.address(prefix), tmp_path)
    assert Path(tmp_path / "a").read_text() == "a file"


def test_a_path_too_long_for_the_system_is_refused(tmp_path):
    long = "/".join(["x" * 250] * 17)
    with pytest.raises(StorageError, match=r"a path longer than 4,032 bytes"):
        downloads.places([long], tmp_path, "s3://bucket/")
