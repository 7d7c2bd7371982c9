"""The record of runs can be read, costs are the products they say, and figures show both."""

import math
from dataclasses import fields, replace

import pandas as pd
import pytest

from course_cloud.scaling import STEPS, Assumptions, monthly_cost, recorded
from course_utils import plots
from course_utils.errors import DataError

pytestmark = pytest.mark.usefixtures("no_window")

SECONDS = pd.DataFrame({"fit": [1.0, 12.0], "load": [0.1, math.nan]}, index=[10_000, 2_000_000])


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


# ---------------------------------------------------------------- what was measured


def test_the_record_of_the_course_is_whole():
    record = recorded()
    assert record.machine["cores"] > 0
    runs = record.runs.set_index(["way", "size"])
    assert runs.index.is_unique
    assert ("one machine", "100k") in runs.index
    assert (runs["start"] > 0).all()
    assert runs["work"].tolist() == pytest.approx(runs[list(STEPS[1:])].sum(axis=1).tolist())
    assert (runs["core_seconds"] > runs["work"]).all()  # two cores, and the start
    assert (runs["others"] < 0.1).all()  # cores that other programs had: a quiet machine
    assert (runs["peak_gb"] < record.machine["memory_gb"]).all()


# ---------------------------------------------------------------- what it costs


def test_a_month_by_hand():
    assumed = Assumptions(
        users=864_000, items=136_000, ratings_per_user=100, factors=250, requests_per_user_day=10,
        peak=2, core_ms_per_request=10, utilization=0.5, copies=3, memory_gb=0.3,
        fit_core_seconds_per_million=12, fits_per_day=5, dollars_per_core_hour=0.1,
        dollars_per_gb_month=0.5, answer_bytes=2_000, request_bytes=500, logged_bytes=100,
        requests_per_connection=2, dollars_per_gb_out=0.1, dollars_per_gb_logged=0.4,
        dollars_per_balancer_hour=0.02, dollars_per_lcu_hour=0.01,
    )  # fmt: skip
    cost = monthly_cost(assumed)
    assert cost["amount"].tolist() == pytest.approx(
        [
            864_000 * 10 / 86_400 * 2,  # 200 a second
            1.0,  # a million vectors of 250 numbers of 4 bytes
            4,  # 1 GB in pieces of 0.3
            12,  # 200 × 10 ms = 2 cores, 4 at half their time; three of each
            2,  # 100 requests and 50 connections a second, 25 a unit
            518.4,  # 259.2 million answers
            25.92,
            86.4 * 12 * 5 * 30 / 3600,
            86_400_000 * 20 / 1e9,
            cost["dollars"].iloc[-1],
        ]
    )
    parts = [0, 0, 0, 12 * 720 * 0.1, 720 * (0.02 + 2 * 0.01), 418.4 * 0.1, 25.92 * 0.4]
    parts += [43.2 * 0.1, 1.728 * 0.5]
    assert cost["dollars"].tolist() == pytest.approx([*parts, sum(parts) / 0.864])


def test_a_balancer_is_paid_for_its_connections_or_for_its_bytes():
    """The case of lesson 11: 3 billion answers of 1,507 bytes and 282 of headers in a month."""
    busy = Assumptions(users=2e7, requests_per_user_day=5, answer_bytes=1_789, request_bytes=211)
    cost = monthly_cost(busy)
    assert cost.loc["answers to the internet", "dollars"] == pytest.approx(474, abs=1)
    assert cost.loc["load balancer", "amount"] == pytest.approx(1e8 / 86_400 / 25)
    kept = monthly_cost(replace(busy, requests_per_connection=50))
    assert kept.loc["load balancer", "amount"] == pytest.approx(1e8 / 24 * 2_000 / 1e9)
    few = monthly_cost(Assumptions(users=10))
    assert few.loc["answers to the internet", "dollars"] == 0  # below 100 GB


def test_memory_sets_the_number_of_servers_where_nobody_asks():
    quiet = Assumptions(requests_per_user_day=0.001, memory_gb=0.1)
    cost = monthly_cost(quiet)["amount"]
    assert cost["cores that answer"] == cost["servers that hold them"] * 2 == 6


@pytest.mark.parametrize("name", [field.name for field in fields(Assumptions)])
def test_no_assumption_may_be_nothing(name):
    with pytest.raises(DataError, match=f"{name} must be a number above 0, and is 0"):
        monthly_cost(replace(Assumptions(), **{name: 0}))


def test_nobody_is_busy_for_longer_than_always():
    with pytest.raises(DataError, match=r"at most 1, and is 1\.5"):
        monthly_cost(Assumptions(utilization=1.5))


# ---------------------------------------------------------------- the figures


def test_seconds_are_drawn_where_they_were_measured():
    axes = plots.seconds_by_size(SECONDS, "One machine")
    assert lines(axes) == {"fit": [[10_000, 1], [2_000_000, 12]], "load": [[10_000, 0.1]]}
    assert axes.get_xscale() == axes.get_yscale() == "log"
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["10k", "100k", "1M", "10M"]


def test_an_index_is_a_line_beside_the_exact_search():
    table = pd.DataFrame(
        {
            "index": ["IVF", "IVF", "HNSW"],
            "milliseconds": [0.1, 0.2, 0.3],
            "recall": [0.4, 0.7, 0.9],
        }
    )
    axes = plots.recall_and_latency(table, exact=2.0)
    drawn = lines(axes)
    assert drawn["IVF"] == [[0.1, 0.4], [0.2, 0.7]]
    assert drawn["HNSW"] == [[0.3, 0.9]]
    assert set(axes.lines[-1].get_xdata()) == {2.0}
    assert [text.get_text() for text in axes.texts] == ["exact "]


def test_a_logarithm_of_nothing_is_refused():
    with pytest.raises(DataError, match="0 or less"):
        plots.seconds_by_size(SECONDS * 0, "Nothing")
    table = pd.DataFrame({"index": ["IVF"], "milliseconds": [0.0], "recall": [0.5]})
    with pytest.raises(DataError, match="0 or less"):
        plots.recall_and_latency(table, exact=2.0)


def test_no_line_is_left_out_without_a_word():
    with pytest.raises(DataError, match="7 lines cannot be told apart"):
        plots.seconds_by_size(pd.DataFrame(1.0, index=[10], columns=range(7)), "Seven")
    table = pd.DataFrame({"index": range(7), "milliseconds": 1.0, "recall": 0.5})
    with pytest.raises(DataError, match="7 lines cannot be told apart"):
        plots.recall_and_latency(table, exact=2.0)
