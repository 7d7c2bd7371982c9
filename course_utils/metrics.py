"""Ranking metrics on arrays: one number per user, every choice an argument.

Peers share the names of these metrics, not their definitions. The defaults here are those of
trec_eval with binary relevance; each argument says what somebody else does instead.

A user with nothing relevant has no value, and gets NaN: average with ``np.nanmean``. A list may
hold -1 at any rank, for no item: that rank is a miss. Ranks beyond the last column are misses.
:func:`ranking_metrics` describes the arguments that they all share, and what is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy.typing as npt
from scipy import sparse

from course_utils.beyond import (
    catalogue_coverage,
    exposure_gini,
    mean_popularity,
    novelty,
    personalization,
)
from course_utils.diversity import genre_calibration, genre_diversity, intra_list_diversity
from course_utils.hits import Hits, find_hits
from course_utils.lists import FloatArray, choose, need_cutoffs

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
