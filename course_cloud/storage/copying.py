"""Copying a prefix on the server: no object is downloaded."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

from course_cloud.storage import addresses, transfers
from course_cloud.storage.addresses import Address, S3Object
from course_cloud.storage.client import usable
from course_cloud.storage.failures import explained
from course_cloud.storage.transfers import SHA256, Crew, Job, Transferred, etag_in
from course_utils.errors import StorageError

LARGEST_COPY = 5 << 30  # bytes that S3 copies in one request
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

    Objects that the target holds already, with the same size and content, are skipped; others of
    the same key are replaced. Metadata and content types are kept, storage classes and access lists
    are not; tags are kept only by copies in one request. An object that was uploaded in parts is
    copied in the same parts if the server reports their size, so that the copy has the same ETag; a
    copy with another ETag is made again by the next call, unless both have the SHA-256 of
    `upload_dir` in their metadata. Copies get the encryption of the target bucket.

    Parameters
    ----------
    source, target
        Two addresses as in :func:`course_cloud.storage.upload_dir`, on one server.
    client, workers, progress
        As in :func:`course_cloud.storage.upload_dir`.

    Raises
    ------
    StorageError
        Before anything is copied: when there is nothing below the source, the target lies in the
        source (a second call would copy the copies), or a key gets longer than 1,024 bytes.
        Afterwards, once: when objects failed, as in `upload_dir`. No parts of them stay.
    """
    client = usable(client)
    here = addresses.as_folder(source)
    there = addresses.as_folder(target)
    workers = transfers.n_workers(client, workers)
    if here.bucket == there.bucket and there.key.startswith(here.key):
        raise StorageError(f"{there} lies in {here}, so a copy would hold itself; choose another.")
    items = addresses.list_keys(str(here), client=client)
    if not items:
        raise StorageError(f"There is nothing to copy below {here}; check the address.")
    copies = {
        item: addresses.parse_address(f"{there}{item.key.removeprefix(here.key)}", need_key=False)
        for item in items
    }
    known = {item.key: item for item in addresses.list_keys(str(there), client=client)}
    with Crew("copy", workers, sum(item.size for item in items), progress) as crew:
        jobs = []
        for item, to in copies.items():
            big = "-" in item.etag or item.size > LARGEST_COPY
            copy = partial(_copy, client, item, to, known.get(to.key), crew, big)
            jobs.append(Job(item.key, item.size, copy, big))
        crew.run(jobs)
    return crew.summary("copied", f"from {here} to {there}", len(jobs), "copy_prefix")


def _copy(
    client: Any, item: S3Object, to: Address, known: S3Object | None, crew: Crew, big: bool
) -> bool:
    """Copy one object; return False when `known`, the object there, has the same content."""
    if known and known.size == item.size:
        if known.etag == item.etag:
            return False
        ours, theirs = (_head(client, one)["Metadata"].get(SHA256) for one in (item, to))
        if ours and ours == theirs:
            return False
    if big:
        stored = _copy_parts(client, item, to, crew)
    else:
        with explained("copy to", *to, client):
            answer = client.copy_object(
                Bucket=to.bucket,
                Key=to.key,
                CopySource={"Bucket": item.bucket, "Key": item.key},
                CopySourceIfMatch=f'"{item.etag}"',
            )
        stored = {**answer, **answer["CopyObjectResult"]}
    if etag_in(stored) != item.etag:
        _need_unchanged(client, item, to, stored)
    return True


def _need_unchanged(client: Any, item: S3Object, to: Address, stored: Any) -> None:
    """Remove a copy, and raise, when its ETag differs because the source changed meanwhile."""
    ours, theirs = _head(client, item), _head(client, to)
    if ours["ETag"].strip('"') == item.etag and theirs["ContentLength"] == item.size:
        return  # encryption or other part sizes change the ETag, too
    transfers.remove_version(client, to, stored)
    raise StorageError(
        f"Could not copy {item.address}: it changed while it was being copied, so the "
        "copy was removed; run it again."
    )


def _head(client: Any, place: Address | S3Object, **asked: str) -> Any:
    with explained("look at", place.bucket, place.key, client):
        return client.head_object(Bucket=place.bucket, Key=place.key, **asked)


def _copy_parts(client: Any, item: S3Object, to: Address, crew: Crew) -> Any:
    """Copy by boto3's managed transfer, in the parts of the source; return a HEAD of the copy."""
    about = _head(client, item, IfMatch=f'"{item.etag}"')
    part = transfers.part_size(item.size)
    described = {name: about[name] for name in KEPT if about.get(name)}
    if "-" in item.etag:
        part = transfers.reported_part(client, item, 1) or part
        del about["ETag"]  # boto3 would make it a condition, which Swift refuses for such objects
    with explained("copy to", *to, client):
        client.copy(
            {"Bucket": item.bucket, "Key": item.key},
            *to,
            ExtraArgs=described,
            SourceClient=SimpleNamespace(head_object=lambda **_: about),
            Config=transfers.transfer_config(part, crew.workers),
            Callback=crew.bar.update,
        )
    return _head(client, to)
