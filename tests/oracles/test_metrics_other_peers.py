"""scikit-learn, irspack and implicit, each where its definition can be had through ours."""

import numpy as np
import pytest
import ranking_cases
from scipy import sparse

from course_utils.metrics import (
    average_precision,
    catalogue_coverage,
    exposure_gini,
    ndcg,
    precision,
    ranking_metrics,
)

USERS = 500


@pytest.mark.parametrize("k", [1, 3, 10, 40])
def test_ndcg_is_scikit_learns_on_rankings_of_all_items(k):
    sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is missing")
    rng = np.random.default_rng(k)
    lists = rng.random((USERS, 20)).argsort(axis=1)
    relevant = ranking_cases.relevant_of(rng, USERS, 20, 0.3)
    scores = -lists.argsort(axis=1).astype(float)  # falling along each list, no ties
    theirs = [
        sklearn_metrics.ndcg_score(liked[None], score[None], k=k) if liked.any() else np.nan
        for liked, score in zip(relevant.toarray(), scores, strict=True)
    ]
    np.testing.assert_allclose(ndcg(lists, relevant, k), theirs, rtol=0, atol=1e-12)


# It refuses a cut-off above the number of items, and for k takes the length of a shorter list.
@pytest.mark.parametrize("shape", [s for s in ranking_cases.SHAPES if s[1] <= s[0]], ids=str)
@pytest.mark.parametrize("recall_with_cutoff", [False, True])
def test_irspacks_means_are_ours_for_full_and_empty_lists(shape, recall_with_cutoff):
    evaluation = pytest.importorskip("irspack.evaluation", reason="irspack is not installed")
    lists, relevant = ranking_cases.drawn(shape, USERS, seed=7, holes=False)
    lists = lists[(lists[:, 0] < 0) | (lists[:, -1] >= 0)]
    relevant = relevant[: len(lists)]
    n_items, columns, _ = shape
    scores = np.full((len(lists), n_items), -np.inf)  # what it leaves out of a ranking
    rows, ranks = (lists >= 0).nonzero()
    scores[rows, lists[rows, ranks]] = -ranks
    evaluator = evaluation.Evaluator(
        relevant, cutoff=columns, recall_with_cutoff=recall_with_cutoff, n_threads=1
    )
    theirs = evaluator.get_score_from_score_matrix(scores)

    denominator = "min" if recall_with_cutoff else "relevant"
    ours = {
        name.split("@")[0]: np.nanmean(values)
        for name, values in ranking_metrics(
            lists, relevant, columns, recall_denominator=denominator
        ).items()
    }
    shown = np.diff(relevant.indptr) > 0  # it leaves the others out of exposure as well
    ours["catalog_coverage"] = catalogue_coverage(lists[shown], n_items)
    ours["gini_index"] = exposure_gini(lists[shown], n_items)
    names = ("recall", "precision", "map", "ndcg", "catalog_coverage", "gini_index")
    for theirs_name, ours_name in [("hit", "hit_rate"), *zip(names, names, strict=True)]:
        assert theirs[theirs_name] == pytest.approx(ours[ours_name], rel=0, abs=1e-12), ours_name


@pytest.mark.parametrize("shape", ranking_cases.SHAPES, ids=str)
def test_implicits_means_are_ours(shape):
    evaluation = pytest.importorskip("implicit.evaluation", reason="implicit is not installed")
    lists, liked = ranking_cases.drawn(shape, USERS, seed=11)
    k = shape[1]
    nobodys = sparse.csr_matrix((USERS, 1), dtype=np.float32)
    relevant = sparse.hstack([liked, nobodys], format="csr")  # its AUC divides by dislikes
    theirs = evaluation.ranking_metrics_at_k(
        ranking_cases.Fixed(lists), relevant * 0, relevant, K=k, show_progress=False
    )
    weights = np.minimum(np.diff(relevant.indptr), k)
    shares = np.nan_to_num(precision(lists, relevant, k, denominator="min"))
    ours = {
        "precision": np.average(shares, weights=weights),
        "map": np.nanmean(average_precision(lists, relevant, k, denominator="min")),
        "ndcg": np.nanmean(ndcg(lists, relevant, k)),
    }
    for name, value in ours.items():
        assert theirs[name] == pytest.approx(value, rel=0, abs=1e-12), name
