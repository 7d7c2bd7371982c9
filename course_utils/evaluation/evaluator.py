"""Evaluation of one model, or of recommendation lists, on one split."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_utils import metrics
from course_utils.errors import CourseWarning, DataError
from course_utils.ranking import IdArray, Scores, dot_product_factors, top_k_of_factors
from course_utils.validation import (
    NOTHING,
    IntArray,
    Lists,
    as_lists,
    as_pairs,
    need_choice,
    need_cutoffs,
    need_positions,
    need_positive,
    need_recommender,
    need_rows_for,
    need_same_shape,
    need_split,
)

__all__ = ["Evaluation", "evaluate", "recommend_all"]

USERS_AT_ONCE = 1024
NOT_RECOMMENDED = np.finfo(np.float32).min  # implicit's score of items that it filters out


@dataclass(frozen=True, repr=False, eq=False)  # eq=False: elementwise == is ambiguous
class Evaluation:
    """The result of :func:`evaluate`.

    Attributes
    ----------
    summary
        The mean of each metric, by name: ``summary["ndcg@10"]``.
    per_user
        One row per evaluated user, indexed by row number (``user``): the metrics that have a
        value per user, and ``n_train`` and ``n_test``, the user's number of items in each matrix.
    recommended
        int32, shape (n_users, max(k)): the recommended item columns, -1 for no item.
    k
        The cut-offs, ascending.
    n_items
        The number of item columns.
    """

    summary: pd.Series
    per_user: pd.DataFrame
    recommended: IdArray
    k: tuple[int, ...]
    n_items: int

    def exposure(self) -> IntArray:
        """Return the number of times that each item was recommended, shape (n_items,)."""
        return np.bincount(self.recommended[self.recommended != NOTHING], minlength=self.n_items)

    def __repr__(self) -> str:
        k = self.k[-1]
        shown = ", ".join(
            f"{name}@{k} {self.summary[f'{name}@{k}']:.4f}"
            for name in ("recall", "ndcg", "coverage")
        )
        return f"Evaluation({len(self.per_user):,} users: {shown})"


def evaluate(
    model: Any,
    train: sparse.csr_matrix,
    test: sparse.csr_matrix,
    k: int | Iterable[int] = 10,
    *,
    denominator: str = "relevant",
    missing_users: str = "zero",
    users: npt.ArrayLike | None = None,
    genres: sparse.csr_matrix | None = None,
    vectors: npt.ArrayLike | sparse.csr_matrix | None = None,
    **options: Any,
) -> Evaluation:
    """Recommend to every user who has items in `test`, and measure the recommendations.

    Parameters
    ----------
    model
        Fitted, with the method ``recommend(userids, user_items[userids], N=k)`` of the protocol. Or
        lists: integers, shape (n_users, k_columns), a row for each row of the matrices, item
        columns, best first, -1 for no item. Rows of users without items in `test` are ignored.
    train, test
        csr, each of shape (n_users, n_items), with the same rows and columns; any entry that is
        not 0 counts. A pair in both can never be recommended and counts as missed; a CourseWarning
        says how many there are.
    k
        One cut-off or several: ``k=(1, 5, 10, 20)`` recommends once and validates the lists once.
    denominator
        The denominator of recall and average precision: "relevant", the number of relevant
        items n, or "min", min(n, k). Precision is always divided by k.
    missing_users
        Users with items in `test` but no recommendation: "zero" counts them as 0, "skip" leaves
        them out of the means of the six ranking metrics.
    users
        Row numbers of the users to evaluate, as far as they have items in `test`; None means all.
    genres
        csr, shape (n_items, n_genres). Adds genre_diversity and calibration.
    vectors
        A vector per item, shape (n_items, d). Adds diversity, the mean of 1 - cosine in each list.
    **options
        `batch`, `backend`, `progress` of :func:`recommend_all`.

    Returns
    -------
    Evaluation
        For each cut-off, here 10: recall@10, precision@10, hit_rate@10, mrr@10, map@10, ndcg@10,
        coverage@10, popularity@10 (users in `train` per recommended item), gini@10, novelty@10
        (bits), personalization@10, and with `genres` or `vectors` genre_diversity@10,
        calibration@10, diversity@10; see :mod:`course_utils.metrics`. Coverage, gini and
        personalization are properties of all lists together and have no value per user. A user's
        NaN (nothing recommended, no known genre) is left out of the mean.

    Raises
    ------
    DataError
        When the matrices do not have the same shape, `test` is empty, `k` is no integer of at
        least 1, or the model's recommendations are invalid; see :func:`recommend_all`.
    """
    cutoffs = tuple(sorted(set(need_cutoffs(k))))
    need_choice(denominator, "denominator", "relevant", "min")
    need_choice(missing_users, "missing_users", "zero", "skip")
    known, hidden = need_split(train, test)
    n_users, n_items = known.shape
    rows = np.unique(need_positions(users, n_users, "users"))
    rows = rows[np.diff(hidden.indptr)[rows] > 0]
    if not len(rows):
        raise DataError("None of the users to evaluate has anything in the test set.")
    need_rows_for(n_items, genres=genres, vectors=vectors)

    if isinstance(model, np.ndarray | list):
        lists = as_lists(model, n_items, n_users).of_users(rows).first(cutoffs[-1])
    else:
        lists = as_lists(recommend_all(model, known, rows, cutoffs[-1], **options), n_items)
    choices = {"recall_denominator": denominator, "map_denominator": denominator}
    choices["missing_users"] = missing_users
    ranked = metrics.ranking_metrics(lists, _rows_of(hidden, rows), cutoffs, **choices)
    counts = np.bincount(known.indices, minlength=n_items)
    history = known if genres is None else _rows_of(known, rows)  # only genres need it
    values: dict[str, Any] = {}
    for cutoff in cutoffs:
        of_k = {name: ranked[f"{name}@{cutoff}"] for name in metrics.RANKING}
        top = lists.first(cutoff)
        of_k |= _beyond_accuracy(top, counts, n_users, history, genres, vectors)
        values |= {f"{name}@{cutoff}": value for name, value in of_k.items()}
    return Evaluation(
        summary=pd.Series({name: _mean(value) for name, value in values.items()}, name="mean"),
        per_user=pd.DataFrame(
            {name: value for name, value in values.items() if np.ndim(value)}
            | {"n_train": np.diff(known.indptr)[rows], "n_test": np.diff(hidden.indptr)[rows]},
            index=pd.Index(rows, name="user"),
        ),
        recommended=lists.ids.astype(np.int32, copy=False),
        k=cutoffs,
        n_items=n_items,
    )


def _beyond_accuracy(
    lists: Lists,
    counts: IntArray,
    n_users: int,
    history: sparse.csr_matrix,
    genres: sparse.csr_matrix | None,
    vectors: npt.ArrayLike | sparse.csr_matrix | None,
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "coverage": metrics.catalogue_coverage(lists, lists.n_items),
        "popularity": metrics.mean_popularity(lists, counts),
        "gini": metrics.exposure_gini(lists, lists.n_items),
        "novelty": metrics.novelty(lists, counts, n_users),
        "personalization": metrics.personalization(lists),
    }
    if genres is not None:
        values["genre_diversity"] = metrics.genre_diversity(lists, genres)
        values["calibration"] = metrics.genre_calibration(lists, history, genres)
    if vectors is not None:
        values["diversity"] = metrics.intra_list_diversity(lists, vectors)
    return values


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
    """Return the top-k items of many users, for any model of the protocol.

    Parameters
    ----------
    model
        Fitted, with ``recommend(userids, user_items[userids], N=k)`` that returns ids and scores,
        each of shape (len(userids), k). Where the scores are dot products of factors, as in
        `implicit`'s matrix factorizations, they are computed here, batch by batch; see
        :func:`course_utils.ranking.dot_product_factors`.
    train
        csr, shape (n_users, n_items): the matrix that the model was fitted on. Items of a user's
        row are not recommended to this user.
    users
        Row numbers, shape (n,); None means all rows.
    k
        Number of items to recommend to each user.
    batch
        Users per batch; None means a size that is fast.
    backend
        "auto", "numpy" or "torch"; see :func:`course_utils.ranking.top_k_of_factors`.
    progress
        Show a progress bar when the work takes longer than two seconds.

    Returns
    -------
    ndarray
        int32, shape (n, k): item columns, best first. Where scores are computed here, ties are
        broken by the lowest item column. -1 stands where there is no item: at the end when a user
        has fewer than `k` candidates, and at the rank of an item of the user's row in `train`, so
        that it counts as a miss; a CourseWarning says how many of those a model returned. Padding
        of `implicit` (filtered items at score -3.4e38, or at score 0 by its nearest neighbors)
        becomes -1 without a warning.

    Raises
    ------
    DataError
        When the model is not fitted, has no ``recommend``, or was fitted on another shape; when
        it returns NaN, items out of range, an item twice in a list, or something else than ids
        and scores; for unknown users, and for `k` below 1.
    """
    from tqdm import tqdm

    known = sparse.csr_matrix(as_pairs(train, "The training matrix"))
    rows = need_positions(users, known.shape[0], "users").reshape(-1)
    k = need_positive(k, "k")
    if batch is not None:
        batch = need_positive(batch, "batch")
    need_recommender(model)
    factors = dot_product_factors(model)
    need_same_shape(model, factors, known.shape)
    seen = _rows_of(known, rows)
    bar = tqdm(
        total=len(rows), desc="recommend", unit=" users", delay=2, leave=False, disable=not progress
    )
    with bar:
        if factors is not None:
            mine = factors[0] if seen is known else factors[0][rows]
            return top_k_of_factors(
                mine, factors[1], seen, k, batch=batch, backend=backend, progress=bar.update
            )
        ids, repeated = ask(model, rows, seen, k, batch or USERS_AT_ONCE, progress=bar.update)
    if repeated.any():
        warnings.warn(
            f"{type(model).__name__} recommends items that the user already has, "
            f"{repeated.sum():,} in all, first to user row {rows[repeated > 0][0]}; each counts as "
            "a miss.",
            CourseWarning,
            stacklevel=2,
        )
    return ids


def ask(
    model: Any,
    rows: IntArray,
    seen: sparse.csr_matrix,
    k: int,
    batch: int = USERS_AT_ONCE,
    progress: Callable[[int], object] | None = None,
) -> tuple[IdArray, IntArray]:
    """Return the top-k items by the model's own ``recommend``, with seen items replaced by -1.

    `rows` are row numbers, shape (n,), and `seen` has their rows of the train matrix. `progress`
    is called with the number of users after each batch. The second array returned, shape (n,),
    counts the seen items in each list; padding is not counted.
    """
    from threadpoolctl import threadpool_limits

    n_items = seen.shape[1]
    wanted = min(k, n_items)  # for a larger N, implicit pads with item 0
    ids: IdArray = np.full((len(rows), k), NOTHING, dtype=np.int32)
    repeated = np.zeros(len(rows), dtype=np.int64)
    is_implicit = any(base.__module__.split(".")[0] == "implicit" for base in type(model).__mro__)
    for start in range(0, len(rows) if wanted else 0, batch):
        here = slice(start, start + batch)
        users, history = rows[here], seen[here]
        with threadpool_limits(1, user_api="blas"):  # as implicit advises
            answer = model.recommend(users, history, N=wanted)
        items, scores = _as_ids_and_scores(answer, len(users), type(model).__name__)
        items, scores = items[:, :wanted], scores[:, :wanted]
        _need_valid_items(items, scores, users, n_items)
        items = np.where(scores <= NOT_RECOMMENDED, NOTHING, items)
        has = metrics.in_rows(history, items)
        ids[here, : items.shape[1]] = np.where(has, NOTHING, items)
        # implicit's nearest neighbors pad with seen items at score 0
        repeated[here] = (has & (scores != 0) if is_implicit else has).sum(axis=1)
        if progress is not None:
            progress(len(users))
    return ids, repeated


def _as_ids_and_scores(answer: Any, n_users: int, name: str) -> tuple[IntArray, Scores]:
    said = f"{name}.recommend must return two arrays, ids and scores, users × N"
    try:
        items, scores = (np.asarray(part) for part in answer)
    except (TypeError, ValueError):  # not two, or lists of several lengths
        raise DataError(f"{said}, and returned {type(answer).__name__}.") from None
    if items.ndim != 2 or items.shape != scores.shape or len(items) != n_users:
        shapes = f"the shapes {items.shape} and {scores.shape}"
        raise DataError(f"{said}; for {n_users} users it returned {shapes}.")
    if items.dtype.kind not in "iu" or scores.dtype.kind not in "iuf":
        raise DataError(f"{said}; its ids are {items.dtype}, its scores {scores.dtype}.")
    return items.astype(np.int64, copy=False), scores  # uint64 and int64 would add to float64


def _need_valid_items(items: IntArray, scores: Scores, users: IntArray, n_items: int) -> None:
    """Raise a DataError for an item out of range, a score of NaN, or an item twice in a list."""
    outside = (items < NOTHING) | (items >= n_items)
    if outside.any():
        row, place = (int(part[0]) for part in outside.nonzero())
        raise DataError(
            f"The model recommends item {items[row, place]} to user row {users[row]}, but items "
            f"are columns from 0 to {n_items - 1}; it was fitted on another matrix, or returns ids."
        )
    nan = np.isnan(scores) & (items != NOTHING)
    if nan.any():
        row, place = (int(part[0]) for part in nan.nonzero())
        raise DataError(
            f"The score of item {items[row, place]} for user row {users[row]} is NaN, so the items "
            "have no order; the model diverged, or its input holds NaN."
        )
    # items that implicit returns as padding may be repeated
    real = np.sort(np.where(scores > NOT_RECOMMENDED, items, NOTHING), axis=1)
    twice = (real[:, 1:] == real[:, :-1]) & (real[:, 1:] != NOTHING)
    if twice.any():
        row, place = (int(part[0]) for part in twice.nonzero())
        raise DataError(
            f"The model recommends item {real[row, place]} twice to user row {users[row]}; "
            "recommend each item once."
        )


def _mean(values: Any) -> float:
    """Return the mean without NaN, or NaN when there is no other value."""
    known = np.asarray(values)[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _rows_of(matrix: sparse.csr_matrix, rows: IntArray) -> sparse.csr_matrix:
    """Return some rows of a csr, without a copy when they are all rows in order."""
    everything = len(rows) == matrix.shape[0] and bool((np.diff(rows) == 1).all())
    return matrix if everything else matrix[rows]
