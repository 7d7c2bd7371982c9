"""A re-ranker: its trees are scikit-learn's, its features know nothing of the future."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeClassifier as DecisionTree

from course_cloud import artifacts
from course_cloud.reranking import NO_SCORE, Reranker, sum_of_trees, tree_arrays
from course_utils.datasets import load_movielens
from course_utils.errors import DataError
from course_utils.evaluation import compare, evaluate
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS, EASE, ItemKNN, Popularity
from course_utils.splits import course_split

N_CANDIDATES = 30


@pytest.fixture(scope="module")
def parts():
    """Training and validation likes of the sample, in the same rows and columns."""
    split = course_split(to_implicit(load_movielens().ratings))
    train = encode(split.train)
    return train, encode(split.val, users=train.users, items=train.items)


@pytest.fixture(scope="module")
def reranker(parts):
    train, _ = parts
    return Reranker([ALS(16), EASE(), ItemKNN()], n_candidates=N_CANDIDATES).fit(train.matrix)


def learned(reranker, train, held, **settings):
    """Return a classifier that knows which candidates are held-out likes, and what it read."""
    users = np.flatnonzero(held.matrix.getnnz(axis=1))
    ids, values = reranker.features(users, train.matrix[users])
    labels = np.take_along_axis(held.matrix[users].toarray() > 0, ids, axis=1)
    settings = {"max_iter": 30, "max_depth": 3, "early_stopping": False} | settings
    flat = values.reshape(-1, values.shape[-1])
    return HistGradientBoostingClassifier(random_state=42, **settings).fit(
        flat, labels.ravel()
    ), flat


@pytest.mark.parametrize("depth", [1, 3, None])
def test_the_trees_add_up_to_what_the_library_says(parts, reranker, depth):
    model, flat = learned(reranker, *parts, max_depth=depth)
    ours, theirs = sum_of_trees(tree_arrays(model), flat), model.decision_function(flat)
    assert np.ptp(theirs - ours) < 1e-9
    assert np.ptp(theirs) > 0.1


def test_without_trees_the_order_is_the_retrievers(parts, reranker):
    train, _ = parts
    users = np.arange(0, 900, 7)
    ids, _ = reranker.recommend(users, train.matrix[users], N=N_CANDIDATES)
    theirs, _ = reranker.models[0].recommend(users, train.matrix[users], N=N_CANDIDATES)
    np.testing.assert_array_equal(ids, theirs)


def test_features_by_hand():
    """Three users and four films; the last user likes film 0 only."""
    matrix = sparse.csr_matrix(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0]], dtype="f4"))
    followed = sparse.csr_matrix(np.array([[0, 0, 0, 0], [0] * 4, [0, 5, 2, 0]], dtype="f4"))
    model = Reranker([Popularity(), ItemKNN(1, 0.0)], followed=followed, n_candidates=4).fit(matrix)
    ids, values = model.features(np.array([2, 3]), matrix[[2, 0]])
    assert ids.tolist() == [[1, 2, 3, -1], [2, 3, -1, -1]]
    cosine, two = 0.5, np.log1p(2)  # films 0 and 1 have two users each, one of them in common
    first = [2, cosine, 5, 0, two, np.log1p(1)]
    np.testing.assert_allclose(values[0, 0], first, rtol=1e-6)
    second = [1, NO_SCORE, 2, 1, np.log1p(1), np.log1p(1)]  # film 2's only neighbor is film 1
    np.testing.assert_allclose(values[0, 1], second, rtol=1e-6)
    assert values[1, 0, 2] == 0  # a new user: nothing is known of an order


@pytest.mark.parametrize("leak", [None, "log_popularity", "followed"])
def test_no_feature_knows_the_future_and_a_planted_leak_is_found(leak):
    """Features are made of all likes, with and without those that are still to come."""
    split = course_split(to_implicit(load_movielens().ratings))
    rows = pd.concat([split.train.assign(known=True), split.val.assign(known=False)])
    ids = {"users": np.unique(rows["user_id"]), "items": np.unique(rows["movie_id"])}
    users = np.arange(0, 900, 3)

    def make(rows):
        train, every = (encode(some, **ids).matrix for some in (rows[rows["known"]], rows))
        followed = every if leak == "followed" else train
        model = Reranker([EASE()], followed=followed, n_candidates=N_CANDIDATES).fit(train)
        if leak == "log_popularity":
            model.log_popularity = np.log1p(np.bincount(every.indices, minlength=train.shape[1]))
        return model.features(users, train[users])[1]

    is_changed = not np.array_equal(make(rows), make(rows[rows["known"]]))
    assert is_changed == (leak is not None)


def test_trees_that_learned_from_a_leak_are_seen_on_other_likes(parts):
    """With the held-out likes as a feature, lists are perfect until the feature is honest."""
    train, held = parts
    leaking = Reranker([EASE()], followed=held.matrix, n_candidates=N_CANDIDATES).fit(train.matrix)
    trees = tree_arrays(learned(leaking, train, held)[0])
    nothing = held.matrix * 0
    nothing.eliminate_zeros()
    lists = {
        name: Reranker([EASE()], trees, followed, N_CANDIDATES).fit(train.matrix)
        for name, followed in {"leak": held.matrix, "honest": nothing}.items()
    }
    table = compare(lists, train.matrix, held.matrix, baseline="honest", metrics=["recall@10"])
    assert table.set_index("model").loc["leak", "difference_low"] > 0.1


def test_what_it_learned_is_saved_and_loaded(tmp_path, parts, reranker):
    train, held = parts
    trees = tree_arrays(learned(reranker, train, held)[0])
    followed = train.matrix[:, ::-1].tocsr()
    model = Reranker([EASE(), Popularity()], trees, followed, n_candidates=20).fit(train.matrix)
    movies = load_movielens().movies
    artifacts.save(tmp_path / "model", model=model, train=train, movies=movies)
    loaded = artifacts.load(tmp_path / "model").model
    users = np.arange(50)
    for ours, theirs in zip(
        model.recommend(users, train.matrix[:50]), loaded.recommend(users, train.matrix[:50]),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(ours, theirs)


def test_a_list_is_no_longer_than_the_candidates(parts):
    train, held = parts
    model = Reranker([Popularity()], n_candidates=5).fit(train.matrix)
    ids, scores = model.recommend(0, train.matrix[0], N=8)
    assert (ids >= 0).sum() == np.isfinite(scores).sum() == 5
    assert evaluate(model, train.matrix, held.matrix, progress=False).summary["recall@10"] > 0


def test_padding_is_never_ranked(parts):
    """An item-kNN of three neighbors finds few candidates, and ends in -1 where it ends."""
    train, held = parts
    retriever, users = ItemKNN(3, 0.0).fit(train.matrix), np.arange(100)
    theirs, _ = retriever.recommend(users, train.matrix[users], N=200)
    assert (theirs < 0).any()
    model = Reranker([ItemKNN(3, 0.0), Popularity()], n_candidates=200).fit(train.matrix)
    model = Reranker(model.models, tree_arrays(learned(model, train, held)[0]), None, 200)
    ids, scores = model.fit(train.matrix).recommend(users, train.matrix[users], N=200)
    np.testing.assert_array_equal(np.sort(ids), np.sort(theirs))
    assert np.isneginf(scores[ids < 0]).all()


def test_a_new_history_is_used_when_it_is_wanted(parts):
    train, _ = parts
    model = Reranker([ALS(16), EASE()], n_candidates=N_CANDIDATES).fit(train.matrix)
    changed = train.matrix[[1]]
    for anew in (False, True):
        theirs = model.models[0].recommend(0, changed, N=20, recalculate_user=anew)[0]
        ours = model.recommend(0, changed, N=20, recalculate_user=anew)[0]
        np.testing.assert_array_equal(ours, theirs)
    same = model.recommend(0, changed, N=20)[0]
    assert not np.array_equal(same, model.recommend(0, changed, N=20, recalculate_user=True)[0])


def test_equal_sums_keep_the_order_of_the_retriever(parts, reranker):
    train, _ = parts
    leaf = np.zeros((1, 1, 5))  # one tree that says the same of all
    model = Reranker(reranker.models, leaf, n_candidates=N_CANDIDATES).fit(train.matrix)
    theirs = reranker.models[0].recommend(range(50), train.matrix[:50])[0]
    np.testing.assert_array_equal(model.recommend(range(50), train.matrix[:50])[0], theirs)


LEAF = np.zeros((1, 2, 5))


def changed(**cells):
    """Return two nodes, the first with other values in some columns."""
    trees = LEAF.copy()
    for column, value in cells.items():
        trees[0, 0, {"feature": 0, "left": 2, "right": 3, "value": 4}[column]] = value
    return trees


@pytest.mark.parametrize(
    "trees",
    [
        [[1.0]], np.zeros((2, 5)), np.zeros((0, 3, 5)), np.zeros((1, 2, 4)), LEAF.astype(int),
        changed(feature=-1), changed(feature=4), changed(left=2), changed(right=-1),
        changed(value=np.nan), changed(value=np.inf), "trees",
    ],
)  # fmt: skip
def test_trees_that_cannot_be_summed_are_refused(trees):
    with pytest.raises(DataError, match="none of `tree_arrays` for 4 features; learn them anew"):
        Reranker([Popularity()], trees)


def test_nodes_that_point_at_each_other_end_nothing(parts):
    train, _ = parts
    circle = LEAF.copy()
    circle[0, :, 2:4] = [[1, 1], [0, 0]]
    model = Reranker([Popularity()], circle).fit(train.matrix)
    assert (model.recommend(0, train.matrix[0])[0] >= 0).all()


@pytest.mark.parametrize(
    "model",
    [EASE(), HistGradientBoostingClassifier(), HistGradientBoostingRegressor(), DecisionTree()],
)
def test_other_models_have_no_trees_for_it(model):
    with pytest.raises(DataError, match="fitted to two classes"):
        tree_arrays(model)


@pytest.mark.parametrize("settings", [{"n_classes": 3}, {"categorical_features": [0]}])
def test_three_classes_and_categories_are_refused(settings):
    rng = np.random.default_rng(0)
    X, y = rng.integers(5, size=(200, 2)), rng.integers(settings.pop("n_classes", 2), size=200)
    model = HistGradientBoostingClassifier(max_iter=2, **settings).fit(X, y)
    with pytest.raises(DataError, match="fitted to two classes"):
        tree_arrays(model)


@pytest.mark.parametrize("models", [[], [1], [None], "als", [EASE]])
def test_what_is_no_model_is_refused(models):
    with pytest.raises(DataError, match="a list of models of the course"):
        Reranker(models)


@pytest.mark.parametrize(
    "followed",
    [np.ones((2, 3)), [1], sparse.csr_matrix([[np.nan, 1]]), sparse.csr_matrix([[1e40, 1]])],
)
def test_what_followed_must_be_sparse_and_finite(followed):
    with pytest.raises(DataError, match="`followed`"):
        Reranker([Popularity()], followed=followed)


def test_every_sparse_format_will_do(parts):
    train, _ = parts
    lists = [
        Reranker([EASE()], followed=kind(train.matrix)).fit(train.matrix).features([3], row)[1]
        for row in [train.matrix[[3]]]
        for kind in (sparse.csr_matrix, sparse.coo_matrix, sparse.csc_matrix, sparse.csr_array)
    ]
    assert all(np.array_equal(found, lists[0]) for found in lists)


def test_a_score_that_is_no_number_is_refused(parts):
    train, _ = parts
    model = Reranker([Popularity(), EASE()]).fit(train.matrix)
    model.models[1]._scores = lambda *_: np.full((1, train.matrix.shape[1]), np.nan)
    with pytest.raises(DataError, match="A score is NaN"):
        model.recommend(0, train.matrix[0])


def test_features_are_asked_for_as_lists_are(parts):
    train, _ = parts
    with pytest.raises(DataError, match="not fitted"):
        Reranker([EASE()]).features([0], train.matrix[:1])
    model = Reranker([Popularity()], n_candidates=10**8).fit(train.matrix)
    assert model.features(0, train.matrix[0])[0].shape == (1, train.matrix.shape[1])
    with pytest.raises(DataError, match="columns"):
        model.features([0], train.matrix[:1, :5])
    with pytest.raises(DataError, match="rows for 2 users"):
        model.features([0, 1], train.matrix[:1])


def test_what_cannot_be_is_refused(parts):
    train, _ = parts
    with pytest.raises(DataError, match="n_candidates"):
        Reranker([Popularity()], n_candidates=0)
    other = Reranker([Popularity()], followed=sparse.csr_matrix((2, 3)))
    with pytest.raises(DataError, match=r"\(2, 3\), and the matrix .*; make it of the same users"):
        other.fit(train.matrix)
