"""What every recommender of the course does: one class that checks, asks, filters and ranks.

The protocol is `implicit`'s. A model of its own says two things only: how it learns from a matrix
(``_fit``) and how it scores all items for some users (``_scores``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.state import Restorable
from course_utils.ranking import (
    BLOCK,
    IdArray,
    Scores,
    candidates,
    entries,
    for_each_batch,
    write_best,
)
from course_utils.validation import (
    NOTHING,
    IntArray,
    as_user_items,
    excluded_items,
    need_columns,
    need_history,
    need_positive,
    need_shape,
    need_userids,
)


class Recommender(Restorable):
    """A model that is fitted on users × items and recommends items to users.

    Attributes
    ----------
    n_users, n_items
        The shape of the matrix it was fitted on; 0 before.
    scores_are_dot_products
        True for a model whose scores are ``user_factors @ item_factors.T`` and nothing else, so
        that :func:`course_utils.evaluation.evaluate` may compute them itself.

    Notes
    -----
    A subclass keeps its arguments under their own names, and assigns in ``_fit`` everything else
    it knows, so that fitting again leaves nothing of the first time. Named in ``learned``, these
    are what :mod:`course_cloud.artifacts` saves.
    """

    scores_are_dot_products: bool = False

    def fit(self, user_items: sparse.csr_matrix) -> Self:
        """Learn from who has what.

        Parameters
        ----------
        user_items
            Sparse, shape (n_users, n_items), of any format and type of number: who has what, and
            how much. It is not changed. Entries of 0 are no entries.

        Returns
        -------
        Recommender
            Itself. Fitted before, it starts anew.

        Raises
        ------
        DataError
            When it is no sparse matrix, has no user, no item or no entry, or holds NaN or
            infinity.

        Notes
        -----
        Nothing in a matrix says which way it lies, so a transposed one can only be refused as
        soon as ``recommend`` is given rows with another number of columns.
        """
        return self._learn(user_items, self._fit)

    def recommend(
        self,
        userids: npt.ArrayLike,
        user_items: sparse.csr_matrix,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: npt.ArrayLike | None = None,
        recalculate_user: bool = False,
        items: npt.ArrayLike | None = None,
    ) -> tuple[IdArray, Scores]:
        """Return the `N` best items of one user or of several.

        Parameters
        ----------
        userids
            A row number, or several, shape (n,). Rows that were not there when the model was
            fitted are served from their history, as far as the model can.
        user_items
            Sparse, shape (n, n_items): the history of each of these users, in their order, as in
            ``user_items[userids]``. It is not changed.
        N
            How many items to return.
        filter_already_liked_items
            Leave out what stands in the history.
        filter_items
            Item columns that are not recommended to anybody.
        recalculate_user
            Whether a model that learned something about each user works it out again from the
            history given here. Other models read the history anyway.
        items
            The only item columns that may be recommended; left out, all.

        Returns
        -------
        ids, scores
            int32 and float32, shape (n, N), or (N,) for a single user; best first, and of equal
            scores the lowest column first. Where a user has fewer than `N` candidates, the row
            ends in id -1 and score -inf.

        Raises
        ------
        DataError
            When the model is not fitted, `userids` and `user_items` do not belong together or
            not to the matrix it was fitted on, `N` is no integer of at least 1, or a column or a
            row is out of range.
        """
        self._need_fitted()
        n = need_positive(N, "N")
        users = need_userids(userids)
        history = need_history(user_items, users.size, (self.n_users, self.n_items))
        excluded = excluded_items(items, filter_items, self.n_items)
        ids, best = _no_answers(users.size, n)
        step = max(64, BLOCK // self.n_items)

        def rank(start: int) -> None:
            rows = slice(start, start + step)
            # For one user, a slice of the history would take as long as the scores.
            mine = history if users.size <= step else history[rows]
            scores = self._scores(users.reshape(-1)[rows], mine, recalculate_user)
            scores = np.ascontiguousarray(scores)  # so that below it is changed, not a copy
            if excluded is not None:
                scores[:, excluded] = -np.inf
            if filter_already_liked_items:
                row, column = entries(mine, 0, len(scores))
                scores.reshape(-1)[row * self.n_items + column] = -np.inf  # faster than pairs
            write_best(scores, candidates(scores, n, start), ids[rows], best[rows])

        for_each_batch(rank, range(0, users.size, step))
        return (ids, best) if users.ndim else (ids[0], best[0])

    def similar_items(self, itemid: npt.ArrayLike, N: int = 10) -> tuple[IdArray, Scores]:
        """Return the `N` items most similar to one item or to several, itself first.

        Parameters
        ----------
        itemid
            An item column, or several, shape (n,).
        N
            How many items to return, the item itself included.

        Returns
        -------
        ids, scores
            int32 and float32, shape (n, N), or (N,) for a single item; most similar first, and of
            equals the lowest column first. Where fewer than `N` items are similar at all, the
            row ends in id -1 and score -inf.

        Raises
        ------
        DataError
            When the model is not fitted or knows no similarity, the column is out of range, or
            `N` is no integer of at least 1.
        """
        self._need_fitted()
        n = need_positive(N, "N")
        columns = need_columns(itemid, self.n_items, "`itemid`")
        ids, best = _no_answers(columns.size, n)
        step = max(64, BLOCK // self.n_items)
        for start in range(0, columns.size, step):
            mine = columns.reshape(-1)[start : start + step]
            rows = slice(start, start + step)
            scores = self._similarities(mine)
            itself = (np.arange(len(mine)), mine)
            own = scores[itself]
            scores[itself] = np.inf  # first, even where another item is just as similar
            write_best(scores, candidates(scores, n, start), ids[rows], best[rows])
            best[rows, 0] = own
        return (ids, best) if columns.ndim else (ids[0], best[0])

    def _learn(
        self, user_items: sparse.csr_matrix, learn: Callable[[sparse.csr_matrix], None]
    ) -> Self:
        """Check the matrix and `learn` from it: ``_fit``, or what a longer ``fit`` does."""
        matrix = as_user_items(user_items, "The matrix to fit")
        need_shape(matrix)
        self.n_users, self.n_items = matrix.shape
        try:
            learn(matrix)
        except BaseException:  # half a model must not recommend
            self.n_users = self.n_items = 0
            raise
        return self

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        """Learn from a checked csr of float32, shape (n_users, n_items), without zeros."""
        raise NotImplementedError

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        """Return a new array, shape (len(userids), n_items); -inf for what cannot be recommended.

        `history` is checked, and has a row for each user. Several threads may be in here at once.
        """
        raise NotImplementedError

    def _similarities(self, columns: IntArray) -> Scores:
        """Return a new array, shape (len(columns), n_items); -inf for what is not similar."""
        raise DataError(f"{type(self).__name__} knows no similarity between items.")


def _no_answers(n_rows: int, n: int) -> tuple[IdArray, npt.NDArray[np.float32]]:
    return (
        np.full((n_rows, n), NOTHING, dtype=np.int32),
        np.full((n_rows, n), -np.inf, dtype=np.float32),
    )
