"""The figures of lesson 05 show the numbers they are given; how they look is checked by eye."""

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


def test_argument_sweep_draws_a_line_for_each_column_from_zero():
    table = pd.DataFrame({0.01: [0.1, 0.05], 30: [0.1, 0.3]}, index=[8, 128])
    axes = plots.argument_sweep(table, "factors", series="λ")
    axes.figure.canvas.draw()
    assert labels(axes.get_xticklabels()) == ["8", "128"]
    weak, strong = axes.lines
    assert (weak.get_label(), list(weak.get_ydata())) == ("λ = 0.01", [0.1, 0.05])
    assert (strong.get_label(), list(strong.get_ydata())) == ("λ = 30", [0.1, 0.3])
    assert axes.get_ylim()[0] == 0


def test_contribution_bars_puts_the_first_on_top_and_shortens_titles():
    axes = plots.contribution_bars(["Alien (1979)", "x" * 60], [0.4, -0.1], score=0.3)
    axes.figure.canvas.draw()
    assert [bar.get_width() for bar in axes.patches] == [0.4, -0.1]
    assert axes.patches[0].get_y() > axes.patches[1].get_y()
    assert len({bar.get_facecolor() for bar in axes.patches}) == 2
    assert labels(axes.get_yticklabels()) == ["Alien (1979)", "x" * 37 + "…"]
    assert axes.get_title(loc="left") == "What adds up to 0.30"


def test_search_trials_shows_each_with_its_interval_and_marks_the_best():
    apart = pd.DataFrame({"mean": [-0.1, 0.02], "low": [-0.2, -0.01], "high": [0.0, 0.04]})
    axes = plots.search_trials(apart)
    start, trials, *_, best = axes.lines
    assert list(start.get_ydata()) == [0, 0]
    assert list(trials.get_ydata()) == [-0.1, 0.02]
    assert (list(best.get_xdata()), list(best.get_ydata())) == ([2], [0.02])
    (bars,) = axes.collections
    assert bars.get_segments()[1][:, 1].tolist() == pytest.approx([-0.01, 0.04])
