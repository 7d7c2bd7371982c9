"""The recommendations of a model for all users, repaired where it pads and checked."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import CourseWarning, DataError
from course_utils.ranking import IdArray, dot_product_factors, top_k_of_factors
from course_utils.validation import (
    NOTHING,
    as_pairs,
    need_positive,
    need_recommender,
    need_same_shape,
    need_users,
)

USERS_AT_ONCE = 1024
NOT_RECOMMENDED = np.finfo(np.float32).min  # the score that implicit gives to items already liked


def recommend_all(
    model: Any,
    train: sparse.csr_matrix,
    users: npt.ArrayLike | None = None,
    k: int = 10,
    *,
    batch: int | None = None,
    backend: str = "auto",
    progress: bool = True,
) -> IdArray:
    """Return the `k` best items of many users, for any model of the protocol.

    Parameters
    ----------
    model
        Fitted, with ``recommend(userids, user_items[userids], N=k)`` that returns ids and scores,
        each of shape (len(userids), k). Where the scores are dot products of factors, as in
        `implicit`'s matrix factorizations, they are computed here, batch by batch; see
        :func:`course_utils.ranking.dot_product_factors`.
    train
        csr, shape (n_users, n_items): what the model was fitted on. Its items are not recommended
        again.
    users
        Row numbers, shape (n,); left out, all rows.
    k
        How many items to recommend to each.
    batch
        Users to score at once; left out, as many as are fast.
    backend
        "auto", "numpy" or "torch"; see :func:`course_utils.ranking.top_k_of_factors`.
    progress
        Show a progress bar when the work takes longer than two seconds.

    Returns
    -------
    ndarray
        int32, shape (n, k): item columns, best first. -1 stands where there is no item: at the
        end when a user has fewer than `k` candidates, and at the rank of an item that `train`
        already holds, so that it counts as a miss; a CourseWarning says how many of those a
        model returned. Items that `implicit` returns to fill up a list, liked ones at score
        -3.4e38 or, by its nearest neighbors, at score 0, are no recommendations and become -1
        without a word.

    Raises
    ------
    DataError
        When the model is not fitted, has no ``recommend``, or was fitted on a matrix of another
        shape; when it returns NaN, items out of range, an item twice in a list, or something
        else than ids and scores; for unknown users, and for `k` below 1.

    Notes
    -----
    Where scores are computed here, of equal scores the lowest item comes first. Models that rank
    for themselves keep their own order.
    """
    known = sparse.csr_matrix(as_pairs(train, "The training matrix"))
    rows = need_users(users, known.shape[0])
    seen = known if _all_in_order(rows, known.shape[0]) else known[rows]
    shape = known.shape
    return recommend_rows(
        model, seen, rows, shape, k, batch=batch, backend=backend, progress=progress
    )


def recommend_rows(
    model: Any,
    seen: sparse.csr_matrix,
    rows: npt.NDArray[np.int64],
    shape: tuple[int, int],
    k: int,
    *,
    batch: int | None,
    backend: str,
    progress: bool,
) -> IdArray:
    """Do what :func:`recommend_all` does, for users whose rows of the matrix are cut out already.

    Parameters
    ----------
    seen
        csr, shape (len(rows), n_items): what the users `rows` have.
    rows
        Their row numbers in the matrix that the model was fitted on.
    shape
        Of that matrix.
    model, k, batch, backend, progress
        As in :func:`recommend_all`.
    """
    k = need_positive(k, "k")
    if batch is not None:
        batch = need_positive(batch, "batch")
    need_recommender(model)
    factors = dot_product_factors(model)
    need_same_shape(model, factors, shape)
    if factors is not None:
        return top_k_of_factors(
            factors[0] if _all_in_order(rows, shape[0]) else factors[0][rows],
            factors[1],
            seen,
            k,
            batch=batch,
            backend=backend,
            progress=_bar if progress else None,
        )
    ids = np.full((len(rows), k), NOTHING, dtype=np.int32)
    already: list[int] = []
    work = ask(model, rows, seen, ids, already, batch or USERS_AT_ONCE)
    for _ in _bar(work, len(rows)) if progress else work:
        pass
    if already:
        warnings.warn(
            f"{type(model).__name__} recommends items that the user already has, {len(already):,} "
            f"in all, first to user row {already[0]}; each counts as a miss.",
            CourseWarning,
            stacklevel=2,
        )
    return ids


def _all_in_order(rows: npt.NDArray[np.int64], n_rows: int) -> bool:
    return len(rows) == n_rows and bool((np.diff(rows) == 1).all())


def ask(
    model: Any,
    rows: npt.NDArray[np.int64],
    seen: sparse.csr_matrix,
    ids: IdArray,
    already: list[int],
    batch: int = USERS_AT_ONCE,
) -> Iterator[int]:
    """Fill `ids` with what the model's own ``recommend`` says; yield the users of each batch.

    For each item that a user already has, the user is added to `already`.
    """
    from threadpoolctl import threadpool_limits

    n_items = seen.shape[1]
    wanted = min(ids.shape[1], n_items)  # asked for more, implicit fills up with item 0
    if not wanted:
        return
    theirs = any(base.__module__.split(".")[0] == "implicit" for base in type(model).__mro__)
    for start in range(0, len(rows), batch):
        who, theirs_seen = rows[start : start + batch], seen[start : start + batch]
        with threadpool_limits(1, user_api="blas"):  # as implicit advises
            answer = model.recommend(who, theirs_seen, N=wanted)
        items, scores = _as_ids_and_scores(answer, len(who), type(model).__name__)
        items, scores = items[:, :wanted], scores[:, :wanted]
        _refuse_bad_items(items, scores, who, n_items)
        items = np.where(scores <= NOT_RECOMMENDED, NOTHING, items)
        has = _has_already(items, theirs_seen)
        filler = has & (scores == 0) if theirs else np.zeros_like(has)
        ids[start : start + len(who), : items.shape[1]] = np.where(has, NOTHING, items)
        already.extend(np.repeat(who, (has & ~filler).sum(axis=1)).tolist())
        yield len(who)


def _as_ids_and_scores(
    answer: Any, n_users: int, name: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    said = f"{name}.recommend must return two arrays, ids and scores, with one row for each user"
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise DataError(f"{said}, and returned {type(answer).__name__}.")
    items, scores = (np.asarray(part) for part in answer)
    if items.ndim != 2 or items.shape != scores.shape or len(items) != n_users:
        raise DataError(
            f"{said}; for {n_users} users it returned the shapes {items.shape} and {scores.shape}."
        )
    if items.dtype.kind not in "iu":
        raise DataError(f"{said}; its ids are {items.dtype}, no integers.")
    return items, scores


def _refuse_bad_items(
    items: npt.NDArray[Any], scores: npt.NDArray[Any], who: npt.NDArray[Any], n_items: int
) -> None:
    is_item = items != NOTHING
    outside = (items < NOTHING) | (items >= n_items)
    if outside.any():
        row, place = (int(part[0]) for part in outside.nonzero())
        raise DataError(
            f"The model recommends item {items[row, place]} to user row {who[row]}, but items are "
            f"columns from 0 to {n_items - 1}; it was fitted on another matrix, or returns ids."
        )
    nan = np.isnan(scores) & is_item
    if nan.any():
        row, place = (int(part[0]) for part in nan.nonzero())
        raise DataError(
            f"The score of item {items[row, place]} for user row {who[row]} is NaN, so the items "
            "have no order; the model diverged, or its input holds NaN."
        )
    # a filler may stand twice; an item that is recommended may not
    real = np.sort(np.where(scores > NOT_RECOMMENDED, items, NOTHING), axis=1)
    twice = (real[:, 1:] == real[:, :-1]) & (real[:, 1:] != NOTHING)
    if twice.any():
        row, place = (int(part[0]) for part in twice.nonzero())
        raise DataError(
            f"The model recommends item {real[row, place]} twice to user row {who[row]}; "
            "recommend each item once."
        )


def _has_already(items: npt.NDArray[Any], seen: sparse.csr_matrix) -> npt.NDArray[np.bool_]:
    """Say which items `seen` holds, row by row; its entries are sorted and none stands twice."""
    n_rows, n_items = seen.shape
    first_key = np.arange(n_rows, dtype=np.int64) * n_items
    keys = np.append(np.repeat(first_key, np.diff(seen.indptr)) + seen.indices, -1)
    wanted = np.where(items == NOTHING, -2, first_key[:, None] + items)
    found: npt.NDArray[np.bool_] = keys[np.searchsorted(keys[:-1], wanted)] == wanted
    return found


def _bar(batches: Iterable[int], n_users: int) -> Iterator[int]:
    from tqdm import tqdm

    with tqdm(total=n_users, desc="recommend", unit=" users", delay=2, leave=False) as bar:
        for batch in batches:
            yield batch
            bar.update(batch)
