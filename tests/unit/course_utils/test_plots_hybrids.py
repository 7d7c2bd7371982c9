"""The figures of lesson 10 show the numbers they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from course_utils import plots

pytestmark = pytest.mark.usefixtures("no_window")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def curve(*means):
    table = pd.DataFrame({"mean": means}, index=[0, 1, 20][: len(means)])
    return table.assign(low=table["mean"] - 0.1, high=table["mean"] + 0.2)


def test_gain_by_history_draws_each_mean_in_its_interval_at_equal_steps():
    axes = plots.gain_by_history(curve(-0.1, 0.3, 0.5), "EASE − popularity")
    zero, means = axes.lines[0], axes.lines[1]
    assert set(zero.get_ydata()) == {0}
    assert means.get_xydata().tolist() == [[0, -0.1], [1, 0.3], [20, 0.5]]
    ends = [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()]
    assert ends == pytest.approx(np.array([[-0.2, 0.1], [0.2, 0.5], [0.4, 0.7]]))
    assert axes.get_ylabel() == "EASE − popularity"


def test_whole_films_held_out_hides_the_likes_of_cold_columns_only():
    axes = plots.whole_films_held_out(
        np.array([[1, 0, 1], [0, 1, 1]]), {2}, ["Ann", "Ben"], ["A", "B", "C"]
    )
    assert texts(axes)[:-1] == ["A", "B", "C", "Ann", "1", "", "?", "Ben", "", "1", "?"]
    shades = [cell.get_facecolor() for cell in axes.patches]
    assert shades[2] == shades[5]  # the cold column is shaded as a whole
    assert shades[0] == shades[4] != shades[2]


def test_cosines_in_groups_puts_the_first_on_top_and_shows_medians():
    axes = plots.cosines_in_groups({"right": [0.2, 0.5, 0.9], "wrong": [-0.1, 0.0, 0.4]}, "cosine")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["right", "wrong"]
    assert axes.yaxis_inverted()
    flat = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
    assert {0.5, 0.0} <= set(flat)
    boxes = [sorted(set(box.get_path().vertices[:, 0])) for box in axes.patches]
    assert boxes[0] == pytest.approx([0.35, 0.7])  # the quartiles


def test_drawing_changes_no_setting_of_the_readers_notebook():
    before = dict(mpl.rcParams)
    plots.whole_films_held_out(np.eye(2), [1], ["Ann", "Ben"], ["A", "B"])
    plots.gain_by_history(curve(0.1, 0.3), "R")
    assert dict(mpl.rcParams) == before
