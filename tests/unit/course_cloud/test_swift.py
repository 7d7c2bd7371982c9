"""The real S3 server of the tests: what it can do, what it refuses, and that it leaves nothing."""

import io
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from swift import Swift, swift_server, why_not, with_content_md5

boto3 = pytest.importorskip("boto3")
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

SWIFT_FILE = Path(__file__).resolve().parents[2] / "swift.py"
BUCKET = "lessons"


def client_of(swift: Swift, **other: Any) -> Any:
    settings = {
        "endpoint_url": swift.endpoint,
        "aws_access_key_id": swift.access_key,
        "aws_secret_access_key": swift.secret_key,
        "region_name": swift.region,
        "config": Config(
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            max_pool_connections=16,
        ),
    }
    return boto3.client("s3", **(settings | other))


# Not "module": a worker that leaves this file and comes back would make the bucket a second time.
@pytest.fixture(scope="session")
def s3(swift: Swift) -> Any:
    client = with_content_md5(client_of(swift))
    client.create_bucket(Bucket=BUCKET)
    return client


def code_of(failed: pytest.ExceptionInfo[ClientError]) -> str:
    return str(failed.value.response["Error"]["Code"])


def test_what_is_put_is_what_is_got(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="a b/ü.txt", Body=b"movies")
    assert s3.get_object(Bucket=BUCKET, Key="a b/ü.txt")["Body"].read() == b"movies"
    part = s3.get_object(Bucket=BUCKET, Key="a b/ü.txt", Range="bytes=1-3")
    assert part["Body"].read() == b"ovi"


def test_a_listing_needs_a_second_page_past_a_thousand(s3: Any) -> None:
    keys = [f"many/{i:04}" for i in range(1003)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=b""), keys))
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="many/"))
    assert [len(page["Contents"]) for page in pages] == [1000, 3]
    assert [found["Key"] for page in pages for found in page["Contents"]] == keys


def test_delete_objects_works_with_content_md5_and_not_without(swift: Swift, s3: Any) -> None:
    for key in ("gone/1", "gone/2"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    objects = {"Objects": [{"Key": "gone/1"}, {"Key": "gone/2"}, {"Key": "gone/never there"}]}
    with pytest.raises(ClientError) as failed:
        client_of(swift).delete_objects(Bucket=BUCKET, Delete=objects)
    assert code_of(failed) == "InvalidRequest"
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="gone/")["KeyCount"] == 2
    s3.delete_objects(Bucket=BUCKET, Delete=objects)
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="gone/")["KeyCount"] == 0


def test_a_presigned_link_works_without_credentials_and_only_as_signed(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="link", Body=b"for all")
    s3.put_object(Bucket=BUCKET, Key="link2", Body=b"not for all")
    target = {"Bucket": BUCKET, "Key": "link"}
    link = s3.generate_presigned_url("get_object", target, ExpiresIn=60)
    assert requests.get(link, timeout=10).content == b"for all"
    tampered = requests.get(link.replace("/link?", "/link2?"), timeout=10)
    assert (tampered.status_code, "SignatureDoesNotMatch" in tampered.text) == (403, True)

    upload = s3.generate_presigned_url("put_object", target, ExpiresIn=60)
    assert requests.put(upload, data=b"new", timeout=10).status_code == 200
    assert s3.get_object(**target)["Body"].read() == b"new"


def test_twelve_megabytes_travel_in_parts_and_come_back_whole(s3: Any) -> None:
    body = random.Random(1).randbytes(12 * 2**20)
    s3.upload_fileobj(io.BytesIO(body), BUCKET, "big")
    head = s3.head_object(Bucket=BUCKET, Key="big")
    assert (head["ContentLength"], head["ETag"].strip('"')[-2:]) == (len(body), "-2")
    assert s3.get_object(Bucket=BUCKET, Key="big")["Body"].read() == body
    s3.copy_object(Bucket=BUCKET, Key="big copy", CopySource={"Bucket": BUCKET, "Key": "big"})
    assert s3.get_object(Bucket=BUCKET, Key="big copy")["Body"].read() == body


def test_the_server_copies_an_object_with_its_metadata(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="original", Body=b"1", Metadata={"release": "ml-1m"})
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "original"})
    assert s3.head_object(Bucket=BUCKET, Key="copy")["Metadata"] == {"release": "ml-1m"}


def test_a_deleted_object_comes_back_when_its_delete_marker_goes(s3: Any) -> None:
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(
        Bucket="versioned", VersioningConfiguration={"Status": "Enabled"}
    )  # fmt: skip
    for body in (b"first", b"second"):
        s3.put_object(Bucket="versioned", Key="k", Body=body)
    marker = s3.delete_object(Bucket="versioned", Key="k")["VersionId"]
    with pytest.raises(ClientError) as failed:
        s3.get_object(Bucket="versioned", Key="k")
    assert code_of(failed) == "NoSuchKey"
    s3.delete_object(Bucket="versioned", Key="k", VersionId=marker)
    assert s3.get_object(Bucket="versioned", Key="k")["Body"].read() == b"second"
    versions = s3.list_object_versions(Bucket="versioned")["Versions"]
    old = s3.get_object(Bucket="versioned", Key="k", VersionId=versions[-1]["VersionId"])
    assert old["Body"].read() == b"first"


def test_a_wrong_secret_is_refused(swift: Swift) -> None:
    stranger = client_of(swift, aws_secret_access_key="not-a-real-secret-either")
    with pytest.raises(ClientError) as failed:
        stranger.list_buckets()
    assert code_of(failed) == "SignatureDoesNotMatch"


REFUSED = {
    "put_object": ({"Key": "k", "Body": b"", "IfNoneMatch": "*"}, "NotImplemented"),
    "put_bucket_policy": ({"Policy": "{}"}, "NotImplemented"),
    "put_object_tagging": ({"Key": "k", "Tagging": {"TagSet": []}}, "NotImplemented"),
    "put_public_access_block": (
        {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
        "MalformedXML",
    ),
    "put_bucket_lifecycle_configuration": (
        {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "Prefix": ""}]}},
        "MalformedXML",
    ),
}


@pytest.mark.parametrize("call", REFUSED)
def test_what_swift_does_not_do_is_refused_as_its_table_says(s3: Any, call: str) -> None:
    arguments, code = REFUSED[call]
    with pytest.raises(ClientError) as failed:
        getattr(s3, call)(Bucket=BUCKET, **arguments)
    assert code_of(failed) == code


def runs(pid: int) -> bool:
    """Whether the process is there and is no zombie waiting for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_after_a_failure_no_process_and_no_file_is_left() -> None:
    with pytest.raises(ZeroDivisionError), swift_server() as server:  # noqa: PT012
        assert len(server.pids) == 6
        assert all(map(runs, server.pids))
        raise ZeroDivisionError
    assert not any(map(runs, server.pids))
    assert not server.folder.exists()


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_a_command_runs_against_swift_and_nothing_outlives_a_kill(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import boto3, time\n"
        "boto3.client('s3').create_bucket(Bucket='mine')\n"
        "print([b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']], flush=True)\n"
        "time.sleep(5)\n"
    )
    command = [sys.executable, str(SWIFT_FILE), "--", sys.executable, str(script)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Swift answers at http://127.0.0.1:")
        assert process.stdout.readline() == "['mine']\n"
        (folder,) = tmp_path.glob("swift-*")
        pids = [int(pid) for pid in (folder / "pids").read_text().split()]
        assert all(map(runs, pids))
        process.send_signal(signal.SIGKILL)
        end = time.monotonic() + 10
        while (any(map(runs, pids)) or folder.exists()) and time.monotonic() < end:
            time.sleep(0.05)
    assert not any(map(runs, pids))
    assert not folder.exists()


def test_where_swift_is_not_installed_the_reason_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    reason = why_not()
    assert reason is not None
    assert "apt-get install swift-proxy swift-account" in reason
