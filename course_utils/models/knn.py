"""Item-based nearest neighbors, and the Gram matrix that item-kNN and EASE are computed from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender, without_zeros
from course_utils.ranking import BLOCK, Scores, for_each_batch, write_top_k
from course_utils.validation import NOTHING, IntArray, need_number, need_positive

PER_NEIGHBOR = 24  # bytes: column and similarity, several times while they are sorted
PER_PAIR = 4.5  # bytes: a float32, and an eighth more for all smaller arrays
SPARSE_COST = 300  # cost of a sparse multiply-add relative to a BLAS one
ROWS = 256  # rows of the Gram matrix in a batch
CHUNK = 2**24  # cells of a dense block: 64 MB
GB = 10**9


class ItemKNN(Recommender):
    r"""Item-based k-nearest neighbors with the cosine similarity of item columns.

    .. math::

        s_{ij} = \frac{\sum_u r_{ui} r_{uj}}{\lVert r_i \rVert \lVert r_j \rVert + h},
        \qquad \mathrm{score}(u, j) = \sum_{i \in u} r_{ui} s_{ij}

    where only the `k` largest :math:`s_{ij}` of each item i of the history count (Sarwar et al.
    2001, WWW; the shrinkage h as in Ferrari Dacrema et al. 2019, RecSys).

    Parameters
    ----------
    k
        Number of neighbors of an item, the item itself excluded. Items without a common user are
        not neighbors. Ties are broken by the lowest column.
    shrinkage
        h, at least 0: lowers the similarity of items with few users. The defaults are the course's
        settings, chosen on validation by ``python -m tools.notebooks.settings``.

    Attributes
    ----------
    similarity
        csr of float32, shape (n_items, n_items): row i holds the neighbors of item i.

    Notes
    -----
    Values of the matrix are used as they are. A score of 0 means that no item of the history is a
    neighbor, so the item is not recommended: a user without a history gets no recommendations,
    and an item without users is never recommended.

    Fitting needs a float32 for each pair of items: 2.7 GiB at the shape of ML-20M, 26,744 items,
    where the process peaks at 4.0 GiB (``benchmarks/models.py --ml20m``). ``fit`` raises a
    DataError before it allocates more memory than is available.

    Examples
    --------
    >>> has = sparse.csr_matrix([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1]])
    >>> model = ItemKNN(shrinkage=0).fit(has)
    >>> ids, scores = model.recommend(0, has[0], N=3)
    >>> ids.tolist()
    [2, 3, -1]
    >>> because, parts = model.explain(0, has[0], 2, N=2)
    >>> because.tolist(), [f"{part:.2f}" for part in parts]
    ([1, 0], ['0.82', '0.50'])
    """

    learned = ("similarity", "_own")
    similarity: sparse.csr_matrix

    def __init__(self, k: int = 5, shrinkage: float = 5.0) -> None:
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
            write_top_k(similar, ids[rows], nearest[rows], start)

        for_each_batch(keep_nearest, range(0, n_items, step))
        there = ids != NOTHING
        ends = np.append(0, np.cumsum(there.sum(axis=1)))
        self.similarity = sparse.csr_matrix((nearest[there], ids[there], ends), together.shape)
        self.similarity.sort_indices()
        self._own = self._shrunk_cosine(squares, squares**2)

    def _shrunk_cosine(self, products: Any, squares: Any) -> npt.NDArray[Any]:
        """Return products / (√squares + h), and -inf where two items have no common user.

        The root of the product, not the product of two roots: the cosine of two equal columns is
        then exactly 1.
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

    def _contributions(self, history: sparse.csr_matrix, item: int) -> Scores:
        weights = self.similarity[history.indices, item].toarray().ravel()
        return without_zeros(history.data * weights)


def gram(matrix: sparse.csr_matrix) -> npt.NDArray[np.float32]:
    """Return the dense Gram matrix XᵀX of a csr X: Σ_u x_ui · x_uj for each pair of items.

    Most entries belong to a few items. The product among these is dense, by BLAS, and the rest is
    sparse; the number of dense items minimizes the estimated cost.

    Parameters
    ----------
    matrix
        csr of float32, shape (n_users, n_items), indices sorted and without duplicates.

    Returns
    -------
    ndarray
        float32, shape (n_items, n_items), symmetric. Integers are exact up to 2²⁴.
    """
    n_items = matrix.shape[1]
    by_item = matrix.tocsc()
    popular, rest = _popular_and_rest(matrix, by_item)
    product = np.empty((n_items, n_items), dtype=np.float32)

    def fill(start: int) -> None:
        rows = rest[start : start + ROWS]
        met = (by_item[:, rows].T @ matrix).toarray()
        product[rows] = met
        product[np.ix_(popular, rows)] = met[:, popular].T

    for_each_batch(fill, range(0, len(rest), ROWS))
    product[np.ix_(popular, popular)] = _dense_gram(by_item[:, popular].tocsr())
    return product


def _popular_and_rest(
    matrix: sparse.csr_matrix, by_item: sparse.csc_matrix
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the columns for the dense product and those for the sparse one, both ascending."""
    n_users, n_items = matrix.shape
    order = np.argsort(-np.diff(by_item.indptr), kind="stable")
    each = np.diff(matrix.indptr).astype(np.float64)  # items per user
    multiply_adds = each @ (by_item != 0)
    left = multiply_adds.sum() - np.append(0, np.cumsum(multiply_adds[order]))
    n_popular = int(np.argmin(n_users * np.arange(n_items + 1.0) ** 2 + SPARSE_COST * left))
    return np.sort(order[:n_popular]), np.sort(order[n_popular:])


def _dense_gram(part: sparse.csr_matrix) -> npt.NDArray[np.float32]:
    n_users, n_items = part.shape
    total = np.zeros((n_items, n_items), dtype=np.float32)
    step = max(1, CHUNK // max(1, n_items))
    for start in range(0, n_users, step):
        dense = part[start : start + step].toarray()
        total += dense.T @ dense  # NumPy computes one half of a symmetric product
    return total


def need_pairs_of_items(model: str, n_items: int, per_item: float = 0.0) -> None:
    """Raise a DataError when there is too little memory for all pairs of items.

    A pair takes `PER_PAIR` bytes, and an item `per_item` bytes more; the message names the model.
    """
    needed, available = n_items * (PER_PAIR * n_items + per_item), available_bytes()
    if available is not None and needed > available:
        root = math.sqrt(per_item**2 + 4 * PER_PAIR * available)
        n_fit = int((root - per_item) / (2 * PER_PAIR))  # solves needed = available for n_items
        raise DataError(
            f"{model} on {n_items:,} items needs {needed / GB:.2f} GB, most of it for the pairs of "
            f"items, and this machine has {available / GB:.2f} GB free; keep the {n_fit:,} most "
            "popular items, or fewer."
        )


def available_bytes() -> int | None:
    """Return the memory available without swapping, in bytes; None where it is unknown."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # Windows, macOS
        return None
    sizes = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((1024 * int(kib) for kib in sizes), None)
