"""Hold-out protocols: which interactions a model is trained on, and which it is tested on.

Every protocol but :func:`cold_item_split` orders interactions by ``timestamp``: Unix seconds, or
datetimes, which come back as seconds (:func:`course_utils.validation.as_integers`). Timestamps
often tie. The order of ties is an argument, ``ties``:

- ``"order"``: the order of the table's rows, that is of the file;
- ``"movie_id"``: ascending movie id;
- ``"random"``: at random, under ``seed``.

:func:`assert_no_leakage` tests a split, :func:`k_core` filters a table before it is split.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError
from course_utils.validation import as_table, need_integer, need_seed

__all__ = [
    "Split", "Ties", "assert_no_leakage", "cold_item_split", "course_split", "global_time_split",
    "k_core", "leave_last_out", "ratio_split",
]  # fmt: skip

Ties = Literal["order", "movie_id", "random"]
EPSILON = 1e-9  # so that 0.2 of 5 is 1 in floating point


@dataclass(frozen=True, repr=False, eq=False)  # eq=False: elementwise == is ambiguous
class Split:
    """The parts of a table of interactions. Each row of the table is in exactly one part.

    Attributes
    ----------
    train, val, test
        Rows of the table, with its index and in its order.
    n_too_short
        Number of users with too few interactions to hold any out. All their rows are in `train`.
    cut
        The first timestamp of the test set (Unix seconds), where all users have the same cut in
        time; None where each user has a cut of their own.
    """

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    n_too_short: int = 0
    cut: int | None = None

    @property
    def train_and_val(self) -> pd.DataFrame:
        """What the chosen model is fitted on before it is tested, in the table's order."""
        return pd.concat([self.train, self.val]).sort_index()

    def __repr__(self) -> str:
        parts = f"train {len(self.train):,}, val {len(self.val):,}, test {len(self.test):,}"
        short = f"; {self.n_too_short:,} users too short, all in train" if self.n_too_short else ""
        return f"Split({parts}{short})"


def course_split(positives: pd.DataFrame) -> Split:
    """Split by the course's protocol: the last five of each user the test, the five before val.

    Users with fewer than 15 positives are in `train` only. Choose settings on `val`, fit the
    winner on `train_and_val`, whose films are then no candidates, and open `test` once.

    Raises
    ------
    DataError
        For a missing column, or a table without rows.
    """
    return leave_last_out(positives, n_test=5, n_val=5, min_train=5)


def leave_last_out(
    positives: pd.DataFrame,
    n_test: int = 1,
    n_val: int = 0,
    min_train: int = 1,
    ties: Ties = "order",
    seed: int | None = None,
) -> Split:
    """Hold out the last interactions of each user.

    Parameters
    ----------
    positives
        A table with columns ``user_id``, ``movie_id`` and ``timestamp``. It is not changed.
    n_test, n_val
        Number of each user's last interactions in the test set, and of those before them in the
        validation set.
    min_train
        Number of interactions that a user must keep. All rows of users with fewer than
        ``n_test + n_val + min_train`` are in the training set; `Split.n_too_short` counts them.
    ties, seed
        The order of equal timestamps; see the module's docstring.

    Raises
    ------
    DataError
        For a missing column, a count that is no whole number of 0 or more, unknown `ties`.

    Examples
    --------
    >>> table = pd.DataFrame({"user_id": [1, 1, 1, 2], "movie_id": [5, 6, 7, 5],
    ...                       "timestamp": [30, 10, 20, 10]})
    >>> split = leave_last_out(table)
    >>> split
    Split(train 3, val 0, test 1; 1 users too short, all in train)
    >>> split.test["movie_id"].tolist()
    [5]
    """
    for name, count in {"n_test": n_test, "n_val": n_val, "min_train": min_train}.items():
        need_integer(count, name, 0)
    positives = _interactions(positives)
    from_end, sizes = _positions_from_end(positives, ties, seed)
    enough = sizes >= n_test + n_val + min_train
    test = enough & (from_end < n_test)
    val = enough & ~test & (from_end < n_test + n_val)
    too_short = positives["user_id"].to_numpy()[~enough]
    return _split(positives, test, val, n_too_short=len(np.unique(too_short)))


def ratio_split(
    positives: pd.DataFrame,
    test_ratio: float = 0.2,
    ties: Ties = "order",
    seed: int | None = None,
) -> Split:
    """Hold out the newest share of each user's interactions.

    Parameters
    ----------
    positives
        A table with columns ``user_id``, ``movie_id`` and ``timestamp``. It is not changed.
    test_ratio
        The share to hold out, above 0 and below 1. The number is rounded down for each user, so
        that every user keeps at least one; with 0.2, users with fewer than 5 interactions have
        none held out and count as too short.
    ties, seed
        The order of equal timestamps; see the module's docstring.

    Raises
    ------
    DataError
        For a missing column, a ratio out of range, unknown `ties`.
    """
    _need_share(test_ratio, "test_ratio")
    positives = _interactions(positives)
    from_end, sizes = _positions_from_end(positives, ties, seed)
    held_out = np.floor(sizes * test_ratio + EPSILON).astype(np.int64)
    too_short = positives["user_id"].to_numpy()[held_out == 0]
    nothing = np.zeros(len(positives), dtype=bool)
    return _split(positives, from_end < held_out, nothing, n_too_short=len(np.unique(too_short)))


def global_time_split(positives: pd.DataFrame, test_ratio: float = 0.2) -> Split:
    """Cut once in time for all users: train on the past, test on the future.

    Parameters
    ----------
    positives
        A table with columns ``user_id``, ``movie_id`` and ``timestamp``. It is not changed.
    test_ratio
        The largest share to hold out, above 0 and below 1. Interactions with equal timestamps are
        never separated, so the share that is held out may be smaller.

    Raises
    ------
    DataError
        For a missing column, a ratio out of range, or timestamps with so many ties that nothing
        can be held out.
    """
    _need_share(test_ratio, "test_ratio")
    positives = _interactions(positives)
    time = positives["timestamp"].to_numpy()
    largest_test = int(np.floor(len(time) * test_ratio + EPSILON))
    last_in_train = np.sort(time)[len(time) - largest_test - 1]
    test = time > last_in_train
    if not largest_test:
        raise DataError(
            f"{test_ratio:.0%} of {len(time)} rows is less than one row; raise test_ratio."
        )
    if not test.any():
        raise DataError(
            f"No cut in time holds out {test_ratio:.0%} or less: the last timestamp stands in "
            f"{int((time == time.max()).sum())} of {len(time)} rows; raise test_ratio."
        )
    nothing = np.zeros(len(time), dtype=bool)
    return _split(positives, test, nothing, cut=int(time[test].min()))


def cold_item_split(positives: pd.DataFrame, share: float = 0.2, seed: int | None = 42) -> Split:
    """Hold out all interactions of some films, drawn at random: cold start of items.

    Parameters
    ----------
    positives
        A table with columns ``user_id`` and ``movie_id``. It is not changed.
    share
        The share of the films to hold out, above 0 and below 1, rounded down to whole films.
    seed
        Seed of the draw.

    Returns
    -------
    Split
        `test` has all rows of the held-out films, `train` all other rows, `val` none. To choose
        settings, split `train` once more.

    Raises
    ------
    DataError
        For a missing column, a share out of range, or one that is less than one film.

    Notes
    -----
    The split ignores time: a user's training interactions may be later than the test interactions,
    and :func:`assert_no_leakage` refuses it. A user whose films are all held out is in `test` only
    and has no history.

    The training matrix needs a column for every film, so that the cold ones can be recommended:
    ``items = np.unique(positives["movie_id"])`` and ``encode(split.train, items=items)``.

    Examples
    --------
    >>> table = pd.DataFrame({"user_id": [1, 1, 2, 2], "movie_id": [5, 6, 5, 7]})
    >>> split = cold_item_split(table, share=0.4)
    >>> split
    Split(train 2, val 0, test 2)
    >>> set(split.train["movie_id"]) & set(split.test["movie_id"])
    set()
    """
    positives = as_table(positives, "user_id", "movie_id")
    _need_share(share, "share")
    films = np.unique(positives["movie_id"])
    n_cold = int(np.floor(len(films) * share + EPSILON))
    if not n_cold:
        raise DataError(f"{share:.0%} of {len(films)} films is less than one film; raise share.")
    rng = np.random.default_rng(None if seed is None else need_seed(seed))
    is_cold = positives["movie_id"].isin(rng.choice(films, n_cold, replace=False))
    return Split(positives[~is_cold], positives.head(0), positives[is_cold])


def k_core(positives: pd.DataFrame, k_users: int = 5, k_items: int = 5) -> pd.DataFrame:
    """Drop users and items with too few interactions, repeatedly, until nothing changes.

    Parameters
    ----------
    positives
        A table with columns ``user_id`` and ``movie_id``. It is not changed.
    k_users, k_items
        The smallest number of interactions of a user, and of an item, that is kept.

    Returns
    -------
    DataFrame
        The remaining rows, in their order: the largest part of the table in which every user has
        at least `k_users` rows and every item at least `k_items`. It may be empty.

    Notes
    -----
    Recommending is easier in a core than in the whole table, which has cold users and items.
    Report the filter with the results.
    """
    positives = as_table(positives, "user_id", "movie_id")
    k_users, k_items = need_integer(k_users, "k_users", 0), need_integer(k_items, "k_items", 0)
    users, user_codes = np.unique(positives["user_id"], return_inverse=True)
    items, item_codes = np.unique(positives["movie_id"], return_inverse=True)
    kept = np.ones(len(positives), dtype=bool)
    while True:
        user_counts = np.bincount(user_codes[kept], minlength=len(users))
        item_counts = np.bincount(item_codes[kept], minlength=len(items))
        stays = kept & (user_counts[user_codes] >= k_users) & (item_counts[item_codes] >= k_items)
        if stays.sum() == kept.sum():
            return positives[kept]
        kept = stays


def assert_no_leakage(split: Split) -> None:
    """Raise a DataError when a split leaks information from the future, or shares pairs.

    For each user, no training or validation interaction may be later than the first test
    interaction, and no training interaction later than the first of validation. Equal timestamps
    pass, since they have no order. If the split has one cut in time for all users, this must hold
    across users; otherwise one user's training set may be later than another user's test set. No
    (user, movie) pair may be in two parts.

    Raises
    ------
    DataError
        Names the first user and the movie, or the two times.
    """
    if not isinstance(split, Split):
        raise DataError(
            f"Give a Split, as leave_last_out returns it, not a {type(split).__name__}."
        )
    names = ["user_id", "movie_id", "timestamp"]
    parts = {"train": split.train, "val": split.val, "test": split.test}
    parts = {n: as_table(t, *names)[names].reset_index(drop=True) for n, t in parts.items()}
    _refuse_shared_pairs(parts)
    for earlier, later in (("train", "val"), ("train", "test"), ("val", "test")):
        _refuse_later(parts[earlier], parts[later], earlier, later, split.cut)


def _refuse_shared_pairs(parts: dict[str, pd.DataFrame]) -> None:
    pairs = pd.concat(
        [part[["user_id", "movie_id"]].assign(part=name) for name, part in parts.items()]
    )
    pairs = pairs.drop_duplicates()  # a pair repeated within one part is no leak
    repeated = pairs.duplicated(["user_id", "movie_id"])
    if repeated.any():
        user, movie, part = pairs[repeated].iloc[0]
        raise DataError(f"User {user} and movie {movie} are in {part} and in an earlier part too.")


def _refuse_later(
    before: pd.DataFrame, after: pd.DataFrame, earlier: str, later: str, cut: int | None
) -> None:
    first = after.groupby("user_id")["timestamp"].min()
    last = before.groupby("user_id")["timestamp"].max()
    if cut is not None and len(first):
        first = pd.Series(first.min(), index=last.index)  # the first of all users
    both = pd.DataFrame({"last": last, "first": first}).dropna()
    wrong = both[both["last"] > both["first"]]
    if len(wrong):
        user, times = wrong.index[0], wrong.iloc[0].astype("int64")
        when = pd.to_datetime(times, unit="s").dt.strftime("%Y-%m-%d %H:%M:%S UTC")
        raise DataError(
            f"User {user} has an interaction of {when['last']} in {earlier}, later than the first "
            f"one in {later} at {when['first']} ({len(wrong)} such users); split by time."
        )


def _positions_from_end(
    positives: pd.DataFrame, ties: Ties, seed: int | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each row the number of later rows of its user, and of all rows of its user."""
    n = len(positives)
    _, user = np.unique(positives["user_id"], return_inverse=True)
    if ties == "order":
        rank = np.arange(n)
    elif ties == "movie_id":
        rank = positives["movie_id"].to_numpy()
    elif ties == "random":
        rank = np.random.default_rng(None if seed is None else need_seed(seed)).permutation(n)
    else:
        raise DataError(f"ties must be 'order', 'movie_id' or 'random', and is {ties!r}.")
    order = np.lexsort((rank, positives["timestamp"].to_numpy(), user))
    sizes = np.bincount(user)
    from_end = np.empty(n, dtype=np.int64)
    from_end[order] = np.cumsum(sizes)[user[order]] - 1 - np.arange(n)
    return from_end, sizes[user]


def _split(
    positives: pd.DataFrame,
    test: npt.NDArray[np.bool_],
    val: npt.NDArray[np.bool_],
    n_too_short: int = 0,
    cut: int | None = None,
) -> Split:
    return Split(positives[~test & ~val], positives[val], positives[test], n_too_short, cut)


def _interactions(positives: pd.DataFrame) -> pd.DataFrame:
    positives = as_table(positives, "user_id", "movie_id", "timestamp")
    if positives.empty:
        raise DataError("There is nothing to split: the table has no rows.")
    ordered = positives.index.is_monotonic_increasing and positives.index.is_unique
    return positives if ordered else positives.reset_index(drop=True)  # as `train_and_val` needs


def _need_share(value: Any, name: str) -> None:
    if not isinstance(value, Real) or not 0 < float(value) < 1:
        raise DataError(f"{name} must be above 0 and below 1, and is {value!r}.")
