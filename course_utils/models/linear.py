"""Models that score by one weight for each pair of items: what they have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.models.base import Recommender
from course_utils.models.parts import largest_parts
from course_utils.ranking import IdArray, Scores
from course_utils.validation import IntArray


class ItemWeights(Recommender):
    """A model whose score of item j is Σ r_ui · w_ij over the items i of the user's history.

    Notes
    -----
    A score of 0 means that no item of the history says anything about j, so j is not
    recommended. Somebody without a history therefore gets no item at all, and a film that nobody
    has is recommended to nobody: :class:`course_utils.models.Popularity` can stand in.
    """

    def explain(
        self, userid: int, user_items: sparse.csr_matrix, itemid: int, N: int = 10
    ) -> tuple[IdArray, Scores]:
        """Return which items of a history speak most for an item: "because you watched".

        Parameters
        ----------
        userid
            A row number; these models need the history only.
        user_items
            Sparse, shape (1, n_items): the history, as in ``user_items[userid]``.
        itemid
            The column of the item to explain.
        N
            How many items to return.

        Returns
        -------
        ids, contributions
            int32 and float32, shape (N,): items of the history and their r_ui · w_ij, largest
            first, and of equals the lowest column first. All contributions together add up to
            the score. Where fewer than `N` contribute, -1 and -inf follow.

        Raises
        ------
        DataError
            As ``recommend`` does, and when `itemid` is no column.
        """
        self._need_fitted()
        shape = (self.n_users, self.n_items)
        return largest_parts(userid, user_items, itemid, N, shape, self._parts)

    def _parts(self, history: sparse.csr_matrix, item: int) -> Scores:
        return without_zeros(history.data * self._weights_to(history.indices, item))

    def _weights_to(self, columns: IntArray, item: int) -> npt.NDArray[Any]:
        """Return the weight from each column to one item, shape (len(columns),)."""
        raise NotImplementedError


def without_zeros(scores: Scores) -> Scores:
    """Write -inf where a score is 0, and return the scores."""
    np.putmask(scores, scores == 0, -np.inf)
    return scores
