"""Connecting to S3: credentials of AWS's default chain, or else the local practice server."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_cloud.storage.failures import explained, need
from course_cloud.storage.servers import (
    ATTEMPTS,
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    local_s3,
    make_client,
)
from course_utils.errors import StorageError

METADATA_SERVICE = ("169.254.169.254", 80)  # that hands a machine in AWS its role's credentials
METADATA_SECONDS = 0.5  # to wait for it, on a laptop that has none


def connect(
    *,
    profile: str | None = None,
    endpoint_url: str | None = None,
    region: str | None = None,
    attempts: int = ATTEMPTS,
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
) -> Any:
    """Make a boto3 client of S3.

    Credentials come from AWS's ordinary chain: the environment, a profile, SSO, the role of the
    machine. Nothing takes a key as an argument, so that none ends up in a notebook. Where there
    are no credentials and nothing says that there should be, the local server is started and one
    line says so.

    Parameters
    ----------
    profile
        A profile of ``~/.aws/config``. When left out, what ``AWS_PROFILE`` says.
    endpoint_url
        Another server than AWS. When left out, what ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``
        or the profile says.
    region
        When left out, what ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or the profile says, or else
        ``"us-east-1"``.
    attempts
        How often a request is sent before giving up, with growing pauses between: for answers of
        5xx, for throttling and where nobody answers.
    connect_timeout, read_timeout
        Seconds to wait for a connection, and for the next bytes on it.

    Returns
    -------
    botocore.client.S3
        Safe to share between threads.

    Raises
    ------
    StorageError
        For a profile that does not exist, half a pair of credentials, an endpoint that is no URL,
        no credentials where AWS_PROFILE, an endpoint or other profiles show that some were meant,
        and when boto3 is not installed. An expired session shows at the first request.

    Notes
    -----
    A server other than AWS is addressed by path (``http://host/bucket/key``) and is sent checksums
    only where S3 requires them: Swift and others refuse the newer trailers.
    """
    session = _session(profile, region)
    if not _has_credentials(session):
        _refuse_if_some_were_meant(session, profile, endpoint_url)
        server = local_s3()
        print(
            f"No AWS credentials found: practicing on a local S3 server at {server.endpoint}, "
            "gone when this process ends."
        )
        session = _session(None, region)
    return make_client(
        session,
        endpoint_url=endpoint_url,
        attempts=attempts,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


_default: tuple[object, Any] = (None, None)


def default_client() -> Any:
    """Return the client that functions of this package use when they are given none.

    It is made by `connect` once, and again when the environment or ``~/.aws`` has changed.
    """
    global _default
    made_for, client = _default
    if client is None or made_for != _circumstances():
        client = connect()
        _default = (_circumstances(), client)  # which `connect` may just have changed
    return client


def _circumstances() -> object:
    variables = sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))
    files = (
        Path(os.environ.get(name) or Path.home() / ".aws" / default)
        for name, default in (
            ("AWS_CONFIG_FILE", "config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        )
    )
    return variables, [file.stat().st_mtime_ns if file.is_file() else 0 for file in files]


def _session(profile: str | None, region: str | None) -> Any:
    """Make a session of the ordinary chain, which asks EC2's metadata service only if it is there.

    botocore alone would wait two seconds for it on every laptop without credentials.
    """
    session = _session_without_metadata(profile, region)
    with explained("connect"):
        found = session.get_credentials() is not None
        if found or not _metadata_service_answers():
            return session
        return need("boto3").session.Session(profile_name=profile, region_name=region)


def _session_without_metadata(profile: str | None, region: str | None) -> Any:
    boto3 = need("boto3")
    core = need("botocore.session").get_session()
    core.register_component("data_loader", _models())
    with explained("connect"):
        session = boto3.session.Session(
            profile_name=profile, region_name=region, botocore_session=core
        )
        core.get_component("credential_provider").remove("iam-role")
    return session


@lru_cache(maxsize=1)
def _models() -> Any:
    """Return botocore's loader of API descriptions, kept: reading them is most of `connect`."""
    return need("botocore.session").get_session().get_component("data_loader")


def _metadata_service_answers() -> bool:
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT"):
        return True  # somebody knows better
    try:
        socket.create_connection(METADATA_SERVICE, timeout=METADATA_SECONDS).close()
    except OSError:
        return False
    return True


def _has_credentials(session: Any) -> bool:
    with explained("connect"):
        return session.get_credentials() is not None


def _refuse_if_some_were_meant(session: Any, profile: str | None, endpoint_url: str | None) -> None:
    """Raise a `StorageError` where starting the local server would hide a mistake."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    endpoint = endpoint_url or next((os.environ[n] for n in names if os.environ.get(n)), None)
    if endpoint:
        raise StorageError(
            f"There are no credentials for {endpoint}; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY (in the terminal, not in the notebook), or unset "
            "AWS_ENDPOINT_URL to practice on a local server."
        )
    chosen = profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    if chosen:
        raise StorageError(
            f"The AWS profile {chosen!r} holds no credentials; run `aws configure sso --profile "
            f"{chosen}`, or unset AWS_PROFILE to practice on a local server."
        )
    others = [name for name in session.available_profiles if name != "default"]
    if others:
        raise StorageError(
            f"No AWS profile is chosen and the default one holds no credentials; set AWS_PROFILE "
            f"to one of {', '.join(others[:8])}."
        )
