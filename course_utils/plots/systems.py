"""Figures about storage, a service, and growing data: lessons 01, 11 and 12."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError
from course_utils.plots.drawing import new_axes, note
from course_utils.plots.style import ACCENT, DARK, INK, LIGHT, MIDDLE, SOFT, STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bytes_moved(sizes: dict[str, float]) -> Axes:
    """Draw the megabytes that each way of reading a table moves over the network.

    Parameters
    ----------
    sizes
        Megabytes by name, drawn from top to bottom.
    """
    size = (5.6, 1.0 + 0.32 * len(sizes))
    axes = new_axes("What one read moves", "megabytes", "", size=size)
    bars = axes.barh(list(sizes), list(sizes.values()), color=MIDDLE)
    axes.bar_label(bars, fmt="{:,.2f} MB", padding=3)
    axes.set_xlim(right=max(sizes.values()) * 1.25)
    axes.invert_yaxis()
    return axes


def monthly_bill(costs: pd.DataFrame) -> Axes:
    """Draw the monthly cost of a bucket, a stacked bar for each scenario.

    Parameters
    ----------
    costs
        US dollars: scenarios as index, up to four kinds of cost as columns. A kind that is too
        small to be seen in any bar has no entry in the legend.
    """
    most = max(costs.sum(axis=1).max(), 0.01)
    axes = new_axes("What a month costs", "US dollars", "", size=(5.6, 1.5 + 0.42 * len(costs)))
    left = pd.Series(0.0, index=costs.index)
    for (kind, part), color in zip(costs.items(), (DARK, LIGHT, ACCENT, MIDDLE), strict=False):
        label = str(kind) if part.max() > 0.004 * most else None
        axes.barh(costs.index, part, left=left, color=color, edgecolor="white", label=label)
        left += part
    for row, total in enumerate(left):
        axes.text(total, row, f"  {total:,.2f}", va="center", color=INK, fontsize=10)
    axes.set_xlim(0, most * 1.2)
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=9, ncols=4, loc="upper center", bbox_to_anchor=(0.4, -0.3))
    return axes


def answer_times(milliseconds: npt.ArrayLike) -> Axes:
    """Draw the distribution function of answer times, on a logarithmic axis.

    The median and the 99th percentile are marked.

    Parameters
    ----------
    milliseconds
        Time of each answer, above 0, shape (n,).
    """
    times = np.sort(np.asarray(milliseconds, dtype=np.float64))
    share = np.arange(1, len(times) + 1) / len(times)
    axes = new_axes("How long do users wait?", "milliseconds", "share answered by then")
    axes.step(times, share, where="post", color=DARK)
    for percent, color, words in ((50, MIDDLE, "half"), (99, ACCENT, "99 of 100")):
        within = float(np.percentile(times, percent))
        axes.plot(within, percent / 100, "o", color=color, markersize=8)
        text, at = f"{words} within {within:,.1f} ms", (within, percent / 100)
        note(axes, text, at, (10, -16), color=INK, fontsize=10)
    axes.set_xscale("log")
    first, last = times[0] / 1.3, times[-1] * 4
    ticks = [step * 10.0**power for power in range(-2, 5) for step in (1, 2, 5)]
    axes.set_xticks([tick for tick in ticks if first <= tick <= last])
    axes.minorticks_off()
    axes.set(xlim=(first, last), ylim=(0, 1.05))
    axes.xaxis.set_major_formatter("{x:,g}")
    return axes


def seconds_by_size(seconds: pd.DataFrame, title: str) -> Axes:
    """Draw seconds against the number of ratings, a line for each column, both axes logarithmic.

    Parameters
    ----------
    seconds
        Numbers of ratings as index, ascending; timed operations as columns. NaN where nothing was
        measured.
    title
        Title of the figure.

    Raises
    ------
    DataError
        When a number is 0 or less, which a logarithmic axis cannot show, or there are more than
        six columns, which cannot be told apart.
    """
    _need_above_zero(seconds)
    _need_few(seconds.shape[1])
    axes = new_axes(title, "ratings", "seconds", size=(5.6, 3.6))
    for (name, values), style in zip(seconds.items(), STYLES, strict=False):
        known = values.dropna()
        axes.plot(known.index, known, label=str(name), markersize=5, **style)
    _log_axes(axes, seconds.index)
    axes.legend(frameon=False, fontsize=10)
    return axes


def recall_and_latency(table: pd.DataFrame, exact: float) -> Axes:
    """Draw what approximate indexes find against the time of a search, a line for each kind.

    Parameters
    ----------
    table
        Columns ``index``, the kind; ``milliseconds`` of a search; and ``recall``, the share of the
        best ten. The rows of a kind, its settings, are drawn in their order.
    exact
        Milliseconds of an exact search.

    Raises
    ------
    DataError
        When a time is 0 or less, which a logarithmic axis cannot show, or there are more than six
        kinds.
    """
    _need_above_zero(table[["milliseconds"]])
    _need_few(table["index"].nunique())
    title = "What an index finds, and how fast"
    axes = new_axes(title, "milliseconds for one search", "share of the best ten", size=(7.4, 3.6))
    for (kind, rows), style in zip(table.groupby("index", sort=False), STYLES, strict=False):
        axes.plot(rows["milliseconds"], rows["recall"], label=str(kind), markersize=5, **style)
    axes.axvline(exact, color=SOFT, linestyle=":")
    axes.text(exact, 0.02, "exact ", color=INK, ha="right", fontsize=10)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(0, 1.08)
    axes.legend(frameon=False, fontsize=10, loc="upper left", bbox_to_anchor=(1.02, 1))
    return axes


def _need_above_zero(table: pd.DataFrame) -> None:
    if (table <= 0).to_numpy().any():
        raise DataError("A number is 0 or less, and a logarithmic axis cannot show it.")


def _need_few(lines: int) -> None:
    if lines > len(STYLES):
        raise DataError(f"{lines} lines cannot be told apart; give at most {len(STYLES)}.")


def _log_axes(axes: Axes, ratings: pd.Index) -> None:
    """Make both axes logarithmic, and label the decades of ratings as 1k, 10k, 1M."""
    from matplotlib.ticker import EngFormatter

    axes.set(xscale="log", yscale="log")
    first, last = np.floor(np.log10(ratings.min())), np.ceil(np.log10(ratings.max()))
    ticks = 10.0 ** np.arange(first, last + 1)
    axes.set_xticks(ticks, labels=[EngFormatter(sep="").format_eng(tick) for tick in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:,g}")
