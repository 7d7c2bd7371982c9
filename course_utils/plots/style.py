"""Colors, line styles and matplotlib settings of all figures."""

from __future__ import annotations

from typing import Any

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
# Line and marker differ as well as lightness, so that models differ in gray too.
STYLES: Any = (
    {"color": DARK, "marker": "o", "linestyle": "-"},
    {"color": ACCENT, "marker": "s", "linestyle": "--"},
    {"color": MIDDLE, "marker": "^", "linestyle": "-."},
    {"color": SOFT, "marker": "D", "linestyle": ":"},
    {"color": INK, "marker": "v", "linestyle": (0, (5, 1))},
    {"color": "#7a5c99", "marker": "P", "linestyle": (0, (1, 1))},
)
