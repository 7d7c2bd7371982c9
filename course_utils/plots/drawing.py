"""Axes and marks that several figures share: opaque, and large enough for a phone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.plots.style import INK, SOFT, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def new_axes(title: str, xlabel: str, ylabel: str, size: tuple[float, float] = (5.6, 3.3)) -> Axes:
    """Return the axes of a new figure, `size` inches wide and high."""
    import matplotlib.pyplot as plt

    # The figure is made outside the context: the first figure sets a notebook's backend, and
    # leaving the context would reset it.
    figure = plt.figure(figsize=size, dpi=150, facecolor="white", layout="constrained")
    with plt.rc_context(STYLE):
        axes = figure.add_subplot()
        axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return axes


def draw_cell(axes: Axes, x: float, y: float, text: str, color: str) -> None:
    """Draw one cell of a matrix: a square of side 1 whose upper left corner is (x, y)."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y - 1), 1, 1, facecolor=color, edgecolor=SOFT, linewidth=0.8))
    axes.text(x + 0.5, y - 0.5, text, ha="center", va="center", fontsize=10, color=INK)


def note(axes: Axes, text: str, at: Any, shift: tuple[float, float], **how: Any) -> None:
    """Write a text beside the point `at` of the data, shifted by `shift` typographic points."""
    axes.annotate(text, at, xytext=shift, textcoords="offset points", **how)


def name_rows(axes: Axes, names: Iterable[object]) -> None:
    """Name the rows 0, 1, 2, … from top to bottom; two may have the same name."""
    labels = [str(name) for name in names]
    axes.set_yticks(np.arange(len(labels)), labels=labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)


def reach(table: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the distances of ``low`` and ``high`` from ``mean``, shape (2, n_rows)."""
    distances = np.abs(table[["low", "high"]].to_numpy().T - table["mean"].to_numpy())
    return np.asarray(distances, dtype=np.float64)


def shorten(title: str, length: int) -> str:
    """Return a title, cut to `length` characters with an ellipsis when it is longer."""
    return title if len(title) <= length else title[: length - 1].rstrip() + "…"
