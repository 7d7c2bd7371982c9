"""The base class of all recommenders: validation, ranking, explanations and saving.

The protocol is that of `implicit`. A model implements ``_fit``, which learns from a matrix, and
``_scores``, which scores all items for some users; ``_similarities`` and ``_contributions`` are
optional.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.ranking import (
    BLOCK,
    IdArray,
    Scores,
    entries,
    for_each_batch,
    top_k,
    write_top_k,
)
from course_utils.validation import (
    NOTHING,
    BoolArray,
    IntArray,
    as_user_items,
    need_positions,
    need_positive,
)

SHAPE = ("n_users", "n_items")


class Recommender:
    """A model that is fitted on a users × items matrix and recommends items to users.

    Attributes
    ----------
    n_users, n_items
        Shape of the matrix the model was fitted on; 0 before fitting.
    learned
        Names of the attributes that ``fit`` assigns, besides the shape. Every class that can be
        saved defines its own.
    scores_are_dot_products
        True for a model whose scores are exactly ``user_factors @ item_factors.T``, so that
        :func:`course_utils.evaluation.evaluate` can compute them itself.

    Notes
    -----
    A subclass stores each argument of ``__init__`` under the argument's name, and assigns all
    other attributes in ``_fit``, so that refitting leaves nothing of the previous fit. The
    arguments and the attributes named in ``learned`` are what :mod:`course_cloud.artifacts` saves.
    """

    learned: ClassVar[tuple[str, ...]] = ()
    n_users: int = 0
    n_items: int = 0
    scores_are_dot_products: bool = False

    def fit(self, user_items: sparse.csr_matrix) -> Self:
        """Fit the model to a users × items matrix.

        Parameters
        ----------
        user_items
            Sparse, shape (n_users, n_items), any format and numeric dtype: the interactions and
            their values. Not modified. Stored zeros are ignored. A transposed matrix is refused
            only when ``recommend`` gets rows with a different number of columns.

        Returns
        -------
        Recommender
            Fitted estimator. Refitting discards the previous state.

        Raises
        ------
        DataError
            When the matrix is not sparse, has no user, no item or no entry, or holds NaN or
            infinity.
        """
        return self._learn(user_items, self._fit)

    def recommend(
        self,
        userids: npt.ArrayLike,
        user_items: sparse.csr_matrix,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: npt.ArrayLike | None = None,
        recalculate_user: bool = False,
        items: npt.ArrayLike | None = None,
    ) -> tuple[IdArray, Scores]:
        """Return the top `N` items of one user or of several users.

        Parameters
        ----------
        userids
            One row number, or several, shape (n,). Users that were not in the training matrix
            are scored from their history, if the model can do that.
        user_items
            Sparse, shape (n, n_items): the history of each of these users, in the same order, as
            in ``user_items[userids]``. Not modified.
        N
            Number of items to return.
        filter_already_liked_items
            Exclude the items of the history.
        filter_items
            Item columns to exclude for every user.
        recalculate_user
            Whether a model that learned a representation of each user computes it again from the
            given history. Other models always use the history.
        items
            Item columns to choose from; None means all.

        Returns
        -------
        ids, scores
            int32 and float32, shape (n, N), or (N,) for a single user; highest score first, and
            the lowest column first among equal scores. A row with fewer than `N` candidates is
            padded with id -1 and score -inf.

        Raises
        ------
        DataError
            When the model is not fitted, `userids` and `user_items` do not match each other or
            the training matrix, `N` is not an integer of at least 1, or a row or column is out
            of range.
        """
        self._need_fitted()
        n = need_positive(N, "N")
        users = need_positions(userids, None, "userids")
        history = need_history(user_items, users.size, (self.n_users, self.n_items))
        excluded = _excluded(items, filter_items, self.n_items)
        ids, best = _empty_lists(users.size, n)
        step = max(64, BLOCK // self.n_items)

        def rank(start: int) -> None:
            rows = slice(start, start + step)
            # For a single user, slicing the csr would take as long as computing the scores.
            mine = history if users.size <= step else history[rows]
            scores = self._scores(users.reshape(-1)[rows], mine, recalculate_user)
            scores = np.ascontiguousarray(scores)  # so that reshape below returns a view
            if excluded is not None:
                scores[:, excluded] = -np.inf
            if filter_already_liked_items:
                row, column = entries(mine, 0, len(scores))
                scores.reshape(-1)[row * self.n_items + column] = -np.inf  # faster than pairs
            write_top_k(scores, ids[rows], best[rows], start)

        for_each_batch(rank, range(0, users.size, step))
        return (ids, best) if users.ndim else (ids[0], best[0])

    def similar_items(self, itemid: npt.ArrayLike, N: int = 10) -> tuple[IdArray, Scores]:
        """Return the `N` most similar items of one item or of several, the item itself first.

        Parameters
        ----------
        itemid
            One item column, or several, shape (n,).
        N
            Number of items to return, including the item itself.

        Returns
        -------
        ids, scores
            int32 and float32, shape (n, N), or (N,) for a single item; ordered and padded as in
            ``recommend``.

        Raises
        ------
        DataError
            When the model is not fitted or has no item similarity, the column is out of range, or
            `N` is not an integer of at least 1.
        """
        self._need_fitted()
        n = need_positive(N, "N")
        columns = need_positions(itemid, self.n_items, "itemid", "columns")
        ids, best = _empty_lists(columns.size, n)
        step = max(64, BLOCK // self.n_items)
        for start in range(0, columns.size, step):
            mine = columns.reshape(-1)[start : start + step]
            rows = slice(start, start + step)
            scores = self._similarities(mine)
            itself = (np.arange(len(mine)), mine)
            own = scores[itself]
            scores[itself] = np.inf  # ranks first even if another item is equally similar
            write_top_k(scores, ids[rows], best[rows], start)
            best[rows, 0] = own
        return (ids, best) if columns.ndim else (ids[0], best[0])

    def explain(
        self, userid: int, user_items: sparse.csr_matrix, itemid: int, N: int = 10
    ) -> tuple[IdArray, Scores]:
        """Return the items of a history that contribute most to the score of an item.

        Parameters
        ----------
        userid
            A row number; only the history is used.
        user_items
            Sparse, shape (1, n_items): the history, as in ``user_items[userid]``.
        itemid
            Column of the item whose score is explained.
        N
            Number of items to return.

        Returns
        -------
        ids, contributions
            int32 and float32, shape (N,), ordered and padded as in ``recommend``: items of the
            history and their contributions, which may be negative. All contributions add up to
            the score that ``recommend(..., recalculate_user=True)`` gives the item.

        Raises
        ------
        DataError
            When the model is not fitted or its score is not a sum over the history, more than one
            user or item is given, or as ``recommend`` does.
        """
        self._need_fitted()
        n = need_positive(N, "N")
        user, item = (
            need_positions(userid, None, "userid"),
            need_positions(itemid, self.n_items, "itemid", "columns"),
        )
        if user.ndim or item.ndim:
            raise DataError("`explain` takes one user and one item; ask once for each.")
        history = need_history(user_items, 1, (self.n_users, self.n_items))
        positions, largest = top_k(self._contributions(history, int(item))[None, :], n)
        ids = np.append(history.indices, NOTHING)[positions[0]]  # position -1 is the padding
        return ids.astype(np.int32), largest[0].astype(np.float32)

    def state(self) -> dict[str, Any]:
        """Return everything the fitted model consists of.

        Returns
        -------
        dict
            Arguments, shape and learned attributes by name: plain values, arrays, sparse matrices,
            models, and lists of these. Nothing is copied.

        Raises
        ------
        DataError
            When the model is not fitted, its class does not define ``learned``, or an attribute
            is missing.
        """
        self._need_fitted()
        kind = type(self)
        if "learned" not in vars(kind):
            raise DataError(
                f"{kind.__name__} does not say what it consists of, so it cannot be saved; give "
                "the class a line such as learned = ('weights',), the names of the attributes "
                "that fit assigns."
            )
        missing = [name for name in kind.learned if not hasattr(self, name)]
        if missing:
            raise DataError(
                f"{kind.__name__} names {missing[0]!r} among what it learned and has no such "
                "attribute; assign it in _fit, or take it out of `learned`."
            )
        try:
            arguments = self._arguments()
        except AttributeError as error:
            raise DataError(
                f"{kind.__name__} does not keep its argument {error.name!r} under its own name; "
                f"assign self.{error.name} in __init__."
            ) from None
        return arguments | {name: getattr(self, name) for name in (*SHAPE, *kind.learned)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the model that :meth:`state` was taken from; arrays are not copied.

        Raises
        ------
        DataError
            When names are missing or unknown, or an argument is out of range.
        """
        arguments = [name for name in inspect.signature(cls).parameters if name in state]
        learned = [*SHAPE, *cls.learned]
        different = {*arguments, *learned} ^ {*state}
        if different:
            raise DataError(
                f"A saved {cls.__name__} and this version's differ in {min(different)!r}; fit the "
                "model again and save it."
            )
        model = cls(**{name: state[name] for name in arguments})
        for name in learned:
            setattr(model, name, state[name])
        return model

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments of ``__init__`` by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def _need_fitted(self) -> None:
        if not self.n_items:
            raise DataError(
                f"The model {type(self).__name__} is not fitted; call model.fit(train) first."
            )

    def _learn(
        self, user_items: sparse.csr_matrix, learn: Callable[[sparse.csr_matrix], None]
    ) -> Self:
        """Validate the matrix and pass it to `learn`, which is ``_fit`` or calls it."""
        matrix = as_user_items(user_items, "The matrix to fit")
        _need_shape(matrix)
        self.n_users, self.n_items = matrix.shape
        try:
            learn(matrix)
        except BaseException:  # a partially fitted model must not recommend
            self.n_users = self.n_items = 0
            raise
        return self

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        """Learn from a validated csr, float32, shape (n_users, n_items), without stored zeros."""
        raise NotImplementedError

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        """Return a new array, shape (len(userids), n_items); -inf where an item has no score.

        `history` is validated and has one row per user. Threads may call this concurrently.
        """
        raise NotImplementedError

    def _similarities(self, columns: IntArray) -> Scores:
        """Return a new array, shape (len(columns), n_items); -inf where items are not similar."""
        raise DataError(f"{type(self).__name__} knows no similarity between items.")

    def _contributions(self, history: sparse.csr_matrix, item: int) -> Scores:
        """Return one number per entry of a history of one row; -inf for no contribution."""
        raise DataError(
            f"{type(self).__name__} cannot explain a score: it is no sum over the items of a "
            "history."
        )


def without_zeros(scores: Scores) -> Scores:
    """Replace scores of 0 by -inf in place, and return the array."""
    np.putmask(scores, scores == 0, -np.inf)
    return scores


def cosines(vectors: npt.NDArray[Any], columns: IntArray) -> Scores:
    """Return the cosine similarity between some items and all, shape (len(columns), n_items).

    Parameters
    ----------
    vectors
        Shape (n_items, d). A zero vector has no direction: its similarity is 0 with itself and
        -inf with every other item.
    columns
        The items to compare with all items.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    similar: Scores = directions[columns] @ directions.T
    undefined = (lengths[columns] == 0) | (lengths.T == 0)
    undefined[np.arange(len(columns)), columns] = False
    similar[undefined] = -np.inf
    return similar


def _empty_lists(n_rows: int, n: int) -> tuple[IdArray, npt.NDArray[np.float32]]:
    ids = np.full((n_rows, n), NOTHING, dtype=np.int32)
    return ids, np.full((n_rows, n), -np.inf, dtype=np.float32)


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


def _need_shape(matrix: sparse.csr_matrix) -> None:
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


def _excluded(
    items: npt.ArrayLike | None, filter_items: npt.ArrayLike | None, n_items: int
) -> BoolArray | None:
    """Return the mask of columns that are no candidates, shape (n_items,), or None for no mask."""
    if items is None and filter_items is None:
        return None
    excluded = np.full(n_items, items is not None)
    if items is not None:
        excluded[need_positions(items, n_items, "items", "columns")] = False
    if filter_items is not None:
        excluded[need_positions(filter_items, n_items, "filter_items", "columns")] = True
    return excluded
