"""A re-ranker: its trees are scikit-learn's, its features know nothing of the future."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier

from course_cloud import artifacts
from course_cloud.reranking import NO_SCORE, Reranker, sum_of_trees, tree_arrays
from course_utils.datasets import load_movielens
from course_utils.errors import DataError
from course_utils.evaluation import compare, evaluate
from course_utils.interactions import Interactions, encode, to_implicit
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


def changed_by_the_future(make, train, held):
    """Return whether features change when the held-out likes are deleted."""
    nothing = Interactions(held.matrix * 0, held.users, held.items)
    return not np.array_equal(make(train, held), make(train, nothing))


def test_no_feature_knows_the_future_and_a_planted_leak_is_found(parts):
    train, held = parts
    users = np.flatnonzero(held.matrix.getnnz(axis=1))

    def honest(train, _):
        model = Reranker([EASE()], n_candidates=N_CANDIDATES).fit(train.matrix)
        return model.features(users, train.matrix[users])[1]

    def leaking_popularity(train, held):
        model = Reranker([EASE()], n_candidates=N_CANDIDATES).fit(train.matrix)
        model.log_popularity = np.log1p((train.matrix + held.matrix).sum(axis=0).A1).astype("f4")
        return model.features(users, train.matrix[users])[1]

    def leaking_followed(train, held):
        model = Reranker([EASE()], followed=held.matrix, n_candidates=N_CANDIDATES)
        return model.fit(train.matrix).features(users, train.matrix[users])[1]

    assert not changed_by_the_future(honest, train, held)
    assert changed_by_the_future(leaking_popularity, train, held)
    assert changed_by_the_future(leaking_followed, train, held)


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


def test_what_cannot_be_is_refused(parts):
    train, _ = parts
    with pytest.raises(DataError, match="no model that retrieves"):
        Reranker([])
    with pytest.raises(DataError, match="n_candidates"):
        Reranker([Popularity()], n_candidates=0)
    other = Reranker([Popularity()], followed=sparse.csr_matrix((2, 3)))
    with pytest.raises(DataError, match=r"`followed` \(2, 3\); make it anew"):
        other.fit(train.matrix)
