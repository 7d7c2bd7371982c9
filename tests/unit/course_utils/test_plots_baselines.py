"""The figures of lesson 04 show the numbers they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from course_utils import plots

LIKES = np.array([[1, 1, 0], [0, 1, 1]])
COSINES = np.array([[1, 0.71, 0], [0.71, 1, 0.71], [0, 0.71, 1]])


pytestmark = pytest.mark.usefixtures("no_window")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def ticks(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_matrix_and_similarity_fill_both_tables_row_by_row():
    axes = plots.matrix_and_similarity(LIKES, COSINES, ["Ann", "Ben"], ["A", "B", "C"])
    shown = texts(axes)
    start = shown.index("Ann") + 1
    assert shown[start : start + 7] == ["1", "1", "", "Ben", "", "1", "1"]
    assert shown[start + 7 :] == [
        *("A", "1.00", "0.71", ""),
        *("B", "0.71", "1.00", "0.71"),
        *("C", "", "0.71", "1.00"),
    ]
    assert shown[:2] == ["who likes what", "cosine of two columns"]


def test_matrix_and_similarity_shade_a_larger_value_darker():
    axes = plots.matrix_and_similarity(LIKES, COSINES, ["Ann", "Ben"], ["A", "B", "C"])
    shades = [sum(cell.get_facecolor()[:3]) for cell in axes.patches]
    one, close, nothing = shades[6], shades[7], shades[8]  # the first row of the cosines
    assert one < close < nothing


def test_because_you_watched_puts_the_first_film_on_top():
    parts = pd.Series({"Alien (1979)": 0.66, "Aliens (1986)": 0.25})
    axes = plots.because_you_watched(parts, "Matrix, The (1999)")
    assert texts(axes) == ["0.66", "0.25"]
    assert ticks(axes) == ["Alien (1979)", "Aliens (1986)"]
    assert axes.yaxis_inverted()
    assert axes.figure.get_suptitle() == "Why Matrix, The (1999)?"


def test_a_title_that_does_not_fit_is_cut():
    parts = pd.Series({"Lord of the Rings: The Return of the King, The (2003)": 1.0})
    (label,) = ticks(plots.because_you_watched(parts, "Alien (1979)"))
    assert label == "Lord of the Rings: The Return of…"


def test_films_whose_titles_are_cut_alike_keep_a_bar_each():
    titles = [f"A title of the series that is much too long, part {n}" for n in "IV"]
    axes = plots.because_you_watched(pd.Series([0.3, 0.2], titles), "Alien (1979)")
    assert [(bar.get_y() + 0.4, bar.get_width()) for bar in axes.patches] == [(0, 0.3), (1, 0.2)]
    assert len(set(ticks(axes))) == 1


def test_weights_beside_are_drawn_as_they_are_given():
    table = pd.DataFrame({"cosine": [0.8, 0.4], "EASE": [-0.1, 0.2]}, index=["A", "B"])
    axes = plots.weights_beside(table, "C")
    cosine, ease = axes.containers
    assert [bar.get_width() for bar in cosine] == pytest.approx([0.8, 0.4])
    assert [bar.get_width() for bar in ease] == pytest.approx([-0.1, 0.2])
    assert ticks(axes) == ["A", "B"]


def test_drawing_changes_no_setting_of_the_readers_notebook():
    before = dict(mpl.rcParams)
    plots.matrix_and_similarity(LIKES, COSINES, ["Ann", "Ben"], ["A", "B", "C"])
    assert dict(mpl.rcParams) == before
