"""Baselines that are not personalized: a random order, and the most popular items."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender
from course_utils.ranking import Scores
from course_utils.validation import IntArray, need_number, need_seed

DAY = 86_400  # seconds


class Random(Recommender):
    """Rank all items in a random order, drawn for each user.

    Parameters
    ----------
    seed
        An integer of at least 0. The scores of a user depend on the seed and the row number only,
        not on the other users of the batch.
    """

    learned = ()

    def __init__(self, seed: int = 42) -> None:
        self.seed = need_seed(seed)

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        """Learn nothing: only the shape is used."""

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        scores = np.empty((len(userids), self.n_items), dtype=np.float32)
        for row, user in zip(scores, userids.tolist(), strict=True):
            np.random.default_rng([self.seed, user]).random(dtype=np.float32, out=row)
        return scores


class Popularity(Recommender):
    r"""Rank items by their number of users; with a half-life, old entries count less.

    Parameters
    ----------
    half_life
        In days, above 0: an entry counts :math:`2^{-a / \mathrm{half\_life}}`, where a is its age
        in days relative to the newest entry. With None each entry counts 1.

    Attributes
    ----------
    popularity
        float64, shape (n_items,): the sum over the entries of each item.

    Notes
    -----
    All users get the same scores, users without a history included. An item without users has
    score 0. The nonzero values of the matrix are ignored: a rating of five stars counts as much as
    a rating of one star.
    """

    learned = ("popularity",)
    popularity: npt.NDArray[np.float64]

    def __init__(self, half_life: float | None = None) -> None:
        self.half_life = (
            None if half_life is None else need_number(half_life, "half_life", above=True)
        )

    def fit(
        self, user_items: sparse.csr_matrix, timestamps: sparse.csr_matrix | None = None
    ) -> Self:
        """Count the users of each item, and return the fitted model.

        Parameters
        ----------
        user_items
            Sparse, shape (n_users, n_items), as in :meth:`Recommender.fit`.
        timestamps
            Sparse, shape (n_users, n_items): the time of each entry, in Unix seconds. Required
            with a half-life and ignored without. May hold further entries.

        Raises
        ------
        DataError
            As :meth:`Recommender.fit`; and with a half-life, when timestamps are missing,
            duplicated or not finite.

        Examples
        --------
        >>> day = 86_400
        >>> has = sparse.csr_matrix([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
        >>> when = sparse.csr_matrix([[30 * day, 10 * day, 0], [0, 20 * day, 0], [0, 0, 30 * day]])
        >>> Popularity().fit(has).popularity.tolist()
        [1.0, 2.0, 1.0]
        >>> Popularity(half_life=10).fit(has, when).popularity.tolist()
        [1.0, 0.75, 1.0]
        """
        return self._learn(user_items, lambda matrix: self._fit(matrix, timestamps))

    def _fit(self, matrix: sparse.csr_matrix, timestamps: Any = None) -> None:
        weights = None
        if self.half_life is not None:
            when = _times_of(matrix, timestamps)
            weights = 0.5 ** ((when.max() - when) / (self.half_life * DAY))
        counted = np.bincount(matrix.indices, weights, minlength=matrix.shape[1])
        self.popularity = counted.astype(np.float64)

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        return np.tile(self.popularity.astype(np.float32), (len(userids), 1))


def _times_of(matrix: sparse.csr_matrix, timestamps: Any) -> npt.NDArray[np.float64]:
    """Return the timestamp of each entry of `matrix`, in the order of its data."""
    if timestamps is None:
        raise DataError(
            "A half-life needs to know when: fit(user_items, timestamps=...), Unix seconds in a "
            "sparse matrix of the same shape."
        )
    if not sparse.issparse(timestamps) or timestamps.shape != matrix.shape:
        raise DataError(
            f"`timestamps` must be a sparse matrix of the shape {matrix.shape}, like the matrix to "
            f"fit, and is {type(timestamps).__name__} of shape {np.shape(timestamps)}."
        )
    when, (rows, columns) = timestamps.tocoo(), matrix.tocoo().coords
    times, counts = (
        np.asarray(sparse.csr_matrix((values, when.coords), matrix.shape)[rows, columns]).ravel()
        for values in (when.data.astype(np.float64), np.ones(when.nnz))
    )
    if (counts != 1).any():
        entry = int(np.argmax(counts != 1))
        found = "more than one timestamp" if counts[entry] else "no timestamp"
        raise DataError(
            f"User row {rows[entry]} and item column {columns[entry]} have {found}; "
            "`timestamps` needs exactly one for each entry of the matrix."
        )
    if not np.isfinite(times).all():
        raise DataError("`timestamps` holds NaN or infinity; give Unix seconds.")
    return times
