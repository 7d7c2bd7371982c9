"""Whether a file and an object hold the same bytes, told from what S3 says of the object."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from course_cloud.storage.listing import S3Object

MIB = 1 << 20
PART = 8 * MIB  # as boto3 and the AWS CLI cut, so that their ETags are ours
MAX_PARTS = 10_000
SHA256 = "sha256"  # kept with every upload, as x-amz-meta-sha256
_MD5 = re.compile(r"[0-9a-f]{32}")
_COMPOSITE = re.compile(r"[0-9a-f]{32}-(\d+)")
# What uploaders cut by: boto3 and the AWS CLI 8, others 5, 10, 15, 16, …
USUAL_PARTS = tuple(
    n * MIB for n in (8, 16, 5, 32, 64, 10, 15, 25, 50, 100, 128, 256, 512, 1024, 2048, 4096, 5120)
)


def part_size(size: int) -> int:
    """Return the bytes of a part: 8 MiB, doubled until the object has at most 10,000 parts."""
    part = PART
    while -(-size // part) > MAX_PARTS:
        part *= 2
    return part


def same_bytes(
    content: bytes | Path, etag: str, sha256: str | None = None, parts: Sequence[int] = ()
) -> bool | None:
    """Say whether `content` is the object; None where its checksum cannot be recomputed.

    Parameters
    ----------
    content
        The bytes, or the file that holds them.
    etag
        The object's. It is the MD5 of an object uploaded in one piece, and of one in N parts
        the MD5 of their MD5s, followed by ``-N``; under SSE-KMS and SSE-C it is neither, so give
        "" then.
    sha256
        The object's own, where its metadata tell it; then that decides.
    parts
        The sizes of the parts. Left out, the sizes in use are tried that would give N parts.
    """
    if sha256:
        return _digest(content, sha256=True) == sha256
    if _MD5.fullmatch(etag):
        return _digest(content) == etag
    several = _COMPOSITE.fullmatch(etag)
    if not several:
        return None
    if parts:
        return composite(content, parts) == etag
    size, n_parts = _size(content), int(several[1])
    for cut in usual_cuts(size, n_parts):
        if composite(content, cut_into(size, cut)) == etag:
            return True
    return None


def usual_cuts(size: int, n_parts: int) -> list[int]:
    """Return the part sizes in use that cut `size` bytes into `n_parts` parts."""
    cuts = dict.fromkeys((part_size(size), *USUAL_PARTS))
    return [cut for cut in cuts if max(1, -(-size // cut)) == n_parts]


def cut_into(size: int, part: int) -> list[int]:
    """Return the sizes of the parts, the last one what is left."""
    return [min(part, size - start) for start in range(0, size, part)] or [0]


def composite(content: bytes | Path, parts: Sequence[int]) -> str:
    """Return the ETag of an object that was uploaded in parts of these sizes."""
    digests, chunks = b"", _chunks(content)
    left = memoryview(b"")
    for size in parts:
        digest = hashlib.md5(usedforsecurity=False)
        while size:
            left = left or memoryview(next(chunks, b""))
            if not left:
                return ""  # shorter than its parts
            digest.update(left[:size])
            taken = min(size, len(left))
            size, left = size - taken, left[taken:]
        digests += digest.digest()
    return etag_of_parts(digests)


def etag_of_parts(digests: bytes) -> str:
    """Return the ETag of an object from the MD5s of its parts, 16 bytes each."""
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(digests) // 16}"


def etag_in(answer: Any) -> str:
    """Return the ETag an answer tells, without quotes; "" where it is no checksum of the bytes."""
    encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    if encrypted or answer.get("SSECustomerAlgorithm"):
        return ""
    return str(answer.get("ETag", "")).strip('"')


def sha256_in(answer: Any) -> str | None:
    """Return the SHA-256 that an upload left in the object's metadata, if it did."""
    found = answer.get("Metadata", {}).get(SHA256)
    return str(found) if found else None


def part_sizes(client: Any, bucket: str, item: S3Object) -> list[int]:
    """Ask the server for the sizes of an object's parts; empty where it does not tell."""
    several = _COMPOSITE.fullmatch(item.etag)
    sizes: list[int] = []
    for number in range(1, int(several[1]) + 1 if several else 0):
        answer = client.head_object(Bucket=bucket, Key=item.key, PartNumber=number)
        if "PartsCount" not in answer:
            return []
        sizes.append(answer["ContentLength"])
    return sizes if sum(sizes) == item.size else []


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return _digest(path, sha256=True)


def _digest(content: bytes | Path, sha256: bool = False) -> str:
    digest = hashlib.sha256() if sha256 else hashlib.md5(usedforsecurity=False)
    for chunk in _chunks(content):
        digest.update(chunk)
    return digest.hexdigest()


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else os.path.getsize(content)


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with open(content, "rb") as file:
        while chunk := file.read(MIB):
            yield chunk
