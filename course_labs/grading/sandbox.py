"""Run one command as nobody in particular, watch it, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from course_labs.grading.isolation import TEMPORARY, Limits, Protection, adopt_orphans, confine

ALLOWED = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COURSE_DATASET", "COURSE_DATA_DIR"}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
STEP, STEPS_PER_WALK = 0.1, 5  # seconds between two looks at a process; looks for one at files
MOST_FILES = 20_000


@dataclass(frozen=True)
class Ended:
    """How a run ended: why it was stopped, "" if it ended by itself; and what it took."""

    stopped: str
    status: int
    seconds: float
    peak_bytes: int


@contextmanager
def workplace(protection: Protection) -> Iterator[Path]:
    """Make an empty folder that belongs to the run's user, and remove it with all it holds."""
    folder = Path(tempfile.mkdtemp(prefix="course-grade-"))
    try:
        (folder / "home").mkdir()
        yield folder
    finally:
        _remove(folder)
        if protection.uid is not None:
            _remove_files_of(protection.uid)


def hand_over(folder: Path, protection: Protection) -> None:
    """Give a folder and what is in it to the run's user."""
    if protection.uid is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, protection.uid, protection.uid)


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a run: what is known to be harmless, and nothing else."""
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
    """Run a command in a folder under limits; when this returns, no process of it is left.

    Parameters
    ----------
    command
        What to run. Its output is thrown away, its errors go to the file ``errors``.
    folder
        Where it runs, from `workplace`.
    limits, protection
        What it may use, and what it is kept from.
    extra
        Environment variables on top of `environment`.
    """
    adopt_orphans()
    start = time.monotonic()
    errors = os.open(folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        env={**environment(folder), **(extra or {})},
        start_new_session=True,
        # Safe: a worker of the grader has one thread.
        preexec_fn=lambda: confine(limits, protection, folder),
    )  # fmt: skip
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
    """Kill every process that this one has started, and that those have, until none is left."""
    for _ in range(200):
        if protection.uid is not None:
            _kill_user(protection.uid)
        children = psutil.Process().children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        alive = [child for child in children if _is_alive(child)]
        for child in children:  # what was adopted has nobody else to wait for it
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
    """Remove what a user has left where everybody may write."""
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
