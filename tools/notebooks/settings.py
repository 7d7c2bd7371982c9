"""Choose the settings of models by a search: the defaults of their classes.

    python -m tools.notebooks.settings [--write]    # into the table on the results page

Each setting of a grid is fitted on the training part of the course's split and measured on the
validation part. Its score is its recall@10 as a share of the best setting's, over both datasets.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from course_utils.datasets import load_movielens
from course_utils.evaluation import evaluate
from tools import ROOT
from tools.notebooks.results import MAKERS, Task, task_of

DATASETS = ("sample", "ml-latest-small")
PAGE = ROOT / "book" / "_generated" / "settings.md"
GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "ItemKNN": {"k": (2, 5, 10, 20, 50, 200, 1000), "shrinkage": (0, 5, 10, 20, 50)},
    "EASE": {"l2": (30, 50, 100, 150, 200, 300, 500, 1000)},
    "ALS": {
        "factors": (8, 16, 32, 64, 128), "regularization": (0.1, 1, 10, 20, 30, 60),
        "alpha": (1, 3, 10),
    },
    "BPR": {"factors": (16, 64), "regularization": (0.25, 0.5, 1, 2), "n_negatives": (1, 4)},
    "TwoTower": {"factors": (32, 64), "epochs": (3, 6), "learning_rate": (0.003, 0.01)},
}  # fmt: skip


def settings_of(name: str) -> list[dict[str, float]]:
    """Return all settings of a model's grid."""
    every = itertools.product(*GRIDS[name].values())
    return [dict(zip(GRIDS[name], values, strict=True)) for values in every]


def recalls(task: Task, name: str) -> np.ndarray[Any, Any]:
    """Return recall@10 on validation, shape (n_settings, n_users)."""
    train, val = task.train.matrix, task.test.matrix
    found = [
        evaluate(MAKERS[name](task, **setting).fit(train), train, val, progress=False).per_user
        for setting in settings_of(name)
    ]
    return np.array([table["recall@10"] for table in found])


def chosen(tasks: Sequence[Task], name: str) -> list[str]:
    """Return the cells of a model's row: its grid, its setting, and what that costs on each."""
    by_dataset = [recalls(task, name) for task in tasks]
    means = [values.mean(axis=1) for values in by_dataset]
    score = np.mean([mean / mean.max() for mean in means], axis=0)
    best = int(score.argmax())
    said = [_said(settings_of(name)[best])]
    for values, mean in zip(by_dataset, means, strict=True):
        here = int(mean.argmax())
        apart = values[best] - values[here]
        error = apart.std(ddof=1) / np.sqrt(len(apart))
        said += [f"{mean[best]:.3f}", f"{_said(settings_of(name)[here])}: {mean[here]:.3f}"]
        said.append(f"{apart.mean():+.3f} ± {1.96 * error:.3f}")
    return [f"`{name}`", str(len(score)), *said]


def _said(setting: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in setting.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, search, print the table and, if asked, keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="renew the table of the results page")
    header = ["model", "tried", "course setting"]
    for dataset in DATASETS:
        header += [f"recall@10 on {dataset}", "best there", "course setting − best, paired"]
    with threadpool_limits(limits=1, user_api="blas"):  # sums in one order: numbers that repeat
        tasks = [task_of(load_movielens(dataset), validation=True) for dataset in DATASETS]
        rows = [chosen(tasks, name) for name in GRIDS]
    lines = [header, ["---"] * len(header), *rows]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    print(text, end="")
    if parser.parse_args(arguments).write:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
