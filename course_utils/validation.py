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
import pandas as pd
from scipy import sparse

from course_utils.errors import CourseWarning, DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

IDS, TIME = ("user_id", "movie_id"), "timestamp"
FROM_TEXT = "pd.to_numeric reads texts that are numbers"
LARGEST_ID, LATEST = 2**31 - 1, 2**33  # Unix seconds until the year 2242; milliseconds are more
OTHER_NAMES = {  # of columns, in small letters without underscores
    "user_id": "userid user uid reviewerid customerid",
    "movie_id": "movieid movie itemid item iid filmid film asin",
    "rating": "ratings stars score overall value",
    "timestamp": "time timestamps ts date datetime unixreviewtime ratedat",
}

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
    """Raise a DataError that names the first of `names` that the table lacks, or has twice."""
    columns = [*map(str, table.columns)]
    for name in names:
        if columns.count(name) == 1:
            continue
        if name in columns:
            raise DataError(f"The table has the column {name!r} twice; rename or drop one.")
        known = OTHER_NAMES.get(name, "").split()
        other = [c for c in columns if c.lower().replace("_", "").replace(" ", "") in known]
        if other:
            hint = f"; rename {other[0]!r} to {name!r}"
        elif name in getattr(getattr(table, "index", None), "names", ()):
            hint = ", but an index of that name; table.reset_index() makes it a column"
        only = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "") or "none"
        raise DataError(f"The table has no column {name!r}, only {only}{hint}.")


def as_table(table: Any, *names: str) -> pd.DataFrame:
    """Return a pandas table with the columns `names`; its ids, times and stars are numbers.

    In a table with a ``user_id``, ids, times and stars are converted wherever they are, in another
    only those in `names`. `table` is not changed.
    """
    if not isinstance(table, pd.DataFrame):
        what = f"a {type(table).__name__} of {type(table).__module__.partition('.')[0]}"
        ways = {"ratings": "ml.ratings", "to_pandas": "table.to_pandas()", "toPandas": "toPandas()"}
        way = next((ways[name] for name in ways if hasattr(table, name)), "pd.DataFrame(...)")
        raise DataError(f"A pandas table is needed, and this is {what}; give {way}.")
    found = (*IDS, TIME, "rating") if "user_id" in table.columns else names
    need_table_columns(table, *names, *(name for name in found if name in table.columns))
    known = {
        name: table[name] for name in (*IDS, TIME, "rating") if name in found and name in table
    }
    read = {n: as_integers(c, n) if n in (*IDS, TIME) else _as_stars(c) for n, c in known.items()}
    changed = {name: column for name, column in read.items() if column is not known[name]}
    return table.assign(**changed) if changed else table


def as_integers(values: pd.Series, name: str) -> pd.Series:
    """Return the ids or times of a column as integers, or raise a DataError.

    Ids lie between 0 and 2³¹ - 1, times are whole Unix seconds from 0 on. Converted is what has
    one meaning: categories, nullable and Arrow types, whole floats; times also from datetimes and
    texts of ISO 8601, which are in UTC unless they name a time zone. Integers of NumPy stay.
    """
    numbers = _as_plain(values)
    if name == TIME and numbers.dtype.kind not in "iufb":
        numbers = _as_datetimes(numbers)
    missing = 0 if numbers.dtype.kind in "iub" else int(numbers.isna().sum())
    where = name if name.startswith("`") else f"Column {name!r}"
    if missing:
        raise DataError(f"{where} is missing in {missing:,} of {len(values):,} rows; drop those.")
    countable = "fM" if name == TIME else "f"
    whole = _as_whole(numbers, where) if numbers.dtype.kind in countable else numbers
    if not len(whole):
        return whole.astype(np.int64)
    if whole.dtype.kind not in "iu":
        wrong = whole[[not isinstance(value, Integral) for value in whole]]
        way = "pd.to_datetime reads dates" if name == TIME else "pd.factorize numbers names"
        shown = _first(wrong if len(wrong) else whole)
        raise DataError(f"{where} holds {shown}, no integer; {way}, and {FROM_TEXT}.")
    lowest, highest = int(whole.min()), int(whole.max())
    if lowest < 0 or highest > (LATEST if name == TIME else LARGEST_ID):
        need = f"ids, from 0 to {LARGEST_ID}; pd.factorize numbers them anew"
        if name == TIME:
            hint = "drop earlier" if lowest < 0 else "times // 1000 makes seconds of milliseconds"
            need = f"Unix seconds of 1970 to 2242; {hint}"
        raise DataError(f"{where} holds {lowest if lowest < 0 else highest}, but needs {need}.")
    kind = whole.to_numpy().dtype  # uint64 and the other order of bytes are for few libraries
    return whole if kind.isnative and kind != np.uint64 else whole.astype(np.int64)


def as_ids(ids: npt.ArrayLike, what: str, distinct: bool = True) -> IntArray:
    """Return a list of ids as an array, shape (n,), or raise a DataError; see `as_integers`."""
    try:
        column = pd.Series(ids) if isinstance(ids, Iterable) else None
    except (TypeError, ValueError):  # a set, which has no order, or two dimensions
        column = None
    if column is None or isinstance(ids, str | dict):
        raise DataError(f"{what} must be a list of integer ids, and is {type(ids).__name__}.")
    array = as_integers(column, what).to_numpy(dtype=np.int64)
    repeated = pd.Index(array)[pd.Index(array).duplicated()] if distinct else array[:0]
    if len(repeated):
        raise DataError(f"The id {repeated[0]} stands twice in {what}; give each id once.")
    return array


def _as_plain(values: pd.Series) -> pd.Series:
    """Return categories, nullable and Arrow types, and objects, in NumPy's types where they fit."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.dtype.categories.dtype if values.notna().all() else object)
    if isinstance(values.dtype, pd.SparseDtype | pd.ArrowDtype) and values.dtype.kind in "MO":
        values = values.astype(object)  # pandas 2 compares Arrow's datetimes wrongly
    if values.dtype.kind in "iuf" and not isinstance(values.dtype, np.dtype):
        plain: Any = np.float64 if values.isna().any() else f"{values.dtype.kind}8"
        return values.astype(plain)
    return values.infer_objects() if values.dtype == object else values


def _as_whole(values: pd.Series, where: str) -> pd.Series:
    """Return floats, or datetimes in Unix seconds, as integers where none is cut or rounded."""
    if values.dtype.kind == "M":
        whole = values.astype("datetime64[s]")
        bad, what = values[whole != values], "no whole second; cut it: times.dt.floor('s')"
    else:
        exact = 2 / float(np.finfo(values.to_numpy().dtype).eps)  # float32 rounds above 16,777,216
        bad = values[~((values % 1 == 0) & (abs(values) < exact))]
        whole, what = values, f"no integer, or rounded by {values.dtype}; read it as int64"
    if len(bad):
        raise DataError(f"{where} holds {_first(bad)}, which is {what}.")
    return whole.astype(np.int64)


def _as_datetimes(times: pd.Series) -> pd.Series:
    """Return datetimes, and texts of ISO 8601, in UTC and without a zone; others as they are."""
    if times.dtype.kind != "M":
        if times.map(lambda time: str(time).strip().lstrip("-").isdigit()).any():
            return times  # 20050402 as a text is a day, or seconds
        try:
            times = pd.to_datetime(times, format="ISO8601", utc=True)
        except (ValueError, TypeError, OverflowError):
            return times
    return times if times.dt.tz is None else times.dt.tz_convert("UTC").dt.tz_localize(None)


def _as_stars(values: pd.Series) -> pd.Series:
    stars = _as_plain(values)
    if len(stars) and (stars.dtype.kind not in "iuf" or np.isinf(stars).any()):
        bad = stars[[type(s) is bool or not isinstance(s, Real) or abs(s) == np.inf for s in stars]]
        raise DataError(f"Column 'rating' holds {_first(bad)}, no number of stars; {FROM_TEXT}.")
    return stars


def _first(values: pd.Series) -> str:
    return repr(values.head(1).tolist()[0]) if len(values) else "nothing"  # as Python's type


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


def need_positions(positions: Any, n: int | None, name: str, what: str = "rows") -> IntArray:
    """Return "rows" or "columns" from 0 to `n` - 1, shape () or (m,), or raise a DataError.

    `positions` None means all of them, and `n` None that there is no last one.
    """
    array = np.arange(n or 0) if positions is None else np.asarray(positions)
    if array.ndim > 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(
            f"`{name}` must be one integer or a list of them, {what} of the matrix, and is an "
            f"array of {array.dtype} with shape {array.shape}."
        )
    bad = array[(array < 0) | (array >= (np.inf if n is None else n))]
    if bad.size:
        last = "on" if n is None else f"to {n - 1}"
        raise DataError(
            f"`{name}` holds {bad[0]}, but {what} are counted from 0 {last}; "
            f"Interactions.{what}_of turns ids into {what}."
        )
    return array.astype(np.int64)


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
    item. Other tables, unknown columns, and an item twice in a list raise a DataError.
    """
    valid = recommended if isinstance(recommended, Lists) else None
    ids = _as_ranks(recommended) if valid is None else valid.ids
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


def _as_ranks(recommended: npt.ArrayLike) -> npt.NDArray[Any]:
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
