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


def labeled_bars(title: str, xlabel: str, values: dict[str, float], label: str) -> Axes:
    """Return a new figure with a horizontal bar for each value, from top to bottom.

    Parameters
    ----------
    title, xlabel
        Of the axes.
    values
        By name.
    label
        How a value is written beside its bar, as in ``"{:,.1f} MB"``.
    """
    axes = new_axes(title, xlabel, "", size=(5.6, 1.0 + 0.32 * len(values)))
    bars = axes.barh(list(values), list(values.values()), color=MIDDLE)
    axes.bar_label(bars, fmt=label, padding=3)
    axes.set_xlim(right=max(values.values()) * 1.25)
    axes.invert_yaxis()
    return axes


def draw_cell(axes: Axes, x: float, y: float, text: str, color: str) -> None:
    """Draw one cell of a matrix: a square of side 1 whose upper left corner is (x, y)."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y - 1), 1, 1, facecolor=color, edgecolor=SOFT, linewidth=0.8))
    axes.text(x + 0.5, y - 0.5, text, ha="center", va="center", fontsize=10, color=INK)
