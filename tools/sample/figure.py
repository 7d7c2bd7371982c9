"""The data card's figure: each statistic on a line of its own, four datasets on each line."""

import io
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.sample.report import COLUMNS, DECIMALS, SIZES, Statistics

LINE = 0.36  # height of the line in its row, below the name
# Shape and gray level tell the datasets apart, so that the figure needs no color.
MARKS: dict[str, dict[str, Any]] = {
    "sample": {"marker": "|", "markersize": 17, "markeredgewidth": 3.5, "color": "black"},
    "ml-latest-small": {"marker": "D", "markersize": 6, "color": "white"},
    "ml-100k": {"marker": "s", "markersize": 6.5, "color": "#c8c8c8"},
    "ml-1m": {"marker": "^", "markersize": 7.5, "color": "#8a8a8a"},
}
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sample",  # otherwise ids are random, and no two drawings are the same
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
WIDTH, ROW = 4.1, 0.52  # inches: 394 pixels wide, the size of a phone


def draw(table: dict[str, Statistics]) -> bytes:
    """Return the figure as SVG; the same numbers give the same bytes.

    Parameters
    ----------
    table : dict
        The statistics of each of `COLUMNS`.
    """
    names = [name for name in DECIMALS if name not in SIZES and not name.endswith("minimum")]
    with mpl.rc_context(STYLE):
        # Not through pyplot, which would need a display, or to be told that there is none.
        figure = Figure(figsize=(WIDTH, ROW * len(names) + 0.9))
        rows = figure.subplots(len(names), 1, squeeze=False)
        for name, axes in zip(names, rows[:, 0], strict=True):
            draw_row(axes, name, {c: table[c][name] for c in COLUMNS if name in table[c]})
        handles, labels = rows[0, 0].get_legend_handles_labels()
        figure.legend(
            handles[::-1],
            labels[::-1],
            loc="upper center",
            ncols=2,
            frameon=False,
            columnspacing=2.5,
            title="Bold numbers: the sample",
        )
        figure.subplots_adjust(left=0.04, right=0.96, top=1 - 0.82 / figure.get_figheight(),
                               bottom=0.012, hspace=0)  # fmt: skip
        image = io.BytesIO()
        figure.savefig(image, format="svg", metadata={"Date": None})
    # Some versions of matplotlib end lines of a path in a blank.
    lines = image.getvalue().decode().splitlines()
    return ("\n".join(line.rstrip() for line in lines) + "\n").encode()


def draw_row(axes: Axes, name: str, values: dict[str, float]) -> None:
    """Draw one statistic: its name, the smallest and largest value, a mark per dataset."""
    low, high = min(values.values()), max(values.values())
    # A line spans at least half of its value: small differences must look small.
    room = max((high - low) * 1.3, 0.5 * high) / 2
    middle = (low + high) / 2
    axes.set_xlim(middle - room, middle + room)
    axes.set_ylim(0, 1)
    axes.axis("off")
    axes.axhline(LINE, color="#b0b0b0", linewidth=0.8, zorder=0)
    axes.text(0, 0.92, name, transform=axes.transAxes, va="top")
    shown = f"{values['sample']:,.{DECIMALS[name]}f}"
    axes.text(1, 0.92, shown, transform=axes.transAxes, va="top", ha="right", weight="bold")
    for column in reversed(COLUMNS):  # the sample last, on top
        # The legend is read off the first row, and all four must be in it.
        at = [values[column]] if column in values else []
        line = axes.plot(at, [LINE] * len(at), linestyle="none", label=column, **MARKS[column])
        line[0].set(markeredgecolor="black")
