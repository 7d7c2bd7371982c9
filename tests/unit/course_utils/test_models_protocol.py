"""What every model promises: the same matrix in any dress, padding, filters, and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from model_cases import FROM_HISTORY, MODELS, SERVE_EVERYBODY, everybody, same, some_matrix
from scipy import sparse

from course_utils.evaluation import evaluate

every_model = pytest.mark.parametrize("name", MODELS)


def unsorted(matrix):
    turned = matrix.copy()
    for start, end in zip(turned.indptr[:-1], turned.indptr[1:], strict=True):
        turned.indices[start:end] = turned.indices[start:end][::-1].copy()
        turned.data[start:end] = turned.data[start:end][::-1].copy()
    turned.has_sorted_indices = turned.has_canonical_format = False
    return turned


def with_zeros(matrix):
    rows, columns = np.nonzero(matrix.toarray() >= 0)  # every cell is stored
    return sparse.csr_matrix((matrix.toarray().ravel(), (rows, columns)), matrix.shape)


def in_halves(matrix):
    twice = matrix.tocoo()
    halves = np.concatenate([twice.data, twice.data]) / 2
    cells = np.tile(twice.row, 2), np.tile(twice.col, 2)
    return sparse.coo_matrix((halves, cells), matrix.shape)


DRESSES = {
    "float64": lambda m: m.astype(np.float64),
    "int8": lambda m: m.astype(np.int8),
    "int64": lambda m: m.astype(np.int64),
    "bool": lambda m: m.astype(bool),
    "csc": lambda m: m.tocsc(),
    "coo": lambda m: m.tocoo(),
    "lil": lambda m: m.tolil(),
    "csr_array": sparse.csr_array,
    "unsorted indices": unsorted,
    "explicit zeros": with_zeros,
    "duplicates that add up": in_halves,
}


@every_model
@pytest.mark.parametrize("dress", DRESSES)
def test_a_matrix_in_any_dress_gives_the_same_answer(name, dress):
    plain = some_matrix()
    dressed = DRESSES[dress](plain)
    before = dressed.copy()
    expected = everybody(MODELS[name]().fit(plain), plain, N=7)
    model = MODELS[name]().fit(dressed)
    assert same(everybody(model, plain, N=7), expected)
    rows = dressed.tocsr()[np.arange(30)] if dress != "unsorted indices" else dressed
    assert same(everybody(model, rows, N=7), expected)
    for part in ("data", "indices", "indptr", "row", "col", "rows"):  # nothing was changed
        assert np.array_equal(getattr(dressed, part, 0), getattr(before, part, 0))


@every_model
def test_one_user_is_a_row_of_the_answer_for_all(name):
    matrix = some_matrix()
    model = MODELS[name]().fit(matrix)
    ids, scores = everybody(model, matrix, N=4)
    assert (ids.shape, ids.dtype, scores.dtype) == ((30, 4), np.int32, np.float32)
    for user in (0, 17, np.int32(29)):
        assert same(model.recommend(user, matrix[user], N=4), (ids[user], scores[user]))


@every_model
def test_batches_make_no_difference(name, monkeypatch):
    matrix = some_matrix(n_users=300)
    model = MODELS[name]().fit(matrix)
    whole = everybody(model, matrix)
    monkeypatch.setattr("course_utils.models.base.BLOCK", 1)  # 64 users at once
    assert same(everybody(model, matrix), whole)
    order = np.random.default_rng(0).permutation(300)
    shuffled = model.recommend(order, matrix[order])
    assert same(shuffled, (whole[0][order], whole[1][order]))


@every_model
def test_nobody_is_an_answer_too(name):
    matrix = some_matrix()
    ids, scores = MODELS[name]().fit(matrix).recommend([], matrix[:0], N=3)
    assert ids.shape == scores.shape == (0, 3)


@every_model
def test_more_items_than_there_are_end_in_nothing(name):
    matrix = some_matrix()
    ids, scores = everybody(MODELS[name]().fit(matrix), matrix, N=1000)
    assert ids.shape == (30, 1000)
    n = (ids >= 0).sum(axis=1)
    assert (n <= 40 - np.diff(matrix.indptr)).all()
    if name in SERVE_EVERYBODY:
        assert (n == 40 - np.diff(matrix.indptr)).all()
    for row in range(30):
        assert (ids[row, n[row] :] == -1).all()
        assert (scores[row, n[row] :] == -np.inf).all()
        assert np.isfinite(scores[row, : n[row]]).all()


@every_model
def test_somebody_who_has_every_film_gets_none(name):
    matrix = sparse.csr_matrix(np.vstack([some_matrix().toarray(), np.ones(40)]))
    model = MODELS[name]().fit(matrix)
    ids, scores = model.recommend(30, matrix[30], N=3)
    assert ids.tolist() == [-1, -1, -1]
    assert scores.tolist() == [-np.inf] * 3
    ids, _ = model.recommend(30, matrix[30], N=3, filter_already_liked_items=False)
    assert (ids >= 0).all()


@every_model
def test_somebody_without_a_history(name):
    matrix = sparse.csr_matrix(np.vstack([some_matrix().toarray(), np.zeros(40)]))
    ids, scores = MODELS[name]().fit(matrix).recommend(30, matrix[30], N=3)
    if name in SERVE_EVERYBODY:
        assert len(set(ids.tolist()) - {-1}) == 3
        assert np.isfinite(scores).all()
    else:
        assert ids.tolist() == [-1, -1, -1]


@every_model
def test_a_film_that_nobody_has(name):
    dense = some_matrix().toarray()
    dense[:, 11] = 0
    dense[dense.sum(axis=1) == 0, 0] = 1
    matrix = sparse.csr_matrix(dense)
    ids, _ = everybody(MODELS[name]().fit(matrix), matrix, N=40)
    if name not in SERVE_EVERYBODY:
        assert not (ids == 11).any()
    if name == "Popularity":
        last = np.take_along_axis(ids, (ids >= 0).sum(axis=1)[:, None] - 1, axis=1)
        assert (last == 11).all()


@every_model
@pytest.mark.parametrize(
    ("dense", "candidates"), [([[1.0]], set()), ([[1.0, 0, 1]], {1}), ([[1.0], [0], [1]], {0})]
)
def test_a_single_user_and_a_single_film(name, dense, candidates):
    matrix = sparse.csr_matrix(dense)
    ids, scores = everybody(MODELS[name]().fit(matrix), matrix, N=2)
    found = set(ids.ravel().tolist()) - {-1}
    assert found == (candidates if name in SERVE_EVERYBODY else set())
    assert (np.isfinite(scores) == (ids >= 0)).all()


@every_model
def test_fitting_again_leaves_nothing_of_the_first_time(name):
    first, second = some_matrix(1), some_matrix(2, n_users=50, n_items=25)
    model = MODELS[name]()
    assert model.fit(first) is model
    twice = everybody(model.fit(second), second, N=30)
    assert same(twice, everybody(MODELS[name]().fit(second), second, N=30))
    assert (model.n_users, model.n_items) == (50, 25)
    assert vars(model).keys() == vars(MODELS[name]().fit(second)).keys()


@pytest.mark.parametrize("name", sorted(FROM_HISTORY))
def test_rows_that_were_not_there_are_served_from_their_history(name):
    matrix = some_matrix()
    model = MODELS[name]().fit(matrix)
    later = np.arange(1000, 1030)
    assert same(model.recommend(later, matrix), everybody(model, matrix))


@every_model
def test_candidates_can_be_named_and_taken_out(name):
    matrix = some_matrix()
    model = MODELS[name]().fit(matrix)
    whole = everybody(model, matrix, N=40)[0]
    for options, kept in [
        ({"items": [3, 14, 15, 9, 26]}, {3, 9, 14, 15, 26}),
        ({"items": np.array([], dtype=int)}, set()),
        ({"filter_items": [5, 0]}, set(range(40)) - {0, 5}),
        ({"items": [1, 2, 3], "filter_items": 2}, {1, 3}),
    ]:
        ids = everybody(model, matrix, N=40, **options)[0]
        for row, expected in zip(ids.tolist(), whole.tolist(), strict=True):
            there = [item for item in expected if item in kept]
            assert row == there + [-1] * (40 - len(there))


@every_model
def test_the_evaluator_takes_it_as_it_is(name):
    whole = some_matrix(5, n_users=200)
    hidden = np.random.default_rng(5).random(whole.shape) < 0.3
    train = sparse.csr_matrix(whole.toarray() * ~hidden)
    test = sparse.csr_matrix(whole.toarray() * hidden)
    model = MODELS[name]().fit(train)
    result = evaluate(model, train, test, k=10)
    rows = result.per_user.index.to_numpy()
    assert (result.recommended == model.recommend(rows, train[rows], N=10)[0]).all()


@every_model
def test_it_says_how_it_was_made(name):
    model = MODELS[name]()
    again = eval(repr(model), vars(__import__("course_utils.models", fromlist=["*"])))
    assert repr(again) == repr(model)


counts = npst.arrays(
    np.float32, st.tuples(st.integers(1, 12), st.integers(1, 15)), elements=st.integers(0, 3)
).filter(lambda dense: dense.any())


@every_model
@given(dense=counts, n=st.integers(1, 20), filtered=st.booleans())
def test_lists_are_ordered_distinct_and_never_hold_what_is_seen(name, dense, n, filtered):
    matrix = sparse.csr_matrix(dense)
    model = MODELS[name]().fit(matrix)
    ids, scores = everybody(model, matrix, N=n, filter_already_liked_items=filtered)
    for user, (row, best) in enumerate(zip(ids.tolist(), scores.tolist(), strict=True)):
        there = [item for item in row if item >= 0]
        assert row == there + [-1] * (n - len(there))
        assert len(set(there)) == len(there)
        assert not filtered or not dense[user, there].any()
        # best first, and of equal scores the lowest column
        ranked = sorted(zip(best, there, strict=False), key=lambda pair: (-pair[0], pair[1]))
        assert [item for _, item in ranked] == there


@pytest.mark.parametrize("name", sorted(FROM_HISTORY))
@given(dense=counts, seed=st.integers(0, 100))
def test_the_order_of_the_users_plays_no_part(name, dense, seed):
    order = np.random.default_rng(seed).permutation(len(dense))
    there = MODELS[name]().fit(sparse.csr_matrix(dense))
    turned = MODELS[name]().fit(sparse.csr_matrix(dense[order]))
    matrix = sparse.csr_matrix(dense)
    one, other = (everybody(model, matrix, N=5) for model in (there, turned))
    if name in ("EASE", "Hybrid"):  # the inverse, of the one in the other, rounds in another order
        assert np.allclose(one[1], other[1], atol=1e-5)
    else:  # whole numbers add up to the same in any order
        assert same(one, other)


@every_model
@given(dense=counts, n=st.integers(1, 20))
def test_each_user_alone_is_told_the_same(name, dense, n):
    matrix = sparse.csr_matrix(dense)
    model = MODELS[name]().fit(matrix)
    ids, scores = everybody(model, matrix, N=n)
    alone = [model.recommend(user, matrix[user], N=n) for user in range(len(dense))]
    assert same((ids, scores), [np.array(part) for part in zip(*alone, strict=True)])
