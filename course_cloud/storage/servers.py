"""The client of an S3 server by its address, and a local server to practice on.

The local server is moto's, on 127.0.0.1 only and in this process: all content is lost at its end.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import closing
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from course_cloud.storage.failures import explained, need

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 30.0  # seconds
ATTEMPTS = 4  # the first and three retries, after up to 1, 2 and 4 seconds
CONNECTIONS = 32  # kept open by the client, for parallel transfers
# Only the local server accepts these credentials.
ACCESS_KEY, SECRET, REGION = "local-practice", "not-a-real-secret", "us-east-1"


def make_client(
    session: Any,
    endpoint_url: str | None = None,
    attempts: int = ATTEMPTS,
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
) -> Any:
    """Return an S3 client of a boto3 session, with the course's retries, timeouts and pool."""
    from botocore.config import Config

    with explained("connect"):
        config = Config(
            region_name=session.region_name or REGION,
            signature_version="s3v4",
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
        )
        client = session.client("s3", endpoint_url=endpoint_url, config=config)
        host = urlsplit(client.meta.endpoint_url).hostname or ""
        if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return client
        other = Config(
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            proxies={} if host in ("127.0.0.1", "localhost", "::1") else None,
        )
        return session.client("s3", endpoint_url=endpoint_url, config=config.merge(other))


# The one server of this process, its address ("" when none runs), the number of blocks and calls
# that hold it, and its variables of the environment: their values before and while it runs.
running = SimpleNamespace(server=None, endpoint="", holds=0, before={}, ours={})
_lock = threading.RLock()


class LocalS3:
    """A handle of the local server, returned by `local_s3`."""

    access_key, secret, region = ACCESS_KEY, SECRET, REGION  # made up

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint  # "http://127.0.0.1:PORT"

    def client(self) -> Any:
        """Return a boto3 S3 client of this server, whatever the environment holds."""
        boto3 = need("boto3")
        with explained("connect"):
            session = boto3.session.Session(ACCESS_KEY, SECRET, region_name=REGION)
        return make_client(session, endpoint_url=self.endpoint)

    def stop(self) -> None:
        """Stop the server for all handles, drop its content and restore the environment."""
        with _lock:
            if running.endpoint == self.endpoint:
                _stop()

    def __enter__(self) -> LocalS3:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with _lock:
            if running.endpoint != self.endpoint:
                return  # stopped by hand
            running.holds -= 1
            if not running.holds:
                _stop()

    def __repr__(self) -> str:
        alive = running.endpoint == self.endpoint
        return f"LocalS3({self.endpoint!r}{'' if alive else ', stopped'})"


def local_s3(*, environment: bool = True) -> LocalS3:
    """Start a local S3 server on a free port of 127.0.0.1, or join the one that runs.

    There is one server per process. At the end of the last ``with local_s3() as server:`` it stops,
    its content is lost, and the environment is restored.

    Parameters
    ----------
    environment
        Whether to set the endpoint, credentials and region in this process's environment, so that
        `connect`, plain boto3 and the ``aws`` command in a notebook cell use the server.

    Returns
    -------
    LocalS3
        With ``.endpoint``, ``.client()`` and ``.stop()``. The server verifies no signatures and no
        policies. It shares this process's interpreter, so its timings are not those of a network.

    Raises
    ------
    StorageError
        When moto or boto3 is not installed.
    """
    with _lock:
        if running.server is None:
            _start()
        running.holds += 1
        if environment and not running.ours:
            _export()
        return LocalS3(running.endpoint)


def _start() -> None:
    need("boto3")
    server_class = need("moto.server").ThreadedMotoServer
    for name in ("werkzeug", "moto"):
        logging.getLogger(name).setLevel(logging.ERROR)  # no line for each request
    server = server_class(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    _forget(host, port)
    running.server, running.endpoint = server, f"http://{host}:{port}"


def _stop() -> None:
    server = running.server
    # a variable that was changed meanwhile stays
    kept = [name for name, value in running.ours.items() if os.environ.get(name) == value]
    _set({name: running.before[name] for name in kept})
    vars(running).update(server=None, endpoint="", holds=0, before={}, ours={})
    _forget(*server.get_host_and_port())
    server.stop()
    server._server.server_close()  # moto leaves the listening socket open


def _forget(host: str, port: int) -> None:
    """Empty moto's backends: they belong to the process, not to a server."""
    with closing(HTTPConnection(host, port, timeout=30)) as connection:
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()


def _export() -> None:
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    direct = f"{direct},127.0.0.1".removeprefix(",")  # a proxy cannot reach this machine
    running.ours = {
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        **dict.fromkeys(["AWS_REGION", "AWS_DEFAULT_REGION"], REGION),
        **dict.fromkeys(["no_proxy", "NO_PROXY"], direct),
        # they would override the endpoint or the credentials
        **dict.fromkeys(["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"]),
        **dict.fromkeys(["AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]),
    }
    running.before = {name: os.environ.get(name) for name in running.ours}
    _set(running.ours)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
