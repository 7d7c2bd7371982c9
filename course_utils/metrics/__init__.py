"""Ranking metrics: one value per user, with every choice of the definition as an argument.

Libraries share the names of these metrics, not their definitions. The defaults here are those of
trec_eval with binary relevance; each argument says which choice other libraries make.

A user with nothing relevant has no value and gets NaN: average with ``np.nanmean``. A list may
hold -1 at any rank, for no item: that rank is a miss. Ranks beyond the last column are misses.
:func:`ranking_metrics` describes the arguments that all functions share, and what is refused.
Metrics beyond accuracy are defined in :mod:`course_utils.metrics.beyond`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
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
    need_choice,
    need_cutoffs,
)

__all__ = [
    "RANKING", "average_precision", "catalogue_coverage", "exposure_gini", "genre_calibration",
    "genre_diversity", "hit_rate", "intra_list_diversity", "mean_popularity", "ndcg", "novelty",
    "personalization", "precision", "ranking_metrics", "recall", "reciprocal_rank",
]  # fmt: skip

RANKING = ("recall", "precision", "hit_rate", "mrr", "map", "ndcg")


def ranking_metrics(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    ks: int | Iterable[int] = (10,),
    names: Iterable[str] = RANKING,
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
        The value of users who have relevant items but no recommendation at all, only -1: "zero"
        (0, included in the mean) or "skip" (NaN, left out of the mean, as pytrec_eval does).

    Returns
    -------
    dict
        By name and cut-off, ``"recall@10"``, one cut-off after the other; each value is float64,
        shape (n_users,).

    Raises
    ------
    DataError
        When a cut-off, the lists or the matrix are invalid, the lists do not fit the matrix, or a
        choice is unknown.

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 0, 1, 1], [0, 1, 0, 0]])
    >>> values = ranking_metrics([[0, 1, 2], [0, 3, -1]], relevant, ks=(1, 3), names=["recall"])
    >>> {name: value.round(3).tolist() for name, value in values.items()}
    {'recall@1': [0.333, 0.0], 'recall@3': [0.667, 0.0]}
    """
    wanted = [need_choice(name, "The name of a metric", *RANKING) for name in names]
    need_choice(recall_denominator, "recall's denominator", "relevant", "min")
    need_choice(precision_denominator, "precision's denominator", "k", "min")
    of_map = ("relevant", "min", "k", "hits")
    need_choice(map_denominator, "average precision's denominator", *of_map)
    need_choice(ideal, "ideal", "min", "k", "relevant")
    need_choice(discount, "discount", "rank+1", "rank")
    need_choice(missing_users, "missing_users", "zero", "skip")
    cutoffs = need_cutoffs(ks)
    matrix = as_pairs(relevant, "The matrix of relevant items")
    lists = as_lists(recommended, matrix.shape[1], matrix.shape[0])
    hits = in_rows(matrix, lists.ids[:, : max(cutoffs)])
    found = _Hits(hits, np.diff(matrix.indptr).astype(np.int64))
    without_value = found.n_relevant == 0
    if missing_users == "skip":
        without_value |= lists.missing
    formulas: dict[str, Callable[[int], FloatArray]] = {
        "recall": lambda k: found.share(found.counts, k, recall_denominator),
        "precision": lambda k: found.share(found.counts, k, precision_denominator),
        "hit_rate": found.hit_rate,
        "mrr": found.reciprocal_rank,
        "map": lambda k: found.share(found.precisions, k, map_denominator),
        "ndcg": lambda k: found.ndcg(k, ideal, discount),
    }
    return {
        f"{name}@{k}": np.where(without_value, np.nan, formulas[name](k))
        for k in cutoffs
        for name in wanted
    }


def recall(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    denominator: str = "relevant",
    missing_users: str = "zero",
) -> FloatArray:
    """Share of a user's relevant items that is among the first `k` recommendations.

    ``denominator="relevant"`` divides the hits by n, the number of relevant items (trec_eval);
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
    choices = {"recall_denominator": denominator, "missing_users": missing_users}
    return _single("recall", recommended, relevant, k, **choices)


def precision(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    denominator: str = "k",
    missing_users: str = "zero",
) -> FloatArray:
    """Share of the first `k` recommendations that is relevant.

    ``denominator="k"`` divides the hits by k, even where the list is shorter (trec_eval);
    ``"min"`` by min(n, k), where n is the number of the user's relevant items. `implicit` divides
    the hits of all users by the sum of all min(n, k): the mean of ``"min"``, weighted by min(n, k).

    Examples
    --------
    >>> precision([[0, 3, -1, -1]], sparse.csr_matrix([[1, 1, 0, 0]]), k=4).tolist()
    [0.25]
    """
    choices = {"precision_denominator": denominator, "missing_users": missing_users}
    return _single("precision", recommended, relevant, k, **choices)


def hit_rate(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    missing_users: str = "zero",
) -> FloatArray:
    """1.0 where one or more of the first `k` recommendations are relevant, else 0.0.

    trec_eval calls this metric success.

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    >>> hit_rate([[3, 0], [2, 1], [0, 1]], relevant, k=2).tolist()
    [1.0, 0.0, nan]
    """
    return _single("hit_rate", recommended, relevant, k, missing_users=missing_users)


def reciprocal_rank(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    missing_users: str = "zero",
) -> FloatArray:
    """1 ÷ the rank of the first relevant item among the first `k`, 0.0 without one.

    Its mean over users is MRR@k.

    Examples
    --------
    >>> reciprocal_rank([[3, 0]], sparse.csr_matrix([[1, 1, 1, 0]]), k=2).tolist()
    [0.5]
    """
    return _single("mrr", recommended, relevant, k, missing_users=missing_users)


def average_precision(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    denominator: str = "relevant",
    missing_users: str = "zero",
) -> FloatArray:
    """Sum of the precisions at each hit among the first `k`, divided by a denominator.

    Its mean over users is MAP@k.

    ``denominator="relevant"`` divides by n, the number of relevant items (trec_eval's map_cut);
    ``"min"`` by min(n, k) (LensKit, implicit, `recommenders`' map_at_k); ``"k"`` by k; ``"hits"``
    by the number of hits. The value is 0.0 without a hit.

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 0, 1, 1]])  # hits at 1 and 3: 1/1 and 2/3
    >>> average_precision([[0, 1, 2]], relevant, k=3).round(3).tolist()
    [0.556]
    """
    choices = {"map_denominator": denominator, "missing_users": missing_users}
    return _single("map", recommended, relevant, k, **choices)


def ndcg(
    recommended: npt.ArrayLike,
    relevant: sparse.csr_matrix,
    k: int = 10,
    *,
    ideal: str = "min",
    discount: str = "rank+1",
    missing_users: str = "zero",
) -> FloatArray:
    """Discounted gain of the first `k` recommendations ÷ discounted gain of an ideal list.

    A relevant item gains 1 (Järvelin & Kekäläinen 2002), times
    ``1 / log2(rank + 1)``, or with ``discount="rank"`` times ``1 / max(1, log2(rank))``, which
    does not discount rank 2 (LensKit).
    With ``ideal="min"`` the ideal list holds min(n, k) of the user's n relevant items
    (trec_eval's ndcg_cut); with ``"k"`` it holds k, however few are relevant (RecTools); with
    ``"relevant"`` all n, even beyond k (trec_eval's ndcg, when k is the length of the lists).

    Examples
    --------
    >>> relevant = sparse.csr_matrix([[1, 0, 1, 1]])  # 1 + 1/2, of 1 + 0.631 + 1/2
    >>> ndcg([[0, 1, 2]], relevant, k=3).round(3).tolist()
    [0.704]
    """
    choices = {"ideal": ideal, "discount": discount, "missing_users": missing_users}
    return _single("ndcg", recommended, relevant, k, **choices)


def _single(
    name: str, recommended: npt.ArrayLike, relevant: sparse.csr_matrix, k: int, **choices: str
) -> FloatArray:
    """Return one of the `ranking_metrics` at one cut-off."""
    (values,) = ranking_metrics(recommended, relevant, (k,), (name,), **choices).values()
    return values


@dataclass(frozen=True, eq=False)  # eq=False: elementwise == is ambiguous
class _Hits:
    """The ranks that hold a relevant item, for all users.

    Attributes
    ----------
    hits
        bool, shape (n_users, width): the item at this rank is relevant. The width is k, or the
        number of columns of the lists where that is less: ranks beyond it are misses.
    n_relevant
        Number of relevant items n of each user, shape (n_users,).
    """

    hits: BoolArray
    n_relevant: IntArray

    @cached_property
    def counts(self) -> FloatArray:
        """Number of hits among the first 1, 2, … ranks, shape (n_users, width)."""
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

    def share(self, running: FloatArray, k: int, denominator: str) -> FloatArray:
        """Return a running sum at rank `k`, divided by the denominator of that name."""
        share: FloatArray = _up_to(running, k) / self.size(denominator, k)
        return share

    def hit_rate(self, k: int) -> FloatArray:
        """1.0 with a hit among the first `k`, else 0.0."""
        return (self.first <= k).astype(np.float64)

    def reciprocal_rank(self, k: int) -> FloatArray:
        """1 ÷ the rank of the first hit, 0.0 without one among the first `k`."""
        return np.where(self.first <= k, 1.0 / self.first, 0.0)

    def ndcg(self, k: int, ideal: str, discount: str) -> FloatArray:
        """DCG of the first `k` ranks, divided by that of the ideal list."""
        slots = self.size(ideal, k)  # length of the ideal list
        width = min(k, self.hits.shape[1])
        ranks = np.arange(1, max(width, np.max(slots, initial=1)) + 1)
        discounts = 1 / np.log2(ranks + 1 if discount == "rank+1" else np.maximum(ranks, 2))
        gains = np.cumsum(self.hits[:, :width] * discounts[:width], axis=1)
        ndcg: FloatArray = _up_to(gains, k) / np.cumsum(discounts)[slots - 1]
        return ndcg

    def size(self, choice: str, k: int) -> Any:
        """Return n, min(n, k), k or the number of hits, clipped at 1 to avoid division by 0."""
        n = np.maximum(self.n_relevant, 1)
        if choice == "relevant":
            return n
        if choice == "min":
            return np.minimum(n, k)
        return k if choice == "k" else np.maximum(_up_to(self.counts, k), 1)


def in_rows(matrix: sparse.csr_matrix, ids: npt.NDArray[Any]) -> BoolArray:
    """Return which `ids`, shape (n_rows, k), are columns of their row of a canonical csr.

    Every pair of row and column becomes one integer key. The keys of the csr are sorted already,
    so one binary search looks up all ids. -1 is in no row.
    """
    n_rows, n_columns = matrix.shape
    # Columns are shifted by 1, so that -1 has a key of its own, which no column has.
    first_key = np.arange(n_rows, dtype=np.int64) * (n_columns + 1) + 1
    keys = np.repeat(first_key, np.diff(matrix.indptr)) + matrix.indices
    keys = np.append(keys, np.iinfo(np.int64).max)
    wanted = first_key[:, None] + ids
    found: BoolArray = keys[np.searchsorted(keys, wanted)] == wanted
    return found


def _up_to(running: FloatArray, k: int) -> FloatArray:
    """Return a running sum at rank `k`, or at its last rank where the lists are shorter."""
    width = running.shape[1]
    return running[:, min(k, width) - 1] if width else np.zeros(len(running))
