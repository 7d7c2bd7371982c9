"""The manifest of an artifact: what it is, what made it, and size and checksum of each file."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from course_utils.errors import ArtifactError, DataError, ModelError
from course_utils.session import version_of

SEAL = "sha256"  # the entry with the checksum of all other entries
FORMAT = 2  # the version that is written; 1, without validation values, is read too
MANIFEST = "manifest.json"
EMBEDDINGS, VALIDATION = "embeddings.safetensors", "validation.npz"  # these may be absent
NEEDED = {"model.json", "model.npz", "train.npz", "movies.parquet", "metrics.json"}
LIMIT = 2**20  # bytes of a manifest
LARGEST = {".json": 2**24, ".parquet": 2**28}  # bytes of other files, by suffix
LARGEST_OF_NUMBERS = 2**34
RUN_ID = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
LIBRARIES = ("course-utils", "implicit", "numpy", "pandas", "scipy", "torch")
GIT_SECONDS = 5.0  # timeout


@cache  # the code in use was loaded from one commit
def git_commit() -> str | None:
    """Return the commit of the course's code, from git or pip, or None where it is unknown."""
    here = Path(__file__).resolve()  # in a .venv, git may know the folder, and not the file
    if _git(here.parent, "ls-files", "--error-unmatch", here.name):
        return _git(here.parent, "rev-parse", "HEAD")
    try:
        installed = metadata.distribution("course-utils").read_text("direct_url.json")
        commit = json.loads(installed or "{}").get("vcs_info", {}).get("commit_id")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    return str(commit) if commit else None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        quiet = subprocess.DEVNULL
        return subprocess.check_output(
            command, text=True, stderr=quiet, timeout=GIT_SECONDS
        ).strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Description of an artifact. By default it is saved now, by the code in use."""

    dataset: str  # what the model was fitted on, as given to `save`
    split: str
    model: str  # name of its class
    settings: dict[str, Any]  # arguments that are plain values, class names of models inside
    files: dict[str, dict[str, Any]]  # "sha256" and "bytes" of every file but this one, by name
    # Run ids are unique, and sort by the time of saving.
    run_id: str = field(default_factory=lambda: f"{_now():%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}")
    created: str = field(default_factory=lambda: _now().isoformat(timespec="seconds"))  # UTC
    versions: dict[str, str] = field(
        default_factory=lambda: (
            {"python": platform.python_version()} | {name: version_of(name) for name in LIBRARIES}
        )
    )
    git_commit: str | None = field(default_factory=git_commit)  # of the course's code
    format: int = FORMAT

    def to_json(self) -> bytes:
        """Return the content of ``manifest.json``, which includes its own checksum."""
        said = asdict(self)
        said[SEAL] = _seal(said)
        return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()


KINDS: dict[str, Any] = {
    **dict.fromkeys(("run_id", "created", "dataset", "split", "model"), str),
    **dict.fromkeys(("settings", "versions", "files"), dict),
    "git_commit": str | None,
    "format": int,
}


def parse_manifest(content: bytes, place: object) -> Manifest:
    """Parse the content of ``manifest.json``; `place` is its path or address, for the errors.

    An ArtifactError is raised when it is damaged, of a newer format, or lists unknown files.
    """
    if len(content) > LIMIT:
        raise ArtifactError(f"{place} is larger than any manifest; save the model again.")
    with parsing(place):
        said = json.loads(content)
        version = said["format"]
    if type(version) is int and version > FORMAT:
        raise ArtifactError(
            f"{place} is of format {version}, and this version of course_utils reads up to "
            f"{FORMAT}; update course_utils."
        )
    if {*said} != {*KINDS, SEAL} or type(version) is not int or version < 1:  # True == 1
        raise ArtifactError(f"{place} is no manifest of artifacts.save; save the model again.")
    if said.pop(SEAL) != _seal(said):
        raise ArtifactError(
            f"{place} does not match its own checksum: it is damaged, or somebody edited it; save "
            "the model again."
        )
    damaged = [name for name, kind in KINDS.items() if not isinstance(said[name], kind)]
    if not damaged and not all(isinstance(text, str) for text in said["versions"].values()):
        damaged = ["versions"]
    if damaged:
        raise ArtifactError(f"{place} has a damaged entry {damaged[0]!r}; save the model again.")
    if not RUN_ID.fullmatch(said["run_id"]):
        raise ArtifactError(f"{place} has no run id of ours; save the model again.")
    with parsing(place):
        datetime.fromisoformat(said["created"]).timestamp()
    _need_files(said["files"], place)
    return Manifest(**said)


@contextmanager
def parsing(place: object, maker: str = "artifacts.save") -> Iterator[None]:
    """Turn an error of any kind, which is what wrong content causes, into an ArtifactError."""
    try:
        yield
    except (ArtifactError, ModelError):
        raise
    except Exception as error:
        why = f": {error}" if isinstance(error, DataError) else "."
        why = f"is damaged, or not of {maker}; call that again{why}"
        raise ArtifactError(f"{place} {why}") from None


def _seal(said: dict[str, Any]) -> str:
    """Return a checksum of the entries, whatever the layout of the JSON."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _need_files(files: dict[str, Any], place: object) -> None:
    """Refuse unknown names, so that no name can lead out of the folder, and damaged entries."""
    if strange := [name for name in files if name not in NEEDED | {EMBEDDINGS, VALIDATION}]:
        raise ArtifactError(
            f"{place} lists {strange[0][:60]!r}, which is no file of an artifact; do not use it "
            "unless you know who made it."
        )
    if absent := sorted(NEEDED - {*files}):
        raise ArtifactError(f"{place} does not list {absent[0]}; save the model again.")
    for name, entry in files.items():
        known = entry if isinstance(entry, dict) else {}
        size, digits = known.get("bytes"), known.get("sha256")
        if type(size) is not int or size < 0 or not SHA256.fullmatch(str(digits)):
            raise ArtifactError(f"{place} has a damaged entry for {name}; save the model again.")
        if size > (most := LARGEST.get(Path(name).suffix, LARGEST_OF_NUMBERS)):
            raise ArtifactError(f"{place} lists more than {most:,} bytes of {name}; save less.")
