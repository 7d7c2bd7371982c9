"""ALS against `implicit` used directly, and both against ALS written out in NumPy."""

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from course_utils.models import ALS

implicits = pytest.importorskip("implicit.cpu.als", reason="implicit is not installed")

D, REGULARIZATION, ITERATIONS, SEED = 12, 0.05, 15, 5


@pytest.fixture(scope="module")
def train() -> sparse.csr_matrix:
    """Return 120 users × 90 items of five overlapping tastes, counts from 1 to 4."""
    rng = np.random.default_rng(11)
    taste = rng.dirichlet(np.full(5, 0.3), 120) @ rng.dirichlet(np.full(90, 0.2), 5)
    drawn = rng.random((120, 90)) < np.minimum(14 * taste, 0.9)
    return sparse.csr_matrix((drawn * rng.integers(1, 5, drawn.shape)).astype(np.float32))


def implicit_fit(confidence, dtype=np.float64, use_cg=True):
    """Return implicit's model and its training loss after each iteration."""
    losses = []
    with threadpool_limits(1, user_api="blas"):
        model = implicits.AlternatingLeastSquares(
            D,
            regularization=REGULARIZATION,
            iterations=ITERATIONS,
            dtype=dtype,
            use_cg=use_cg,
            calculate_training_loss=True,
            random_state=SEED,
        )
        model.fit(
            confidence, show_progress=False, callback=lambda _i, _s, loss: losses.append(loss)
        )
    return model, losses


def our_fit(train, alpha, dtype=np.float64):
    return ALS(D, REGULARIZATION, ITERATIONS, alpha, SEED, dtype).fit(train)


def confidences(train, alpha):
    weights = train.copy()
    weights.data = 1 + alpha * weights.data
    return weights


def als_by_hand(train, alpha):
    """Solve each vector exactly, on dense matrices; return factors and the loss of each turn."""
    has = train.toarray().astype(np.float64)
    preference, confidence = (has > 0).astype(float), 1 + alpha * has
    rng = np.random.default_rng(SEED)
    users, items = (0.01 * rng.random((n, D)) for n in has.shape)

    def solve(fixed, likes, weight):
        equations = np.einsum("nc,ca,cb->nab", weight, fixed, fixed) + REGULARIZATION * np.eye(D)
        return np.linalg.solve(equations, ((weight * likes) @ fixed)[..., None])[..., 0]

    losses = []
    for _ in range(ITERATIONS):
        users = solve(items, preference, confidence)
        items = solve(users, preference.T, confidence.T)
        error = (confidence * (preference - users @ items.T) ** 2).sum()
        cost = REGULARIZATION * ((users**2).sum() + (items**2).sum())
        losses.append((error + cost) / confidence.sum())
    return users, items, losses


@pytest.mark.parametrize("alpha", [0.0, 1.0, 15.0])
def test_by_hand_and_implicits_exact_solver_are_one(train, alpha):
    users, items, losses = als_by_hand(train, alpha)
    model, theirs = implicit_fit(confidences(train, alpha), use_cg=False)
    assert theirs == pytest.approx(losses, rel=1e-6)  # implicit's confidences are float32
    assert users @ items.T == pytest.approx(model.user_factors @ model.item_factors.T, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 15.0])
def test_by_hand_and_the_wrapper_reach_one_objective(train, alpha):
    *_, losses = als_by_hand(train, alpha)
    ours = our_fit(train, alpha)
    assert ours.loss(train) == pytest.approx(losses[-1], rel=0.05)  # three steps, not a solution
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 15.0])
def test_the_wrapper_is_implicit_to_the_last_bit(train, alpha, dtype):
    ours = our_fit(train, alpha, dtype)
    theirs, losses = implicit_fit(confidences(train, alpha), dtype)
    assert np.array_equal(ours.user_factors, theirs.user_factors)
    assert np.array_equal(ours.item_factors, theirs.item_factors)
    assert ours.loss(train) == pytest.approx(losses[-1], rel=1e-4)
    everybody = np.arange(train.shape[0])
    ids, scores = ours.recommend(everybody, train, N=20)
    their_ids, their_scores = theirs.recommend(everybody, train, N=20)
    assert (ids == their_ids).mean() > 0.999  # scores that differ in their last bit may swap
    assert scores == pytest.approx(their_scores, abs=1e-5)


@pytest.mark.parametrize("a", [1.0, 2.0, 16.0])
def test_on_ones_implicits_alpha_is_ours_plus_one(train, a):
    ones = train.astype(bool).astype(np.float32)
    with threadpool_limits(1, user_api="blas"):
        theirs = implicits.AlternatingLeastSquares(D, 0.05, a, iterations=5, random_state=SEED)
        theirs.fit(ones, show_progress=False)
    ours = ALS(D, 0.05, 5, alpha=a - 1, seed=SEED).fit(ones)
    assert np.array_equal(ours.item_factors, theirs.item_factors)


def test_similar_items_and_new_users_are_implicits(train):
    ours = our_fit(train, alpha=2.0)
    theirs, _ = implicit_fit(confidences(train, 2.0))
    columns = np.unique(train.indices)  # an item nobody has is similar to nothing, here
    assert (ours.similar_items(columns, N=8)[0] == theirs.similar_items(columns, N=8)[0]).all()
    rows = np.arange(30)
    with threadpool_limits(1, user_api="blas"):
        expected = theirs.recommend(rows, confidences(train[rows], 2.0), N=8, recalculate_user=True)
    ids, scores = ours.recommend(rows + 10_000, train[rows], N=8)
    assert (ids == expected[0]).all()
    assert scores == pytest.approx(expected[1], abs=1e-6)


def test_explanations_are_implicits(train):
    ours = our_fit(train, alpha=2.0)
    theirs, _ = implicit_fit(confidences(train, 2.0))
    for user, item in [(0, 3), (7, 41), (100, 88)]:
        total, parts, _ = theirs.explain(user, confidences(train, 2.0), item, N=90)
        ids, added = ours.explain(user, train[user], item, N=train[user].nnz)
        # theirs leaves the item itself out of its own explanation
        others = {i: part for i, part in zip(ids, added, strict=True) if i != item}
        assert dict(parts) == pytest.approx(others, abs=1e-6)
        assert total == pytest.approx(sum(others.values()), abs=1e-6)
