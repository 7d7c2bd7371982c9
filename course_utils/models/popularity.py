"""The same list for everybody: what most people have, or have had lately."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender
from course_utils.ranking import Scores
from course_utils.validation import IntArray, need_number

DAY = 86_400  # seconds


class Popularity(Recommender):
    r"""Rank items by how many users have them; with a half-life, old entries count less.

    Parameters
    ----------
    half_life
        In days, above 0: an entry counts :math:`2^{-a / \mathrm{half\_life}}`, where a is how
        many days it is older than the newest entry. Left out, each counts 1.

    Attributes
    ----------
    popularity
        float64, shape (n_items,): the sum over its entries.

    Notes
    -----
    Of equally popular items the lowest column comes first. Everybody is served, with a history or
    without, and an item that nobody has comes last, with score 0. Values of the matrix other than
    0 all count alike: five stars are one viewer, and so is one star.
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
        """Count.

        Parameters
        ----------
        user_items
            As for every model.
        timestamps
            Sparse, shape (n_users, n_items): when each entry was made, in Unix seconds. Needed
            with a half-life, and not looked at without. It may hold other entries as well.

        Returns
        -------
        Popularity
            Itself. Fitted before, it starts anew.

        Raises
        ------
        DataError
            As for every model; and with a half-life, when there are no timestamps, or one is
            missing or stands twice.

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
        return self._learn(user_items, lambda matrix: self._count(matrix, timestamps))

    def _count(self, matrix: sparse.csr_matrix, timestamps: Any) -> None:
        weights = None
        if self.half_life is not None:
            when = _times_of(matrix, timestamps)
            weights = 0.5 ** ((when.max() - when) / (self.half_life * DAY))
        counted = np.bincount(matrix.indices, weights, minlength=matrix.shape[1])
        self.popularity = counted.astype(np.float64)

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        return np.tile(self.popularity.astype(np.float32), (len(userids), 1))


def _times_of(matrix: sparse.csr_matrix, timestamps: Any) -> npt.NDArray[np.float64]:
    """Return the timestamp of each entry of `matrix`, in its order."""
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
    when = timestamps.tocoo()
    keys = when.row.astype(np.int64) * matrix.shape[1] + when.col
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    wanted = rows * matrix.shape[1] + matrix.indices
    first, last = (np.searchsorted(keys, wanted, side=side) for side in ("left", "right"))
    if (last - first != 1).any():
        entry = int(np.argmax(last - first != 1))
        found = "no timestamp" if last[entry] == first[entry] else "more than one timestamp"
        raise DataError(
            f"User row {rows[entry]} and item column {matrix.indices[entry]} have {found}; "
            "`timestamps` needs exactly one for each entry of the matrix."
        )
    times: npt.NDArray[np.float64] = when.data[order[first]].astype(np.float64)
    if not np.isfinite(times).all():
        raise DataError("`timestamps` holds NaN or infinity; give Unix seconds.")
    return times
