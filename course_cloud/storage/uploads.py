"""Uploading a folder: in parallel, verified, and without what the bucket holds already."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from course_cloud.storage import addresses, transfers
from course_cloud.storage.addresses import Address, S3Object
from course_cloud.storage.client import usable
from course_cloud.storage.failures import disk, explained
from course_cloud.storage.transfers import PART, Crew, Job, Transferred
from course_utils.errors import CourseWarning, StorageError


def upload_dir(
    folder: str | Path,
    address: str,
    *,
    client: Any = None,
    workers: int | None = None,
    progress: bool = True,
    last: str | None = None,
) -> Transferred:
    """Upload every file below a folder, each under the address and its path in the folder.

    Files that the bucket holds already, with the same size and content, are skipped, so a second
    call continues an interrupted one, file by file. Every object gets its SHA-256 as metadata.
    Objects without a file in the folder stay in the bucket. What macOS, Windows and Jupyter leave
    in folders (``.DS_Store``, ``.ipynb_checkpoints``, …) is ignored, and empty folders have no key.

    A file beyond 8 MiB goes up in parallel parts; when one of them fails, or Ctrl-C is pressed,
    boto3 aborts the upload. When the connection is lost just then, its parts stay in the bucket,
    and are paid for, until a lifecycle rule removes them. A big file that changes meanwhile is
    removed from the bucket. Memory: up to 8 MiB for each worker.

    Parameters
    ----------
    folder, address
        The folder on this computer, and ``"s3://bucket/prefix"`` or a prefix in the bucket that
        COURSE_BUCKET names. The prefix is a folder's name: a slash is appended.
    client
        A boto3 client of S3; when left out, one from `connect`.
    workers, progress
        Number of parallel requests, by default 16, or fewer when the client keeps fewer
        connections; whether to show a progress bar when the work takes longer than two seconds.
    last
        The name of a file that is uploaded after all others, and not when one of them failed:
        where it exists in the bucket, the folder is complete.

    Raises
    ------
    StorageError
        Before anything is uploaded: when the folder is missing or empty, a file's name would make a
        key that `download_dir` refuses, or the bucket cannot be listed. Afterwards, once: when
        files failed. The others are uploaded all the same, unless ten fail in a row.

    Warns
    -----
    CourseWarning
        When links or special files were left out: a link may point anywhere on the computer.
    """
    top = Path(folder)
    client = usable(client)
    target = addresses.as_folder(address)
    workers = transfers.n_workers(client, workers)
    files = _files_below(top)
    known = {item.key: item for item in addresses.list_keys(str(target), client=client)}
    with _bodies_at_once(client), Crew("upload", workers, sum(files.values()), progress) as crew:
        jobs = []
        for name, size in files.items():
            place = addresses.parse_address(f"{target}{name}")
            send = partial(_upload, client, place, top / name, known.get(place.key), crew)
            jobs.append(Job(name, size, partial(send, size > PART), big=size > PART))
        crew.run(job for job in jobs if job.name != last)
        if not crew.failures:
            crew.run(job for job in jobs if job.name == last)
    return crew.summary("uploaded", f"to {target}", len(jobs), "upload_dir")


def _files_below(folder: Path) -> dict[str, int]:
    """Return the name of every file below, with slashes, and its size; sorted."""
    if not folder.is_dir():
        raise StorageError(f"There is no folder {folder} to upload; check the path.")
    sizes: dict[str, int] = {}
    left_out: list[str] = []
    with disk("read", folder):
        for entry in _walk(folder):
            name = Path(entry.path).relative_to(folder).as_posix()
            if addresses.is_clutter(name) or fnmatchcase(entry.name, "*".join(addresses.TEMPORARY)):
                continue
            if entry.is_file(follow_symlinks=False):
                sizes[name] = entry.stat(follow_symlinks=False).st_size
            else:
                left_out.append(name)
    if bad := {name: why for name in sizes if (why := addresses.why_no_file(name))}:
        raise StorageError(
            f"{len(bad):,} files in {folder} cannot become a key: {addresses.shown(*bad)}; the "
            f"first {next(iter(bad.values()))}. Nothing was uploaded; rename such files first."
        )
    if left_out:
        warnings.warn(
            f"{len(left_out):,} links or special files of {folder} are not uploaded: "
            f"{addresses.shown(*sorted(left_out))}. Copy what they point to into the folder if you "
            "want it in the bucket.",
            CourseWarning,
            stacklevel=3,
        )
    if not sizes:
        raise StorageError(f"{folder} holds no files to upload; check the path.")
    return dict(sorted(sizes.items()))


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below except folders; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            else:
                yield entry


@contextmanager
def _bodies_at_once(client: Any) -> Iterator[None]:
    """Send each body together with its headers while the block runs.

    botocore asks first (``Expect: 100-continue``) and waits for the answer, a second round trip for
    each file. That pays off for gigabytes that may be refused, not for the 8 MiB sent here.
    """
    events, event = client.meta.events, "before-call.s3"

    def do_not_ask(params: Any, **_: Any) -> None:
        params["headers"].pop("Expect", None)

    events.register_last(event, do_not_ask)  # after botocore's own handler
    try:
        yield
    finally:
        events.unregister(event, do_not_ask)


def _upload(
    client: Any, place: Address, path: Path, known: S3Object | None, crew: Crew, big: bool
) -> bool:
    """Upload one file; return False when `known`, the object there, has the same content."""
    with disk("read", path):
        content = path if big else path.read_bytes()
    if known and transfers.same_bytes(client, known, content):
        return False
    with disk("read", path):
        sha256 = transfers.digest(content, "sha256")
    kind, packed = mimetypes.guess_type(path.name)
    described = {
        "ContentType": kind if kind and not packed else "binary/octet-stream",
        "Metadata": {transfers.SHA256: sha256},
    }
    if isinstance(content, Path):
        _upload_parts(client, place, content, described, crew)
        return True
    md5 = hashlib.md5(content, usedforsecurity=False)
    with explained("upload", *place, client):
        answer = client.put_object(
            Bucket=place.bucket,
            Key=place.key,
            Body=content,
            ContentMD5=base64.b64encode(md5.digest()).decode(),
            **described,
        )
    _refuse_other_than(md5.hexdigest(), client, place, answer)
    return True


def _upload_parts(
    client: Any, place: Address, path: Path, described: dict[str, Any], crew: Crew
) -> None:
    """Upload a big file by boto3's managed transfer, and compare the ETag of the result."""
    with disk("read", path):
        size = path.stat().st_size
        part = transfers.part_size(size)
        etag = transfers.composite(path, transfers.part_sizes(size))
    failure = None
    try:
        with explained("upload", *place, client), disk("read", path):
            client.upload_file(
                str(path),
                *place,
                ExtraArgs=described,
                Config=transfers.transfer_config(part, crew.workers),
                Callback=crew.bar.update,
            )
    except StorageError as error:
        failure = error
    try:
        stored = client.head_object(Bucket=place.bucket, Key=place.key)
    except Exception:
        stored = {}  # reading may be forbidden; after a failure, its reason is raised below
    # After a failure, an equal ETag shows that only the answer of the last request was lost.
    if failure and transfers.etag_in(stored) != etag:
        raise failure
    _refuse_other_than(etag, client, place, stored)


def _refuse_other_than(etag: str, client: Any, place: Address, answer: Any) -> None:
    """Remove the object that `answer` reports, and raise, when its ETag is not `etag`."""
    if transfers.etag_in(answer) in ("", etag):
        return
    transfers.remove_version(client, place, answer)
    raise StorageError(
        f"Could not write {place}: what the server stored does not match the checksum of what it "
        "was sent, so it was removed; run it again."
    )
