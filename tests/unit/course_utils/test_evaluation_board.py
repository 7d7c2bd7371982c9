"""The board, and the real numbers beside the sample's."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from course_utils.errors import DataError
from course_utils.evaluation import beside_real, board, compare, evaluate

RNG = np.random.default_rng(3)
TRAIN = sparse.csr_matrix(RNG.random((60, 30)) < 0.2)
TEST = sparse.csr_matrix(((RNG.random((60, 30)) < 0.2) & ~TRAIN.toarray()).astype(float))


@pytest.fixture(scope="module")
def results():
    lists = {name: np.argsort(RNG.random((60, 30)), axis=1)[:, :10] for name in ("EASE", "ALS")}
    lists["best"] = np.argsort(-TEST.toarray(), axis=1, kind="stable")[:, :10]
    return {name: evaluate(ids, TRAIN, TEST) for name, ids in lists.items()}


def test_the_board_is_what_compare_says_best_first(results):
    table = board(results)
    wanted = compare(results, baseline="EASE", metrics=["recall@10"]).set_index("model")
    assert table.index[0] == "best"
    assert table.loc["EASE"].tolist() == [f"{wanted.loc['EASE', 'mean']:.3f}", "–"]
    difference, low, high = wanted.loc["ALS", ["difference", "difference_low", "difference_high"]]
    assert table.loc["ALS", "− EASE"] == f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]"


def test_another_baseline_and_metric(results):
    table = board(results, baseline="best", metric="ndcg@10")
    assert list(table) == ["ndcg@10", "− best"]


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path))
    monkeypatch.setenv("COURSE_DATASET", "ml-latest-small")
    return tmp_path


def test_on_real_data_a_table_is_written_and_returned_alone(recorded):
    table = pd.DataFrame({"a": [0.25, 1 / 3], "b": ["x", "–"]}, index=["one", "two"])
    pd.testing.assert_frame_equal(beside_real("lesson99.t", table), table)
    back = pd.read_json(recorded / "lesson99.t.json", orient="split")
    pd.testing.assert_frame_equal(back, table, atol=1e-6)


def test_a_series_becomes_a_column(recorded):
    found = beside_real("lesson99.s", pd.Series([1.0, 2.0], ["x", "y"], name="n"))
    assert list(found) == ["n"]


def test_elsewhere_the_real_numbers_stand_beside(monkeypatch):
    monkeypatch.delenv("COURSE_DATASET", raising=False)
    table = pd.DataFrame({"recall@10": ["0.9"]}, index=["EASE"])
    both = beside_real("lesson04.board", table)
    assert both.loc["EASE", ("on the sample", "recall@10")] == "0.9"
    assert both.loc["EASE", ("on real ml-latest-small", "recall@10")].startswith("0.0")
    assert "popularity" in both.index  # a row of the real table is kept


def test_a_name_that_nobody_recorded_is_refused(monkeypatch):
    monkeypatch.delenv("COURSE_DATASET", raising=False)
    with pytest.raises(DataError, match=r"no real numbers called 'lesson99.none'; `make results`"):
        beside_real("lesson99.none", pd.Series([1.0]))
