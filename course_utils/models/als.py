"""ALS: matrix factorization for implicit feedback, computed by `implicit`.

With b_ui = 1 where user u has item i and 0 elsewhere, and the confidence c_ui of each cell, it
minimizes over all cells of the matrix

    Σ_ui c_ui (b_ui - p_u · q_i)² + λ (Σ_u ‖p_u‖² + Σ_i ‖q_i‖²).

Hu, Koren & Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM); the
paper writes p_ui, x_u, y_i for b_ui, p_u, q_i.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender, cosines, need_history, without_zeros
from course_utils.ranking import BLOCK, Scores, entries
from course_utils.validation import (
    IntArray,
    need_choice,
    need_number,
    need_positive,
    need_seed,
)

NOT_SOLVABLE = (
    "The equations of a user's vector have no single solution; fit the model with a larger "
    "regularization, or with fewer factors."
)


class ALS(Recommender):
    """Matrix factorization for implicit feedback, by alternating least squares.

    The score of an item is the dot product of two factor vectors, p_u · q_i. It approximates 1
    where the user has the item and 0 elsewhere, and each cell is weighted by its confidence,
    1 + α r_ui; see the objective at the top of this module.

    Parameters
    ----------
    factors
        Length d of the factor vectors. The defaults of the arguments are the course's settings,
        chosen on validation by ``python -m tools.notebooks.settings``.
    regularization
        λ, at least 0: the larger, the shorter the vectors.
    iterations
        Number of alternations between users and items.
    alpha
        α, at least 0: the additional weight of an interaction. With 0 all cells have weight 1.
    seed
        Seed of the initial factors.
    dtype
        Of the factors, float32 or float64.

    Attributes
    ----------
    user_factors, item_factors
        Shapes (n_users, d) and (n_items, d); zeros for an empty row or column of the matrix.

    Raises
    ------
    DataError
        When an argument is out of range.

    Notes
    -----
    `implicit` 0.7.3 gives a cell with an interaction the confidence α r_ui, without the 1. On a
    matrix of ones, its ``AlternatingLeastSquares(alpha=a)`` is ``ALS(alpha=a - 1)``; its default,
    1, is 0 here, where all cells have the same weight.

    The vector of a user that was not in the training matrix is the minimum for the given history
    with the item factors held fixed; ``recalculate_user=True`` computes it for every user. Scores
    differ slightly from those of the fitted user factors, which come from the previous item
    factors by three conjugate gradient steps. A user without a history and an item without users
    have zero vectors, and take no part in recommendations.

    A seed gives the same factors to the last bit, whatever the number of threads: one thread
    computes each vector. Another processor or BLAS may round differently.
    """

    learned = ("user_factors", "item_factors", "scores_are_dot_products")
    scores_are_dot_products = True
    user_factors: Any = None  # arrays once it is fitted
    item_factors: Any = None

    def __init__(
        self,
        factors: int = 64,
        regularization: float = 30.0,
        iterations: int = 20,
        alpha: float = 3.0,
        seed: int = 42,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        self.factors = need_positive(factors, "factors")
        self.regularization = need_number(regularization, "regularization")
        self.iterations = need_positive(iterations, "iterations")
        self.alpha = need_number(alpha, "alpha")
        self.seed = need_seed(seed)
        self.dtype = need_choice(np.dtype(dtype).name, "dtype", "float32", "float64")

    def fit(self, user_items: sparse.csr_matrix, n_items: int | None = None) -> Self:
        """Fit the factors, as :meth:`Recommender.fit`; no interaction may be negative.

        With `n_items`, ``len(train.items)``, a matrix of items × users is refused here, otherwise
        when ``recommend`` gets rows with a different number of columns.
        """
        shape: tuple[int, ...] = getattr(user_items, "shape", ())
        if n_items is not None and len(shape) == 2 and shape[1] != n_items:
            hint = "it is items × users, so transpose it" if shape[0] == n_items else "count again"
            raise DataError(
                f"The matrix to fit has {shape[0]} rows and {shape[1]} columns, and needs a column "
                f"for each of {n_items} items; {hint}."
            )
        return super().fit(user_items)

    def loss(self, user_items: sparse.csr_matrix) -> float:
        """Return the objective that fitting minimizes, divided by the sum of confidences.

        Parameters
        ----------
        user_items
            The matrix the model was fitted on.

        Raises
        ------
        DataError
            When the model is not fitted, or the matrix has another shape.
        """
        self._need_fitted()
        matrix = need_history(user_items, self.n_users, (self.n_users, self.n_items))
        confidence = confidence_of(matrix, self.alpha)
        return mean_loss(self.user_factors, self.item_factors, confidence, self.regularization)

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        self.user_factors = self.item_factors = None  # discarded even if fitting fails
        confidence = confidence_of(matrix, self.alpha)
        with _one_blas_thread():
            model = self._implicit(num_threads=0)
            model.fit(confidence, show_progress=False)
        self.user_factors, self.item_factors = model.user_factors, model.item_factors
        both = np.concatenate([self.user_factors, self.item_factors])
        # The dot product with a zero vector is 0, which is not a score.
        self.scores_are_dot_products = bool(both.any(axis=1).all())

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        anew = (userids >= self.n_users) | recalculate
        vectors = self.user_factors[np.where(anew, 0, userids)]
        if anew.any():
            vectors[anew] = self._best_vectors(history[anew])
        scores = (vectors @ self.item_factors.T).astype(np.float32, copy=False)
        all_known = self.scores_are_dot_products and not anew.any()
        return scores if all_known else without_zeros(scores)

    def _similarities(self, columns: IntArray) -> Scores:
        return cosines(self.item_factors, columns)

    def _contributions(self, history: sparse.csr_matrix, item: int) -> Scores:
        """Return c_j (qᵀ W q_j) for each item j of the history; section 5 of the paper.

        With the item factors held fixed, the best vector for a history is p = W Σ_j c_j q_j, where
        W = (Σ_i c_i q_i q_iᵀ + λ I)⁻¹ and i runs over all items, so the score qᵀ p of an item q is
        the sum of these.
        """
        items = np.asarray(self.item_factors, dtype=np.float64)
        weight = confidence_of(history, self.alpha).data.astype(np.float64)
        mine = items[history.indices]
        equations = items.T @ items + (mine * (weight - 1)[:, None]).T @ mine
        equations += self.regularization * np.eye(items.shape[1])
        try:
            parts: Scores = weight * (mine @ np.linalg.solve(equations, items[item]))
        except np.linalg.LinAlgError:
            raise DataError(NOT_SOLVABLE) from None
        return parts

    def _best_vectors(self, history: sparse.csr_matrix) -> npt.NDArray[Any]:
        with _one_blas_thread():
            model = self._implicit(num_threads=1)  # batches of users run in parallel already
            model.item_factors = self.item_factors
            confidence = confidence_of(history, self.alpha)
            try:
                return np.asarray(model.recalculate_user(range(history.shape[0]), confidence))
            except ValueError:
                raise DataError(NOT_SOLVABLE) from None

    def _implicit(self, num_threads: int) -> Any:
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.regularization,
            iterations=self.iterations,
            dtype=self.dtype,
            num_threads=num_threads,
            random_state=self.seed,
        )


def confidence_of(user_items: sparse.csr_matrix, alpha: float) -> sparse.csr_matrix:
    """Return the confidences 1 + α r of the interactions r; all other cells have confidence 1.

    Parameters
    ----------
    user_items
        csr, float32, shape (n_users, n_items).
    alpha
        α, at least 0.

    Raises
    ------
    DataError
        When an interaction is negative, or its confidence is too large for float32.
    """
    r = user_items.data
    if r.min(initial=0) < 0:
        raise DataError(
            f"The matrix holds {r.min():g}, but an interaction is a number above 0; leave out what "
            "a user did not like."
        )
    with np.errstate(over="ignore"):  # an overflow is refused below
        confidence = 1 + np.float32(alpha) * r
    if not np.isfinite(confidence).all():
        raise DataError(
            f"alpha = {alpha:g} makes a confidence too large for float32; choose a smaller one."
        )
    indices, indptr = user_items.indices, user_items.indptr
    return sparse.csr_matrix((confidence, indices, indptr), shape=user_items.shape)


def mean_loss(
    user_factors: npt.NDArray[Any],
    item_factors: npt.NDArray[Any],
    confidence: sparse.csr_matrix,
    regularization: float,
) -> float:
    """Return the objective divided by the sum of confidences, as `implicit` reports it.

    Parameters
    ----------
    user_factors, item_factors
        Shapes (n_users, d) and (n_items, d).
    confidence
        From :func:`confidence_of`, shape (n_users, n_items).
    regularization
        λ.
    """
    users, items = (np.asarray(x, dtype=np.float64) for x in (user_factors, item_factors))
    n_users, n_items = confidence.shape
    total = regularization * (np.sum(users**2) + np.sum(items**2))
    step = max(64, BLOCK // n_items)
    for start in range(0, n_users, step):
        scores = users[start : start + step] @ items.T
        mine = confidence[start : start + step]
        has = scores[entries(mine, 0, len(scores))]
        total += np.sum(scores**2) + np.sum(mine.data * (1 - has) ** 2 - has**2)
    more = np.sum(confidence.data - 1, dtype=np.float64)
    return float(total / (n_users * n_items + more))


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread: faster beside `implicit`'s own, and sums keep their order."""
    import implicit.cpu.als  # noqa: F401 - loads SciPy's BLAS, which the limit must find
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
