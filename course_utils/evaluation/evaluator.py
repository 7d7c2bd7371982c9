"""One model on one split: every metric, its mean and its value for each user."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_utils import metrics
from course_utils.errors import DataError
from course_utils.evaluation.recommendations import recommend_rows
from course_utils.ranking import IdArray
from course_utils.validation import (
    NOTHING,
    choose,
    need_cutoffs,
    need_rows_for,
    need_split,
    need_users,
)


@dataclass(frozen=True, repr=False, eq=False)  # arrays have no one answer to ==
class Evaluation:
    """What :func:`evaluate` found.

    Attributes
    ----------
    summary
        The mean of each metric, by name: ``summary["ndcg@10"]``.
    per_user
        A row for each evaluated user, indexed by row number (``user``): the metrics that each
        user has a value of, and ``n_train`` and ``n_test``, how many items they have there.
    recommended
        int32, shape (n_users, max(k)): what was recommended to them, -1 where nothing was.
    k
        The cut-offs, ascending.
    n_items
        How many items there were to recommend.
    """

    summary: pd.Series
    per_user: pd.DataFrame
    recommended: IdArray
    k: tuple[int, ...]
    n_items: int

    def exposure(self) -> npt.NDArray[np.int64]:
        """Return how often each item was recommended, shape (n_items,)."""
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
    batch: int | None = None,
    backend: str = "auto",
    progress: bool = True,
) -> Evaluation:
    """Recommend to every user who has something in `test`, and measure how good that was.

    Parameters
    ----------
    model
        Fitted, of the protocol: ``recommend(userids, user_items[userids], N=k)``.
    train, test
        csr, each of shape (n_users, n_items), with the same rows and columns; any entry that is
        not 0 counts.
    k
        The cut-off, or several: ``k=(1, 5, 10, 20)`` costs one pass over the users.
    denominator
        What recall and average precision are divided by: "relevant", the number of relevant
        items n, or "min", min(n, k). Precision is always divided by k.
    missing_users
        Users with something in `test` but no recommendation: "zero" counts them as 0, "skip"
        leaves them out of the means of the six ranking metrics.
    users
        Row numbers to evaluate, those with something in `test`; left out, all.
    genres
        csr, shape (n_items, n_genres). Given, genre_diversity and calibration are measured.
    vectors
        A vector per item, shape (n_items, d). Given, diversity is measured: the mean of
        1 - cosine in each list.
    batch, backend, progress
        As in :func:`recommend_all`.

    Returns
    -------
    Evaluation
        For each cut-off, here 10: recall@10, precision@10, hit_rate@10, mrr@10, map@10, ndcg@10,
        coverage@10, popularity@10 (how many users of `train` have a recommended item), gini@10,
        novelty@10 (bits), personalization@10, and with `genres` or `vectors` genre_diversity@10,
        calibration@10, diversity@10. Each is defined in :mod:`course_utils.metrics`. Coverage,
        gini and personalization are properties of all lists together, so users have no value of
        their own. A user's NaN (nothing recommended, no genre known) is left out of the mean.

    Raises
    ------
    DataError
        When the matrices do not belong together, `test` is empty, `k` is no integer of at least
        1, or the model's answers cannot be right; see :func:`recommend_all`.

    Notes
    -----
    A pair of `train` that stands in `test` as well can never be recommended, and counts as
    missed; a CourseWarning says how many there are.
    """
    cutoffs = tuple(sorted(set(need_cutoffs(k))))
    choose(denominator, "denominator", relevant=0, min=0)
    choose(missing_users, "missing_users", zero=0, skip=0)
    known, hidden = need_split(train, test)
    chosen = need_users(users, known.shape[0])
    if users is not None:
        chosen = np.unique(chosen)
    rows = chosen[np.diff(hidden.indptr)[chosen] > 0]
    if not len(rows):
        raise DataError("None of the users to evaluate has anything in the test set.")
    need_rows_for(known.shape[1], genres=genres, vectors=vectors)

    everybody = len(rows) == known.shape[0]
    seen, relevant = (known, hidden) if everybody else (known[rows], hidden[rows])
    ids = recommend_rows(
        model, seen, rows, known.shape, cutoffs[-1], batch=batch, backend=backend, progress=progress
    )
    values: dict[str, Any] = metrics.ranking_metrics(
        ids,
        relevant,
        cutoffs,
        recall_denominator=denominator,
        map_denominator=denominator,
        missing_users=missing_users,
    )
    counts = np.bincount(known.indices, minlength=known.shape[1])
    for cutoff in cutoffs:
        beyond = _beyond_accuracy(ids[:, :cutoff], seen, counts, known.shape[0], genres, vectors)
        values |= {f"{name}@{cutoff}": value for name, value in beyond.items()}
    values = {
        name: values[name] for cutoff in cutoffs for name in values if name.endswith(f"@{cutoff}")
    }
    return Evaluation(
        summary=pd.Series({name: _mean(value) for name, value in values.items()}, name="mean"),
        per_user=pd.DataFrame(
            {name: value for name, value in values.items() if np.ndim(value)}
            | {"n_train": np.diff(seen.indptr), "n_test": np.diff(relevant.indptr)},
            index=pd.Index(rows, name="user"),
        ),
        recommended=ids,
        k=cutoffs,
        n_items=known.shape[1],
    )


def _beyond_accuracy(
    lists: IdArray,
    seen: sparse.csr_matrix,
    counts: npt.NDArray[np.int64],
    n_users: int,
    genres: sparse.csr_matrix | None,
    vectors: npt.ArrayLike | sparse.csr_matrix | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "coverage": metrics.catalogue_coverage(lists, len(counts)),
        "popularity": metrics.mean_popularity(lists, counts),
        "gini": metrics.exposure_gini(lists, len(counts)),
        "novelty": metrics.novelty(lists, counts, n_users),
        "personalization": metrics.personalization(lists),
    }
    if genres is not None:
        found["genre_diversity"] = metrics.genre_diversity(lists, genres)
        found["calibration"] = metrics.genre_calibration(lists, seen, genres)
    if vectors is not None:
        found["diversity"] = metrics.intra_list_diversity(lists, vectors)
    return found


def _mean(values: Any) -> float:
    """Return the mean of what is not NaN, and NaN when nothing is left."""
    known = np.asarray(values)[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
