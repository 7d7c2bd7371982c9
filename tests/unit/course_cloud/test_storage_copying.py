"""Prefixes are copied by the server, whole objects or none, and only what is not there yet."""

import io
import os
import uuid

import boto3.s3.transfer
import pytest
from s3_proxy import Fault, proxied

from course_cloud.storage import Transferred, connect, copy_prefix, copying
from course_utils.errors import StorageError

MIB = 1 << 20


@pytest.fixture
def second():
    """Return a function that makes one more bucket on a server."""

    def bucket(server):
        name = f"second-{uuid.uuid4().hex[:12]}"
        server.client.create_bucket(Bucket=name)
        return name

    return bucket


def objects(server, bucket):
    """Return all of a bucket: content by key."""
    found = {}
    for item in server.client.list_objects_v2(Bucket=bucket).get("Contents", []):
        answer = server.client.get_object(Bucket=bucket, Key=item["Key"])
        found[item["Key"]] = answer["Body"].read()
        answer["Body"].close()
    return found


def etag(server, bucket, key):
    return server.client.head_object(Bucket=bucket, Key=key)["ETag"]


def put_in_parts(server, key, data, part=8 * MIB, **extra):
    config = boto3.s3.transfer.TransferConfig(multipart_chunksize=part)
    server.client.upload_fileobj(io.BytesIO(data), server.bucket, key, extra or None, Config=config)


def test_a_prefix_is_copied_to_another_bucket_and_the_second_time_nothing_moves(s3, second, moved):
    keys = {"ml/ratings.csv": b"1,2\n", "ml/größe/a b%+.csv": b"x" * 999, "ml/../odd//key": b"!"}
    for key, data in keys.items():
        s3.put(key, data)
    s3.put("ml-1m/other.csv", b"not this one")
    there, read = second(s3), moved(s3.client)
    n_bytes = sum(map(len, keys.values()))
    to = f"s3://{there}/class/2026"
    copied = copy_prefix(s3.address("ml"), to, client=s3.client)
    assert copied == Transferred(3, n_bytes, 0)
    assert read == []  # nothing came through this computer
    assert objects(s3, there) == {
        key.replace("ml/", "class/2026/", 1): data for key, data in keys.items()
    }
    assert copy_prefix(s3.address("ml"), to, client=s3.client) == Transferred(0, 0, 3)
    s3.put("ml/ratings.csv", b"1,3\n")  # of the same size
    assert copy_prefix(s3.address("ml"), to, client=s3.client) == Transferred(1, 4, 2)


def test_an_object_in_parts_keeps_its_parts_its_etag_and_what_is_said_about_it(s3, second):
    data = os.urandom(20 * MIB + 1)
    put_in_parts(s3, "a/big.bin", data, ContentType="text/csv", Metadata={"lesson": "01"})
    there = second(s3)
    assert copy_prefix(s3.address("a"), f"s3://{there}", client=s3.client).files == 1
    assert objects(s3, there) == {"big.bin": data}
    about = s3.client.head_object(Bucket=there, Key="big.bin")
    assert about["ETag"] == etag(s3, s3.bucket, "a/big.bin")
    assert (about["ContentType"], about["Metadata"]) == ("text/csv", {"lesson": "01"})
    assert copy_prefix(s3.address("a"), f"s3://{there}", client=s3.client).skipped == 1
    assert s3.client.list_multipart_uploads(Bucket=there).get("Uploads", []) == []


def test_parts_of_an_unusual_size_become_one_object(s3, second):
    data = os.urandom(20 * MIB)
    put_in_parts(s3, "a/big.bin", data, part=6 * MIB)
    there = second(s3)
    copy_prefix(s3.address("a"), f"s3://{there}", client=s3.client)
    assert objects(s3, there) == {"big.bin": data}
    if s3.kind == "moto":  # Swift does not report part sizes
        assert etag(s3, there, "big.bin") == etag(s3, s3.bucket, "a/big.bin")
        assert copy_prefix(s3.address("a"), f"s3://{there}", client=s3.client).skipped == 1


def test_what_is_too_big_for_one_request_is_copied_in_parts(moto, second, monkeypatch):
    monkeypatch.setattr(copying, "LARGEST_COPY", 10 * MIB)
    data = os.urandom(13 * MIB)
    moto.put("a/big.bin", data)
    there = second(moto)
    copy_prefix(moto.address("a"), f"s3://{there}")
    assert objects(moto, there) == {"big.bin": data}
    assert etag(moto, there, "big.bin").endswith('-2"')


def test_within_one_bucket_the_target_may_not_lie_in_the_source(moto):
    moto.put("a/x.csv", b"1")
    for to in ("a", "a/b", "a/"):
        with pytest.raises(StorageError, match=r"would hold itself"):
            copy_prefix(moto.address("a"), moto.address(to))
    with pytest.raises(StorageError, match=r"would hold itself"):
        copy_prefix(moto.address(), moto.address("backup"))
    copy_prefix(moto.address("a"), moto.address("ab"))
    assert set(objects(moto, moto.bucket)) == {"a/x.csv", "ab/x.csv"}


def test_nothing_to_copy_and_nowhere_to_copy_to_are_said(moto, second):
    with pytest.raises(StorageError, match=r"nothing to copy below s3://.*/none/; check"):
        copy_prefix(moto.address("none"), f"s3://{second(moto)}")
    moto.put("a/x.csv", b"1")
    with pytest.raises(StorageError, match=r"there is no bucket no-such-bucket"):
        copy_prefix(moto.address("a"), "s3://no-such-bucket/b")
    with pytest.raises(StorageError, match=r"more than 1024 bytes; shorten"):
        copy_prefix(moto.address("a"), f"s3://{second(moto)}/{'x' * 1020}")


@pytest.fixture
def through(moto, no_pauses):
    """Return a function that makes a client whose way to moto has faults."""
    opened = []

    def go(*faults):
        proxy = proxied(moto.endpoint, *faults)
        client = connect(endpoint_url=proxy.__enter__().endpoint)
        opened.append((proxy, client))
        return client

    yield go
    for proxy, client in opened:
        client.close()
        proxy.__exit__(None, None, None)


def test_a_copy_in_parts_that_fails_is_aborted_and_the_others_are_made(moto, second, through):
    put_in_parts(moto, "a/big.bin", os.urandom(20 * MIB))
    moto.put("a/small.csv", b"1")
    there = second(moto)
    client = through(Fault("503", "PUT", "partNumber=2", 10**9))
    with pytest.raises(StorageError) as told:
        copy_prefix(moto.address("a"), f"s3://{there}", client=client)
    assert "1 of 2 files could not be copied" in str(told.value)
    assert "'a/big.bin'" in str(told.value)
    assert "The other 1 are complete" not in str(told.value)
    assert "The other one is complete; call copy_prefix again" in str(told.value)
    assert objects(moto, there) == {"small.csv": b"1"}
    assert moto.client.list_multipart_uploads(Bucket=there).get("Uploads", []) == []


@pytest.mark.parametrize("in_parts", [False, True])
def test_an_object_that_changes_while_it_is_copied_leaves_no_mixture(
    moto, second, through, in_parts
):
    data = os.urandom(20 * MIB)
    if in_parts:
        put_in_parts(moto, "a/x.bin", data)
    else:
        moto.put("a/x.bin", data)
    there = second(moto)
    change = Fault(
        "call", "PUT", "partNumber=2" if in_parts else f"{there}/x.bin",
        call=lambda: moto.put("a/x.bin", data[::-1]),
    )  # fmt: skip
    client = through(change)
    # moto takes no notice of x-amz-copy-source-if-match, so this is the course's own look
    with pytest.raises(StorageError, match=r"changed while it was being copied"):
        copy_prefix(moto.address("a"), f"s3://{there}", client=client, workers=1)
    assert objects(moto, there) == {}
    copy_prefix(moto.address("a"), f"s3://{there}", client=client)
    assert objects(moto, there) == {"x.bin": data[::-1]}
