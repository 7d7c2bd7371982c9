"""Figures about new users, new films and hybrid models: lesson 10."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.plots.drawing import draw_cell, name_rows, new_axes, reach
from course_utils.plots.style import ACCENT, DARK, INK, LIGHT, MIDDLE, SOFT, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gain_by_history(gain: pd.DataFrame, what: str) -> Axes:
    """Draw a paired difference against the number of known positives of a user, with intervals.

    Parameters
    ----------
    gain
        Numbers of known positives as index, ascending; columns ``mean``, ``low`` and ``high``.
    what
        Label of the axis of the difference.
    """
    axes = new_axes("How much must a model know of you?", "likes it is told", what)
    axes.axhline(0, color=SOFT, linewidth=1)
    style: Any = {"fmt": "o", "color": DARK, "ecolor": MIDDLE, "markersize": 5, "capsize": 3}
    axes.errorbar(gain.index, gain["mean"], yerr=reach(gain), **style)
    axes.locator_params(axis="x", integer=True)
    return axes


def whole_films_held_out(
    matrix: npt.ArrayLike, cold: Collection[int], users: Sequence[str], items: Sequence[str]
) -> Axes:
    """Draw a small user–item matrix of which some columns are held out.

    Parameters
    ----------
    matrix
        Shape (n_users, n_items), small enough to read: up to about 8 × 8.
    cold
        The columns that are held out; a positive of theirs is drawn as "?".
    users, items
        Names of the rows and columns.
    """
    import matplotlib.pyplot as plt

    likes = np.asarray(matrix)
    n_users, n_items = likes.shape
    axes = new_axes("", "", "", size=(5.6, 0.56 * (n_users + 2.2)))
    with plt.rc_context(STYLE):
        axes.set(xlim=(-1.6, n_items), ylim=(-n_users - 0.9, 0.9), aspect="equal")
        axes.axis("off")
        for column, name in enumerate(items):
            is_cold = column in cold
            look: Any = {"color": ACCENT, "weight": "bold"} if is_cold else {"color": INK}
            axes.text(column + 0.5, 0.25, name, ha="center", fontsize=9, **look)
        for row, name in enumerate(users):
            axes.text(-0.15, -row - 0.5, name, ha="right", va="center", fontsize=9)
            for column in range(n_items):
                is_cold, liked = column in cold, bool(likes[row, column])
                shade = "#f6dfd5" if is_cold else LIGHT if liked else "white"
                text = "" if not liked else "?" if is_cold else "1"
                draw_cell(axes, column, -row, text, shade)
        caption = "1: learned from    ?: held out with the whole film"
        axes.text(n_items / 2, -n_users - 0.6, caption, ha="center", fontsize=9.5)
    return axes


def cosines_in_groups(groups: Mapping[str, npt.ArrayLike], what: str) -> Axes:
    """Draw the distribution of cosines in several groups, a box for each, the first on top.

    Parameters
    ----------
    groups
        Cosines by name. A box goes from the first to the third quartile, its line is the median,
        and the whiskers go from the 5th to the 95th percentile.
    what
        Label of the axis.
    """
    height = 1.1 + 0.6 * len(groups)
    axes = new_axes("Boxes hold one half, whiskers 90%", what, "", size=(5.6, height))
    axes.axvline(0, color=SOFT, linewidth=1)
    boxes = axes.boxplot(
        [np.asarray(values, dtype=np.float64) for values in groups.values()],
        positions=np.arange(len(groups)),
        orientation="horizontal",
        widths=0.5,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        medianprops={"color": INK, "linewidth": 2},
    )
    for box in boxes["boxes"]:
        box.set(facecolor=MIDDLE, edgecolor=INK)
    name_rows(axes, groups)
    return axes
