"""The k best items of each row, from scores or from factors, with ties broken by lowest item.

Only the few items that can be among the best are ever sorted. The items of a row are dealt into
groups, and the k-th largest of the groups' maxima is a bound: at least k items reach it. So the
best are among the items that reach the bound, and these are about k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.errors import DataError
from course_utils.lists import NOTHING, need_positive

IdArray = npt.NDArray[np.int32]
Scores = npt.NDArray[np.floating[Any]]

BLOCK = 2**19  # scores computed at once: 2 MB of float32, about what a cache holds
GROUP = 32


def top_k(scores: npt.ArrayLike, k: int) -> tuple[IdArray, Scores]:
    """Return the `k` best items of each row, best first.

    Parameters
    ----------
    scores
        Numbers, shape (n_rows, n_items); -inf for an item that must not be recommended.
    k
        How many items to return.

    Returns
    -------
    ids, scores
        Each of shape (n_rows, k). Of equal scores the lowest item comes first. Where a row has
        fewer than `k` items above -inf, it ends in id -1 and score -inf.

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
        write_best(block, candidates(block, k, start), ids[rows], best[rows])
    return ids, best


def candidates(scores: Scores, k: int, first_row: int) -> npt.NDArray[np.bool_]:
    """Return which scores may be among the `k` best of their row: all that are, and few others.

    Raises
    ------
    DataError
        When a score is NaN; the message counts rows from `first_row`.
    """
    n_rows, n_items = scores.shape
    k = min(k, n_items)
    size = min(GROUP, max(1, n_items // (10 * max(k, 1))))  # small enough for 10 k groups
    first = min(8, size)  # in two steps: the more groups at once, the faster the maximum
    second = size // first
    n_groups = n_items // (first * second)
    n_dealt = n_groups * first * second
    dealt, rest = scores[:, :n_dealt], scores[:, n_dealt:]
    maxima = dealt.reshape(n_rows, first, second * n_groups).max(axis=1)
    maxima = maxima.reshape(n_rows, second, n_groups).max(axis=1)
    refuse_nan(maxima, first_row)
    refuse_nan(rest, first_row)
    bound = np.partition(maxima, n_groups - k, axis=1)[:, n_groups - k] if k else maxima[:, :0]
    lowest = np.finfo(scores.dtype).min  # -inf is no candidate
    may: npt.NDArray[np.bool_] = scores >= np.maximum(bound, lowest).reshape(n_rows, -1)
    return may


def write_best(
    scores: Scores, may: npt.NDArray[np.bool_], ids: IdArray, best: Scores | None = None
) -> None:
    """Write the best of the `scores` that `may` be among them into `ids` and `best`."""
    flat = np.flatnonzero(may)
    row, column = np.divmod(flat, scores.shape[1]) if flat.size else (flat, flat)
    sort_candidates(row, column, scores[row, column], ids, best)


def sort_candidates(
    row: npt.NDArray[Any],
    column: npt.NDArray[Any],
    score: Scores,
    ids: IdArray,
    best: Scores | None = None,
) -> None:
    """Write the best candidates of each row into `ids`; they come row by row, columns ascending."""
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


def refuse_nan(scores: Any, first_row: int) -> None:
    """Raise a DataError that names the first row with a NaN, counted from `first_row`."""
    has_nan = np.isnan(scores).any(axis=1)
    if has_nan.any():
        row = first_row + int(has_nan.argmax())
        raise DataError(
            f"A score of row {row} is NaN, so its items have no order; the model diverged, or its "
            "input holds NaN."
        )
