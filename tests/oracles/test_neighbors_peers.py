"""ItemKNN and EASE against implicit and irspack: weights, scores, lists and similar items.

Weights are drawn so that no two similarities are equal; where they are, on plain positives, each
library may keep another neighbor, and only what does not depend on that is compared.
"""

import warnings

import numpy as np
import pytest
from scipy import sparse

from course_utils.models import EASE, ItemKNN

N_USERS, N_ITEMS, K = 400, 150, 30


def drawn(seed, positives=False):
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(2, N_ITEMS + 2)
    has = rng.random((N_USERS, N_ITEMS)) < 12 * popularity * rng.random((N_USERS, 1))
    has[rng.integers(0, N_USERS, N_ITEMS), np.arange(N_ITEMS)] = True
    values = np.ones(has.shape) if positives else rng.uniform(0.5, 5, has.shape)
    return sparse.csr_matrix((has * values).astype(np.float32))


def implicits(matrix, k):
    """Fit implicit's; it counts an item among its own k neighbors, and we do not."""
    nearest = pytest.importorskip("implicit.nearest_neighbours", reason="implicit is not installed")
    model = nearest.CosineRecommender(K=k + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Method expects CSR input")
        model.fit(matrix, show_progress=False)
    return model


def irspacks(name, matrix, **arguments):
    irspack = pytest.importorskip("irspack", reason="irspack is not installed")
    return getattr(irspack, name)(matrix, **arguments).learn()


def irspacks_knn(matrix, k, **arguments):
    """Fit irspack's, which counts an item among its own k neighbors too."""
    return irspacks("CosineKNNRecommender", matrix, top_k=k + 1, normalize=True, **arguments)


def compare_lists(ours, theirs, matrix, tolerance):
    """Hold our lists against all of irspack's scores: the same scores, and no better ones left."""
    scores = theirs.get_score_remove_seen(np.arange(N_USERS))
    ids, best = ours.recommend(np.arange(N_USERS), matrix, N=10)
    real = ids >= 0
    assert real.mean() > 0.95
    for expected in (np.take_along_axis(scores, ids, axis=1), -np.sort(-scores, axis=1)[:, :10]):
        assert best[real] == pytest.approx(expected[real], abs=tolerance)


def without_diagonal(similarity):
    dense = similarity.toarray()
    np.fill_diagonal(dense, 0)
    return dense


@pytest.mark.parametrize("seed", range(5))
def test_neighbors_as_in_implicit(seed):
    matrix = drawn(seed)
    ours, theirs = ItemKNN(k=K, shrinkage=0).fit(matrix), implicits(matrix, K)
    found = ours.similarity.toarray()
    assert found == pytest.approx(without_diagonal(theirs.similarity), abs=1e-6)
    assert (found > 0).sum(axis=1).max() == K
    for item in range(0, N_ITEMS, 7):
        ids, scores = theirs.similar_items(item, N=20)
        our_ids, our_scores = ours.similar_items(item, N=20)
        assert our_ids.tolist() == ids.tolist()
        assert our_scores == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_recommendations_as_in_implicit(seed):
    matrix = drawn(seed)
    users = np.arange(N_USERS)
    ids, scores = ItemKNN(k=K, shrinkage=0).fit(matrix).recommend(users, matrix, N=10)
    their_ids, their_scores = implicits(matrix, K).recommend(users, matrix, N=10)
    real = ids >= 0
    assert real.mean() > 0.95
    assert ids[real].tolist() == their_ids[real].tolist()
    assert scores[real] == pytest.approx(their_scores[real], rel=1e-5)
    assert (their_scores[~real] <= 0).all()  # what is liked already, to fill up


@pytest.mark.parametrize("seed", range(5))
def test_neighbors_and_recommendations_as_in_irspack(seed):
    matrix = drawn(seed)
    ours, theirs = ItemKNN(k=K, shrinkage=0).fit(matrix), irspacks_knn(matrix, K)
    assert ours.similarity.toarray() == pytest.approx(theirs.W.toarray(), abs=1e-6)
    compare_lists(ours, theirs, matrix, 1e-4)


@pytest.mark.parametrize("shrinkage", [0.5, 20.0])
def test_shrunk_similarities_as_in_irspack(shrinkage):
    # All of them: where an item is not the nearest to itself, irspack keeps one neighbor more.
    matrix = drawn(11)
    ours = ItemKNN(k=N_ITEMS, shrinkage=shrinkage).fit(matrix)
    theirs = irspacks_knn(matrix, N_ITEMS, shrinkage=shrinkage)
    assert ours.similarity.toarray() == pytest.approx(theirs.W.toarray(), abs=1e-6)


def test_on_positives_all_neighbors_as_in_both():
    matrix = drawn(20, positives=True)
    ours = ItemKNN(k=N_ITEMS, shrinkage=0).fit(matrix).similarity.toarray()
    theirs = without_diagonal(implicits(matrix, N_ITEMS).similarity)
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert ours == pytest.approx(irspacks_knn(matrix, N_ITEMS).W.toarray(), abs=1e-6)


@pytest.mark.parametrize("positives", [True, False])
@pytest.mark.parametrize("l2", [1.0, 250.0])
def test_ease_as_in_irspack(l2, positives):
    matrix = drawn(30, positives)
    theirs = irspacks("DenseSLIMRecommender", matrix, reg=l2)
    ours = EASE(l2=l2).fit(matrix)
    assert ours.weights == pytest.approx(np.asarray(theirs.W), abs=2e-5)
    compare_lists(ours, theirs, matrix, 1e-4)
