"""The server of lab 1's checks answers as moto's does, whose answers are compared with S3's."""

import io

import pytest

from course_cloud.storage import list_keys, local_s3, read_table
from course_cloud.storage.publish import publish_damaged
from course_labs.checks.lab01.server import MemoryS3
from course_utils.errors import StorageError

KEYS = ["a.txt", "a/b.txt", "a/ä b.csv", "a/x+y%20&<z>.csv", "a/c/d", "a/c/e", "b?versionId=3"]


@pytest.fixture
def moto():
    with local_s3(environment=False) as server:
        client = server.client()
        for bucket in ("one-bucket", "another"):
            client.create_bucket(Bucket=bucket)
        fill(client)
        yield client


@pytest.fixture
def memory():
    client = MemoryS3("one-bucket", "another").client()
    fill(client)
    return client


def fill(client):
    for key in KEYS:
        client.put_object(Bucket="one-bucket", Key=key, Body=f"content of {key}".encode())


TOLD = {"Contents", "CommonPrefixes", "IsTruncated", "KeyCount", "Body", "ContentLength",
        "ContentRange", "ETag", "CopyObjectResult", "Deleted"}  # fmt: skip
OF_AN_ITEM = {"Key", "Size", "ETag", "Prefix"}


def told(call, arguments):
    """Return what a call answers, or its error, without what is each server's own business."""
    try:
        answer = call(**arguments)
    except Exception as error:
        return type(error).__name__, error.response["Error"]["Code"]
    return {name: cleaned(value) for name, value in answer.items() if name in TOLD}


def cleaned(value):
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if name in OF_AN_ITEM}
    return value.read() if hasattr(value, "read") else value


BUCKET = {"Bucket": "one-bucket"}
ASKED = {
    "all keys": ("list_objects_v2", {}),
    "a prefix": ("list_objects_v2", {"Prefix": "a/"}),
    "a level": ("list_objects_v2", {"Prefix": "a/", "Delimiter": "/"}),
    "the top level": ("list_objects_v2", {"Delimiter": "/"}),
    "a page": ("list_objects_v2", {"MaxKeys": 3}),
    "a page of a level": ("list_objects_v2", {"Prefix": "a/", "Delimiter": "/", "MaxKeys": 2}),
    "from a key on": ("list_objects_v2", {"StartAfter": "a/b.txt"}),
    "nothing": ("list_objects_v2", {"Prefix": "/"}),
    "version 1": ("list_objects", {"Prefix": "a/", "MaxKeys": 2}),
    "version 1 from a key on": ("list_objects", {"Marker": "a/b.txt"}),
    "no such bucket": ("list_objects_v2", {"Bucket": "nowhere"}),
    "an object": ("get_object", {"Key": KEYS[2]}),
    "a range": ("get_object", {"Key": "a/b.txt", "Range": "bytes=2-5"}),
    "the end": ("get_object", {"Key": "a/b.txt", "Range": "bytes=-4"}),
    "the rest": ("get_object", {"Key": "a/b.txt", "Range": "bytes=4-"}),
    "more than there is": ("get_object", {"Key": "a/b.txt", "Range": "bytes=4-999"}),
    "behind the end": ("get_object", {"Key": "a/b.txt", "Range": "bytes=999-"}),
    "no such key": ("get_object", {"Key": "nothing"}),
    "another version": ("get_object", {"Key": "a/b.txt", "IfMatch": '"0"'}),
    "about an object": ("head_object", {"Key": KEYS[3]}),
    "about nothing": ("head_object", {"Key": "nothing"}),
    "about a bucket that is not there": ("head_bucket", {"Bucket": "nowhere"}),
    "a copy": ("copy_object", {"CopySource": {**BUCKET, "Key": KEYS[3]}, "Key": "copy"}),
    "a copy by text": ("copy_object", {"CopySource": f"one-bucket/{KEYS[2]}", "Key": "copy"}),
    "a copy of nothing": ("copy_object", {"CopySource": "one-bucket/nothing", "Key": "copy"}),
    "a new object": ("put_object", {"Bucket": "another", "Key": "new", "Body": b"new"}),
    "many deleted": ("delete_objects", {"Delete": {"Objects": [{"Key": "a & b"}, {"Key": "c"}]}}),
}  # fmt: skip


def test_requests_are_answered_as_by_moto(moto, memory):
    answers = {}
    for client in (moto, memory):
        answers[client] = {
            name: told(
                getattr(client, method),
                {"Bucket": "another" if "copy" in name else "one-bucket", **arguments},
            )
            for name, (method, arguments) in ASKED.items()
        }
    assert answers[moto] == answers[memory]
    assert all(answers[memory].values())


@pytest.mark.parametrize("method", ["list_objects_v2", "list_objects"])
@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_pages_of_any_size_list_every_key_once(method, delimiter, page, memory):
    server = MemoryS3("one-bucket", page=page)
    fill(server.client())
    listed = []
    for answer in (
        server.client().get_paginator(method).paginate(Bucket="one-bucket", Delimiter=delimiter)
    ):
        listed += [found["Key"] for found in answer.get("Contents", [])]
        listed += [found["Prefix"] for found in answer.get("CommonPrefixes", [])]
    assert sorted(listed) == sorted(["a.txt", "a/", "b?versionId=3"] if delimiter else KEYS)


def test_bytes_are_counted_and_whole_objects_told_apart():
    server = MemoryS3("one-bucket")
    client = server.client()
    client.upload_fileobj(io.BytesIO(b"0123456789"), "one-bucket", "digits")
    client.get_object(Bucket="one-bucket", Key="digits", Range="bytes=2-4")
    client.download_fileobj("one-bucket", "digits", io.BytesIO())
    told = [(r.what, r.key, r.n_bytes, r.whole) for r in server.requests]
    assert told == [
        ("PUT", "digits", 10, False),
        ("GET", "digits", 3, False),
        ("GET", "digits", 10, True),
    ]


def test_an_object_in_parts_has_the_etag_that_a_real_upload_gives(moto):
    body = bytes(range(256)) * 41_000  # two parts of 5 MiB and the rest
    size = len(body) // 2
    upload = {"Bucket": "another", "Key": "big"}
    upload["UploadId"] = moto.create_multipart_upload(**upload)["UploadId"]
    parts = [
        {
            "PartNumber": n + 1,
            "ETag": moto.upload_part(**upload, PartNumber=n + 1, Body=half)["ETag"],
        }
        for n, half in enumerate((body[:size], body[size:]))
    ]
    etag = moto.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"]
    server = MemoryS3("one-bucket")
    server.put("one-bucket", "big", body, parts=2)
    assert server.client().head_object(Bucket="one-bucket", Key="big")["ETag"] == etag


def test_one_upload_is_refused_and_the_others_are_not():
    client = MemoryS3("one-bucket", refused_write=2).client()
    client.put_object(Bucket="one-bucket", Key="first", Body=b"")
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.put_object(Bucket="one-bucket", Key="second", Body=b"")
    client.put_object(Bucket="one-bucket", Key="third", Body=b"")
    keys = [found.key for found in list_keys("s3://one-bucket/", client=client)]
    assert keys == ["first", "third"]


def test_what_it_does_not_know_it_says(memory):
    for call in (memory.get_bucket_policy, memory.list_object_versions):
        with pytest.raises(memory.exceptions.ClientError, match="NotImplemented"):
            call(Bucket="one-bucket")
    with pytest.raises(StorageError, match="there is no bucket nowhere"):
        list_keys("s3://nowhere/", client=memory)


def test_the_damaged_release_is_damaged_as_it_says(monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "sample")
    client = MemoryS3("one-bucket").client()
    folder = publish_damaged("sample", "one-bucket", "by-hand", client=client)
    files = {
        found.key.removeprefix(f"{folder}/")
        for found in list_keys(f"s3://one-bucket/{folder}/", client=client)
    }
    assert files == {"manifest.json", "movies.csv", "movies.parquet", "ratings (1).csv",
                     "ratings.csv", "ratings.parquet", "users.parquet"}  # fmt: skip
    ratings = read_table(f"s3://one-bucket/{folder}/ratings.parquet", client=client)
    movies = read_table(f"s3://one-bucket/{folder}/movies.parquet", client=client)
    assert (~ratings["movie_id"].isin(movies["movie_id"])).sum() == 5
    assert ratings.duplicated(["user_id", "movie_id"]).sum() == 3
    assert (ratings["rating"] == 0).sum() == 2
