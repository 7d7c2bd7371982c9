"""Work cut into batches, one core each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from course_utils.factors import cores


def for_each_batch(work: Callable[[int], Any], starts: range) -> None:
    """Call `work` with each start, on as many threads as there are cores.

    BLAS is held to one thread meanwhile, so that each batch keeps to its core. A single batch is
    worked on right here, with all the threads that BLAS has.
    """
    if len(starts) < 2:
        for start in starts:
            work(start)
        return
    from threadpoolctl import threadpool_limits

    n_threads = min(cores(), len(starts))
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(work, starts):
            pass
