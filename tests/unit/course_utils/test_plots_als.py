"""The figures of lesson 05 show the numbers they are given; how they look is checked by eye."""

import numpy as np
import pandas as pd
import pytest

from course_utils import plots

pytestmark = pytest.mark.usefixtures("no_window")


def labels(ticks):
    return [label.get_text() for label in ticks]


def test_loss_by_iteration_counts_from_one():
    axes = plots.loss_by_iteration({"a": [3.0, 2.0], "b": [2.5, 1.5]})
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2], [1, 2]]
    assert [list(line.get_ydata()) for line in axes.lines] == [[3.0, 2.0], [2.5, 1.5]]


def test_argument_sweep_spaces_values_evenly_and_marks_one():
    table = pd.DataFrame({"mean": [0.1, 0.3, 0.2], "error": 0.01}, index=[0.01, 1, 100])
    axes = plots.argument_sweep(table, "λ", chosen=1)
    axes.figure.canvas.draw()
    assert labels(axes.get_xticklabels()) == ["0.01", "1", "100"]
    marked = axes.lines[-1]
    assert (marked.get_xdata().tolist(), marked.get_ydata().tolist()) == ([1], [0.3])
    (bars,) = axes.collections
    assert bars.get_segments()[0][:, 1].tolist() == pytest.approx([0.09, 0.11])
    unmarked = plots.argument_sweep(table, "λ").lines[-1]
    assert len(unmarked.get_xdata()) == 0


def test_contribution_bars_puts_the_first_on_top_and_shortens_titles():
    axes = plots.contribution_bars(["Alien (1979)", "x" * 60], [0.4, -0.1], score=0.3)
    axes.figure.canvas.draw()
    assert [bar.get_width() for bar in axes.patches] == [0.4, -0.1]
    assert axes.patches[0].get_y() > axes.patches[1].get_y()
    assert len({bar.get_facecolor() for bar in axes.patches}) == 2
    assert labels(axes.get_yticklabels()) == ["Alien (1979)", "x" * 37 + "…"]
    assert axes.get_title(loc="left") == "What adds up to 0.30"


def test_recall_by_activity_sets_the_models_side_by_side():
    table = pd.DataFrame(
        {"n_train": ["< 10", "≥ 10"], "mean": [0.2, 0.1], "low": [0.1, 0.05], "high": [0.4, 0.2],
         "n_users": [5, 7]}
    )  # fmt: skip
    axes = plots.recall_by_activity({"a": table, "b": table})
    axes.figure.canvas.draw()
    assert labels(axes.get_xticklabels()) == ["< 10\n5 people", "≥ 10\n7 people"]
    first, second = axes.collections
    assert first.get_segments()[0][:, 1].tolist() == pytest.approx([0.1, 0.4])
    assert first.get_segments()[0][0, 0] < 0 < second.get_segments()[0][0, 0]


def test_popularity_bias_adds_up_tenths_of_the_films():
    counts = np.arange(20)[::-1]  # film 19 is the least liked
    axes = plots.popularity_bias(counts, {"likes": counts, "top": (counts == 19) * 8})
    likes, top = (line.get_ydata().tolist() for line in axes.lines)
    assert likes == pytest.approx([(4 * tenth + 1) / 190 for tenth in range(10)])
    assert top == [0] * 9 + [1]


def test_search_trials_shows_each_and_the_band_around_the_best():
    axes = plots.search_trials([0.1, 0.3, 0.2], error=0.02, start=0.25)
    start, trials = axes.lines
    assert list(start.get_ydata()) == [0.25, 0.25]
    assert list(trials.get_ydata()) == [0.1, 0.3, 0.2]
    (band,) = axes.patches
    assert (band.get_y(), band.get_height()) == pytest.approx((0.28, 0.04))
