"""Figures about ratings and the matrix: lessons 02 and 03."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_utils.errors import DataError
from course_utils.plots.drawing import draw_cell, new_axes
from course_utils.plots.style import ACCENT, DARK, LIGHT, MIDDLE, SOFT, STYLE
from course_utils.validation import as_table, need_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from scipy import sparse


def long_tail(ratings: pd.DataFrame, top: float = 0.1) -> Axes:
    """Draw the number of ratings of each film, in descending order, and mark the top share.

    Parameters
    ----------
    ratings
        A table with a column ``movie_id``.
    top
        The share of the rated films to mark.
    """
    counts = _column(ratings, "movie_id").value_counts().to_numpy()
    n_top = min(len(counts), max(1, round(need_number(top, "top") * len(counts))))
    share = counts[:n_top].sum() / counts.sum()
    rank = np.arange(1, len(counts) + 1)

    axes = new_axes("Ratings of each film: the long tail", "films, most rated first", "ratings")
    axes.fill_between(rank, counts, step="mid", color=LIGHT)
    axes.fill_between(rank[:n_top], counts[:n_top], step="mid", color=DARK)
    axes.annotate(
        f"{top:.0%} of the films\nhold {share:.0%} of the ratings",
        (n_top, counts[n_top - 1]),
        xytext=(0.3, 0.6),
        textcoords="axes fraction",
        arrowprops={"arrowstyle": "-", "color": SOFT},
    )
    axes.set(xlim=(0.5, len(counts) + 0.5), ylim=(0, None))
    return axes


def ratings_per_user(ratings: pd.DataFrame) -> Axes:
    """Draw a histogram of ratings per user, on a logarithmic axis, with the median."""
    counts = _column(ratings, "user_id").value_counts().to_numpy()
    edges = np.geomspace(counts.min(), counts.max() + 1, 25)

    title = f"Ratings per user: from {counts.min()} to {counts.max():,}"
    axes = new_axes(title, "ratings of one user, logarithmic", "users")
    axes.hist(counts, bins=edges.tolist(), color=MIDDLE, edgecolor="white")
    median = float(np.median(counts))
    axes.axvline(median, color=ACCENT)
    axes.text(median * 1.06, axes.get_ylim()[1] * 0.94, f"median {median:.0f}", color=ACCENT)
    axes.set_xscale("log")
    round_numbers = [digit * 10**power for power in range(8) for digit in (1, 2, 5)]
    ticks = [tick for tick in round_numbers if edges[0] <= tick <= edges[-1]]
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.minorticks_off()
    return axes


def rating_scale(ratings: pd.DataFrame, threshold: float = 4.0) -> Axes:
    """Draw the share of each rating, those of at least `threshold` stars darker."""
    threshold = need_number(threshold, "threshold")
    shares = _column(ratings, "rating").value_counts(normalize=True).sort_index()
    labels = [f"{rating:g}" for rating in shares.index]
    colors = [DARK if rating >= threshold else LIGHT for rating in shares.index]

    axes = new_axes("How often each rating is given", "stars", "share of the ratings")
    bars = axes.bar(labels, shares.to_numpy(), color=colors, edgecolor=SOFT)
    axes.bar_label(bars, fmt="{:.0%}", padding=2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    liked = float(shares[shares.index >= threshold].sum())
    axes.text(
        0.02, 0.92, f"dark: {threshold:g} stars or more, {liked:.0%}", transform=axes.transAxes
    )
    return axes


def activity_over_time(ratings: pd.DataFrame) -> Axes:
    """Draw the number of ratings in each month (UTC)."""
    times = _column(ratings, "timestamp")
    when = pd.to_datetime(times, unit="s")  # UTC, as the timestamps are
    months = pd.Series(1, index=when).resample("MS").sum()

    title = f"Ratings per month: median {months.median():,.0f}, most {months.max():,}"
    axes = new_axes(title, "month", "ratings")
    axes.bar(months.index, months.to_numpy(), width=25, color=MIDDLE)
    ticks = months.index[:: max(1, len(months) // 4)]
    axes.set_xticks(ticks, labels=[f"{tick:%b %Y}" for tick in ticks], fontsize=10)
    axes.set_ylim(0, None)
    return axes


def csr_anatomy(matrix: sparse.csr_matrix, rows: Sequence[str], columns: Sequence[str]) -> Axes:
    """Draw a small CSR matrix and its three arrays, one shade for each row.

    Parameters
    ----------
    matrix
        CSR, shape (n_users, n_items), small enough to read: up to about 6 × 8.
    rows, columns
        Names of its rows and columns.
    """
    import matplotlib.pyplot as plt

    n_rows, n_columns = matrix.shape
    width = max(n_columns, matrix.nnz, n_rows + 1)
    axes = new_axes("", "", "", size=(5.6, 0.45 * (n_rows + 6)))
    with plt.rc_context(STYLE):
        axes.set(xlim=(-2.6, width + 0.2), ylim=(-(n_rows + 6), 1.2), aspect="equal")
        axes.axis("off")
        for column, name in enumerate(columns):
            axes.text(column + 0.5, 0.3, name, ha="center", fontsize=9)
        for row, name in enumerate(rows):
            shade = _shade(row, n_rows)
            axes.text(-0.2, -row - 0.5, name, ha="right", va="center", fontsize=9)
            for column in range(n_columns):
                value = matrix[row, column]
                text, color = (f"{value:g}", shade) if value else ("", "white")
                draw_cell(axes, column, -row, text, color)

        row_of_entry = np.repeat(np.arange(n_rows), np.diff(matrix.indptr))
        shades = [_shade(row, n_rows) for row in row_of_entry]
        arrays = {
            "indices": (matrix.indices, shades),
            "data": (matrix.data, shades),
            "indptr": (matrix.indptr, [_shade(row, n_rows) for row in range(n_rows)] + ["white"]),
        }
        for i, (name, (values, colors)) in enumerate(arrays.items()):
            y = -(n_rows + 1 + 1.6 * i)
            axes.text(-0.2, y - 0.5, name, ha="right", va="center", family="monospace")
            for x, (value, color) in enumerate(zip(values, colors, strict=True)):
                draw_cell(axes, x, y, f"{value:g}", color)
    return axes


def _shade(row: int, n_rows: int) -> str:
    import matplotlib as mpl

    return str(mpl.colors.to_hex(mpl.colormaps["Blues"](0.15 + 0.4 * row / max(1, n_rows - 1))))


def _column(ratings: pd.DataFrame, name: str) -> pd.Series:
    table = as_table(ratings, name)
    if table.empty:
        raise DataError("There is nothing to draw: the table has no rows.")
    return table[name]
