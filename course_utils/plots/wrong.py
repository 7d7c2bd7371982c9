"""Figures about mistakes and what they do to a score: lesson 07."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from course_utils.errors import DataError
from course_utils.plots.style import ACCENT, DARK, INK, SOFT, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def before_and_after(table: pd.DataFrame, metric: str, before: str, after: str) -> Axes:
    """Draw a score before and after a repair, beside the yardsticks, each with its interval.

    Parameters
    ----------
    table
        Models as index, drawn from top to bottom; columns ``mean``, ``low`` and ``high``.
    metric
        What to call the values.
    before, after
        The rows to set off; all others are yardsticks.
    """
    styles: dict[str, Any] = {
        before: {"color": ACCENT, "marker": "X", "markersize": 9},
        after: {"color": DARK, "marker": "o", "markersize": 8},
    }
    missing = [name for name in styles if name not in table.index]
    if missing:
        raise DataError(f"There is no row {missing[0]!r}, only {', '.join(map(str, table.index))}.")
    height = 1.0 + 0.45 * len(table)
    axes = new_axes(f"{metric} with 95% intervals", metric, "", size=(5.6, height))
    for place, (name, row) in enumerate(table.iterrows()):
        style = styles.get(str(name), {"color": SOFT, "marker": "D", "markersize": 6})
        reach = [[row["mean"] - row["low"]], [row["high"] - row["mean"]]]
        axes.errorbar(row["mean"], place, xerr=reach, capsize=4, **style)
        axes.annotate(
            f"{row['mean']:.3f}",
            (row["high"], place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(np.arange(len(table)), labels=[str(name) for name in table.index])
    axes.set(xlim=(0, 1.2 * table["high"].max()), ylim=(len(table) - 0.4, -0.6))
    axes.locator_params(axis="x", nbins=5)
    return axes


def how_far_off(scores: pd.DataFrame) -> Axes:
    """Draw by what factor each mistake makes a score too low or too high, on a logarithmic axis.

    Parameters
    ----------
    scores
        Mistakes as index, drawn from top to bottom; columns ``shown``, what the mistake makes of
        the score, and ``true``, both above 0.
    """
    if not (scores[["shown", "true"]] > 0).all(axis=None):
        raise DataError("A score is 0 or less, and has no place on a logarithmic axis.")
    factor = scores["shown"] / scores["true"]
    height = 1.3 + 0.45 * len(scores)
    title = "Too low on the left, too high on the right"
    axes = new_axes(title, "shown ÷ true", "", size=(5.6, height))
    axes.set_xscale("log")
    axes.axvline(1, color=SOFT, linewidth=1)
    for place, value in enumerate(factor):
        low = value < 1
        color, marker = (ACCENT, "<") if low else (DARK, ">")
        if abs(value - 1) < 0.005:  # what reads as × 1.00 points nowhere
            color, marker = SOFT, "o"
        axes.plot([1, value], [place, place], color=color, linewidth=2)
        axes.plot(value, place, color=color, marker=marker, markersize=8)
        side, across = (-9, "right") if low else (9, "left")
        axes.annotate(
            f"× {value:.2f}",
            (value, place),
            xytext=(side, 0),
            textcoords="offset points",
            ha=across,
            va="center",
            color=INK,
        )
    ticks = [tick for tick in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30) if _near(tick, factor)]
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(min(0.5, factor.min() / 5), max(2.0, factor.max() * 5))
    axes.set_yticks(np.arange(len(scores)), labels=[str(name) for name in scores.index])
    axes.set_ylim(len(scores) - 0.4, -0.6)
    return axes


def _near(tick: float, factor: pd.Series) -> bool:
    return bool(min(1, factor.min()) / 5 <= tick <= max(1, factor.max()) * 5)
