"""Where a release lies: a folder or an archive, and how to get the bytes of one of its files."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from course_utils.datasets.releases import Release
from course_utils.errors import DataError


@dataclass(frozen=True)
class Folder:
    """A release unpacked in a folder."""

    path: Path

    def read(self, file: str) -> bytes | None:
        """Return the bytes of `file`, or None where the folder has no such file."""
        path = self.path / file
        return path.read_bytes() if path.is_file() else None

    def label(self, file: str) -> str:
        """Name `file` for a message."""
        return str(self.path / file)


@dataclass(frozen=True)
class Archive:
    """A release in the zip it is published as. Nothing is ever unpacked to disk."""

    path: Path
    folders: tuple[str, ...]

    def read(self, file: str) -> bytes | None:
        """Return the bytes of `file`, or None where the archive has no such member.

        Members are asked for by the few names they can have, so whatever else an archive
        holds, ``../`` included, is never touched.
        """
        members = [f"{folder}/{file}" for folder in self.folders] + [file]
        with self.path.open("rb") as file_on_disk:  # what the disk has to say is not caught below
            try:
                with zipfile.ZipFile(file_on_disk) as archive:
                    names = set(archive.namelist())
                    return next((archive.read(name) for name in members if name in names), None)
            except MemoryError:
                raise
            except Exception as why:  # a damaged archive makes zipfile raise nearly anything
                said = str(why)[:80] or type(why).__name__
                raise DataError(
                    f"{self.path} is not a whole zip archive ({said}); delete it and load again."
                ) from None

    def label(self, file: str) -> str:
        """Name `file` for a message."""
        return f"{self.path}:{file}"

    def sha256(self) -> str:
        """Return the archive's checksum as 64 hexadecimal digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def locate(release: Release, places: list[Path]) -> Folder | Archive | None:
    """Find `release` in `places`, in order: as ``<place>/<name>/``, then ``<place>/<name>.zip``."""
    for place in places:
        for name in release.folders:
            if (place / name).is_dir():
                return Folder(place / name)
        if (place / release.archive).is_file():
            return Archive(place / release.archive, release.folders)
    return None
