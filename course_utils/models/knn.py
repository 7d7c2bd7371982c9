"""Item-based nearest neighbors: films are alike when the same people have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.models.gram import gram
from course_utils.models.linear import ItemWeights, without_zeros
from course_utils.models.memory import need_pairs_of_items
from course_utils.ranking import BLOCK, Scores, candidates, for_each_batch, write_best
from course_utils.validation import NOTHING, IntArray, need_number, need_positive

PER_NEIGHBOR = 24  # bytes: its column and similarity, more than once while they are put in order


class ItemKNN(ItemWeights):
    r"""The items most similar to those of the history, by the cosine of their columns.

    .. math::

        s_{ij} = \frac{\sum_u r_{ui} r_{uj}}{\lVert r_i \rVert \lVert r_j \rVert + h},
        \qquad \mathrm{score}(u, j) = \sum_{i \in u} r_{ui} s_{ij}

    where only the `k` largest :math:`s_{ij}` of each item i of the history count (Sarwar et al.
    2001, WWW; the shrinkage h as in Ferrari Dacrema et al. 2019, RecSys).

    Parameters
    ----------
    k
        How many neighbors an item has, itself not counted. Items that no user has both of are no
        neighbors. Of equally similar ones the lowest columns are taken.
    shrinkage
        h, at least 0: pulls down the similarity of items that few people have.

    Attributes
    ----------
    similarity
        csr of float32, shape (n_items, n_items): row i holds the neighbors of item i.

    Notes
    -----
    The values of the matrix are used as they are: on positives they are all 1, on ratings they
    are stars.

    Fitting holds a float32 for each pair of items. At the shape of ML-20M, 26,744 items, these
    take 2.7 GiB, and the process 4.0 GiB at its peak, as ``benchmarks/models.py --ml20m`` says.
    Where the machine has too little free, ``fit`` refuses before it begins.

    Examples
    --------
    >>> has = sparse.csr_matrix([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1]])
    >>> model = ItemKNN().fit(has)
    >>> ids, scores = model.recommend(0, has[0], N=3)
    >>> ids.tolist()
    [2, 3, -1]
    >>> because, parts = model.explain(0, has[0], 2, N=2)
    >>> because.tolist(), [f"{part:.2f}" for part in parts]
    ([1, 0], ['0.82', '0.50'])
    """

    learned = ("similarity", "_own")
    similarity: sparse.csr_matrix

    def __init__(self, k: int = 200, shrinkage: float = 0.0) -> None:
        self.k = need_positive(k, "k")
        self.shrinkage = need_number(shrinkage, "shrinkage")

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        n_items = matrix.shape[1]
        k = min(self.k, max(1, n_items - 1))
        need_pairs_of_items("ItemKNN", n_items, PER_NEIGHBOR * k)
        together = gram(matrix)
        squares = together.diagonal()
        ids = np.full((n_items, k), NOTHING, dtype=np.int32)
        nearest = np.full((n_items, k), -np.inf, dtype=np.float32)
        step = max(1, BLOCK // n_items)

        def keep_nearest(start: int) -> None:
            rows = slice(start, start + step)
            similar = self._shrunk_cosine(together[rows], squares[rows, None] * squares)
            similar[np.arange(len(similar)), np.arange(start, start + len(similar))] = -np.inf
            write_best(similar, candidates(similar, k, start), ids[rows], nearest[rows])

        for_each_batch(keep_nearest, range(0, n_items, step))
        there = ids != NOTHING
        ends = np.append(0, np.cumsum(there.sum(axis=1)))
        self.similarity = sparse.csr_matrix((nearest[there], ids[there], ends), together.shape)
        self.similarity.sort_indices()
        self._own = self._shrunk_cosine(squares, squares**2)

    def _shrunk_cosine(self, products: Any, squares: Any) -> npt.NDArray[Any]:
        """Return products / (√squares + h), and -inf where two items do not meet.

        One root of a product instead of a product of two roots: the cosine of two equal columns
        is then 1, and not the next number.
        """
        norms = np.sqrt(squares) + np.float32(self.shrinkage)
        similar: npt.NDArray[Any] = np.full_like(products, -np.inf)
        np.divide(products, norms, out=similar, where=products != 0)
        return similar

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        return without_zeros((history @ self.similarity).toarray())

    def _similarities(self, columns: IntArray) -> Scores:
        scores = without_zeros(self.similarity[columns].toarray())
        scores[np.arange(len(columns)), columns] = np.maximum(self._own[columns], 0)
        return scores

    def _weights_to(self, columns: IntArray, item: int) -> npt.NDArray[Any]:
        return np.asarray(self.similarity[columns, item].toarray()).ravel()
