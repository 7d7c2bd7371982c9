"""The figure of lesson 11 shows the numbers it is given."""

import numpy as np
import pytest

from course_utils import plots

pytestmark = pytest.mark.usefixtures("no_window")


def test_answer_times_rise_to_one_and_mark_median_and_p99():
    times = np.arange(1.0, 102.0)[::-1]
    axes = plots.answer_times(times)
    curve, median, p99 = axes.lines
    assert curve.get_xdata().tolist() == sorted(times)
    assert curve.get_ydata()[-1] == 1
    assert (median.get_xdata()[0], median.get_ydata()[0]) == (51, 0.5)
    assert (p99.get_xdata()[0], p99.get_ydata()[0]) == (100, 0.99)
    assert [text.get_text() for text in axes.texts] == [
        "half within 51.0 ms", "99 of 100 within 100.0 ms",
    ]  # fmt: skip
