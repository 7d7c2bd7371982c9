"""Whole films held out: what the split must keep, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import DataError
from course_utils.interactions import encode
from course_utils.splits import cold_item_split

TABLE = pd.DataFrame(
    [(1, 9), (2, 9), (1, 8), (1, 7), (2, 8), (1, 2), (3, 9)], columns=["user_id", "movie_id"]
)


def tables():
    row = st.tuples(st.integers(1, 6), st.integers(1, 12))
    return st.lists(row, min_size=2, max_size=50, unique=True).map(
        lambda rows: pd.DataFrame(rows, columns=["user_id", "movie_id"])
    )


@given(tables(), st.floats(0.01, 0.99), st.integers(0, 5))
def test_each_film_is_on_one_side_with_all_its_rows(table, share, seed):
    films = table["movie_id"].unique()
    if int(len(films) * share + 1e-9) == 0:
        with pytest.raises(DataError, match="less than one film"):
            cold_item_split(table, share, seed)
        return
    split = cold_item_split(table, share, seed)
    warm, cold = set(split.train["movie_id"]), set(split.test["movie_id"])
    assert not warm & cold
    assert warm | cold == set(films)
    assert len(cold) == int(len(films) * share + 1e-9)
    together = pd.concat([split.train, split.test]).sort_index()
    pd.testing.assert_frame_equal(together, table)
    assert split.val.empty


def test_the_seed_settles_the_draw_whatever_the_order_of_the_rows():
    cold = set(cold_item_split(TABLE, 0.5, seed=3).test["movie_id"])
    assert cold == set(cold_item_split(TABLE[::-1], 0.5, seed=3).test["movie_id"])
    drawn = {tuple(sorted(set(cold_item_split(TABLE, 0.5, s).test["movie_id"]))) for s in range(9)}
    assert len(drawn) > 1


def test_a_share_is_met_whatever_floats_say():
    table = pd.DataFrame({"user_id": 1, "movie_id": range(10)})
    assert cold_item_split(table, 0.3).test["movie_id"].nunique() == 3
    assert cold_item_split(table, 0.29).test["movie_id"].nunique() == 2


def test_a_cold_film_has_a_column_and_nobody_in_it():
    split = cold_item_split(TABLE, 0.5)
    train = encode(split.train, items=np.unique(TABLE["movie_id"]))
    cold = train.columns_of(split.test["movie_id"].unique())
    assert train.matrix.shape[1] == 4
    assert train.matrix[:, cold].nnz == 0


def test_the_input_is_not_changed():
    before = TABLE.copy()
    held_out = cold_item_split(TABLE, 0.5).test
    held_out["user_id"] = 0
    pd.testing.assert_frame_equal(TABLE, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cold_item_split(TABLE, 0.0), "share must be above 0 and below 1"),
        (lambda: cold_item_split(TABLE, 1.0), "share must be above 0 and below 1"),
        (lambda: cold_item_split(TABLE, float("nan")), "share must be above 0 and below 1"),
        (lambda: cold_item_split(TABLE, 0.2), "20% of 4 films is less than one film"),
        (lambda: cold_item_split(TABLE.head(0)), "of 0 films is less than one film"),
        (lambda: cold_item_split(TABLE.drop(columns="movie_id")), "no column 'movie_id'"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, message):
    with pytest.raises(DataError, match=message):
        call()
