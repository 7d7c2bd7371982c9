"""Splits of real ml-latest-small: sizes written down, rows held against a plain loop."""

import pandas as pd
import pytest

from course_utils.interactions import to_implicit
from course_utils.splits import (
    assert_no_leakage,
    global_time_split,
    k_core,
    leave_last_out,
    ratio_split,
)


@pytest.fixture(scope="module")
def positives(release) -> pd.DataFrame:
    """Return the ratings of 4 stars and more."""
    return to_implicit(release("ml-latest-small").ratings)


def sizes(split) -> tuple[int, int, int, int]:
    return len(split.train), len(split.val), len(split.test), split.n_too_short


def test_sizes(positives: pd.DataFrame) -> None:
    assert len(positives) == 48_580
    assert sizes(leave_last_out(positives)) == (47_972, 0, 608, 1)
    last_five = leave_last_out(positives, n_test=5, n_val=1, min_train=5)
    assert sizes(last_five) == (45_160, 570, 2_850, 39)
    assert sizes(ratio_split(positives)) == (39_105, 0, 9_475, 6)
    by_date = global_time_split(positives)
    assert (*sizes(by_date), by_date.cut) == (38_864, 0, 9_716, 0, 1_454_621_693)
    core = k_core(positives)
    assert (len(core), core["user_id"].nunique(), core["movie_id"].nunique()) == (
        41_227,
        601,
        1_955,
    )
    for split in (last_five, by_date, ratio_split(positives)):
        assert_no_leakage(split)


def test_rows_are_those_of_a_plain_loop(positives: pd.DataFrame) -> None:
    test, val = [], []
    for _, rows in positives.groupby("user_id"):
        ordered = rows.sort_values("timestamp", kind="stable").index
        if len(ordered) >= 11:
            test += ordered[-5:].tolist()
            val += ordered[-6:-5].tolist()
    split = leave_last_out(positives, n_test=5, n_val=1, min_train=5)
    assert split.test.index.tolist() == sorted(test)
    assert split.val.index.tolist() == sorted(val)
