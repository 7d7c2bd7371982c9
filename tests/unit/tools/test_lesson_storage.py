"""Lesson 01 on other servers than the one its committed outputs come from (nbval compares those).

It is executed whole: against Swift, which verifies every signature, with no network at all, and in
an account where others keep files, none of which it may touch.
"""

import os
import shutil
import subprocess
import sys

import faulty_s3
import pytest

NO_NETWORK = ["unshare", "--map-root-user", "--net", "--"]
LATEST = {"Status": "Enabled"}


def run_lesson(root, environment, before=()):
    command = [sys.executable, "-m", "tools.notebooks.build", "run", "01_object_storage"]
    return subprocess.run(
        [*before, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def bare(tmp_path):
    """Return an environment without any setting of AWS, and with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COURSE_"))}
    return kept | {"HOME": str(tmp_path)}


def settings_of(server, endpoint=None):
    """Return the environment of an account on a server of the fixtures, with its bucket."""
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return aws | {"AWS_ENDPOINT_URL": endpoint or server.endpoint, "COURSE_BUCKET": server.bucket}


def everything_in(client, bucket):
    """Return the content of every version in a bucket, by key and version."""
    listed = client.list_object_versions(Bucket=bucket)
    found = {
        (one["Key"], one["VersionId"]): client.get_object(
            Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"]
        )["Body"].read()
        for one in listed.get("Versions", [])
    }
    return found | {(one["Key"], one["VersionId"]): None for one in listed.get("DeleteMarkers", [])}


def buckets_of(client):
    return sorted(bucket["Name"] for bucket in client.list_buckets()["Buckets"])


@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
def test_lesson_01_touches_no_file_but_its_own(repository_root, bare, s3, versioned):
    client, backup = s3.client, f"{s3.bucket}-backup"
    client.create_bucket(Bucket=backup)
    for bucket in (s3.bucket, backup):
        if versioned:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=LATEST)
        for key in ("thesis.txt", "lesson-01/toy/notes.txt", "lesson-01", "lesson-01-old/data/a",
                    "data/sample/ratings.csv", "movies.csv", "essay.txt", "large.bin"):  # fmt: skip
            client.put_object(Bucket=bucket, Key=key, Body=f"{bucket} {key}".encode())
    if versioned:
        client.put_object(Bucket=backup, Key="essay.txt", Body=b"second draft")
        client.delete_object(Bucket=backup, Key="thesis.txt")
    started = client.create_multipart_upload(Bucket=s3.bucket, Key="unfinished.bin")
    before = {bucket: everything_in(client, bucket) for bucket in (s3.bucket, backup)}
    buckets = buckets_of(client)

    done = run_lesson(repository_root, bare | settings_of(s3))

    assert done.returncode == 0, done.stdout + done.stderr
    assert {bucket: everything_in(client, bucket) for bucket in (s3.bucket, backup)} == before
    assert all(len(found) >= 8 for found in before.values())
    assert [upload["UploadId"] for upload in s3.unfinished()] == [started["UploadId"]]
    assert buckets_of(client) == buckets


def test_lesson_01_says_that_a_bucket_is_somebody_elses(repository_root, bare, moto):
    refused = faulty_s3.Fault(of=f"HEAD /{moto.bucket}", status=403, code="AccessDenied")
    with faulty_s3.before(moto.endpoint, refused) as server:
        done = run_lesson(repository_root, bare | settings_of(moto, server.endpoint))
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert f"You may not use the bucket {moto.bucket}: it belongs to somebody else" in said
    assert [line for line in server.asked if not line.startswith("HEAD")] == []
    assert buckets_of(moto.client) == [moto.bucket]


def test_lesson_01_refuses_a_bucket_for_its_settings_that_exists(repository_root, bare, moto):
    there = faulty_s3.Fault(of=f"HEAD /{moto.bucket}-", status=200)
    with faulty_s3.before(moto.endpoint, there) as server:
        done = run_lesson(repository_root, bare | settings_of(moto, server.endpoint))
    assert done.returncode != 0
    assert "exists already; run this cell again." in done.stdout + done.stderr
    assert not [line for line in server.asked if f"/{moto.bucket}-" in line and "HEAD" not in line]
    assert everything_in(moto.client, moto.bucket) == {}


def test_lesson_01_makes_a_bucket_that_is_not_there_and_leaves_it_empty(
    repository_root, bare, swift
):
    done = run_lesson(repository_root, bare | swift.environment | {"COURSE_BUCKET": "my-class"})
    assert done.returncode == 0, done.stdout + done.stderr
    client = pytest.importorskip("boto3").client("s3", **arguments_for(swift))
    assert everything_in(client, "my-class") == {}
    assert [name for name in buckets_of(client) if name.startswith("my-class")] == ["my-class"]


def arguments_for(swift):
    return {
        "endpoint_url": swift.endpoint,
        "aws_access_key_id": swift.access_key,
        "aws_secret_access_key": swift.secret_key,
        "region_name": swift.region,
    }


def test_lesson_01_runs_with_no_network_at_all(repository_root, bare):
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("no unshare and ip to take the network away with")
    if subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare may not make a network namespace here")
    # only the loopback interface, which a new namespace has switched off
    cut = [*NO_NETWORK, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    reached = ["sh", "-c", "ip -o link show up | grep -vc LOOPBACK"]
    assert subprocess.run([*cut, *reached], capture_output=True, text=True).stdout.strip() == "0"
    done = run_lesson(repository_root, bare, cut)
    assert done.returncode == 0, done.stdout + done.stderr
