"""Figures that compare models, and show what mistakes do to a score: lessons 06 and 07."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError
from course_utils.plots.drawing import name_rows, new_axes, note, reach
from course_utils.plots.style import ACCENT, DARK, INK, MIDDLE, SOFT, STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def metric_against_k(curves: pd.DataFrame, metric: str) -> Axes:
    """Draw a metric against the cut-off k, a line for each model.

    Parameters
    ----------
    curves
        Cut-offs as index, models as columns, values of the metric.
    metric
        Its name on the axis.
    """
    axes = new_axes(f"{metric} grows with the length of the list", "cut-off k", metric)
    for (name, values), style in zip(curves.items(), STYLES, strict=False):
        axes.plot(curves.index, values, label=str(name), markersize=5, **style)
    axes.set(xticks=list(curves.index), ylim=(0, None))
    axes.legend(frameon=False, fontsize=10)
    return axes


def models_with_intervals(table: pd.DataFrame, metric: str) -> Axes:
    """Draw the mean of each model with its interval, the best on top.

    Parameters
    ----------
    table
        Models as index, columns ``mean``, ``low`` and ``high``.
    metric
        Its name on the axis.
    """
    ordered = table.sort_values("mean")
    height = 1.0 + 0.42 * len(ordered)
    axes = new_axes(f"{metric}, with 95% intervals", metric, "", size=(5.6, height))
    places, means = np.arange(len(ordered)), ordered["mean"].to_numpy()
    style: Any = {"fmt": "o", "color": DARK, "ecolor": MIDDLE, "capsize": 4}
    axes.errorbar(means, places, xerr=reach(ordered), **style)
    axes.set_yticks(places, labels=[str(name) for name in ordered.index])
    axes.set(xlim=(0, None), ylim=(-0.6, len(ordered) - 0.4))
    return axes


def exposure_curves(counts: Mapping[str, npt.ArrayLike]) -> Axes:
    """Draw Lorenz curves: the cumulative share of exposure, from the least shown film on.

    Parameters
    ----------
    counts
        By model, how often it recommends each item of the catalog, zeros included.
    """
    axes = new_axes(
        "Who gets seen: the nearer to the corner, the fewer",
        "share of the films, least shown first",
        "share of the places",
    )
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1)
    axes.text(0.42, 0.46, "all alike", color=INK, rotation=33, fontsize=10)
    for (name, shown), style in zip(counts.items(), STYLES, strict=False):
        ordered = np.sort(np.asarray(shown, dtype=np.float64))
        cumulative = np.concatenate([[0], np.cumsum(ordered)]) / ordered.sum()
        share = np.linspace(0, 1, len(cumulative))
        axes.plot(share, cumulative, label=name, color=style["color"], linestyle=style["linestyle"])
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=10, loc="upper left")
    return axes


def before_and_after(table: pd.DataFrame, metric: str, before: str, after: str) -> Axes:
    """Draw a score before and after a correction, and reference scores, each with its interval.

    Parameters
    ----------
    table
        Models as index, drawn from top to bottom; columns ``mean``, ``low`` and ``high``.
    metric
        Its name on the axis.
    before, after
        The rows to mark; all others are references.

    Raises
    ------
    DataError
        When one of these rows is missing.
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
        ends = reach(table.iloc[[place]])
        axes.errorbar(row["mean"], place, xerr=ends, capsize=4, **style)
        note(axes, f"{row['mean']:.3f}", (row["high"], place), (8, 0), va="center")
    name_rows(axes, table.index)
    axes.set_xlim(0, 1.2 * table["high"].max())
    axes.locator_params(axis="x", nbins=5)
    return axes


def how_far_off(scores: pd.DataFrame) -> Axes:
    """Draw by what factor each mistake makes a score too low or too high, on a logarithmic axis.

    Parameters
    ----------
    scores
        Mistakes as index, drawn from top to bottom; columns ``shown``, what the mistake makes of
        the score, and ``mended``, the score without it, both above 0.

    Raises
    ------
    DataError
        When a score is 0 or less.
    """
    if not (scores[["shown", "mended"]] > 0).all(axis=None):
        raise DataError("A score is 0 or less, and has no place on a logarithmic axis.")
    factor = scores["shown"] / scores["mended"]
    height = 1.3 + 0.45 * len(scores)
    title = "Too low on the left, too high on the right"
    axes = new_axes(title, "shown ÷ mended", "", size=(5.6, height))
    axes.set_xscale("log")
    axes.axvline(1, color=SOFT, linewidth=1)
    for place, value in enumerate(factor):
        low = value < 1
        marker: int | str = 4 if low else 5  # carets: their tips are at the value
        color = ACCENT if low else DARK
        if abs(value - 1) < 0.005:  # × 1.00 gets no direction
            color, marker = SOFT, "o"
        axes.plot([1, value], [place, place], color=color, linewidth=2, solid_capstyle="butt")
        axes.plot(value, place, color=color, marker=marker, markersize=8)
        side, across = (-9, "right") if low else (9, "left")
        text = f"× {value:.2f}"
        note(axes, text, (value, place), (side, 0), ha=across, va="center", color=INK)
    least, most = min(1, factor.min()) / 5, max(1, factor.max()) * 5
    ticks = [tick for tick in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30) if least <= tick <= most]
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(min(0.5, factor.min() / 5), max(2.0, factor.max() * 5))
    name_rows(axes, scores.index)
    return axes
