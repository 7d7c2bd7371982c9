"""Upload one file: in one request or in parts, verified, and whole in the bucket or not at all."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_cloud.storage import transfer_checks as checks
from course_cloud.storage.failures import disk, explained
from course_cloud.storage.listing import S3Object
from course_cloud.storage.transfer_checks import PART, SHA256
from course_cloud.storage.transfer_download import is_complete
from course_cloud.storage.transfer_pool import Crew
from course_utils.errors import StorageError

# (part number, ETag), as the request that completes an upload wants them
Part = dict[str, Any]


def upload(
    client: Any, bucket: str, key: str, path: Path, known: S3Object | None, crew: Crew
) -> bool:
    """Bring one file to `key`; False when `known`, what the bucket holds there, is the same.

    Up to 8 MiB in one request; beyond that in parts, side by side, and aborted when one of them
    fails, so that no parts stay behind. The server is sent the MD5 of each piece and must answer
    with the ETag that follows from it. The SHA-256 of the whole goes into the object's metadata.

    Raises
    ------
    StorageError
        When the file cannot be read or changes meanwhile, and when the server refuses it or
        stored something else.
    """
    with disk("read", path):
        before = path.stat()
    if before.st_size > PART:
        return _in_parts(client, bucket, key, path, before, known, crew)
    with disk("read", path):
        data = path.read_bytes()
        _refuse_change(path, before, len(data))
    if known and known.size == len(data) and is_complete(client, bucket, known, data):
        return False
    md5 = hashlib.md5(data, usedforsecurity=False)
    with explained("upload", bucket, key, client):
        answer = client.put_object(
            Bucket=bucket,
            Key=key,
            Body=data,
            ContentMD5=base64.b64encode(md5.digest()).decode(),
            **_described(path, hashlib.sha256(data).hexdigest()),
        )
    refuse_other_than(md5.hexdigest(), client, bucket, key, answer)
    return True


@contextmanager
def bodies_at_once(client: Any) -> Iterator[None]:
    """Send a body with its headers while the block runs.

    botocore asks first (``Expect: 100-continue``) and waits for the answer, a second trip for each
    file. That pays for gigabytes that may be refused, not for the 8 MiB at most sent here.
    """
    events, event, name = client.meta.events, "before-call.s3", f"course-{secrets.token_hex(8)}"

    def do_not_ask(params: Any, **_: Any) -> None:
        params["headers"].pop("Expect", None)

    events.register_last(event, do_not_ask, unique_id=name)  # after botocore's own
    try:
        yield
    finally:
        events.unregister(event, unique_id=name)


def _described(path: Path, sha256: str) -> dict[str, Any]:
    kind, packed = mimetypes.guess_type(path.name)
    return {
        "ContentType": kind if kind and not packed else "binary/octet-stream",
        "Metadata": {SHA256: sha256},
    }


def _refuse_change(path: Path, before: os.stat_result, size: int) -> None:
    now = path.stat()
    if (now.st_size, now.st_mtime_ns, size) != (before.st_size, before.st_mtime_ns, now.st_size):
        raise StorageError(
            f"Could not upload {path}: it changed while it was being read; run it again when "
            "nothing writes to it."
        )


def _in_parts(
    client: Any,
    bucket: str,
    key: str,
    path: Path,
    before: os.stat_result,
    known: S3Object | None,
    crew: Crew,
) -> bool:
    size = before.st_size
    if known and known.size == size and is_complete(client, bucket, known, path):
        return False
    with disk("read", path):
        sha256 = checks.sha256_of(path)
    part = checks.part_size(size)

    def sender(upload_id: str, number: int) -> Callable[[], tuple[Part, bytes, int]]:
        def send() -> tuple[Part, bytes, int]:
            with disk("read", path), open(path, "rb") as file:
                file.seek((number - 1) * part)
                data = file.read(part)
            md5 = hashlib.md5(data, usedforsecurity=False)
            with explained("upload", bucket, key, client):
                answer = client.upload_part(
                    Bucket=bucket,
                    Key=key,
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=data,
                    ContentMD5=base64.b64encode(md5.digest()).decode(),
                )
            if checks.etag_in(answer) not in ("", md5.hexdigest()):
                raise _damaged(bucket, key)
            return {"PartNumber": number, "ETag": answer["ETag"]}, md5.digest(), len(data)

        return send

    with multipart(client, bucket, key, **_described(path, sha256)) as upload_id:
        parts, digests, sent = [], b"", 0
        numbers = range(1, -(-size // part) + 1)
        for done, digest, n_bytes in crew.in_order(sender(upload_id, n) for n in numbers):
            parts.append(done)
            digests += digest
            sent += n_bytes
            crew.moved(n_bytes)
        with disk("read", path):
            _refuse_change(path, before, sent)
        stored = complete(client, bucket, key, upload_id, parts, checks.etag_of_parts(digests))
    refuse_other_than(checks.etag_of_parts(digests), client, bucket, key, stored)
    return True


@contextmanager
def multipart(client: Any, bucket: str, key: str, **described: Any) -> Iterator[str]:
    """Begin an upload in parts and give its id; abort it when the block fails or is interrupted."""
    with explained("upload", bucket, key, client):
        upload_id = client.create_multipart_upload(Bucket=bucket, Key=key, **described)["UploadId"]
    try:
        yield upload_id
    except BaseException as error:
        try:
            with explained("abort the upload of", bucket, key, client):
                client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        except StorageError as also:
            if isinstance(error, StorageError):
                raise StorageError(
                    f"{error} {also} Its parts cost money until they are removed: aws s3api "
                    f"abort-multipart-upload --bucket {bucket} --key '{key}' --upload-id "
                    f"{upload_id}"
                ) from None
        raise


def complete(
    client: Any, bucket: str, key: str, upload_id: str, parts: Iterable[Part], expected: str = ""
) -> Any:
    """Make an object of the parts and return the server's answer.

    When the answer is lost on its way, the object is looked at: with `expected` for its ETag, it
    is whole all the same.
    """
    with explained("upload", bucket, key, client):
        try:
            return client.complete_multipart_upload(
                Bucket=bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": list(parts)},
            )
        except Exception:
            there = _head(client, bucket, key)
            if not expected or checks.etag_in(there) != expected:
                raise
            return there


def _head(client: Any, bucket: str, key: str) -> Any:
    try:
        return client.head_object(Bucket=bucket, Key=key)
    except Exception:
        return {}  # what the caller raises is why the upload failed


def refuse_other_than(etag: str, client: Any, bucket: str, key: str, answer: Any) -> None:
    """Remove the version that `answer` tells of, and raise, when its ETag is not `etag`."""
    if checks.etag_in(answer) in ("", etag):
        return
    version = {"VersionId": answer["VersionId"]} if answer.get("VersionId") else {}
    with explained("remove the damaged", bucket, key, client):
        client.delete_object(Bucket=bucket, Key=key, **version)
    raise _damaged(bucket, key)


def _damaged(bucket: str, key: str) -> StorageError:
    return StorageError(
        f"Could not write s3://{bucket}/{key}: what the server stored does not match the "
        "checksum of what it was sent, so it was removed; run it again."
    )
