"""Figures about matrix factorization: lesson 08."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_utils.plots.evaluation import STYLES
from course_utils.plots.style import ACCENT, DARK, INK, MIDDLE, SOFT, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def rating_parts(parts: Mapping[str, float]) -> Axes:
    """Draw how the parts of a predicted rating add up, one below the other.

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
    axes.annotate(
        f"lowest: epoch {best_epoch}",
        (best_epoch, 1),
        xycoords=("data", "axes fraction"),
        xytext=(5 if early else -5, -2),
        textcoords="offset points",
        horizontalalignment="left" if early else "right",
        verticalalignment="top",
        fontsize=10,
        color=INK,
    )
    axes.legend(frameon=False, fontsize=10)
    return axes
