"""ALS: the protocol's edge cases, who is served how, and what explains a score."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from evaluation_models import random_split
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from threadpoolctl import threadpool_info, threadpool_limits

from course_utils.errors import DataError
from course_utils.evaluation import evaluate, recommend_all
from course_utils.interactions import Interactions
from course_utils.models import ALS
from course_utils.models.als import confidence_of, mean_loss


@pytest.fixture(scope="module")
def train():
    """40 users × 60 items; nobody but user 1 has nothing, and nobody has item 5."""
    has = random_split(seed=3)[0].toarray()
    has[np.arange(40), np.arange(10, 50)] = 1
    has[1] = has[:, 5] = 0
    return sparse.csr_matrix(has)


@pytest.fixture(scope="module")
def model(train):
    return ALS(8, 0.01, iterations=10, alpha=1.0).fit(train)


def everybody(matrix):
    return np.arange(matrix.shape[0])


def test_it_is_fitted_to_the_protocol(model, train):
    assert (model.n_users, model.n_items) == train.shape
    assert model.user_factors.shape == (40, 8)
    assert model.item_factors.shape == (60, 8)
    assert model.user_factors.dtype == np.float32
    ids, scores = model.recommend(everybody(train), train, N=5)
    assert ids.shape == scores.shape == (40, 5)
    assert ids.dtype == np.int32
    assert scores.dtype == np.float32
    assert (scores[:, 1:] <= scores[:, :-1]).all()
    alone, score = model.recommend(7, train[7], N=5)
    assert alone.tolist() == ids[7].tolist()
    assert score == pytest.approx(scores[7], abs=1e-6)


def test_scores_are_the_dot_products_and_nothing_seen_comes_back(model, train):
    ids, scores = model.recommend(everybody(train), train, N=60)
    dense = model.user_factors @ model.item_factors.T
    for user in range(40):
        unseen = np.setdiff1d(np.arange(60), [5, *train[user].indices]) if user != 1 else []
        found = ids[user][ids[user] >= 0]
        assert sorted(found) == list(unseen)
        assert scores[user][: len(found)] == pytest.approx(dense[user, found], abs=1e-6)
        assert (ids[user][len(found) :] == -1).all()
        assert (scores[user][len(found) :] == -np.inf).all()


@pytest.mark.parametrize("everything_is_known", [True, False])
def test_evaluate_finds_the_lists_that_recommend_returns(train, everything_is_known):
    if everything_is_known:
        train = train[2:][:, 6:]
    model = ALS(8, 0.01, iterations=10, alpha=1.0).fit(train)
    assert model.scores_are_dot_products == everything_is_known
    test = sparse.csr_matrix(np.roll(train.toarray(), 1, axis=1) * (train.toarray() == 0))
    result = evaluate(model, train, test, progress=False)
    rows = result.per_user.index.to_numpy()
    assert (result.recommended == model.recommend(rows, train[rows])[0]).all()
    assert (recommend_all(model, train, progress=False)[rows] == result.recommended).all()


def test_a_user_without_history_gets_nothing(model, train):
    assert not model.user_factors[1].any()
    assert not model.item_factors[5].any()
    for user in (1, 999):  # there when it was fitted, and new
        ids, scores = model.recommend(user, train[1], N=3)
        assert ids.tolist() == [-1] * 3
        assert (scores == -np.inf).all()
    assert (recommend_all(model, train, [1], progress=False) == -1).all()


def test_a_user_with_every_item_gets_nothing(train):
    has = train.toarray()
    has[2] = 1
    full = sparse.csr_matrix(has)
    ids, scores = ALS(factors=4, iterations=2).fit(full).recommend(2, full[2], N=4)
    assert ids.tolist() == [-1] * 4
    assert (scores == -np.inf).all()


def test_candidates_can_be_chosen_and_left_out(model, train):
    ids, _ = model.recommend(everybody(train), train, N=4, items=[3, 9, 11, 30])
    assert set(np.unique(ids)) <= {-1, 3, 9, 11, 30}
    left, _ = model.recommend(everybody(train), train, N=60, filter_items=[3, 9])
    assert not np.isin([3, 9], left).any()
    again, _ = model.recommend(0, train[0], N=60, filter_already_liked_items=False)
    assert sorted(again[:-1]) == [*range(5), *range(6, 60)]
    assert again[-1] == -1  # nobody has item 5


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (1, 1)])
def test_a_single_user_or_item_is_enough(shape):
    ones = sparse.csr_matrix(np.ones(shape))
    fitted = ALS(3, 0.01, iterations=3).fit(ones)
    ids, scores = fitted.recommend(0, ones[0], N=2, filter_already_liked_items=False)
    assert len(set(ids)) == 2
    assert (ids[1] == -1) == (shape[1] == 1)
    assert 0.9 < scores[0] < 1


VARIANTS = {
    "bool": lambda m: m.astype(bool),
    "int": lambda m: m.astype(np.int64),
    "float64": lambda m: m.astype(np.float64),
    "coo": lambda m: m.tocoo(),
    "csc": lambda m: m.tocsc(),
    "array": sparse.csr_array,
    "unsorted": lambda m: m[:, ::-1][:, ::-1],
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_form_of_the_matrix_makes_no_difference(model, train, variant):
    given = VARIANTS[variant](train)
    before = given.copy()
    fitted = ALS(8, 0.01, iterations=10, alpha=1.0).fit(given)
    assert np.array_equal(fitted.user_factors, model.user_factors)
    assert (abs(given.astype(float) - before.astype(float))).nnz == 0


def test_explicit_zeros_are_no_interactions(model, train):
    stored = train.tocoo()
    row, column = np.append(stored.row, [0, 1]), np.append(stored.col, [5, 5])
    padded = sparse.csr_matrix((np.append(stored.data, [0, 0]), (row, column)), shape=train.shape)
    fitted = ALS(8, 0.01, iterations=10, alpha=1.0).fit(padded)
    assert padded.nnz == train.nnz + 2
    assert np.array_equal(fitted.item_factors, model.item_factors)


def test_fitting_twice_starts_anew(model, train):
    fitted = ALS(8, 0.01, iterations=10, alpha=1.0).fit(train[:20, :30])
    assert np.array_equal(fitted.fit(train).user_factors, model.user_factors)


def test_a_fit_that_fails_leaves_nothing_of_the_one_before(train):
    fitted = ALS(factors=4, iterations=2).fit(train)
    with pytest.raises(DataError, match=r"holds -1, but an interaction is a number above 0"):
        fitted.fit(-train)
    with pytest.raises(DataError, match="not fitted"):
        fitted.recommend(0, train[0])
    with pytest.raises(DataError, match="not fitted"):
        recommend_all(fitted, train, progress=False)


def test_more_iterations_lower_the_loss(train):
    losses = [ALS(8, 0.01, iterations=n).fit(train).loss(train) for n in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


def test_the_loss_is_the_objective_written_out():
    has = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]], dtype=np.float32)
    users, items = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.2, 0.1], [1, 0], [0, 0.3]])
    confidence = 1 + 0.5 * has
    written_out = (confidence * ((has > 0) - users @ items.T) ** 2).sum()
    written_out += 0.1 * ((users**2).sum() + (items**2).sum())
    weights = confidence_of(sparse.csr_matrix(has), alpha=0.5)
    assert mean_loss(users, items, weights, 0.1) == pytest.approx(written_out / confidence.sum())


def test_a_larger_alpha_brings_the_scores_of_positives_nearer_to_one(train):
    def error(alpha):
        fitted = ALS(4, 0.01, alpha=alpha).fit(train)
        return abs(1 - (fitted.user_factors @ fitted.item_factors.T)[train.nonzero()]).mean()

    assert error(20.0) < error(1.0) < error(0.0)


def test_interactions_count_by_their_size(train):
    twice = ALS(factors=8, alpha=1.0).fit(2 * train)
    assert np.array_equal(twice.user_factors, ALS(factors=8, alpha=2.0).fit(train).user_factors)


# --- users who were not there


def test_a_new_user_gets_what_the_same_history_gets(model, train):
    rows = [3, 8]
    new, new_scores = model.recommend([100, 200], train[rows], N=6)
    known, scores = model.recommend(rows, train[rows], N=6, recalculate_user=True)
    assert (new == known).all()
    assert (new_scores == scores).all()
    mixed, _ = model.recommend([3, 200], train[rows], N=6)
    assert mixed[0].tolist() == model.recommend(3, train[3], N=6)[0].tolist()
    assert mixed[1].tolist() == known[1].tolist()


def test_the_vector_of_a_new_user_solves_the_equations(train):
    fitted = ALS(factors=6, alpha=3.0, regularization=0.2, dtype=np.float64).fit(train)
    items, has = fitted.item_factors, train[4].toarray()[0]
    weighted = items * (1 + 3.0 * has)[:, None]
    best = np.linalg.solve(items.T @ weighted + 0.2 * np.eye(6), weighted.T @ has)
    ids, scores = fitted.recommend(40, train[4], N=60, filter_already_liked_items=False)
    assert scores[:-1] == pytest.approx((items @ best)[ids[:-1]], abs=1e-6)


# --- similar items and explanations


def test_similar_items_are_those_of_nearest_direction(model):
    directions = (
        model.item_factors
        / np.linalg.norm(
            np.where(model.item_factors.any(axis=1, keepdims=True), model.item_factors, 1), axis=1
        )[:, None]
    )
    ids, scores = model.similar_items([0, 17], N=5)
    for row, item in enumerate([0, 17]):
        cosine = directions @ directions[item]
        cosine[5] = -np.inf
        assert ids[row].tolist() == np.argsort(-cosine)[:5].tolist()
        assert ids[row][0] == item
        assert scores[row] == pytest.approx(cosine[ids[row]], abs=1e-6)
    assert model.similar_items(17, N=5)[0].tolist() == ids[1].tolist()


def test_an_item_nobody_has_is_similar_to_itself_alone(model):
    ids, scores = model.similar_items(5, N=3)
    assert ids.tolist() == [5, -1, -1]
    assert scores.tolist() == [0, -np.inf, -np.inf]
    others, _ = model.similar_items(np.delete(np.arange(60), 5), N=60)
    assert 5 not in others
    assert (others[:, -1] == -1).all()


def test_an_explanation_adds_up_to_the_score(model, train):
    scores = model.recommend(9, train[9], 60, recalculate_user=True)
    n = train[9].nnz
    for item, score in zip(*scores, strict=True):
        if item >= 0:
            ids, parts = model.explain(9, train[9], item, N=n + 2)
            assert sorted(ids[:n]) == train[9].indices.tolist()
            assert (parts[1:] <= parts[:-1]).all()
            assert parts[:n].sum() == pytest.approx(score, abs=1e-5)
            assert ids[n:].tolist() == [-1, -1]
            assert (parts[n:] == -np.inf).all()
            few, most = model.explain(9, train[9], item, N=2)
            assert (few.tolist(), most.tolist()) == (ids[:2].tolist(), parts[:2].tolist())


def test_an_empty_history_explains_nothing(model, train):
    ids, parts = model.explain(1, train[1], 0, N=2)
    assert ids.tolist() == [-1, -1]
    assert parts.tolist() == [-np.inf, -np.inf]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0, 50), st.floats(0.01, 10))
def test_every_explanation_adds_up_to_its_score(seed, alpha, regularization):
    rng = np.random.default_rng(seed)
    has = sparse.csr_matrix(rng.integers(0, 3, (6, 9)).astype(np.float32))
    if has[0].nnz:
        fitted = ALS(3, regularization, 3, alpha, dtype=np.float64).fit(has)
        ids, scores = fitted.recommend(0, has[0], 2, False, recalculate_user=True)
        for item, score in zip(ids, scores, strict=True):
            parts = fitted.explain(0, has[0], item, N=has[0].nnz)[1]
            assert parts.sum() == pytest.approx(score, abs=1e-4)


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"factors": 0}, "factors must be an integer of at least 1, and is 0"),
        ({"factors": 2.5}, "factors must be an integer"),
        ({"iterations": 0}, "iterations must be an integer of at least 1"),
        ({"regularization": -0.1}, "regularization must be a number of at least 0, and is -0.1"),
        ({"regularization": float("nan")}, "regularization must be a number of at least 0"),
        ({"alpha": -1}, "alpha must be a number of at least 0, and is -1"),
        ({"alpha": "40"}, "alpha must be a number of at least 0, and is '40'"),
        ({"seed": -1}, "seed"),
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'float64', not 'float16'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, said):
    with pytest.raises(DataError, match=said):
        ALS(**arguments)


def test_a_transposed_matrix_is_refused_when_the_number_of_items_is_given(train):
    said = (
        "has 60 rows and 40 columns, and needs a column for each of 60 items; it is items × users"
    )
    with pytest.raises(DataError, match=said):
        ALS(factors=2).fit(train.T, n_items=60)
    with pytest.raises(DataError, match="each of 50 items; count again"):
        ALS(factors=2).fit(train, n_items=50)
    assert ALS(factors=2).fit(train, n_items=60).n_items == 60


def test_a_transposed_matrix_is_refused_at_the_latest_when_it_is_used(train):
    turned = ALS(factors=2).fit(train.T)
    with pytest.raises(DataError, match="items × users, so transpose it"):
        turned.recommend(0, train[0])
    with pytest.raises(DataError, match="items × users, so transpose it"):
        recommend_all(turned, train, progress=False)
    with pytest.raises(DataError, match="items × users, so transpose it"):
        turned.loss(train)
    with pytest.raises(DataError, match="items × users, so transpose it"):
        turned.explain(0, train[0], 0)
    whole = sparse.csr_matrix(np.ones((3, 4)))
    with pytest.raises(DataError, match="users and items are swapped"):
        recommend_all(ALS(factors=2).fit(whole.T), whole, progress=False)


def test_interactions_are_refused_with_a_hint(train):
    pair = Interactions(train, np.arange(40, dtype=np.int32), np.arange(60, dtype=np.int32))
    with pytest.raises(DataError, match=r"give its matrix: train\.matrix"):
        ALS(factors=2).fit(pair)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(train, value):
    spoiled = train.copy()
    spoiled.data[3] = value
    with pytest.raises(DataError, match=r"holds (NaN|infinity)"):
        ALS(factors=2).fit(spoiled)


def test_before_fit_nothing_is_answered(train):
    fresh = ALS()
    for ask in (
        lambda: fresh.recommend(0, train[0]),
        lambda: fresh.similar_items(0),
        lambda: fresh.explain(0, train[0], 0),
        lambda: fresh.loss(train),
    ):
        with pytest.raises(DataError, match="ALS is not fitted"):
            ask()


def test_what_explain_cannot_explain(model, train):
    with pytest.raises(DataError, match="holds 60, but columns are counted from 0 to 59"):
        model.explain(0, train[0], 60)
    with pytest.raises(DataError, match="2 rows for 1 users"):
        model.explain(0, train[:2], 0)
    with pytest.raises(DataError, match="takes one user and one item"):
        model.explain(0, train[0], [3, 4])


def test_a_confidence_beyond_float32_is_refused(train):
    with pytest.raises(DataError, match="too large for float32"):
        ALS(alpha=1e39).fit(train)


def test_equations_without_a_solution_are_told_in_a_sentence():
    one = sparse.csr_matrix([[1.0]])
    fitted = ALS(factors=2, regularization=0, iterations=1).fit(one)
    fitted.item_factors[:] = 0
    with pytest.raises(DataError, match="no single solution; fit the model with a larger"):
        fitted.recommend(1, one)
    with pytest.raises(DataError, match="no single solution; fit the model with a larger"):
        fitted.explain(0, one, 0)


# --- seeds and threads


def test_a_seed_gives_the_same_factors_whatever_the_blas_was_set_to(model, train):
    with threadpool_limits(2, user_api="blas"):
        again = ALS(8, 0.01, iterations=10, alpha=1.0).fit(train)
    assert np.array_equal(again.user_factors, model.user_factors)
    assert np.array_equal(again.item_factors, model.item_factors)
    other = ALS(factors=8, iterations=10, seed=7).fit(train)
    assert not np.array_equal(other.user_factors, model.user_factors)


def test_the_number_of_implicits_threads_changes_no_bit(train):
    wide = sparse.vstack([train] * 30).tocsr()
    factors = []
    for threads in (1, 2, 5):
        with threadpool_limits(threads, user_api="openmp"):
            factors.append(ALS(factors=16).fit(wide).item_factors)
    assert np.array_equal(factors[0], factors[1])
    assert np.array_equal(factors[0], factors[2])


def test_fitting_leaves_the_readers_threads_as_they_were(train):
    import implicit.cpu.als  # noqa: F401 - loads the BLAS that is looked at

    before = [(lib["filepath"], lib["num_threads"]) for lib in threadpool_info()]
    ALS(factors=2).fit(train).recommend(99, train[0])
    assert [(lib["filepath"], lib["num_threads"]) for lib in threadpool_info()] == before


def test_the_first_fit_of_a_program_warns_of_nothing():
    """Where nobody has limited the BLAS, `implicit` warns as soon as a model of its own is made."""
    code = (
        "import numpy as np; from scipy import sparse; from course_utils.models import ALS; "
        "m = sparse.csr_matrix(np.eye(4, dtype='f4')); ALS(2).fit(m).recommend(9, m[0])"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_float64_is_exact_where_float32_is_near(train):
    near, exact = (ALS(factors=8, dtype=d).fit(train) for d in (np.float32, np.float64))
    assert exact.user_factors.dtype == np.float64
    assert exact.recommend(0, train[0])[1].dtype == np.float32
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert near.loss(train) == pytest.approx(exact.loss(train), rel=1e-3)
