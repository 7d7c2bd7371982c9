"""Beyond accuracy: how wide, how popular and how personal recommendations are.

Every function takes `recommended`, integers of shape (n_users, k_columns): item columns, -1 at
any place for no item. -1 counts for nothing, anywhere. Bad lists are refused with a DataError.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from course_utils.errors import DataError
from course_utils.lists import NOTHING, FloatArray, IntArray, as_lists, divide, need_positive


def catalogue_coverage(recommended: npt.ArrayLike, n_items: int) -> float:
    """Share of the catalogue that is recommended to somebody, from 0 to 1.

    Ge, Delgado-Battenfeld & Jannach 2010, "Beyond accuracy" (catalog coverage).

    Examples
    --------
    >>> catalogue_coverage([[0, 1], [1, -1]], n_items=4)
    0.5
    """
    return float(np.count_nonzero(_exposure(recommended, n_items)) / n_items)


def exposure_gini(recommended: npt.ArrayLike, n_items: int) -> float:
    """Gini coefficient of how often each of `n_items` items is recommended.

    0 when all are recommended equally often, 1 - 1/n_items when one item takes every place; NaN
    when nothing is recommended. Items never recommended count.
    With counts x ascending it is Σ (2i - n - 1) xᵢ ÷ (n Σ x), i = 1…n (Gini 1912).

    Examples
    --------
    >>> exposure_gini([[0, 1], [2, 3]], n_items=4), exposure_gini([[0], [0]], n_items=4)
    (0.0, 0.75)
    """
    counts = np.sort(_exposure(recommended, n_items))
    if not counts.any():
        return float("nan")
    weights = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(weights @ counts / (n_items * counts.sum()))


def mean_popularity(recommended: npt.ArrayLike, counts: npt.ArrayLike) -> FloatArray:
    """Mean of `counts` over each user's recommended items.

    Parameters
    ----------
    recommended
        Item columns, shape (n_users, k_columns), -1 for no item.
    counts
        How many users have each item in the training set, shape (n_items,).

    Returns
    -------
    ndarray
        float64, shape (n_users,), in users per item; NaN for a user without recommendations.

    Examples
    --------
    >>> mean_popularity([[0, 1], [2, -1]], counts=[30, 10, 5]).tolist()
    [20.0, 5.0]
    """
    return _mean_of(recommended, _as_counts(counts))


def novelty(recommended: npt.ArrayLike, counts: npt.ArrayLike, n_users: int) -> FloatArray:
    """Mean self-information, -log2(count ÷ n_users), of each user's recommended items, in bits.

    0 bits: everybody has them all. One bit more: half as many have them. An item that nobody
    has would be infinitely surprising; it counts as if one user had it, log2(n_users) bits.
    Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma", PNAS 107(10).

    Parameters
    ----------
    recommended
        Item columns, shape (n_users, k_columns), -1 for no item.
    counts
        How many users have each item in the training set, shape (n_items,).
    n_users
        How many users the training set has.

    Returns
    -------
    ndarray
        float64, shape (n_users,), in bits; NaN for a user without recommendations.

    Examples
    --------
    >>> novelty([[0, 1], [2, -1]], counts=[8, 2, 0], n_users=8).tolist()
    [1.0, 3.0]
    """
    people, having = need_positive(n_users, "n_users"), _as_counts(counts)
    if having.max(initial=0) > people:
        raise DataError(
            f"An item's count is {having.max():g}, more than there are users, {people}."
        )
    return _mean_of(recommended, np.log2(people) - np.log2(np.maximum(having, 1)))


def personalization(recommended: npt.ArrayLike) -> float:
    """1 - the mean overlap of two users' lists, over all pairs of users.

    The overlap of two lists is the items they share ÷ √(length · length): shared ÷ k for full
    lists, the cosine of the two lists otherwise. 0 when all get the same, 1 when no two share an
    item. Exact: an item that c lists hold is shared by c (c - 1) / 2 pairs. Users without
    recommendations are left out; NaN with fewer than two others.
    Zhou et al. 2010, PNAS 107(10) (inter-user diversity).

    Examples
    --------
    >>> personalization([[0, 1], [0, 2], [3, 4]]) == 1 - (1 / 2 + 0 + 0) / 3
    True
    """
    lists, _ = as_lists(recommended, np.iinfo(np.int64).max)
    here = lists != NOTHING
    lengths = here.sum(axis=1)
    n = np.count_nonzero(lengths)
    if n < 2:
        return float("nan")
    shares = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    items = lists[here]
    if items.max() > 10 * items.size:  # ids far apart: number them anew before counting
        _, items = np.unique(items, return_inverse=True)
    per_item = np.bincount(items, weights=shares)
    overlap = (per_item @ per_item - n) / (n * (n - 1))  # without each user with itself
    return float(np.clip(1 - overlap, 0, 1))


def _exposure(recommended: npt.ArrayLike, n_items: int) -> IntArray:
    """Return how often each item is recommended, shape (n_items,)."""
    lists, _ = as_lists(recommended, need_positive(n_items, "n_items"))
    return np.bincount(lists[lists != NOTHING], minlength=n_items)


def _as_counts(counts: npt.ArrayLike) -> FloatArray:
    having = np.asarray(counts)
    numbers = having.ndim == 1 and having.dtype.kind in "iuf"
    if not numbers or not (np.isfinite(having) & (having >= 0)).all():
        raise DataError("The counts must be one number per item, none of them negative or NaN.")
    return having.astype(np.float64)


def _mean_of(recommended: npt.ArrayLike, values: FloatArray) -> FloatArray:
    """Return the mean of `values`, shape (n_items,), over each user's list."""
    lists, _ = as_lists(recommended, len(values))
    here = lists != NOTHING
    sums = np.where(here, np.append(values, 0)[lists], 0).sum(axis=1)
    return divide(sums, here.sum(axis=1))
