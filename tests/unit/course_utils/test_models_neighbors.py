"""ItemKNN and EASE by hand, and the Gram matrix that both begin with."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from model_cases import some_matrix
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models import EASE, ItemKNN, knn

# Films a to e; a and b have the same two viewers, d one of them, c others, e nobody.
HAND = sparse.csr_matrix([[1, 1, 0, 1, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 0, 0]])


def test_cosines_by_hand():
    similarity = ItemKNN(shrinkage=0).fit(HAND).similarity.toarray()
    half = np.float32(0.5)  # one viewer of two each, divided by √2 · √2
    expected = [
        [0, 1, 0, half, 0],
        [1, 0, 0, half, 0],
        [0, 0, 0, half, 0],
        [half, half, half, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert (similarity == np.array(expected)).all()


def test_shrinkage_by_hand():
    similarity = ItemKNN(shrinkage=2).fit(HAND).similarity.toarray()
    assert similarity[0, 1] == pytest.approx(2 / (2 + 2))
    assert similarity[0, 3] == pytest.approx(1 / (2 + 2))


def test_ratings_are_used_as_they_are():
    ratings = sparse.csr_matrix([[5.0, 3.0], [1.0, 0.0]])
    similar = ItemKNN(shrinkage=0).fit(ratings).similarity
    assert similar[0, 1] == pytest.approx(15 / (np.sqrt(26) * 3))


def test_of_equally_similar_films_the_first_are_kept():
    everything = sparse.csr_matrix(np.ones((3, 6)))
    similarity = ItemKNN(k=2, shrinkage=0).fit(everything).similarity
    assert [row.indices.tolist() for row in similarity] == [[1, 2], [0, 2], *[[0, 1]] * 4]


@pytest.mark.parametrize("k", [1, 3, 5, 39, 1000])
def test_the_k_nearest_are_kept_and_no_others(k):
    matrix = some_matrix(7)
    dense = matrix.toarray().astype(np.float64)
    norms = np.linalg.norm(dense, axis=0)
    cosine = dense.T @ dense / np.outer(norms, norms)
    np.fill_diagonal(cosine, 0)
    found = ItemKNN(k=k, shrinkage=0).fit(matrix).similarity.toarray()
    assert found[found != 0] == pytest.approx(cosine[found != 0], rel=1e-6)
    for row in range(40):
        kept = np.sort(found[row][found[row] != 0])[::-1]
        assert kept == pytest.approx(np.sort(cosine[row][cosine[row] > 0])[::-1][:k], rel=1e-6)


def test_scores_and_explanations_by_hand():
    model = ItemKNN(shrinkage=0).fit(HAND)
    ids, scores = model.recommend(0, sparse.csr_matrix([[2.0, 0, 3, 0, 0]]), N=3)
    assert ids.tolist() == [3, 1, -1]  # d: 2 · ½ + 3 · ½; b: 2 · 1
    assert scores.tolist() == pytest.approx([2.5, 2.0, -np.inf])
    ids, parts = model.explain(0, sparse.csr_matrix([[2.0, 0, 3, 0, 0]]), 3, N=3)
    assert ids.tolist() == [2, 0, -1]
    assert parts.tolist() == pytest.approx([1.5, 1.0, -np.inf])
    assert (ids.dtype, parts.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("model", [ItemKNN(k=7), EASE(l2=3.0)])
def test_an_explanation_adds_up_to_the_score(model):
    matrix = some_matrix(3)
    model.fit(matrix)
    for user in range(30):
        ids, scores = model.recommend(user, matrix[user], N=40)
        for item, score in zip(ids[ids >= 0], scores[ids >= 0], strict=True):
            because, parts = model.explain(user, matrix[user], int(item), N=40)
            there = because >= 0
            assert set(because[there]) <= set(matrix[user].indices)
            assert parts[there].sum() == pytest.approx(score, abs=1e-5)
            assert (np.diff(parts[there]) <= 0).all()


def test_without_a_history_there_is_nothing_to_explain():
    ids, parts = ItemKNN(shrinkage=0).fit(HAND).explain(9, sparse.csr_matrix((1, 5)), 0, N=2)
    assert (ids.tolist(), parts.tolist()) == ([-1, -1], [-np.inf, -np.inf])


def test_similar_films_by_hand():
    model = ItemKNN(shrinkage=0).fit(HAND)
    ids, scores = model.similar_items(1, N=4)
    assert ids.tolist() == [1, 0, 3, -1]  # itself first, though a is just as similar
    assert scores.tolist() == pytest.approx([1, 1, 0.5, -np.inf])
    ids, scores = model.similar_items([4, 3], N=2)
    assert ids.tolist() == [[4, -1], [3, 0]]
    assert scores[0].tolist() == [0, -np.inf]
    assert ItemKNN(shrinkage=2).fit(HAND).similar_items(0, N=1)[1] == pytest.approx(0.5)


def test_ease_of_two_films_is_a_ridge_regression():
    both = sparse.csr_matrix([[1, 1], [1, 1], [1, 0], [0, 1], [1, 0]])
    weights = EASE(l2=3.0).fit(both).weights
    assert weights == pytest.approx(np.array([[0, 2 / (4 + 3)], [2 / (3 + 3), 0]]), abs=1e-6)


# With 9 users the inverse is taken by way of users × users.
@pytest.mark.parametrize("n_users", [9, 30])
@pytest.mark.parametrize("ratings", [False, True])
def test_each_column_of_ease_is_the_ridge_regression_on_all_others(ratings, n_users):
    matrix = some_matrix(4, n_users)
    if ratings:
        matrix.data = np.random.default_rng(0).integers(1, 11, matrix.nnz).astype("f4") / 2
    dense = matrix.toarray().astype(np.float64)
    weights = EASE(l2=1.5).fit(matrix).weights
    for item in range(40):
        others = np.delete(dense, item, axis=1)
        left = others.T @ others + 1.5 * np.eye(39)
        expected = np.linalg.solve(left, others.T @ dense[:, item])
        assert np.delete(weights[:, item], item) == pytest.approx(expected, abs=2e-6)
        assert weights[item, item] == 0


def test_both_ways_to_the_weights_of_ease_lead_there(monkeypatch):
    monkeypatch.setattr("course_utils.models.ease.COLUMNS", 7)
    matrix = some_matrix(6)
    by_items, by_users = EASE(l2=4.0), EASE(l2=4.0)
    by_items._fit_by_items(matrix)
    by_users._fit_by_users(matrix)
    np.fill_diagonal(by_items.weights, 0)
    np.fill_diagonal(by_users.weights, 0)
    assert by_items.weights == pytest.approx(by_users.weights, abs=1e-6)
    assert by_items._diagonal == pytest.approx(by_users._diagonal, rel=1e-5)
    assert by_items.weights.dtype == by_users.weights.dtype == np.float32


@pytest.mark.parametrize("n_users", [9, 30])
def test_similar_films_of_ease_are_partial_correlations(n_users):
    matrix = some_matrix(4, n_users)
    model = EASE(l2=1.5).fit(matrix)
    dense = matrix.toarray().astype(np.float64)
    precision = np.linalg.inv(dense.T @ dense + 1.5 * np.eye(40))
    scale = np.sqrt(np.diag(precision))
    expected = -precision / np.outer(scale, scale)
    np.fill_diagonal(expected, np.inf)
    ids, scores = model.similar_items(np.arange(40), N=40)
    assert (ids[:, 0] == np.arange(40)).all()
    assert (scores[:, 0] == 1).all()
    found = np.take_along_axis(expected, ids, axis=1)
    assert scores[:, 1:] == pytest.approx(found[:, 1:], abs=1e-5)
    assert (np.diff(found[:, 1:], axis=1) < 1e-5).all()


matrices = npst.arrays(
    np.float32, st.tuples(st.integers(1, 20), st.integers(1, 25)), elements=st.integers(-2, 4)
)


@given(
    dense=matrices,
    sparse_cost=st.sampled_from([0, 1, 10, 10**6]),  # all sparse … all dense
    rows=st.integers(1, 30),
    chunk=st.integers(1, 100),
)
@example(np.ones((3, 4), "f4"), 10**6, 2, 1)
def test_the_gram_matrix_wherever_dense_and_sparse_meet(dense, sparse_cost, rows, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn, "SPARSE_COST", sparse_cost)
        patch.setattr(knn, "ROWS", rows)
        patch.setattr(knn, "CHUNK", chunk)
        found = knn.gram(sparse.csr_matrix(dense))
    assert found.dtype == np.float32
    assert (found == dense.T @ dense).all()


@pytest.mark.parametrize(("cost", "n_dense"), [(0, 0), (10**9, 12)])
def test_by_cost_all_can_be_sparse_or_dense(cost, n_dense, monkeypatch):
    monkeypatch.setattr(knn, "SPARSE_COST", cost)
    matrix = some_matrix(n_items=12)
    parts = knn._popular_and_rest(matrix, matrix.tocsc())
    assert [len(part) for part in parts] == [n_dense, 12 - n_dense]


def test_free_memory_is_read_where_the_machine_says_it(monkeypatch, tmp_path):
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:  2048 kB\nMemFree:  1 kB\nMemAvailable:   1024 kB\n")
    monkeypatch.setattr(knn, "Path", lambda _: said)
    assert knn.available_bytes() == 2**20
    said.write_text("MemTotal:  2048 kB\n")  # an old kernel
    assert knn.available_bytes() is None
    said.unlink()  # Windows, macOS
    assert knn.available_bytes() is None


def test_memory_that_is_just_enough_is_enough(monkeypatch):
    monkeypatch.setattr(knn, "available_bytes", lambda: 45 * 10**7)
    knn.need_pairs_of_items("EASE", 10_000)
    with pytest.raises(DataError, match="keep the 10,000 most popular items"):
        knn.need_pairs_of_items("EASE", 10_001)
    with pytest.raises(DataError, match="keep the 8,155 most popular items"):
        knn.need_pairs_of_items("ItemKNN", 10_000, per_item=24 * 770)
    knn.need_pairs_of_items("ItemKNN", 8_155, per_item=24 * 770)
