"""The folder of an artifact: replaced as a whole, and verified against its manifest."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from course_cloud.artifacts.manifest import LIMIT, MANIFEST, Manifest, parse_manifest
from course_cloud.storage.addresses import is_clutter
from course_cloud.storage.failures import disk
from course_utils.errors import ArtifactError, DataError

CLOCK_TICK = 0.02  # seconds; the times of files advance in steps of up to 10 ms
# SHA-256 of files that `fetch` has just verified, so that the next `load` need not hash them again.
# The key changes when a file does: device, inode, size, and times of the last changes.
_fetched: dict[tuple[int, ...], str] = {}


def as_path(folder: str | Path) -> Path:
    """Return the absolute path of a local folder; a DataError refuses an address in S3."""
    if str(folder).lower().startswith("s3:"):
        raise DataError(
            f"{folder} is in a bucket; artifacts.publish brings a folder there, and fetch back."
        )
    return Path(os.path.abspath(Path(folder).expanduser()))


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a new folder, which replaces `target` when the block ends without an error.

    A folder cannot be renamed onto another one, so the old folder is renamed first, to a name that
    :func:`standing` finds. At every moment the old or the new folder can be found, also when the
    process is killed. The next save removes what a killed one has left, under a lock.
    """
    with disk("write", target), _lock(target.parent):
        _need_replaceable(target)
        _remove_leftovers(target)
        new = _beside(target, "new")
        new.mkdir()
        try:
            yield new
            for path in (*new.iterdir(), new):
                _sync(path)
            with suppress(FileNotFoundError):
                os.rename(target, _beside(target, "old"))
            os.rename(new, target)
            _sync(target.parent)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        _remove_leftovers(target)


def standing(folder: Path) -> Path:
    """Return the path of the artifact: `folder`, or the old version that a killed save left."""
    with suppress(OSError):  # the parent is missing, or another process is replacing the folder
        if not os.path.lexists(folder):
            aside = [path for path in _all_beside(folder, "old") if (path / MANIFEST).exists()]
            return max(aside, key=lambda path: path.stat().st_mtime, default=folder)
    return folder


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder, which must hold exactly the listed files, of listed sizes.

    Files that macOS, Windows or Jupyter leave in folders are ignored.
    """
    path = folder / MANIFEST
    if not os.path.lexists(path):
        why = f"(no {MANIFEST})"
        raise ArtifactError(f"There is no artifact in {folder} {why}; artifacts.save makes one.")
    _need_file(path, None)
    with open(path, "rb") as file:
        content = file.read(LIMIT + 1)
    manifest = parse_manifest(content, path)
    others = {*os.listdir(folder)} - {*manifest.files, MANIFEST}
    if strange := sorted(name for name in others if not is_clutter(name)):
        raise ArtifactError(
            f"{folder} holds {strange[0]!r}, which its manifest does not list; remove it, or save "
            "the model again."
        )
    for name, entry in manifest.files.items():
        _need_file(folder / name, entry["bytes"])
    return manifest


@contextmanager
def verified(
    folder: Path, name: str, manifest: Manifest, fetched: bool = False
) -> Iterator[IO[bytes]]:
    """Open a file; an ArtifactError refuses content of another checksum than in the manifest.

    `fetched` remembers the checksum, so that the next call need not hash an unchanged file again.
    """
    path, expected = folder / name, manifest.files[name]["sha256"]
    with open(path, "rb") as file:
        found = os.fstat(file.fileno())
        key = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
        known = None if fetched else _fetched.pop(key, None)
        if (known or hashlib.file_digest(file, "sha256").hexdigest()) != expected:
            raise ArtifactError(
                f"{path} does not match the checksum in the manifest: it is damaged, or of another "
                "run; save the model or fetch the run again."
            )
        if fetched:
            _fetched[key] = expected
        file.seek(0)
        yield file


def verify(folder: Path, fetched: bool = False) -> Manifest:
    """Verify every file of a folder, see :func:`verified`; return the manifest."""
    manifest = read_manifest(folder)
    if fetched:
        time.sleep(CLOCK_TICK)  # a file that changes from now on gets another time
    for name in manifest.files:
        with verified(folder, name, manifest, fetched):
            pass
    return manifest


def entries_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entry of each file of a folder for :attr:`Manifest.files`."""
    entries: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.iterdir()):
        if not is_clutter(path.name):
            with open(path, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            entries[path.name] = {"sha256": sha256, "bytes": path.stat().st_size}
    return entries


def _need_file(path: Path, size: int | None) -> None:
    """Refuse a missing file, a link, a special file, and another size."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; save the model or fetch the run again.") from None
    if not stat.S_ISREG(found.st_mode):
        raise ArtifactError(f"{path} is a link or no ordinary file; it was not followed.")
    if size is not None and found.st_size != size:
        raise ArtifactError(
            f"{path} has {found.st_size:,} bytes, and the manifest says {size:,}; save the model "
            "or fetch the run again."
        )


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f".{target.name}.{what}-{secrets.token_hex(4)}")


def _all_beside(target: Path, what: str) -> list[Path]:
    begins = f".{target.name}.{what}-"
    return [path for path in target.parent.iterdir() if path.name.startswith(begins)]


def _need_replaceable(target: Path) -> None:
    """Refuse to replace anything but an artifact or an empty folder."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise DataError(f"{target} is no folder of its own; give another place to save to.")
    ours = (target / MANIFEST).is_file() or not target.exists()
    if not ours and not all(is_clutter(path.name) for path in target.iterdir()):
        raise DataError(
            f"{target} holds other files and no {MANIFEST}, so it is not replaced; give a new "
            "folder."
        )


def _remove_leftovers(target: Path) -> None:
    """Remove what killed saves left, except an old version that has no successor."""
    for path in _all_beside(target, "new"):
        shutil.rmtree(path, ignore_errors=True)
    for path in _all_beside(target, "old") if target.exists() else ():
        (path / MANIFEST).unlink(missing_ok=True)  # first: without it, `standing` passes it over
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Write a file or folder through to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _lock(parent: Path) -> Iterator[None]:
    """Hold the lock of a parent folder, where the system has such locks."""
    parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    number = os.open(parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network disks have no locks
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)  # releases the lock
