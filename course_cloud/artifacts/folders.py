"""A folder that appears whole, is replaced whole, and is read only when it is what it should be."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from course_cloud.artifacts.manifest import LARGEST, MANIFEST, Manifest, parse_manifest
from course_cloud.storage.failures import disk
from course_utils.errors import ArtifactError, DataError


def as_path(folder: str | Path) -> Path:
    """Return the whole path of a folder on this computer.

    Raises
    ------
    DataError
        For an address in S3, which would become a folder of that name.
    """
    if str(folder).lower().startswith("s3:"):
        raise DataError(
            f"{folder} is in a bucket; artifacts.publish brings a folder there, and fetch back."
        )
    return Path(os.path.abspath(Path(folder).expanduser()))


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a new folder, and put it in the place of `target` when the block ends well.

    Raises
    ------
    DataError
        When something else than an artifact is in the place.
    StorageError
        When the disk refuses.

    Notes
    -----
    A folder cannot be renamed onto another, so the old one steps aside first, under a name that
    :func:`standing` knows: at every moment one of both is found, also when the process is killed.
    What a killed one left behind is removed by the next, while it alone holds the lock.
    """
    with disk("write", target), _alone(target):
        _refuse_foreign(target)
        _remove_leftovers(target)
        new = _beside(target, "new")
        new.mkdir()
        try:
            yield new
            for path in (*new.iterdir(), new):
                _sync(path)
            _put_in_place(new, target)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        _remove_leftovers(target)


def standing(folder: Path) -> Path:
    """Return where the artifact of a folder is: there, or aside, where a kill has left it."""
    with suppress(OSError):  # there is nothing, or somebody replaces it right now
        if not os.path.lexists(folder):
            aside = [path for path in _all_beside(folder, "old") if (path / MANIFEST).exists()]
            return max(aside, key=lambda path: path.stat().st_mtime, default=folder)
    return folder


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder and check that the folder holds what it lists, by size.

    Raises
    ------
    ArtifactError
        When there is no manifest, or the files and their sizes are others.
    """
    if not folder.is_dir():
        raise ArtifactError(f"There is no artifact in {folder}; artifacts.save makes one.")
    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise ArtifactError(
            f"{folder} holds no {MANIFEST}, so it is no artifact; give a folder of artifacts.save."
        )
    _need_file(path, None)
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ArtifactError(f"{path} is larger than any manifest; save the model again.")
    manifest = parse_manifest(content, path)
    strange = sorted({entry.name for entry in folder.iterdir()} - {*manifest.files, MANIFEST})
    if strange:
        raise ArtifactError(
            f"{folder} holds {strange[0]!r}, which its manifest does not list; remove it, or save "
            "the model again."
        )
    for name, entry in manifest.files.items():
        _need_file(folder / name, entry["bytes"])
    return manifest


@contextmanager
def verified(folder: Path, name: str, manifest: Manifest) -> Iterator[IO[bytes]]:
    """Open a file whose content is what the manifest says, at its beginning.

    Raises
    ------
    ArtifactError
        When it is another.
    """
    path, entry = folder / name, manifest.files[name]
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != entry["sha256"] or file.tell() != entry["bytes"]:
            raise ArtifactError(
                f"{path} does not match the checksum in the manifest: it is damaged, or of another "
                "run; save the model or fetch the run again."
            )
        file.seek(0)
        yield file


def verify(folder: Path) -> Manifest:
    """Check every file of a folder against its manifest, and return that."""
    manifest = read_manifest(folder)
    for name in manifest.files:
        with verified(folder, name, manifest):
            pass
    return manifest


def entry_of(path: Path) -> dict[str, Any]:
    """Return what a manifest says of a file."""
    with open(path, "rb") as file:
        return {
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            "bytes": path.stat().st_size,
        }


def _need_file(path: Path, size: int | None) -> None:
    """Refuse what is missing, no ordinary file, a link, or of another size."""
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


def _refuse_foreign(target: Path) -> None:
    """Do not replace what nobody saved with this package."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise DataError(f"{target} is no folder of its own; give another place to save to.")
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise DataError(
            f"{target} holds other files and no {MANIFEST}, so it is not replaced; give a new "
            "folder."
        )


def _put_in_place(new: Path, target: Path) -> None:
    with suppress(FileNotFoundError):
        os.rename(target, _beside(target, "old"))
    os.rename(new, target)
    _sync(target.parent)


def _remove_leftovers(target: Path) -> None:
    """Remove what killed saves left, but not the only version there is."""
    for path in _all_beside(target, "new"):
        shutil.rmtree(path, ignore_errors=True)
    for path in _all_beside(target, "old") if target.exists() else ():
        (path / MANIFEST).unlink(missing_ok=True)  # from here on it is no artifact
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Have a file or folder on the disk before going on."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folder
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Wait until nobody else saves into the same parent folder; where the system can tell."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    number = os.open(target.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network disks have no locks
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)  # which gives the lock back
