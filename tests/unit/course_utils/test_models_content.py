"""ContentModel: by hand, against a plain loop, and embeddings that are not those of the columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from course_utils.errors import DataError
from course_utils.evaluation import evaluate
from course_utils.models import ContentModel
from course_utils.text import Embeddings

# Two directions, two films each, and one film in between.
VECTORS = np.array([[1.0, 0], [0.8, 0.6], [0, 2.0], [0.6, 0.8], [3, 3]])


def likes(*rows):
    return sparse.csr_matrix(np.array(rows, dtype=np.float32))


def test_by_hand():
    liked = likes([1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 1, 0, 0])
    ids, scores = ContentModel(VECTORS).fit(liked).recommend([0, 1, 2], liked, N=3)
    half = 0.5**0.5
    assert ids.tolist() == [[1, 4, 3], [3, 4, 1], [4, 1, 3]]
    np.testing.assert_allclose(
        scores, [[0.8, half, 0.6], [0.8, half, 0.6], [1, 1.4 * half, 1.4 * half]], atol=1e-6
    )


def test_values_of_the_matrix_are_weights():
    liked = likes([5, 0, 1, 0, 0])
    by_value, equal = ContentModel(VECTORS), ContentModel(VECTORS, weights="equal")
    assert by_value.fit(liked).recommend(0, liked, N=1)[0] == [1]
    assert equal.fit(liked).recommend(0, liked, N=1)[0] == [4]
    disliked = likes([1, 0, -1, 0, 0])  # the second direction pushes away
    ids, scores = by_value.fit(disliked).recommend(0, disliked, N=3)
    assert ids.tolist() == [1, 4, 3]
    assert scores[1] == pytest.approx(0, abs=1e-6)


@given(
    npst.arrays(np.float32, (4, 9), elements=st.integers(0, 5)).filter(lambda a: a.any()),
    st.integers(0, 1000),
)
def test_as_a_plain_loop(dense, seed):
    vectors = np.random.default_rng(seed).normal(size=(9, 3))
    matrix = sparse.csr_matrix(dense)
    ids, scores = ContentModel(vectors).fit(matrix).recommend(range(4), matrix, N=9)
    for user in range(4):
        profile = sum(dense[user, i] * vectors[i] / np.linalg.norm(vectors[i]) for i in range(9))
        expected = {
            j: float(profile @ vectors[j] / np.linalg.norm(profile) / np.linalg.norm(vectors[j]))
            for j in range(9)
            if dense[user].any() and not dense[user, j]
        }
        there = ids[user] >= 0
        assert set(ids[user][there]) == set(expected)
        np.testing.assert_allclose(
            scores[user][there], [expected[j] for j in ids[user][there]], atol=1e-5
        )
        assert (np.diff(scores[user][there]) <= 0).all()


def test_films_in_any_order_make_the_same_profile():
    liked = likes([2, 0, 1, 0, 0])
    turned = sparse.csr_matrix(
        (liked.data[::-1].copy(), liked.indices[::-1].copy(), liked.indptr), liked.shape
    )
    model = ContentModel(VECTORS).fit(liked)
    assert (model.recommend(0, turned)[1] == model.recommend(0, liked)[1]).all()


def test_who_says_nothing_gets_nothing_and_is_given_to_nobody():
    vectors = np.vstack([VECTORS, np.zeros((1, 2)), -VECTORS[:1]])
    liked = likes([1, 0, 0, 0, 0, 0, 0], [0] * 7, [0, 0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0, 1])
    ids, scores = ContentModel(vectors).fit(liked).recommend(range(4), liked, N=7)
    assert set(ids[0]) == {1, 2, 3, 4, 6, -1}
    assert (ids[1:] == -1).all()  # no history, a silent film, and two that cancel out
    assert (scores[ids < 0] == -np.inf).all()


def test_what_all_films_have_in_common_can_be_left_out():
    rng = np.random.default_rng(0)
    own, common = rng.normal(size=(20, 4)), np.full(4, 100.0)
    unit = (own + common) / np.linalg.norm(own + common, axis=1, keepdims=True)
    expected = unit - unit.mean(axis=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    model = ContentModel(np.vstack([own + common, np.zeros((1, 4))]), center=True)
    np.testing.assert_allclose(model.vectors[:20], expected, atol=1e-3)
    assert not model.vectors[20].any()
    plain = ContentModel(own + common)
    assert (plain.vectors @ plain.vectors.T).min() > 0.99
    assert (expected @ expected.T).min() < 0


def test_similar_items():
    vectors = np.vstack([VECTORS, np.zeros((1, 2))])
    model = ContentModel(vectors).fit(likes([1, 0, 0, 0, 0, 0]))
    ids, scores = model.similar_items([0, 4, 5], N=3)
    assert ids.tolist() == [[0, 1, 4], [4, 1, 3], [5, -1, -1]]
    np.testing.assert_allclose(scores[0], [1, 0.8, 0.5**0.5], atol=1e-6)
    assert scores[2].tolist() == [0, -np.inf, -np.inf]


def test_films_that_nobody_has_are_recommended_and_new_users_served():
    model = ContentModel(VECTORS).fit(likes([1, 0, 0, 0, 0]))
    ids, _ = model.recommend(99, likes([0, 0, 1, 0, 0]), N=1)
    assert ids.tolist() == [3]


def test_embeddings_are_brought_into_the_order_of_the_columns():
    films = Embeddings(VECTORS, [10, 20, 30, 40, 50])
    columns = [50, 30, 10, 40]
    model = ContentModel(films, items=columns).fit(likes([0, 0, 1, 0]))
    np.testing.assert_allclose(model.vectors, [[0.5**0.5] * 2, [0, 1], [1, 0], [0.6, 0.8]])
    assert model.similar_items(1, N=2)[0].tolist() == [1, 3]
    assert repr(model) == "ContentModel(4 films × 2, weights='values', center=False)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ContentModel(Embeddings(VECTORS, range(5))), r"items=train\.items"),
        (lambda: ContentModel(Embeddings(VECTORS, range(5)), [3, 9]), "1 of the 2 films have no"),
        (lambda: ContentModel(VECTORS, [0, 1, 2, 3, 4]), "An array does not say whose its rows"),
        (lambda: ContentModel(VECTORS[0]), "must be a table of numbers"),
        (lambda: ContentModel(VECTORS * np.nan), "holds NaN or infinity"),
        (lambda: ContentModel(VECTORS, weights="stars"), "weights must be one of 'values', 'equal"),
        (lambda: ContentModel(VECTORS).fit(likes([1, 0, 0])), "of 5 films, and the matrix has 3 c"),
    ],
)
def test_embeddings_that_are_not_those_of_the_columns(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_the_evaluator_takes_it_as_it_is():
    rng = np.random.default_rng(0)
    has = rng.random((60, 30)) < 0.3
    hidden = has & (rng.random(has.shape) < 0.4)
    train, test = (sparse.csr_matrix(m.astype(np.float32)) for m in (has & ~hidden, hidden))
    model = ContentModel(rng.normal(size=(30, 4))).fit(train)
    result = evaluate(model, train, test)
    rows = result.per_user.index.to_numpy()
    assert (result.recommended == model.recommend(rows, train[rows])[0]).all()
