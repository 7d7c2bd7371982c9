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
    axes = new_axes("Every turn lowers the loss, the first ones most", "iteration", "loss")
    for (name, values), style in zip(losses.items(), STYLES, strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, label=name, markersize=5, **style)
    axes.legend(frameon=False, fontsize=10)
    return axes


def argument_sweep(table: pd.DataFrame, argument: str, *, chosen: float | None = None) -> Axes:
    """Draw a metric against one argument of a model, evenly spaced, with standard errors.

    Parameters
    ----------
    table
        Values of the argument as index, ascending; columns ``mean`` and ``error``.
    argument
        Its name on the axis.
    chosen
        A value to mark, the setting of the course.
    """
    axes = new_axes("", argument, "recall@10", size=(5.6, 2.5))
    places = np.arange(len(table))
    style: Any = {"marker": "o", "color": DARK, "ecolor": MIDDLE, "capsize": 4}
    axes.errorbar(places, table["mean"], yerr=table["error"], **style)
    marked = table.index.to_numpy() == chosen
    axes.plot(places[marked], table["mean"][marked], "o", markersize=11, color=ACCENT, zorder=3)
    axes.set_xticks(places, labels=[f"{value:g}" for value in table.index])
    axes.set_ylim(0, None)
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


def recall_by_activity(groups: Mapping[str, pd.DataFrame]) -> Axes:
    """Draw recall by length of history, with intervals, a series for each model.

    Parameters
    ----------
    groups
        By model, the table of :func:`course_utils.evaluation.by_activity` for one metric.
    """
    first = next(iter(groups.values()))
    axes = new_axes(
        "Who is served, by how much is known of them", "positives in training", "recall@10"
    )
    for number, ((name, table), style) in enumerate(zip(groups.items(), STYLES, strict=False)):
        places = np.arange(len(table)) + 0.12 * (number - (len(groups) - 1) / 2)
        points = {**style, "linestyle": "none"}
        axes.errorbar(places, table["mean"], yerr=reach(table), label=name, capsize=4, **points)
    labels = [f"{row.n_train}\n{row.n_users} people" for row in first.itertuples()]
    axes.set_xticks(np.arange(len(first)), labels=labels)
    axes.set(ylim=(0, None), xlim=(-0.5, len(first) - 0.5))
    axes.legend(frameon=False, fontsize=10)
    return axes


def popularity_bias(counts: npt.ArrayLike, shown: Mapping[str, npt.ArrayLike]) -> Axes:
    """Draw the share of exposure of each tenth of the films, the least popular tenth first.

    Parameters
    ----------
    counts
        Number of positives of each film in training, shape (n_items,).
    shown
        By name, how often each film is shown or liked, shape (n_items,).
    """
    order = np.argsort(np.asarray(counts), kind="stable")
    axes = new_axes(
        "Popular films get more places than they have likes",
        "tenths of the films, least liked to most liked",
        "share of all places",
    )
    for (name, values), style in zip(shown.items(), STYLES, strict=False):
        tenths = [part.sum() for part in np.array_split(np.asarray(values)[order], 10)]
        axes.plot(np.arange(1, 11), np.array(tenths) / sum(tenths), label=name, **style)
    axes.set(xticks=np.arange(1, 11), ylim=(0, 1.04))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend(frameon=False, fontsize=10)
    return axes


def search_trials(values: Sequence[float], error: float, *, start: float) -> Axes:
    """Draw the metric of each trial of a search, with the standard error of one value.

    Parameters
    ----------
    values
        Metric of the trials, in order.
    error
        Standard error of one value.
    start
        Metric before the search.
    """
    axes = new_axes("Trials of a search, on the validation set", "trial", "recall@10")
    best = max(values)
    label = "best ± one standard error"
    axes.axhspan(best - error, best + error, color=LIGHT, alpha=0.6, linewidth=0, label=label)
    axes.axhline(start, color=ACCENT, linestyle="--", label="before the search")
    axes.plot(np.arange(1, len(values) + 1), values, "o", color=DARK, label="a trial")
    axes.set(xlim=(0.4, len(values) + 0.6), ylim=(0, 1.1 * (best + error)))
    axes.legend(frameon=False, fontsize=10, loc="lower right")
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


def learning_curves(curve: pd.DataFrame, best_epoch: int) -> Axes:
    """Draw the training and the validation error after each epoch, and mark the best epoch.

    Parameters
    ----------
    curve
        Epochs as index, columns ``train`` and ``validation``, RMSE in stars.
    best_epoch
        The epoch to mark, with the lowest validation error.
    """
    axes = new_axes("Training error falls, validation error turns", "epoch", "RMSE (stars)")
    for name, style in zip(("validation", "train"), STYLES, strict=False):
        axes.plot(curve.index, curve[name], label=name, markersize=4, **style)
    axes.axvline(best_epoch, color=SOFT, linewidth=1, zorder=0)
    early = best_epoch <= curve.index[len(curve) // 2]  # where there is room for the label
    side: Any = {"ha": "left"} if early else {"ha": "right"}
    at_top: Any = {"xycoords": ("data", "axes fraction"), "va": "top", **side}
    text, shift = f"lowest: epoch {best_epoch}", (5 if early else -5, -2)
    note(axes, text, (best_epoch, 1), shift, fontsize=10, color=INK, **at_top)
    axes.legend(frameon=False, fontsize=10)
    return axes
