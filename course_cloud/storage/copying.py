"""Copying a prefix on the server: no object is downloaded."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

from course_cloud.storage import transfers
from course_cloud.storage.addresses import (
    LONGEST_KEY,
    Address,
    S3Object,
    as_folder,
    list_keys,
    parse_address,
    shown,
)
from course_cloud.storage.client import default_client
from course_cloud.storage.failures import explained
from course_cloud.storage.transfers import Crew, Job, Transferred, etag_in, sha256_in
from course_utils.errors import StorageError

LARGEST_COPY = 5 << 30  # bytes that S3 copies in one request
BIG_PART = 512 << 20  # part size of larger objects whose own part size is unknown
# What a copy in parts does not keep by itself.
KEPT = (
    *("ContentType", "ContentEncoding", "ContentLanguage", "ContentDisposition", "CacheControl"),
    *("Expires", "Metadata"),
)


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
    size and content, are skipped; others of the same key are replaced. An object that was uploaded
    in parts is copied in the same parts if their size follows from its ETag, so that the copy has
    the same ETag and is recognized by the next call.

    Parameters
    ----------
    source, target
        ``"s3://bucket/prefix"``, or a prefix in the bucket that COURSE_BUCKET names. The prefix is
        a folder's name: a slash is appended.
    client
        A boto3 S3 client that may read the source and write the target, both on the same server.
    workers, progress
        As in :func:`course_cloud.storage.upload_dir`.

    Returns
    -------
    Transferred
        How many objects and bytes were copied, and how many objects were skipped.

    Raises
    ------
    StorageError
        Before anything is copied: when there is nothing below the source, the target lies in the
        source (a second call would copy the copies), or a key gets longer than 1,024 bytes.
        Afterwards, once: when objects failed. The others are copied all the same, unless ten fail
        in a row. A copy in parts that fails is aborted, so that no parts stay in the bucket.

    Notes
    -----
    Metadata and content types are kept, storage classes and access lists are not; tags are kept
    only by copies in one request. Copies get the encryption of the target bucket. A copy whose ETag
    differs from its source's is compared by size, and copied again by the next call unless both
    have the SHA-256 of `upload_dir` in their metadata.
    """
    client = default_client() if client is None else client
    here = as_folder(parse_address(source, need_key=False))
    there = as_folder(parse_address(target, need_key=False))
    workers = transfers.n_workers(client, workers)
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
            copy = partial(_copy, client, item, to, known.get(key), crew, cut)
            jobs.append(Job(item.key, item.size, copy, big=cut is not None))
        crew.run(jobs)
    return crew.summary("copied", f"from {here} to {there}", len(jobs), "copy_prefix")


def _cut(item: S3Object) -> int | None:
    """Return the size of the parts to copy in; None for one request."""
    if "-" in item.etag:
        cuts = transfers.usual_cuts(item.size, int(item.etag.rpartition("-")[2]))
        if cuts:
            return cuts[0]
    return BIG_PART if item.size > LARGEST_COPY else None


def _copy(
    client: Any, item: S3Object, to: Address, known: S3Object | None, crew: Crew, cut: int | None
) -> bool:
    """Copy one object; return False when `known`, the object there, has the same content."""
    if known and known.size == item.size and _is_same(client, item, to, known):
        return False
    if cut is None:
        # Swift refuses the condition for objects that were uploaded in parts
        condition = {} if "-" in item.etag else {"CopySourceIfMatch": f'"{item.etag}"'}
        source = {"Bucket": item.bucket, "Key": item.key}
        with explained("copy to", *to, client):
            answer = client.copy_object(
                Bucket=to.bucket, Key=to.key, CopySource=source, **condition
            )
        stored = {**answer, **answer["CopyObjectResult"]}
    else:
        stored = _copy_parts(client, item, to, cut, crew)
    if etag_in(stored) != item.etag:
        _need_unchanged(client, item, to, stored)
    return True


def _need_unchanged(client: Any, item: S3Object, to: Address, stored: Any) -> None:
    """Remove a copy, and raise, when its ETag differs because the source changed meanwhile."""
    ours, theirs = _heads(client, item, to)
    if ours["ETag"].strip('"') == item.etag and theirs["ContentLength"] == item.size:
        return  # encryption or other part sizes change the ETag, too
    version = {"VersionId": stored["VersionId"]} if stored.get("VersionId") else {}
    with explained("look at", *to, client):
        client.delete_object(Bucket=to.bucket, Key=to.key, **version)
    raise StorageError(
        f"Could not copy {item.address}: it changed while it was being copied, so the "
        "copy was removed; run it again."
    )


def _is_same(client: Any, item: S3Object, to: Address, known: S3Object) -> bool:
    if known.etag == item.etag:
        return True
    ours, theirs = _heads(client, item, to)
    sha256 = sha256_in(ours)
    return sha256 is not None and sha256 == sha256_in(theirs)


def _heads(client: Any, item: S3Object, to: Address) -> tuple[Any, Any]:
    with explained("look at", item.bucket, item.key, client):
        ours = client.head_object(Bucket=item.bucket, Key=item.key)
    with explained("look at", *to, client):
        return ours, client.head_object(Bucket=to.bucket, Key=to.key)


def _copy_parts(client: Any, item: S3Object, to: Address, cut: int, crew: Crew) -> Any:
    """Copy by boto3's managed transfer in parts of `cut` bytes; return a HEAD of the copy."""
    with explained("look at", item.bucket, item.key, client):
        about = client.head_object(Bucket=item.bucket, Key=item.key, IfMatch=f'"{item.etag}"')
    described = {name: about[name] for name in KEPT if about.get(name)}
    if "-" in item.etag:
        del about["ETag"]  # boto3 would make it a condition of each part, see `_copy`
    with explained("copy to", *to, client):
        client.copy(
            {"Bucket": item.bucket, "Key": item.key},
            *to,
            ExtraArgs=described,
            SourceClient=SimpleNamespace(head_object=lambda **_: about),
            Config=transfers.transfer_config(cut, crew.workers),
            Callback=crew.moved,
        )
        return client.head_object(Bucket=to.bucket, Key=to.key)
