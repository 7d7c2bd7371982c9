"""Compare the sample with published MovieLens statistics.

    python tools/data_report.py [--write]

Prints a Markdown table; with `--write` it goes to `book/_generated/sample_statistics.md`, which
the data card includes, so that no number on that page is typed by hand.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "_generated" / "sample_statistics.md"
DAY = 86_400

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One line of the table; `None` where nothing is published."""

    name: str
    sample: str
    ml_100k: str | None = None
    ml_1m: str | None = None


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


def report_rows(ratings: pd.DataFrame, movies: pd.DataFrame) -> list[Row]:
    """Compute every line of the table.

    Parameters
    ----------
    ratings : DataFrame
        user_id, movie_id, rating, timestamp.
    movies : DataFrame
        movie_id, title, genres, year.

    Returns
    -------
    list of Row
        Statistics per film count films with at least one rating.
    """
    stars = ratings["rating"].astype("float64")
    per_user = ratings.groupby("user_id").size()
    per_film = ratings.groupby("movie_id").size()
    counts = np.asarray(per_film, dtype=np.float64)
    user_means = stars.groupby(ratings["user_id"]).mean()
    film_means = stars.groupby(ratings["movie_id"]).mean()
    tempo = per_user.quantile([0, 0.25, 0.5, 0.75, 1]).round().astype(int)
    correlation = np.corrcoef(np.log(counts), film_means.to_numpy())[0, 1]
    return [
        Row("users", f"{len(per_user):,}", "943", "6,040"),
        Row("films listed", f"{len(movies):,}", "1,682", "3,883"),
        Row("films with a rating", f"{len(per_film):,}", "1,682", "3,706"),
        Row("ratings", f"{len(ratings):,}", "100,000", "1,000,209"),
        Row("mean rating", f"{stars.mean():.2f}", "3.53", "3.58"),
        Row("standard deviation of ratings", f"{stars.std():.2f}", "1.13", "1.12"),
        Row("share of ratings of 4 and more", f"{(stars >= 4).mean():.3f}", ".554", ".575"),
        Row(
            "ratings per user: minimum, quartiles, maximum",
            ", ".join(str(n) for n in tempo),
            "20, 33, 65, 148, 737",
            "20, 44, 96, 208, 2314",
        ),
        Row("Gini of ratings per film", f"{gini(counts):.2f}", ".63", ".63"),
        Row("share held by the top 10 % of films", f"{top_share(counts):.2f}", ".43", ".44"),
        Row("standard deviation of user means", f"{user_means.std():.3f}", ".445"),
        Row(
            "standard deviation of film means (20 ratings and more)",
            f"{film_means[per_film >= 20].std():.3f}",
            ".533",
        ),
        Row("correlation of log(count) and mean, per film", f"{correlation:.2f}", ".52"),
        Row("users whose history fits in one day", f"{fits_in_one_day(ratings):.2f}", ".68"),
        Row("users who share their last timestamp", f"{shares_last_timestamp(ratings):.2f}", ".44"),
    ]


def markdown(rows: list[Row]) -> str:
    """Write the rows as a Markdown table; numbers below 1 keep their leading zero."""
    lines = ["| | sample | ml-100k | ml-1m |", "|---|---|---|---|"]
    for row in rows:
        cells = (row.name, row.sample, row.ml_100k or "–", row.ml_1m or "–")
        padded = [f"0{cell}" if cell.startswith(".") else cell for cell in cells]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines) + "\n"


def report() -> str:
    """Return the table for the sample as it lies in the repository."""
    # Imported here: run as a script, Python looks beside this file, not in the repository.
    sys.path.insert(0, str(ROOT))
    from course_utils.datasets import load_movielens

    sample = load_movielens("sample")
    return markdown(report_rows(sample.ratings, sample.movies))


def write(text: str, path: Path = PAGE) -> None:
    """Write `text` beside `path`, then move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def main() -> int:
    """Read the command line, print the table and, if asked, write it."""
    parser = argparse.ArgumentParser(description="Compare the sample with real MovieLens.")
    parser.add_argument("--write", action="store_true", help=f"also write {PAGE.name}")
    options = parser.parse_args()
    text = report()
    print(text, end="")
    if options.write:
        write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
