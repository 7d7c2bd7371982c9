"""The figures of lesson 09 show the numbers they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from course_utils import plots
from course_utils.errors import DataError

TOKENS = ["[CLS]", "alien", "[SEP]"]
HIDDEN = np.array([[0.5, -1.0, 9.0], [1.0, -0.02, 9.0], [0.0, 0.4, 9.0]])

pytestmark = pytest.mark.usefixtures("no_window")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_token_vectors_show_each_token_and_both_poolings():
    shown = texts(plots.token_vectors(TOKENS, HIDDEN, shown=2))
    assert shown[0] == "the first 2 of 3 numbers of each token"
    assert shown[1:] == [
        *("[CLS]", "0.5", "−1.0", "…"),
        *("alien", "1.0", "0.0", "…"),
        *("[SEP]", "0.0", "0.4", "…"),
        *("cls pooling", "0.5", "−1.0", "…"),
        *("mean pooling", "0.5", "−0.2", "…"),
    ]


def test_token_vectors_tell_signs_apart():
    axes = plots.token_vectors(TOKENS, HIDDEN, shown=2)
    red, _, blue = axes.patches[1].get_facecolor()[:3]  # −1.0
    assert red > blue
    red, _, blue = axes.patches[2].get_facecolor()[:3]  # 1.0
    assert blue > red


def test_token_vectors_want_a_vector_for_each_token():
    with pytest.raises(DataError, match=r"3 tokens need as many vectors, not shape \(2, 3\)"):
        plots.token_vectors(TOKENS, HIDDEN[:2])


def test_arrows_end_at_the_vectors_and_are_marked_at_length_one():
    axes = plots.arrows(pd.DataFrame({"x": [3.0, 0.0], "y": [4.0, 2.0]}, index=["A", "B"]))
    assert [tuple(t.xy) for t in axes.texts if getattr(t, "arrow_patch", None)] == [(3, 4), (0, 2)]
    circle, ends = axes.lines
    assert np.allclose(np.hypot(*circle.get_data()), 1)
    assert np.allclose(ends.get_xydata(), [[0.6, 0.8], [0, 1]])
    assert {"A", "B"} <= set(texts(axes))


def test_drawing_changes_no_setting_of_the_readers_notebook():
    before = dict(mpl.rcParams)
    plots.token_vectors(TOKENS, HIDDEN)
    plots.arrows(pd.DataFrame({"x": [3.0], "y": [4.0]}, index=["A"]))
    assert dict(mpl.rcParams) == before
