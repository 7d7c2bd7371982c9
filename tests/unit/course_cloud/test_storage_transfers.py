"""Folders go up and come down whole, under any fair name, and only what is not there yet."""

import hashlib
import os
from pathlib import Path

import boto3.s3.transfer
import pytest

from course_cloud.storage import Transferred, download_dir, upload_dir
from course_utils.errors import CourseWarning, DataError, StorageError

MIB = 1 << 20
FILES = {
    "ratings.csv": b"user_id,movie_id,rating\n1,2,4.0\n",
    "empty.txt": b"",
    "a folder/with spaces & signs+%.csv": b"x" * 1000,
    "größe/日本語 – fin.dat": b"y" * 70_000,
    "deep/er/and/deeper.bin": bytes(range(256)),
}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    """Return all files below, hidden and temporary ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def big() -> bytes:
    """Return 20 MiB and a bit: three parts."""
    return os.urandom(20 * MIB + 1)


def test_a_folder_goes_up_and_comes_down_byte_for_byte_and_the_second_time_nothing_moves(
    s3, tmp_path, big
):
    files = {**FILES, "big.bin": big}
    n_bytes = sum(map(len, files.values()))
    here = write(tmp_path / "here", files)
    assert upload_dir(here, s3.address("class/1")) == Transferred(len(files), n_bytes, 0)
    assert upload_dir(here, s3.address("class/1/")) == Transferred(0, 0, len(files))
    there = tmp_path / "not yet" / "there"
    assert download_dir(s3.address("class/1"), there) == Transferred(len(files), n_bytes, 0)
    assert read(there) == files
    assert download_dir(s3.address("class/1"), there) == Transferred(0, 0, len(files))
    assert not s3.unfinished()


def test_only_what_changed_moves_again_though_its_size_is_the_same(s3, tmp_path):
    here = write(tmp_path / "here", FILES)
    there = tmp_path / "there"
    upload_dir(here, s3.address())
    download_dir(s3.address(), there)
    changed = FILES["ratings.csv"][:-2] + b"1\n"
    (here / "ratings.csv").write_bytes(changed)
    assert upload_dir(here, s3.address()) == Transferred(1, len(changed), len(FILES) - 1)
    (there / "a folder/with spaces & signs+%.csv").unlink()
    assert download_dir(s3.address(), there).files == 2
    assert read(there) == {**FILES, "ratings.csv": changed}


def test_an_object_is_what_the_aws_cli_would_have_made_plus_its_sha256(s3, tmp_path, big):
    here = write(tmp_path / "here", {"ours.bin": big, "table.csv": b"a\n"})
    upload_dir(here, s3.address())
    s3.client.upload_file(str(here / "ours.bin"), s3.bucket, "theirs.bin")
    ours = s3.client.head_object(Bucket=s3.bucket, Key="ours.bin")
    assert ours["ETag"] == s3.client.head_object(Bucket=s3.bucket, Key="theirs.bin")["ETag"]
    assert ours["ETag"].endswith('-3"')
    assert ours["Metadata"]["sha256"] == hashlib.sha256(big).hexdigest()
    assert s3.client.head_object(Bucket=s3.bucket, Key="table.csv")["ContentType"] == "text/csv"


@pytest.mark.parametrize("part", [5, 6, 7])
def test_objects_that_others_uploaded_in_parts_are_verified_and_recognized(
    moto, tmp_path, big, part
):
    config = boto3.s3.transfer.TransferConfig(multipart_chunksize=part * MIB)
    (tmp_path / "big").write_bytes(big)
    moto.client.upload_file(str(tmp_path / "big"), moto.bucket, "big.bin", Config=config)
    there = tmp_path / "there"
    assert download_dir(moto.address(), there).files == 1  # without a warning
    assert read(there) == {"big.bin": big}
    assert download_dir(moto.address(), there).skipped == 1


def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(s3, tmp_path):
    s3.put("ml/ratings.csv", b"1")
    s3.put("ml-1m/ratings.csv", b"2")
    s3.put("ml/", b"")  # what the S3 console makes for a new folder
    download_dir(s3.address("ml"), tmp_path)
    assert read(tmp_path) == {"ratings.csv": b"1"}


def test_a_bare_prefix_is_taken_in_the_courses_bucket(moto, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_BUCKET", moto.bucket)
    upload_dir(write(tmp_path / "here", FILES), "lessons", progress=False)
    assert download_dir("lessons", tmp_path / "there", workers=1).files == len(FILES)


def test_links_are_left_out_with_a_warning_that_names_them(moto, tmp_path):
    (tmp_path / "secret").write_text("not yours")
    here = write(tmp_path / "here", {"a.csv": b"1", ".course-0-1.part": b"half"})
    (here / "to a file").symlink_to(tmp_path / "secret")
    (here / "to a folder").symlink_to(tmp_path)
    with pytest.warns(CourseWarning, match=r"2 links .* not uploaded: 'to a file', 'to a folder'"):
        assert upload_dir(here, moto.address()).files == 1
    (found,) = moto.client.list_objects_v2(Bucket=moto.bucket)["Contents"]
    assert found["Key"] == "a.csv"


def test_what_operating_systems_and_jupyter_leave_in_folders_is_not_uploaded(moto, tmp_path):
    clutter = (".DS_Store", "Thumbs.db", "._ratings.csv", ".ipynb_checkpoints/a-checkpoint.csv")
    fair = ("DS_Store", "a.Thumbs.db", "_.csv", ".hidden")
    for folder in ("", "deep/er/"):
        write(tmp_path, {folder + name: b"1" for name in (*clutter, *fair)})
    assert upload_dir(tmp_path, moto.address()).files == 2 * len(fair)
    found = moto.client.list_objects_v2(Bucket=moto.bucket)["Contents"]
    assert {item["Key"] for item in found} == {f + n for f in ("", "deep/er/") for n in fair}


def test_a_folder_of_clutter_alone_holds_no_files(moto, tmp_path):
    write(tmp_path / ".ipynb_checkpoints", {"kept.csv": b"1"})
    with pytest.raises(StorageError, match=r"holds no files"):
        upload_dir(tmp_path, moto.address())
    assert upload_dir(tmp_path / ".ipynb_checkpoints", moto.address()).files == 1


@pytest.mark.parametrize("name", ["back\\slash.csv", "new\nline.csv", "C:old.csv"])
def test_a_file_that_could_not_come_down_again_does_not_go_up(moto, tmp_path, name):
    here = write(tmp_path / "here", {"fine.csv": b"1", name: b"2"})
    with pytest.raises(StorageError, match=r"cannot become a key: .* Nothing was uploaded; rename"):
        upload_dir(here, moto.address())
    assert moto.client.list_objects_v2(Bucket=moto.bucket)["KeyCount"] == 0


def test_nothing_to_transfer_is_an_error_that_says_so(moto, tmp_path):
    with pytest.raises(StorageError, match=r"no folder .*nowhere to upload"):
        upload_dir(tmp_path / "nowhere", moto.address())
    with pytest.raises(StorageError, match=r"holds no files"):
        upload_dir(tmp_path, moto.address())
    with pytest.raises(StorageError, match=r"nothing to download below s3://.*/none/"):
        download_dir(moto.address("none"), tmp_path / "there")
    assert not (tmp_path / "there").exists()
    with pytest.raises(StorageError, match=r"no bucket no-such-bucket"):
        download_dir("s3://no-such-bucket/x", tmp_path / "there")
    with pytest.raises(DataError, match=r"workers must be"):
        download_dir(moto.address(), tmp_path, workers=0)


def test_an_object_without_a_known_checksum_is_checked_by_size_and_a_warning_says_so(
    moto, tmp_path, monkeypatch, big
):
    (tmp_path / "big").write_bytes(big)
    config = boto3.s3.transfer.TransferConfig(multipart_chunksize=6 * MIB)
    moto.client.upload_file(str(tmp_path / "big"), moto.bucket, "big.bin", Config=config)
    head = moto.client.head_object

    def encrypted_with_kms(**asked):
        return {**head(**asked), "ServerSideEncryption": "aws:kms"}

    monkeypatch.setattr(moto.client, "head_object", encrypted_with_kms)
    with pytest.warns(CourseWarning, match=r"Only the sizes of 1 of 1 files could be checked"):
        download_dir(moto.address(), tmp_path / "there", client=moto.client)
    assert read(tmp_path / "there") == {"big.bin": big}


def test_a_disk_without_room_is_noticed_before_anything_is_downloaded(moto, tmp_path, monkeypatch):
    moto.put("a.csv", b"12345")
    monkeypatch.setattr("shutil.disk_usage", lambda path: Full)
    with pytest.raises(StorageError, match=r"needs 0 MB and the disk of .* has 0 MB left"):
        download_dir(moto.address(), tmp_path / "there")
    assert not (tmp_path / "there").exists()


class Full:
    free = 4
