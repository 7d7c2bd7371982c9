"""ranx, every user of every shape in one call: its compiler takes half a minute to start."""

import warnings

import numpy as np
import pytest
import ranking_cases

from course_utils.metrics import ranking_metrics

THEIRS = {
    "recall": "recall", "precision": "precision", "hit_rate": "hit_rate", "mrr": "mrr",
    "map": "map", "ndcg": "ndcg",
}  # fmt: skip
KS = (1, 5, 10, 100)
USERS_PER_SHAPE = 700


@pytest.fixture(scope="module")
def ranx():
    pytest.importorskip("ranx", reason="ranx is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba's, about the threads and caches of this machine
        import ranx
    return ranx


def test_every_user_of_every_shape_agrees(ranx, record_property):
    qrels, run, ours = {}, {}, []
    for number, shape in enumerate(ranking_cases.SHAPES):
        lists, relevant = ranking_cases.drawn(shape, USERS_PER_SHAPE, seed=100 + number)
        prefix = f"s{number:02d}"
        theirs = ranking_cases.as_qrels(relevant)
        recommended = ranking_cases.as_run(lists)
        qrels |= {prefix + name: items for name, items in theirs.items()}
        run |= {prefix + name: items for name, items in recommended.items()}
        with_relevant = np.diff(relevant.indptr) > 0
        values = ranking_metrics(lists, relevant, KS)
        ours.append({name: value[with_relevant] for name, value in values.items()})

    metrics = [f"{name}@{k}" for name in THEIRS.values() for k in KS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba's, as above
        theirs = ranx.Qrels(qrels)
        found = ranx.evaluate(
            theirs, ranx.Run(run), metrics, return_mean=False, make_comparable=True
        )

    assert list(theirs.keys()) == sorted(qrels) == list(qrels)  # both in the order of our rows
    differences = [
        np.abs(np.concatenate([part[f"{name}@{k}"] for part in ours]) - found[f"{other}@{k}"])
        for name, other in THEIRS.items()
        for k in KS
    ]
    record_property("users compared", len(qrels))
    record_property("largest difference", float(np.max(differences)))
    assert len(qrels) > 9_000
    assert np.max(differences) <= 1e-12
