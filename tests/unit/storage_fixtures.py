"""Fixtures of the storage tests: an S3 server with a fresh bucket, moto's and, if there, Swift.

`tests/unit/conftest.py` imports them, so that every unit test has them.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import faulty_s3
import pytest


@dataclass
class S3:
    """A server that the environment points to, and an empty bucket of its own."""

    client: Any
    bucket: str
    endpoint: str
    kind: str  # "moto" or "swift"

    def address(self, key: str = "") -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, data: bytes) -> str:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return self.address(key)

    def unfinished(self) -> list[Any]:
        """Return the multipart uploads that nobody completed or aborted."""
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])


@pytest.fixture(autouse=True)
def no_aws(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Hide credentials, endpoint and bucket of whoever runs the tests."""
    for name in os.environ:
        if name.startswith("AWS_") or name == "COURSE_BUCKET":
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("aws")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield
    from course_cloud.storage.servers import running

    assert running.endpoint == "", "a test left the local server running"


@pytest.fixture(scope="session")
def swift() -> Iterator[Any]:
    """Run OpenStack Swift for the session, or skip with a reason where it is not installed."""
    server = pytest.importorskip(
        "swift", reason="tests/swift.py is not there", exc_type=ImportError
    )
    if reason := server.why_not():
        pytest.skip(reason)
    with server.swift_server() as running:
        yield running


@pytest.fixture(params=["moto", "swift"])
def s3(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """Give a server with an empty bucket; a test that asks for it runs against both."""
    with ExitStack() as stack:
        yield _fresh(request.param, request, monkeypatch, stack)


@pytest.fixture
def moto(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """Give moto's server with an empty bucket, for tests of which a second server adds nothing."""
    with ExitStack() as stack:
        yield _fresh("moto", request, monkeypatch, stack)


def _fresh(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> S3:
    from werkzeug.serving import BaseWSGIServer

    from course_cloud.storage import connect, local_s3

    # moto's server looks twice a second whether it is to stop; tests have no time for that
    monkeypatch.setattr(BaseWSGIServer.serve_forever, "__defaults__", (0.01,))
    if kind == "swift":
        server = request.getfixturevalue("swift")
        endpoint, key, secret = server.endpoint, server.access_key, server.secret_key
    else:
        local = stack.enter_context(local_s3(environment=False))
        endpoint, key, secret = local.endpoint, local.access_key, local.secret
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = connect()
    stack.callback(client.close)
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    return S3(client, bucket, endpoint, kind)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, so that tests of retries take no time."""
    from botocore.retries import standard

    from course_cloud.storage import objects

    monkeypatch.setattr(standard.ExponentialBackoff, "delay_amount", lambda self, context: 0)
    monkeypatch.setattr(objects, "PAUSE", 0)


@pytest.fixture
def faulty(
    moto: S3, no_pauses: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., faulty_s3.FaultyS3]]:
    """Return a function that puts faults between the environment's endpoint and moto."""
    with ExitStack() as stack:

        def use(*faults: faulty_s3.Fault) -> faulty_s3.FaultyS3:
            proxy = stack.enter_context(faulty_s3.before(moto.endpoint, *faults))
            monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
            return proxy

        yield use


@pytest.fixture
def moved() -> Callable[[Any], list[int]]:
    """Return a function that gives the list in which a client's GETs note their bytes."""

    def watch(client: Any) -> list[int]:
        sizes: list[int] = []
        client.meta.events.register(
            "after-call.s3.GetObject",
            lambda parsed, **_: sizes.append(int(parsed.get("ContentLength", 0))),
        )
        return sizes

    return watch
