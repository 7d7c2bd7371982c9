"""compare and by_activity: intervals that keep their promise, tests, Holm's correction."""

import math

import numpy as np
import pandas as pd
import pytest
from evaluation_models import Lists, Scores, random_split
from scipy import sparse, stats

from course_utils.errors import DataError
from course_utils.evaluation import Evaluation, by_activity, compare, comparison, evaluate, readable
from course_utils.evaluation.comparison import holm, mean_and_interval, paired_t_test


def made_up(values, n_train=None, name="recall@10"):
    """Return an Evaluation with these values of one metric."""
    n_train = np.ones(len(values), dtype=int) if n_train is None else np.asarray(n_train)
    table = pd.DataFrame({name: values, "n_train": n_train, "n_test": 1})
    table.index.name = "user"
    summary = pd.Series({name: float(np.nanmean(values))})
    return Evaluation(summary, table, np.zeros((len(values), 1), dtype=np.int32), (10,), 3)


def test_holm_by_hand():
    # sorted: .005 × 4 = .02, .01 × 3 = .03, .03 × 2 = .06, and .04 × 1 may not be below .06
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # .6 × 2 is cut off at 1, and .7 × 1 may not be below that
    assert holm([0.6, 0.7]).tolist() == [1, 1]
    assert holm([[0.02, np.nan], [0.01, 0.5]]) == pytest.approx(
        np.array([[0.04, np.nan], [0.03, 0.5]]), nan_ok=True
    )
    assert holm([]).tolist() == []


def test_holm_on_ten_p_values():
    # multiplied by 10, 9, … 1 in ascending order: .001 .018 .0328 .0287 .036 .04 .168 .156 .10 .90;
    # where one is smaller than one before it, it takes that one's value
    p = [0.0001, 0.0020, 0.0041, 0.0041, 0.0060, 0.0080, 0.0420, 0.0520, 0.0500, 0.9000]
    wanted = [0.001, 0.018, 0.0328, 0.0328, 0.036, 0.04, 0.168, 0.168, 0.168, 0.9]
    order = np.random.default_rng(0).permutation(10)
    assert holm(np.array(p)[order]) == pytest.approx(np.array(wanted)[order])


def test_paired_t_test_as_scipy_does_it():
    rng = np.random.default_rng(0)
    differences = rng.normal(0.1, 1, (50, 3))
    wanted = stats.ttest_1samp(differences, 0).pvalue
    assert paired_t_test(differences) == pytest.approx(wanted, rel=1e-12)
    # 1, 2, 3: mean 2, standard error 1/√3, so t = 2√3 with 2 degrees of freedom, for which
    # p = 1 - t / √(t² + 2)
    by_hand = 1 - 2 * math.sqrt(3) / math.sqrt(14)
    assert paired_t_test([[1], [2], [3]]) == pytest.approx([by_hand])
    assert paired_t_test([[1.0], [np.nan], [2.0], [3.0]]) == pytest.approx([by_hand])


def test_paired_t_test_without_spread_or_users():
    assert paired_t_test([[0.0, 0.5], [0.0, 0.5]]).tolist() == [1, 0]
    assert np.isnan(paired_t_test([[0.3]])).all()
    assert np.isnan(paired_t_test(np.empty((0, 2)))).all()


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    runs, mean = 400, 0.09  # like a recall: mostly 0
    values = (rng.random((200, runs)) < mean).astype(float)
    _, low, high = mean_and_interval(values, n_boot=1000, seed=1)
    covered = ((low <= mean) & (mean <= high)).mean()
    # 95 %, give or take three standard errors of √(.95 × .05 ÷ 400) = 1.1 %
    assert 0.917 <= covered <= 0.983
    _, low, high = mean_and_interval(values, n_boot=1000, seed=1, level=0.5)
    assert 0.42 <= ((low <= mean) & (mean <= high)).mean() <= 0.58


def test_an_interval_is_as_wide_as_the_standard_error_says():
    values = np.random.default_rng(2).normal(size=(3000, 1))
    mean, low, high = mean_and_interval(values, n_boot=4000)
    assert mean == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(3000), rel=0.05)


def test_chunks_columns_and_seed_make_no_difference_but_the_seed(monkeypatch):
    values = np.random.default_rng(3).random((100, 4))
    whole = mean_and_interval(values, 200, seed=5)
    alone = mean_and_interval(values[:, [2]], 200, seed=5)
    assert np.array(alone)[:, 0] == pytest.approx(np.array(whole)[:, 2])
    assert not np.allclose(mean_and_interval(values, 200, seed=6)[1], whole[1])
    monkeypatch.setattr(comparison, "DRAWS", 700)  # seven resamples at once
    assert np.array(mean_and_interval(values, 200, seed=5)) == pytest.approx(np.array(whole))


def test_missing_values_are_left_out():
    values = np.array([[1, np.nan], [0, np.nan], [np.nan, np.nan], [1, np.nan]])
    mean, low, high = mean_and_interval(values, 500)
    assert mean[0] == pytest.approx(2 / 3)
    assert 0 <= low[0] < mean[0] < high[0] <= 1
    assert np.isnan([mean[1], low[1], high[1]]).all()
    assert np.isnan(mean_and_interval(np.empty((0, 2)))).all()


def test_compare_by_hand():
    train = sparse.csr_matrix((4, 5))
    test = sparse.csr_matrix(np.eye(4, 5))
    own = np.eye(4, 5)
    models = {"all zero": Lists([[4, 3]] * 3 + [[4, 2]]), "perfect": Scores(own)}
    table = compare(models, train, test, 2, baseline="all zero", metrics=["recall", "coverage@2"])
    assert table["model"].tolist() == ["all zero"] * 2 + ["perfect"] * 2
    assert table["metric"].tolist() == ["recall@2", "coverage@2"] * 2
    assert table["mean"].tolist() == [0, 0.6, 1, 0.8]
    assert table["n_users"].tolist() == [4] * 4
    perfect = table.iloc[2]
    assert perfect[["low", "high", "difference", "difference_low"]].tolist() == [1, 1, 1, 1]
    assert perfect[["p", "p_holm"]].tolist() == [0, 0]
    rest = ["difference", "difference_low", "difference_high", "p", "p_holm"]
    assert table.loc[[0, 1, 3], rest].isna().all(axis=None)
    assert table.loc[[1, 3], ["low", "high"]].isna().all(axis=None)
    assert readable(table, 2).to_dict("index") == {
        "all zero": {"recall@2": "0.00 [0.00, 0.00]", "coverage@2": "0.60"},
        "perfect": {"recall@2": "1.00 [1.00, 1.00] *", "coverage@2": "0.80"},
    }


def test_differences_are_paired():
    rng = np.random.default_rng(4)
    ability = rng.random(300)  # users differ far more than the models do
    first, second = made_up(ability), made_up(ability + rng.normal(0.01, 0.02, 300))
    table = compare({"a": first, "b": second}, baseline="a", metrics="recall").set_index("model")
    assert table.loc["b", "low"] < table.loc["a", "high"]  # intervals overlap
    assert table.loc["b", "difference_low"] > 0  # the difference is real all the same
    assert table.loc["b", "p"] < 1e-6
    assert table.loc["b", "p"] == pytest.approx(
        stats.ttest_rel(second.per_user["recall@10"], first.per_user["recall@10"]).pvalue
    )
    assert "difference" not in compare({"a": first, "b": second}, metrics="recall")


def test_holm_is_over_all_comparisons_of_the_table():
    train, test = random_split(3)
    rng = np.random.default_rng(3)
    models = {name: Scores(rng.random(train.shape)) for name in "abc"}
    table = compare(models, train, test, k=(5, 10), baseline="b", n_boot=50)
    assert len(table) == 18
    assert table["p"].notna().sum() == 12
    assert table["p_holm"].to_numpy() == pytest.approx(holm(table["p"]), nan_ok=True)
    assert (table["metric"].str.endswith("@10")).all()


def test_models_and_evaluations_mix_and_options_are_handed_on():
    train, test = random_split(4)
    model = Scores(np.random.default_rng(4).random(train.shape))
    ready = evaluate(model, train, test, (5, 10), denominator="min")
    table = compare(
        {"ready": ready, "model": model}, train, test, k=iter((5, 10)), denominator="min",
        metrics=["recall@5", "ndcg", "popularity"], n_boot=100,
    )  # fmt: skip
    halves = [
        part.drop(columns="model").reset_index(drop=True) for _, part in table.groupby("model")
    ]
    pd.testing.assert_frame_equal(*halves)
    assert halves[0]["metric"].tolist() == ["recall@5", "ndcg@10", "popularity@10"]
    assert halves[0]["mean"].tolist() == ready.summary[halves[0]["metric"]].tolist()


def test_by_activity_at_its_boundaries():
    n_train = [0, 9, 10, 49, 50, 51]
    table = by_activity(made_up([0.0, 1, 0.25, 0.75, 1, np.nan], n_train), metrics="recall")
    assert table["users"].tolist() == ["cold", "medium", "warm"]
    assert table["n_train"].tolist() == ["< 10", "10–49", "≥ 50"]
    assert table["mean"].tolist() == [0.5, 0.5, 1]
    assert table["n_users"].tolist() == [2, 2, 1]
    assert (table["low"] <= table["mean"]).all()
    assert table["high"].tolist() == [1, 0.75, 1]


def test_by_activity_with_other_edges_and_an_empty_group():
    table = by_activity(made_up([0.0, 1.0], [3, 4]), edges=(4, 8, 9), metrics=["recall@10"])
    assert table["users"].tolist() == ["< 4", "4–7", "8–8", "≥ 9"]
    assert table["n_users"].tolist() == [1, 1, 0, 0]
    assert table["mean"].isna().tolist() == [False, False, True, True]
    assert readable(table).loc["4–7", "recall@10"] == "1.000 [1.000, 1.000]"


def refused(sentence, call, *arguments, **options):
    with pytest.raises(DataError) as caught:
        call(*arguments, **options)
    assert sentence in str(caught.value)


def test_what_compare_refuses():
    a, b = made_up([0.0, 1.0]), made_up([0.0, 1.0])
    refused("Give the models to compare by name", compare, {})
    refused(
        "The baseline 'c' is none of the models: a, b.", compare, {"a": a, "b": b}, baseline="c"
    )
    refused("'b' is not evaluated yet; give train and test", compare, {"a": a, "b": Scores([[1]])})
    refused("'a' has no metric 'ndcg@10', only recall@10.", compare, {"a": a}, metrics=["ndcg"])
    refused("There is no metric to show", compare, {"a": a}, metrics=[])
    refused("n_boot must be an integer of at least 1", compare, {"a": a}, n_boot=0)
    refused("level must lie between 0 and 1", compare, {"a": a}, metrics="recall", level=95)
    for other in (made_up([0.0, 1.0, 1.0]), made_up([0.0, 1.0], n_train=[1, 2])):
        refused("'a' and 'b' were evaluated on other users", compare, {"a": a, "b": other})


def test_what_by_activity_refuses():
    result = made_up([0.0, 1.0])
    for edges in ((), (10, 10), (50, 10)):
        refused("The edges must ascend, such as (10, 50)", by_activity, result, edges)
    refused("An edge must be an integer of at least 1", by_activity, result, (0, 10))
    result.summary["coverage@10"] = 0.5
    refused("coverage@10 belongs to all lists", by_activity, result, metrics="coverage")
