"""Artifacts in a bucket: one prefix per run, a pointer to the latest run, and who may move it."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from course_cloud.artifacts.folders import as_path, replacing, standing, verify
from course_cloud.artifacts.manifest import (
    LIMIT,
    MANIFEST,
    NEEDED,
    RUN_ID,
    VALIDATION,
    Manifest,
    parse_manifest,
    parsing,
)
from course_cloud.artifacts.validation import Validation, compared, read_validation
from course_cloud.storage import Address, list_keys, upload_dir
from course_cloud.storage.addresses import as_folder, is_clutter
from course_cloud.storage.client import usable
from course_cloud.storage.failures import explained
from course_cloud.storage.objects import fetch as read_object
from course_utils.errors import ArtifactError

LATEST = "latest.json"
SPAN = f"bytes=0-{LIMIT}"  # one more than a manifest may have


def publish(folder: str | Path, address: str, *, client: Any = None) -> str:
    """Upload an artifact as a new run. The first run below an address is the latest at once.

    Parameters
    ----------
    folder
        A folder that :func:`course_cloud.artifacts.save` made. It is verified first.
    address
        ``"s3://bucket/prefix"``, or a prefix in the bucket that COURSE_BUCKET names. The files go
        to ``prefix/runs/<run id>/``, the manifest last.
    client
        By default :func:`course_cloud.storage.connect` makes one.

    Returns
    -------
    str
        The run id.

    Raises
    ------
    ArtifactError, StorageError
        When the folder is damaged or no artifact; when the bucket cannot be written to. Calling it
        again uploads the missing files.
    """
    here = standing(as_path(folder))
    run_id = verify(here).run_id
    client = usable(client)
    place = str(_place(address, f"runs/{run_id}"))
    upload_dir(here, place, client=client, progress=False, last=MANIFEST)
    latest = _place(address, LATEST)
    if latest.key not in {item.key for item in list_keys(str(latest), client=client)}:
        point(address, run_id, client=client)
    return run_id


def fetch(address: str, folder: str | Path, run: str = "latest", *, client: Any = None) -> Path:
    """Download a run to a folder and verify it.

    Parameters
    ----------
    address, client
        As in :func:`publish`.
    folder
        Local folder of runs. Made when missing.
    run
        A run id, or "latest".

    Returns
    -------
    Path
        ``folder/<run id>``. It appears complete or not at all. When it is there already and
        undamaged, only the pointer is downloaded.

    Raises
    ------
    StorageError, ArtifactError
        When there is no such run or it cannot be downloaded; when it is not what was published.
    """
    client = usable(client)
    run_id, sealed = _latest(client, address) if run == "latest" else (_need_run_id(run), None)
    target = as_path(folder) / run_id
    if _is_good(target, sealed):
        return target
    source, content, manifest = _whole(client, address, run_id)
    if sealed not in (None, hashlib.sha256(content).hexdigest()):
        raise ArtifactError(
            f"The manifest in {source} is not the one that {LATEST} was made for; publish the run "
            "again, or fetch another."
        )
    with replacing(target) as new:
        for name in manifest.files:
            key = source.key + name
            with explained("read", source.bucket, key, client):
                client.download_file(source.bucket, key, str(new / name))
        (new / MANIFEST).write_bytes(content)
        verify(new, fetched=True)
    return target


def runs(address: str, *, client: Any = None) -> list[str]:
    """Return the ids of all complete runs below an address, newest first.

    The arguments are those of :func:`publish`; a StorageError says why a bucket is not listed.
    """
    place = _place(address, "runs/")
    files: dict[str, set[str]] = {}
    for item in list_keys(str(place), client=client):
        run_id, _, name = item.key.removeprefix(place.key).partition("/")
        files.setdefault(run_id, set()).add(name)
    whole = {run_id for run_id, names in files.items() if names >= {MANIFEST, *NEEDED}}
    return sorted(filter(RUN_ID.fullmatch, whole), reverse=True)


def promote(address: str, run_id: str, *, move: bool = True, client: Any = None) -> str:
    """Make a run the latest one if it is better on validation; return a sentence with the numbers.

    It is better when the 95% interval of the mean difference over the same users is above 0.

    Parameters
    ----------
    address, client
        As in :func:`publish`.
    run_id
        One of :func:`runs`.
    move
        False only compares.

    Raises
    ------
    ArtifactError
        When the run is not better, or the two cannot be compared.

    Notes
    -----
    An equal run is refused, too: under a rule "not worse" small losses would add up unseen. One
    equal run of forty passes by chance; do not try until one does. Of two calls at the same time
    the last one counts, though it did not see the other: promote one by one.
    """
    client = usable(client)
    current, _ = _latest(client, address)
    found = compared(*(_validation(client, address, run) for run in (run_id, current)))
    if not found.low > 0:
        raise ArtifactError(f"Run {run_id} is not promoted: its {found.says}.")
    if move:
        point(address, run_id, client=client)
    return f"Run {run_id} {'is' if move else 'can be'} promoted: its {found.says}."


def point(address: str, run_id: str, *, client: Any = None) -> None:
    """Make a run the latest one without a comparison, for example to roll back.

    The arguments are those of :func:`promote`. A StorageError is raised when there is no such run
    or the pointer cannot be written, an ArtifactError when the run is incomplete.
    """
    client = usable(client)
    _, content, _ = _whole(client, address, run_id)
    sealed = hashlib.sha256(content).hexdigest()
    place = _place(address, LATEST)
    said = json.dumps({"run_id": run_id, "manifest_sha256": sealed}) + "\n"
    with explained("write", *place, client):
        client.put_object(
            Bucket=place.bucket, Key=place.key, Body=said.encode(), ContentType="application/json"
        )


def _place(address: str, name: str) -> Address:
    folder = as_folder(address)
    return Address(folder.bucket, folder.key + name)


def _need_run_id(run_id: object) -> str:
    if isinstance(run_id, str) and RUN_ID.fullmatch(run_id):
        return run_id
    raise ArtifactError(f"{run_id!r} is no run id; artifacts.runs(address) lists them.")


def _latest(client: Any, address: str) -> tuple[str, str]:
    """Return the id of the latest run, and the SHA-256 of its manifest."""
    place = _place(address, LATEST)
    content, _ = read_object(client, place, span=SPAN)
    with parsing(place, "artifacts.point"):
        said = json.loads(content)
        return _need_run_id(said["run_id"]), str(said["manifest_sha256"])


def _validation(client: Any, address: str, run_id: str) -> Validation:
    """Return the validation values of a run, after comparing them with its manifest."""
    source, _, manifest = _whole(client, address, run_id)
    if VALIDATION not in manifest.files:
        raise ArtifactError(
            f"Run {run_id} carries no validation values to compare; save it with validation=…, or "
            "move the pointer without a comparison: artifacts.point."
        )
    place = Address(source.bucket, source.key + VALIDATION)
    found, _ = read_object(client, place)
    if hashlib.sha256(found).hexdigest() != manifest.files[VALIDATION]["sha256"]:
        raise ArtifactError(f"{place} does not match the manifest; publish the run again.")
    with parsing(place):
        return read_validation(io.BytesIO(found))


def _whole(client: Any, address: str, run_id: str) -> tuple[Address, bytes, Manifest]:
    """Return a run's prefix and manifest; the listed files must be there in the listed sizes."""
    source = _place(address, f"runs/{_need_run_id(run_id)}/")
    place = Address(source.bucket, source.key + MANIFEST)
    content, _ = read_object(client, place, span=SPAN)
    manifest = parse_manifest(content, place)
    if manifest.run_id != run_id:
        raise ArtifactError(f"{place} belongs to the run {manifest.run_id}; fetch that one.")
    listed = {name: entry["bytes"] for name, entry in manifest.files.items()}
    listed[MANIFEST] = len(content)
    stored = list_keys(str(source), client=client)
    there = {item.key.removeprefix(source.key): item.size for item in stored}
    there = {name: size for name, size in there.items() if not is_clutter(name)}
    if there != listed:
        name = min(n for n in there | listed if there.get(n) != listed.get(n))
        raise ArtifactError(
            f"{source}{name[:60]} is not what the manifest says, {there.get(name, 'no')} bytes for "
            f"{listed.get(name, 'none')}; publish the run again, or use another."
        )
    return source, content, manifest


def _is_good(folder: Path, sealed: str | None) -> bool:
    """Return whether a folder holds its run undamaged, with the manifest of the SHA-256 given."""
    try:
        manifest = verify(folder, fetched=True)
    except ArtifactError:
        return False
    found = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    return sealed in (None, found) and manifest.run_id == folder.name
