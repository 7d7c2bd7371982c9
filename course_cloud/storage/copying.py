"""Objects copied from prefix to prefix by the server: no byte passes through this computer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from course_cloud.storage import transfer_checks as checks
from course_cloud.storage.addresses import LONGEST_KEY, Address, parse_address
from course_cloud.storage.client import default_client
from course_cloud.storage.failures import explained
from course_cloud.storage.listing import S3Object, list_keys
from course_cloud.storage.paths import shown
from course_cloud.storage.transfer import as_folder
from course_cloud.storage.transfer_pool import Crew, Job, Transferred, n_workers
from course_cloud.storage.transfer_upload import Part, complete, multipart
from course_utils.errors import StorageError

LARGEST_COPY = 5 << 30  # bytes that S3 copies in one request
BIG_PART = 512 << 20  # for objects beyond it whose own parts cannot be told
KEPT = ("ContentType", "ContentEncoding", "ContentLanguage", "ContentDisposition", "CacheControl",
        "Expires", "Metadata")  # fmt: skip


def copy_prefix(
    source: str,
    target: str,
    *,
    client: Any = None,
    workers: int | None = None,
    progress: bool = True,
) -> Transferred:
    """Copy every object below one address to another, in the same bucket or a second one.

    The server copies; nothing is downloaded. Objects that the target holds already, with the same
    size and content, are skipped; others of the same key are replaced. An object that was
    uploaded in parts is copied in the same parts where their size can be told from its ETag, so
    that its ETag, by which copies are recognized, stays the same.

    Parameters
    ----------
    source, target
        ``"s3://bucket/prefix"``, or a prefix in the bucket that COURSE_BUCKET names. The prefix is
        a folder's name: a slash is put after it.
    client
        A boto3 S3 client that may read the one and write the other; both on the same server.
    workers, progress
        As in :func:`course_cloud.storage.upload_dir`.

    Returns
    -------
    Transferred
        How many objects and bytes were copied, and how many objects were there already.

    Raises
    ------
    StorageError
        Before anything is copied: when there is nothing below the source, the target lies in the
        source (a second call would copy the copies), or a key gets longer than 1,024 bytes.
        Afterwards, once: when objects failed. The others are copied all the same, unless ten in a
        row fail. A copy in parts that fails is aborted, so that no parts stay behind.

    Notes
    -----
    Metadata and content types are kept, storage classes and access lists are not; tags are kept
    only by copies in one request. What is newly written gets the target bucket's encryption. A
    copy whose ETag cannot be compared with its source's is checked by its size, and made anew by
    the next call unless both carry the SHA-256 that `upload_dir` leaves.
    """
    client = default_client() if client is None else client
    here = as_folder(parse_address(source, need_key=False))
    there = as_folder(parse_address(target, need_key=False))
    workers = n_workers(client, workers)
    if here.bucket == there.bucket and there.key.startswith(here.key):
        raise StorageError(f"{there} lies in {here}, so a copy would hold itself; choose another.")
    items = list_keys(str(here), client=client)
    if not items:
        raise StorageError(f"There is nothing to copy below {here}; check the address.")
    keys = {item: there.key + item.key.removeprefix(here.key) for item in items}
    for key in keys.values():
        if len(key.encode()) > LONGEST_KEY:
            raise StorageError(
                f"The key {shown(key)} would have more than {LONGEST_KEY} bytes, so nothing was "
                "copied; choose a shorter target."
            )
    known = {item.key: item for item in list_keys(str(there), client=client)}
    with Crew("copy", workers, sum(item.size for item in items), progress) as crew:
        jobs = []
        for item, key in keys.items():
            cut = _cut(item)
            to = Address(there.bucket, key)
            copy = partial(_copy, client, here.bucket, item, to, known.get(key), crew, cut)
            jobs.append(Job(item.key, item.size, copy, big=cut is not None))
        crew.run(jobs)
    return crew.summary("copied", f"from {here} to {there}", len(jobs), "copy_prefix")


def _cut(item: S3Object) -> int | None:
    """Return the size of the parts to copy in; None for one request."""
    if "-" in item.etag:
        cuts = checks.usual_cuts(item.size, int(item.etag.rpartition("-")[2]))
        if cuts:
            return cuts[0]
    return BIG_PART if item.size > LARGEST_COPY else None


def _copy(
    client: Any,
    bucket: str,
    item: S3Object,
    to: Address,
    known: S3Object | None,
    crew: Crew,
    cut: int | None,
) -> bool:
    if known and known.size == item.size and _is_same(client, bucket, item, to, known):
        return False
    origin: dict[str, Any] = {"CopySource": {"Bucket": bucket, "Key": item.key}}
    if "-" not in item.etag:  # Swift refuses the condition on objects that were uploaded in parts
        origin["CopySourceIfMatch"] = f'"{item.etag}"'
    if cut is None:
        with explained("copy to", to.bucket, to.key, client):
            answer = client.copy_object(Bucket=to.bucket, Key=to.key, **origin)
        stored = {**answer, **answer["CopyObjectResult"]}
    else:
        stored = _in_parts(client, bucket, item, to, origin, cut, crew)
    if checks.etag_in(stored) != item.etag:
        _look_closer(client, bucket, item, to, stored)
    return True


def _look_closer(client: Any, bucket: str, item: S3Object, to: Address, stored: Any) -> None:
    """Check a copy whose ETag is not its source's: one of them may be no checksum of the bytes."""
    with explained("look at", bucket, item.key, client):
        ours = client.head_object(Bucket=bucket, Key=item.key)
    with explained("look at", to.bucket, to.key, client):
        theirs = client.head_object(Bucket=to.bucket, Key=to.key)
        if ours["ETag"].strip('"') == item.etag and theirs["ContentLength"] == item.size:
            return
        version = {"VersionId": stored["VersionId"]} if stored.get("VersionId") else {}
        client.delete_object(Bucket=to.bucket, Key=to.key, **version)
    raise StorageError(
        f"Could not copy s3://{bucket}/{item.key}: it changed while it was being copied, so the "
        "copy was removed; run it again."
    )


def _is_same(client: Any, bucket: str, item: S3Object, to: Address, known: S3Object) -> bool:
    if known.etag == item.etag:
        return True
    with explained("look at", bucket, item.key, client):
        ours = client.head_object(Bucket=bucket, Key=item.key)
    with explained("look at", to.bucket, to.key, client):
        theirs = client.head_object(Bucket=to.bucket, Key=to.key)
    sha256 = checks.sha256_in(ours)
    return sha256 is not None and sha256 == checks.sha256_in(theirs)


def _in_parts(
    client: Any,
    bucket: str,
    item: S3Object,
    to: Address,
    origin: dict[str, Any],
    cut: int,
    crew: Crew,
) -> Any:
    with explained("look at", bucket, item.key, client):
        about = client.head_object(Bucket=bucket, Key=item.key, IfMatch=f'"{item.etag}"')
    described = {name: about[name] for name in KEPT if about.get(name)}

    def copier(upload_id: str, number: int, start: int, size: int) -> Callable[[], Part]:
        def copy() -> Part:
            with explained("copy to", to.bucket, to.key, client):
                answer = client.upload_part_copy(
                    Bucket=to.bucket,
                    Key=to.key,
                    UploadId=upload_id,
                    PartNumber=number,
                    CopySourceRange=f"bytes={start}-{start + size - 1}",
                    **origin,
                )
            return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

        return copy

    sizes = checks.cut_into(item.size, cut)
    with multipart(client, to.bucket, to.key, **described) as upload_id:
        calls = (
            copier(upload_id, number, (number - 1) * cut, size)
            for number, size in enumerate(sizes, start=1)
        )
        parts = []
        for part in crew.in_order(calls):
            parts.append(part)
            crew.moved(sizes[part["PartNumber"] - 1])
        return complete(client, to.bucket, to.key, upload_id, parts)
