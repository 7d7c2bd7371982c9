"""The local server: one to a process, gone when it should be, and nothing left behind."""

import os
import shutil
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from course_cloud.storage import connect, list_keys, local_s3, write_table
from course_cloud.storage.servers import running
from course_utils.errors import StorageError


def listens(endpoint):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(endpoint).port)) == 0


def test_it_listens_on_this_machine_only_and_stops_with_its_block():
    with local_s3() as server:
        assert urlsplit(server.endpoint).hostname == "127.0.0.1"
        assert listens(server.endpoint)
        assert "stopped" not in repr(server)
    assert not listens(server.endpoint)
    assert "stopped" in repr(server)


def test_the_environment_points_to_it_and_is_restored(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere.example.org")
    monkeypatch.setenv("NO_PROXY", "intranet")
    before = dict(os.environ)
    with local_s3() as server:
        assert connect().meta.endpoint_url == server.endpoint
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "intranet,127.0.0.1"
    assert dict(os.environ) == before


def test_what_was_changed_meanwhile_is_left_alone(monkeypatch):
    with local_s3():
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert os.environ["AWS_REGION"] == "eu-central-1"


def test_the_environment_can_be_left_out_of_it():
    before = dict(os.environ)
    with local_s3(environment=False) as server:
        assert dict(os.environ) == before
        server.client().create_bucket(Bucket="bucket")


def test_a_second_call_joins_and_only_the_last_block_stops_it():
    with local_s3() as outer:
        outer.client().create_bucket(Bucket="shared")
        with local_s3() as inner:
            assert inner.endpoint == outer.endpoint
            assert [b["Name"] for b in inner.client().list_buckets()["Buckets"]] == ["shared"]
        assert listens(outer.endpoint)
    assert running.endpoint == ""


def test_a_notebooks_server_outlives_blocks_and_stops_by_hand():
    server = local_s3()
    local_s3()  # the cell was run twice
    with local_s3():
        pass
    assert listens(server.endpoint)
    server.stop()
    assert not listens(server.endpoint)
    server.stop()  # a second time does nothing


def test_a_new_server_knows_nothing_of_the_last_one():
    for _ in range(2):
        with local_s3() as server:
            client = server.client()
            assert client.list_buckets()["Buckets"] == []
            client.create_bucket(Bucket="bucket")
            client.put_object(Bucket="bucket", Key="key", Body=b"x")
            client.create_multipart_upload(Bucket="bucket", Key="unfinished")


def test_a_handle_of_a_stopped_server_does_not_end_its_successor():
    first = local_s3()
    first.stop()
    with local_s3() as second:
        with first:
            pass
        first.stop()
        assert listens(second.endpoint)


def test_an_error_in_the_block_stops_it_all_the_same():
    with pytest.raises(ZeroDivisionError), local_s3() as server:
        1 / 0  # noqa: B018
    assert not listens(server.endpoint)


def test_it_is_gone_with_its_process_and_says_nothing_meanwhile():
    code = (
        "from course_cloud.storage import local_s3; s = local_s3(); c = s.client();"
        "c.create_bucket(Bucket='bucket'); print(s.endpoint)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    endpoint = run.stdout.strip()
    assert run.stderr == ""
    assert not listens(endpoint)


def test_the_aws_command_talks_to_it_too():
    import pandas as pd

    aws = shutil.which("aws", path=os.path.dirname(sys.executable)) or shutil.which("aws")
    if aws is None:
        pytest.skip("the AWS CLI is not installed")
    with local_s3() as server:
        server.client().create_bucket(Bucket="bucket")
        write_table(pd.DataFrame({"a": [1]}), "s3://bucket/some key.csv")
        run = subprocess.run([aws, "s3", "ls", "s3://bucket/"], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert run.stdout.endswith("some key.csv\n")
        assert [obj.key for obj in list_keys("s3://bucket")] == ["some key.csv"]


def test_without_moto_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "moto.server", None)
    monkeypatch.setitem(sys.modules, "moto", None)
    with pytest.raises(StorageError, match=r"pip install 'course-utils\[s3\]'"):
        local_s3()
    assert running.endpoint == ""
