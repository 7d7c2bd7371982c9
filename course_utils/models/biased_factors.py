"""Predicting and ranking by a mean, two biases and factors, however a model came by them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.models.base import Recommender
from course_utils.models.biased_mf_checks import need_pairs
from course_utils.models.cosines import cosines
from course_utils.ranking import Scores
from course_utils.validation import IntArray

PAIRS_AT_ONCE = 2**16


class BiasedFactors(Recommender):
    r"""A model whose score is a predicted rating: :math:`\mu + b_u + b_i + p_u \cdot q_i`.

    Attributes
    ----------
    user_factors, item_factors
        float32, shapes (n_users, factors + 2) and (n_items, factors + 2): p_u, μ + b_u, 1 and
        q_i, 1, b_i, so that their dot product is the prediction.
    l2_biases, l2_factors
        The penalties λ of users and of items.

    Notes
    -----
    For a row that was not there when the model was fitted, or with ``recalculate_user=True``,
    ``recommend`` finds b_u and p_u from the stars of the history it is given: the exact minimum of
    the penalized squared error, everything else held fixed. Without a history what is left is the
    order of b_i. ``similar_items`` compares q_i by their cosine, biases left out.
    """

    scores_are_dot_products = True
    user_factors: npt.NDArray[np.float32]
    item_factors: npt.NDArray[np.float32]
    l2_biases: tuple[float, float]
    l2_factors: tuple[float, float]

    def predict(
        self, userids: npt.ArrayLike, itemids: npt.ArrayLike, clip: bool = True
    ) -> npt.NDArray[np.float32]:
        """Return predicted stars for pairs of users and items.

        Parameters
        ----------
        userids, itemids
            Rows and columns, of one shape or such that NumPy broadcasts them; -1 for a user or an
            item that the model does not know. Its bias and factors count as 0, so that what is
            left is the mean and the bias of the other.
        clip
            Keep to the range of the training ratings.

        Returns
        -------
        ndarray
            float32, of the common shape.

        Raises
        ------
        DataError
            When the model is not fitted, or a row or a column is out of range.
        """
        self._need_fitted()
        users, items = need_pairs(userids, itemids, (self.n_users, self.n_items))
        stars: npt.NDArray[np.float32] = np.empty(users.size, dtype=np.float32)
        for start in range(0, users.size, PAIRS_AT_ONCE):
            pairs = slice(start, start + PAIRS_AT_ONCE)
            stars[pairs] = self._stars(users.ravel()[pairs], items.ravel()[pairs])
        stars = stars.reshape(users.shape)
        return np.clip(stars, *self._range) if clip else stars

    def _set_factors(
        self,
        mean: float,
        b_u: npt.NDArray[np.float32],
        b_i: npt.NDArray[np.float32],
        p: npt.NDArray[np.float32],
        q: npt.NDArray[np.float32],
        stars: tuple[float, float],
    ) -> None:
        """Keep what was learned, and the lowest and the highest rating it was learned from."""
        self._mean, self._range = np.float32(mean), stars
        self.user_factors = np.column_stack([p, self._mean + b_u, np.ones_like(b_u)])
        self.item_factors = np.column_stack([q, np.ones_like(b_i), b_i])

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        stay = (userids < self.n_users) & (not recalculate)
        users = np.empty((len(userids), self.user_factors.shape[1]), dtype=np.float32)
        users[stay] = self.user_factors[userids[stay]]
        for row in np.flatnonzero(~stay):
            users[row] = self._user_from(history[row])
        return users @ self.item_factors.T

    def _stars(self, users: IntArray, items: IntArray) -> npt.NDArray[np.float32]:
        """Return predictions for pairs, shape (n,); a negative number stands for an unknown."""
        of_users, of_items = self.user_factors[users], self.item_factors[items]
        of_users[users < 0] = [0.0] * (of_users.shape[1] - 2) + [self._mean, 1]
        of_items[items < 0] = [0.0] * (of_items.shape[1] - 2) + [1, 0]
        stars: npt.NDArray[np.float32] = np.einsum("nf,nf->n", of_users, of_items)
        return stars

    def _user_from(self, history: sparse.csr_matrix) -> npt.NDArray[np.float64]:
        """Return p_u, μ + b_u, 1 that minimize the penalized error of one history."""
        items = self.item_factors[history.indices].astype(np.float64)
        x, b_i = items[:, :-1], items[:, -1]  # q_i and 1: what p_u and b_u are multiplied by
        l2 = np.append(np.full(x.shape[1] - 1, self.l2_factors[0]), self.l2_biases[0])
        # ridge regression as plain least squares: a penalty is a row with a wanted value of 0
        rows = np.vstack([x, np.diag(np.sqrt(l2))])
        wanted = np.append(history.data - self._mean - b_i, np.zeros(len(l2)))
        found = np.linalg.lstsq(rows, wanted)[0]
        found[-1] += self._mean
        return np.append(found, 1.0)

    def _similarities(self, columns: IntArray) -> Scores:
        return cosines(self.item_factors[:, :-2], columns)
