"""BPR against implicit's: recall@10 by the course's protocol, on validation."""

import os
from pathlib import Path

import numpy as np
import pytest

from course_utils.datasets import load_movielens
from course_utils.evaluation import evaluate
from course_utils.interactions import encode, to_implicit
from course_utils.models import BPR
from course_utils.splits import course_split

implicits = pytest.importorskip("implicit.cpu.bpr", reason="implicit is not installed")

# The best of 32 settings on the sample, on real ml-latest-small, and between both.
THEIRS = [(64, 0.02, 0.02, 30), (16, 0.02, 0.02, 30), (64, 0.02, 0.02, 100)]
TOLERANCE = 0.01  # about a standard error of the difference on ml-latest-small


@pytest.mark.parametrize("name", ["sample", "ml-latest-small"])
def test_recall_is_not_below_that_of_implicit_at_its_best_settings(
    name, repository_root: Path, monkeypatch, record_property
):
    shared = repository_root.parent / "shared" / "data"
    if name != "sample" and "COURSE_DATA_DIR" not in os.environ:
        if not (shared / name).is_dir():
            pytest.skip(f"no {name} in COURSE_DATA_DIR or {shared}")
        monkeypatch.setenv("COURSE_DATA_DIR", str(shared))
    split = course_split(to_implicit(load_movielens(name).ratings))
    train = encode(split.train)
    val = encode(split.val, users=train.users, items=train.items)
    models = {"course": BPR()} | {
        repr(setting): implicits.BayesianPersonalizedRanking(
            *setting[:3], iterations=setting[3], num_threads=1, random_state=1
        )
        for setting in THEIRS
    }
    models["course"].fit(train.matrix)
    for setting in THEIRS:
        models[repr(setting)].fit(train.matrix, show_progress=False)
    recalls = {
        name: evaluate(model, train.matrix, val.matrix, progress=False).summary["recall@10"]
        for name, model in models.items()
    }
    record_property("recall@10", recalls)
    ours = recalls.pop("course")
    assert max(recalls.values()) > 0.05  # theirs has learned something
    assert ours > max(recalls.values()) - TOLERANCE
    assert np.isfinite(ours)
