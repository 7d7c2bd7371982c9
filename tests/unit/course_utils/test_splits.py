"""Splits: cases on paper, what every split must keep, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import DataError
from course_utils.splits import (
    Split,
    assert_no_leakage,
    course_split,
    global_time_split,
    k_core,
    leave_last_out,
    ratio_split,
)

# user 1 has a tie at the end; user 2 stands between; user 3 has one interaction only
TABLE = pd.DataFrame(
    [(1, 9, 10), (2, 9, 50), (1, 8, 20), (1, 7, 30), (2, 8, 40), (1, 2, 30), (3, 9, 60)],
    columns=["user_id", "movie_id", "timestamp"],
)


def tables():
    row = st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(0, 9))
    return st.lists(row, min_size=1, max_size=50, unique_by=lambda r: r[:2]).map(
        lambda rows: pd.DataFrame(rows, columns=["user_id", "movie_id", "timestamp"])
    )


def movies_of(part, user):
    return part.loc[part["user_id"] == user, "movie_id"].tolist()


def test_leave_last_out_by_hand():
    split = leave_last_out(TABLE)
    assert movies_of(split.test, 1) == [2]  # the later row of the two at time 30
    assert movies_of(split.test, 2) == [9]  # time 50, though its row comes first
    assert movies_of(split.test, 3) == []
    assert split.n_too_short == 1
    assert repr(split) == "Split(train 5, val 0, test 2; 1 users too short, all in train)"


def test_the_tie_rule_decides_among_equal_timestamps():
    assert movies_of(leave_last_out(TABLE, ties="order").test, 1) == [2]
    assert movies_of(leave_last_out(TABLE, ties="movie_id").test, 1) == [7]
    drawn = {movies_of(leave_last_out(TABLE, ties="random", seed=s).test, 1)[0] for s in range(20)}
    assert drawn == {2, 7}
    one, two = (leave_last_out(TABLE, ties="random", seed=3).test for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_validation_comes_before_the_test():
    split = leave_last_out(TABLE, n_test=1, n_val=2, min_train=1)
    assert movies_of(split.train, 1) == [9]
    assert movies_of(split.val, 1) == [8, 7]
    assert movies_of(split.test, 1) == [2]
    assert movies_of(split.train, 2) == [9, 8]  # two are too few for three parts
    assert split.n_too_short == 2


def test_ratio_split_rounds_down_and_takes_the_newest():
    table = pd.DataFrame({"user_id": 1, "movie_id": range(10), "timestamp": range(10)})
    assert ratio_split(table, 0.2).test["movie_id"].tolist() == [8, 9]
    assert ratio_split(table, 0.29).test["movie_id"].tolist() == [8, 9]
    assert len(ratio_split(table, 0.3).test) == 3  # 10 x 0.3 is 3, whatever floats say
    assert ratio_split(table.head(4), 0.2).n_too_short == 1


def test_global_time_split_never_parts_a_second():
    split = global_time_split(TABLE, 0.5)  # 10 20 30 30 | 40 50 60
    assert split.cut == 40
    assert sorted(split.test["timestamp"]) == [40, 50, 60]
    split = global_time_split(TABLE, 0.6)  # four would part the two at 30
    assert sorted(split.test["timestamp"]) == [40, 50, 60]


@given(tables(), st.sampled_from(["order", "movie_id", "random"]), st.integers(0, 3))
def test_every_row_is_in_one_part_and_nothing_leaks(table, ties, n_val):
    for split in (
        leave_last_out(table, n_test=2, n_val=n_val, min_train=1, ties=ties, seed=0),
        ratio_split(table, 0.4, ties=ties, seed=0),
    ):
        rows = [*split.train.index, *split.val.index, *split.test.index]
        assert sorted(rows) == table.index.tolist()
        assert_no_leakage(split)
        counts = split.test["user_id"].value_counts()
        held_out = set(counts.index)
        assert held_out <= set(split.train["user_id"])
        assert split.n_too_short == table["user_id"].nunique() - len(held_out)


@given(tables())
def test_a_split_is_what_a_loop_over_sorted_users_gives(table):
    expected = []
    for _, rows in table.groupby("user_id"):
        rows = rows.sort_values("timestamp", kind="stable")
        if len(rows) >= 3:
            expected += rows.index[-2:].tolist()
    assert leave_last_out(table, n_test=2, min_train=1).test.index.tolist() == sorted(expected)


@given(tables())
def test_k_core_is_the_largest_part_that_satisfies_both_counts(table):
    core = k_core(table, k_users=2, k_items=2)
    if len(core):
        assert core["user_id"].value_counts().min() >= 2
        assert core["movie_id"].value_counts().min() >= 2
    # nothing dropped could be taken back: a loop that drops one row at a time ends at the same
    rows = table
    while True:
        few = rows.groupby("user_id")["movie_id"].transform("size") < 2
        few |= rows.groupby("movie_id")["user_id"].transform("size") < 2
        if not few.any():
            break
        rows = rows.drop(rows.index[np.argmax(few)])
    pd.testing.assert_frame_equal(core, rows)


def test_the_input_is_not_changed():
    before = TABLE.copy()
    test = leave_last_out(TABLE).test
    test["timestamp"] = 0
    k_core(TABLE, 2, 2)
    pd.testing.assert_frame_equal(TABLE, before)


def test_leakage_names_the_user_and_both_times():
    split = leave_last_out(TABLE)
    leaky = Split(train=split.test, val=split.val, test=split.train)
    with pytest.raises(
        DataError, match=r"User 1 .* 1970-01-01 00:00:30 UTC in train.*00:00:10 UTC"
    ):
        assert_no_leakage(leaky)


def test_leakage_across_users_counts_where_one_cut_serves_all():
    part = lambda user, movie, time: pd.DataFrame(  # noqa: E731
        {"user_id": [user], "movie_id": [movie], "timestamp": [time]}
    )
    own_cuts = Split(train=part(1, 1, 100), val=TABLE.head(0), test=part(2, 2, 50))
    assert_no_leakage(own_cuts)
    with pytest.raises(DataError, match="User 1"):
        assert_no_leakage(Split(own_cuts.train, own_cuts.val, own_cuts.test, cut=50))


def test_a_pair_twice_in_one_part_is_no_leak():
    twice = TABLE.iloc[[0, 0]]
    assert_no_leakage(Split(train=twice, val=TABLE.head(0), test=TABLE.tail(1)))


def test_a_pair_in_two_parts_is_leakage():
    part = TABLE.head(1)
    with pytest.raises(DataError, match="User 1 and movie 9 are in test and in an earlier part"):
        assert_no_leakage(Split(train=part, val=TABLE.head(0), test=part))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: leave_last_out(TABLE, n_test=-1), "n_test must be an integer of at least 0"),
        (lambda: leave_last_out(TABLE, n_val=1.5), "n_val must be an integer of at least 0"),
        (
            lambda: leave_last_out(TABLE, ties="last"),
            "ties must be 'order', 'movie_id' or 'random'",
        ),
        (lambda: leave_last_out(TABLE.drop(columns="timestamp")), "no column 'timestamp'"),
        (lambda: leave_last_out(TABLE.head(0)), "no rows"),
        (lambda: ratio_split(TABLE, 1.0), "test_ratio must be above 0 and below 1"),
        (lambda: global_time_split(TABLE, 0), "test_ratio must be above 0 and below 1"),
        (lambda: global_time_split(TABLE.assign(timestamp=5)), "stands in 7 of 7 rows"),
        (lambda: global_time_split(TABLE, 0.1), "10% of 7 rows is less than one row"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_the_courses_split_tests_on_the_last_five_and_chooses_on_the_five_before():
    long = pd.DataFrame({"user_id": 1, "movie_id": range(15), "timestamp": range(100, 115)})
    short = pd.DataFrame({"user_id": 2, "movie_id": range(14), "timestamp": range(14)})
    table = pd.concat([short, long], ignore_index=True).sample(frac=1, random_state=0)
    split = course_split(table)
    assert set(split.test["movie_id"]) == set(range(10, 15))
    assert set(split.val["movie_id"]) == set(range(5, 10))
    assert set(split.test["user_id"]) == set(split.val["user_id"]) == {1}
    assert split.n_too_short == 1


def test_what_the_chosen_model_learns_from_is_all_but_the_test_in_the_tables_order():
    table = pd.DataFrame({"user_id": 1, "movie_id": range(15), "timestamp": range(15, 0, -1)})
    split = course_split(table)
    pd.testing.assert_frame_equal(split.train_and_val, table.drop(split.test.index))
