"""What uploads, downloads and copies share: parallel jobs, their summary, and checksums."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from course_cloud.storage.addresses import S3Object, shown
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

_MD5 = re.compile(r"[0-9a-f]{32}")
_COMPOSITE = re.compile(r"[0-9a-f]{32}-(\d+)")
# Part sizes of common uploaders: boto3 and the AWS CLI 8 MiB, others 5, 10, 15, 16, …
USUAL_PARTS = tuple(
    n * MIB for n in (8, 16, 5, 32, 64, 10, 15, 25, 50, 100, 128, 256, 512, 1024, 2048, 4096, 5120)
)


@dataclass(frozen=True)
class Transferred:
    """The result of a transfer.

    Attributes
    ----------
    files
        Number of files or objects transferred.
    bytes
        Total size of these files.
    skipped
        Number of files or objects that the target held already, with the same content.
    """

    files: int
    bytes: int
    skipped: int


class Stopped(Exception):
    """Raised in a worker thread whose result is no longer wanted."""


class Job(NamedTuple):
    """The transfer of one file.

    `transfer` returns False when the target held the file already. The transfer of a `big` file
    makes several requests in parallel by itself.
    """

    name: str
    size: int
    transfer: Callable[[], bool]
    big: bool = False


def n_workers(client: Any, workers: int | None) -> int:
    """Return the number of threads: by default at most as many as the client keeps connections."""
    if workers is not None:
        return need_positive(workers, "workers")
    return max(1, min(WORKERS, int(client.meta.config.max_pool_connections)))


class Crew:
    """Runs jobs of `total` bytes by `workers` threads, and counts their results.

    Big files run one after another in the calling thread, because each makes its requests in
    parallel by itself.
    """

    def __init__(self, verb: str, workers: int, total: int, progress: bool) -> None:
        from tqdm import tqdm

        self.workers, self.stopped = workers, threading.Event()
        self.unverified: list[str] = []
        self._files = self._bytes = self._skipped = self._in_a_row = self._settled = 0
        self._failures: dict[str, StorageError] = {}
        self._futures: dict[Future[bool], Job] = {}
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="course-transfer")
        self._bar = tqdm(
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
        self._bar.close()

    def run(self, jobs: Iterable[Job]) -> None:
        """Run all jobs; start no further one after `GIVE_UP_AFTER` failures in a row."""
        jobs = list(jobs)
        self._futures = {self._pool.submit(self._start, job): job for job in jobs if not job.big}
        for future in as_completed(self._futures):
            self._count(self._futures[future], future.result)
        for job in jobs:
            if job.big:
                self._count(job, partial(self._start, job))

    def moved(self, n_bytes: int) -> None:
        """Advance the progress bar within a big file."""
        self._bar.update(n_bytes)

    def need_wanted(self) -> None:
        """Raise `Stopped` when the transfer was interrupted."""
        if self.stopped.is_set():
            raise Stopped

    @property
    def failed(self) -> bool:
        """Whether a file could not be transferred."""
        return bool(self._failures)

    def summary(self, done: str, place: str, n_files: int, again: str) -> Transferred:
        """Return the counts, or raise one `StorageError` for all failures.

        Its message is "2 of 7 files could not be {done} {place} (…). … call {again} again …".
        """
        if self._failures:
            whole = self._files + self._skipped
            names = ", ".join(shown(name) for name in list(self._failures)[:3])
            untried = n_files - whole - len(self._failures)
            more = ", …" if len(self._failures) > 3 else ""
            first = next(iter(self._failures.values()))
            raise StorageError(
                f"{len(self._failures) + untried:,} of {n_files:,} files could not be {done} "
                f"{place} ({names}{more}"
                + (f"; {untried:,} were not tried any more" if untried else "")
                + f"). {'The first: ' if len(self._failures) > 1 else ''}{first} "
                f"{_whole(whole)}; call {again} again to go on from there."
            )
        if self.unverified:
            names = ", ".join(shown(name) for name in self.unverified[:3])
            warnings.warn(
                f"Only the sizes of {len(self.unverified):,} of {n_files:,} files could be "
                f"checked, their objects carry no checksum of their content: {names}.",
                CourseWarning,
                stacklevel=3,
            )
        return Transferred(self._files, self._bytes, self._skipped)

    def _start(self, job: Job) -> bool:
        if self.stopped.is_set() or self._in_a_row >= GIVE_UP_AFTER:
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
            self._failures[job.name] = error
            self._in_a_row += 1
        except Stopped:
            return
        self._settled += job.size
        self._bar.update(self._settled - self._bar.n)


def transfer_config(part: int, workers: int) -> Any:
    """Return the settings of boto3's managed transfers: always in parts, by `workers` threads."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(
        multipart_threshold=part,
        multipart_chunksize=part,
        max_concurrency=workers,
        preferred_transfer_client="classic",  # the other one, awscrt, ignores the client's settings
    )


def _whole(n: int) -> str:
    if n == 1:
        return "The other one is complete"
    return f"The other {n:,} are complete" if n else "None is complete"


def is_complete(client: Any, item: S3Object, content: bytes | Path) -> bool:
    """Return whether `content`, of the object's size, is the object.

    The ETag in the listing decides, or else the SHA-256 in the object's metadata, which costs a
    request.
    """
    with disk("read", content):
        if same_bytes(content, item.etag):
            return True
    with explained("look at", item.bucket, item.key, client):
        try:
            answer = client.head_object(Bucket=item.bucket, Key=item.key)
        except client.exceptions.ClientError:
            return False  # the transfer itself reports why
    sha256 = sha256_in(answer)
    unchanged = str(answer.get("ETag", "")).strip('"') == item.etag
    return bool(sha256 and unchanged and same_bytes(content, "", sha256))


def same_bytes(
    content: bytes | Path, etag: str, sha256: str | None = None, parts: Sequence[int] = ()
) -> bool | None:
    """Return whether `content` is the object; None when its checksum cannot be recomputed.

    Parameters
    ----------
    content
        The bytes, or the file that holds them.
    etag
        The object's ETag: the MD5 of an object uploaded in one piece, and of one uploaded in N
        parts the MD5 of their MD5s, followed by ``-N``. Under SSE-KMS and SSE-C it is neither;
        pass "" then.
    sha256
        The SHA-256 in the object's metadata. It decides when given.
    parts
        The sizes of the parts. By default, the `USUAL_PARTS` that would give N parts are tried.
    """
    if sha256:
        return digest(content, "sha256") == sha256
    if _MD5.fullmatch(etag):
        return digest(content, "md5") == etag
    several = _COMPOSITE.fullmatch(etag)
    if not several:
        return None
    if parts:
        return composite(content, parts) == etag
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    for cut in usual_cuts(size, int(several[1])):
        if composite(content, cut_into(size, cut)) == etag:
            return True
    return None


def part_size(size: int) -> int:
    """Return the bytes of a part: 8 MiB, doubled until the object has at most 10,000 parts."""
    part = PART
    while -(-size // part) > MAX_PARTS:
        part *= 2
    return part


def usual_cuts(size: int, n_parts: int) -> list[int]:
    """Return the usual part sizes that cut `size` bytes into `n_parts` parts."""
    cuts = dict.fromkeys((part_size(size), *USUAL_PARTS))
    return [cut for cut in cuts if max(1, -(-size // cut)) == n_parts]


def cut_into(size: int, part: int) -> list[int]:
    """Return the sizes of the parts; the last one is the rest."""
    return [min(part, size - start) for start in range(0, size, part)] or [0]


def composite(content: bytes | Path, parts: Sequence[int]) -> str:
    """Return the ETag of an object that was uploaded in parts of these sizes."""
    with _opened(content) as file:
        digests = b"".join(_digest(file, "md5", size).digest() for size in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"


def digest(content: bytes | Path, algorithm: str) -> str:
    """Return the checksum of `content` as hexadecimal digits; `algorithm` as hashlib names it."""
    with _opened(content) as file:
        return str(_digest(file, algorithm).hexdigest())


def etag_in(answer: Any) -> str:
    """Return the ETag in an answer, without quotes; "" when it is no checksum of the bytes."""
    encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    if encrypted or answer.get("SSECustomerAlgorithm"):
        return ""
    return str(answer.get("ETag", "")).strip('"')


def sha256_in(answer: Any) -> str | None:
    """Return the SHA-256 that an upload left in the object's metadata, or None."""
    found = answer.get("Metadata", {}).get(SHA256)
    return str(found) if found else None


def _opened(content: bytes | Path) -> IO[bytes]:
    return io.BytesIO(content) if isinstance(content, bytes) else open(content, "rb")


def _digest(file: IO[bytes], algorithm: str, size: int | None = None) -> Any:
    """Hash the next `size` bytes of a file, or all up to its end."""
    found = hashlib.new(algorithm, usedforsecurity=False)
    while block := file.read(MIB if size is None else min(size, MIB)):
        found.update(block)
        size = None if size is None else size - len(block)
    return found
