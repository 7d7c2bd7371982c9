"""Figures about ALS and matrix factorization: lessons 05 and 08."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.plots.drawing import new_axes, note, reach, shorten
from course_utils.plots.style import ACCENT, DARK, INK, LIGHT, MIDDLE, SOFT, STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_by_iteration(losses: Mapping[str, Sequence[float]]) -> Axes:
    """Draw the loss after each iteration, a line for each implementation.

    Parameters
    ----------
    losses
        By name, the loss after iteration 1, 2, ….
    """
    title = "Every iteration lowers the loss, the first ones most"
    axes = new_axes(title, "iteration", "loss (axis starts above 0)")
    for (name, values), style in zip(losses.items(), STYLES, strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, label=name, markersize=5, **style)
    axes.legend(frameon=False, fontsize=10)
    return axes


def argument_sweep(table: pd.DataFrame, argument: str, *, series: str) -> Axes:
    """Draw recall@10 against one argument of a model, evenly spaced, a line for each column.

    Parameters
    ----------
    table
        Recall; values of the argument as index, ascending, those of a second one as columns.
    argument
        The name of the first argument, on the axis.
    series
        The name of the second argument, in the legend.
    """
    axes = new_axes(f"The best number of {argument} depends on {series}", argument, "recall@10")
    places = np.arange(len(table))
    best_first = table.max().sort_values(ascending=False, kind="stable").index
    styles = dict(zip(best_first, STYLES, strict=False))  # the strongest line is the best one
    for value, line in table.items():
        axes.plot(places, line, label=f"{series} = {value:g}", **styles[value])
    axes.set_xticks(places, labels=[f"{value:g}" for value in table.index])
    axes.set_ylim(0, 1.1 * float(table.to_numpy().max()))
    axes.legend(frameon=False, fontsize=10, loc="lower left")
    return axes


def contribution_bars(titles: Sequence[str], parts: npt.ArrayLike, score: float) -> Axes:
    """Draw the contribution of each film of a history to a score, the first on top.

    Parameters
    ----------
    titles
        Titles of the films, in the order of `parts`.
    parts
        Contributions, which may be negative.
    score
        The sum of all contributions, those not drawn included.
    """
    values = np.asarray(parts, dtype=np.float64)
    axes = new_axes(
        f"What adds up to {score:.2f}", "contribution", "", size=(5.6, 0.9 + 0.32 * len(values))
    )
    places = np.arange(len(values))[::-1]
    axes.barh(places, values, color=[DARK if value >= 0 else LIGHT for value in values])
    axes.axvline(0, color=SOFT, linewidth=1)
    axes.set_yticks(places, labels=[shorten(title, 38) for title in titles], fontsize=9)
    return axes


def search_trials(apart: pd.DataFrame) -> Axes:
    """Draw how far each trial of a search lies from the setting before it, with intervals.

    Parameters
    ----------
    apart
        A row for each trial, in order: ``mean``, ``low`` and ``high`` of the paired difference.
    """
    title = "Each trial against the course setting, same users"
    axes = new_axes(title, "trial", "difference of recall@10", size=(5.6, 3.6))
    trials, best = np.arange(1, len(apart) + 1), int(apart["mean"].to_numpy().argmax())
    axes.axhline(0, color=INK, linewidth=1, label="the course setting")
    style: Any = {"linestyle": "none", "capsize": 3}
    label = "a trial, 95% interval"
    axes.errorbar(
        trials, apart["mean"], yerr=reach(apart), marker="o", color=DARK, label=label, **style
    )
    axes.plot(trials[best], apart["mean"].iloc[best], "s", color=ACCENT, markersize=9, zorder=3,
              label="the best trial")  # fmt: skip
    axes.set_xticks(trials)
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.45, -0.2), ncol=3)
    return axes


def rating_parts(parts: Mapping[str, float]) -> Axes:
    """Draw the parts of a predicted rating and their sum, one below the other.

    Parameters
    ----------
    parts
        Stars by name, in the order in which they are added; the first is the mean.
    """
    names, values = list(parts), np.array(list(parts.values()))
    ends = np.cumsum(values)
    starts = np.append(0, ends[:-1])
    axes = new_axes("A prediction is a sum", "stars", "", size=(5.6, 0.9 + 0.45 * (len(parts) + 1)))
    places = np.arange(len(parts))
    colors = [SOFT] + [MIDDLE if value >= 0 else ACCENT for value in values[1:]]
    axes.barh(places, values, left=starts, color=colors, edgecolor=INK, linewidth=0.6)
    axes.barh(len(parts), ends[-1], color=DARK)
    for place, (start, end, value) in enumerate(zip(starts, ends, values, strict=True)):
        label = f"{value:.2f}" if place == 0 else f"{value:+.2f}"
        axes.text(max(start, end) + 0.06, place, label, va="center", fontsize=10)
        axes.plot([end, end], [place, place + 1], color=INK, linewidth=0.8)
    axes.text(ends[-1] + 0.06, len(parts), f"{ends[-1]:.2f}", va="center", fontsize=10)
    axes.set_yticks([*places, len(parts)], labels=[*names, "prediction"])
    axes.set(xlim=(0, max(ends.max(), starts.max()) + 0.7))
    axes.invert_yaxis()
    return axes


def learning_curves(curves: Mapping[str, pd.DataFrame]) -> Axes:
    """Draw training and validation errors after each epoch, and mark the lowest on validation.

    Parameters
    ----------
    curves
        By name, a table with epochs as index and the columns ``train`` and ``validation``, RMSE in
        stars.
    """
    title = "Training error falls on, validation error does not"
    axes = new_axes(title, "epoch", "RMSE (stars)", size=(5.6, 3.6))
    for (name, curve), color, marker in zip(curves.items(), (ACCENT, DARK), "so", strict=False):
        errors = curve["validation"].to_numpy()
        best = int(errors.argmin())
        lowest = float(curve.index[best]), float(errors[best])
        look: Any = {"color": color, "marker": marker, "markersize": 4}
        axes.plot(curve.index, errors, label=f"{name}, validation", **look)
        axes.plot(curve.index, curve["train"], "--", label=f"{name}, training", **look, mfc="white")
        axes.plot(*lowest, marker, color=color, markersize=8)
        text = f"epoch {lowest[0]:.0f}"
        note(axes, text, lowest, (0, 8), ha="center", color=color, fontsize=9)
    axes.locator_params(axis="x", integer=True)
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.45, -0.2), ncol=2)
    return axes
