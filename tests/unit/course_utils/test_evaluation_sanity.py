"""sanity_check: each check fails on its own mistake, passes without it, and by hand on a toy."""

import numpy as np
import pytest
from evaluation_models import Factors, Lists, Scores, quietly_fit, random_split
from scipy import sparse
from threadpoolctl import threadpool_limits

from course_utils import metrics
from course_utils.errors import DataError
from course_utils.evaluation import sanity, sanity_check

CHECKS = [
    "shapes", "no overlap", "all known", "nothing seen",
    "beats random", "beats popularity", "known neighbors",
]  # fmt: skip


class Oracle(Scores):
    """Knows the test set, and which items are alike: the columns of the same parity."""

    def __init__(self, test):
        super().__init__(test.toarray())

    def similar_items(self, itemid, N=10):
        ids = np.arange(itemid % 2, self.scores.shape[1], 2)[:N]
        return ids, np.ones(len(ids))


@pytest.fixture
def split():
    """Return 60 users × 30 items; each user and item has something in train, no pair is twice."""
    rng = np.random.default_rng(0)
    train = rng.random((60, 30)) < 0.2
    train[np.arange(60), np.arange(60) % 30] = True
    test = (rng.random((60, 30)) < 0.1) & ~train
    return sparse.csr_matrix(train.astype("f4")), sparse.csr_matrix(test.astype("f4"))


def found(report, check):
    return next(finding for finding in report.findings if finding.check == check)


def test_a_good_model_passes_everything(split):
    report = sanity_check(Oracle(split[1]), *split, k=5, neighbors={4: [9, 6], 5: [7]})
    assert [finding.check for finding in report.findings] == CHECKS
    assert all(finding.passed for finding in report.findings)
    assert report.failed == []
    assert repr(report).startswith("SanityReport(7 of 7 checks passed)\nok    shapes ")


def test_the_transposed_fit_of_implicit_is_a_matter_of_shapes():
    from implicit.als import AlternatingLeastSquares

    train, test = random_split(3)
    with threadpool_limits(1, user_api="blas"):
        wrong, right = (AlternatingLeastSquares(factors=4, random_state=0) for _ in range(2))
        quietly_fit(wrong, sparse.csr_matrix(train.T))
        quietly_fit(right, train)
    report = sanity_check(wrong, train, test)
    assert report.failed == ["shapes", "all known"]  # random_split has users without history
    assert "users and items are swapped" in found(report, "shapes").found
    assert [finding.check for finding in report.findings] == CHECKS
    assert [finding.passed for finding in report.findings[3:]] == [None] * 4
    assert "\n-     beats random      not run; the shapes come first\n" in repr(report)
    assert found(sanity_check(right, train, test), "shapes").passed


def test_matrices_of_two_shapes_and_a_model_that_says_its_own(split):
    train, test = split
    model = Oracle(test)
    report = sanity_check(model, train, test[:, :29])
    assert found(report, "shapes").found == (
        "train is 60 users × 30 items, and test 60 users × 29 items"
    )
    assert [finding.passed for finding in report.findings] == [False] + [None] * 6
    model.n_users, model.n_items = 30, 60
    assert sanity_check(model, train, test).failed == ["shapes"]
    model.n_users, model.n_items = 7, 30  # rows beyond those of the fit may be served
    assert found(sanity_check(model, train, test), "shapes").passed


def test_pairs_in_both_matrices(split):
    train, test = split
    both = sparse.csr_matrix(((train + test) > 0).astype("f4"))
    report = sanity_check(Oracle(test), both, test, k=5)
    assert "no overlap" in report.failed
    assert found(report, "no overlap").found == (
        f"{test.nnz} of {test.nnz} test pairs are in train too"
    )


def test_items_and_tested_users_without_history(split):
    train, test = (matrix.toarray() for matrix in split)
    train[:, [3, 8]] = 0
    train[5], test[5, 7] = 0, 1
    train[6], test[6] = 0, 0  # not tested, so not counted
    train, test = sparse.csr_matrix(train), sparse.csr_matrix(test)
    report = sanity_check(Oracle(test), train, test, k=5)
    assert report.failed == ["all known"]
    assert found(report, "all known").found == (
        "2 items and 1 users of the test set have nothing in train"
    )


def test_seen_items_are_counted_in_the_models_own_answers(split):
    train, test = split
    ids = np.tile(np.arange(4), (60, 1))
    report = sanity_check(Lists(ids), train, test, k=4)
    rows = np.flatnonzero(np.diff(test.indptr))
    seen = int(train.toarray()[rows][:, :4].sum())
    assert found(report, "nothing seen").found == (
        f"{seen} of {4 * len(rows)} recommended items are in the user's train row"
    )
    assert "nothing seen" in report.failed


def test_a_models_own_recommend_is_asked_even_where_its_factors_are_there(split):
    train, test = split

    class Unfiltered(Factors):
        def recommend(self, userids, user_items, N=10):
            return np.tile(np.arange(N), (len(userids), 1)), np.ones((len(userids), N))

    model = Unfiltered(np.ones((60, 1)), np.ones((30, 1)))
    assert "nothing seen" in sanity_check(model, train, test, k=5).failed


def test_random_beats_neither_and_popularity_beats_random_only():
    rng = np.random.default_rng(4)
    liking = np.sort(rng.random(40))[None, :] ** 3
    has = rng.random((400, 40)) < liking
    held_out = rng.random(has.shape) < 0.3
    train, test = (sparse.csr_matrix((has & part).astype("f4")) for part in (~held_out, held_out))
    by_chance = sanity_check(Scores(rng.random(has.shape)), train, test, k=5)
    assert {"beats random", "beats popularity"} <= set(by_chance.failed)
    popular = sanity_check(Scores(np.tile(train.sum(axis=0), (400, 1))), train, test, k=5)
    assert found(popular, "beats random").passed
    assert not found(popular, "beats popularity").passed
    assert "difference 0.0000 [0.0000, 0.0000]" in found(popular, "beats popularity").found


def test_recall_by_chance_is_the_mean_of_many_random_lists(split):
    train, test = split
    test = sparse.csr_matrix(((test + train[::-1]) > 0).astype("f4"))  # some pairs in both
    rows = np.flatnonzero(np.diff(test.indptr))
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(400):
        scores = np.where(train[rows].toarray() > 0, -np.inf, rng.random((len(rows), 30)))
        ids = np.argsort(-scores, axis=1)[:, :5]
        drawn.append(metrics.recall(ids, test[rows], 5).mean())
    by_formula = sanity._recall_by_chance(train[rows], test[rows], 5).mean()
    assert by_formula == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / np.sqrt(400))


def test_recall_by_chance_by_hand():
    seen = sparse.csr_matrix([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    relevant = sparse.csr_matrix([[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 0]])
    # 2 of 3 candidates; the one candidate, but one of two relevant is seen; nothing to find
    assert sanity._recall_by_chance(seen, relevant, 2).tolist() == [2 / 3, 1 / 2, 0]


def test_neighbors_that_are_missed_or_cannot_be_asked_for(split):
    train, test = split
    report = sanity_check(Oracle(test), train, test, k=5, neighbors={4: [9, 5], 6: [2], 8: [8, 1]})
    assert report.failed == ["known neighbors"]
    assert found(report, "known neighbors").found == (
        "1 of 3 items have a known one among 5; column 4 has none"
    )
    assert found(sanity_check(Oracle(test), train, test), "known neighbors").passed is None
    without = sanity_check(Scores(test.toarray()), train, test, neighbors={4: [6]})
    assert found(without, "known neighbors").found == "not run; Scores has no similar_items"


def test_neighbors_of_implicit():
    from implicit.nearest_neighbours import CosineRecommender

    train = sparse.csr_matrix([[1, 1, 0, 0]] * 3 + [[0, 0, 1, 1]] * 3, dtype="f4")
    test = sparse.csr_matrix(np.roll(np.eye(6, 4), 2, axis=1))
    quietly_fit(model := CosineRecommender(K=2, num_threads=1), train)
    report = sanity_check(model, train, test, k=1, neighbors={0: [1], 3: [2]})
    assert found(report, "known neighbors").passed
    assert "known neighbors" in sanity_check(model, train, test, k=1, neighbors={0: [2]}).failed


def test_the_same_seed_gives_the_same_report(split):
    reports = [repr(sanity_check(Oracle(split[1]), *split, seed=seed)) for seed in (1, 1, 2)]
    assert reports[0] == reports[1] != reports[2]


def refused(sentence, *arguments, **options):
    with pytest.raises(DataError) as caught:
        sanity_check(*arguments, **options)
    assert sentence in str(caught.value)


def test_what_is_refused(split):
    train, test = split
    refused("is a class, not a model", Oracle, train, test)
    refused("The test set is empty", Oracle(test), train, sparse.csr_matrix((60, 30)))
    refused("The training matrix must be a sparse matrix", Oracle(test), train.toarray(), test)
    refused("k must be an integer of at least 1, and is 0", Oracle(test), train, test, k=0)
    refused("There is no item column 30", Oracle(test), train, test, neighbors={1: [30]})
