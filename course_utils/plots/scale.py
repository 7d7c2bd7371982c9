"""Figures about how cost grows with data, and about looking for neighbors fast: lesson 12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_utils.errors import DataError
from course_utils.plots.evaluation import STYLES
from course_utils.plots.style import ACCENT, DARK, INK, SOFT, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def seconds_by_size(seconds: pd.DataFrame, title: str) -> Axes:
    """Draw seconds against the number of ratings, a line for each column, both axes logarithmic.

    Parameters
    ----------
    seconds
        Numbers of ratings as index, ascending; what takes the time as columns. NaN where nothing
        was measured.
    title
        Of the figure.

    Raises
    ------
    DataError
        When a number is 0 or less, which a logarithmic axis cannot show.
    """
    _need_above_zero(seconds)
    axes = new_axes(title, "ratings", "seconds", size=(5.6, 3.6))
    for (name, values), style in zip(seconds.items(), STYLES, strict=False):
        known = values.dropna()
        axes.plot(known.index, known, label=str(name), markersize=5, **style)
    _log_axes(axes, seconds.index)
    axes.legend(frameon=False, fontsize=10)
    return axes


def memory_by_size(peaks: pd.Series, limits: Mapping[str, float]) -> Axes:
    """Draw the memory that a run needs against the number of ratings, and what machines have.

    Parameters
    ----------
    peaks
        Gigabytes; numbers of ratings as index, ascending.
    limits
        Gigabytes by the name of a machine, drawn as lines to stay under.

    Raises
    ------
    DataError
        When a number is 0 or less, which a logarithmic axis cannot show.
    """
    _need_above_zero(peaks.to_frame())
    axes = new_axes("How much memory a run needs", "ratings", "gigabytes", size=(5.6, 3.6))
    axes.plot(peaks.index, peaks, color=DARK, marker="o", markersize=5)
    for name, most in limits.items():
        axes.axhline(most, color=ACCENT, linestyle="--")
        axes.text(peaks.index[0], most, name, color=ACCENT, va="bottom", fontsize=10)
    _log_axes(axes, peaks.index)
    axes.set_ylim(top=2 * max([*limits.values(), peaks.max()]))
    return axes


def recall_and_latency(table: pd.DataFrame, exact: float) -> Axes:
    """Draw how much an index finds against how long one question takes, a line for each kind.

    Parameters
    ----------
    table
        ``index``, the kind; ``setting``, how hard it looks; ``milliseconds`` for a question;
        ``recall``, from 0 to 1. The settings of a kind are drawn in their order.
    exact
        Milliseconds of a search that looks at everything.

    Raises
    ------
    DataError
        When a time is 0 or less, which a logarithmic axis cannot show.
    """
    _need_above_zero(table[["milliseconds"]])
    title = "What an index finds, and how fast"
    axes = new_axes(title, "milliseconds for one question", "recall@10", size=(5.6, 3.6))
    for (kind, rows), style in zip(table.groupby("index", sort=False), STYLES, strict=False):
        axes.plot(rows["milliseconds"], rows["recall"], label=str(kind), markersize=5, **style)
        for row in rows.itertuples():
            axes.annotate(
                str(row.setting), (row.milliseconds, row.recall),
                xytext=(4, -11), textcoords="offset points", fontsize=9, color=INK,
            )  # fmt: skip
    axes.axvline(exact, color=SOFT, linestyle=":")
    axes.text(exact, 0.02, "exact ", color=INK, ha="right", fontsize=10)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(0, 1.08)
    axes.legend(frameon=False, fontsize=10, loc="lower center")
    return axes


def _need_above_zero(table: pd.DataFrame) -> None:
    if (table <= 0).to_numpy().any():
        raise DataError("A number is 0 or less, and a logarithmic axis cannot show it.")


def _log_axes(axes: Axes, ratings: pd.Index) -> None:
    """Make both axes logarithmic, and label the decades of ratings as people say them."""
    axes.set(xscale="log", yscale="log")
    first, last = np.floor(np.log10(ratings.min())), np.ceil(np.log10(ratings.max()))
    ticks = 10.0 ** np.arange(first, last + 1)
    axes.set_xticks(ticks, labels=[_short(tick) for tick in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:,g}")


def _short(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"
