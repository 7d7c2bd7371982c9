"""Build Swift's rings and run its four servers until SIGTERM: for tests/swift.py alone.

This file runs in Debian's Python, where Swift lives, as ``python3 -I swift_daemons.py FOLDER PORT
PORT PORT``. One process imports Swift and forks four times, which starts in half the time that
four of them need.
"""

# ruff: noqa: E402
import contextlib
import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

import eventlet

# Swift would do this in each server, at a second apiece: it searches all that is in memory.
eventlet.monkey_patch(all=False, socket=True, select=True, thread=True)

import swift.account.server
import swift.container.server
import swift.obj.server
import swift.proxy.server
from swift.common.middleware.s3api import s3api  # noqa: F401 (imported once, before the forks)
from swift.common.ring import RingBuilder
from swift.common.wsgi import run_wsgi

PR_SET_PDEATHSIG = 1


def main(folder: str, *ports: str) -> int:
    """Serve from ``folder`` until SIGTERM, or until one server ends, and leave no process."""
    for name, port in zip(("account", "container", "object"), ports, strict=True):
        builder = RingBuilder(4, 1, 1)
        device = {"id": 0, "region": 1, "zone": 1, "weight": 1, "device": "d1"}
        address = {"ip": "127.0.0.1", "port": int(port)}
        replication = {f"replication_{key}": value for key, value in address.items()}
        builder.add_dev(device | address | replication)
        builder.rebalance()
        builder.get_ring().save(f"{folder}/{name}.ring.gz")

    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children = []
    try:
        for name in ("account", "container", "object", "proxy"):
            children.append(_fork(name, folder))
        Path(folder, "servers").write_text(" ".join(map(str, children)))
        os.wait()
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(children)
        if os.getppid() != parent:  # which was killed, and can clean up no more
            shutil.rmtree(folder, ignore_errors=True)


def _fork(name: str, folder: str) -> int:
    child = os.fork()
    if child:
        return child
    # Not even a killed parent leaves a server behind.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    callback = {"global_conf_callback": swift.obj.server.global_conf_callback}
    extra = callback if name == "object" else {}
    os._exit(run_wsgi(f"{folder}/{name}.conf", f"{name}-server", verbose=True, **extra))


def _end(children: list[int]) -> None:
    for child in children:
        os.kill(child, signal.SIGKILL)  # what they hold is thrown away in a moment
    for child in children:
        with contextlib.suppress(ChildProcessError):  # the one that ended by itself
            os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
