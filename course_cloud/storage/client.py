"""Connecting to S3: credentials of AWS's default chain, or else the local practice server."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from typing import Any

from course_cloud.storage import servers, settings
from course_cloud.storage.failures import explained, need
from course_utils.errors import StorageError

# EC2's metadata service, which gives machines in AWS the credentials of their role. On a laptop it
# does not answer, and botocore alone would wait two seconds for it.
METADATA_SERVICE = ("169.254.169.254", 80)
METADATA_SECONDS = 0.5  # timeout of the connection that finds out


def connect(
    *,
    profile: str | None = None,
    endpoint_url: str | None = None,
    region: str | None = None,
    attempts: int = servers.ATTEMPTS,
    connect_timeout: float = servers.CONNECT_TIMEOUT,
    read_timeout: float = servers.READ_TIMEOUT,
) -> Any:
    """Return a boto3 client of S3.

    Credentials come from AWS's default chain: the environment, a profile, SSO, the role of the
    machine. No function takes a key as an argument, so that none ends up in a notebook. When there
    are no credentials and nothing shows that there should be some, the local server is started and
    one line says so.

    Parameters
    ----------
    profile
        A profile of ``~/.aws/config``; by default ``AWS_PROFILE``.
    endpoint_url
        A server other than AWS; by default ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` or the
        profile's. It is addressed by path (``http://host/bucket/key``), and gets checksums only
        when S3 requires them: Swift and others refuse the newer trailers.
    region
        By default the first that is set of ``AWS_REGION``, ``AWS_DEFAULT_REGION``, the profile's
        and ``"us-east-1"``.
    attempts, connect_timeout, read_timeout
        Number of attempts for a request that is throttled, answered by 5xx or not answered; seconds
        to wait for a connection, and for the next bytes on it.

    Returns
    -------
    botocore.client.S3
        Safe to share between threads.

    Raises
    ------
    StorageError
        For a wrong setting or file of AWS, no credentials where a setting shows that some were
        meant, and without boto3. Credentials that expire are fetched with the first request.
    """
    session = _session(profile, region, endpoint_url)
    if not _has_credentials(session) and _metadata_service_answers():
        session = _session(profile, region, endpoint_url, metadata=True)
    if not _has_credentials(session):
        _refuse_if_some_were_meant(session._session, endpoint_url)
        server = servers.local_s3()
        print(
            f"No AWS credentials found: practicing on a local S3 server at {server.endpoint}, "
            "gone when this process ends."
        )
        session = _session(None, region, None)
    return servers.make_client(session, endpoint_url, attempts, connect_timeout, read_timeout)


_default: tuple[object, Any] = (None, None)


def usable(client: Any) -> Any:
    """Return the client of a call with ``client=client``, or raise if it is none of S3."""
    if client is None:
        return default_client()
    model = getattr(getattr(client, "meta", None), "service_model", None)
    if getattr(model, "service_name", None) != "s3":
        raise StorageError(
            "client= takes a client of S3, as connect() or boto3.client('s3') returns it, not "
            f"{getattr(client, '__name__', type(client).__name__)!r}."
        )
    return client


def default_client() -> Any:
    """Return the client of calls without ``client=``, a new one when settings have changed."""
    global _default
    made_for, client = _default
    if client is None or made_for != _circumstances():
        client = connect()
        _default = (_circumstances(), client)  # after `connect`, which may change them
    return client


def _circumstances() -> object:
    variables = sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))
    return variables, [f.stat().st_mtime_ns if f.is_file() else 0 for f in settings.files()]


def _session(
    profile: str | None, region: str | None, endpoint_url: str | None, metadata: bool = False
) -> Any:
    """Return a boto3 session of checked settings, which asks EC2 only with `metadata`."""
    boto3 = need("boto3")
    core = need("botocore.session").get_session()
    with explained("connect"):
        core.register_component("data_loader", _models(os.environ.get("AWS_DATA_PATH")))
        session = boto3.session.Session(profile_name=profile, botocore_session=core)
        settings.need_valid(core, region=region, endpoint_url=endpoint_url)
        # AWS_REGION counts for AWS's other tools, and boto3 does not know it
        region = region or settings.lookup(core.get_scoped_config(), "region")[1]
        core.set_config_variable("region", region or servers.REGION)
        if not metadata:
            core.get_component("credential_provider").remove("iam-role")
    return session


@lru_cache(maxsize=1)
def _models(folder: str | None) -> Any:
    """Return botocore's loader of API descriptions, whose cache saves most of `connect`'s time."""
    return need("botocore.loaders").create_loader(folder)


def _has_credentials(session: Any) -> bool:
    with explained("connect"):
        found = session.get_credentials()
        if found:
            settings.need_whole(found)
    return found is not None


def _metadata_service_answers() -> bool:
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT"):
        return True  # set on purpose, at another address
    try:
        socket.create_connection(METADATA_SERVICE, timeout=METADATA_SECONDS).close()
        return True
    except OSError:
        return False


def _refuse_if_some_were_meant(core: Any, endpoint_url: str | None) -> None:
    """Raise a `StorageError` when starting the local server would hide a mistake."""
    own = core.get_scoped_config()
    endpoint = endpoint_url or settings.lookup(own, "endpoint_url")[1]
    if endpoint:
        raise StorageError(
            f"There are no credentials for {endpoint}; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY (in the terminal, not in the notebook), or unset "
            "AWS_ENDPOINT_URL to practice on a local server."
        )
    if any(map(os.environ.get, settings.CREDENTIALS)):
        raise StorageError(
            "AWS_ACCESS_KEY_ID is not set, but its secret or token is; set all, or unset them to "
            "practice on a local server."
        )
    meant = any(name.startswith(("aws_", "sso_", "source_", "credential_")) for name in own)
    chosen = core.profile or ("default" if meant else None)
    if chosen:
        raise StorageError(
            f"The AWS profile {chosen!r} holds no credentials; run `aws configure sso --profile "
            f"{chosen}`, or unset AWS_PROFILE to practice on a local server."
        )
    others = [name for name in core.available_profiles if name != "default"]
    if others:
        raise StorageError(
            f"No AWS profile is chosen and the default one holds no credentials; set AWS_PROFILE "
            f"to one of {', '.join(others[:8])}."
        )
