"""What ALS minimizes: preferences weighted by confidence, over all cells of the matrix.

With b_ui = 1 where user u has item i and 0 elsewhere, and the confidence c_ui of each cell, it is

    Σ_ui c_ui (b_ui - p_u · q_i)² + λ (Σ_u ‖p_u‖² + Σ_i ‖q_i‖²).

Hu, Koren & Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM); the
paper writes p_ui, x_u, y_i for b_ui, p_u, q_i.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.ranking import BLOCK, entries
from course_utils.validation import FloatArray


def confidence_of(user_items: sparse.csr_matrix, alpha: float) -> sparse.csr_matrix:
    """Return 1 + α r in place of each interaction r; a cell without one has the confidence 1.

    Parameters
    ----------
    user_items
        csr, float32, shape (n_users, n_items).
    alpha
        α, from 0.

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
    with np.errstate(over="ignore"):  # what overflows is refused below
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
        What :func:`confidence_of` returned, shape (n_users, n_items).
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


def contributions(
    item_factors: npt.NDArray[Any], confidence: sparse.csr_matrix, regularization: float, item: int
) -> FloatArray:
    """Return what each item of one history adds to the score of `item`.

    With the items held fixed, the best vector for a history is p = W Σ_j c_j q_j, where j runs
    over the history and W = (Σ_i c_i q_i q_iᵀ + λ I)⁻¹, where i runs over all items. So the score
    of an item q is a sum over the history, Σ_j c_j (qᵀ W q_j); section 5 of the paper.

    Parameters
    ----------
    item_factors
        Shape (n_items, d).
    confidence
        What :func:`confidence_of` returned for the history, shape (1, n_items).
    regularization
        λ.
    item
        The column of the item to explain.

    Returns
    -------
    ndarray
        float64, one number for each entry of `confidence`, in their order.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the matrix to invert is singular.
    """
    items = np.asarray(item_factors, dtype=np.float64)
    mine, weight = items[confidence.indices], confidence.data.astype(np.float64)
    equations = items.T @ items + (mine * (weight - 1)[:, None]).T @ mine
    equations += regularization * np.eye(items.shape[1])
    parts: FloatArray = weight * (mine @ np.linalg.solve(equations, items[item]))
    return parts
