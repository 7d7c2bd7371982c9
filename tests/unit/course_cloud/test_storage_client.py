"""Where a client comes from, and what is said when it cannot come from there."""

import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from course_cloud import storage
from course_cloud.storage import client as client_module
from course_cloud.storage import connect, list_keys, local_s3, parse_address, presign
from course_cloud.storage.client import default_client
from course_cloud.storage.servers import running
from course_utils.errors import StorageError


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")


def config(text):
    with open(os.environ["AWS_CONFIG_FILE"], "w") as file:
        file.write(text)


def test_without_credentials_and_configuration_the_local_server_starts_and_says_so(capsys):
    client = connect()
    try:
        said = capsys.readouterr().out
        assert said == (
            "No AWS credentials found: practicing on a local S3 server at "
            f"{running.endpoint}, gone when this process ends.\n"
        )
        client.create_bucket(Bucket="practice")
        again = connect()
        assert [bucket["Name"] for bucket in again.list_buckets()["Buckets"]] == ["practice"]
        assert list_keys("s3://practice") == []
        assert capsys.readouterr().out == ""  # it is said once
        assert os.environ["AWS_ENDPOINT_URL"] == client.meta.endpoint_url
    finally:
        local_s3().stop()
    assert "AWS_ENDPOINT_URL" not in os.environ
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_credentials_of_the_environment_lead_to_aws_with_its_own_addressing(keys):
    client = connect()
    assert client.meta.endpoint_url == "https://s3.us-east-1.amazonaws.com"
    assert client.meta.config.s3 is None
    assert client.meta.config.request_checksum_calculation == "when_supported"


def test_region_and_profile_come_from_the_configuration(monkeypatch):
    config(
        "[profile class]\nregion = eu-central-1\naws_access_key_id = made-up\n"
        "aws_secret_access_key = not-a-real-secret\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "class")
    assert connect().meta.region_name == "eu-central-1"
    assert connect(region="us-west-2").meta.region_name == "us-west-2"
    monkeypatch.delenv("AWS_PROFILE")
    assert connect(profile="class").meta.region_name == "eu-central-1"


@pytest.mark.parametrize(
    ("environment", "argument", "region"),
    [
        ({"AWS_REGION": "eu-central-1"}, None, "eu-central-1"),
        ({"AWS_DEFAULT_REGION": "eu-central-1"}, None, "eu-central-1"),
        ({"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-west-2"}, None, "eu-central-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"}, None, "us-west-2"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, None, "eu-west-3"),
        ({"AWS_REGION": "eu-central-1"}, "ap-south-1", "ap-south-1"),
    ],
)
def test_links_are_signed_for_the_first_region_of_argument_variables_and_profile(
    keys, monkeypatch, environment, argument, region
):
    config("[default]\nregion = eu-west-3\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = connect(region=argument)
    assert client.meta.region_name == region
    assert f"%2F{region}%2Fs3%2Faws4_request" in presign("s3://class/x", client=client)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_another_server_is_addressed_by_path_without_newer_checksums(keys, monkeypatch, variable):
    monkeypatch.setenv(variable, "https://swift.example.org:8080")
    client = connect()
    assert client.meta.endpoint_url == "https://swift.example.org:8080"
    assert client.meta.config.s3["addressing_style"] == "path"
    assert client.meta.config.request_checksum_calculation == "when_required"
    assert client.meta.config.response_checksum_validation == "when_required"


def test_retries_timeouts_and_pool_are_bounded(keys):
    settings = connect(attempts=2, connect_timeout=1, read_timeout=2).meta.config
    assert settings.retries == {"mode": "standard", "total_max_attempts": 2}
    assert (settings.connect_timeout, settings.read_timeout) == (1, 2)
    assert settings.max_pool_connections >= 16


def test_a_server_that_never_answers_ends_in_time(moto, faulty, monkeypatch):
    proxy = faulty()
    proxy.delay = 1.0
    client = connect(attempts=1, read_timeout=0.1)
    with pytest.raises(StorageError, match="did not answer in time"):
        list_keys(moto.address(), client=client)


@pytest.mark.parametrize(
    ("environment", "text", "said"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "", "no credentials for http://127.0.0.1:1"),
        ({"AWS_PROFILE": "clas"}, "", "there is no AWS profile 'clas'"),
        ({"AWS_PROFILE": "class"}, "[profile class]\nregion = x\n", "'class' holds no credentials"),
        ({"AWS_ACCESS_KEY_ID": "made-up"}, "", "AWS credentials are incomplete"),
        ({}, "[profile class]\nregion = x\n", "set AWS_PROFILE to one of class"),
    ],
)
def test_where_credentials_were_meant_the_local_server_does_not_hide_it(
    monkeypatch, environment, text, said
):
    config(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match=said):
        connect()


def test_an_endpoint_that_is_no_url_is_said(keys, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost-without-scheme")
    with pytest.raises(StorageError, match="write AWS_ENDPOINT_URL as http://host:port"):
        connect()


KEYS = {"AWS_ACCESS_KEY_ID": "made-up-key", "AWS_SECRET_ACCESS_KEY": "x" * 40}
EXPIRED = {
    "Version": 1,
    "AccessKeyId": "made-up-key",
    "SecretAccessKey": "xxxx",
    "SessionToken": "xxxx",
    "Expiration": "2020-01-01T00:00:00Z",
}
ROLE = "role_arn = arn:aws:iam::123456789012:role/x\n"


@pytest.mark.parametrize(
    ("environment", "text", "said"),
    [
        ({"AWS_PROFILE": ""}, "", "no AWS profile ''; set AWS_PROFILE"),
        ({"AWS_PROFILE": "course"}, "[course]\nregion = x\n", r"\[profile NAME\]"),
        (
            {},
            "\ufeff[profile class]\nregion = x\n",
            r"line 1 of .*config cannot .* byte order mark",
        ),
        ({}, "[profile class\nregion = x\n", "line 1 of .*config cannot"),
        ({}, "[default]\nregion = a\nregion = b\n", "line 3 of .*config cannot"),
        ({}, b"# f\xfcr\n[default]\n", "config cannot .* UTF-8"),
        ({"AWS_CONFIG_FILE": "/"}, "", "is a folder"),
        ({"AWS_SECRET_ACCESS_KEY": "x" * 40}, "", "AWS_ACCESS_KEY_ID is not set"),
        ({**KEYS, "AWS_SECRET_ACCESS_KEY": "x" * 40 + "\n"}, "", "AWS_SECRET_ACCESS_KEY .*copy"),
        ({**KEYS, "AWS_ACCESS_KEY_ID": '"made-up-key"'}, "", "AWS_ACCESS_KEY_ID .*copy it again"),
        ({}, "[default]\naws_secret_access_key = xxxx\n", "'default' holds no credentials"),
        (
            {},
            "[default]\naws_access_key_id =\n  a = b\naws_secret_access_key = x\n",
            "copy it again",
        ),
        ({**KEYS, "AWS_REGION": " eu-central-1 "}, "", "write AWS_REGION as"),
        (KEYS, "[default]\nregion =\n  a = b\n", "region of the profile is"),
        ({**KEYS, "AWS_ENDPOINT_URL_S3": "http://host "}, "", "write AWS_ENDPOINT_URL_S3 as"),
        (
            {**KEYS, "AWS_ENDPOINT_URL": "http://me{}xxxx@host".format(":")},
            "",
            "AWS_ENDPOINT_URL is 'host'",
        ),
        ({**KEYS, "AWS_CA_BUNDLE": ""}, "", "AWS_CA_BUNDLE is ''; write"),
        ({**KEYS, "REQUESTS_CA_BUNDLE": "/nope"}, "", "REQUESTS_CA_BUNDLE is '/nope'"),
        (KEYS, "[default]\nca_bundle = /nope\n", "ca_bundle of the profile is '/nope'"),
        ({**KEYS, "HTTPS_PROXY": "not a proxy"}, "", "write HTTPS_PROXY"),
        ({**KEYS, "AWS_USE_FIPS_ENDPOINT": "maybe"}, "", "AWS_USE_FIPS_ENDPOINT as true or false"),
        ({**KEYS, "AWS_REQUEST_CHECKSUM_CALCULATION": "x"}, "", "AWS_REQUEST_CHECKSUM_CALCULATION"),
        ({**KEYS, "AWS_METADATA_SERVICE_TIMEOUT": "x"}, "", "check AWS_METADATA_SERVICE_TIMEOUT"),
        (KEYS, "[default]\ns3 =\n  addressing_style = x\n", "style x is invalid.*check .*config"),
        ({}, "[default]\ncredential_process = /nope/tool\n", "credential_process .*/nope/tool"),
        ({}, "[default]\ncredential_process = echo hello\n", "by credential_process"),
        (
            {},
            f"[default]\ncredential_process = echo '{json.dumps(EXPIRED)}'\n",
            "credential_process .*expired",
        ),
        ({"AWS_PROFILE": "c"}, f"[profile c]\n{ROLE}source_profile = c\n", "role_arn .*loop"),
        ({"AWS_PROFILE": "c"}, f"[profile c]\n{ROLE}", "set source_profile or credential_source"),
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nope/token", "AWS_ROLE_ARN": ROLE[11:-1]},
            "",
            "AWS_WEB_IDENTITY_TOKEN_FILE .*/nope/token",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence_at_the_first_call(
    monkeypatch, no_pauses, environment, text, said
):
    with open(os.environ["AWS_CONFIG_FILE"], "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match=said) as caught:
        list_keys("s3://class/")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    assert "xxxx" not in str(caught.value)


def test_a_new_process_says_it_as_one_that_has_loaded_botocores_models():
    ended = subprocess.run(
        [sys.executable, "-c", "from course_cloud.storage import list_keys; list_keys('s3://a-b')"],
        env={**os.environ, "AWS_PROFILE": "course"}, capture_output=True, text=True,
    )  # fmt: skip
    assert "botocore" not in ended.stderr
    assert "StorageError: Could not connect: there is no AWS profile 'course'" in ended.stderr


@pytest.mark.parametrize("kind", ["resource('s3')", "Session()", "Session", "client('sqs')"])
def test_what_is_no_client_of_s3_is_refused_by_every_function(keys, monkeypatch, tmp_path, kind):
    import boto3
    import pandas as pd

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = eval(f"boto3.{kind}", {"boto3": boto3})
    (tmp_path / "file").write_bytes(b"x")
    for call, *arguments in (
        (storage.list_keys, "s3://a-b"),
        (storage.presign, "s3://a-b/c"),
        (storage.read_table, "s3://a-b/c.csv"),
        (storage.write_table, pd.DataFrame({"a": [1]}), "s3://a-b/c.csv"),
        (storage.upload_dir, tmp_path, "s3://a-b/c"),
        (storage.download_dir, "s3://a-b/c", tmp_path),
        (storage.copy_prefix, "s3://a-b/c", "s3://a-b/d"),
        (storage.publish_movielens, "sample", "a-b"),
    ):
        with pytest.raises(StorageError, match="client= takes a client of S3"):
            call(*arguments, client=client)


def test_an_expired_sign_in_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    config(
        "[profile class]\nsso_session = class\nsso_account_id = 000000000000\n"
        "sso_role_name = student\nregion = us-east-1\n"
        "[sso-session class]\nsso_start_url = https://class.example.org/start\n"
        "sso_region = us-east-1\nsso_registration_scopes = sso:account:access\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "class")
    with pytest.raises(StorageError, match="run `aws sso login`"):
        list_keys("s3://bucket")  # nobody ever signed in

    import hashlib

    folder = tmp_path / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    expired = datetime.now(UTC) - timedelta(hours=1)
    token = {"accessToken": "made-up", "expiresAt": expired.strftime("%Y-%m-%dT%H:%M:%SZ")}
    name = hashlib.sha1(b"class").hexdigest()
    (folder / f"{name}.json").write_text(json.dumps(token))
    with pytest.raises(StorageError, match="run `aws sso login`"):
        list_keys("s3://bucket")


def test_a_metadata_service_that_is_not_there_is_not_waited_for(monkeypatch, capsys):
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    asked, there = [], socket.create_connection

    def no_route(address, timeout, *rest):
        if address[0] == "127.0.0.1":
            return there(address, timeout, *rest)  # the local server
        asked.append((address, timeout))
        raise TimeoutError

    monkeypatch.setattr(client_module.socket, "create_connection", no_route)
    start = time.monotonic()
    connect()
    local_s3().stop()
    assert time.monotonic() - start < 30  # botocore alone would ask the network
    assert asked == [(("169.254.169.254", 80), 0.5)]


def test_the_default_client_is_made_again_only_when_something_changed(s3, monkeypatch):
    first = default_client()
    assert default_client() is first
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    second = default_client()
    assert second is not first
    config("[default]\n")
    assert default_client() is not second


def test_a_bare_key_is_taken_in_the_courses_bucket(monkeypatch):
    for named in ("class-bucket", "s3://class-bucket", "s3://class-bucket/"):
        monkeypatch.setenv("COURSE_BUCKET", named)
        assert parse_address("ml-1m/ratings.csv") == ("class-bucket", "ml-1m/ratings.csv")
    monkeypatch.setenv("COURSE_BUCKET", "Class_Bucket")
    with pytest.raises(StorageError, match="COURSE_BUCKET is 'Class_Bucket', and"):
        parse_address("ml-1m/ratings.csv")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ratings.csv", "or set COURSE_BUCKET"),
        ("/data/ratings.csv", "looks like a file on this computer"),
        ("./ratings.csv", "looks like a file on this computer"),
        ("https://host/key", "is no address in S3"),
        ("s3://", "cannot be a bucket's name"),
        ("s3://a", "cannot be a bucket's name"),
        ("s3://Movie_Lens/key", "cannot be a bucket's name"),
        ("s3://10.0.0.1/key", "cannot be a bucket's name"),
        ("s3://two..dots/key", "cannot be a bucket's name"),
        ("s3://bucket", "names no object"),
        ("s3://bucket/folder/", "names no object"),
        ("s3://bucket/" + "ü" * 513, "more than 1024 bytes"),
        (None, "not NoneType"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused(address, said):
    with pytest.raises(StorageError, match=said):
        parse_address(address)


@pytest.mark.parametrize("key", ["a b.csv", "/a", "../a", "a//b", "ü/é.csv", "100%.csv", "a?b#c+d"])
def test_every_key_is_taken_as_it_stands(key):
    assert parse_address(f"s3://bucket/{key}") == ("bucket", key)
    assert str(parse_address(f"s3://bucket/{key}")) == f"s3://bucket/{key}"
