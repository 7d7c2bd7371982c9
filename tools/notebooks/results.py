"""Fit every model of the course on one split, and compare their metrics in one table.

    COURSE_DATASET=ml-latest-small python -m tools.notebooks.results [--write]  # into the page
    python -m tools.notebooks.results --check _build/real    # the lessons' numbers on real ratings

All models share the course's split, `course_split`. They are fitted on its training and validation
part with the package's defaults, which `tools.notebooks.settings` has chosen on validation.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from course_utils import __version__, models
from course_utils.datasets import MovieLens, load_movielens
from course_utils.evaluation import compare, evaluate, readable
from course_utils.interactions import Interactions, encode, to_implicit
from course_utils.models import ALS, EASE, FactorBridge, Hybrid, Recommender
from course_utils.splits import course_split
from course_utils.text import Embeddings, encode_texts, movie_texts
from tools import ROOT

K = 10
METRICS = ("recall", "ndcg", "hit_rate", "coverage")
BASELINE = "EASE"
REAL = ROOT / "book" / "_generated" / "real"  # what the lessons' cells gave on ml-latest-small
CLOSE = 0.0021  # between two processors, of a number with three digits
ENCODER = "all-MiniLM-L6-v2"
HARD = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Task:
    """What every model is given; `said` is a sentence about dataset and split."""

    train: Interactions
    test: Interactions
    stars: sparse.csr_matrix
    movies: pd.DataFrame
    said: str

    @cached_property
    def films(self) -> Embeddings:
        """Embeddings of title and genres by the packaged encoder."""
        vectors = encode_texts(movie_texts(self.movies), ENCODER, progress=False)
        return Embeddings(vectors, self.movies["movie_id"].to_numpy(), ENCODER, "mean")


def task_of(ml: MovieLens, validation: bool = False) -> Task:
    """Split a dataset by the course's protocol; the test set is that of validation if asked."""
    split = course_split(to_implicit(ml.ratings))
    train = encode(split.train if validation else split.train_and_val)
    held_out = split.val if validation else split.test
    test = encode(held_out, users=train.users, items=train.items)
    said = (
        f"{ml.name}: {train.matrix.shape[0]:,} users × {train.matrix.shape[1]:,} films, "
        f"{train.matrix.nnz:,} positives to learn from; {test.matrix.nnz:,} to find, "
        f"of {np.count_nonzero(np.diff(test.matrix.indptr)):,} users"
    )
    return Task(train, test, stars_of(ml.ratings, held_out, train), ml.movies, said)


def stars_of(ratings: pd.DataFrame, tested: pd.DataFrame, train: Interactions) -> sparse.csr_matrix:
    """Return the ratings before each user's first test positive, and all positives of train."""
    first = tested.groupby("user_id")["timestamp"].min()
    earlier = ratings["timestamp"] < ratings["user_id"].map(first).fillna(np.inf)
    pairs, hidden = (
        pd.MultiIndex.from_frame(t[["user_id", "movie_id"]]) for t in (ratings, tested)
    )
    known = ratings[(earlier | (ratings["rating"] >= 4.0)) & ~pairs.isin(hidden)]
    known = known[known["user_id"].isin(train.users) & known["movie_id"].isin(train.items)]
    cells = train.rows_of(known["user_id"]), train.columns_of(known["movie_id"])
    return sparse.csr_matrix((known["rating"], cells), shape=train.matrix.shape)


def _plain(name: str) -> Callable[..., Recommender]:
    return lambda task, **settings: getattr(models, name)(**settings)


def _with_films(name: str, **fixed: Any) -> Callable[..., Recommender]:
    return lambda task, **settings: getattr(models, name)(
        task.films, task.train.items, **fixed, **settings
    )


# How each model is made of a task and settings, by the name of its class.
MAKERS: dict[str, Callable[..., Recommender]] = {
    **{n: _plain(n) for n in ("Random", "Popularity", "ItemKNN", "EASE", "ALS")},
    **{n: _plain(n) for n in ("BiasedMF", "BPR")},
    "ContentModel": _with_films("ContentModel", center=True),
    "Hybrid": lambda task: Hybrid([EASE(), MAKERS["ContentModel"](task)]),
    "FactorBridge": lambda task: FactorBridge(ALS(), task.films, task.train.items),
    "TwoTower": _with_films("TwoTower"),
}


def results(task: Task, names: Sequence[str] = tuple(MAKERS)) -> pd.DataFrame:
    """Fit and evaluate models, and compare them with EASE if it is among them."""
    found: dict[str, Any] = {}
    train, test = task.train.matrix, task.test.matrix
    with threadpool_limits(limits=1, user_api="blas"):  # sums in one order: numbers that repeat
        for name in names:
            model = MAKERS[name](task).fit(task.stars if name == "BiasedMF" else train)
            found[name] = evaluate(model, train, test, K, progress=False)
            print(f"{name:13} {found[name]}", file=sys.stderr, flush=True)
    return compare(found, baseline=BASELINE if BASELINE in found else None, metrics=METRICS)


def markdown(task: Task, table: pd.DataFrame) -> str:
    """Return results as a Markdown table, followed by the dataset, protocol and version."""
    wide = readable(table)
    lines = [f"| model | {' | '.join(wide.columns)} |", f"|---|{'---|' * len(wide.columns)}"]
    for model, cells in zip(wide.index, wide.to_numpy(), strict=True):
        lines.append(f"| `{model}` | {' | '.join(map(_in_two_lines, cells))} |")
    return "\n".join([*lines, "", f"*{task.said}. course-utils {__version__}.*", ""])


def _in_two_lines(cell: str) -> str:
    """Put the interval of ``0.095 [0.091, 0.099] *`` on a second line, below the mean and star."""
    mean, bracket, interval = cell.removesuffix(" *").partition("[")
    star = r" \*" if cell.endswith(" *") else ""
    return f"{mean.strip()}{star}<br>{bracket}{interval}".replace(" ", HARD) if bracket else mean


def changed(folder: Path) -> list[str]:
    """Return a line for each of the lessons' real tables that `folder` has otherwise."""
    kept, found = (
        {path.name: path.read_text(encoding="utf-8") for path in place.glob("*.json")}
        for place in (REAL, folder)
    )
    lines = [f"{name}: only in one of the two" for name in sorted({*kept} ^ {*found})]
    for name in sorted({*kept} & {*found}):
        numbers = [re.findall(r"-?\d+(?:\.\d+)?", text) for text in (kept[name], found[name])]
        if len(numbers[0]) != len(numbers[1]) or not np.allclose(
            np.array(numbers[0], float), np.array(numbers[1], float), rtol=0.01, atol=CLOSE
        ):
            lines.append(f"{name}: its numbers have changed")
    return lines


def page(name: str) -> Path:
    """Return the path of a dataset's table, which the results page includes."""
    return REAL.parent / f"results_{name}.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, print the table and, if asked, keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*MAKERS, []], metavar="MODEL")
    parser.add_argument("--write", action="store_true", help="renew the table of the results page")
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="compare real tables")
    options = parser.parse_args(arguments)
    if options.check:
        lines = changed(options.check)
        print("\n".join([*lines, f"{len(lines)} real tables to renew with `make results`"]))
        return 1 if lines else 0
    if options.write and options.names:
        parser.error("the page shows all models; leave the names out to --write it")

    task = task_of(ml := load_movielens())
    text = markdown(task, results(task, options.names or list(MAKERS)))
    print(text, end="")
    if options.write:
        page(ml.name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
