"""Does a model see the future? The check that every split of the course has to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from course_utils.errors import DataError

if TYPE_CHECKING:
    from course_utils.splits import Split


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
