"""Figures about models beside each other: lesson 06 and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.plots.style import DARK, INK, MIDDLE, SOFT, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Line and marker differ as well as lightness: a figure in gray still tells models apart.
STYLES: Any = (
    {"color": DARK, "marker": "o", "linestyle": "-"},
    {"color": "#c8501e", "marker": "s", "linestyle": "--"},
    {"color": MIDDLE, "marker": "^", "linestyle": "-."},
    {"color": SOFT, "marker": "D", "linestyle": ":"},
    {"color": INK, "marker": "v", "linestyle": (0, (5, 1))},
    {"color": "#7a5c99", "marker": "P", "linestyle": (0, (1, 1))},
)


def metric_against_k(curves: pd.DataFrame, metric: str) -> Axes:
    """Draw a metric against the cut-off k, a line for each model.

    Parameters
    ----------
    curves
        Cut-offs as index, models as columns, values of the metric.
    metric
        What to call it on the axis.
    """
    axes = new_axes(f"{metric} grows with the length of the list", "cut-off k", metric)
    for (name, values), style in zip(curves.items(), STYLES, strict=False):
        axes.plot(curves.index, values, label=str(name), markersize=5, **style)
    axes.set(xticks=list(curves.index), ylim=(0, None))
    axes.legend(frameon=False, fontsize=10)
    return axes


def models_in_a_plane(table: pd.DataFrame, x: str, y: str) -> Axes:
    """Draw each model as a labeled point.

    Parameters
    ----------
    table
        Models as index, metrics as columns.
    x, y
        The two metrics.
    """
    axes = new_axes(f"{y} and {x} are two different questions", x, y)
    for (name, row), style in zip(table.iterrows(), STYLES, strict=False):
        axes.plot(row[x], row[y], color=style["color"], marker=style["marker"], markersize=8)
        axes.annotate(
            str(name), (row[x], row[y]), xytext=(7, 5), textcoords="offset points", fontsize=10
        )
    axes.set_xlim(0, max(1.3 * table[x].max(), 1e-9))
    axes.set_ylim(0, max(1.2 * table[y].max(), 1e-9))
    return axes


def models_with_intervals(table: pd.DataFrame, metric: str) -> Axes:
    """Draw the mean of each model with its interval, the best on top.

    Parameters
    ----------
    table
        Models as index, columns ``mean``, ``low`` and ``high``.
    metric
        What to call the values.
    """
    ordered = table.sort_values("mean")
    height = 1.0 + 0.42 * len(ordered)
    axes = new_axes(f"{metric}, with 95% intervals", metric, "", size=(5.6, height))
    means = ordered["mean"].to_numpy()
    reach = np.abs(ordered[["low", "high"]].to_numpy().T - means)
    axes.errorbar(
        means, np.arange(len(ordered)), xerr=reach, fmt="o", color=DARK, ecolor=MIDDLE, capsize=4
    )
    axes.set_yticks(np.arange(len(ordered)), labels=[str(name) for name in ordered.index])
    axes.set(xlim=(0, None), ylim=(-0.6, len(ordered) - 0.4))
    return axes


def exposure_curves(counts: Mapping[str, npt.ArrayLike]) -> Axes:
    """Draw Lorenz curves: the share of all places that the least shown films have together.

    Parameters
    ----------
    counts
        For each model, how often it recommends each item of the catalogue, zeros included.
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
