"""Run one command in a sandbox, under limits; remove its processes and files afterwards.

As root, each run gets a user of its own, a network namespace with only loopback, and a view of the
files in which home folders, solutions and other submissions are empty and temporary folders fresh.
In a container without the right to mount, only the user is separate; a grader that is not root has
none of these, and `weakness` says so. Limits hold everywhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pwd
import resource
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
# The folders of the course that a student's notebook needs.
NEEDED = {"course_utils", "course_cloud", "course_labs", "data", ".venv"}
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
FIRST_UID, N_UIDS = 61200, 4000  # above people and services, within what a container maps
# Environment variables that are passed on.
ALLOWED = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COURSE_DATASET", "COURSE_DATA_DIR"}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
STEP = 0.1  # seconds between two looks at a process
STEPS_PER_WALK = 5  # the folder's files are looked at every fifth time
MOST_FILES = 20_000

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
    """The user id of a run, None for the grader's own, and the folders that are hidden from it."""

    uid: int | None
    hidden: Sequence[Path]

    @classmethod
    def choose(cls, hidden: Sequence[Path]) -> Protection:
        """Return the best protection available: as root, a user id that nothing else has."""
        if os.geteuid() != 0:
            return cls(None, ())
        taken = {process.info["uids"].real for process in psutil.process_iter(["uids"])}
        taken |= {entry.pw_uid for entry in pwd.getpwall()}
        start = os.getpid()
        uids = (FIRST_UID + (start + n) % N_UIDS for n in range(N_UIDS))
        return cls(next(uid for uid in uids if uid not in taken), hidden)


def folders_to_hide(*own: Path) -> list[Path]:
    """Return the folders that a notebook must not see: `own`, homes, and most of the repository.

    A folder stays visible when the interpreter or the package lies in it.
    """
    needed = [Path(sys.prefix), Path(sys.base_prefix), *(ROOT / name for name in NEEDED)]
    homes = [Path("/root"), Path("/home")]
    rest = [path for path in sorted(ROOT.iterdir()) if path.is_dir() and path.name not in NEEDED]
    wanted = [path.resolve() for path in (*homes, *rest, *own) if path.is_dir()]
    return [path for path in wanted if not any(n.resolve().is_relative_to(path) for n in needed)]


def weakness() -> str:
    """Return a sentence on the protection that this machine lacks, "" when it lacks none."""
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


def confine(limits: Limits, protection: Protection, folder: Path) -> None:
    """Confine the calling process for good, with `folder` as its working directory.

    It is called between fork and exec.
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
    """Mount empty folders over the hidden ones and fresh ones over the temporary ones."""
    inside = os.open(folder, os.O_RDONLY)  # still opens the folder when a mount covers it
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
            source.encode(),
            target.encode(),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            data.encode(),
        )
    )


def _loopback() -> None:
    """Enable the loopback interface of a new network namespace, for servers of a notebook."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _call(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@dataclass(frozen=True)
class Ended:
    """How a run ended: why it was stopped, "" if it ended by itself, and what it used."""

    stopped: str
    status: int
    seconds: float
    peak_bytes: int


@contextmanager
def workplace(protection: Protection) -> Iterator[Path]:
    """Make the folder of a run; afterwards remove it, and all other files of the run's user."""
    folder = Path(tempfile.mkdtemp(prefix="course-grade-"))
    try:
        (folder / "home").mkdir()
        yield folder
    finally:
        _remove(folder)
        if protection.uid is not None:
            _remove_files_of(protection.uid)


def hand_over(folder: Path, protection: Protection) -> None:
    """Make the run's user the owner of a folder and its content."""
    if protection.uid is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, protection.uid, protection.uid)


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a run: the variables in `ALLOWED`, and a home in `folder`."""
    kept = {name: value for name, value in os.environ.items() if name in ALLOWED}
    if "COURSE_DATA_DIR" in kept:
        kept["COURSE_DATA_DIR"] = os.path.abspath(kept["COURSE_DATA_DIR"])
    home = str(folder / "home")
    own = {"HOME": home, "TMPDIR": home, "XDG_CACHE_HOME": f"{home}/.cache", "IPYTHONDIR": home}
    threads = dict.fromkeys(ONE_THREAD, "1")
    return {**kept, **own, **threads, "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}


def run(
    command: Sequence[str],
    folder: Path,
    limits: Limits,
    protection: Protection,
    extra: dict[str, str] | None = None,
) -> Ended:
    """Run a command in a folder under limits. No process of it is left when this returns.

    Parameters
    ----------
    command
        Program and arguments. Standard output is discarded, standard error goes to ``errors``.
    folder
        Its working directory, from `workplace`.
    limits, protection
        What it may use, its user, and the folders hidden from it.
    extra
        Environment variables on top of `environment`.
    """
    # This process becomes the parent of whatever its descendants leave behind.
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    start = time.monotonic()
    errors = os.open(folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env={**environment(folder), **(extra or {})},
        start_new_session=True,
        # Safe: a worker of the grader has one thread.
        preexec_fn=lambda: confine(limits, protection, folder),
    )
    os.close(errors)
    stopped, peak, looks = "", 0, 0
    try:
        while process.poll() is None and not stopped:
            used = _memory()
            peak = max(peak, used)
            size = 0 if looks % STEPS_PER_WALK else _size(folder)
            stopped = _excess(limits, time.monotonic() - start, used, size)
            looks += 1
            time.sleep(STEP)
    finally:
        end_all(protection)
        process.wait()
    return Ended(stopped, process.returncode, time.monotonic() - start, peak)


def end_all(protection: Protection) -> None:
    """Kill all descendants of this process, and all processes of the run's user."""
    for _ in range(200):
        if protection.uid is not None:
            _kill_user(protection.uid)
        children = psutil.Process().children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        alive = [child for child in children if _is_alive(child)]
        for child in children:  # nobody else waits for adopted orphans
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)
        if not alive:
            return
        time.sleep(0.02)


def _kill_user(uid: int) -> None:
    """Kill all processes of a user at once, so that none can start another one meanwhile."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.waitpid(child, 0)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _memory() -> int:
    """Return the bytes of memory that this process's descendants hold together."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.memory_info().rss
    return total


def _excess(limits: Limits, seconds: float, memory: int, size: int) -> str:
    if seconds > limits.seconds:
        return f"it took more than {limits.seconds:g} s"
    if memory > limits.memory:
        return f"it took more than {limits.memory / 1e9:g} GB of memory"
    if size > limits.folder_bytes:
        return f"it wrote more than {limits.folder_bytes / 1e6:g} MB"
    return ""


def _size(folder: Path) -> int:
    """Return the bytes of a folder's files; too many files count as too many bytes."""
    total, files = 0, 0
    for path, _, names in os.walk(folder, onerror=None):
        files += 1 + len(names)
        if files > MOST_FILES:
            return 1 << 62
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
    return total


def _remove(folder: Path) -> None:
    if os.geteuid() != 0:  # root needs no permission
        for path, _, _ in os.walk(folder):
            with contextlib.suppress(OSError):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_files_of(uid: int) -> None:
    """Remove a user's files from the folders that everybody may write to."""
    places = [place for place in TEMPORARY if os.path.isdir(place)]
    while places:
        with contextlib.suppress(OSError), os.scandir(places.pop()) as entries:
            for entry in entries:
                info = entry.stat(follow_symlinks=False)
                is_folder = stat.S_ISDIR(info.st_mode)
                if info.st_uid == uid and is_folder:
                    shutil.rmtree(entry.path, ignore_errors=True)
                elif info.st_uid == uid:
                    os.unlink(entry.path)
                elif is_folder and info.st_mode & stat.S_IWOTH:
                    places.append(entry.path)
