"""Figures about objects in a bucket: lesson 01."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from course_utils.plots.style import ACCENT, DARK, INK, LIGHT, MIDDLE, labeled_bars, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bytes_moved(sizes: dict[str, float]) -> Axes:
    """Draw how many megabytes each way to read a table moves over the network.

    Parameters
    ----------
    sizes
        Megabytes by name, drawn from top to bottom.
    """
    return labeled_bars("What one read moves", "megabytes", sizes, "{:,.2f} MB")


def monthly_bill(costs: pd.DataFrame) -> Axes:
    """Draw what a bucket costs a month, a bar for each scenario, cut into its parts.

    Parameters
    ----------
    costs
        US dollars: scenarios as index, up to four kinds of cost as columns.
    """
    axes = new_axes("What a month costs", "US dollars", "", size=(5.6, 1.5 + 0.42 * len(costs)))
    left = pd.Series(0.0, index=costs.index)
    for (kind, part), color in zip(costs.items(), (DARK, LIGHT, ACCENT, MIDDLE), strict=False):
        axes.barh(costs.index, part, left=left, color=color, edgecolor="white", label=str(kind))
        left += part
    for row, total in enumerate(left):
        axes.text(total, row, f"  {total:,.2f}", va="center", color=INK, fontsize=10)
    axes.set_xlim(0, max(left.max(), 0.01) * 1.2)
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=9, ncols=4, loc="upper center", bbox_to_anchor=(0.4, -0.3))
    return axes
