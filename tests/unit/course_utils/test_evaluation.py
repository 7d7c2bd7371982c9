"""evaluate, recommend_all: by hand, against a plain loop, for implicit."""

import math
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from evaluation_models import Factors, Lists, Scores, quietly_fit, random_split
from scipy import sparse
from threadpoolctl import threadpool_limits

from course_utils import validation
from course_utils.errors import CourseWarning
from course_utils.evaluation import evaluate, recommend_all

ACCURACY = ["recall", "precision", "hit_rate", "mrr", "map", "ndcg"]
BEYOND = ["coverage", "popularity", "gini", "novelty", "personalization"]


def test_three_users_by_hand():
    train = sparse.csr_matrix([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    test = sparse.csr_matrix([[0, 1, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]])
    # user 0 gets 1, 2; user 1 gets 2, 3; user 3 gets 0, 1; user 2 has nothing to be found
    result = evaluate(Scores([[5, 4, 3, 2, 1]] * 4), train, test, k=2)
    assert result.per_user.index.tolist() == [0, 1, 3]
    assert result.recommended.tolist() == [[1, 2], [2, 3], [0, 1]]
    assert result.per_user["recall@2"].tolist() == [1 / 3, 0, 1]
    assert result.per_user["precision@2"].tolist() == [0.5, 0, 0.5]
    assert result.per_user["map@2"].tolist() == [1 / 3, 0, 1]
    assert result.per_user["ndcg@2"].tolist() == pytest.approx([1 / (1 + 1 / math.log2(3)), 0, 1])
    assert result.per_user["n_train"].tolist() == [1, 2, 1]
    assert result.per_user["n_test"].tolist() == [3, 1, 1]
    assert result.per_user["popularity@2"].tolist() == [0.5, 0, 2]  # counts 3, 1, 0, 0, 1
    assert result.summary["recall@2"] == pytest.approx((1 / 3 + 0 + 1) / 3)
    assert result.summary["hit_rate@2"] == result.summary["mrr@2"] == pytest.approx(2 / 3)
    assert result.summary["coverage@2"] == 4 / 5
    assert result.summary["personalization@2"] == pytest.approx(1 - (1 / 2 + 1 / 2 + 0) / 3)
    assert result.exposure().tolist() == [1, 2, 2, 1, 0]
    assert list(result.summary.index) == [f"{name}@2" for name in ACCURACY + BEYOND]
    assert repr(result) == "Evaluation(3 users: recall@2 0.4444, ndcg@2 0.5377, coverage@2 0.8000)"


def one_user_at_a_time(model, train, test, k):
    """Return the six metrics of each user, written out."""
    rows = {}
    for user in range(train.shape[0]):
        wanted = set(test[user].indices.tolist())
        if not wanted:
            continue
        ids, _ = model.recommend(np.array([user]), train[user], N=k)
        hits = [item in wanted for item in ids[0].tolist() if item >= 0]
        ranks = [rank for rank, hit in enumerate(hits, start=1) if hit]
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(wanted), k) + 1))
        rows[user] = {
            f"recall@{k}": len(ranks) / len(wanted),
            f"precision@{k}": len(ranks) / k,
            f"hit_rate@{k}": float(bool(ranks)),
            f"mrr@{k}": 1 / ranks[0] if ranks else 0.0,
            f"map@{k}": sum((n + 1) / rank for n, rank in enumerate(ranks)) / len(wanted),
            f"ndcg@{k}": sum(1 / math.log2(rank + 1) for rank in ranks) / ideal,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("user")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 10, 100])
def test_as_one_user_at_a_time(seed, k):
    train, test = random_split(seed)
    model = Scores(np.random.default_rng(seed).integers(0, 30, train.shape))
    result = evaluate(model, train, test, k, batch=7)
    plain = one_user_at_a_time(model, train, test, k)
    pd.testing.assert_frame_equal(result.per_user[plain.columns], plain, rtol=1e-12, atol=1e-15)
    assert result.summary[plain.columns].tolist() == pytest.approx(plain.mean().tolist())


def test_factors_as_their_product():
    train, test = random_split(5)
    rng = np.random.default_rng(5)
    users, items = (rng.integers(-3, 4, (n, 6)).astype("f4") for n in train.shape)
    ours = evaluate(Factors(users, items), train, test)
    theirs = evaluate(Scores(users @ items.T), train, test)
    assert (ours.recommended == theirs.recommended).all()
    pd.testing.assert_series_equal(ours.summary, theirs.summary)


def test_several_cutoffs_cost_one_pass_and_equal_separate_runs():
    train, test = random_split(6)
    model = Scores(np.random.default_rng(6).random(train.shape))
    together = evaluate(model, train, test, k=(10, 1, 5))
    assert together.k == (1, 5, 10)
    assert [n for _, n in model.asked] == [10]
    for k in (1, 5, 10):
        alone = evaluate(model, train, test, k=k)
        pd.testing.assert_series_equal(together.summary[alone.summary.index], alone.summary)
        pd.testing.assert_frame_equal(together.per_user[alone.per_user.columns], alone.per_user)
    assert list(together.summary.index[::11]) == ["recall@1", "recall@5", "recall@10"]


@pytest.mark.parametrize("k", [10, (1, 5, 10, 20)])
def test_the_lists_are_validated_once_whatever_the_number_of_cutoffs(k, monkeypatch):
    train, test = random_split(6)
    calls = []
    need_items = validation._need_items
    monkeypatch.setattr(
        validation, "_need_items", lambda *given: calls.append(given) or need_items(*given)
    )
    evaluate(Scores(np.ones(train.shape)), train, test, k)
    assert len(calls) == 1


def test_an_evaluation_enters_few_files():
    train, test = random_split(6)
    model = Factors(*(np.ones((n, 2)) for n in train.shape))
    evaluate(model, train, test)
    files = set()
    sys.setprofile(lambda frame, event, arg: files.add(frame.f_code.co_filename))
    try:
        evaluate(model, train, test, progress=False)
    finally:
        sys.setprofile(None)
    ours = {name for name in files if "/course_utils/" in name and "/tests/" not in name}
    assert len(ours) <= 5, ours


@pytest.mark.parametrize("seed", range(3))
def test_given_lists_are_measured_as_those_of_a_model(seed):
    train, test = random_split(seed)
    genres = sparse.csr_matrix(np.arange(train.shape[1] * 3).reshape(-1, 3) % 4 == 0)
    model = Scores(np.random.default_rng(seed).random(train.shape))
    for options in (
        {"k": (1, 5)},
        {"k": 7, "denominator": "min", "missing_users": "skip"},
        {"genres": genres, "vectors": genres.toarray()},
    ):
        of_model = evaluate(model, train, test, **options)
        of_lists = evaluate(recommend_all(model, train, k=12), train, test, **options)
        pd.testing.assert_series_equal(of_lists.summary, of_model.summary)
        pd.testing.assert_frame_equal(of_lists.per_user, of_model.per_user)
        assert (of_lists.recommended == of_model.recommended).all()


def test_lists_that_are_too_short_miss():
    train, test = sparse.csr_matrix((2, 4)), sparse.csr_matrix([[0, 1, 0, 1], [0, 0, 0, 0]])
    result = evaluate([[1], [-1]], train, test, k=(1, 2))
    assert result.summary[["recall@1", "recall@2", "precision@2"]].tolist() == [0.5, 0.5, 0.5]
    assert result.per_user.index.tolist() == [0]
    assert result.recommended.tolist() == [[1]]


def test_choices_are_passed_on():
    train, test = sparse.csr_matrix((2, 4)), sparse.csr_matrix([[1, 1, 1, 0], [1, 0, 0, 0]])
    model = Lists([[0, 3], [-1, -1]])
    assert evaluate(model, train, test, 2).summary["recall@2"] == pytest.approx(1 / 6)
    least = evaluate(model, train, test, 2, denominator="min", missing_users="skip")
    assert least.summary["recall@2"] == least.summary["map@2"] == 0.5
    assert least.per_user["recall@2"].isna().tolist() == [False, True]


def test_only_some_users():
    train, test = random_split(7)
    model = Scores(np.random.default_rng(7).random(train.shape))
    everybody = evaluate(model, train, test)
    some = evaluate(model, train, test, users=[9, 3, 0, 3, 7])  # 0 and 7 have nothing in test
    assert some.per_user.index.tolist() == [3, 9]
    pd.testing.assert_frame_equal(some.per_user, everybody.per_user.loc[[3, 9]])


def test_genres_and_vectors_add_metrics():
    train, test = sparse.csr_matrix([[1, 0, 0, 0]]), sparse.csr_matrix([[0, 1, 0, 0]])
    genres = sparse.csr_matrix([[1, 0], [1, 0], [1, 1], [0, 1]])
    result = evaluate(
        Lists([[1, 2]]), train, test, 2, genres=genres, vectors=[[1, 0], [1, 0], [0, 1], [0, 1]]
    )
    assert list(result.summary.index[-3:]) == ["genre_diversity@2", "calibration@2", "diversity@2"]
    assert result.summary["genre_diversity@2"] == pytest.approx(2 / 3)  # A, A and B
    assert result.summary["diversity@2"] == 1  # at a right angle
    # history: A alone; list: 3/4 A, and (1 - α) q + α p has α = 0.01
    assert result.summary["calibration@2"] == pytest.approx(-math.log(0.99 * 0.75 + 0.01))
    assert result.per_user["diversity@2"].tolist() == [1]


def test_nothing_is_changed_and_explicit_zeros_are_no_entries():
    train = sparse.csr_matrix((np.array([0.0, 2.0]), ([0, 0], [1, 2])), shape=(1, 4))
    test = sparse.csr_matrix((np.array([0.0, 1.0]), ([0, 0], [0, 1])), shape=(1, 4))
    result = evaluate(Scores([[1, 4, 9, 0]]), train, test, 1)
    assert result.recommended.tolist() == [[1]]
    assert result.per_user[["n_train", "n_test"]].to_numpy().tolist() == [[1, 1]]
    assert train.nnz == test.nnz == 2


@pytest.fixture(scope="module")
def fitted():
    """Return a split and four models of implicit, fitted on it."""
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking
    from implicit.nearest_neighbours import CosineRecommender, ItemItemRecommender

    train, test = random_split(8, n_users=90, n_items=50)
    with threadpool_limits(1, user_api="blas"):
        models = {
            "ALS": AlternatingLeastSquares(factors=8, iterations=3, random_state=0, num_threads=1),
            "BPR": BayesianPersonalizedRanking(factors=8, random_state=0, num_threads=1),
            "cosine": CosineRecommender(K=20, num_threads=1),
            "item-item": ItemItemRecommender(K=20, num_threads=1),
        }
        for model in models.values():
            quietly_fit(model, train.astype(np.float64))  # item-item refuses float32
    return train, test, models


@pytest.mark.parametrize("name", ["ALS", "BPR", "cosine", "item-item"])
@pytest.mark.parametrize("k", [5, 200])
def test_models_of_implicit(fitted, name, k):
    train, test, models = fitted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(models[name], train, test, k)
    assert 0 < result.summary[f"recall@{k}"] <= 1
    has = train.toarray().astype(bool)
    for user, ids in zip(result.per_user.index, result.recommended, strict=True):
        items = ids[ids >= 0]
        assert (ids[: len(items)] >= 0).all()  # -1 stands at the end only
        assert len(set(items)) == len(items)
        assert not has[user, items].any()
        if name in ("ALS", "BPR"):
            assert len(items) == min(k, 50 - has[user].sum())
            if has[user].any():  # else ALS scores all 0, and implicit takes the last of them
                theirs = models[name].recommend(user, train[user], N=len(items))[0]
                assert items.tolist() == theirs.tolist()


def test_padding_of_implicit_is_no_recommendation():
    lowest = float(np.finfo(np.float32).min)
    train = sparse.csr_matrix([[1, 0, 0], [0, 0, 0]])
    model = Lists([[1, 0, 0], [2, 1, 0]], [[0.5, lowest, lowest], [0.9, 0.8, -np.inf]])
    assert recommend_all(model, train, k=3).tolist() == [[1, -1, -1], [2, 1, -1]]
    assert recommend_all(model, train, k=5).tolist() == [[1] + [-1] * 4, [2, 1, -1, -1, -1]]


def test_an_item_that_the_user_has_is_counted_and_is_a_miss_at_its_rank():
    train = sparse.csr_matrix([[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]])
    test = sparse.csr_matrix([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]])
    said = "Lists recommends items that the user already has, 3 in all, first to user row 1; each"
    with pytest.warns(CourseWarning, match=said):
        result = evaluate(Lists([[0, 1, 2]] * 3), train, test, 3)
    assert result.recommended.tolist() == [[0, 1, 2], [-1, -1, 2], [-1, 1, 2]]
    assert result.per_user["mrr@3"].tolist() == [1, 1 / 3, 1 / 2]


def test_pairs_in_both_matrices_are_counted():
    train = sparse.csr_matrix([[0, 0, 1], [1, 1, 0]])
    test = sparse.csr_matrix([[1, 0, 0], [1, 0, 1]])
    with pytest.warns(CourseWarning, match="1 of the 3 pairs of the test set are in the training"):
        result = evaluate(Scores([[3, 2, 1]] * 2), train, test, 2)
    assert result.per_user["recall@2"].tolist() == [1, 0.5]


def test_recommend_all_keeps_the_order_of_users():
    train, _ = random_split(9)
    model = Scores(np.random.default_rng(9).random(train.shape))
    everybody = recommend_all(model, train, k=4)
    assert (recommend_all(model, train, [5, 2, 5], k=4) == everybody[[5, 2, 5]]).all()
    assert recommend_all(model, train, [], k=4).shape == (0, 4)


def test_a_bar_appears_only_after_two_seconds(capsys, monkeypatch):
    train, test = random_split(10)
    evaluate(Scores(np.ones(train.shape)), train, test)
    assert capsys.readouterr().err == ""
    now = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])

    class Slow(Scores):
        def recommend(self, userids, user_items, N=10):
            now[0] += 1
            return super().recommend(userids, user_items, N)

    slow = Slow(np.ones(train.shape))
    recommend_all(slow, train, batch=10, progress=False)
    assert capsys.readouterr().err == ""
    recommend_all(slow, train, batch=10)
    assert "recommend" in capsys.readouterr().err
