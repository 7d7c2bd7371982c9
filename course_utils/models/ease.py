"""EASE: the linear model of item weights that has a solution in closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.gram import gram
from course_utils.models.linear import ItemWeights, without_zeros
from course_utils.models.memory import need_pairs_of_items
from course_utils.ranking import Scores
from course_utils.validation import IntArray, need_number

Weights = npt.NDArray[np.float32]
PER_USER = 10  # bytes for each item: a float32, and a share of the inverse of users × users
COLUMNS = 512  # at once, where an array is worked through in parts


class EASE(ItemWeights):
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
        When `l2` is not above 0; and by ``fit``, when the weights will not fit into memory, or
        `l2` is so small that single precision does not tell the items apart.

    Notes
    -----
    ``similar_items`` ranks by partial correlation, :math:`-P_{ij} / \sqrt{P_{ii} P_{jj}}`: how
    much two items have in common that no other item explains.

    The weights are computed where the pairs of items are counted, so fitting takes hardly more
    memory than they do: at the shape of ML-20M, 26,744 items, 2.7 GiB, and the process 4.1 GiB when
    the inversion begins, which works in place. Where the machine has too little free, ``fit``
    refuses before it begins.

    Examples
    --------
    >>> has = sparse.csr_matrix([[1, 1], [1, 1], [1, 0], [0, 1], [1, 0]])
    >>> EASE(l2=4).fit(has).weights.round(4)
    array([[0.    , 0.25  ],
           [0.2857, 0.    ]], dtype=float32)
    """

    learned = ("weights", "_diagonal")
    weights: Weights

    def __init__(self, l2: float = 250.0) -> None:
        self.l2 = need_number(l2, "l2", above=True)

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        n_users, n_items = matrix.shape
        few_users = 3 * n_users < n_items
        need_pairs_of_items("EASE", n_items, PER_USER * n_users if few_users else 0)
        fit = self._fit_by_users if few_users else self._fit_by_items
        fit(matrix)
        np.fill_diagonal(self.weights, 0)

    def _fit_by_items(self, matrix: sparse.csr_matrix) -> None:
        """Invert where the Gram matrix stands: no second array of its size is made."""
        from scipy.linalg import lapack

        inverse = gram(matrix)
        np.einsum("ii->i", inverse)[:] += self.l2
        # LAPACK reads columns; transposed, the same memory holds the same symmetric matrix.
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
        r"""Do the same for far fewer users than items, by a smaller inverse.

        By Woodbury's identity :math:`\lambda P = I - Y^\top Y`, where :math:`L Y = R` and
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

    def _weights_to(self, columns: IntArray, item: int) -> Weights:
        weights: Weights = self.weights[columns, item]
        return weights


def _mirror(matrix: Weights) -> None:
    """Copy what is above the diagonal to below it."""
    for start in range(0, len(matrix), COLUMNS):
        end = start + COLUMNS
        rows = slice(start, end)
        matrix[end:, rows] = matrix[rows, end:].T
        corner = matrix[rows, rows]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
