"""One fixture, nine answers: what each peer makes of the same four lists, through our arguments.

k = 5. User 0: 8 relevant, hits at ranks 1 and 3. User 1: 2 relevant, a hit at rank 2. User 2: 1
relevant, no hit. User 3: 1 relevant, no recommendation at all.
"""

import warnings

import numpy as np
import pytest
import ranking_cases
from scipy import sparse

from course_utils.metrics import average_precision, ndcg, precision, recall

K = 5
LISTS = np.array([[0, 20, 1, 21, 22], [20, 0, 21, 22, 23], [20, 21, 22, 23, 24], [-1] * 5])
RELEVANT = sparse.csr_matrix(
    (np.ones(12), ([0] * 8 + [1, 1, 2, 3], [*range(8), 0, 9, 10, 11])), shape=(4, 40)
)
MIN = {"denominator": "min"}
SKIP = {"missing_users": "skip"}


def mean(metric, **choices):
    return float(np.nanmean(metric(LISTS, RELEVANT, K, **choices)))


def micro_precision():
    """Divide all hits by the sum of all min(n, k), as implicit does."""
    shares = precision(LISTS, RELEVANT, K, **MIN)
    return float(np.average(shares, weights=np.minimum(np.diff(RELEVANT.indptr), K)))


ANSWERS = {
    "ranx, irspack P": (mean(precision), ".150"),
    "ranx, irspack R": (mean(recall), ".1875"),
    "ranx, irspack AP": (mean(average_precision), ".1146"),
    "ranx, irspack NDCG": (mean(ndcg), ".2239"),
    "RecTools P": (mean(precision), ".150"),
    "RecTools R": (mean(recall), ".1875"),
    "RecTools AP": (mean(average_precision), ".1146"),
    "RecTools NDCG": (mean(ndcg, ideal="k"), ".1807"),
    "recommenders P": (mean(precision, **SKIP), ".200"),
    "recommenders R": (mean(recall, **SKIP), ".250"),
    "recommenders map": (mean(average_precision, **SKIP), ".1528"),
    "recommenders map_at_k": (mean(average_precision, **MIN, **SKIP), ".1944"),
    "recommenders NDCG": (mean(ndcg), ".2239"),  # here it counts the user it skipped above
    "pytrec_eval P": (mean(precision, **SKIP), ".200"),
    "pytrec_eval R": (mean(recall, **SKIP), ".250"),
    "pytrec_eval AP": (mean(average_precision, **SKIP), ".1528"),
    "pytrec_eval NDCG": (mean(ndcg, **SKIP), ".2985"),
    "LensKit P": (mean(precision, **SKIP), ".200"),
    "LensKit R": (mean(recall, **MIN, **SKIP), ".300"),
    "LensKit AP": (mean(average_precision, **MIN, **SKIP), ".1944"),
    "LensKit NDCG": (mean(ndcg, discount="rank", **SKIP), ".3193"),
    "implicit P": (micro_precision(), ".333"),
    "implicit AP": (mean(average_precision, **MIN), ".1458"),
    "implicit NDCG": (mean(ndcg), ".2239"),
}


@pytest.mark.parametrize("whose", ANSWERS)
def test_our_arguments_give_each_peers_printed_number(whose):
    ours, printed = ANSWERS[whose]
    assert f"{ours:.{len(printed) - 1}f}" == f"0{printed}"


def test_the_installed_pytrec_eval_says_so():
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="pytrec-eval-terrier is missing")
    measures = {"P.5": "P", "recall.5": "R", "map_cut.5": "AP", "ndcg_cut.5": "NDCG"}
    evaluator = pytrec_eval.RelevanceEvaluator(ranking_cases.as_qrels(RELEVANT), set(measures))
    rows = evaluator.evaluate(ranking_cases.as_run(LISTS)).values()
    for measure, name in measures.items():
        theirs = np.mean([row[measure.replace(".", "_")] for row in rows])
        assert theirs == pytest.approx(ANSWERS[f"pytrec_eval {name}"][0], rel=0, abs=1e-15)


def test_the_installed_ranx_says_so():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba's, about the threads and caches of this machine
        ranx = pytest.importorskip("ranx", reason="ranx is not installed")
        names = {"precision@5": "P", "recall@5": "R", "map@5": "AP", "ndcg@5": "NDCG"}
        qrels = ranx.Qrels(ranking_cases.as_qrels(RELEVANT))
        run = ranx.Run(ranking_cases.as_run(LISTS))
        theirs = ranx.evaluate(qrels, run, list(names), make_comparable=True)
    for measure, name in names.items():
        assert theirs[measure] == pytest.approx(ANSWERS[f"ranx, irspack {name}"][0], abs=1e-15)


def test_the_installed_irspack_says_so():
    evaluation = pytest.importorskip("irspack.evaluation", reason="irspack is not installed")
    scores = np.full(RELEVANT.shape, -np.inf)
    rows, ranks = (LISTS >= 0).nonzero()
    scores[rows, LISTS[rows, ranks]] = -ranks
    theirs = evaluation.Evaluator(RELEVANT, cutoff=K, n_threads=1).get_score_from_score_matrix(
        scores
    )
    for measure, name in {"precision": "P", "recall": "R", "map": "AP", "ndcg": "NDCG"}.items():
        assert theirs[measure] == pytest.approx(ANSWERS[f"ranx, irspack {name}"][0], abs=1e-15)


def test_the_installed_implicit_says_so():
    evaluation = pytest.importorskip("implicit.evaluation", reason="implicit is not installed")
    theirs = evaluation.ranking_metrics_at_k(
        ranking_cases.Fixed(LISTS), RELEVANT * 0, RELEVANT, K=K, show_progress=False
    )
    for measure, name in {"precision": "P", "map": "AP", "ndcg": "NDCG"}.items():
        assert theirs[measure] == pytest.approx(ANSWERS[f"implicit {name}"][0], abs=1e-15)


def test_scikit_learn_agrees_on_the_user_with_a_full_list():
    sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is missing")
    scores = np.full((1, 40), -1.0)
    scores[0, LISTS[0]] = np.arange(K, 0, -1)
    theirs = sklearn_metrics.ndcg_score(RELEVANT[[0]].toarray(), scores, k=K)
    assert theirs == pytest.approx(ndcg(LISTS, RELEVANT, K)[0], abs=1e-15)
