"""Figures about a service that answers: lesson 11."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from course_utils.plots.style import ACCENT, DARK, INK, MIDDLE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def answer_times(milliseconds: npt.ArrayLike) -> Axes:
    """Draw which share of the answers came within how many milliseconds, on a log axis.

    The median and the 99th percentile are marked.

    Parameters
    ----------
    milliseconds
        How long each answer took, above 0, shape (n,).
    """
    times = np.sort(np.asarray(milliseconds, dtype=np.float64))
    share = np.arange(1, len(times) + 1) / len(times)
    axes = new_axes("How long do people wait?", "milliseconds", "share answered by then")
    axes.step(times, share, where="post", color=DARK)
    for percent, color, words in ((50, MIDDLE, "half"), (99, ACCENT, "99 of 100")):
        within = float(np.percentile(times, percent))
        axes.plot(within, percent / 100, "o", color=color, markersize=8)
        axes.annotate(
            f"{words} within {within:,.1f} ms",
            (within, percent / 100),
            xytext=(10, -16),
            textcoords="offset points",
            color=INK,
            fontsize=10,
        )
    axes.set_xscale("log")
    axes.set(xlim=(times[0] / 1.3, times[-1] * 4), ylim=(0, 1.05))
    axes.xaxis.set_major_formatter("{x:,g}")
    return axes
