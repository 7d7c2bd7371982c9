"""How every figure of the course looks: opaque, readable in gray, large enough for a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, DARK, MIDDLE, LIGHT = "#22303c", "#8796a5", "#1f4e79", "#5b9bd5", "#bcd7ee"
ACCENT = "#c8501e"

STYLE: Any = {
    "axes.facecolor": "white",
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 11,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def new_axes(title: str, xlabel: str, ylabel: str, size: tuple[float, float] = (5.6, 3.3)) -> Axes:
    """Return the axes of a new figure, `size` inches wide and high."""
    import matplotlib.pyplot as plt

    # The figure is made outside the context: a notebook's backend switches itself on with the
    # first figure, and leaving the context would switch it off again.
    figure = plt.figure(figsize=size, dpi=150, facecolor="white", layout="constrained")
    with plt.rc_context(STYLE):
        axes = figure.add_subplot()
        axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return axes
