"""Ranking metrics on arrays: one number per user, every choice an argument.

Peers share the names of these metrics, not their definitions. The defaults here are those of
trec_eval with binary relevance; each argument says what somebody else does instead.

A user with nothing relevant has no value, and gets NaN: average with ``np.nanmean``. A list may
hold -1 at any rank, for no item: that rank is a miss. Ranks beyond the last column are misses.
:func:`ranking_metrics` describes the arguments that they all share, and what is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.metrics.beyond import (
    catalogue_coverage,
    exposure_gini,
    genre_calibration,
    genre_diversity,
    intra_list_diversity,
    mean_popularity,
    novelty,
    personalization,
)
from course_utils.validation import (
    BoolArray,
    FloatArray,
    IntArray,
    as_lists,
    as_pairs,
    choose,
    need_cutoffs,
    need_positive,
)

__all__ = [
    "average_precision", "catalogue_coverage", "exposure_gini", "genre_calibration",
    "genre_diversity", "hit_rate", "intra_list_diversity", "mean_popularity", "ndcg", "novelty",
    "personalization", "precision", "ranking_metrics", "recall", "reciprocal_rank",
]  # fmt: skip


def ranking_metrics(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    ks: int | Iterable[int] = (10,),
    names: Iterable[str] = ("recall", "precision", "hit_rate", "mrr", "map", "ndcg"),
    *,
    recall_denominator: str = "relevant",
    precision_denominator: str = "k",
    map_denominator: str = "relevant",
    ideal: str = "min",
    discount: str = "rank+1",
    missing_users: str = "zero",
) -> dict[str, FloatArray]:
    """Compute several metrics at several cut-offs in one pass over the lists.

    Parameters
    ----------
    recommended
        Integers, shape (n_users, k_columns): item columns, best first, -1 for no item.
    relevant
        csr, shape (n_users, n_items): any entry that is not 0 is relevant.
    ks
        One cut-off or several, each at least 1.
    names
        Which metrics: "recall", "precision", "hit_rate", "mrr", "map", "ndcg".
    recall_denominator, precision_denominator, map_denominator
        The `denominator` of :func:`recall`, :func:`precision`, :func:`average_precision`.
    ideal, discount
        As in :func:`ndcg`.
    missing_users
        What users get who have relevant items but no recommendation at all, only -1: "zero"
        (a 0 that counts) or "skip" (NaN, as if they were not there; what pytrec_eval's mean does).

    Returns
    -------
    dict
        ``"recall@10"`` and so on, cut-off by cut-off; each float64, shape (n_users,).

    Raises
    ------
    DataError
        When a cut-off, the lists or the matrix cannot be right, or a choice is unknown.

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 0, 1, 1], [0, 1, 0, 0]])
    >>> values = ranking_metrics([[0, 1, 2], [0, 3, -1]], relevant, ks=(1, 3), names=["recall"])
    >>> {name: value.round(3).tolist() for name, value in values.items()}
    {'recall@1': [0.333, 0.0], 'recall@3': [0.667, 0.0]}
    """
    formulas: dict[str, Callable[[Hits, int], FloatArray]] = {
        "recall": partial(Hits.recall, denominator=recall_denominator),
        "precision": partial(Hits.precision, denominator=precision_denominator),
        "hit_rate": Hits.hit_rate,
        "mrr": Hits.reciprocal_rank,
        "map": partial(Hits.average_precision, denominator=map_denominator),
        "ndcg": partial(Hits.ndcg, ideal=ideal, discount=discount),
    }
    chosen = {name: choose(name, "The name of a metric", **formulas) for name in names}
    cutoffs = need_cutoffs(ks)
    found = find_hits(recommended, relevant, max(cutoffs))
    return {
        f"{name}@{k}": found.per_user(formula(found, k), missing_users)
        for k in cutoffs
        for name, formula in chosen.items()
    }


def recall(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    denominator: str = "relevant",
    missing_users: str = "zero",
) -> FloatArray:
    """Share of a user's relevant items that the first `k` recommendations hold.

    ``denominator="relevant"`` divides the hits by n, all the user's relevant items (trec_eval);
    ``"min"`` by min(n, k), so that a full list can reach 1 (LensKit, irspack's
    ``recall_with_cutoff``).

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 1, 1, 0], [0, 0, 0, 1]])
    >>> recall([[0, 3], [2, 3]], relevant, k=2).round(3).tolist()
    [0.333, 1.0]
    >>> recall([[0, 3], [2, 3]], relevant, k=2, denominator="min").tolist()
    [0.5, 1.0]
    """
    found = find_hits(recommended, relevant, k)
    return found.per_user(found.recall(k, denominator), missing_users)


def precision(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    denominator: str = "k",
    missing_users: str = "zero",
) -> FloatArray:
    """Share of the first `k` recommendations that is relevant.

    ``denominator="k"`` divides by k, even where the list is shorter (trec_eval); ``"min"`` by
    min(n, k), n being the user's relevant items. `implicit` divides the hits of all users by the
    sum of all min(n, k): the mean of ``"min"``, weighted by min(n, k).

    Examples
    --------
    >>> precision([[0, 3, -1, -1]], sparse.csr_matrix([[1, 1, 0, 0]]), k=4).tolist()
    [0.25]
    """
    found = find_hits(recommended, relevant, k)
    return found.per_user(found.precision(k, denominator), missing_users)


def hit_rate(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    missing_users: str = "zero",
) -> FloatArray:
    """1.0 where one or more of the first `k` recommendations are relevant, else 0.0.

    trec_eval calls it success.

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    >>> hit_rate([[3, 0], [2, 1], [0, 1]], relevant, k=2).tolist()
    [1.0, 0.0, nan]
    """
    found = find_hits(recommended, relevant, k)
    return found.per_user(found.hit_rate(k), missing_users)


def reciprocal_rank(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    missing_users: str = "zero",
) -> FloatArray:
    """1 ÷ the rank of the first relevant item among the first `k`, 0.0 without one.

    Its mean is MRR@k.

    Examples
    --------
    >>> reciprocal_rank([[3, 0]], sparse.csr_matrix([[1, 1, 1, 0]]), k=2).tolist()
    [0.5]
    """
    found = find_hits(recommended, relevant, k)
    return found.per_user(found.reciprocal_rank(k), missing_users)


def average_precision(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    denominator: str = "relevant",
    missing_users: str = "zero",
) -> FloatArray:
    """Sum of the precisions at each hit among the first `k`, divided; its mean is MAP@k.

    ``denominator="relevant"`` divides by n, all the user's relevant items (trec_eval's map_cut);
    ``"min"`` by min(n, k) (LensKit, implicit, `recommenders`' map_at_k); ``"k"`` by k; ``"hits"``
    by the hits found, 0.0 without one.

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 0, 1, 1]])  # hits at 1 and 3: 1/1 and 2/3
    >>> average_precision([[0, 1, 2]], relevant, k=3).round(3).tolist()
    [0.556]
    """
    found = find_hits(recommended, relevant, k)
    return found.per_user(found.average_precision(k, denominator), missing_users)


def ndcg(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    ideal: str = "min",
    discount: str = "rank+1",
    missing_users: str = "zero",
) -> FloatArray:
    """Discounted gain of the first `k` recommendations, divided by that of an ideal list.

    A relevant item gains 1 (Järvelin & Kekäläinen 2002), times ``1 / log2(rank + 1)``, or with
    ``discount="rank"`` times ``1 / max(1, log2(rank))``, which leaves rank 2 at 1 (LensKit).
    With ``ideal="min"`` the ideal list holds min(n, k) of the user's n relevant items
    (trec_eval's ndcg_cut); with ``"k"`` it holds k, however few are relevant (RecTools); with
    ``"relevant"`` all n, even beyond k (trec_eval's ndcg, when k is the length of the lists).

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 0, 1, 1]])  # 1 + 1/2, of 1 + 0.631 + 1/2
    >>> ndcg([[0, 1, 2]], relevant, k=3).round(3).tolist()
    [0.704]
    """
    found = find_hits(recommended, relevant, k)
    return found.per_user(found.ndcg(k, ideal, discount), missing_users)


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Hits:
    """Which ranks hold a relevant item, for all users, and what the metrics divide by.

    Attributes
    ----------
    hits
        bool, shape (n_users, width): the item at this rank is relevant. The width is k, or the
        number of columns of the lists where that is less: ranks beyond it hold misses.
    n_relevant
        How many items are relevant to each user, shape (n_users,).
    missing
        The user's list holds no recommendation at all, only -1; shape (n_users,).
    """

    hits: BoolArray
    n_relevant: IntArray
    missing: BoolArray

    @cached_property
    def at_least_one(self) -> IntArray:
        """`n_relevant`, but 1 for 0, so that it divides; shape (n_users,)."""
        return np.maximum(self.n_relevant, 1)

    @cached_property
    def counts(self) -> FloatArray:
        """Hits among the first 1, 2, … ranks, shape (n_users, width)."""
        return np.cumsum(self.hits, axis=1, dtype=np.float64)

    @cached_property
    def precisions(self) -> FloatArray:
        """Sum of the precisions at each hit among the first 1, 2, … ranks, (n_users, width)."""
        ranks = np.arange(1, self.hits.shape[1] + 1)
        return np.cumsum(self.hits * self.counts / ranks, axis=1)

    @cached_property
    def first(self) -> FloatArray:
        """Rank of the first hit, from 1, or infinity without one; shape (n_users,)."""
        if not self.hits.shape[1]:
            return np.full(len(self.hits), np.inf)
        return np.where(self.hits.any(axis=1), self.hits.argmax(axis=1) + 1.0, np.inf)

    def recall(self, k: int, denominator: str) -> FloatArray:
        """Hits among the first `k`, divided by n or min(n, k)."""
        n = self.at_least_one
        below = choose(denominator, "recall's denominator", relevant=n, min=np.minimum(n, k))
        return _share(self.counts, k, below)

    def precision(self, k: int, denominator: str) -> FloatArray:
        """Hits among the first `k`, divided by k or min(n, k)."""
        least = np.minimum(self.at_least_one, k)
        below = choose(denominator, "precision's denominator", k=np.array(k), min=least)
        return _share(self.counts, k, below)

    def hit_rate(self, k: int) -> FloatArray:
        """1.0 with a hit among the first `k`, else 0.0."""
        return (self.first <= k).astype(np.float64)

    def reciprocal_rank(self, k: int) -> FloatArray:
        """1 ÷ the rank of the first hit, 0.0 without one among the first `k`."""
        return np.where(self.first <= k, 1.0 / self.first, 0.0)

    def average_precision(self, k: int, denominator: str) -> FloatArray:
        """Sum of the precisions at each hit among the first `k`, divided as asked."""
        n, hits = self.at_least_one, np.maximum(_up_to(self.counts, k), 1)
        below = choose(
            denominator,
            "average precision's denominator",
            relevant=n,
            min=np.minimum(n, k),
            k=np.array(k),
            hits=hits,
        )
        return _share(self.precisions, k, below)

    def ndcg(self, k: int, ideal: str, discount: str) -> FloatArray:
        """Discounted hits among the first `k`, divided by those of an ideal list."""
        n = self.at_least_one
        slots = choose(ideal, "ideal", min=np.minimum(n, k), k=np.full_like(n, k), relevant=n)
        width = min(k, self.hits.shape[1])
        ranks = np.arange(1, max(width, slots.max(initial=1)) + 1)
        by = choose(discount, "discount", **{"rank+1": ranks + 1, "rank": np.maximum(ranks, 2)})
        gains = np.cumsum(self.hits[:, :width] / np.log2(by[:width]), axis=1)
        return _share(gains, k, np.cumsum(1 / np.log2(by))[slots - 1])

    def per_user(self, values: FloatArray, missing_users: str) -> FloatArray:
        """Return `values`, with NaN for users who have none; see `ranking_metrics`."""
        nobody = np.zeros_like(self.missing)
        skipped = choose(missing_users, "missing_users", zero=nobody, skip=self.missing)
        return np.where((self.n_relevant == 0) | skipped, np.nan, values)


def find_hits(recommended: npt.ArrayLike, relevant: sparse.csr_matrix, k: int) -> Hits:
    """Find which of the first `k` recommendations are relevant, for all users in one go.

    Every pair of user and item becomes one number, the pairs of `relevant` are sorted by their
    nature, and one binary search looks up all recommendations.

    Parameters
    ----------
    recommended
        Integers, shape (n_users, k_columns): item columns, best first, -1 for no item.
    relevant
        csr, shape (n_users, n_items): any entry that is not 0 is relevant.
    k
        The cut-off, at least 1.

    Returns
    -------
    Hits
        What the ranking metrics are computed from.

    Raises
    ------
    DataError
        When the lists or the matrix cannot be right, or do not belong together.
    """
    need_positive(k, "The cut-off k")
    matrix = as_pairs(relevant, "The matrix of relevant items")
    n_users, n_items = matrix.shape
    lists, missing = as_lists(recommended, n_items, n_users)

    # The column moves up by one, so that -1 becomes a key of its own that no item has.
    stride = n_items + 1
    first_key = np.arange(n_users, dtype=np.int64) * stride + 1
    n_relevant = np.diff(matrix.indptr).astype(np.int64)
    keys = np.append(np.repeat(first_key, n_relevant) + matrix.indices, np.iinfo(np.int64).max)
    wanted = first_key[:, None] + lists[:, :k]
    return Hits(keys[np.searchsorted(keys, wanted)] == wanted, n_relevant, missing)


def _up_to(running: FloatArray, k: int) -> FloatArray:
    """Return a running sum at rank `k`, or at its last rank where the lists are shorter."""
    width = running.shape[1]
    return running[:, min(k, width) - 1] if width else np.zeros(len(running))


def _share(running: FloatArray, k: int, below: npt.NDArray[Any]) -> FloatArray:
    share: FloatArray = _up_to(running, k) / below
    return share
