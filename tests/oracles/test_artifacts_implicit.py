"""Models that implicit saved itself answer as implicit's own do."""

import os
import pickle

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from course_cloud.artifacts import load_implicit
from course_utils.errors import ArtifactError, DataError
from course_utils.interactions import Interactions
from course_utils.models import ALS, ItemKNN

pytest.importorskip("implicit", reason="implicit is not installed")
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

# implicit converts within itself, and warns of that
pytestmark = pytest.mark.filterwarnings("ignore:Method expects CSR input")
N_USERS, N_ITEMS, K = 60, 40, 8
NEW_USERS = np.arange(N_USERS) + 1000


@pytest.fixture(autouse=True)
def one_blas_thread():
    """Implicit warns, once in a process, where BLAS has more; which test is first is chance."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="module")
def train():
    has = np.random.default_rng(0).random((N_USERS, N_ITEMS)) < 0.2
    matrix = sparse.csr_matrix(has.astype(np.float32))
    return Interactions(matrix, np.arange(N_USERS), np.arange(N_ITEMS))


@pytest.fixture
def saved(train, tmp_path):
    """Return a function that fits and saves a model of implicit, and gives it and the path."""

    def fit(model):
        model.fit(train.matrix, show_progress=False)
        model.save(tmp_path / "theirs.npz")
        return model, tmp_path / "theirs.npz"

    return fit


@pytest.mark.parametrize("alpha", [1.0, 4.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_als_recommends_as_it_did_to_known_users_and_new_ones(alpha, dtype, saved, train):
    theirs, path = saved(
        AlternatingLeastSquares(
            factors=6, iterations=5, alpha=alpha, regularization=0.3, dtype=dtype, random_state=1
        )
    )
    ours = load_implicit(path, train=train)
    assert (ours.factors, ours.alpha, ours.iterations) == (6, alpha - 1, 5)
    assert (ours.user_factors == theirs.user_factors).all()
    rows = np.arange(N_USERS)
    for again, users in [(False, rows), (True, rows), (False, NEW_USERS)]:
        ids, scores = ours.recommend(users, train.matrix, N=K, recalculate_user=again)
        expected = theirs.recommend(rows, train.matrix, N=K, recalculate_user=again or users[0] > 0)
        assert (ids == expected[0]).mean() > 0.99  # where two scores are a rounding apart
        np.testing.assert_allclose(scores, expected[1], rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("kind", [CosineRecommender, BM25Recommender])
def test_neighbors_recommend_as_they_did(kind, saved, train):
    theirs, path = saved(kind(K=10))
    ours = load_implicit(path, train=train)
    assert isinstance(ours, ItemKNN)
    rows = np.arange(N_USERS)
    _, scores = ours.recommend(rows, train.matrix, N=K)
    _, expected = theirs.recommend(rows, train.matrix, N=K)
    # ids may differ where scores tie, and implicit goes on with items that have none
    np.testing.assert_allclose(np.maximum(scores, 0), np.maximum(expected, 0), rtol=1e-5)
    ours_of, theirs_of = ours.similar_items(3, N=5)[1], theirs.similar_items(3, N=5)[1]
    np.testing.assert_allclose(ours_of, theirs_of, rtol=1e-5)


def test_what_is_read_is_an_als_of_the_course(saved, train):
    _, path = saved(AlternatingLeastSquares(factors=6, iterations=2, alpha=3.0, random_state=1))
    ours = load_implicit(path, train=train)
    assert repr(ours) == repr(ALS(6, iterations=2, alpha=2.0))
    ids, parts = ours.explain(0, train.matrix[0], int(ours.recommend(0, train.matrix[0])[0][0]))
    assert (ids[parts > -np.inf] >= 0).all()


def test_what_cannot_be_read_is_refused(saved, train, tmp_path):
    _, path = saved(AlternatingLeastSquares(factors=3, iterations=1, random_state=1))
    stars = Interactions(train.matrix * 2, train.users, train.items)
    fewer = Interactions(train.matrix[1:], train.users[1:], train.items)
    with pytest.raises(DataError, match="holds other values than 1"):
        load_implicit(path, train=stars)
    with pytest.raises(DataError, match="60 users × 40 items, and `train` has 59 × 40"):
        load_implicit(path, train=fewer)
    _, path = saved(AlternatingLeastSquares(factors=3, iterations=1, alpha=0.5, random_state=1))
    with pytest.raises(DataError, match=r"alpha=0\.5"):
        load_implicit(path, train=train)
    _, path = saved(BayesianPersonalizedRanking(factors=3, iterations=1, random_state=1))
    with pytest.raises(ArtifactError, match="neither an ALS nor a nearest-neighbors model"):
        load_implicit(path, train=train)
    with pytest.raises(ArtifactError, match="There is no file"):
        load_implicit(tmp_path / "absent.npz", train=train)


class Trap:
    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


@pytest.mark.parametrize("as_array", [False, True])
def test_a_pickle_is_not_opened(as_array, train, tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "run"))
    path = tmp_path / "theirs.npz"
    if as_array:
        np.savez(path, user_factors=np.array([Trap()], dtype=object))
    else:
        path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ArtifactError, match=r"pickle|something else than plain arrays"):
        load_implicit(path, train=train)
    assert not (tmp_path / "run").exists()
