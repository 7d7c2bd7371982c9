"""Our defaults are trec_eval's, to the last digit."""

import numpy as np
import pytest
import ranking_cases
from hypothesis import given, settings

from course_utils.metrics import average_precision, ndcg, ranking_metrics, recall, reciprocal_rank

pytrec_eval = pytest.importorskip("pytrec_eval", reason="pytrec-eval-terrier is not installed")

THEIRS = {
    "recall": "recall",
    "precision": "P",
    "hit_rate": "success",
    "map": "map_cut",
    "ndcg": "ndcg_cut",
}
KS = (1, 2, 3, 5, 10, 17, 1000)
USERS_PER_SHAPE = 1000


def trec_eval(lists, relevant, ks):
    cuts = ",".join(map(str, ks))
    measures = {f"{name}.{cuts}" for name in THEIRS.values()} | {"recip_rank", "map", "ndcg"}
    evaluator = pytrec_eval.RelevanceEvaluator(ranking_cases.as_qrels(relevant), measures)
    return evaluator.evaluate(ranking_cases.as_run(lists))


def largest_difference(lists, relevant, ks=KS):
    """Compare every user and metric; return the largest difference and the number of users."""
    theirs = trec_eval(lists, relevant, ks)
    names = [ranking_cases.user(row) for row in range(len(lists))]
    returned = np.array([name in theirs for name in names])
    columns = lists.shape[1]

    def their(measure):
        return np.array([theirs[name][measure] for name in names if name in theirs])

    n_relevant = np.diff(relevant.indptr)
    recommended = (lists >= 0).any(axis=1)
    assert (returned == ((n_relevant > 0) & recommended)).all()

    skipped = ranking_metrics(lists, relevant, ks, missing_users="skip")
    counted = ranking_metrics(lists, relevant, ks)
    assert all((np.isnan(values) == ~returned).all() for values in skipped.values())
    for values in counted.values():
        assert (np.isnan(values) == (n_relevant == 0)).all()
        assert (values[(n_relevant > 0) & ~recommended] == 0).all()

    pairs = [
        (skipped[f"{ours}@{k}"], their(f"{name}_{k}")) for ours, name in THEIRS.items() for k in ks
    ]
    pairs += [
        (reciprocal_rank(lists, relevant, columns), their("recip_rank")),
        (average_precision(lists, relevant, columns), their("map")),
        (ndcg(lists, relevant, columns, ideal="relevant"), their("ndcg")),
    ]
    for k in ks:  # other denominators, from their numbers
        n, least = n_relevant[returned], np.minimum(n_relevant[returned], k)
        pairs += [
            (recall(lists, relevant, k, denominator="min"), their(f"recall_{k}") * n / least),
            (
                average_precision(lists, relevant, k, denominator="min"),
                their(f"map_cut_{k}") * n / least,
            ),
            (average_precision(lists, relevant, k, denominator="k"), their(f"map_cut_{k}") * n / k),
        ]
    differences = [np.abs(ours[returned] - other).max(initial=0) for ours, other in pairs]
    return max(differences), int(returned.sum())


@pytest.mark.parametrize("shape", ranking_cases.SHAPES, ids=str)
def test_a_thousand_users_of_each_shape_agree(shape, record_property):
    lists, relevant = ranking_cases.drawn(shape, USERS_PER_SHAPE, seed=sum(shape[:2]))
    difference, compared = largest_difference(lists, relevant)
    record_property("largest difference", float(difference))  # xdist sends it on
    record_property("users compared", compared)
    assert difference <= 1e-12
    assert compared > USERS_PER_SHAPE * 0.2


def test_these_are_more_than_ten_thousand_cases():
    assert len(ranking_cases.SHAPES) * USERS_PER_SHAPE >= 10_000


@settings(max_examples=300)
@given(ranking_cases.cases())
def test_what_hypothesis_thinks_of_agrees(case):
    difference, _ = largest_difference(*case, ks=(1, 2, 4, 9, 30))
    assert difference <= 1e-12
