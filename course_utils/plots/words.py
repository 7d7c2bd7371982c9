"""Figures about texts and their vectors: lesson 09."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError
from course_utils.plots.drawing import draw_cell, new_axes, note
from course_utils.plots.style import ACCENT, DARK, INK, SOFT, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def token_vectors(tokens: Sequence[str], vectors: npt.ArrayLike, shown: int = 8) -> Axes:
    """Draw the vectors of a text's tokens, and below them the results of two poolings.

    Parameters
    ----------
    tokens
        Tokens of one text, drawn from top to bottom.
    vectors
        Last hidden layer, shape (n_tokens, d).
    shown
        How many of the d components to draw.

    Raises
    ------
    DataError
        When the number of vectors is not that of the tokens.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    table = np.asarray(vectors, dtype=np.float64)
    if table.ndim != 2 or len(table) != len(tokens):
        raise DataError(f"{len(tokens)} tokens need as many vectors, not shape {table.shape}.")
    first = table[:, :shown]
    n_rows, n_columns = first.shape
    pooled = {"cls pooling": first[0], "mean pooling": first.mean(axis=0)}
    below = -n_rows - 0.7  # where the pooled vectors begin
    largest = float(np.abs(first).max()) or 1.0
    axes = new_axes("", "", "", size=(5.6, 0.42 * (n_rows + 4)))
    with plt.rc_context(STYLE):
        axes.set(xlim=(-3.2, n_columns + 0.7), ylim=(below - 2.1, 0.9), aspect="equal")
        axes.axis("off")
        caption = f"the first {n_columns} of {table.shape[1]} numbers of each token"
        axes.text(n_columns / 2, 0.25, caption, ha="center", fontsize=10)
        rows = [
            (-float(i), name, row) for i, (name, row) in enumerate(zip(tokens, first, strict=True))
        ]
        rows += [(below - i, name, row) for i, (name, row) in enumerate(pooled.items())]
        for top, name, row in rows:
            weight = "bold" if name in pooled else "normal"
            label: Any = {"ha": "right", "va": "center", "fontsize": 10, "weight": weight}
            axes.text(-0.2, top - 0.5, name, **label)
            for column, value in enumerate(row):
                shade = mpl.colormaps["RdBu"](0.5 + 0.32 * float(value) / largest)
                text = f"{np.round(value, 1) + 0.0:.1f}".replace("-", "−")  # no "−0.0"
                draw_cell(axes, column, top, text, mpl.colors.to_hex(shade))
            axes.text(n_columns + 0.2, top - 0.5, "…", va="center", fontsize=10)
    return axes


def arrows(vectors: pd.DataFrame) -> Axes:
    """Draw two-dimensional vectors as arrows, and their ends after normalization to length 1.

    Parameters
    ----------
    vectors
        Names as index, two columns; no vector is zero.
    """
    xy = vectors.to_numpy(dtype=np.float64)
    xlabel, ylabel = map(str, vectors.columns)
    axes = new_axes("Length and direction", xlabel, ylabel, size=(5.6, 4.2))
    quarter = np.linspace(0, np.pi / 2, 90)
    axes.plot(np.cos(quarter), np.sin(quarter), color=SOFT, linestyle="--", linewidth=1)
    for name, (x, y) in zip(vectors.index, xy, strict=True):
        arrow: Any = {"arrowstyle": "-|>", "color": DARK, "linewidth": 1.6, "shrinkA": 0}
        axes.annotate("", (x, y), (0, 0), arrowprops={**arrow, "shrinkB": 0})
        note(axes, str(name), (x, y), (6, 4), color=INK)
    ends = xy / np.linalg.norm(xy, axis=1, keepdims=True)
    axes.plot(*ends.T, color=ACCENT, marker="o", linestyle="", label="at length 1")
    axes.legend(frameon=False, fontsize=10, loc="lower right")
    right, top = np.maximum(1, xy.max(axis=0))
    axes.set(xlim=(0, right + 0.9), ylim=(0, top + 0.4), aspect="equal")
    return axes
