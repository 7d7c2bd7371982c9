"""What a student's process may do: limits, an own user, and a view of the machine without secrets.

As root, each run gets a user of its own, a network of its own with nothing in it but loopback, and
a view of the files in which home folders, solutions and other submissions are empty, and temporary
folders fresh. A container without the right to mount keeps the first only, and nobody but root gets
any of these: `weakness` says so. Limits hold everywhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pwd
import resource
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
# What a notebook of a student needs of the course.
NEEDED = {"course_utils", "course_cloud", "course_labs", "data", ".venv"}
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
FIRST_UID, N_UIDS = 61200, 4000  # above people and services, within what a container maps

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWNET = 0x00020000, 0x08000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


@dataclass(frozen=True)
class Limits:
    """What one notebook may use."""

    seconds: float = 300  # for the whole notebook
    cell_seconds: float = 60
    memory: int = 4 * 10**9  # bytes, of each process and of all together
    processes: int = 64  # threads count
    file_bytes: int = 100 * 10**6  # of one file
    folder_bytes: int = 500 * 10**6  # of all files


@dataclass(frozen=True)
class Protection:
    """Which user a run is, None for the grader's own, and which folders it must not see."""

    uid: int | None
    hidden: Sequence[Path]

    @classmethod
    def choose(cls, hidden: Sequence[Path]) -> Protection:
        """Return the best protection there is; as root, a user that nobody else is."""
        if os.geteuid() != 0:
            return cls(None, ())
        taken = {process.info["uids"].real for process in psutil.process_iter(["uids"])}
        taken |= {entry.pw_uid for entry in pwd.getpwall()}
        start = os.getpid()
        uids = (FIRST_UID + (start + n) % N_UIDS for n in range(N_UIDS))
        return cls(next(uid for uid in uids if uid not in taken), hidden)


def folders_to_hide(*own: Path) -> list[Path]:
    """Return the folders that a notebook must not see: `own`, homes, and most of the course.

    A folder stays visible when the interpreter or the course lies in it.
    """
    needed = [Path(sys.prefix), Path(sys.base_prefix), *(ROOT / name for name in NEEDED)]
    homes = [Path("/root"), Path("/home")]
    rest = [path for path in sorted(ROOT.iterdir()) if path.is_dir() and path.name not in NEEDED]
    wanted = [path.resolve() for path in (*homes, *rest, *own) if path.is_dir()]
    return [path for path in wanted if not any(n.resolve().is_relative_to(path) for n in needed)]


def weakness() -> str:
    """Return what a notebook is not kept from on this machine, "" for nothing."""
    if os.geteuid() != 0:
        return "You are not root: limits hold, but a notebook can read whatever you can read."
    if not can_hide():
        return (
            "This container may not mount or make networks: a notebook is another user, but can "
            "read what every user may read, and reach the network."
        )
    return ""


def can_hide() -> bool:
    """Say whether folders can be hidden from a run here."""
    flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC
    try_it = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({flags}) != 0)"
    return subprocess.run([sys.executable, "-c", try_it], check=False).returncode == 0


def adopt_orphans() -> None:
    """Make this process the parent of whatever its descendants leave behind."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def confine(limits: Limits, protection: Protection, folder: Path) -> None:
    """Confine the process that calls this, for good; it may stay in `folder` only.

    It is for the moment between fork and exec.
    """
    if protection.uid is not None:
        with contextlib.suppress(OSError):  # a container without these rights
            _call(LIBC.unshare(CLONE_NEWNET | CLONE_NEWIPC))
            _loopback()
        with contextlib.suppress(OSError):
            _call(LIBC.unshare(CLONE_NEWNS))
            _mount("none", "/", None, MS_REC | MS_PRIVATE)
            _hide(protection.hidden, folder, limits)
    _limit(limits, others=0 if protection.uid is not None else _threads_of(os.getuid()))
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if protection.uid is not None:
        os.setgroups([])
        os.setresgid(protection.uid, protection.uid, protection.uid)
        os.setresuid(protection.uid, protection.uid, protection.uid)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a grader that was killed kills too
    os.chdir(folder)


def _limit(limits: Limits, others: int) -> None:
    cpu = int(2 * limits.seconds) + 1
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NPROC, limits.processes + others),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _threads_of(uid: int) -> int:
    """Return how many threads a user has: the limit on processes counts them all."""
    own = (p.info for p in psutil.process_iter(["uids", "num_threads"]))
    return sum(info["num_threads"] or 1 for info in own if info["uids"].real == uid)


def _hide(hidden: Sequence[Path], folder: Path, limits: Limits) -> None:
    """Lay empty folders over the hidden ones and fresh ones over the temporary ones."""
    inside = os.open(folder, os.O_RDONLY)  # the way back to it, when it is in one of them
    shown = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
    for path in hidden:
        _mount("none", str(path), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "mode=0555")
    for name in TEMPORARY:
        if not os.path.isdir(name) or any(path.is_relative_to(name) for path in shown):
            continue
        _mount("none", name, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={limits.file_bytes}")
    if not folder.exists():
        folder.mkdir(parents=True)
        _mount(f"/proc/self/fd/{inside}", str(folder), None, MS_BIND)
    os.close(inside)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    _call(
        LIBC.mount(
            source.encode(), target.encode(), kind.encode() if kind else None,
            ctypes.c_ulong(flags), data.encode(),
        )
    )  # fmt: skip


def _loopback() -> None:
    """Switch on the loopback of a new network: lab 1 talks to a server of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _call(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
