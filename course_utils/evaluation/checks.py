"""What must hold before a model is evaluated, each checked with one clear sentence."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import CourseWarning, DataError
from course_utils.lists import as_pairs


def need_users(users: npt.ArrayLike | None, n_users: int) -> npt.NDArray[np.int64]:
    """Return row numbers, all of them for None, or raise a DataError when one is no row."""
    if users is None:
        return np.arange(n_users)
    rows = np.asarray(users)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise DataError(
            f"`users` must be a list of row numbers, and is {rows.dtype} of shape {rows.shape}."
        )
    bad = rows[(rows < 0) | (rows >= n_users)]
    if bad.size:
        raise DataError(
            f"There is no user row {bad[0]}: rows go from 0 to {n_users - 1}; user ids become rows "
            "with Interactions.rows_of."
        )
    return rows.astype(np.int64)


def need_recommender(model: Any) -> None:
    """Raise a DataError when `model` cannot recommend: it is a class, or not fitted."""
    name = model.__name__ if isinstance(model, type) else type(model).__name__
    if isinstance(model, type):
        raise DataError(f"{name} is a class, not a model; make one and fit it: {name}().fit(...).")
    if not callable(getattr(model, "recommend", None)):
        raise DataError(f"{name} has no method recommend(userids, user_items, N=10).")
    if getattr(model, "similarity", 0) is None:  # implicit's nearest neighbors before fit
        raise DataError(f"The model {name} is not fitted; call model.fit(train) first.")


def need_same_shape(model: Any, factors: Any, shape: tuple[int, int]) -> None:
    """Refuse a model that was fitted on a matrix of another shape, as far as it shows."""
    if factors is not None:
        fitted = (len(factors[0]), len(factors[1]))
        if fitted != shape:
            turned = fitted == shape[::-1]
            hint = "users and items are swapped" if turned else "fit it on the same matrix"
            raise DataError(
                f"The model was fitted on {fitted[0]} users × {fitted[1]} items, and the training "
                f"matrix is {shape[0]} × {shape[1]}: {hint}."
            )
    similar = getattr(getattr(model, "similarity", None), "shape", None)
    if similar is not None and len(similar) == 2 and similar != (shape[1], shape[1]):
        turned = similar == (shape[0], shape[0])
        hint = "users and items are swapped" if turned else "fit it on the same matrix"
        raise DataError(
            f"The model was fitted on {similar[0]} items, and the training matrix is {shape[0]} "
            f"users × {shape[1]} items: {hint}."
        )


def need_split(
    train: sparse.csr_matrix, test: sparse.csr_matrix
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return both as csr without zeros, or raise a DataError when they are no split.

    A CourseWarning says how many pairs stand in both.
    """
    known = sparse.csr_matrix(as_pairs(train, "The training matrix"))
    hidden = sparse.csr_matrix(as_pairs(test, "The test matrix"))
    if known.shape != hidden.shape:
        hint = (
            "one of them is items × users, so transpose it"
            if known.shape == hidden.shape[::-1]
            else "encode(test, users=train.users, items=train.items) gives them the same rows and "
            "columns"
        )
        raise DataError(
            f"The training matrix has the shape {known.shape} and the test matrix {hidden.shape}, "
            f"but both must be users × items; {hint}."
        )
    if not hidden.nnz:
        raise DataError("The test set is empty: no user has anything in it to be found.")
    both = known.astype(bool).multiply(hidden.astype(bool)).tocsr()
    if both.nnz:
        row = int(np.argmax(np.diff(both.indptr) > 0))
        warnings.warn(
            f"{both.nnz:,} of the {hidden.nnz:,} pairs of the test set are in the training set "
            f"too, the first of user row {row}; they are never recommended and count as missed.",
            CourseWarning,
            stacklevel=3,
        )
    return known, hidden


def need_rows_for(n_items: int, **tables: Any) -> None:
    """Raise a DataError that names the first table, None aside, without a row for each item."""
    for name, table in tables.items():
        shape = np.shape(table) if not sparse.issparse(table) else table.shape
        if table is not None and (len(shape) != 2 or shape[0] != n_items):
            raise DataError(
                f"`{name}` must have one row for each of the {n_items} items, and has the shape "
                f"{shape}."
            )
