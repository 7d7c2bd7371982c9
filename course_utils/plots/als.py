"""Figures of lesson 05: how ALS learns, what its arguments do, and whom it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.plots.evaluation import STYLES
from course_utils.plots.style import ACCENT, DARK, LIGHT, MIDDLE, SOFT, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_by_iteration(losses: Mapping[str, Sequence[float]]) -> Axes:
    """Draw the loss after each iteration, a line for each way of computing it.

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
        What to call it on the axis.
    chosen
        A value to mark, the one that the other figures keep.
    """
    axes = new_axes("", argument, "recall@10", size=(5.6, 2.5))
    places = np.arange(len(table))
    axes.errorbar(
        places, table["mean"], yerr=table["error"],
        marker="o", color=DARK, ecolor=MIDDLE, capsize=4,
    )  # fmt: skip
    marked = table.index.to_numpy() == chosen
    axes.plot(places[marked], table["mean"][marked], "o", markersize=11, color=ACCENT, zorder=3)
    axes.set_xticks(places, labels=[f"{value:g}" for value in table.index])
    axes.set_ylim(0, None)
    return axes


def contribution_bars(titles: Sequence[str], parts: npt.ArrayLike, score: float) -> Axes:
    """Draw what each film of a history adds to a score, the largest on top.

    Parameters
    ----------
    titles
        Of the films, in the order of `parts`.
    parts
        What each adds; may be negative.
    score
        What they add up to, with all those not drawn.
    """
    values = np.asarray(parts, dtype=np.float64)
    axes = new_axes(
        f"What adds up to {score:.2f}", "contribution", "", size=(5.6, 0.9 + 0.32 * len(values))
    )
    places = np.arange(len(values))[::-1]
    axes.barh(places, values, color=[DARK if value >= 0 else LIGHT for value in values])
    axes.axvline(0, color=SOFT, linewidth=1)
    axes.set_yticks(places, labels=[_short(title) for title in titles], fontsize=9)
    return axes


def recall_by_activity(groups: Mapping[str, pd.DataFrame]) -> Axes:
    """Draw recall for users with little and much history, a series with intervals a model.

    Parameters
    ----------
    groups
        By model, what :func:`course_utils.evaluation.by_activity` returned for one metric.
    """
    first = next(iter(groups.values()))
    axes = new_axes(
        "Who is served, by how much is known of them", "positives in training", "recall@10"
    )
    for number, ((name, table), style) in enumerate(zip(groups.items(), STYLES, strict=False)):
        places = np.arange(len(table)) + 0.12 * (number - (len(groups) - 1) / 2)
        reach = np.abs(table[["low", "high"]].to_numpy().T - table["mean"].to_numpy())
        axes.errorbar(
            places, table["mean"], yerr=reach, label=name, capsize=4,
            color=style["color"], marker=style["marker"], linestyle="none",
        )  # fmt: skip
    labels = [f"{row.n_train}\n{row.n_users} people" for row in first.itertuples()]
    axes.set_xticks(np.arange(len(first)), labels=labels)
    axes.set(ylim=(0, None), xlim=(-0.5, len(first) - 0.5))
    axes.legend(frameon=False, fontsize=10)
    return axes


def popularity_bias(counts: npt.ArrayLike, shown: Mapping[str, npt.ArrayLike]) -> Axes:
    """Draw how much of all places the films of each tenth get, the least popular tenth first.

    Parameters
    ----------
    counts
        How many positives each film has in training, shape (n_items,).
    shown
        By name, how often each film is shown, or liked.
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
    """Draw what each trial of a search reached, with the standard error of one such value.

    Parameters
    ----------
    values
        Of the trials, in their order.
    error
        The standard error of one of them.
    start
        What was reached before the search.
    """
    axes = new_axes("Trials of a search, on the validation set", "trial", "recall@10")
    best = max(values)
    axes.axhspan(
        best - error, best + error, color=LIGHT, alpha=0.6, linewidth=0,
        label="best ± one standard error",
    )  # fmt: skip
    axes.axhline(start, color=ACCENT, linestyle="--", label="before the search")
    axes.plot(np.arange(1, len(values) + 1), values, "o", color=DARK, label="a trial")
    axes.set(xlim=(0.4, len(values) + 0.6), ylim=(0, 1.1 * (best + error)))
    axes.legend(frameon=False, fontsize=10, loc="lower right")
    return axes


def _short(title: str, longest: int = 38) -> str:
    return title if len(title) <= longest else title[: longest - 1].rstrip() + "…"
