"""Many transfers at once: threads, one progress bar, and what to say when some of them fail."""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Self, TypeVar

from course_cloud.storage.paths import shown
from course_utils.errors import CourseWarning, StorageError
from course_utils.validation import need_positive

T = TypeVar("T")
WORKERS = 16  # more do not help: Python spends about a millisecond on each request
GIVE_UP_AFTER = 10  # failures with no success between them: then it is not about single files
GRACE = 5.0  # seconds that transfers under way have to end after Ctrl-C


@dataclass(frozen=True)
class Transferred:
    """What a transfer did.

    Attributes
    ----------
    files
        How many files or objects were transferred now.
    bytes
        How many bytes they hold.
    skipped
        How many were there already, whole and with the same content.
    """

    files: int
    bytes: int
    skipped: int


class Stopped(Exception):  # no error: somebody pressed Ctrl-C
    """Raised inside a thread whose work is no longer wanted."""


@dataclass(frozen=True)
class Job:
    """One file: its name, its size in bytes, and what transfers it, False where nothing had to."""

    name: str
    size: int
    transfer: Callable[[], bool]
    big: bool = False


def n_workers(client: Any, workers: int | None) -> int:
    """Return how many threads to use: no more than the client keeps connections, if not told."""
    if workers is not None:
        return need_positive(workers, "workers")
    return max(1, min(WORKERS, int(client.meta.config.max_pool_connections)))


class Crew:
    """Threads that transfer files, and what became of the files so far.

    Small files run side by side. Big ones run one after the other in the calling thread, each of
    them in parts that run side by side.
    """

    def __init__(self, verb: str, workers: int, total: int, progress: bool) -> None:
        from tqdm import tqdm

        self.workers, self.stopped = workers, threading.Event()
        self.unchecked: list[str] = []
        self._files = self._bytes = self._skipped = self._in_a_row = self._moved = 0
        self._failures: dict[str, StorageError] = {}
        self._running: set[Future[Any]] = set()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="course-transfer")
        self._bar = tqdm(
            total=total, desc=verb, unit="B", unit_scale=True, delay=2, leave=False,
            disable=not progress,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.stopped.set()
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        wait([future for future in self._running if not future.cancelled()], GRACE)
        self._bar.close()

    def run(self, jobs: Iterable[Job]) -> None:
        """Do all jobs that can be done; stop early when nothing works any more."""
        jobs = list(jobs)
        small = iter([job for job in jobs if not job.big])
        waiting: dict[Future[bool], Job] = {}
        done: SimpleQueue[Future[bool]] = SimpleQueue()
        while True:
            # a few at a time: when nothing works any more, few are tried in vain
            while len(waiting) < 2 * self.workers and not self._hopeless:
                job = next(small, None)
                if job is None:
                    break
                future = self._start(job.transfer)
                waiting[future] = job
                future.add_done_callback(done.put)
            if not waiting:
                break
            future = done.get()
            self._note(waiting.pop(future), future.result)
            self._running.discard(future)
        for job in jobs:
            if job.big and not self._hopeless:
                self._note(job, job.transfer)

    def in_order(self, calls: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Make the calls side by side and yield what they return, in their order.

        At most as many as there are workers are under way or wait to be yielded. When one fails,
        or the caller stops asking, those under way are waited for, so that nothing is written
        after the caller has cleaned up.
        """
        calls = iter(calls)
        ahead: deque[Future[T]] = deque()
        try:
            while True:
                while len(ahead) < self.workers:
                    call = next(calls, None)
                    if call is None:
                        break
                    ahead.append(self._start(call))
                if not ahead:
                    return
                yield ahead[0].result()
                self._running.discard(ahead.popleft())
        except KeyboardInterrupt:
            self.stopped.set()
            raise
        finally:
            under_way = [future for future in ahead if not future.cancel()]
            wait(under_way, GRACE if self.stopped.is_set() else None)
            self._running.difference_update(ahead)

    def moved(self, n_bytes: int) -> None:
        """Tell the progress bar about a part of a big file."""
        self._moved += n_bytes
        self._bar.update(n_bytes)

    def pause(self, seconds: float) -> None:
        """Wait, but not for work that is no longer wanted."""
        if self.stopped.wait(seconds):
            raise Stopped

    def summary(self, done: str, place: str, n_files: int, again: str) -> Transferred:
        """Return what was done, or raise one StorageError for all that failed.

        Parameters
        ----------
        done
            A participle, as in "2 of 7 files could not be downloaded".
        place
            Where from or where to, with its preposition.
        n_files
            How many files there were to transfer.
        again
            What to call to go on.
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
        if self.unchecked:
            names = ", ".join(shown(name) for name in self.unchecked[:3])
            warnings.warn(
                f"Only the sizes of {len(self.unchecked):,} of {n_files:,} files could be checked, "
                f"their objects carry no checksum of their content: {names}.",
                CourseWarning,
                stacklevel=3,
            )
        return Transferred(self._files, self._bytes, self._skipped)

    @property
    def failed(self) -> bool:
        """Whether a file could not be transferred."""
        return bool(self._failures)

    @property
    def _hopeless(self) -> bool:
        return self._in_a_row >= GIVE_UP_AFTER

    def _start(self, call: Callable[[], T]) -> Future[T]:
        def unless_stopped() -> T:
            if self.stopped.is_set():
                raise Stopped
            return call()

        future = self._pool.submit(unless_stopped)
        self._running.add(future)
        return future

    def _note(self, job: Job, result: Callable[[], bool]) -> None:
        """Count what became of a job. What is skipped says nothing about the server."""
        try:
            if result():
                self._files += 1
                self._bytes += job.size
                self._in_a_row = 0
            else:
                self._skipped += 1
        except StorageError as error:
            self._failures[job.name] = error
            self._in_a_row += 1
        self._bar.update(job.size - self._moved)
        self._moved = 0


def _whole(n: int) -> str:
    if n == 1:
        return "The other one is complete"
    return f"The other {n:,} are complete" if n else "None is complete"
