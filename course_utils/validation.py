"""Validation of arguments, each in one place: numbers, choices, matrices, rows and columns, lists.

``need_*`` functions return a valid value or raise a DataError; ``as_*`` functions also convert it.
The message is one sentence: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import CourseWarning, DataError

__all__ = [
    "NOTHING", "BoolArray", "FloatArray", "IntArray", "Lists", "as_lists", "as_pairs",
    "as_user_items", "excluded_items", "need_choice", "need_columns", "need_cutoffs",
    "need_history", "need_integer", "need_number", "need_positive", "need_recommender",
    "need_rows_for", "need_same_shape", "need_seed", "need_shape", "need_split",
    "need_table_columns", "need_texts", "need_userids", "need_users",
]  # fmt: skip

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NOTHING = -1  # the id that fills a list where there is no recommendation


def need_positive(value: object, name: str) -> int:
    """Return `value` as an int, or raise a DataError when it is no integer of at least 1."""
    return need_integer(value, name, 1)


def need_seed(value: object) -> int:
    """Return `value` as an int, or raise a DataError when it is no integer of at least 0."""
    return need_integer(value, "seed", 0)


def need_integer(value: object, name: str, least: int) -> int:
    """Return `value` as an int, or raise a DataError when it is no integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise DataError(f"{name} must be an integer of at least {least}, and is {value!r}.")
    return int(value)


def need_number(value: object, name: str, above: bool = False) -> float:
    """Return `value` as a float ≥ 0, > 0 with `above`, or raise a DataError."""
    number = np.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    if not 0 <= number < np.inf or (above and number == 0):
        bound = "above 0" if above else "of at least 0"
        raise DataError(f"{name} must be a number {bound}, and is {value!r}.")
    return number


def need_cutoffs(ks: int | Iterable[int]) -> tuple[int, ...]:
    """Return one or several cut-offs k as a tuple, or raise a DataError when one is below 1."""
    several = tuple(ks) if isinstance(ks, Iterable) else (ks,)
    if not several:
        raise DataError("There is no cut-off k; give at least one, such as 10.")
    return tuple(need_positive(k, "The cut-off k") for k in several)


def need_choice(choice: str, argument: str, *choices: str) -> str:
    """Return `choice`, or raise a DataError that lists all the choices."""
    if choice not in choices:
        listed = ", ".join(map(repr, choices))
        raise DataError(f"{argument} must be one of {listed}, not {choice!r}.")
    return choice


def need_table_columns(table: Any, *names: str, hint: str = "") -> None:
    """Raise a DataError that names the first of `names` that is no column of the table."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        only = ", ".join(map(str, table.columns))
        raise DataError(f"The table has no column {missing[0]!r}, only {only}{hint}.")


def need_texts(texts: Iterable[object]) -> list[str]:
    """Return the texts as a list, or raise a DataError that names the first invalid text."""
    if isinstance(texts, str | bytes):
        raise DataError(f"`texts` is one text; give a list of texts: [{texts[:30]!r}].")
    listed = list(texts)
    if not listed:
        raise DataError("There is nothing to encode: the list of texts is empty.")
    return [_need_text(text, number) for number, text in enumerate(listed)]


def _need_text(text: object, number: int) -> str:
    if not isinstance(text, str):
        raise DataError(
            f"Text {number} is {text!r}, no string; leave it out, or write what is known of it."
        )
    if not text.strip():
        raise DataError(
            f"Text {number} is empty, so a vector of it would say nothing; leave it out, or write "
            "what is known of it."
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"Text {number}, {text[:30]!a}, is not valid Unicode; it was decoded wrongly."
        ) from None
    return str(text)


def as_pairs(matrix: sparse.csr_matrix, what: str) -> sparse.csr_matrix:
    """Return a canonical csr without explicit zeros: sorted indices, each pair at most once.

    `matrix` is sparse, of any format, and is not changed; `what` names it in the message. A
    DataError is raised when it is no sparse matrix of two dimensions, or holds NaN.
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
        pairs = pairs.copy()  # the calls below work in place
        pairs.sum_duplicates()
        pairs.eliminate_zeros()
    return pairs


def as_user_items(matrix: sparse.csr_matrix, what: str) -> sparse.csr_matrix:
    """Return a canonical csr of float32 without explicit zeros; else as :func:`as_pairs`.

    Duplicate entries are summed, as SciPy does. Infinity, NaN, complex numbers, and numbers
    beyond float32 raise a DataError.
    """
    if sparse.issparse(getattr(matrix, "matrix", None)):
        raise DataError(f"{what} is an Interactions object; give its matrix: train.matrix.")
    is_bool = sparse.issparse(matrix) and matrix.dtype == np.bool_
    pairs = as_pairs(matrix, what) if is_bool else matrix  # as bool, True + True is True
    if sparse.issparse(pairs) and pairs.dtype != np.float32:
        if pairs.dtype.kind not in "biuf":
            raise DataError(f"{what} must hold real numbers, and holds {pairs.dtype}.")
        with np.errstate(over="ignore"):  # infinity is refused below
            pairs = pairs.astype(np.float32)
    pairs = sparse.csr_matrix(as_pairs(pairs, what))
    if not np.isfinite(pairs.data).all():
        raise DataError(f"{what} holds infinity, or a number beyond float32; leave it out.")
    return pairs


def need_shape(matrix: sparse.csr_matrix) -> None:
    """Raise a DataError when `matrix` has no user, no item or no entry to fit a model to."""
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


def need_history(
    user_items: sparse.csr_matrix, n_asked: int, shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Return users' histories as csr, or raise a DataError when they do not fit.

    `user_items` has one row for each of the `n_asked` users who get recommendations. `shape` is
    that of the matrix that the model was fitted on.
    """
    history = as_user_items(user_items, "`user_items`")
    n_users, n_items = shape
    n_rows, n_columns = history.shape
    if n_columns != n_items:
        hint = (
            "one of them is items × users, so transpose it"
            if n_columns == n_users
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


def need_userids(userids: npt.ArrayLike) -> IntArray:
    """Return row numbers of 0 or more as an array, shape () or (n,), or raise a DataError."""
    rows = np.asarray(userids)
    if rows.ndim > 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise DataError(
            "`userids` must be one row number or a list of them, and is an array of "
            f"{rows.dtype} with shape {rows.shape}."
        )
    if rows.size and rows.min() < 0:
        raise DataError(f"`userids` holds {rows.min()}, but rows are counted from 0.")
    return rows.astype(np.int64)


def need_users(users: npt.ArrayLike | None, n_users: int) -> npt.NDArray[np.int64]:
    """Return row numbers, shape (n,), all rows for None, or raise a DataError."""
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


def need_columns(columns: npt.ArrayLike, n_items: int, what: str) -> IntArray:
    """Return item columns as an array, shape () or (n,), or raise a DataError."""
    array = np.asarray(columns)
    if array.ndim > 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(
            f"{what} must be item columns, and is an array of {array.dtype} with shape "
            f"{array.shape}."
        )
    bad = array.reshape(-1)[((array < 0) | (array >= n_items)).reshape(-1)]
    if bad.size:
        raise DataError(
            f"{what} holds {bad[0]}, but items are columns from 0 to {n_items - 1}; movie ids "
            "become columns with Interactions.columns_of."
        )
    return array.astype(np.int64)


def excluded_items(
    items: npt.ArrayLike | None, filter_items: npt.ArrayLike | None, n_items: int
) -> BoolArray | None:
    """Return the mask of columns that are no candidates, shape (n_items,), or None for no mask."""
    if items is None and filter_items is None:
        return None
    excluded = np.full(n_items, items is not None)
    if items is not None:
        excluded[need_columns(items, n_items, "`items`")] = False
    if filter_items is not None:
        excluded[need_columns(filter_items, n_items, "`filter_items`")] = True
    return excluded


def need_recommender(model: Any) -> None:
    """Raise a DataError when `model` is a class, has no ``recommend``, or is not fitted."""
    name = model.__name__ if isinstance(model, type) else type(model).__name__
    if isinstance(model, type):
        raise DataError(f"{name} is a class, not a model; make one and fit it: {name}().fit(...).")
    if not callable(getattr(model, "recommend", None)):
        raise DataError(f"{name} has no method recommend(userids, user_items, N=10).")
    if getattr(model, "similarity", 0) is None:  # implicit's nearest neighbors before fit
        raise DataError(f"The model {name} is not fitted; call model.fit(train) first.")


def need_same_shape(model: Any, factors: Any, shape: tuple[int, int]) -> None:
    """Raise a DataError when the model's factors or similarities show another shape than `shape`.

    `shape` is that of the training matrix. A model with neither of them passes.
    """
    n_users, n_items = shape
    hints = {True: "users and items are swapped", False: "fit it on the same matrix"}
    fitted = shape if factors is None else (len(factors[0]), len(factors[1]))
    if fitted != shape:
        hint = hints[fitted == shape[::-1]]
        raise DataError(
            f"The model was fitted on {fitted[0]} users × {fitted[1]} items, and the training "
            f"matrix is {n_users} × {n_items}: {hint}."
        )
    similar = getattr(getattr(model, "similarity", None), "shape", None)
    if similar is not None and len(similar) == 2 and similar != (n_items, n_items):
        hint = hints[similar == (n_users, n_users)]
        raise DataError(
            f"The model was fitted on {similar[0]} items, and the training matrix is {n_users} "
            f"users × {n_items} items: {hint}."
        )


def need_split(
    train: sparse.csr_matrix, test: sparse.csr_matrix
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return both as csr without explicit zeros, or raise a DataError when the shapes differ.

    A CourseWarning says how many pairs are in both matrices.
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
            stacklevel=3,  # the caller of evaluate
        )
    return known, hidden


def need_rows_for(n_items: int, **tables: Any) -> None:
    """Raise a DataError that names the first table without one row per item; None is skipped."""
    for name, table in tables.items():
        shape = np.shape(table) if not sparse.issparse(table) else table.shape
        if table is not None and (len(shape) != 2 or shape[0] != n_items):
            raise DataError(
                f"`{name}` must have one row for each of the {n_items} items, and has the shape "
                f"{shape}."
            )


@dataclass(frozen=True, eq=False)  # eq=False: elementwise == is ambiguous
class Lists:
    """Recommendation lists that are valid. Metrics take them and do not validate them again.

    Attributes
    ----------
    ids
        Integers, shape (n_users, k_columns): item columns, best first, -1 for no item.
    n_items
        The number of item columns.
    missing
        bool, shape (n_users,): users who have no recommendation at all.
    """

    ids: npt.NDArray[Any]
    n_items: int
    missing: BoolArray

    def first(self, k: int) -> Lists:
        """Return the first `k` ranks. `missing` still refers to the whole lists."""
        return Lists(self.ids[:, :k], self.n_items, self.missing)

    def of_users(self, rows: IntArray) -> Lists:
        """Return the lists of some rows."""
        return Lists(self.ids[rows], self.n_items, self.missing[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self.ids.astype(dtype or self.ids.dtype, copy=bool(copy))


def as_lists(recommended: npt.ArrayLike, n_items: int, n_users: int | None = None) -> Lists:
    """Return recommendation lists that are valid; a `Lists` is returned as it is.

    `recommended` holds integers, shape (n_users, k_columns): item columns, best first, -1 for no
    item. A DataError is raised when it is no such table, its number of rows is not `n_users` (if
    given), an item is not in 0 … n_items - 1, or an item is repeated in a list.
    """
    valid = recommended if isinstance(recommended, Lists) else None
    ids = _as_table(recommended) if valid is None else valid.ids
    if n_users is not None and len(ids) != n_users:
        turned = len(ids) == n_items
        hint = "it looks like items × users: transpose it" if turned else "both need a row a user"
        raise DataError(
            f"There are {len(ids)} lists of recommendations, but the matrix has {n_users} rows "
            f"and {n_items} columns; {hint}."
        )
    if valid is not None and valid.n_items <= n_items:
        return valid
    return Lists(ids, n_items, _need_items(ids, n_items))


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


def _need_items(lists: npt.NDArray[Any], n_items: int) -> BoolArray:
    """Refuse unknown and repeated items; return which users have no recommendation."""
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
