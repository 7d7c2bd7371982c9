"""Figures about popularity, item neighbors and EASE: lesson 04."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.plots.drawing import draw_cell, name_rows, new_axes, shorten
from course_utils.plots.style import ACCENT, DARK, INK, LIGHT, MIDDLE, SOFT, STYLE, STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def matrix_and_similarity(
    matrix: npt.ArrayLike, similarity: npt.ArrayLike, users: Sequence[str], items: Sequence[str]
) -> Axes:
    """Draw a small user–item matrix, and below it how similar its columns are.

    Parameters
    ----------
    matrix
        Shape (n_users, n_items), small enough to read: up to about 8 × 8.
    similarity
        Shape (n_items, n_items), values from 0 to 1.
    users, items
        Names of the rows and columns of `matrix`.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    likes, similar = np.asarray(matrix), np.asarray(similarity)
    n_users, n_items = likes.shape
    below = -(n_users + 1.8)  # where the second table begins
    axes = new_axes("", "", "", size=(5.6, 0.53 * (n_users + n_items + 3.2)))
    with plt.rc_context(STYLE):
        axes.set(xlim=(-2.2, n_items), ylim=(below - n_items - 0.1, 1.4), aspect="equal")
        axes.axis("off")
        for y, caption in ((0.75, "who likes what"), (below + 0.75, "cosine of two columns")):
            axes.text(n_items / 2, y, caption, ha="center", weight="bold", fontsize=10)
        for column, name in enumerate(items):
            for y in (0.2, below + 0.2):
                axes.text(column + 0.5, y, name, ha="center", fontsize=8.5)
        for table, top, names in ((likes, 0.0, users), (similar, below, items)):
            for row, name in enumerate(names):
                axes.text(-0.15, top - row - 0.5, name, ha="right", va="center", fontsize=9)
                for column, value in enumerate(table[row]):
                    shade = mpl.colors.to_hex(mpl.colormaps["Blues"](0.55 * float(value)))
                    text = f"{value:.2f}" if table is similar else f"{value:g}"
                    draw_cell(axes, column, top - row, text if value else "", shade)
    return axes


def score_by_half_life(scores: pd.Series, forever: float, what: str) -> Axes:
    """Draw a score against the half-life of popularity, beside that of never forgetting.

    Parameters
    ----------
    scores
        The score by half-life in days, ascending.
    forever
        The score without decay.
    what
        Label of the axis.
    """
    axes = new_axes("How fast should popularity forget?", "half-life in days", what)
    axes.axhline(forever, color=ACCENT, linestyle="--")
    days = scores.index.to_numpy(dtype=np.float64)
    axes.plot(days, scores.to_numpy(), color=DARK, marker="o", markersize=5)
    axes.text(days[0], forever, "nothing forgotten", color=ACCENT, va="bottom", fontsize=10)
    _log_ticks(axes, scores.index)
    axes.set_ylim(0, 1.15 * max(forever, float(scores.max())))
    return axes


def recall_by_neighbors(curves: pd.DataFrame, metric: str) -> Axes:
    """Draw a metric against the number of neighbors that count, a line for each shrinkage.

    Parameters
    ----------
    curves
        Numbers of neighbors as index, ascending; shrinkages as columns; values of the metric.
    metric
        Its name on the axis.
    """
    axes = new_axes("How many neighbors should count?", "neighbors of each film", metric)
    for (shrinkage, values), style in zip(curves.items(), STYLES, strict=False):
        label = f"shrinkage {shrinkage:g}"
        axes.plot(curves.index, values, label=label, markersize=5, **style)
    _log_ticks(axes, curves.index)
    axes.set_ylim(0, 1.1 * float(curves.to_numpy().max()))
    axes.legend(frameon=False, fontsize=10, loc="lower center")
    return axes


def because_you_watched(parts: pd.Series, film: str) -> Axes:
    """Draw the contributions of a history's films to the score of a recommended film.

    Parameters
    ----------
    parts
        Contribution of each film of the history, by title, drawn from top to bottom.
    film
        The title of the recommended film.
    """
    height = 1.0 + 0.34 * len(parts)
    axes = _rows_of_films(f"Why {film}?", "what it adds to the score", height)
    rows = np.arange(len(parts))
    bars = axes.barh(rows, parts.to_numpy(), color=MIDDLE)
    axes.bar_label(bars, fmt="{:.2f}", padding=3, fontsize=10)
    name_rows(axes, [shorten(str(title), 33) for title in parts.index])
    axes.set_xlim(0, 1.15 * float(parts.max()))
    return axes


def stars_of_neighbors(table: pd.DataFrame) -> Axes:
    """Draw the mean stars of each film's neighbors, in two lists of neighbors.

    Parameters
    ----------
    table
        Films as index, drawn from top to bottom; two columns, one for each list, with the mean
        stars of the films in it.
    """
    height = 1.5 + 0.36 * len(table)
    title = "How well regarded are the neighbors?"
    axes = _rows_of_films(title, "mean stars of the neighbors", height)
    rows = np.arange(len(table))
    first, second = (table[name].to_numpy() for name in table.columns)
    axes.hlines(rows, first, second, color=SOFT)
    for values, name, color, marker in (
        (first, table.columns[0], ACCENT, "s"),
        (second, table.columns[1], DARK, "o"),
    ):
        axes.plot(values, rows, color=color, marker=marker, linestyle="", label=str(name))
    name_rows(axes, [shorten(str(title), 33) for title in table.index])
    _legend_below(axes)
    return axes


def weights_beside(table: pd.DataFrame, film: str) -> Axes:
    """Draw two kinds of weight between a film and others, each as a share of its largest.

    Parameters
    ----------
    table
        The other films as index, drawn from top to bottom; a column for each kind of weight.
    film
        The title of the film.
    """
    height = 1.5 + 0.46 * len(table)
    axes = _rows_of_films(f"What counts for {film}?", "share of the largest", height)
    rows, thickness = np.arange(len(table)), 0.8 / table.shape[1]
    for i, (name, values) in enumerate(table.items()):
        at = rows + (i - (table.shape[1] - 1) / 2) * thickness
        color, edge = ((LIGHT, SOFT), (DARK, DARK), (MIDDLE, SOFT))[i % 3]
        share = values.to_numpy() / values.abs().max()
        axes.barh(at, share, height=thickness, color=color, edgecolor=edge, label=str(name))
    axes.axvline(0, color=SOFT, linewidth=0.8)
    name_rows(axes, [shorten(str(title), 33) for title in table.index])
    _legend_below(axes)
    return axes


def _rows_of_films(title: str, xlabel: str, height: float) -> Axes:
    """Return axes with a title that begins at the left edge, above the names of the rows."""
    axes = new_axes("", xlabel, "", size=(5.6, height))
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.suptitle(shorten(title, 72), x=0.01, ha="left", fontsize=11, color=INK)
    return axes


def _legend_below(axes: Axes) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(frameon=False, fontsize=10, loc="outside lower center", ncols=2)


def _log_ticks(axes: Axes, values: pd.Index) -> None:
    """Make the x axis logarithmic, with a tick at each value."""
    axes.set_xscale("log")
    axes.set_xticks(list(values), labels=[f"{value:g}" for value in values])
    axes.minorticks_off()
