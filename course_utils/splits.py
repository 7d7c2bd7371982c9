"""Hold-out protocols: which interactions a model learns from, and which it is judged on.

Every protocol orders interactions by time, and timestamps tie far more often than people think.
What counts as last among equals is therefore an argument, ``ties``:

- ``"order"``: the order of the table's rows, that is of the file;
- ``"movie_id"``: ascending movie id;
- ``"random"``: at random, under ``seed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError

__all__ = [
    "Split",
    "assert_no_leakage",
    "global_time_split",
    "k_core",
    "leave_last_out",
    "ratio_split",
]

Ties = Literal["order", "movie_id", "random"]


@dataclass(frozen=True, repr=False, eq=False)  # tables have no one answer to ==
class Split:
    """The parts of a table of interactions. Each row of it is in exactly one of them.

    Attributes
    ----------
    train, val, test
        Rows as in the table, with its index and in its order.
    n_too_short
        How many users have too few interactions to hold any out. All of theirs are in `train`.
    cut
        The timestamp from which on interactions are in the test set, where one cut in time
        serves everybody; None where each user has a cut of their own.
    """

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    n_too_short: int = 0
    cut: int | None = None

    def __repr__(self) -> str:
        parts = f"train {len(self.train):,}, val {len(self.val):,}, test {len(self.test):,}"
        short = f"; {self.n_too_short:,} users too short, all in train" if self.n_too_short else ""
        return f"Split({parts}{short})"


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
        How many of each user's last interactions are tested on, and how many before them are
        validated on.
    min_train
        How many a user must keep. Whoever has fewer than ``n_test + n_val + min_train`` stays
        in the training set altogether, and `Split.n_too_short` says how many that are.
    ties, seed
        What is last among equal timestamps; see the module's text.

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
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise DataError(f"{name} must be a whole number of 0 or more, and is {count!r}.")
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
        The share to hold out, above 0 and below 1. It is rounded down for each user, so that
        everybody keeps at least one; with 0.2, whoever has fewer than 5 has none held out and
        counts as too short.
    ties, seed
        What is last among equal timestamps; see the module's text.

    Raises
    ------
    DataError
        For a missing column, a ratio out of range, unknown `ties`.
    """
    _check_ratio(test_ratio)
    from_end, sizes = _positions_from_end(positives, ties, seed)
    # 1e-9: 0.2 of 5 is 1, whatever binary fractions make of it
    held_out = np.floor(sizes * test_ratio + 1e-9).astype(np.int64)
    too_short = positives["user_id"].to_numpy()[held_out == 0]
    nothing = np.zeros(len(positives), dtype=bool)
    return _split(positives, from_end < held_out, nothing, n_too_short=len(np.unique(too_short)))


def global_time_split(positives: pd.DataFrame, test_ratio: float = 0.2) -> Split:
    """Cut once in time for everybody: a model learns from the past and is judged on the future.

    Parameters
    ----------
    positives
        A table with columns ``user_id``, ``movie_id`` and ``timestamp``. It is not changed.
    test_ratio
        The share to hold out, above 0 and below 1. Interactions of one second are never
        parted, so the share is met as nearly as that allows, and never exceeded.

    Raises
    ------
    DataError
        For a missing column, a ratio out of range, or timestamps that tie so much that nothing
        can be held out.
    """
    _check_ratio(test_ratio)
    _need(positives)
    time = positives["timestamp"].to_numpy()
    largest_test = int(np.floor(len(time) * test_ratio + 1e-9))
    # the first second after the last interaction that must be in the training set
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


def k_core(positives: pd.DataFrame, k_users: int = 5, k_items: int = 5) -> pd.DataFrame:
    """Keep users and items with enough interactions, again and again until nothing changes.

    Parameters
    ----------
    positives
        A table with columns ``user_id`` and ``movie_id``. It is not changed.
    k_users, k_items
        The fewest interactions of a user, and of an item, that stay.

    Returns
    -------
    DataFrame
        The rows that are left, in their order: the largest part of the table in which
        everybody has `k_users` and every item `k_items`. It may be empty.

    Notes
    -----
    A core is easier to recommend for than the whole: it has no newcomers. Say so with a result.
    """
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


def _positions_from_end(
    positives: pd.DataFrame, ties: Ties, seed: int | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each row how many of its user's come after it, and how many the user has."""
    _need(positives)
    n = len(positives)
    _, user = np.unique(positives["user_id"], return_inverse=True)
    if ties == "order":
        rank = np.arange(n)
    elif ties == "movie_id":
        rank = positives["movie_id"].to_numpy()
    elif ties == "random":
        rank = np.random.default_rng(seed).permutation(n)
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


def _need(positives: pd.DataFrame) -> None:
    for name in ("user_id", "movie_id", "timestamp"):
        if name not in positives.columns:
            raise DataError(f"The table has no column {name!r}, which a split needs.")
    if positives.empty:
        raise DataError("There is nothing to split: the table has no rows.")


def _check_ratio(test_ratio: float) -> None:
    if not 0 < test_ratio < 1:
        raise DataError(f"test_ratio must be above 0 and below 1, and is {test_ratio!r}.")


def assert_no_leakage(split: Split) -> None:
    """Raise when somebody's past, as a split has it, is later than their own future.

    For each user, nothing in the training or validation set is later than the earliest test
    interaction (equal timestamps pass: what happened within one second has no order). Where one
    cut in time serves everybody, that holds across users; where each user has a cut of their
    own, one person's training set may be later than another's test, and that passes. No
    (user, movie) pair is in two parts.

    Raises
    ------
    DataError
        Names the first offending user, the movie or the two times.
    """
    parts = {"train": split.train, "val": split.val, "test": split.test}
    _refuse_shared_pairs(parts)
    for earlier, later in (("train", "val"), ("train", "test"), ("val", "test")):
        _refuse_later(parts[earlier], parts[later], earlier, later, split.cut)


def _refuse_shared_pairs(parts: dict[str, pd.DataFrame]) -> None:
    pairs = pd.concat(
        [part[["user_id", "movie_id"]].assign(part=name) for name, part in parts.items()]
    )
    pairs = pairs.drop_duplicates()  # twice within one part is no leak
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
        first = pd.Series(first.min(), index=last.index)  # nobody may know anybody's future
    both = pd.DataFrame({"last": last, "first": first}).dropna()
    wrong = both[both["last"] > both["first"]]
    if len(wrong):
        user, times = wrong.index[0], wrong.iloc[0].astype("int64")
        when = pd.to_datetime(times, unit="s").dt.strftime("%Y-%m-%d %H:%M:%S UTC")
        raise DataError(
            f"User {user} has an interaction of {when['last']} in {earlier}, later than the first "
            f"one in {later} at {when['first']} ({len(wrong)} such users); split by time."
        )


__all__ = ["cold_item_split"]


def cold_item_split(positives: pd.DataFrame, share: float = 0.2, seed: int | None = 42) -> Split:
    """Hold out all interactions of some films, drawn at random: nobody is known to have them.

    Parameters
    ----------
    positives
        A table with columns ``user_id`` and ``movie_id``. It is not changed.
    share
        The share of the films to hold out, above 0 and below 1, rounded down to whole films.
    seed
        Of the draw.

    Returns
    -------
    Split
        `test` has every row of the cold films, `train` every row of the others, `val` none. To
        choose settings, split `train` once more.

    Raises
    ------
    DataError
        For a missing column, a share out of range, or one that is less than one film.

    Notes
    -----
    Time plays no part, so somebody's training set may be later than their test set, and
    :func:`course_utils.splits.assert_no_leakage` refuses it. Somebody whose films are all cold
    is in `test` only, and has no history to recommend from.

    Give the training matrix a column for every film, or there is none to recommend them by:
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
    for name in ("user_id", "movie_id"):
        if name not in positives.columns:
            raise DataError(f"The table has no column {name!r}, which a split needs.")
    if not 0 < share < 1:
        raise DataError(f"share must be above 0 and below 1, and is {share!r}.")
    films = np.unique(positives["movie_id"])
    n_cold = int(np.floor(len(films) * share + 1e-9))  # 0.2 of 5 is 1, whatever floats say
    if not n_cold:
        raise DataError(f"{share:.0%} of {len(films)} films is less than one film; raise share.")
    rng = np.random.default_rng(seed)
    is_cold = positives["movie_id"].isin(rng.choice(films, n_cold, replace=False))
    return Split(positives[~is_cold], positives.head(0), positives[is_cold])
