"""OpenStack Swift's S3 API on loopback, for tests: unlike moto, it verifies signatures.

Swift comes from Debian packages (``PACKAGES``) and runs as child processes in one temporary
folder (in memory where it can), on free ports, as the user who calls; nothing is read from
``/etc/swift`` but the salt that Swift insists on. The processes end with the ``with`` block, or
with the process that started them. Any command can be run against it, with the variables of
`Swift.environment`; ``--packages`` prints what ``apt-get install`` needs::

    python tests/swift.py -- python -m tools.notebooks.build run notebooks/01_object_storage.py

What Swift 2.30 answers to boto3 1.44, as far as the course cares:

===================================  ===============================================================
put, get, head, list, range GET      as S3; keys with spaces, ``..``, ``//`` or umlauts too
If-Match, If-None-Match on GET       as S3; copying with If-Match too, but for the next line
multipart, abort, copy of a part     as S3; `client.copy` of an object that was itself uploaded in
                                     parts fails (S3CopyFailedError), `copy_object` copies it
presigned GET and PUT, v2 and v4     as S3, "Request has expired" too; a presigned POST: "Bad URL"
versioning, delete markers           as S3; `list_object_versions`, undelete and restore too
BadDigest for a wrong Content-MD5    as S3
checksums (CRC32, SHA256, trailers)  taken, neither verified nor given back
delete_objects                       InvalidRequest, unless the request carries Content-MD5, which
                                     boto3 no longer sends: see ``with_content_md5``
If-Match, If-None-Match on PUT       NotImplemented
bucket policy, object tags           NotImplemented
server-side encryption on PUT        NotImplemented
lifecycle, default encryption,       MalformedXML on put, **an empty answer on get**
public access block, ownership
storage classes but STANDARD         InvalidStorageClass
a region other than us-east-1        AuthorizationHeaderMalformed, InvalidLocationConstraint
an unknown access key                SignatureDoesNotMatch, where AWS says InvalidAccessKeyId
===================================  ===============================================================
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGES = ("swift-proxy", "swift-account", "swift-container", "swift-object", "memcached")
DAEMONS = ("account", "container", "object", "proxy")
PROGRAMS = (*(f"swift-{name}-server" for name in DAEMONS), "memcached", "setpriv")
LAUNCHER = Path(__file__).with_name("swift_daemons.py")
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's Swift lives in Debian's Python, not in ours
START_SECONDS = 60
NEEDS_BYTES = 500 * 2**20

ACCESS_KEY = "course:student"
SECRET_KEY = "not-a-real-secret"
REGION = "us-east-1"

COMMON = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
devices = {folder}/disks
mount_check = false
workers = 0
fallocate_reserve = 0
log_level = WARNING
log_address = {folder}/no-syslog
"""

STORAGE = """
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

PROXY = """
[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth copy slo dlo \
versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_course_student = {secret} .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
"""
PLAIN_FILTERS = ("catch_errors", "listing_formats", "bulk", "copy", "slo", "dlo", "symlink")
PROXY += "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in PLAIN_FILTERS)


@dataclass(frozen=True)
class Swift:
    """A running server: where it listens, the one user it knows, and its processes."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str
    folder: Path
    pids: tuple[int, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which boto3 and the AWS CLI talk to this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def why_not() -> str | None:
    """Return why Swift cannot run here, as a reason to skip with, or None if it can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"no {', '.join(missing)}; on Debian: apt-get install {' '.join(PACKAGES)}"
    if _place() is None:
        return f"no folder with extended attributes and {NEEDS_BYTES >> 20} MB free; set TMPDIR"
    return None


def _place() -> str | None:
    """Return where Swift can keep its files: in memory, where each fsync costs nothing, or not."""
    places = (os.environ.get("TMPDIR"), "/dev/shm", tempfile.gettempdir())
    return next((place for place in places if place and _can_hold_swift(place)), None)


def _can_hold_swift(place: str) -> bool:
    try:
        with tempfile.NamedTemporaryFile(dir=place) as file:
            os.setxattr(file.name, "user.course", b"1")
    except OSError:
        return False
    return shutil.disk_usage(place).free >= NEEDS_BYTES


@contextlib.contextmanager
def swift_server() -> Iterator[Swift]:
    """Run Swift for as long as the ``with`` block lasts.

    Raises
    ------
    RuntimeError
        Where it cannot run (see `why_not`) or does not start, with what its daemons printed.
    """
    reason = why_not()
    if reason:
        raise RuntimeError(reason)
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="swift-", dir=_place()))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "disks" / "d1").mkdir(parents=True)
        ports = dict(zip((*DAEMONS, "memcached"), _free_ports(len(DAEMONS) + 1), strict=True))
        user = pwd.getpwuid(os.getuid()).pw_name
        _write_configuration(folder, ports, user)

        memcached = ["memcached", "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-u", user]
        numbers = [str(ports[name]) for name in ("account", "container", "object")]
        daemons = [SYSTEM_PYTHON, "-I", str(LAUNCHER), str(folder), *numbers]
        processes = [
            stack.enter_context(_process(folder, "memcached", memcached)),
            stack.enter_context(_process(folder, "daemons", daemons)),
        ]
        _wait_until_all_listen(folder, ports, processes)
        servers = map(int, (folder / "servers").read_text().split())
        pids = (*(process.pid for process in processes), *servers)
        (folder / "pids").write_text(" ".join(map(str, pids)))
        endpoint = f"http://127.0.0.1:{ports['proxy']}"
        yield Swift(endpoint, ACCESS_KEY, SECRET_KEY, REGION, folder, pids)


def _write_configuration(folder: Path, ports: dict[str, int], user: str) -> None:
    for name in DAEMONS:
        text = (COMMON + (PROXY if name == "proxy" else STORAGE)).format(
            name=name, port=ports[name], user=user, folder=folder,
            memcached=ports["memcached"], secret=SECRET_KEY, region=REGION,
        )  # fmt: skip
        (folder / f"{name}.conf").write_text(text)


@contextlib.contextmanager
def _process(folder: Path, name: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    # setpriv ends the daemon even when this process is killed before it can.
    command = ["setpriv", "--pdeathsig", "TERM", "--", *command]
    ours = ("PYTHON", "VIRTUAL_ENV", "AWS_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    with open(folder / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=environment
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]


def _wait_until_all_listen(
    folder: Path, ports: dict[str, int], processes: list[subprocess.Popen[bytes]]
) -> None:
    end = time.monotonic() + START_SECONDS
    for port in ports.values():
        while not _listens(port):
            if time.monotonic() > end or any(p.poll() is not None for p in processes):
                logs = (f"{log.stem}: {log.read_text()[-2000:]}" for log in folder.glob("*.log"))
                raise RuntimeError("Swift did not start.\n" + "\n".join(logs))
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def with_content_md5(client: Any) -> Any:
    """Let a boto3 client send Content-MD5 with delete_objects, as Swift asks; return it."""

    def add(request: Any, **_: object) -> None:
        digest = hashlib.md5(request.body, usedforsecurity=False).digest()
        request.headers["Content-MD5"] = base64.b64encode(digest).decode()

    client.meta.events.register("before-sign.s3.DeleteObjects", add)
    return client


def main(arguments: list[str]) -> int:
    """Run the command after ``--`` against Swift, or print Debian's packages; return a status."""
    if arguments == ["--packages"]:
        print(*PACKAGES)
        return 0
    if len(arguments) < 2 or arguments[0] != "--":
        usage = "usage: python tests/swift.py --packages | -- COMMAND [ARGUMENT …]"
        print(usage, file=sys.stderr)
        return 2
    reason = why_not()
    if reason:
        print(reason, file=sys.stderr)
        return 2
    with swift_server() as swift:
        print(f"Swift answers at {swift.endpoint}", flush=True)
        environment = os.environ | swift.environment
        return subprocess.run(arguments[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
