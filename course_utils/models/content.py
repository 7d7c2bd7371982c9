"""Models that know items by embeddings of their texts: a content model, and factors from texts."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender
from course_utils.ranking import Scores
from course_utils.text.embeddings import Embeddings
from course_utils.text.encoding import unit_length
from course_utils.validation import BoolArray, IntArray, need_choice, need_number, need_positive

Vectors = npt.NDArray[np.float32]


class ContentModel(Recommender):
    r"""Rank items by the cosine between their embedding and the mean of those a user liked.

    .. math::

        \mathrm{profile}(u) = \sum_{i \in u} r_{ui} \frac{e_i}{\lVert e_i \rVert},
        \qquad \mathrm{score}(u, j) = \cos(\mathrm{profile}(u), e_j)

    with :math:`e_i` the embedding of item i. Items without users are recommended like any other:
    only the text is used.

    Parameters
    ----------
    embeddings
        `Embeddings` of at least the films in `items`; or an array, shape (n_items, d), whose row i
        must be the embedding of column i.
    items
        The movie id of each column of the matrix, ``train.items``: the rows of the embeddings are
        reordered to match the columns. Required with `Embeddings`.
    weights
        "values" weights each item by its value :math:`r_{ui}` in the matrix: 1 for positives,
        stars for ratings, or a decayed value; below 0 it counts against similar items. "equal"
        gives each item weight 1.
    center
        Subtract the mean embedding of all items first: what all texts have in common says nothing
        about taste, and more held-out films are found (tests/real/test_real_content.py).

    Attributes
    ----------
    vectors
        float32, shape (n_items, d): the embeddings in the order of the columns, centered if
        requested, and normalized to length 1.

    Raises
    ------
    DataError
        When films have no embedding, the rows of the embeddings cannot be assigned to columns, or
        they are not a table of finite numbers.

    Notes
    -----
    Scores depend on the history alone, also for users that were not in the training matrix. A user
    without a history, or whose profile is zero, gets no recommendations. An item with a zero
    embedding is never recommended; TF-IDF gives one to a text without known words.

    Examples
    --------
    Recent films count more when the matrix holds decayed values, here half for each year:

    >>> liked = sparse.csr_matrix([[1.0, 1.0, 0.0, 0.0]])
    >>> age = np.array([3.0, 0.0])  # in years, of the entries in their order
    >>> liked.data *= 0.5**age
    >>> model = ContentModel(np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.1, 0.9]])).fit(liked)
    >>> model.recommend(0, liked, N=2)[0]
    array([3, 2], dtype=int32)
    """

    learned = ("vectors", "_silent")

    def __init__(
        self,
        embeddings: Embeddings | npt.ArrayLike,
        items: npt.ArrayLike | None = None,
        weights: str = "values",
        center: bool = False,
    ) -> None:
        self.weights = need_choice(weights, "weights", "values", "equal")
        self.center = center
        self.vectors = column_vectors(embeddings, items, center)
        self._silent: BoolArray = np.asarray(~self.vectors.any(axis=1))

    def __repr__(self) -> str:
        n, d = self.vectors.shape
        return f"ContentModel({n:,} films × {d}, weights={self.weights!r}, center={self.center})"

    def _arguments(self) -> dict[str, Any]:
        return {"embeddings": self.vectors, "weights": self.weights, "center": self.center}

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        need_vectors_for(self.vectors, matrix.shape[1])

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        if self.weights == "equal":
            ones = np.ones_like(history.data)
            history = sparse.csr_matrix((ones, history.indices, history.indptr), history.shape)
        profiles = np.asarray(history @ self.vectors)
        scores = self._cosines(unit_length(profiles))
        scores[~profiles.any(axis=1)] = -np.inf
        return scores

    def _similarities(self, columns: IntArray) -> Scores:
        scores = self._cosines(self.vectors[columns])
        scores[self._silent[columns]] = -np.inf
        scores[np.arange(len(columns)), columns] = np.where(self._silent[columns], 0, 1)
        return scores

    def _cosines(self, unit_vectors: Vectors) -> Vectors:
        cosines: Vectors = unit_vectors @ self.vectors.T
        cosines[:, self._silent] = -np.inf
        return cosines


class FactorBridge(Recommender):
    r"""A factor model in which items with few users get their factors from their texts.

    A ridge regression, fitted to the items with enough users, predicts factors from embeddings
    (Gantner et al. 2010, ICDM, map attributes to factors in this way),

    .. math::

        \min_{W, b} \sum_{i} \lVert W e_i + b - q_i \rVert^2 + \lambda \lVert W \rVert^2,

    and :math:`W e_j + b` becomes the vector of each other item j.

    Parameters
    ----------
    model
        A model whose scores are dot products of factors, such as `ALS`. Fitting the bridge fits
        it.
    embeddings, items
        As in :class:`ContentModel`.
    l2
        λ, above 0: the larger, the closer all predictions are to the mean of the factors.
    min_users
        Users an item needs for its own factors to be used, and to be learned from.

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
        As `ContentModel`; when `model` is not a factor model; and by ``fit``, when no item has
        enough users.

    Notes
    -----
    The mean of the factors suits a popular film and overrates a new one: predicted vectors encode
    what a film is about, but not how few users have seen it.
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
        """Return predicted factors of films, which need not be columns of the matrix.

        Parameters
        ----------
        embeddings
            Shape (n, d), from the same encoder.

        Returns
        -------
        ndarray
            float32, shape (n, factors).

        Raises
        ------
        DataError
            When the bridge is not fitted, or the embeddings have another dimension.
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
        return self._with_predictions()._scores(userids, history, recalculate)

    def _similarities(self, columns: IntArray) -> Scores:
        return self._with_predictions()._similarities(columns)

    def _arguments(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "embeddings": self.vectors,
            "l2": self.l2,
            "min_users": self.min_users,
        }

    def _predicted(self, vectors: Vectors) -> npt.NDArray[Any]:
        factors: npt.NDArray[Any] = vectors @ self.coefficients.T + self.intercept
        return factors

    def _with_predictions(self) -> Recommender:
        """Return a shallow copy of the model with the predicted factors."""
        model: Recommender = copy(self.model)
        # Zero vectors get no score from a model whose scores are not all dot products.
        vars(model).update(item_factors=self.item_factors, scores_are_dot_products=False)
        return model


def column_vectors(
    embeddings: Embeddings | npt.ArrayLike, items: npt.ArrayLike | None, center: bool = False
) -> Vectors:
    """Return embeddings of length 1 in the order of a matrix's columns, shape (n_items, d).

    With `center` they are normalized both before and after the mean is subtracted.

    Raises
    ------
    DataError
        When the rows of the embeddings cannot be assigned to columns, films have no embedding, or
        the embeddings are not a table of finite numbers.
    """
    if isinstance(embeddings, Embeddings):
        if items is None:
            raise DataError(
                "Rows of embeddings are not columns of a matrix; give the movie ids of the "
                "columns too: items=train.items."
            )
        vectors = embeddings.aligned(items).vectors
    elif items is not None:
        raise DataError(
            "An array does not say whose its rows are, so it cannot be brought into the order of "
            "`items`; give Embeddings(vectors, movie_ids)."
        )
    else:
        table: Any = embeddings
        n_rows = (*np.shape(table), 0)[0]
        vectors = Embeddings(table, np.arange(n_rows, dtype=np.int32)).vectors
    vectors = unit_length(vectors)
    if center and len(vectors):
        nonzero = vectors.any(axis=1)  # zero vectors stay zero
        vectors[nonzero] = unit_length(vectors[nonzero] - vectors[nonzero].mean(axis=0))
    return vectors


def need_vectors_for(vectors: Vectors, n_items: int) -> None:
    """Raise a DataError unless there is one vector for each item."""
    if len(vectors) != n_items:
        raise DataError(
            f"There are embeddings of {len(vectors):,} films, and the matrix has {n_items:,} "
            "columns; give the movie ids of its columns: items=train.items."
        )
