"""Top-k items of each row, from scores or from factors, and batches of users on all cores.

Ties are broken by the lowest item column. Rows with fewer than k candidates are padded with id -1
and score -inf.

Only a few candidates per row are sorted. The items of a row are divided into groups, and the k-th
largest group maximum is a lower bound of the k-th largest score, since at least k items reach it.
About k items reach the bound; only these are sorted.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.validation import NOTHING, BoolArray, need_choice, need_positive

__all__ = [
    "BLOCK", "IdArray", "Scores", "cores", "dot_product_factors", "entries", "for_each_batch",
    "top_k", "top_k_of_factors", "write_top_k",
]  # fmt: skip

IdArray = npt.NDArray[np.int32]
Scores = npt.NDArray[np.floating[Any]]

BLOCK = 2**19  # scores computed per batch: 2 MB of float32, about the size of a cache
GROUP = 32  # items per group, at most
LARGE = 10**9  # scores from which a GPU is faster, transfers included
IMPLICIT = tuple(f"implicit.{part}.matrix_factorization_base" for part in ("cpu", "gpu"))


def top_k(scores: npt.ArrayLike, k: int) -> tuple[IdArray, Scores]:
    """Return the top-k items of each row, best first.

    Parameters
    ----------
    scores
        Numbers, shape (n_rows, n_items); -inf for an item that is no candidate.
    k
        Number of items to return.

    Returns
    -------
    ids, scores
        int32 and float, each of shape (n_rows, k). Ties are broken by the lowest item. A row with
        fewer than `k` candidates ends in id -1 and score -inf.

    Raises
    ------
    DataError
        When the scores are no table of numbers, one is NaN, or `k` is no integer of at least 1.

    Examples
    --------
    >>> ids, best = top_k([[0.5, 0.9, 0.9], [0.1, -np.inf, -np.inf]], k=2)
    >>> ids
    array([[ 1,  2],
           [ 0, -1]], dtype=int32)
    """
    table = np.asarray(scores)
    if table.ndim != 2 or table.dtype.kind not in "fiu":
        raise DataError(
            "The scores must be a table of numbers, users × items, and are an array of "
            f"{table.dtype} with shape {table.shape}."
        )
    if table.dtype not in (np.float32, np.float64):
        table = table.astype(np.float64)
    k = need_positive(k, "k")
    ids = np.full((len(table), k), NOTHING, dtype=np.int32)
    best = np.full((len(table), k), -np.inf, dtype=table.dtype)
    step = max(1, BLOCK // max(1, table.shape[1]))
    for start in range(0, len(table), step):
        block = table[start : start + step]
        rows = slice(start, start + len(block))
        write_top_k(block, ids[rows], best[rows], start)
    return ids, best


def write_top_k(scores: Scores, ids: IdArray, best: Scores | None = None, start: int = 0) -> None:
    """Write the top-k items of each row to `ids`, shape (n_rows, k), and their scores to `best`.

    `scores` has the shape (n_rows, n_items). Both outputs are filled with padding before. A NaN
    raises a DataError, whose message counts rows from `start`.
    """
    candidates = np.flatnonzero(_candidates(scores, ids.shape[1], start))
    row, column = np.divmod(candidates, max(scores.shape[1], 1))
    _sort_candidates(row, column, scores[row, column], ids, best)


def _candidates(scores: Scores, k: int, first_row: int) -> BoolArray:
    """Return the mask of scores that reach the bound: all of the top-k, and few others."""
    n_rows, n_items = scores.shape
    k = min(k, n_items)
    size = min(GROUP, max(1, n_items // (10 * max(k, 1))))  # at least 10 k groups
    first = min(8, size)  # in two steps: a maximum over more groups at once is faster
    second = size // first
    n_groups = n_items // (first * second)
    n_grouped = n_groups * first * second
    grouped, rest = scores[:, :n_grouped], scores[:, n_grouped:]
    maxima = grouped.reshape(n_rows, first, second * n_groups).max(axis=1)
    maxima = maxima.reshape(n_rows, second, n_groups).max(axis=1)
    _refuse_nan(maxima, first_row)
    _refuse_nan(rest, first_row)
    bound = np.partition(maxima, n_groups - k, axis=1)[:, n_groups - k] if k else maxima[:, :0]
    lowest = np.finfo(scores.dtype).min  # -inf is no candidate
    mask: BoolArray = scores >= np.maximum(bound, lowest).reshape(n_rows, -1)
    return mask


def _sort_candidates(
    row: npt.NDArray[Any],
    column: npt.NDArray[Any],
    score: Scores,
    ids: IdArray,
    best: Scores | None = None,
) -> None:
    """Write the best candidates of each row to `ids`; they are ordered by row, then by column."""
    counts = np.bincount(row, minlength=len(ids))
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = int(counts.max(initial=0))
    columns = np.full((len(ids), width), NOTHING, dtype=np.int32)
    negated = np.full((len(ids), width), np.inf, dtype=score.dtype)
    columns[row, place], negated[row, place] = column, -score
    order = np.argsort(negated, axis=1, kind="stable")[:, : ids.shape[1]]
    ids[:, : order.shape[1]] = np.take_along_axis(columns, order, axis=1)
    if best is not None:
        best[:, : order.shape[1]] = -np.take_along_axis(negated, order, axis=1)


def _refuse_nan(scores: Any, first_row: int) -> None:
    """Raise a DataError that names the first row with a NaN, counted from `first_row`."""
    has_nan = np.isnan(scores).any(axis=1)
    if has_nan.any():
        row = first_row + int(has_nan.argmax())
        raise DataError(
            f"A score of row {row} is NaN, so its items have no order; the model diverged, or its "
            "input holds NaN."
        )


def dot_product_factors(model: object) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """Return the factors of a model whose scores are their dot products, or None.

    Attributes called factors are not enough, since the scores may have biases. The model must be
    a matrix factorization of `implicit` with that library's own ``recommend``, or have an
    attribute ``scores_are_dot_products = True``. `implicit` is not imported to find out.

    Returns
    -------
    tuple of ndarray, or None
        User and item factors, shapes (n_users, d) and (n_items, d).

    Raises
    ------
    DataError
        When the model is not fitted.
    """
    ranked_by = getattr(getattr(type(model), "recommend", None), "__module__", None)
    theirs = ranked_by in IMPLICIT and "recommend" not in getattr(model, "__dict__", {})
    if not theirs and getattr(model, "scores_are_dot_products", False) is not True:
        return None
    users, items = (getattr(model, name, None) for name in ("user_factors", "item_factors"))
    if users is None or items is None:
        raise DataError(
            f"The model {type(model).__name__} is not fitted; call model.fit(train) first."
        )
    # on a GPU, implicit has matrices of its own
    users, items = (x.to_numpy() if hasattr(x, "to_numpy") else x for x in (users, items))
    return np.asarray(users), np.asarray(items)


def top_k_of_factors(
    user_factors: npt.NDArray[Any],
    item_factors: npt.NDArray[Any],
    seen: sparse.csr_matrix,
    k: int,
    *,
    batch: int | None = None,
    backend: str = "auto",
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> IdArray:
    """Return the top-k items of each user by dot product, without seen items.

    Parameters
    ----------
    user_factors, item_factors
        Shapes (n_users, d) and (n_items, d).
    seen
        csr, shape (n_users, n_items): stored entries of a row are no candidates of this user.
    k
        Number of items to return.
    batch
        Users per batch; None means as many as fit into a cache.
    backend
        "numpy", "torch", or "auto": torch only when it is imported already, sees a GPU, and there
        are at least 10⁹ scores to compute. On a CPU, the NumPy backend is faster (see
        benchmarks/evaluation.py).
    threads
        Batches computed in parallel by the NumPy backend; None means one per core. BLAS is limited
        to one thread meanwhile.
    progress
        Called with the number of users after each batch.

    Returns
    -------
    ndarray
        int32, shape (n_users, k), best first, padded with -1.

    Raises
    ------
    DataError
        When a score is NaN.

    Notes
    -----
    Equal scores give equal ids with every backend. The scores themselves may differ in the last
    bit between BLAS libraries, processors and batch sizes, because of another order of summation,
    so that two items with almost equal scores may change places.
    """
    from threadpoolctl import threadpool_limits

    n_users, n_items = seen.shape
    need_choice(backend, "backend", "auto", "numpy", "torch")
    ids = np.full((n_users, k), NOTHING, dtype=np.int32)
    if not n_users or not n_items:
        return ids
    dtype = np.result_type(user_factors, item_factors, np.float32)
    dtype = dtype if dtype.kind == "f" and dtype.itemsize <= 8 else np.dtype(np.float64)
    size = n_users * n_items
    on_torch = backend == "torch" or (backend == "auto" and size >= LARGE and _torch_has_gpu())
    if batch is None:
        block = 128 * BLOCK if on_torch else BLOCK
        batch = min(n_users, max(64, block // n_items))
    factors = np.ascontiguousarray(user_factors, dtype=dtype)
    # transposed in memory, as the product reads it: saves a third of the time
    items = np.ascontiguousarray(np.asarray(item_factors, dtype=dtype).T)

    n_threads = 1 if on_torch else min(threads or cores(), -(-n_users // batch))
    work = (_torch_worker if on_torch else _numpy_worker)(factors, items, seen, ids, batch)
    starts = range(0, n_users, batch)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        for n_done in pool.map(work, starts):
            if progress is not None:
                progress(n_done)
    return ids


def _numpy_worker(
    factors: Scores, items: Scores, seen: sparse.csr_matrix, ids: IdArray, batch: int
) -> Callable[[int], int]:
    own = threading.local()  # a new buffer for each batch costs more than the product

    def _score_and_rank(start: int) -> int:
        if not hasattr(own, "scores"):
            own.scores = np.empty((batch, items.shape[1]), dtype=items.dtype)
        mine = factors[start : start + batch]
        scores = np.matmul(mine, items, out=own.scores[: len(mine)])
        row, column = entries(seen, start, len(mine))
        scores.reshape(-1)[row * scores.shape[1] + column] = -np.inf  # a view; faster than pairs
        write_top_k(scores, ids[start : start + batch], start=start)
        return len(mine)

    return _score_and_rank


def _torch_worker(
    factors: Scores, items: Scores, seen: sparse.csr_matrix, ids: IdArray, batch: int
) -> Callable[[int], int]:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    all_users, all_items = (torch.from_numpy(array).to(device) for array in (factors, items))
    k = min(ids.shape[1], items.shape[1])

    def _score_and_rank(start: int) -> int:
        scores = all_users[start : start + batch] @ all_items
        rows, columns = entries(seen, start, len(scores))
        scores[
            torch.as_tensor(rows, device=device), torch.as_tensor(columns, device=device)
        ] = -torch.inf
        _refuse_nan(scores.amax(dim=1, keepdim=True).cpu().numpy(), start)
        # only the bound is used: torch breaks ties in any order
        bound = scores.topk(k).values[:, -1:].clamp(min=torch.finfo(scores.dtype).min)
        row, column = torch.nonzero(scores >= bound, as_tuple=True)
        found = [part.cpu().numpy() for part in (row, column, scores[row, column])]
        _sort_candidates(found[0], found[1], found[2], ids[start : start + len(scores)])
        return len(scores)

    return _score_and_rank


def _torch_has_gpu() -> bool:
    """Return whether torch is imported and sees a GPU; importing it would take seconds."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())


def entries(
    matrix: sparse.csr_matrix, start: int, n_rows: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the row numbers, from 0, and columns of the entries in rows `start` and following."""
    bounds = matrix.indptr[start : start + n_rows + 1]
    return np.repeat(np.arange(n_rows), np.diff(bounds)), matrix.indices[bounds[0] : bounds[-1]]


def for_each_batch(work: Callable[[int], Any], starts: range) -> None:
    """Call `work` with each start, on one thread per core.

    BLAS is limited to one thread meanwhile. A single batch runs in this thread, with all threads
    of BLAS.
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


def cores() -> int:
    """Return the number of cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(allowed(0)) if allowed else os.cpu_count() or 1
