"""The manifest of an artifact: what it is, who made it, and what each of its files must be."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from course_cloud.artifacts.versions import git_commit, versions
from course_utils.errors import ArtifactError

SEAL = "sha256"  # of all that stands before it
FORMAT = 1  # what this version writes; it reads this one and all before
MANIFEST = "manifest.json"
MODEL, ARRAYS, TRAIN, MOVIES, METRICS, EMBEDDINGS = (
    "model.json", "model.npz", "train.npz", "movies.parquet", "metrics.json",
    "embeddings.safetensors",
)  # fmt: skip
NEEDED = {MODEL, ARRAYS, TRAIN, MOVIES, METRICS}
LARGEST = 2**20  # bytes of a manifest
RUN_ID = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself.

    Attributes
    ----------
    run_id
        Names this save and no other; later ones sort after it.
    created
        When, in UTC, as ISO 8601 writes it.
    dataset, split
        What the model was fitted on, in the words of who saved it.
    model
        The name of the model's class.
    settings
        Its arguments, as far as they are plain values; of models inside it their names.
    versions
        Of Python and of the libraries that a model depends on.
    git_commit
        The commit of the course's code, where it came from a repository; else None.
    files
        By name ``{"sha256": …, "bytes": …}``, of every file but the manifest itself.
    format
        The version of the layout.
    """

    run_id: str
    created: str
    dataset: str
    split: str
    model: str
    settings: dict[str, Any]
    versions: dict[str, str]
    git_commit: str | None
    files: dict[str, dict[str, Any]]
    format: int = FORMAT

    def to_json(self) -> bytes:
        """Return the content of the file ``manifest.json``, which ends with its own checksum."""
        said = asdict(self)
        said[SEAL] = _seal(said)
        return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()


def new_manifest(
    *, dataset: str, split: str, model: str, settings: dict[str, Any], files: dict[str, Any]
) -> Manifest:
    """Return the manifest of an artifact that is being made now, here."""
    now = datetime.now(UTC)
    return Manifest(
        run_id=f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}",
        created=now.isoformat(timespec="seconds"),
        dataset=dataset,
        split=split,
        model=model,
        settings=settings,
        versions=versions(),
        git_commit=git_commit(),
        files=files,
    )


def parse_manifest(content: bytes, place: object) -> Manifest:
    """Return the manifest that `content` is, or refuse it.

    Parameters
    ----------
    content
        Of the file.
    place
        How the message names it.

    Raises
    ------
    ArtifactError
        When it is damaged, of a newer format, or lists files that no artifact has.
    """
    said = as_json(content, place)
    version = said.get("format") if isinstance(said, dict) else None
    if type(version) is int and version > FORMAT:
        raise ArtifactError(
            f"{place} is of format {version}, and this version of course_utils reads up to "
            f"{FORMAT}; update course_utils."
        )
    kinds = {field.name: str(field.type) for field in fields(Manifest)}
    ours = type(version) is int and version == FORMAT  # True is 1 to Python
    if not isinstance(said, dict) or {*said} != {*kinds, SEAL} or not ours:
        raise ArtifactError(f"{place} is no manifest of artifacts.save; save the model again.")
    if said.pop(SEAL) != _seal(said):
        raise ArtifactError(
            f"{place} does not match its own checksum: it is damaged, or somebody edited it; save "
            "the model again."
        )
    for name, kind in kinds.items():
        if not _is(said[name], kind):
            raise ArtifactError(f"{place} has a damaged entry {name!r}; save the model again.")
    if not RUN_ID.fullmatch(said["run_id"]):
        raise ArtifactError(f"{place} has no run id of ours; save the model again.")
    _check_files(said["files"], place)
    return Manifest(**said)


def as_json(content: bytes, place: object) -> Any:
    """Return what JSON holds, or raise an ArtifactError."""
    try:
        return json.loads(content.decode())
    except (ValueError, RecursionError):
        raise ArtifactError(f"{place} is no JSON, or damaged; save the model again.") from None


def _seal(said: dict[str, Any]) -> str:
    """Return a checksum of the content, however it is laid out."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _check_files(files: dict[str, Any], place: object) -> None:
    """Refuse names that no artifact has, so that none can lead out of its folder."""
    strange = [name for name in files if name not in NEEDED | {EMBEDDINGS}]
    if strange:
        raise ArtifactError(
            f"{place} lists {strange[0][:60]!r}, which is no file of an artifact; do not use it "
            "unless you know who made it."
        )
    for name in sorted(NEEDED):
        if name not in files:
            raise ArtifactError(f"{place} does not list {name}; save the model again.")
    for name, entry in files.items():
        whole = isinstance(entry, dict) and {*entry} == {"sha256", "bytes"}
        if not whole or not _is_size(entry["bytes"]) or not _is_sha256(entry["sha256"]):
            raise ArtifactError(f"{place} has a damaged entry for {name}; save the model again.")


def _is(value: object, kind: str) -> bool:
    """Say whether a value is what the annotation of `Manifest` calls `kind`."""
    if kind == "dict[str, str]":
        return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    plain = {"str": str, "int": int, "str | None": str | None}
    return isinstance(value, plain.get(kind, dict))


def _is_size(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None
