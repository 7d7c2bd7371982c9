"""Download one object: in one piece or in parts, verified, and put in place whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_cloud.storage import transfer_checks as checks
from course_cloud.storage.failures import disk, explained
from course_cloud.storage.listing import S3Object
from course_cloud.storage.transfer_checks import PART
from course_cloud.storage.transfer_pool import Crew
from course_utils.errors import StorageError

TRIES = 5  # botocore repeats requests, but not an answer that breaks off in its middle
FIRST_PAUSE = 0.2  # seconds before the second try; each further pause is twice as long
TEMPORARY = ".course-", ".part"


def is_temporary(name: str) -> bool:
    """Say whether a file's name is one that an unfinished download has."""
    return name.startswith(TEMPORARY[0]) and name.endswith(TEMPORARY[1])


def download(client: Any, bucket: str, item: S3Object, path: Path, crew: Crew) -> bool:
    """Bring one object to `path`; False when it is there already.

    Up to 8 MiB in one request, kept in memory until it is verified. Beyond that in ranges of
    8 MiB, side by side, appended in order to a temporary file beside `path`. When that breaks
    off, the temporary file stays, under a name made from key and ETag, and the next call goes on
    after it: so it only ever holds the beginning of this very version of the object.

    Raises
    ------
    StorageError
        When the object cannot be had, changed since it was listed, or does not match its
        checksum, and when the file cannot be written.
    """
    if _size(path) == item.size and is_complete(client, bucket, item, path):
        return False
    if item.size > PART:
        _in_parts(client, bucket, item, path, crew)
    else:
        _in_one_piece(client, bucket, item, path, crew)
    return True


def is_complete(client: Any, bucket: str, item: S3Object, content: Path | bytes) -> bool:
    """Say whether `content`, of the object's size, is the object.

    Told by the ETag in the listing, and where that does not settle it, by the SHA-256 in the
    object's metadata, which costs a request.
    """
    with disk("read", content):
        if checks.same_bytes(content, item.etag):
            return True
    with explained("look at", bucket, item.key, client):
        try:
            answer = client.head_object(Bucket=bucket, Key=item.key)
        except client.exceptions.ClientError:
            return False  # the transfer itself will say why
    sha256 = checks.sha256_in(answer)
    unchanged = str(answer.get("ETag", "")).strip('"') == item.etag
    return bool(sha256 and unchanged and checks.same_bytes(content, "", sha256))


def _in_one_piece(client: Any, bucket: str, item: S3Object, path: Path, crew: Crew) -> None:
    for attempt in range(TRIES):
        data, answer = _read(client, bucket, item, 0, item.size, crew)
        verdict = checks.same_bytes(data, checks.etag_in(answer), checks.sha256_in(answer))
        if verdict is None:
            verdict = _by_its_parts(client, bucket, item, data)
        if verdict is not False:
            break
        _wait_for_next(attempt, crew)
    else:
        raise _damaged(bucket, item)
    if verdict is None:
        crew.unchecked.append(item.key)
    crew.pause(0)  # not wanted any more?
    with disk("write", path):
        _put_in_place(data, path)


def _put_in_place(data: bytes, path: Path) -> None:
    temporary = path.with_name(f"{TEMPORARY[0]}{secrets.token_hex(8)}{TEMPORARY[1]}")
    try:
        file = open(temporary, "xb")  # noqa: SIM115
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(temporary, "xb")  # noqa: SIM115
    try:
        with file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _in_parts(client: Any, bucket: str, item: S3Object, path: Path, crew: Crew) -> None:
    with disk("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(path.name.encode()).hexdigest()[:16]
    version = hashlib.sha256(f"{bucket}/{item.key}/{item.etag}".encode()).hexdigest()[:16]
    temporary = path.with_name(f"{TEMPORARY[0]}{name}-{version}{TEMPORARY[1]}")
    for old in path.parent.glob(f"{TEMPORARY[0]}{name}-*{TEMPORARY[1]}"):
        if old != temporary or old.is_symlink() or old.stat().st_size > item.size:
            old.unlink()  # of another version, or not ours
    resumed = temporary.exists() and temporary.stat().st_size > 0
    verdict = _append_rest(client, bucket, item, temporary, crew)
    if verdict is False and resumed:  # what was kept was bad; once more from the beginning
        temporary.unlink()
        verdict = _append_rest(client, bucket, item, temporary, crew)
    with disk("write", path):
        if verdict is False:
            temporary.unlink()
            raise _damaged(bucket, item)
        if verdict is None:
            crew.unchecked.append(item.key)
        os.replace(temporary, path)


def _append_rest(
    client: Any, bucket: str, item: S3Object, temporary: Path, crew: Crew
) -> bool | None:
    """Append what `temporary` lacks, and say whether it is the object now."""
    answer: Any = {}
    try:
        with disk("write", temporary), open(temporary, "ab") as file:
            cuts = range(file.tell(), item.size, PART)
            calls = [_range(client, bucket, item, cut, crew) for cut in cuts]
            for data, answer in crew.in_order(calls):  # noqa: B007  # the last answer is used below
                file.write(data)
                crew.moved(len(data))
    finally:
        if temporary.exists() and not temporary.stat().st_size:
            temporary.unlink()  # nothing in it to go on from
    if not answer:  # it was all there
        with explained("look at", bucket, item.key, client):
            answer = client.head_object(Bucket=bucket, Key=item.key, IfMatch=f'"{item.etag}"')
    with disk("read", temporary):
        verdict = checks.same_bytes(temporary, checks.etag_in(answer), checks.sha256_in(answer))
    return _by_its_parts(client, bucket, item, temporary) if verdict is None else verdict


def _range(client: Any, bucket: str, item: S3Object, start: int, crew: Crew) -> Callable[[], Any]:
    return lambda: _read(client, bucket, item, start, min(start + PART, item.size), crew)


def _read(
    client: Any, bucket: str, item: S3Object, start: int, end: int, crew: Crew
) -> tuple[bytes, Any]:
    """Return the bytes from `start` to before `end`, and the answer that brought them.

    An answer that breaks off is asked for again, up to five times in all.
    """
    asked: dict[str, Any] = {"Bucket": bucket, "Key": item.key, "IfMatch": f'"{item.etag}"'}
    if (start, end) != (0, item.size):
        asked["Range"] = f"bytes={start}-{end - 1}"
    for attempt in range(TRIES):
        with explained("download", bucket, item.key, client):
            answer = client.get_object(**asked)
            try:
                data = answer["Body"].read()
            except Exception:
                answer["Body"].close()
                if attempt == TRIES - 1:
                    raise
                data = None
        if (data is not None and len(data) != end - start) or _etag(answer) != item.etag:
            raise StorageError(
                f"Could not download s3://{bucket}/{item.key}: the object changed while it was "
                "being read; run it again."
            )
        if data is not None:
            return data, answer
        _wait_for_next(attempt, crew)
    raise AssertionError("the last try returns or raises")


def _etag(answer: Any) -> str:
    return str(answer.get("ETag", "")).strip('"')


def _by_its_parts(client: Any, bucket: str, item: S3Object, content: Path | bytes) -> bool | None:
    """Ask for the parts of an object whose ETag is made of theirs; None where nobody knows."""
    if "-" not in item.etag:
        return None
    with explained("look at", bucket, item.key, client):
        try:
            parts = checks.part_sizes(client, bucket, item)
        except client.exceptions.ClientError:
            return None  # not every server knows the question
    return checks.same_bytes(content, item.etag, parts=parts) if parts else None


def _wait_for_next(attempt: int, crew: Crew) -> None:
    if attempt < TRIES - 1:
        crew.pause(FIRST_PAUSE * 2**attempt)


def _damaged(bucket: str, item: S3Object) -> StorageError:
    return StorageError(
        f"Could not download s3://{bucket}/{item.key}: what arrives does not match the object's "
        "checksum; run it again, and ask who owns the bucket when it stays so."
    )
