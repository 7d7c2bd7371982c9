"""Hybrid and FactorBridge: blends by hand, switches, and factors of films that nobody has."""

import numpy as np
import pytest
from model_cases import some_matrix
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models import (
    ALS,
    EASE,
    ContentModel,
    FactorBridge,
    Hybrid,
    ItemKNN,
    Popularity,
    Recommender,
)
from course_utils.text import Embeddings


class Fixed(Recommender):
    """Scores everybody alike."""

    def __init__(self, scores):
        self.scores = np.array(scores, dtype=np.float32)

    def _fit(self, matrix): ...

    def _scores(self, userids, history, recalculate):
        return np.tile(self.scores, (len(userids), 1))


ONE = sparse.csr_matrix(np.array([[1, 0, 0, 0, 0]], dtype=np.float32))
INF = np.inf


def answer(model, history=ONE, **options):
    ids, scores = model.fit(history).recommend(0, history, N=5, **options)
    return dict(zip(ids.tolist(), scores.tolist(), strict=True))


def test_scores_are_standardized_over_the_candidates_and_weighted():
    # candidates 1 to 4: mean 3, deviation sqrt(5); and 25, sqrt(3) * 25
    a, b = Fixed([999, 0, 2, 4, 6]), Fixed([-999, 100, 0, 0, 0])
    found = answer(Hybrid([a, b], weights=[3, 1]))
    za = (np.array([0, 2, 4, 6]) - 3) / 5**0.5
    zb = (np.array([100, 0, 0, 0]) - 25) / (25 * 3**0.5)
    expected = dict(enumerate((3 * za + zb) / 4, start=1))
    assert found.pop(-1) == -INF
    assert found == pytest.approx(expected, abs=1e-6)
    assert list(found) == sorted(expected, key=lambda item: -expected[item])


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_neither_scale_nor_offset_of_a_model_matters(scale):
    a, b = np.array([0, 3, 1, 4, 1]), np.array([0, 2, 7, 1, 8])
    plain = answer(Hybrid([Fixed(a), Fixed(b)]))
    scaled = answer(Hybrid([Fixed(a * scale + 5 * scale), Fixed(b)]))
    assert list(scaled) == list(plain)
    assert scaled == pytest.approx(plain, abs=1e-5)


def test_a_weight_of_zero_leaves_a_model_out():
    a, b = Fixed([0, 3, 1, 4, 2]), Fixed([0, 1, 1, 9, INF * -1])
    assert answer(Hybrid([a, b], weights=[1, 0])) == answer(Hybrid([a]))


def test_what_one_model_does_not_know_and_what_none_knows():
    a, b = Fixed([0, 1, 2, -INF, -INF]), Fixed([0, 5, 1, 3, -INF])
    found = answer(Hybrid([a, b]))
    assert 4 not in found
    za = [-1, 1, -1]  # item 3 gets the lowest
    zb = (np.array([5, 1, 3]) - 3) / (8 / 3) ** 0.5
    assert [found[i] for i in (1, 2, 3)] == pytest.approx((za + zb) / 2, abs=1e-6)


def test_alike_scores_are_all_zero():
    assert answer(Hybrid([Fixed([0.1] * 5)])) == {1: 0, 2: 0, 3: 0, 4: 0, -1: -INF}


def test_liked_items_keep_their_place_when_they_may_be_recommended():
    found = answer(Hybrid([Fixed([9, 0, 2, 4, 6])]), filter_already_liked_items=False)
    assert found[0] == pytest.approx((9 - 3) / 5**0.5, abs=1e-6)
    assert next(iter(found)) == 0


def test_cold_items_are_scored_by_another_model_alone():
    history = sparse.csr_matrix(np.array([[1, 0, 1, 0, 0], [0, 1, 1, 0, 0], [0, 1, 1, 0, 0]], "f4"))
    warm, content = Fixed([0, 5, 9, -INF, -INF]), Fixed([0, 1, 2, 3, 8])
    model = Hybrid([warm], cold_items=content, min_users=2).fit(history)
    assert model.is_cold_item.tolist() == [True, False, False, True, True]
    ids, scores = model.recommend(0, history[0], N=5)
    z = (np.array([1, 3, 8]) - 4) / (26 / 3) ** 0.5  # of the candidates 1, 3 and 4
    assert dict(zip(ids.tolist(), scores.tolist(), strict=True)) == pytest.approx(
        {1: 0, 3: z[1], 4: z[2], -1: -INF}, abs=1e-6
    )


def test_cold_users_are_served_by_another_model_alone():
    dense = some_matrix().toarray()
    dense[4] = 0
    history = sparse.csr_matrix(dense)
    model = Hybrid([EASE()], cold_users=Popularity(), min_items=8).fit(history)
    ids, scores = model.recommend(np.arange(30), history, N=6)
    is_cold = np.diff(history.indptr) < 8
    assert 1 < is_cold.sum() < 29
    popular = Popularity().fit(history).recommend(np.arange(30), history, N=6)
    personal = EASE().fit(history).recommend(np.arange(30), history, N=6)
    assert (ids[is_cold] == popular[0][is_cold]).all()
    assert (scores[is_cold] == popular[1][is_cold]).all()
    assert (ids[~is_cold] == personal[0][~is_cold]).all()


def test_a_model_in_two_roles_is_fitted_once():
    fitted = []

    class Counted(Fixed):
        def _fit(self, matrix):
            fitted.append(matrix)

    model = Counted([1, 2, 3, 4, 5])
    Hybrid([model], cold_items=model, cold_users=model).fit(ONE)
    assert len(fitted) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hybrid([]), "There is no model to blend"),
        (lambda: Hybrid([EASE()], weights=[1, 2]), "There are 1 models and 2 weights"),
        (lambda: Hybrid([EASE()], weights=[-1]), "A weight must be a number of at least 0"),
        (lambda: Hybrid([EASE(), EASE()], weights=[0, 0]), "All weights are 0"),
        (lambda: Hybrid([EASE]), "is no model of course_utils.models; make one"),
        (lambda: Hybrid([EASE()], cold_items="content"), "'content' is no model of course_utils"),
        (lambda: Hybrid([EASE()], min_users=0), "min_users must be an integer of at least 1"),
        (lambda: FactorBridge(EASE(), np.eye(2)), "EASE is no model whose scores are dot products"),
        (lambda: FactorBridge(ALS(), np.eye(2), l2=0), "l2 must be a number above 0"),
        (lambda: FactorBridge(ALS(), np.eye(2)).fit(ONE), "of 2 films, and the matrix has 5 col"),
        (lambda: FactorBridge(ALS(), np.eye(5)).fit(ONE), "No item has 5 users, .* at most to 1"),
        (
            lambda: FactorBridge(ALS(2), np.eye(5), min_users=1).fit(ONE).factors_of(np.eye(2)),
            "These embeddings have 2 dimensions, and those of the bridge 5",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(DataError, match=message):
        make()


def blocks(seed=0, n_users=80, n_items=40):
    """Return likes of two tastes, films 0 and 1 liked by nobody, and embeddings that tell taste."""
    rng = np.random.default_rng(seed)
    taste_of_user, taste_of_item = np.arange(n_users) % 2, np.arange(n_items) % 2
    chance = np.where(taste_of_user[:, None] == taste_of_item, 0.5, 0.03)
    has = rng.random(chance.shape) < chance
    has[:, :2] = False
    vectors = np.eye(2)[taste_of_item] @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(
        size=(n_items, 6)
    )
    return sparse.csr_matrix(has.astype(np.float32)), vectors


def als():
    return ALS(factors=4, iterations=10, regularization=0.1, dtype="float64")


def test_the_bridge_gives_a_new_film_to_those_of_its_taste():
    matrix, vectors = blocks()
    bridge = FactorBridge(als(), vectors).fit(matrix)
    assert bridge.bridged[:2].all()
    _, scores = bridge.recommend(np.arange(80), matrix, items=[0], N=1)
    assert scores[0::2].min() > scores[1::2].max()
    assert (als().fit(matrix).recommend(np.arange(80), matrix, items=[0], N=1)[0] == -1).all()
    new = bridge.recommend(500, sparse.csr_matrix(([1.0], ([0], [0])), shape=(1, 40)), N=5)[0]
    assert (new % 2 == 0).all()  # somebody who liked nothing but a film that nobody else has
    assert bridge.similar_items(0, N=10)[0].tolist()[0] == 0
    assert (bridge.similar_items(0, N=10)[0] % 2 == 0).all()


def test_the_bridge_is_a_ridge_regression_on_the_films_that_enough_people_have():
    matrix, vectors = blocks()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    bridge = FactorBridge(als(), vectors, l2=0.7, min_users=22).fit(matrix)
    own = als().fit(matrix).item_factors
    counts = np.asarray((matrix != 0).sum(axis=0)).ravel()
    warm = counts >= 22
    assert (bridge.bridged == ~warm).all()
    assert 2 < bridge.bridged.sum() < 38
    x, y = unit[warm] - unit[warm].mean(axis=0), own[warm] - own[warm].mean(axis=0)
    weights = np.linalg.solve(x.T @ x + 0.7 * np.eye(6), x.T @ y)
    expected = (unit[~warm] - unit[warm].mean(axis=0)) @ weights + own[warm].mean(axis=0)
    np.testing.assert_allclose(bridge.item_factors[~warm], expected, atol=1e-5)
    assert (bridge.item_factors[warm] == own[warm]).all()
    np.testing.assert_allclose(bridge.factors_of(vectors[~warm]), expected, atol=1e-5)


def test_a_bridge_over_nothing_is_the_model_itself():
    matrix = some_matrix()
    bridge = FactorBridge(als(), np.random.default_rng(0).normal(size=(40, 3)), min_users=1)
    ours = bridge.fit(matrix).recommend(np.arange(30), matrix)
    theirs = als().fit(matrix).recommend(np.arange(30), matrix)
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


def test_a_bridge_takes_embeddings_by_their_ids():
    matrix, vectors = blocks()
    ids = np.random.default_rng(1).permutation(1000)[:40]
    films = Embeddings(vectors, ids).aligned(np.sort(ids))
    bridge = FactorBridge(als(), films, items=ids).fit(matrix)
    plain = FactorBridge(als(), vectors).fit(matrix)
    assert (bridge.item_factors == plain.item_factors).all()
    assert repr(bridge).startswith("FactorBridge(ALS(factors=4, ")


def test_all_together():
    matrix, vectors = blocks()
    content = ContentModel(vectors)
    model = Hybrid(
        [ItemKNN(), FactorBridge(als(), vectors), content],
        cold_items=content, cold_users=Popularity(),
    ).fit(matrix)  # fmt: skip
    ids, _ = model.recommend(np.arange(80), matrix, N=5)
    assert (ids % 2 == (np.arange(80) % 2)[:, None]).mean() > 0.9
    assert np.isin([0, 1], model.recommend(np.arange(80), matrix, N=20)[0]).all()
