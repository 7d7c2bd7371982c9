"""Everything that S3 and the way to it can refuse, and the sentence that a student reads."""

import sys
import traceback

import pytest
from faulty_s3 import Fault
from faulty_server import closed_port

from course_cloud.storage import connect, list_keys, read_table, write_table
from course_cloud.storage.failures import explained, is_missing, nearest_keys, need
from course_utils.errors import StorageError

CSV = b"a,b\n1,2\n"


def said(call, *arguments, **named):
    with pytest.raises(StorageError) as caught:
        call(*arguments, **named)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert "not-a-real-secret" not in message
    printed = "".join(traceback.format_exception(caught.value))
    assert "botocore" not in printed  # one sentence, and no traceback from three libraries down
    return message


def test_a_server_that_answers_503_twice_is_asked_a_third_time(moto, faulty):
    address = moto.put("t.csv", CSV)
    proxy = faulty(Fault("GET", times=2, status=503, code="SlowDown"))
    assert read_table(address).to_dict("list") == {"a": [1], "b": [2]}
    assert len(proxy.asked) == 3


def test_a_server_that_always_answers_503_is_given_up_and_said_to_be_down(moto, faulty):
    proxy = faulty(Fault(status=503, code="SlowDown"))
    message = said(read_table, moto.address("t.csv"))
    assert f"{proxy.endpoint} answered 503 4 times" in message
    assert message.startswith(f"Could not read s3://{moto.bucket}/t.csv: ")
    assert len(proxy.asked) == 4


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (400, "ExpiredToken", "your AWS session has expired; run `aws sso login`"),
        (403, "InvalidAccessKeyId", "does not know your access key"),
        (403, "SignatureDoesNotMatch", "wrongly signed"),
        (403, "AccessDenied", "access denied"),
        (412, "PreconditionFailed", "the object changed"),
        (418, "Teapot", "answered Teapot (Said by the server)"),
    ],
)
def test_what_the_server_refuses_is_said_with_what_to_do(moto, faulty, status, code, advice):
    faulty(Fault(of="", status=status, code=code))
    assert advice in said(read_table, moto.address("t.csv"))
    assert advice in said(list_keys, moto.address())
    assert advice in said(write_table, read_frame(), moto.address("new.csv"))


@pytest.mark.parametrize(
    ("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")]
)
def test_a_bucket_in_another_region_is_said_to_be_there(moto, faulty, status, code):
    faulty(Fault(status=status, code=code))
    assert "another region; set AWS_REGION" in said(read_table, moto.address("t.csv"))


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (400, "ExpiredToken", "aws sso login"),
        (403, "InvalidAccessKeyId", "access key"),
        (403, "SignatureDoesNotMatch", "wrongly signed"),
        (403, "AccessDenied", "access denied"),
    ],
)
def test_the_reason_for_a_refused_head_is_found_though_its_answer_has_no_body(
    moto, faulty, status, code, advice
):
    faulty(Fault(of="", status=status, code=code))
    client = connect()

    def head():
        with explained("look at", moto.bucket, "t.csv", client):
            client.head_object(Bucket=moto.bucket, Key="t.csv")

    assert advice in said(head)


@pytest.mark.parametrize(
    ("clock", "far"), [(7200, "120 minutes behind"), (-1800, "30 minutes ahe")]
)
def test_a_wrong_clock_is_measured_by_the_servers(moto, faulty, clock, far):
    faulty(Fault(status=403, code="RequestTimeTooSkewed", clock=clock))
    assert far in said(read_table, moto.address("t.csv"))


def test_a_bucket_that_is_not_there_is_named_with_the_server(s3):
    message = said(read_table, "s3://no-such-bucket-here/t.csv")
    assert f"there is no bucket no-such-bucket-here at {s3.endpoint}" in message
    assert "no bucket" in said(list_keys, "s3://no-such-bucket-here")
    assert "no bucket" in said(write_table, read_frame(), "s3://no-such-bucket-here/t.csv")


def test_a_key_that_is_not_there_brings_the_nearest_ones(s3):
    for key in ("ml-1m/ratings.csv", "ml-1m/movies.csv", "elsewhere/notes.txt"):
        s3.put(key, CSV)
    message = said(read_table, s3.address("ml-1m/rating.csv"))
    assert "there is no such key; the nearest are ml-1m/ratings.csv" in message
    assert "the nearest are ml-1m/ratings.csv" in said(read_table, s3.address("ratings.csv"))
    assert "notes" not in message
    assert "list_keys(" in said(read_table, s3.address("zzzzzzzzzzzz.csv"))


def test_nearest_keys_are_none_where_listing_is_not_allowed(moto, faulty):
    moto.put("ratings.csv", CSV)
    faulty(Fault(of="list-type", status=403, code="AccessDenied"))
    assert nearest_keys(connect(), moto.bucket, "rating.csv") == []
    assert "there is no such key" in said(read_table, moto.address("rating.csv"))


def test_a_port_where_nobody_listens_is_said_to_have_nobody(moto, no_pauses, monkeypatch):
    endpoint = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert f"nobody answers at {endpoint}" in said(read_table, moto.address("t.csv"))


def test_a_server_that_hangs_up_is_asked_again_and_then_given_up(moto, faulty):
    proxy = faulty(Fault(hangs_up=True))
    assert "hung up without an answer" in said(read_table, moto.address("t.csv"))
    assert len(proxy.asked) == 4


def test_swift_finds_a_wrong_secret(swift, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", swift.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", swift.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-made-up-secret")
    assert "wrongly signed" in said(list_keys, "s3://some-bucket")


def raising(error):
    with explained("read", "bucket", "key"):
        raise error


def their(name, **details):
    import botocore.exceptions

    return getattr(botocore.exceptions, name)(**details)


@pytest.mark.parametrize(
    ("name", "details", "advice"),
    [
        ("NoCredentialsError", {}, "no AWS credentials were found"),
        ("ProfileNotFound", {"profile": "clas"}, "there is no AWS profile 'clas'"),
        (
            "PartialCredentialsError",
            {"provider": "env", "cred_var": "x"},
            "AWS credentials are incomplete",
        ),
        ("UnauthorizedSSOTokenError", {}, "run `aws sso login`"),
        ("SSOTokenLoadError", {"error_msg": "x"}, "run `aws sso login`"),
        ("TokenRetrievalError", {"provider": "sso", "error_msg": "x"}, "run `aws sso login`"),
        ("CredentialRetrievalError", {"provider": "x", "error_msg": "x"}, "could not be fetched"),
        ("ConnectTimeoutError", {"endpoint_url": "x"}, "did not answer in time"),
        ("ReadTimeoutError", {"endpoint_url": "x"}, "did not answer in time"),
        ("SSLError", {"endpoint_url": "x", "error": "x"}, "TLS certificate"),
        ("ProxyConnectionError", {"proxy_url": "x"}, "proxy"),
        ("IncompleteReadError", {"actual_bytes": 1, "expected_bytes": 2}, "middle of the object"),
        ("FlexibleChecksumError", {"error_msg": "x"}, "checksum"),
        ("ParamValidationError", {"report": "Odd argument"}, "Odd argument"),
    ],
)
def test_what_never_reaches_the_server_is_said_too(name, details, advice):
    assert advice in said(raising, their(name, **details))


def test_errors_of_others_pass_as_they_are():
    for error in (ValueError("mine"), FileNotFoundError("disk"), StorageError("said already.")):
        with pytest.raises(type(error)) as caught:
            raising(error)
        assert caught.value is error


def test_boto3s_wrapped_upload_errors_are_unwrapped(moto, faulty, tmp_path):
    faulty(Fault(of="PUT", status=403, code="AccessDenied"))
    (tmp_path / "file").write_bytes(b"x")
    client = connect()

    def upload():
        with explained("upload to", moto.bucket, "key", client):
            client.upload_file(str(tmp_path / "file"), moto.bucket, "key")

    assert "access denied" in said(upload)


@pytest.mark.parametrize("module", ["boto3", "moto"])
def test_a_missing_library_is_one_sentence_with_the_command(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StorageError, match=rf"{module} is not installed; run: pip install 'course"):
        need(module)


def test_missing_things_are_told_from_other_refusals(moto):
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        moto.client.head_object(Bucket=moto.bucket, Key="nothing")
    assert is_missing(caught.value)
    assert not is_missing(ValueError("404"))


def read_frame():
    import pandas as pd

    return pd.DataFrame({"a": [1]})
