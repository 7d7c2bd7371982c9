"""Figures about popularity, item neighbors and EASE: lesson 04."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.plots.drawing import draw_cell, name_rows, new_axes, shorten
from course_utils.plots.style import DARK, INK, LIGHT, MIDDLE, SOFT, STYLE

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


def weights_beside(table: pd.DataFrame, film: str) -> Axes:
    """Draw two kinds of weight between a film and others, each as a share of the film's whole.

    Parameters
    ----------
    table
        The other films as index, drawn from top to bottom; a column for each kind of weight, as a
        share of the sum of the sizes of all weights of its kind.
    film
        The title of the film.
    """
    height = 1.5 + 0.46 * len(table)
    axes = _rows_of_films(f"What counts for {film}?", "share of the whole weight", height)
    rows, thickness = np.arange(len(table)), 0.8 / table.shape[1]
    for i, (name, values) in enumerate(table.items()):
        at = rows + (i - (table.shape[1] - 1) / 2) * thickness
        color, edge = ((LIGHT, SOFT), (DARK, DARK), (MIDDLE, SOFT))[i % 3]
        axes.barh(
            at, values.to_numpy(), height=thickness, color=color, edgecolor=edge, label=str(name)
        )
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.xaxis.set_major_formatter("{x:.0%}")
    name_rows(axes, [shorten(str(title), 33) for title in table.index])
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(frameon=False, fontsize=10, loc="outside lower center", ncols=2)
    return axes


def _rows_of_films(title: str, xlabel: str, height: float) -> Axes:
    """Return axes with a title that begins at the left edge, above the names of the rows."""
    axes = new_axes("", xlabel, "", size=(5.6, height))
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.suptitle(shorten(title, 72), x=0.01, ha="left", fontsize=11, color=INK)
    return axes
