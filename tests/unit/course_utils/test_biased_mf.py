"""BiasedMF as a recommender: closed forms, determinism, people it has not met, bad input."""

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse

from course_utils.errors import CourseError, CourseWarning, DataError
from course_utils.evaluation import evaluate, recommend_all
from course_utils.models import BiasedMF

torch = pytest.importorskip("torch", reason="torch is not installed")
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")

N_USERS, N_ITEMS = 40, 30


def tastes(n=600, seed=0):
    """Return ratings of people who like even columns or odd ones; user 7 and item 9 have none."""
    rng = np.random.default_rng(seed)
    cells = rng.choice(N_USERS * N_ITEMS, n, replace=False)
    users, items = cells // N_ITEMS, cells % N_ITEMS
    there = (users != 7) & (items != 9)
    users, items = users[there], items[there]
    alike = np.where(users % 2 == items % 2, 1.0, -1.0)
    stars = np.clip(np.rint(3.5 + alike + rng.normal(0, 0.5, len(users))), 1, 5)
    return sparse.csr_matrix((stars, (users, items)), shape=(N_USERS, N_ITEMS))


def parted(ratings, share=0.2, seed=1):
    """Return training and validation ratings."""
    held_out = np.random.default_rng(seed).random(ratings.nnz) < share
    parts = []
    for kept in (~held_out, held_out):
        part = ratings.copy()
        part.data = part.data * kept
        part.eliminate_zeros()
        parts.append(part)
    return parts


@pytest.fixture(scope="module")
def ratings():
    return tastes()


@pytest.fixture(scope="module")
def model(ratings):
    return BiasedMF(factors=4, epochs=40, l2_factors=2.0).fit(ratings)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def rmse_of(model, ratings):
    pairs = ratings.tocoo()
    errors = model.predict(pairs.row, pairs.col, clip=False) - pairs.data
    return np.sqrt(np.mean(errors.astype(np.float64) ** 2))


# What it learns


def ridge(ratings, l2_users, l2_items):
    """Return biases of users and items, and the mean, by plain least squares."""
    pairs = ratings.tocoo()
    n, (n_users, n_items) = len(pairs.data), ratings.shape
    rows = np.zeros((n + n_users + n_items, n_users + n_items + 1))
    rows[:n, -1] = 1  # the mean, without a penalty
    rows[np.arange(n), pairs.row] = 1
    rows[np.arange(n), n_users + pairs.col] = 1
    penalties = np.sqrt([l2_users] * n_users + [l2_items] * n_items)
    rows[n:, :-1] = np.diag(penalties)
    wanted = np.append(pairs.data, np.zeros(n_users + n_items))
    biases = np.linalg.lstsq(rows, wanted)[0]
    return biases[:n_users], biases[n_users:-1], biases[-1]


def test_biases_alone_are_the_ridge_regression(ratings):
    b_u, b_i, mean = ridge(ratings, 3.0, 8.0)
    full_batch = {"batch_size": ratings.nnz, "epochs": 1000, "learning_rate": 0.03}
    model = BiasedMF(factors=0, l2_biases=(3.0, 8.0), **full_batch).fit(ratings)
    assert model.module.user_bias.numpy(force=True) == pytest.approx(b_u, abs=2e-3)
    assert model.module.item_bias.numpy(force=True) == pytest.approx(b_i, abs=2e-3)
    assert float(model.module.mean.detach()) == pytest.approx(mean, abs=2e-3)


@pytest.mark.parametrize("batch_size", [25, 200])
def test_the_penalty_means_the_same_in_mini_batches(ratings, batch_size):
    b_u, b_i, _ = ridge(ratings, 5.0, 5.0)
    model = BiasedMF(
        factors=0, l2_biases=5.0, batch_size=batch_size, epochs=80, learning_rate=0.004
    ).fit(ratings)
    assert model.module.user_bias.numpy(force=True) == pytest.approx(b_u, abs=0.06)
    assert model.module.item_bias.numpy(force=True) == pytest.approx(b_i, abs=0.06)


def test_factors_find_the_tastes(ratings):
    train, validation = parted(ratings)
    settings = {"epochs": 60, "l2_factors": 2.0}
    with_factors = BiasedMF(factors=4, **settings).fit(train, validation)
    biases = BiasedMF(factors=0, **settings).fit(train, validation)
    assert rmse_of(with_factors, validation) < 0.8 < 1.0 < rmse_of(biases, validation)


def test_the_best_epoch_is_kept(ratings):
    train, validation = parted(ratings)
    settings = {"factors": 16, "l2_factors": 0.01, "learning_rate": 0.05}
    model = BiasedMF(epochs=100, patience=4, **settings).fit(train, validation)
    curve = model.learning_curve
    assert list(curve.columns) == ["train", "validation"]
    assert curve.index.tolist() == [*range(1, len(curve) + 1)]
    assert curve["validation"].idxmin() == model.best_epoch == len(curve) - 4
    assert curve["train"].iloc[-1] < curve.loc[model.best_epoch, "train"]  # it went on to overfit
    assert rmse_of(model, validation) == pytest.approx(curve["validation"].min(), abs=1e-5)
    # the epoch's number alone gives the same model
    again = BiasedMF(epochs=model.best_epoch, **settings).fit(train)
    assert same((again.user_factors,), (model.user_factors,))


def test_without_validation_ratings_every_epoch_is_used(model):
    assert len(model.learning_curve) == model.best_epoch == 40
    assert model.learning_curve["validation"].isna().all()


# Determinism


def test_the_same_seed_gives_the_same_model_and_another_seed_another(ratings):
    first = BiasedMF(epochs=3).fit(ratings)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    second, other = BiasedMF(epochs=3).fit(ratings), BiasedMF(epochs=3, seed=1).fit(ratings)
    assert torch.equal(torch.get_rng_state(), state)
    assert same(
        (first.user_factors, first.item_factors), (second.user_factors, second.item_factors)
    )
    assert first.learning_curve.equals(second.learning_curve)
    assert not np.array_equal(first.item_factors, other.item_factors)
    assert same((first.fit(ratings).item_factors,), (second.item_factors,))  # starts anew


def test_threads_change_nothing_and_are_given_back(ratings):
    before = torch.get_num_threads()
    settings = {"epochs": 2, "batch_size": 500, "factors": 64}
    one, two = (BiasedMF(threads=n, **settings).fit(ratings) for n in (1, 2))
    assert same((one.item_factors,), (two.item_factors,))
    assert torch.get_num_threads() == before
    with pytest.raises(DataError, match="diverged"):
        BiasedMF(learning_rate=1e30, threads=before + 1).fit(ratings)
    assert torch.get_num_threads() == before


def test_threads_of_torch_can_be_kept(ratings, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    BiasedMF(epochs=1, threads=None).fit(ratings)
    assert set(asked) == {torch.get_num_threads()}


@needs_gpu
def test_a_gpu_learns_the_same_and_repeats_itself(ratings):
    train, validation = parted(ratings)
    cpu, gpu, again = (
        BiasedMF(factors=4, l2_factors=2.0, device=device).fit(train, validation)
        for device in ("cpu", "cuda", "cuda")
    )
    assert same((gpu.user_factors, gpu.item_factors), (again.user_factors, again.item_factors))
    assert rmse_of(gpu, validation) == pytest.approx(rmse_of(cpu, validation), abs=0.01)


def test_a_pickle_predicts_the_same(model, ratings):
    again = pickle.loads(pickle.dumps(model))
    assert same(again.recommend(3, ratings[3]), model.recommend(3, ratings[3]))
    assert same(copy.deepcopy(model).recommend(3, ratings[3]), model.recommend(3, ratings[3]))
    with torch.no_grad():
        stars = again.module(torch.tensor([3]), torch.tensor([5]))
    assert stars.numpy() == pytest.approx(model.predict([3], [5], clip=False), abs=1e-5)


# Predictions


def test_predictions_are_those_of_the_module(model):
    users, items = np.arange(N_USERS)[:, None], np.arange(N_ITEMS)[None, :]
    stars = model.predict(users, items, clip=False)
    pairs = [torch.from_numpy(part.ravel()) for part in np.broadcast_arrays(users, items)]
    with torch.no_grad():
        expected = model.module(*pairs).reshape(N_USERS, N_ITEMS).numpy()
    assert stars == pytest.approx(expected, abs=1e-5)
    assert stars.dtype == np.float32
    assert model.predict(users, items) == pytest.approx(np.clip(stars, 1, 5))
    assert model.predict(3, 5).shape == ()
    assert model.predict([], []).shape == (0,)
    assert np.array_equal(model.predict(3, [5, 6]), model.predict([3, 3], [5, 6]))


def test_many_pairs_are_predicted_in_parts(model, monkeypatch):
    users, items = np.arange(N_USERS)[:, None], np.arange(N_ITEMS)
    whole = model.predict(users, items)
    monkeypatch.setattr("course_utils.models.biased_mf.PAIRS_AT_ONCE", 7)
    assert np.array_equal(model.predict(users, items), whole)


def test_of_an_unknown_one_the_mean_and_the_other_bias_are_left(model):
    mean = float(model.module.mean.detach())
    b_u, b_i = (
        getattr(model.module, name).numpy(force=True) for name in ("user_bias", "item_bias")
    )
    for unknown in (7, -1):  # a row without ratings, and no row at all
        assert model.predict(unknown, 4, clip=False) == pytest.approx(mean + b_i[4], abs=1e-6)
    for unknown in (9, -1):
        assert model.predict(3, unknown, clip=False) == pytest.approx(mean + b_u[3], abs=1e-6)
    assert model.predict(-1, -1) == pytest.approx(mean, abs=1e-6)


def test_one_rating_is_enough_to_be_fitted():
    model = BiasedMF().fit(sparse.csr_matrix([[4.0]]))
    assert model.predict(0, 0) == 4
    assert model.recommend(0, sparse.csr_matrix((1, 1)), N=2)[0].tolist() == [0, -1]


# Recommendations


def test_the_list_is_in_the_order_of_predicted_stars(model, ratings):
    users = np.arange(N_USERS)
    ids, scores = model.recommend(users, ratings, N=N_ITEMS)
    stars = model.predict(users[:, None], np.arange(N_ITEMS), clip=False)
    seen = ratings.toarray() > 0
    for user in users:
        shown = ids[user][ids[user] >= 0]
        assert set(shown) == set(np.flatnonzero(~seen[user]))
        assert scores[user, : len(shown)] == pytest.approx(stars[user, shown], abs=1e-5)
        assert (np.diff(scores[user, : len(shown)]) <= 0).all()


def test_the_evaluator_finds_the_same_lists_by_itself(model, ratings):
    train, test = parted(ratings)
    asked = model.recommend(np.arange(N_USERS), train, N=5)[0]
    assert np.array_equal(recommend_all(model, train, k=5), asked)
    assert evaluate(model, train, test, k=5).summary["recall@5"] > 0


def exact_user(model, history, l2_bias, l2_factors):
    """Return what the normal equations say about one user: μ + b_u and p_u, then all scores."""
    q, b_i = model.item_factors[:, :-2].astype(float), model.item_factors[:, -1].astype(float)
    mean, x = float(model.module.mean.detach()), np.column_stack([q, np.ones(N_ITEMS)])
    rated = history.indices
    penalty = np.diag([l2_factors] * q.shape[1] + [l2_bias])
    found = np.linalg.solve(
        x[rated].T @ x[rated] + penalty, x[rated].T @ (history.data - mean - b_i[rated])
    )
    return mean + b_i + x @ found


def test_a_new_user_is_worked_out_from_the_history(model, ratings):
    ids, scores = model.recommend(1000, ratings[3], N=5, filter_already_liked_items=False)
    exact = exact_user(model, ratings[3], l2_bias=3.0, l2_factors=2.0)
    assert ids.tolist() == np.argsort(-exact)[:5].tolist()
    assert scores == pytest.approx(exact[ids], abs=1e-4)
    both = model.recommend([0, 3], ratings[[0, 3]], N=5, recalculate_user=True)
    alone = model.recommend([1000, 3], ratings[[0, 3]], N=5, recalculate_user=True)
    assert same(both, alone)


def test_worked_out_anew_a_trained_user_hardly_changes(ratings):
    model = BiasedMF(factors=4, epochs=400, batch_size=600, l2_factors=4.0).fit(ratings)
    users = np.arange(N_USERS)
    kept, anew = (
        model._scores(users, ratings, recalculate=recalculate) for recalculate in (False, True)
    )
    assert anew == pytest.approx(kept, abs=0.02)  # training has found the same minimum


def test_without_a_history_the_order_is_that_of_the_item_biases(model):
    nothing = sparse.csr_matrix((2, N_ITEMS))
    ids, _ = model.recommend([1000, 7], nothing, N=N_ITEMS)
    by_bias = np.argsort(-model.item_factors[:, -1], kind="stable")
    assert ids[0].tolist() == ids[1].tolist() == by_bias.tolist()


def test_a_penalty_of_zero_and_a_short_history_still_have_an_answer(ratings):
    model = BiasedMF(factors=8, epochs=2, l2_biases=0, l2_factors=0).fit(ratings)
    history = sparse.csr_matrix(([5.0], ([0], [3])), shape=(1, N_ITEMS))
    assert np.isfinite(model.recommend(1000, history, N=N_ITEMS - 1)[1]).all()


def test_similar_items_share_their_admirers(model):
    ids, scores = model.similar_items([4, 5, 9], N=4)
    assert ids[:, 0].tolist() == [4, 5, 9]
    assert (ids[0] % 2 == 0).all()
    assert (ids[1] % 2 == 1).all()
    assert scores[:2, 0] == pytest.approx(1, abs=1e-6)
    assert ids[2, 1:].tolist() == [-1, -1, -1]  # nobody rated it


# Bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factors": -1}, "factors must be an integer of at least 0, and is -1"),
        ({"factors": 2.5}, "factors must be an integer"),
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"l2_biases": -1.0}, "l2_biases must be a number of at least 0"),
        ({"l2_factors": (1.0, 2.0, 3.0)}, "l2_factors must be one number, or one for users and"),
        ({"patience": 0}, "patience must be"),
        ({"threads": 0}, "threads must be"),
        ({"seed": "42"}, "seed must be"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(DataError, match=message):
        BiasedMF(**settings)


def test_bad_validation_ratings_are_refused(ratings):
    train, validation = parted(ratings)
    model = BiasedMF(epochs=1)
    cases = {
        "other rows": (validation[:-1], "has the shape .39, 30., and the training ratings have"),
        "empty": (sparse.csr_matrix(train.shape), "holds no ratings"),
        "trained on": (train, f"{train.nnz} of the {train.nnz} validation ratings are trained on"),
        "no matrix": (validation.toarray(), "`validation` must be a sparse matrix"),
    }
    for held_out, message in cases.values():
        with pytest.raises(DataError, match=message):
            model.fit(train, held_out)
    with pytest.raises(DataError, match="not fitted"):
        model.predict(0, 0)
    model.fit(train, validation)
    assert np.isnan(model.fit(train).learning_curve["validation"]).all()  # the first is forgotten


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((40, 0), "There is no user 40: users are counted from 0 to 39"),
        ((0, 30), "There is no item 30"),
        ((-2, 0), "There is no user -2"),
        ((0.5, 0), "users to predict for must be integers"),
        (([0, 1], [0, 1, 2]), "a user for each item"),
    ],
)
def test_pairs_that_cannot_be_are_refused(model, pair, message):
    with pytest.raises(DataError, match=message):
        model.predict(*pair)


@no_gpu
def test_a_device_that_is_not_there_is_named(ratings):
    for device in ("cuda", "nonsense"):
        with pytest.raises(DataError, match=f"torch has no device '{device}' on this machine"):
            BiasedMF(device=device).fit(ratings)


def test_divergence_is_told(ratings):
    with pytest.raises(DataError, match="diverged in epoch 1; lower the learning rate"):
        BiasedMF(learning_rate=1e30).fit(ratings)


def test_positives_are_no_ratings(ratings):
    with pytest.warns(CourseWarning, match="ratings are 1, so none tells two films apart"):
        BiasedMF(epochs=1).fit(ratings.astype(bool))


def test_without_torch_it_says_what_to_install(ratings, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r"pip install 'course-utils\[bert\]'"):
        BiasedMF().fit(ratings)
