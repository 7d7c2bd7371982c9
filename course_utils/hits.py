"""Which recommendations are relevant, and the formulas of the ranking metrics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.lists import (
    BoolArray,
    FloatArray,
    IntArray,
    as_lists,
    as_pairs,
    choose,
    need_positive,
)


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
