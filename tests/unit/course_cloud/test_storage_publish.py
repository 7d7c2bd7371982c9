"""A release laid out in a bucket for a class."""

import hashlib
import json

import pandas as pd
import pytest
import releases_writer as writer
from faulty_s3 import Fault

from course_cloud.storage import list_keys, publish_movielens, read_table
from course_utils.datasets import load_movielens
from course_utils.errors import DataError, StorageError


def test_a_release_is_there_as_csv_and_parquet_with_a_manifest(s3):
    written = publish_movielens("sample", s3.bucket, "class-2026/")
    folder = s3.address("class-2026/sample/")
    names = [f"{table}.{kind}" for table in ("ratings", "movies", "users")
             for kind in ("csv", "parquet")]  # fmt: skip
    assert [file.address for file in written] == [folder + n for n in [*names, "manifest.json"]]
    listed = {obj.address: obj.size for obj in list_keys(folder)}
    assert listed == {file.address: file.size for file in written}

    sample = load_movielens("sample")
    for name in ("ratings", "movies", "users"):
        table = getattr(sample, name)
        pd.testing.assert_frame_equal(read_table(f"{folder}{name}.parquet"), table)
    assert list(read_table(f"{folder}ratings.csv")) == ["userId", "movieId", "rating", "timestamp"]
    assert list(read_table(f"{folder}movies.csv")) == ["movieId", "title", "genres"]


def test_the_manifest_tells_the_checksum_of_what_is_really_there(s3):
    publish_movielens("sample", s3.bucket)

    def content(name):
        return s3.client.get_object(Bucket=s3.bucket, Key=f"sample/{name}")["Body"].read()

    manifest = json.loads(content("manifest.json"))
    assert manifest["release"] == "sample"
    assert len(manifest["files"]) == 6
    for file in manifest["files"]:
        data = content(file["file"])
        assert len(data) == file["size"]
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
        assert len(read_table(s3.address(f"sample/{file['file']}"))) == file["rows"]


def test_the_published_csv_is_a_release_that_can_be_loaded(moto, tmp_path, monkeypatch):
    writer.write_folder("ml-latest-small", tmp_path / "first")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "first"))
    original = load_movielens("ml-latest-small")
    publish_movielens("ml-latest-small", moto.bucket)
    folder = tmp_path / "second" / "ml-latest-small"
    folder.mkdir(parents=True)
    for obj in list_keys(moto.address()):
        moto.client.download_file(moto.bucket, obj.key, str(folder / obj.key.rpartition("/")[2]))
    again = load_movielens("ml-latest-small", data_home=tmp_path / "second")
    for name in ("ratings", "movies", "tags", "links"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(original, name))


def test_a_publication_that_fails_half_way_has_no_manifest(moto, faulty):
    publish_movielens("sample", moto.bucket)
    faulty(Fault("movies.parquet", status=403, code="AccessDenied"))
    with pytest.raises(StorageError, match=r"movies\.parquet: access denied"):
        publish_movielens("sample", moto.bucket)
    keys = [obj.key for obj in list_keys(moto.address(), client=moto.client)]
    assert "sample/ratings.csv" in keys
    assert "sample/manifest.json" not in keys


def test_a_bucket_that_is_not_there_is_said_before_anything_is_loaded(moto):
    with pytest.raises(StorageError, match="there is no bucket no-such-bucket"):
        publish_movielens("ml-32m", "no-such-bucket")
    with pytest.raises(DataError, match="no release called 'ml-2m'"):
        publish_movielens("ml-2m", moto.bucket)
    with pytest.raises(StorageError, match="cannot be a bucket's name"):
        publish_movielens("sample", "Bad_Name")
