"""EASE: a linear item-item model with a closed-form solution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender, without_zeros
from course_utils.models.knn import gram, need_pairs_of_items
from course_utils.ranking import Scores
from course_utils.validation import IntArray, need_number

PER_USER = 10  # bytes per item and user: a float32, and a share of the users × users inverse
COLUMNS = 512  # columns in a batch, where an array is processed in batches


class EASE(Recommender):
    r"""Weights between items that predict each column of the matrix from all the others.

    .. math::

        \min_B \lVert R - R B \rVert_F^2 + \lambda \lVert B \rVert_F^2
        \quad \text{with} \quad \mathrm{diag}(B) = 0

    With :math:`P = (R^\top R + \lambda I)^{-1}` the solution is :math:`B_{ij} = -P_{ij} / P_{jj}`
    off the diagonal (Steck 2019, WWW).

    Parameters
    ----------
    l2
        λ, above 0: the larger, the smaller the weights.

    Attributes
    ----------
    weights
        B, float32, shape (n_items, n_items).

    Raises
    ------
    DataError
        When `l2` is not above 0; and by ``fit``, when the available memory is too small for the
        weights, or `l2` is too small for single precision.

    Notes
    -----
    A score of 0 means that no item of the history has a weight to the item, so it is not
    recommended: a user without a history gets no recommendations, and an item without users is
    never recommended.

    ``similar_items`` ranks by partial correlation, :math:`-P_{ij} / \sqrt{P_{ii} P_{jj}}`: the
    association of two items that no other item explains.

    The Gram matrix is inverted in place, so fitting needs little more memory than the weights:
    2.7 GiB at the shape of ML-20M, 26,744 items, where the process peaks at 4.1 GiB.

    Examples
    --------
    >>> has = sparse.csr_matrix([[1, 1], [1, 1], [1, 0], [0, 1], [1, 0]])
    >>> EASE(l2=4).fit(has).weights.round(4)
    array([[0.    , 0.25  ],
           [0.2857, 0.    ]], dtype=float32)
    """

    learned = ("weights", "_diagonal")
    weights: npt.NDArray[np.float32]

    def __init__(self, l2: float = 100.0) -> None:
        self.l2 = need_number(l2, "l2", above=True)

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        n_users, n_items = matrix.shape
        few_users = 3 * n_users < n_items
        need_pairs_of_items("EASE", n_items, PER_USER * n_users if few_users else 0)
        fit = self._fit_by_users if few_users else self._fit_by_items
        fit(matrix)
        np.fill_diagonal(self.weights, 0)

    def _fit_by_items(self, matrix: sparse.csr_matrix) -> None:
        """Invert RᵀR + λI in place: no second array of its size is allocated."""
        from scipy.linalg import lapack

        inverse = gram(matrix)
        np.einsum("ii->i", inverse)[:] += self.l2
        # LAPACK is column-major; the transposed view is the same symmetric matrix.
        _, failed = lapack.spotrf(inverse.T, lower=True, clean=False, overwrite_a=True)
        if not failed:
            _, failed = lapack.spotri(inverse.T, lower=True, overwrite_c=True)
        if failed:
            raise self._too_small()
        _mirror(inverse)
        self._diagonal = inverse.diagonal().copy()
        inverse /= -self._diagonal
        self.weights = inverse

    def _fit_by_users(self, matrix: sparse.csr_matrix) -> None:
        r"""Compute the same weights from a users × users inverse, for far fewer users than items.

        By the Woodbury identity :math:`\lambda P = I - Y^\top Y`, where :math:`L Y = R` and
        :math:`L L^\top = R R^\top + \lambda I` is users × users.
        """
        from scipy.linalg import solve_triangular

        n_users, n_items = matrix.shape
        by_item = matrix.tocsc().astype(np.float64)
        try:
            lower = np.linalg.cholesky((by_item @ by_item.T).toarray() + self.l2 * np.eye(n_users))
        except np.linalg.LinAlgError:
            raise self._too_small() from None
        solved, left = np.empty(matrix.shape, dtype=np.float32), np.empty(n_items)
        for start in range(0, n_items, COLUMNS):
            columns = slice(start, start + COLUMNS)
            part = solve_triangular(lower, by_item[:, columns].toarray(), lower=True)
            solved[:, columns], left[columns] = part, 1 - (part**2).sum(axis=0)
        if left.min() <= 0:
            raise self._too_small()
        self._diagonal = (left / self.l2).astype(np.float32)
        self.weights = solved.T @ solved
        self.weights /= left.astype(np.float32)

    def _too_small(self) -> DataError:
        return DataError(
            f"With l2={self.l2:g} the items depend on each other too much to be told apart in "
            "single precision; give a larger l2."
        )

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        return without_zeros(history @ self.weights)

    def _similarities(self, columns: IntArray) -> Scores:
        spread = np.sqrt(self._diagonal)
        scores = without_zeros(self.weights[columns] * (spread / spread[columns, None]))
        scores[np.arange(len(columns)), columns] = 1
        return scores

    def _contributions(self, history: sparse.csr_matrix, item: int) -> Scores:
        return without_zeros(history.data * self.weights[history.indices, item])


def _mirror(matrix: npt.NDArray[np.float32]) -> None:
    """Copy the upper triangle to the lower one, in place."""
    for start in range(0, len(matrix), COLUMNS):
        end = start + COLUMNS
        rows = slice(start, end)
        matrix[end:, rows] = matrix[rows, end:].T
        corner = matrix[rows, rows]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
