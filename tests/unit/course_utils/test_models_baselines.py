"""Random and Popularity: fair chance, counts, half-lives and ties."""

import numpy as np
import pytest
from model_cases import everybody, same, some_matrix
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models import Popularity, Random

DAY = 86_400


def test_chance_is_settled_by_seed_and_row_alone():
    matrix = some_matrix()
    first = everybody(Random(seed=1).fit(matrix), matrix)
    assert same(everybody(Random(seed=1).fit(some_matrix(9)), matrix), first)
    assert not same(everybody(Random(seed=2).fit(matrix), matrix), first)
    repeated = Random(seed=1).fit(matrix).recommend([7, 3, 7], matrix[[7, 3, 7]])
    assert same(repeated, (first[0][[7, 3, 7]], first[1][[7, 3, 7]]))


def test_chance_is_fair():
    n_users, n_items = 4000, 20
    nothing = sparse.csr_matrix((n_users, n_items))
    model = Random(seed=0).fit(some_matrix(n_items=n_items))
    ids, _ = model.recommend(np.arange(n_users), nothing, N=5)
    times = np.bincount(ids.ravel(), minlength=n_items)
    expected = n_users * 5 / n_items
    # Each count is binomial, so its standard deviation is √(4000 · ¼ · ¾), about 27.
    assert np.abs(times - expected).max() < 5 * 27.4
    first = np.bincount(ids[:, 0], minlength=n_items)
    assert np.abs(first - n_users / n_items).max() < 5 * 13.8


def test_counts_and_ties_by_hand():
    matrix = sparse.csr_matrix([[1, 0, 1, 0, 0], [0, 0, 1, 1, 0], [5, 0, 0.5, 1, 0]])
    model = Popularity().fit(matrix)
    assert model.popularity.tolist() == [2, 0, 3, 2, 0]  # values do not count
    ids, scores = model.recommend(0, sparse.csr_matrix((1, 5)), N=5)
    assert ids.tolist() == [2, 0, 3, 1, 4]  # of equals the lowest column first
    assert scores.tolist() == [3, 2, 2, 0, 0]


def half_lived(half_life, times, matrix=None):
    times = sparse.csr_matrix(np.array(times, dtype=np.float64))
    return Popularity(half_life).fit(times if matrix is None else matrix, timestamps=times)


def test_a_half_life_by_hand():
    times = np.array([[100, 90, 0], [0, 80, 70]]) * DAY
    assert half_lived(10, times).popularity.tolist() == [1, 0.5 + 0.25, 0.125]
    assert half_lived(1e9, times).popularity == pytest.approx([1, 2, 1])


def test_the_newest_wins_as_the_half_life_shrinks():
    times = np.array([[100, 90, 0], [0, 90, 98], [0, 89, 98]]) * DAY
    ranked = [half_lived(h, times).recommend(0, sparse.csr_matrix((1, 3)))[0] for h in (1e6, 1)]
    assert [ids[:3].tolist() for ids in ranked] == [[1, 2, 0], [0, 2, 1]]


def test_timestamps_may_know_of_more_and_may_be_zero():
    has = sparse.csr_matrix([[1, 0], [1, 1]])
    rows, columns = [1, 0, 1, 0], [1, 1, 0, 0]
    when = sparse.coo_matrix(([DAY, 999 * DAY, 0, DAY], (rows, columns)), shape=(2, 2))
    assert Popularity(half_life=1).fit(has, when).popularity.tolist() == [1.5, 1]


def test_fitting_again_without_timestamps_is_refused_too():
    times = sparse.csr_matrix([[3.0, 1.0]])
    model = Popularity(half_life=1).fit(times, times)
    with pytest.raises(DataError, match="A half-life needs to know when"):
        model.fit(times)


@pytest.mark.parametrize(
    ("timestamps", "message"),
    [
        (None, r"A half-life needs to know when: fit\(user_items, timestamps="),
        (np.ones((2, 2)), "must be a sparse matrix of the shape .* and is ndarray"),
        (sparse.csr_matrix((2, 3)), r"is csr_matrix of shape \(2, 3\)"),
        (sparse.csr_matrix([[1, 0], [1, 0]]), "row 0 and item column 1 have no timestamp"),
        (
            sparse.coo_matrix(([5, 5, 5, 5], ([0, 0, 1, 1], [0, 1, 0, 0])), shape=(2, 2)),
            "row 1 and item column 0 have more than one timestamp",
        ),
        (sparse.csr_matrix([[1, np.nan], [1, 0]]), "`timestamps` holds NaN"),
    ],
)
def test_timestamps_that_do_not_belong_to_the_matrix(timestamps, message):
    has = sparse.csr_matrix([[1, 1], [1, 0]])
    with pytest.raises(DataError, match=message):
        Popularity(half_life=30).fit(has, timestamps)
    assert Popularity().fit(has, timestamps).popularity.tolist() == [2, 1]  # not looked at
