"""What must hold before a model is fitted or asked, each checked with one clear sentence."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.interactions import Interactions
from course_utils.lists import as_pairs

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def as_user_items(matrix: sparse.csr_matrix, what: str) -> sparse.csr_matrix:
    """Return a matrix as csr of float32 whose entries are not 0, each once, in order.

    Parameters
    ----------
    matrix
        Sparse, of any format and any type of number; it is not changed. Entries that stand twice
        are added up, as SciPy reads them.
    what
        How the message names it.

    Raises
    ------
    DataError
        When it is no sparse matrix of real numbers, or holds NaN, infinity, or a number that
        float32 cannot hold.
    """
    if isinstance(matrix, Interactions):
        raise DataError(f"{what} is an Interactions object; give its matrix: train.matrix.")
    pairs = as_pairs(matrix, what) if _is_bool(matrix) else matrix  # True + True is True
    if sparse.issparse(pairs) and pairs.dtype != np.float32:
        if pairs.dtype.kind not in "biuf":
            raise DataError(f"{what} must hold real numbers, and holds {pairs.dtype}.")
        with np.errstate(over="ignore"):  # what overflows is refused below
            pairs = pairs.astype(np.float32)
    pairs = sparse.csr_matrix(as_pairs(pairs, what))
    if not np.isfinite(pairs.data).all():
        raise DataError(f"{what} holds infinity, or a number beyond float32; leave it out.")
    return pairs


def need_shape(matrix: sparse.csr_matrix) -> None:
    """Raise a DataError when there is nothing in `matrix` that a model could be fitted to."""
    n_users, n_items = matrix.shape
    if not n_users or not n_items:
        raise DataError(
            f"The matrix to fit has {n_users} users × {n_items} items, so there is nothing to fit."
        )
    if not matrix.nnz:
        raise DataError(
            f"The matrix to fit, {n_users} users × {n_items} items, holds nothing but zeros; were "
            "all its rows filtered away?"
        )


def need_userids(userids: npt.ArrayLike) -> IntArray:
    """Return row numbers as an array of at most one dimension, or raise a DataError."""
    rows = np.asarray(userids)
    if rows.ndim > 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise DataError(
            "`userids` must be one row number or a list of them, and is an array of "
            f"{rows.dtype} with shape {rows.shape}."
        )
    if rows.size and rows.min() < 0:
        raise DataError(f"`userids` holds {rows.min()}, but rows are counted from 0.")
    return rows.astype(np.int64)


def need_history(
    user_items: sparse.csr_matrix, n_asked: int, shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Return the histories of the users asked for, or raise a DataError when they do not fit.

    Parameters
    ----------
    user_items
        Sparse, one row for each user asked for.
    n_asked
        How many users that is.
    shape
        Of the matrix that the model was fitted on.
    """
    history = as_user_items(user_items, "`user_items`")
    n_users, n_items = shape
    n_rows, n_columns = history.shape
    if n_columns != n_items:
        turned = n_columns == n_users
        hint = (
            "one of them is items × users, so transpose it"
            if turned
            else "columns must be the same items, as encode(..., items=train.items) makes them"
        )
        raise DataError(
            f"`user_items` has {n_columns} columns, and the model was fitted on {n_users} users × "
            f"{n_items} items; {hint}."
        )
    if n_rows != n_asked:
        raise DataError(
            f"`user_items` has {n_rows} rows for {n_asked} users; give the rows of those users, in "
            "their order: user_items[userids]."
        )
    return history


def excluded_items(
    items: npt.ArrayLike | None, filter_items: npt.ArrayLike | None, n_items: int
) -> BoolArray | None:
    """Return which columns are no candidates, shape (n_items,); None when all are candidates."""
    if items is None and filter_items is None:
        return None
    excluded = np.full(n_items, items is not None)
    if items is not None:
        excluded[need_columns(items, n_items, "`items`")] = False
    if filter_items is not None:
        excluded[need_columns(filter_items, n_items, "`filter_items`")] = True
    return excluded


def need_columns(columns: npt.ArrayLike, n_items: int, what: str) -> IntArray:
    """Return item columns as an array of at most one dimension, or raise a DataError."""
    array = np.asarray(columns)
    if array.ndim > 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(
            f"{what} must be item columns, and is an array of {array.dtype} with shape "
            f"{array.shape}."
        )
    bad = array[(array < 0) | (array >= n_items)] if array.ndim else array
    if bad.size and (array.ndim or not 0 <= array < n_items):
        raise DataError(
            f"{what} holds {bad.flat[0]}, but items are columns from 0 to {n_items - 1}; movie ids "
            "become columns with Interactions.columns_of."
        )
    return array.astype(np.int64)


def need_number(value: object, name: str, above: bool = False) -> float:
    """Return `value` as a float, or raise a DataError when it is below 0 or, if `above`, 0."""
    number = np.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    if not 0 <= number < np.inf or (above and number == 0):
        bound = "above 0" if above else "of at least 0"
        raise DataError(f"{name} must be a number {bound}, and is {value!r}.")
    return number


def need_seed(value: object) -> int:
    """Return `value` as an int, or raise a DataError when it is no integer of at least 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise DataError(f"seed must be an integer of at least 0, and is {value!r}.")
    return int(value)


def _is_bool(matrix: sparse.csr_matrix) -> bool:
    return bool(sparse.issparse(matrix) and matrix.dtype == np.bool_)
