"""Lay the sample beside real MovieLens: two tables, a verdict for each statistic, a figure.

    make data-report                      # print the tables: statistics, and what models find
    python -m tools.sample.report --write   # and renew the data card's tables and figure

With `--write` the tables go to `book/_generated/sample_{statistics,findings}.md` and the figure to
`book/images/sample_vs_real.svg`, which the data card shows, so that no number on that page is
typed by hand. ml-latest-small is measured where COURSE_DATA_DIR or ../shared/data holds it, and
its numbers are kept in `tools/sample/real_statistics.json` for those who have it not.
"""

import argparse
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.datasets import load_movielens
from tools import ROOT
from tools.sample import findings

PAGE = ROOT / "book" / "_generated" / "sample_statistics.md"
FINDINGS_PAGE = ROOT / "book" / "_generated" / "sample_findings.md"
FIGURE = ROOT / "book" / "images" / "sample_vs_real.svg"
KEPT = ROOT / "tools" / "sample" / "real_statistics.json"
DAY = 86_400
TOLERANCE = 0.1  # how far from the nearer real release still counts as near

Floats = npt.NDArray[np.float64]
Statistics = dict[str, float]

# Name of each statistic, and how many decimals it is shown with. The first four are sizes.
DECIMALS = {
    "users": 0,
    "films listed": 0,
    "films with a rating": 0,
    "ratings": 0,
    "mean rating": 2,
    "standard deviation of ratings": 2,
    "share of ratings of 4 and more": 3,
    "ratings per user, minimum": 0,
    "ratings per user, first quartile": 0,
    "ratings per user, median": 0,
    "ratings per user, third quartile": 0,
    "ratings per user, maximum": 0,
    "Gini of ratings per film": 2,
    "share held by the top 10 % of films": 2,
    "standard deviation of user means": 3,
    "standard deviation of film means (20 ratings and more)": 3,
    "correlation of log(count) and mean, per film": 2,
    "users whose history fits in one day": 2,
    "users who share their last timestamp": 2,
}
SIZES = tuple(DECIMALS)[:4]

# The course's notes about the two releases; what they do not say is left out.
REAL: dict[str, Statistics] = {
    "ml-100k": dict(
        zip(
            DECIMALS,
            (943, 1682, 1682, 100_000, 3.53, 1.13, 0.554, 20, 33, 65, 148, 737, 0.63, 0.43,
             0.445, 0.533, 0.52, 0.68, 0.44),
            strict=True,
        )
    ),
    "ml-1m": dict(
        zip(
            DECIMALS,
            (6040, 3883, 3706, 1_000_209, 3.58, 1.12, 0.575, 20, 44, 96, 208, 2314, 0.63, 0.44),
            strict=False,
        )
    ),
}  # fmt: skip
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
COLUMNS = ("sample", "ml-latest-small", "ml-100k", "ml-1m")


def gini(counts: Floats) -> float:
    """Return the Gini coefficient: 0 if all counts are equal, towards 1 if one holds all."""
    ordered = np.sort(counts)
    n = len(ordered)
    ranks = np.arange(1, n + 1)
    return float((2 * ranks - n - 1) @ ordered / (n * ordered.sum()))


def top_share(counts: Floats, part: float = 0.1) -> float:
    """Return the share of all ratings held by the most-rated `part` of the films."""
    ordered = np.sort(counts)[::-1]
    return float(ordered[: round(len(ordered) * part)].sum() / ordered.sum())


def shares_last_timestamp(ratings: pd.DataFrame) -> float:
    """Return the share of users who have two or more ratings at their latest second."""
    last = ratings.groupby("user_id")["timestamp"].transform("max")
    at_last = ratings[ratings["timestamp"] == last].groupby("user_id").size()
    return float((at_last > 1).mean())


def fits_in_one_day(ratings: pd.DataFrame) -> float:
    """Return the share of users whose first and last rating lie less than a day apart."""
    seconds = ratings.groupby("user_id")["timestamp"]
    return float((seconds.max() - seconds.min() < DAY).mean())


def statistics(ratings: pd.DataFrame, movies: pd.DataFrame) -> Statistics:
    """Compute every statistic of `DECIMALS`.

    Parameters
    ----------
    ratings : DataFrame
        user_id, movie_id, rating, timestamp.
    movies : DataFrame
        A row per movie listed.

    Returns
    -------
    dict
        Statistics per film count films with at least one rating.
    """
    stars = ratings["rating"].astype("float64")
    per_user = ratings.groupby("user_id").size()
    per_film = ratings.groupby("movie_id").size()
    counts = np.asarray(per_film, dtype=np.float64)
    film_means = stars.groupby(ratings["movie_id"]).mean()
    values = (
        len(per_user),
        len(movies),
        len(per_film),
        len(ratings),
        stars.mean(),
        stars.std(),
        (stars >= 4).mean(),
        *per_user.quantile([0, 0.25, 0.5, 0.75, 1]).round(),
        gini(counts),
        top_share(counts),
        stars.groupby(ratings["user_id"]).mean().std(),
        film_means[per_film >= 20].std(),
        np.corrcoef(np.log(counts), film_means.to_numpy())[0, 1],
        fits_in_one_day(ratings),
        shares_last_timestamp(ratings),
    )
    # Rounded, so that kept numbers and measured ones draw the same figure.
    return {name: round(float(value), 4) for name, value in zip(DECIMALS, values, strict=True)}


def verdict(name: str, value: float) -> str:
    """Say how `value` lies to ml-100k and ml-1m; empty for sizes, which are a choice."""
    if name in SIZES:
        return ""
    value = round(value, DECIMALS[name])
    real = [release[name] for release in REAL.values() if name in release]
    if min(real) <= value <= max(real):
        return "between" if len(real) > 1 else "equal"
    near = any(abs(value - other) <= TOLERANCE * other for other in real)
    return f"within {TOLERANCE:.0%}".replace("%", " %") if near else "off"


def markdown(table: dict[str, Statistics]) -> str:
    """Write the statistics of each column as a Markdown table with a verdict on the sample."""
    lines = [
        f"| statistic | {' | '.join(COLUMNS)} | verdict |",
        f"|---|{'---|' * len(COLUMNS)}---|",
    ]
    for name, decimals in DECIMALS.items():
        lines.append(f"{row(table, name, decimals)} {verdict(name, table['sample'][name])} |")
    return "\n".join(lines) + "\n"


def row(table: dict[str, Statistics], name: str, decimals: int) -> str:
    """Write the row of one statistic or finding, with a dash where a column does not know it."""
    cells = (
        f"{table[column][name]:,.{decimals}f}" if name in table[column] else "–"
        for column in COLUMNS
    )
    return f"| {' | '.join([name, *cells])} |"


def measured(name: str, data_home: Path | None = None) -> Statistics:
    """Load a dataset with the course's own loader and compute its statistics."""
    data = load_movielens(name, data_home=data_home, download=False)
    return statistics(data.ratings, data.movies)


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


def data_home() -> Path | None:
    """Return the folder that holds ml-latest-small, or None where it is not."""
    home = Path(os.environ.get("COURSE_DATA_DIR") or ROOT.parent / "shared" / "data")
    here = any((home / place).exists() for place in ("ml-latest-small", "ml-latest-small.zip"))
    return home if here else None


def kept(what: str) -> Statistics:
    """Return what was last measured on ml-latest-small: its ``statistics`` or ``findings``."""
    numbers: Statistics = json.loads(KEPT.read_text(encoding="utf-8"))[what]
    return numbers


def latest_small() -> Statistics:
    """Return the statistics of ml-latest-small: measured if it is here, as kept if not."""
    home = data_home()
    return measured("ml-latest-small", home) if home else kept("statistics")


def all_statistics() -> dict[str, Statistics]:
    """Return the statistics of every column, the sample as it lies in the repository."""
    return {"sample": measured("sample"), "ml-latest-small": latest_small(), **REAL}


def all_findings() -> dict[str, Statistics]:
    """Return what models find in the sample and in ml-latest-small, and the course's notes."""
    home = data_home()
    here = load_movielens("sample").ratings
    small = load_movielens("ml-latest-small", data_home=home, download=False) if home else None
    real = findings.findings(small.ratings) if small else kept("findings")
    return {"sample": findings.findings(here), "ml-latest-small": real, **findings.NOTED}


def findings_markdown(table: dict[str, Statistics]) -> str:
    """Write the findings of each column as a Markdown table."""
    lines = [f"| what models find | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    lines += [row(table, name, decimals) for name, decimals in findings.DECIMALS.items()]
    return "\n".join(lines) + "\n"


def write(data: bytes, path: Path) -> None:
    """Write `data` beside `path`, then move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def main() -> int:
    """Read the command line, print the tables and, if asked, write tables, numbers and figure."""
    parser = argparse.ArgumentParser(description="Compare the sample with real MovieLens.")
    parser.add_argument("--write", action="store_true", help="also write the data card's tables")
    options = parser.parse_args()
    table = all_statistics()
    print(markdown(table))
    found = all_findings()
    print(findings_markdown(found), end="")
    if options.write:
        real = {"statistics": table["ml-latest-small"], "findings": found["ml-latest-small"]}
        write(markdown(table).encode(), PAGE)
        write(findings_markdown(found).encode(), FINDINGS_PAGE)
        write(f"{json.dumps(real, indent=2)}\n".encode(), KEPT)
        write(draw(table), FIGURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
