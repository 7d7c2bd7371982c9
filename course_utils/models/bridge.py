"""From words to factors: what a film's factors would be, had people seen it."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender
from course_utils.models.content import column_vectors, need_vectors_for
from course_utils.ranking import Scores
from course_utils.text.embeddings import Embeddings
from course_utils.validation import IntArray, need_number, need_positive


class FactorBridge(Recommender):
    r"""A factor model in which films that few people have get their factors from their texts.

    On the films that enough people have, a ridge regression learns to predict factors from
    embeddings (Gantner et al. 2010, ICDM, map attributes to factors in this way),

    .. math::

        \min_{W, b} \sum_{i} \lVert W e_i + b - q_i \rVert^2 + \lambda \lVert W \rVert^2,

    and :math:`W e_j + b` becomes the vector of each other film j.

    Parameters
    ----------
    model
        A model whose scores are dot products of factors, such as `ALS`. Fitting the bridge fits
        it.
    embeddings, items
        As in :class:`course_utils.models.ContentModel`.
    l2
        λ, above 0: the larger, the closer all predictions are to the mean of the factors.
    min_users
        So many users must have an item for its own factors to be used, and learned from.

    Attributes
    ----------
    coefficients, intercept
        W, shape (d, dimensions of the embeddings), and b, shape (d,).
    item_factors
        Shape (n_items, d): the model's own, or the predicted ones.
    bridged
        bool, shape (n_items,): which are predicted.

    Raises
    ------
    DataError
        As `ContentModel` does; when the model is none of factors; and by ``fit``, when no item
        has enough users to learn from.

    Notes
    -----
    The mean of the factors is a good guess for a popular film and too good a one for a new film:
    predicted vectors know what a film is about, not how few have seen it.
    """

    learned = ("vectors", "item_factors", "bridged", "coefficients", "intercept")

    def __init__(
        self,
        model: Recommender,
        embeddings: Embeddings | npt.ArrayLike,
        items: npt.ArrayLike | None = None,
        l2: float = 1.0,
        min_users: int = 5,
    ) -> None:
        if not isinstance(model, Recommender) or not type(model).scores_are_dot_products:
            raise DataError(
                f"{type(model).__name__} is no model whose scores are dot products of factors; "
                "give one, such as ALS()."
            )
        self.model: Any = model
        self.vectors = column_vectors(embeddings, items)
        self.l2 = need_number(l2, "l2", above=True)
        self.min_users = need_positive(min_users, "min_users")

    def __repr__(self) -> str:
        n, d = self.vectors.shape
        return (
            f"FactorBridge({self.model!r}, {n:,} films × {d}, l2={self.l2!r}, "
            f"min_users={self.min_users!r})"
        )

    def factors_of(self, embeddings: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the factors that films would have, also films that are no columns.

        Parameters
        ----------
        embeddings
            Shape (n, d), from the same encoder.

        Returns
        -------
        ndarray
            float32, shape (n, factors).
        """
        self._need_fitted()
        vectors = column_vectors(embeddings, None)
        if vectors.shape[1] != self.vectors.shape[1]:
            raise DataError(
                f"These embeddings have {vectors.shape[1]} dimensions, and those of the bridge "
                f"{self.vectors.shape[1]}; encode with the same model."
            )
        return self._predicted(vectors).astype(np.float32)

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        from sklearn.linear_model import Ridge

        need_vectors_for(self.vectors, matrix.shape[1])
        n_users_of = np.bincount(matrix.indices, minlength=matrix.shape[1])
        self.bridged = n_users_of < self.min_users
        if self.bridged.all():
            raise DataError(
                f"No item has {self.min_users} users, so there is nothing to learn the bridge "
                f"from; lower min_users, at most to {n_users_of.max()}."
            )
        self.model.fit(matrix)
        own = np.asarray(self.model.item_factors)
        warm = ~self.bridged
        regression = Ridge(self.l2).fit(self.vectors[warm], own[warm])
        self.coefficients, self.intercept = regression.coef_, regression.intercept_
        self.item_factors = own.copy()
        self.item_factors[self.bridged] = self._predicted(self.vectors[self.bridged])

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        scores: Scores = self._with_predictions()._scores(userids, history, recalculate)
        return scores

    def _similarities(self, columns: IntArray) -> Scores:
        similar: Scores = self._with_predictions()._similarities(columns)
        return similar

    def _arguments(self) -> dict[str, Any]:
        return {
            "model": self.model, "embeddings": self.vectors, "l2": self.l2,
            "min_users": self.min_users,
        }  # fmt: skip

    def _predicted(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        factors: npt.NDArray[Any] = vectors @ self.coefficients.T + self.intercept
        return factors

    def _with_predictions(self) -> Any:
        """Return the model as it would be with the predicted factors; it shares the others."""
        model = copy(self.model)
        model.item_factors = self.item_factors
        model.scores_are_dot_products = False  # a vector of zeros says nothing
        return model
