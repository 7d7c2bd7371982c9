"""Films whose texts are like the texts of films that somebody liked: no other person is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender
from course_utils.ranking import Scores
from course_utils.text.embeddings import Embeddings
from course_utils.text.encoding import unit_length
from course_utils.validation import BoolArray, IntArray, choose

Vectors = npt.NDArray[np.float32]


class ContentModel(Recommender):
    r"""Rank items by the cosine between their embedding and the mean of those a user liked.

    .. math::

        \mathrm{profile}(u) = \sum_{i \in u} r_{ui} \frac{e_i}{\lVert e_i \rVert},
        \qquad \mathrm{score}(u, j) = \cos(\mathrm{profile}(u), e_j)

    with :math:`e_i` the embedding of item i. An item that nobody has is recommended like any
    other: its text is enough.

    Parameters
    ----------
    embeddings
        `Embeddings` of at least the films in `items`; or an array whose row i is that of column
        i, shape (n_items, d), where you know that it is.
    items
        The movie id of each column of the matrix, ``train.items``. With it the embeddings are
        brought into the order of the columns; `Embeddings` are not taken without.
    weights
        "values" counts an item by its value :math:`r_{ui}` in the matrix: 1 for positives, or
        stars, or less the older it is. Below 0 it pushes away. "equal" counts each item once.
    center
        Subtract the mean of all items' embeddings first. Encoders give all texts of one kind a
        large part in common, which says nothing about taste; without it, more
        held-out films are found (tests/real/test_real_content.py).

    Attributes
    ----------
    vectors
        float32, shape (n_items, d): the embeddings in the order of the columns, centered if
        asked for, of length 1.

    Raises
    ------
    DataError
        When films have no embedding, it is not known whose the embeddings are, or they are no
        table of finite numbers.

    Notes
    -----
    What is served depends on the history alone, so users that were not there when the model was
    fitted are served alike. Without a history, or when its embeddings add up to nothing, nothing
    is recommended; nor is an item whose embedding is zero, as TF-IDF gives it to a text without
    a word that it knows.

    Examples
    --------
    Recent films count more when the matrix says so, here half as much for each year:

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
        choose(weights, "weights", values=0, equal=0)
        self.weights, self.center = weights, center
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


def column_vectors(
    embeddings: Embeddings | npt.ArrayLike, items: npt.ArrayLike | None, center: bool = False
) -> Vectors:
    """Return embeddings of length 1 in the order of a matrix's columns, shape (n_items, d).

    Centered, they are of length 1 before and after the mean is subtracted.

    Raises
    ------
    DataError
        When it is not known which row belongs to which column, films have no embedding, or the
        embeddings are no table of finite numbers.
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
        table = np.asarray(embeddings)
        rows = np.arange(len(table) if table.ndim else 0, dtype=np.int32)
        vectors = Embeddings(table, rows).vectors
    vectors = unit_length(vectors)
    if center and len(vectors):
        says = vectors.any(axis=1)  # zeros stay zeros
        vectors[says] = unit_length(vectors[says] - vectors[says].mean(axis=0))
    return vectors


def need_vectors_for(vectors: Vectors, n_items: int) -> None:
    """Raise a DataError unless there is a vector for each item."""
    if len(vectors) != n_items:
        raise DataError(
            f"There are embeddings of {len(vectors):,} films, and the matrix has {n_items:,} "
            "columns; give the movie ids of its columns: items=train.items."
        )
