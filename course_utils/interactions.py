"""Positives, and their sparse user × item matrix with the ids of its rows and columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_utils.errors import DataError
from course_utils.validation import IntArray, as_ids, as_table, need_number

__all__ = ["Interactions", "encode", "to_implicit"]


def to_implicit(ratings: pd.DataFrame, threshold: float = 4.0) -> pd.DataFrame:
    """Keep the positives, the rows with a rating at or above a threshold.

    Parameters
    ----------
    ratings
        A table with a column ``rating``, in stars. It is not changed.
    threshold
        The lowest rating that counts as a positive.

    Returns
    -------
    DataFrame
        A copy of the rows with ``rating >= threshold``, in their order, with an index from 0.

    Raises
    ------
    DataError
        When there is no column ``rating``, it holds no numbers, or no rating reaches the
        threshold.

    Examples
    --------
    >>> ratings = pd.DataFrame({"user_id": [1, 1], "movie_id": [7, 9], "rating": [3.5, 4.0]})
    >>> to_implicit(ratings)["movie_id"].tolist()
    [9]
    """
    ratings, threshold = as_table(ratings, "rating"), need_number(threshold, "threshold")
    stars = ratings["rating"]
    if stars.notna().sum() == 0:
        raise DataError("Column 'rating' holds no numbers; give a table of ratings in stars.")
    if not (stars >= threshold).any():
        raise DataError(
            f"No rating reaches the threshold {threshold:g}; the highest is {stars.max():g}, so "
            "choose a lower threshold."
        )
    return ratings[stars >= threshold].reset_index(drop=True)


@dataclass(frozen=True, repr=False, eq=False)  # eq=False: elementwise == is ambiguous
class Interactions:
    """A user × item matrix with the ids of its rows and columns.

    Attributes
    ----------
    matrix
        csr, float32, shape (n_users, n_items), 1.0 where the user has the item.
    users
        ``users[row]`` is the user id of a row, shape (n_users,).
    items
        ``items[column]`` is the movie id of a column, shape (n_items,).
    dropped
        Number of rows of the table that were dropped, because their user or item is unknown.
    """

    matrix: sparse.csr_matrix
    users: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    dropped: int = 0

    def __repr__(self) -> str:
        n_users, n_items = self.matrix.shape
        return f"Interactions({n_users:,} users × {n_items:,} items, {self.matrix.nnz:,} positives)"

    def rows_of(self, user_ids: npt.ArrayLike) -> IntArray:
        """Return the row of each user id, in the shape of `user_ids`.

        Raises
        ------
        DataError
            When a user has no row; the message names the first one.
        """
        return _positions(self.users, user_ids, "user")

    def columns_of(self, movie_ids: npt.ArrayLike) -> IntArray:
        """Return the column of each movie id, in the shape of `movie_ids`.

        Raises
        ------
        DataError
            When a movie has no column; the message names the first one.
        """
        return _positions(self.items, movie_ids, "movie")


def encode(
    positives: pd.DataFrame,
    users: npt.ArrayLike | None = None,
    items: npt.ArrayLike | None = None,
) -> Interactions:
    """Turn a table of positives into a sparse user × item matrix.

    Parameters
    ----------
    positives
        A table with columns ``user_id`` and ``movie_id``, each pair at most once. It is not
        changed.
    users, items
        The ids of the rows and columns, in their order. None means the ids of the table,
        ascending. Give a test set those of the training set, so that both matrices have the same
        rows and columns: ``encode(test, users=train.users, items=train.items)``.

    Returns
    -------
    Interactions
        The matrix and its ids. Rows of the table with an unknown user or item are dropped; a
        printed line says how many. If all are dropped, or the table is empty and `users` and
        `items` are given, the matrix has no entries.

    Raises
    ------
    DataError
        For an empty table without `users` and `items`, a missing column, a repeated pair, and for
        ids that are repeated or no 32-bit integers of at least 0.

    Examples
    --------
    >>> positives = pd.DataFrame({"user_id": [30, 30, 41], "movie_id": [7, 9, 9]})
    >>> train = encode(positives)
    >>> train.matrix.toarray()
    array([[1., 1.],
           [0., 1.]], dtype=float32)
    >>> later = pd.DataFrame({"user_id": [30, 41, 52], "movie_id": [8, 7, 7]})
    >>> test = encode(later, users=train.users, items=train.items)
    encode: kept 1 of 3 rows; dropped 1 of unknown users, 1 of known users but unknown items
    >>> test.matrix.toarray()
    array([[0., 0.],
           [1., 0.]], dtype=float32)
    """
    positives = as_table(positives, "user_id", "movie_id")
    if positives.empty and (users is None or items is None):
        raise DataError("There is nothing to encode: the table has no rows.")
    user_ids, movie_ids = (positives[name].to_numpy() for name in ("user_id", "movie_id"))
    users = np.unique(user_ids) if users is None else as_ids(users, "`users`")
    items = np.unique(movie_ids) if items is None else as_ids(items, "`items`")

    rows = pd.Index(users).get_indexer(pd.Index(user_ids))  # -1 where the id is unknown
    columns = pd.Index(items).get_indexer(pd.Index(movie_ids))
    known = (rows >= 0) & (columns >= 0)
    ones = np.ones(int(known.sum()), dtype=np.float32)
    matrix = sparse.csr_matrix(
        (ones, (rows[known], columns[known])), shape=(len(users), len(items)), dtype=np.float32
    )
    _refuse_repeated_pairs(matrix, users, items)

    dropped = int((~known).sum())
    if dropped:
        unknown_users = int((rows < 0).sum())
        print(
            f"encode: kept {len(ones):,} of {len(rows):,} rows; dropped {unknown_users:,} of "
            f"unknown users, {dropped - unknown_users:,} of known users but unknown items"
        )
    return Interactions(matrix, users.astype(np.int32), items.astype(np.int32), dropped)


def _refuse_repeated_pairs(matrix: sparse.csr_matrix, users: IntArray, items: IntArray) -> None:
    if matrix.nnz and matrix.data.max() > 1:
        row, column = (int(index[0]) for index in (matrix > 1).nonzero())
        raise DataError(
            f"User {users[row]} and movie {items[column]} stand together twice; keep one row of "
            "each pair, with drop_duplicates(['user_id', 'movie_id']), say."
        )


def _positions(ids: npt.NDArray[np.int32], wanted: npt.ArrayLike, what: str) -> IntArray:
    asked = np.asarray(wanted)
    found = pd.Index(ids).get_indexer(pd.Index(asked.ravel()))
    if (found < 0).any():
        unknown = asked.ravel()[np.argmax(found < 0)]
        raise DataError(
            f"There is no {what} {unknown} in this matrix; it is unknown, or it is no id but a "
            "position already."
        )
    return found.reshape(asked.shape).astype(np.int64)
