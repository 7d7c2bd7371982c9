"""From ratings to the matrix: hand-computed cases, properties, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from course_utils.errors import DataError
from course_utils.interactions import encode, to_implicit

TOY = pd.DataFrame(
    [(3, 10, 5.0), (3, 34, 4.0), (8, 20, 2.0), (8, 34, 3.5), (21, 47, 4.0)],
    columns=["user_id", "movie_id", "rating"],
)


def pairs(least=1):
    one = st.tuples(st.integers(1, 50), st.integers(1, 2**31 - 1))
    return st.lists(one, min_size=least, unique=True, max_size=60).map(
        lambda rows: pd.DataFrame(rows, columns=["user_id", "movie_id"])
    )


def test_positives_are_the_ratings_at_or_above_the_threshold():
    assert to_implicit(TOY)["movie_id"].tolist() == [10, 34, 47]
    assert to_implicit(TOY, threshold=3.5)["movie_id"].tolist() == [10, 34, 34, 47]
    assert to_implicit(TOY).index.tolist() == [0, 1, 2]


def test_to_implicit_leaves_its_input_alone():
    before = TOY.copy()
    positives = to_implicit(TOY)
    positives["rating"] = 0.0
    pd.testing.assert_frame_equal(TOY, before)


def test_a_threshold_that_nothing_reaches_is_refused():
    with pytest.raises(DataError, match=r"threshold 6; the highest is 5"):
        to_implicit(TOY, threshold=6)


def test_encode_places_each_pair_in_the_row_and_column_of_its_ids():
    train = encode(to_implicit(TOY))
    assert train.users.tolist() == [3, 21]
    assert train.items.tolist() == [10, 34, 47]
    assert train.matrix.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
    assert isinstance(train.matrix, sparse.csr_matrix)
    assert train.matrix.dtype == np.float32
    assert train.users.dtype == train.items.dtype == np.int32


@given(pairs())
def test_decoding_gives_the_pairs_back(table):
    encoded = encode(table)
    rows, columns = encoded.matrix.nonzero()
    back = set(zip(encoded.users[rows], encoded.items[columns], strict=True))
    assert back == set(table.itertuples(index=False, name=None))
    assert encoded.matrix.has_sorted_indices
    assert encoded.dropped == 0


@given(pairs(), pairs())
def test_a_test_set_has_the_training_sets_rows_and_columns(past, future):
    train = encode(past)
    test = encode(future, users=train.users, items=train.items)
    known = future[future["user_id"].isin(train.users) & future["movie_id"].isin(train.items)]
    assert test.matrix.shape == train.matrix.shape
    assert test.matrix.nnz == len(known)
    assert test.dropped == len(future) - len(known)
    rows, columns = test.rows_of(known["user_id"]), test.columns_of(known["movie_id"])
    assert test.matrix.toarray()[rows, columns].tolist() == [1.0] * len(known)


def test_encode_says_how_much_it_dropped_and_counts_no_row_twice(capsys):
    train = encode(TOY)
    later = pd.DataFrame({"user_id": [3, 99, 99, 8], "movie_id": [20, 10, 77, 77]})
    test = encode(later, users=train.users, items=train.items)
    assert test.dropped == 3
    said = capsys.readouterr().out
    assert said == (
        "encode: kept 1 of 4 rows; dropped 2 of unknown users, 1 of known users but unknown items\n"
    )


def test_encode_says_nothing_when_nothing_is_dropped(capsys):
    encode(TOY)
    assert capsys.readouterr().out == ""


def test_encode_keeps_the_order_of_the_ids_it_is_given():
    encoded = encode(TOY, users=[21, 8, 3], items=[47, 34, 20, 10])
    assert encoded.users.tolist() == [21, 8, 3]
    assert encoded.matrix.toarray().tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]]


def test_an_empty_test_set_gives_an_empty_matrix_of_the_training_sets_shape():
    train = encode(TOY)
    test = encode(TOY.head(0), users=train.users, items=train.items)
    assert test.matrix.shape == train.matrix.shape
    assert test.matrix.nnz == test.dropped == 0


def test_rows_and_columns_of_ids():
    train = encode(TOY)
    assert train.rows_of(21) == 2
    assert train.rows_of([[3, 21], [8, 3]]).tolist() == [[0, 2], [1, 0]]
    assert train.columns_of(np.array([47, 10])).tolist() == [3, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: encode(TOY.head(0)), "no rows"),
        (
            lambda: encode(TOY.drop(columns="movie_id")),
            "no column 'movie_id', only user_id, rating",
        ),
        (lambda: to_implicit(TOY.drop(columns="rating")), "no column 'rating'"),
        (
            lambda: encode(pd.concat([TOY, TOY.tail(1)])),
            "User 21 and movie 47 stand together twice",
        ),
        (
            lambda: to_implicit(TOY.astype({"rating": str})),
            "'rating' holds '5.0', no number of stars",
        ),
        (lambda: to_implicit(TOY.assign(rating=np.nan)), "'rating' holds no numbers"),
        (lambda: encode(TOY, users=[3, 8, 8, 21]), "id 8 stands twice in `users`"),
        (lambda: encode(TOY, users=[3.0, 8.5]), "`users` holds 8.5, which is no integer"),
        (lambda: encode(TOY, items=["10", "20"]), "`items` holds '10', no integer"),
        (lambda: encode(TOY, users={3, 8}), "`users` must be a list of integer ids"),
        (lambda: encode(TOY, users=[[3, 8]]), r"`users` holds \[3, 8\], no integer"),
        (
            lambda: encode(TOY.assign(movie_id=2**31 + TOY["movie_id"])),
            f"needs ids, from 0 to {2**31 - 1}",
        ),
        (lambda: encode(TOY.assign(user_id=-1)), "holds -1, but needs ids"),
        (lambda: encode(TOY).rows_of(4), "no user 4 in this matrix"),
        (lambda: encode(TOY).columns_of([10, 11]), "no movie 11 in this matrix"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, message):
    with pytest.raises(DataError, match=message):
        call()
