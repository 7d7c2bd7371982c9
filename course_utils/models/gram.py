"""How often two items meet: the matrix XᵀX, which item-kNN and EASE both begin with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.ranking import for_each_batch

SPARSE_COST = 300  # one multiplication of sparse matrices takes as long as so many in BLAS
ROWS = 256  # of the product, at once
CHUNK = 2**24  # cells of a dense part: 64 MB


def gram(matrix: sparse.csr_matrix) -> npt.NDArray[np.float32]:
    """Return XᵀX of a csr X, dense: for each pair of items the sum over users of x_i · x_j.

    A few items have most of the entries. Among these the product is computed densely, by BLAS,
    and the rest with sparse matrices; where one ends and the other begins is chosen by their
    cost.

    Parameters
    ----------
    matrix
        csr of float32, shape (n_users, n_items), its entries sorted and none twice.

    Returns
    -------
    ndarray
        float32, shape (n_items, n_items), symmetric. Whole numbers are exact up to 2²⁴.
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
    product[np.ix_(popular, popular)] = _dense(by_item[:, popular].tocsr())
    return product


def _popular_and_rest(
    matrix: sparse.csr_matrix, by_item: sparse.csc_matrix
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the columns, ascending, to be multiplied densely and those to be left sparse."""
    n_users, n_items = matrix.shape
    order = np.argsort(-np.diff(by_item.indptr), kind="stable")
    each = np.diff(matrix.indptr).astype(np.float64)  # how many items a user's item meets
    meetings = each @ (by_item != 0)
    left = meetings.sum() - np.append(0, np.cumsum(meetings[order]))
    n_popular = int(np.argmin(n_users * np.arange(n_items + 1.0) ** 2 + SPARSE_COST * left))
    return np.sort(order[:n_popular]), np.sort(order[n_popular:])


def _dense(part: sparse.csr_matrix) -> npt.NDArray[np.float32]:
    n_users, n_items = part.shape
    total = np.zeros((n_items, n_items), dtype=np.float32)
    step = max(1, CHUNK // max(1, n_items))
    for start in range(0, n_users, step):
        dense = part[start : start + step].toarray()
        total += dense.T @ dense  # NumPy sees that it is symmetric and computes one half
    return total
