"""ALS: matrix factorization for implicit feedback, computed by `implicit`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender
from course_utils.models.confidence import confidence_of, contributions, mean_loss
from course_utils.models.cosines import cosines
from course_utils.models.linear import without_zeros
from course_utils.models.parts import largest_parts
from course_utils.ranking import IdArray, Scores
from course_utils.validation import IntArray, choose, need_history, need_positive, need_seed

NOT_SOLVABLE = (
    "The equations of a user's vector have no single solution; fit the model with a larger "
    "regularization, or with fewer factors."
)


class ALS(Recommender):
    """Matrix factorization for implicit feedback, by alternating least squares.

    The score of an item is the dot product of two vectors of factors, p_u · q_i. It comes near 1
    where the user has the item and near 0 elsewhere, and the confidence of a cell, 1 + α r_ui,
    says how much that cell counts; see :mod:`course_utils.models.confidence` for the objective.

    Parameters
    ----------
    factors
        The length d of the vectors.
    regularization
        λ, from 0: the larger, the shorter the vectors.
    iterations
        How often users and items take turns.
    alpha
        α, from 0: how much more a cell with an interaction counts than one without. With 0, each
        cell counts 1.
    seed
        Of the random vectors it starts from.
    dtype
        Of the factors, float32 or float64.

    Attributes
    ----------
    user_factors, item_factors
        Shapes (n_users, d) and (n_items, d); an empty row or column of the matrix has zeros.

    Raises
    ------
    DataError
        When an argument is out of range.

    Notes
    -----
    `implicit` 0.7.3 gives a cell with an interaction the confidence α r_ui, without the 1. On a
    matrix of ones, its ``AlternatingLeastSquares(alpha=a)`` is ``ALS(alpha=a - 1)``; its default,
    1, is 0 here, where what a user has counts no more than what they have not.

    A user who was not there when the model was fitted gets the vector that is best for the
    history given, with the items held fixed; so does everybody with ``recalculate_user=True``.
    The vectors of users that fitting leaves are older than those of the items by half a turn, and
    come from three steps of conjugate gradients; those worked out anew are exact, and give
    slightly other scores. Somebody without a history has a vector of zeros, and so has an item
    that nobody has: that says nothing, so neither takes part in a recommendation.

    It runs on the CPU. A seed gives the same factors to the last bit, however many threads
    `implicit` takes: each vector is the work of one, and the BLAS is held to one. Another
    processor or BLAS may round differently; with float64 that hardly ever shows in a list.
    """

    learned = ("user_factors", "item_factors", "scores_are_dot_products")
    scores_are_dot_products = True
    user_factors: Any = None  # arrays once it is fitted
    item_factors: Any = None

    def __init__(
        self,
        factors: int = 64,
        regularization: float = 0.01,
        iterations: int = 20,
        alpha: float = 1.0,
        seed: int = 42,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        self.factors = need_positive(factors, "factors")
        self.regularization = _need_from_zero(regularization, "regularization")
        self.iterations = need_positive(iterations, "iterations")
        self.alpha = _need_from_zero(alpha, "alpha")
        self.seed = need_seed(seed)
        self.dtype = np.dtype(dtype).name
        choose(self.dtype, "dtype", float32=0, float64=0)

    def fit(self, user_items: sparse.csr_matrix, n_items: int | None = None) -> Self:
        """Learn from who has what, as every :class:`Recommender`; no interaction may be negative.

        Parameters
        ----------
        user_items
            Sparse, shape (n_users, n_items).
        n_items
            How many items there are, ``len(train.items)``. With it, a matrix of items × users is
            refused at once, otherwise as soon as ``recommend`` is given rows of another length.
        """
        shape: tuple[int, ...] = getattr(user_items, "shape", ())
        if n_items is not None and len(shape) == 2 and shape[1] != n_items:
            hint = "it is items × users, so transpose it" if shape[0] == n_items else "count again"
            raise DataError(
                f"The matrix to fit has {shape[0]} rows and {shape[1]} columns, and needs a column "
                f"for each of {n_items} items; {hint}."
            )
        return super().fit(user_items)

    def explain(
        self, userid: int, user_items: sparse.csr_matrix, itemid: int, N: int = 10
    ) -> tuple[IdArray, Scores]:
        """Return which items of a history add most to the score of an item.

        Parameters
        ----------
        userid
            A row number; only the history is needed, for the vector is worked out from it.
        user_items
            Sparse, shape (1, n_items): the history, as in ``user_items[userid]``.
        itemid
            The column of the item to explain.
        N
            How many items to return.

        Returns
        -------
        ids, contributions
            int32 and float32, shape (N,): items of the history and what each adds, which may be
            less than 0; largest first, and of equals the lowest column first. All of them add up
            to the score that ``recommend(..., recalculate_user=True)`` gives the item; see
            :func:`course_utils.models.confidence.contributions`. Where the history has fewer
            than `N` items, -1 and -inf follow.

        Raises
        ------
        DataError
            As ``recommend`` does, and when `itemid` is no column.
        """
        self._need_fitted()
        shape = (self.n_users, self.n_items)
        return largest_parts(userid, user_items, itemid, N, shape, self._parts)

    def loss(self, user_items: sparse.csr_matrix) -> float:
        """Return what fitting makes small: the objective, divided by the sum of confidences.

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
        self.user_factors = self.item_factors = None  # should it fail, nothing is left of before
        confidence = confidence_of(matrix, self.alpha)
        with _one_blas_thread():
            model = self._implicit(num_threads=0)
            model.fit(confidence, show_progress=False)
        self.user_factors, self.item_factors = model.user_factors, model.item_factors
        both = np.concatenate([self.user_factors, self.item_factors])
        self.scores_are_dot_products = bool(both.any(axis=1).all())  # else some are no scores

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

    def _parts(self, history: sparse.csr_matrix, item: int) -> npt.NDArray[Any]:
        weights = confidence_of(history, self.alpha)
        try:
            return contributions(self.item_factors, weights, self.regularization, item)
        except np.linalg.LinAlgError:
            raise DataError(NOT_SOLVABLE) from None

    def _best_vectors(self, history: sparse.csr_matrix) -> npt.NDArray[Any]:
        with _one_blas_thread():
            model = self._implicit(num_threads=1)  # batches of users share the cores already
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


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Hold the BLAS to one thread: faster beside `implicit`'s own, and sums keep their order."""
    import implicit.cpu.als  # noqa: F401 - brings SciPy's BLAS, and the limit must see it
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def _need_from_zero(value: object, name: str) -> float:
    """Return `value` as a float, or raise a DataError when it is no finite number from 0."""
    number = float(value) if isinstance(value, Real) else np.nan
    if not 0 <= number < np.inf:
        raise DataError(f"{name} must be a number from 0, and is {value!r}.")
    return number
