"""Lists of recommended items, and what stands beside them: checked in one place."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
T = TypeVar("T")

NOTHING = -1  # stands in a list where there is no recommendation


def as_lists(
    recommended: npt.ArrayLike, n_items: int, n_users: int | None = None
) -> tuple[npt.NDArray[Any], BoolArray]:
    """Return the lists as an array, and which users have no recommendation at all, only -1.

    Parameters
    ----------
    recommended
        Integers, shape (n_users, k_columns): item columns, best first, -1 for no item.
    n_items
        How many columns there are to recommend.
    n_users
        How many rows the matrix has that the lists are laid against, if there is one.

    Raises
    ------
    DataError
        When it is no table of integers, has other rows than the matrix, or holds an item that
        is out of range or stands twice in one list.
    """
    lists = _as_table(recommended)
    if n_users is not None and len(lists) != n_users:
        turned = len(lists) == n_items
        hint = "it looks like items × users: transpose it" if turned else "both need a row a user"
        raise DataError(
            f"There are {len(lists)} lists of recommendations, but the matrix has {n_users} rows "
            f"and {n_items} columns; {hint}."
        )
    return lists, _check_ids(lists, n_items)


def as_matrix(lists: npt.NDArray[Any], n_items: int) -> sparse.csr_matrix:
    """Return checked lists as a csr, shape (n_users, n_items), 1.0 where an item is recommended."""
    here = lists != NOTHING
    ends = np.append(0, np.cumsum(here.sum(axis=1)))
    columns = lists[here]
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(lists), n_items))


def divide(above: npt.ArrayLike, below: npt.NDArray[Any]) -> FloatArray:
    """Divide, with NaN where `below` is 0."""
    quotient: FloatArray = np.full(below.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def as_pairs(matrix: sparse.csr_matrix, what: str) -> sparse.csr_matrix:
    """Return a csr whose stored entries are exactly the pairs that are not 0, each once, in order.

    Parameters
    ----------
    matrix
        Sparse, of any format; it is not changed.
    what
        How the message names it.

    Raises
    ------
    DataError
        When it is no sparse matrix of two dimensions, or holds NaN.
    """
    if not sparse.issparse(matrix) or matrix.ndim != 2:
        raise DataError(
            f"{what} must be a sparse matrix, and is {type(matrix).__name__}; "
            "scipy.sparse.csr_matrix(...) makes one."
        )
    pairs = matrix.tocsr()
    if pairs.dtype.kind == "f" and np.isnan(pairs.data).any():
        raise DataError(f"{what} holds NaN; leave such an entry out or make it 1.")
    if not pairs.has_canonical_format or not pairs.data.all():
        pairs = pairs.copy()  # the caller's matrix stays as it is
        pairs.sum_duplicates()
        pairs.eliminate_zeros()
    return pairs


def need_positive(value: object, name: str) -> int:
    """Return `value` as an int, or raise a DataError when it is no integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise DataError(f"{name} must be an integer of at least 1, and is {value!r}.")
    return int(value)


def need_cutoffs(ks: int | Iterable[int]) -> tuple[int, ...]:
    """Return one cut-off or several as a tuple, or raise a DataError when one is below 1."""
    several = tuple(ks) if isinstance(ks, Iterable) else (ks,)
    if not several:
        raise DataError("There is no cut-off k; give at least one, such as 10.")
    return tuple(need_positive(k, "The cut-off k") for k in several)


def choose(choice: str, argument: str, **values: T) -> T:
    """Return the value of a choice, or raise a DataError that lists all the choices."""
    if choice not in values:
        raise DataError(
            f"{argument} must be one of {', '.join(map(repr, values))}, not {choice!r}."
        )
    return values[choice]


def _as_table(recommended: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        lists = np.asarray(recommended)
    except ValueError:  # lists of several lengths
        raise DataError("The lists differ in length; fill the short ones up with -1.") from None
    if lists.ndim != 2:
        raise DataError(
            "The recommendations must be a table of shape (users, ranks), and have the shape "
            f"{lists.shape}; a single list is one row: [[4, 2, 7]]."
        )
    if lists.dtype.kind not in "iu" and lists.size:
        raise DataError(
            f"The recommendations must be integers, columns of the items, and are {lists.dtype}."
        )
    return lists.astype(np.int64) if lists.dtype.kind not in "i" else lists


def _check_ids(lists: npt.NDArray[Any], n_items: int) -> BoolArray:
    """Refuse unknown and repeated items; return who has no recommendation at all."""
    if not lists.shape[1]:
        return np.ones(len(lists), dtype=bool)
    ordered = np.sort(lists, axis=1)
    outside = (ordered[:, 0] < NOTHING) | (ordered[:, -1] >= n_items)
    if outside.any():
        row = int(outside.argmax())
        item = ordered[row, 0] if ordered[row, 0] < NOTHING else ordered[row, -1]
        raise DataError(
            f"The list of user row {row} holds item {item}, but items are columns from 0 to "
            f"{n_items - 1}, and -1 for none; movie ids must become columns first."
        )
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NOTHING)
    if twice.any():
        row, position = (int(index[0]) for index in twice.nonzero())
        raise DataError(
            f"The list of user row {row} holds item {ordered[row, position]} twice; "
            "recommend each item once."
        )
    missing: BoolArray = ordered[:, -1] == NOTHING
    return missing
