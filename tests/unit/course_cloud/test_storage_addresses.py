"""Every key under a prefix, past the thousand of a page, and however it is spelled."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from course_cloud.storage import list_keys


def test_a_listing_tells_size_fingerprint_and_time(s3):
    s3.put("a/one.txt", b"hello")
    [obj] = list_keys(s3.address("a/"))
    assert (obj.bucket, obj.key, obj.size) == (s3.bucket, "a/one.txt", 5)
    assert obj.etag == "5d41402abc4b2a76b9719d911017c592"  # md5sum of hello
    assert obj.modified.tzinfo is UTC
    assert abs(datetime.now(UTC) - obj.modified) < timedelta(minutes=5)
    assert obj.address == s3.address("a/one.txt")
    assert list(pd.DataFrame([obj]).columns) == ["bucket", "key", "size", "etag", "modified"]


def test_a_prefix_is_the_beginning_of_a_text_and_no_folder(s3, monkeypatch):
    for key in ("ml-1m/x", "ml-10m/x", "other"):
        s3.put(key, b"")
    monkeypatch.setenv("COURSE_BUCKET", s3.bucket)
    assert [obj.key for obj in list_keys("ml-1")] == ["ml-10m/x", "ml-1m/x"]
    assert [obj.key for obj in list_keys("ml-1m/")] == ["ml-1m/x"]
    assert len(list_keys("")) == len(list_keys(f"s3://{s3.bucket}")) == 3
    assert list_keys("nothing") == []


def test_keys_past_the_first_thousand_are_found(moto):
    from moto.backends import get_backend

    backend = get_backend("s3")["123456789012"]["aws"]  # requests would take half a minute
    for number in range(2345):
        backend.put_object(moto.bucket, f"many/{number:04d}", b"")
    keys = [obj.key for obj in list_keys(moto.address("many/"))]
    assert keys == [f"many/{number:04d}" for number in range(2345)]


@pytest.mark.parametrize(
    "key",
    ["a b.csv", "/leading", "../up", "a/../b", "a//b", "ü/日本.csv", "100%25.csv", "a+b&c=d?e#"],
)
def test_odd_keys_come_back_as_they_were(s3, key):
    s3.put(key, b"x")
    assert [obj.key for obj in list_keys(s3.address())] == [key]
    assert [obj.key for obj in list_keys(s3.address(key))] == [key]
