"""BPR: derivatives by hand, log Q on a known answer, what negatives are drawn, new users."""

import numpy as np
import pytest
from model_cases import same, some_matrix
from scipy import sparse
from scipy.special import expit, logsumexp

from course_utils.errors import DataError
from course_utils.models import BPR, bpr

LOSSES = [("bpr", "uniform"), ("softmax", "uniform"), ("softmax", "popularity")]


def toy(**options):
    """Return a model of 2 users × 4 items with round numbers, as if it were fitted."""
    model = BPR(factors=2, dtype="float64", **options)
    model.n_users, model.n_items = 2, 4
    model.user_factors = np.array([[1.0, 2.0, 1.0], [0.0, -1.0, 1.0]])
    model.item_factors = np.array([[0.5, 0, 1], [1, 1, 0], [-1, 0.5, -0.5], [0, 0, 0.25]])
    model._log_q = np.log([0.1, 0.2, 0.3, 0.4])
    return model


PAIRS = np.array([0, 0, 1]), np.array([[0, 1, 2], [1, 2, 3], [3, 0, 0]])
UNSEEN = np.array([[True, True], [True, False], [True, True]])


def derivatives(model):
    return model._derivatives(model.user_factors, *PAIRS, UNSEEN).toarray()


def test_derivatives_of_bpr_by_hand():
    # scores: user 0 1.5, 3, -.5, .25; user 1 1, -1, -1, .25
    expected = np.zeros((2, 4))
    for user, i, j in [(0, 1.5, (1, 3.0)), (0, 1.5, (2, -0.5)), (0, 3.0, (2, -0.5))]:
        slope = 0.5 / (1 + np.exp(i - j[1]))  # two negatives: a half each
        expected[user, {1.5: 0, 3.0: 1}[i]] -= slope
        expected[user, j[0]] += slope
    expected[1, 0] = 1 / (1 + np.exp(0.25 - 1))  # item 0 is drawn twice
    expected[1, 3] = -expected[1, 0]
    assert derivatives(toy()) == pytest.approx(expected)


def loss_of(model, p, q):
    """Return the loss of the pairs, written another way."""
    total = 0.0
    for user, items, there in zip(*PAIRS, UNSEEN, strict=True):
        scores = (p[user] @ q.T)[items]
        if model.loss == "bpr":
            total -= (np.log(expit(scores[0] - scores[1:])) * there).sum() / 2
        else:
            scores = (scores - model._log_q[items])[np.append(True, there)]
            total += logsumexp(scores) - scores[0]
    return total


@pytest.mark.parametrize("loss", ["bpr", "softmax"])
def test_gradients_are_those_of_the_loss(loss):
    model, tiny = toy(loss=loss), 1e-6
    e, p, q = derivatives(model), model.user_factors, model.item_factors
    for x, gradient in ((p, e @ q), (q, e.T @ p)):
        for cell in np.ndindex(*x.shape):
            before, losses = x[cell], []
            for change in (tiny, -tiny):
                x[cell] = before + change
                losses.append(loss_of(model, p, q))
            x[cell] = before
            assert gradient[cell] == pytest.approx((losses[0] - losses[1]) / 2 / tiny, abs=1e-6)


def test_with_one_uniform_negative_both_losses_are_one():
    matrix = some_matrix()
    one, other = (
        BPR(factors=3, loss=loss, n_negatives=1, dtype="float64").fit(matrix)
        for loss in ("bpr", "softmax")
    )
    assert one.user_factors == pytest.approx(other.user_factors, abs=1e-9)


@pytest.mark.parametrize(
    ("loss", "negatives", "power"),
    [("softmax", "uniform", 1), ("softmax", "popularity", 1), ("bpr", "popularity", 0)],
)
def test_biases_are_the_log_of_the_probabilities_with_log_q_and_of_their_ratio_without(
    loss, negatives, power, monkeypatch
):
    """Many users who chose one of four items each: the answer is known, log p up to a constant."""
    monkeypatch.setattr(bpr, "START", 1e-6)  # so that biases alone explain them
    monkeypatch.setattr(bpr, "_contains", lambda *of: np.zeros(of[-1].shape, bool))
    counts = np.array([400, 800, 1600, 3200])
    items = np.repeat(np.arange(4), counts)
    matrix = sparse.csr_matrix((np.ones(6000), (np.arange(6000), items)))
    model = BPR(
        factors=1, regularization=0, epochs=60, learning_rate=0.05, loss=loss,
        negatives=negatives, n_negatives=3, dtype="float64",
    )  # fmt: skip
    model._step = lambda x, g, s, share: BPR._step(model, x, g * [0, 1], s, share)
    bias = model.fit(matrix).item_factors[:, -1]
    assert bias - bias.mean() == pytest.approx(
        power * (np.log(counts) - np.log(counts).mean()), abs=0.15
    )


@pytest.mark.parametrize("negatives", ["uniform", "popularity"])
def test_negatives_are_drawn_as_said_and_those_of_the_user_are_left_out(negatives, monkeypatch):
    matrix, drawn = some_matrix(), []
    keep = BPR._derivatives

    def watch(self, p, users, candidates, unseen):
        drawn.append((np.repeat(users, 5), candidates[:, 1:].ravel(), unseen.ravel()))
        return keep(self, p, users, candidates, unseen)

    monkeypatch.setattr(BPR, "_derivatives", watch)
    model = BPR(factors=2, negatives=negatives, n_negatives=5, epochs=40).fit(matrix)
    users, items, unseen = (np.concatenate(part) for part in zip(*drawn, strict=True))
    assert len(items) == 40 * 5 * matrix.nnz
    expected = np.full(40, 1 / 40)
    if negatives == "popularity":
        expected = matrix.getnnz(axis=0) / matrix.nnz
    assert np.bincount(items, minlength=40) / len(items) == pytest.approx(expected, abs=0.003)
    assert np.exp(model._log_q) == pytest.approx(expected, rel=1e-5)
    assert (unseen == (matrix.toarray()[users, items] == 0)).all()


def two_tastes(n_users=60, n_items=40):
    has = np.random.default_rng(3).random((n_users, n_items)) < 0.35
    alike = np.arange(n_users)[:, None] % 2 == np.arange(n_items) % 2
    return sparse.csr_matrix((has & alike).astype(np.float32))


@pytest.mark.parametrize(("loss", "negatives"), LOSSES)
def test_it_finds_two_tastes_for_known_users_and_new_ones(loss, negatives):
    matrix = two_tastes()
    model = BPR(factors=4, loss=loss, negatives=negatives, n_negatives=2).fit(matrix)
    users = np.arange(60)
    for options in ({"userids": users}, {"userids": users + 1000}):
        ids, _ = model.recommend(user_items=matrix, N=5, **options)
        assert (ids % 2 == users[:, None] % 2).mean() > 0.97
    assert (model.similar_items(np.arange(40), N=4)[0] % 2 == np.arange(40)[:, None] % 2).all()
    again = model.recommend(users, matrix, N=5, recalculate_user=True)
    assert same(again, model.recommend(users + 1000, matrix, N=5))


def test_without_a_history_the_order_is_that_of_the_biases():
    model = BPR(factors=2).fit(some_matrix())
    ids, scores = model.recommend(1000, sparse.csr_matrix((1, 40)), N=40)
    assert ids.tolist() == np.argsort(-model.item_factors[:, -1], kind="stable").tolist()
    assert scores == pytest.approx(model.item_factors[ids, -1])


def test_an_item_without_users_is_last_among_the_biases():
    dense = some_matrix().toarray()
    dense[:, 11] = 0
    model = BPR(factors=2, negatives="popularity").fit(sparse.csr_matrix(dense))
    assert not model.item_factors[11, :-1].any()
    assert model.item_factors[11, -1] == model.item_factors[:, -1].min()


def test_float32_the_seed_and_the_values_of_the_matrix():
    matrix = some_matrix()
    one, same_seed, other = (BPR(factors=3, seed=seed).fit(matrix) for seed in (1, 1, 2))
    assert one.user_factors.dtype == one.item_factors.dtype == np.float32
    assert np.array_equal(one.item_factors, same_seed.item_factors)
    assert not np.array_equal(one.item_factors, other.item_factors)
    assert np.array_equal(one.item_factors, BPR(factors=3, seed=1).fit(5 * matrix).item_factors)
    assert BPR(factors=3, dtype="float64").fit(matrix).item_factors.dtype == np.float64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factors": 0}, "factors must be an integer of at least 1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"regularization": -1}, "regularization must be a number of at least 0"),
        ({"epochs": 0}, "epochs must be"),
        ({"loss": "hinge"}, "loss must be .*bpr.*softmax"),
        ({"negatives": "all"}, "negatives must be .*uniform.*popularity"),
        ({"n_negatives": 0}, "n_negatives must be"),
        ({"seed": -1}, "seed must be"),
        ({"dtype": "float16"}, "dtype must be"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(options, message):
    with pytest.raises(DataError, match=message):
        BPR(**options)
