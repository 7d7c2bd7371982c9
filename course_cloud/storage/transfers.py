"""What uploads, downloads and copies share: parallel jobs, their summary, and checksums."""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from course_cloud.storage.addresses import Address, S3Object, shown
from course_cloud.storage.failures import disk, explained
from course_utils.errors import CourseWarning, StorageError
from course_utils.validation import need_positive

MIB = 1 << 20
PART = 8 * MIB  # bytes of a part, as boto3 and the AWS CLI cut, so that the ETags are the same
MAX_PARTS = 10_000
WORKERS = 16  # more do not help: Python spends about a millisecond on each request
GIVE_UP_AFTER = 10  # failures in a row: then the cause is not a single file
GRACE = 5.0  # seconds that running transfers have to end after Ctrl-C
SHA256 = "sha256"  # the metadata of every upload, as x-amz-meta-sha256


@dataclass(frozen=True)
class Transferred:
    """The result of a transfer."""

    files: int  # number of files or objects transferred
    bytes: int  # their total size
    skipped: int  # number of files or objects that the target held already, with the same content


class Stopped(Exception):
    """Raised in a worker thread whose result is no longer wanted."""


class Job(NamedTuple):
    """The transfer of one file."""

    name: str
    size: int
    transfer: Callable[[], bool]  # returns False when the target held the file already
    big: bool = False  # run in the calling thread, because boto3 transfers its parts in parallel


def n_workers(client: Any, workers: int | None) -> int:
    """Return the number of threads: by default at most as many as the client keeps connections."""
    if workers is not None:
        return need_positive(workers, "workers")
    return max(1, min(WORKERS, int(client.meta.config.max_pool_connections)))


class Crew:
    """Runs jobs of `total` bytes by `workers` threads, and counts their results."""

    def __init__(self, verb: str, workers: int, total: int, progress: bool) -> None:
        from tqdm import tqdm

        self.workers, self.stopped = workers, threading.Event()
        self.unverified: list[str] = []
        self._files = self._bytes = self._skipped = self._in_a_row = self._settled = 0
        self.failures: dict[str, StorageError] = {}
        self._futures: dict[Future[bool], Job] = {}
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="course-transfer")
        self.bar = tqdm(
            total=total,
            desc=verb,
            unit="B",
            unit_scale=True,
            delay=2,
            leave=False,
            disable=not progress,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.stopped.set()
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        wait([future for future in self._futures if not future.cancelled()], GRACE)
        self.bar.close()

    def run(self, jobs: Iterable[Job]) -> None:
        """Run all jobs; start no further one after `GIVE_UP_AFTER` failures in a row."""
        jobs = list(jobs)
        self._futures = {self._pool.submit(self._start, job): job for job in jobs if not job.big}
        for future in as_completed(self._futures):
            self._count(self._futures[future], future.result)
        for job in jobs:
            if job.big:
                self._count(job, partial(self._start, job))

    def summary(self, done: str, place: str, n_files: int, again: str) -> Transferred:
        """Return the counts, or raise one `StorageError` for all failures."""
        if self.failures:
            whole, failed = self._files + self._skipped, len(self.failures)
            untried = n_files - whole - failed
            first = next(iter(self.failures.values()))
            complete = {0: "None is complete", 1: "The other one is complete"}.get(
                whole, f"The other {whole:,} are complete"
            )
            raise StorageError(
                f"{failed + untried:,} of {n_files:,} files could not be {done} {place} "
                f"({shown(*self.failures)}"
                + (f"; {untried:,} were not tried any more" if untried else "")
                + f"). {'The first: ' if failed > 1 else ''}{first} "
                f"{complete}; call {again} again to go on from there."
            )
        if self.unverified:
            warnings.warn(
                f"Only the sizes of {len(self.unverified):,} of {n_files:,} files could be "
                f"checked, their objects carry no checksum: {shown(*self.unverified)}.",
                CourseWarning,
                stacklevel=3,
            )
        return Transferred(self._files, self._bytes, self._skipped)

    def need_wanted(self) -> None:
        """Raise `Stopped` when the transfer was interrupted."""
        if self.stopped.is_set():
            raise Stopped

    def _start(self, job: Job) -> bool:
        self.need_wanted()
        if self._in_a_row >= GIVE_UP_AFTER:
            raise Stopped
        return job.transfer()

    def _count(self, job: Job, result: Callable[[], bool]) -> None:
        try:
            if result():
                self._files += 1
                self._bytes += job.size
                self._in_a_row = 0
            else:
                self._skipped += 1  # says nothing about whether the server works
        except StorageError as error:
            self.failures[job.name] = error
            self._in_a_row += 1
        except Stopped:
            return
        self._settled += job.size
        self.bar.update(self._settled - self.bar.n)


def transfer_config(part: int, workers: int = 10) -> Any:
    """Return the settings of boto3's managed transfers: always in parts, by `workers` threads."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(
        multipart_threshold=part,
        multipart_chunksize=part,
        max_concurrency=workers,
        preferred_transfer_client="classic",  # the other one, awscrt, ignores the client's settings
    )


def remove_version(client: Any, place: Address, answer: Any) -> None:
    """Delete the object that a write has just made, and which `answer` describes."""
    version = {"VersionId": answer["VersionId"]} if answer.get("VersionId") else {}
    with explained("remove the damaged", *place, client):
        client.delete_object(Bucket=place.bucket, Key=place.key, **version)


def same_bytes(client: Any, item: S3Object, content: bytes | Path) -> bool | None:
    """Return whether `content` is the object; None when only their sizes can be compared.

    The ETag in the listing is tried first: the MD5 of the object or, of one uploaded in parts, of
    the MD5s of its parts. Otherwise the SHA-256 in the object's metadata decides, or else the ETag
    with the part sizes that the server reports; under SSE-KMS and SSE-C it is no checksum.
    """
    in_parts = "-" in item.etag
    with disk("read", content):
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        if size != item.size:
            return False
        found = composite(content, part_sizes(item.size)) if in_parts else digest(content, "md5")
        if found == item.etag:
            return True
    with explained("look at", item.bucket, item.key, client):
        try:
            answer = client.head_object(Bucket=item.bucket, Key=item.key)
        except client.exceptions.ClientError:
            return False  # when it matters, the transfer itself reports why
    if answer["ETag"].strip('"') != item.etag:
        return False
    with disk("read", content):
        if sha256 := answer["Metadata"].get(SHA256):
            return bool(digest(content, "sha256") == sha256)
        if not in_parts:
            return False if len(etag_in(answer)) == 32 else None
        parts = _reported_parts(client, item) if etag_in(answer) else []
        return composite(content, parts) == item.etag if parts else None


def _reported_parts(client: Any, item: S3Object) -> list[int]:
    """Return the sizes of an object's parts; empty when the server does not report them."""
    first = reported_part(client, item, 1)
    others = range(2, int(item.etag.rpartition("-")[2]) + 1) if first else ()
    sizes = [first, *(reported_part(client, item, number) for number in others)]
    return sizes if sum(sizes) == item.size else []


def reported_part(client: Any, item: S3Object, number: int) -> int:
    """Return the bytes of one part of an object; 0 when the server does not report them."""
    with explained("look at", item.bucket, item.key, client):
        try:
            answer = client.head_object(Bucket=item.bucket, Key=item.key, PartNumber=number)
        except client.exceptions.ClientError:
            return 0  # Swift does not know PartNumber
    return int(answer["ContentLength"]) if "PartsCount" in answer else 0


def part_size(size: int) -> int:
    """Return the bytes of a part: 8 MiB, doubled until the object has at most 10,000 parts."""
    part = PART
    while -(-size // part) > MAX_PARTS:
        part *= 2
    return part


def part_sizes(size: int) -> list[int]:
    """Return the sizes of all parts; the last one is the rest."""
    part = part_size(size)
    return [min(part, size - start) for start in range(0, size, part)] or [0]


def composite(content: bytes | Path, parts: Sequence[int]) -> str:
    """Return the ETag of an object that was uploaded in parts of these sizes."""
    digests = []
    with _opened(content) as file:
        for size in parts:
            md5 = hashlib.md5(usedforsecurity=False)
            for start in range(0, size, MIB):
                md5.update(file.read(min(MIB, size - start)))
            digests.append(md5.digest())
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(parts)}"


def digest(content: bytes | Path, algorithm: str) -> str:
    """Return the checksum of `content` as hexadecimal digits; `algorithm` as hashlib names it."""
    with _opened(content) as file:
        make = partial(hashlib.new, algorithm, usedforsecurity=False)
        return hashlib.file_digest(file, make).hexdigest()


def etag_in(answer: Any) -> str:
    """Return the ETag in an answer, without quotes; "" when it is no checksum of the bytes."""
    encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    if encrypted or answer.get("SSECustomerAlgorithm"):
        return ""
    return str(answer.get("ETag", "")).strip('"')


def _opened(content: bytes | Path) -> io.BytesIO | io.BufferedReader:
    return io.BytesIO(content) if isinstance(content, bytes) else open(content, "rb")
