"""Metrics: cases on paper, what must always hold, plain loops as a second opinion, bad input."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from course_utils.errors import DataError
from course_utils.metrics import (
    average_precision,
    beyond,
    catalogue_coverage,
    exposure_gini,
    genre_calibration,
    genre_diversity,
    hit_rate,
    intra_list_diversity,
    mean_popularity,
    ndcg,
    novelty,
    personalization,
    precision,
    ranking_metrics,
    recall,
    reciprocal_rank,
)

# Ann likes 0, 2, 3 and gets hits at ranks 1 and 3; Bob likes 1 and gets nothing; Cem likes nothing.
LISTS = np.array([[0, 1, 2, 4], [-1, -1, -1, -1], [3, 2, 1, 0]])
RELEVANT = sparse.csr_matrix([[1, 0, 1, 1, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
RANKING = (recall, precision, hit_rate, reciprocal_rank, average_precision, ndcg)
nan = math.nan


@st.composite
def worlds(draw, max_items=7):
    """Draw lists with -1 anywhere, relevant items, and the number of items."""
    n_users, n_items = draw(st.integers(1, 8)), draw(st.integers(1, max_items))
    columns = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    filled = min(columns, n_items)
    lists = np.full((n_users, columns), -1)
    lists[:, :filled] = rng.random((n_users, n_items)).argsort(axis=1)[:, :filled]
    lists[rng.random(lists.shape) < draw(st.sampled_from([0, 0.3, 0.9]))] = -1
    liked = rng.random((n_users, n_items)) < draw(st.sampled_from([0.1, 0.5, 1]))
    return lists, sparse.csr_matrix(liked.astype(np.float32)), n_items


def same(left, right):
    np.testing.assert_allclose(left, right, rtol=0, atol=1e-12)


def test_each_metric_on_paper():
    same(recall(LISTS, RELEVANT, 4), [2 / 3, 0, nan])
    same(precision(LISTS, RELEVANT, 4), [2 / 4, 0, nan])
    same(hit_rate(LISTS, RELEVANT, 4), [1, 0, nan])
    same(reciprocal_rank(LISTS[:, 1:], RELEVANT, 3), [1 / 2, 0, nan])
    same(average_precision(LISTS, RELEVANT, 4), [(1 + 2 / 3) / 3, 0, nan])
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    same(ndcg(LISTS, RELEVANT, 4), [1.5 / ideal, 0, nan])


def test_each_choice_on_paper():
    same(recall(LISTS, RELEVANT, 2, denominator="min")[0], 1 / 2)
    same(precision(LISTS, RELEVANT, 4, denominator="min")[0], 2 / 3)
    for denominator, below in [("min", 3), ("k", 4), ("hits", 2)]:
        value = average_precision(LISTS, RELEVANT, 4, denominator=denominator)
        same(value, [(1 + 2 / 3) / below, 0, nan])
    gain = [1 / math.log2(rank + 1) for rank in range(1, 5)]
    same(ndcg(LISTS, RELEVANT, 1, ideal="relevant")[0], 1 / sum(gain[:3]))
    same(ndcg(LISTS, RELEVANT, 4, ideal="k")[0], 1.5 / sum(gain))
    third = 1 / math.log2(3)  # rank 2 is not discounted
    same(ndcg(LISTS, RELEVANT, 4, discount="rank")[0], (1 + third) / (2 + third))


@pytest.mark.parametrize("metric", RANKING)
def test_who_gets_nothing_counts_as_zero_or_is_skipped(metric):
    assert metric(LISTS, RELEVANT)[1] == 0
    assert np.isnan(metric(LISTS, RELEVANT, missing_users="skip")).tolist() == [False, True, True]


def test_a_list_that_is_empty_only_up_to_k_is_no_missing_user():
    late, liked = [[-1, 0]], sparse.csr_matrix([[1]])
    assert recall(late, liked, 1, missing_users="skip") == [0]
    assert reciprocal_rank(late, liked, 2) == [0.5]  # -1 keeps its rank


@pytest.mark.parametrize("metric", RANKING)
def test_lists_without_users_or_ranks(metric):
    none = metric(np.empty((0, 3), dtype=int), sparse.csr_matrix((0, 5)))
    assert none.shape == (0,)
    same(metric(np.empty((3, 0), dtype=int), RELEVANT), [0, 0, nan])


@given(worlds(), st.integers(1, 12))
def test_plain_loops_say_the_same(world, k):
    lists, relevant, _ = world
    for row, (items, liked) in enumerate(zip(lists, relevant.toarray() > 0, strict=True)):
        if not liked.any():
            continue
        hits = [item >= 0 and liked[item] for item in items[:k]]
        n, ranks = liked.sum(), [rank for rank, hit in enumerate(hits, 1) if hit]
        same(recall(lists, relevant, k)[row], len(ranks) / n)
        same(precision(lists, relevant, k)[row], len(ranks) / k)
        same(reciprocal_rank(lists, relevant, k)[row], 1 / ranks[0] if ranks else 0)
        sum_of = sum(found / rank for found, rank in enumerate(ranks, 1))
        same(average_precision(lists, relevant, k)[row], sum_of / n)
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(n, k) + 1))
        gain = sum(1 / math.log2(rank + 1) for rank in ranks)
        same(ndcg(lists, relevant, k)[row], gain / ideal)


@given(worlds())
def test_what_must_always_hold(world):
    lists, relevant, _ = world
    values = ranking_metrics(lists, relevant, range(1, 13))
    for value in values.values():
        known = value[~np.isnan(value)]
        assert ((known >= 0) & (known <= 1 + 1e-12)).all()
    for name in ("recall", "hit_rate", "mrr", "map"):
        steps = np.diff([values[f"{name}@{k}"] for k in range(1, 13)], axis=0)
        assert not (steps < 0).any(), name  # more ranks never hurt
    same(values["recall@12"], values[f"recall@{max(lists.shape[1], 1)}"])


@given(worlds(), st.randoms(use_true_random=False))
def test_users_stand_for_themselves(world, random):
    lists, relevant, _ = world
    order = random.sample(range(len(lists)), len(lists))
    shuffled = ranking_metrics(lists[order], relevant[order], (1, 4))
    for name, values in ranking_metrics(lists, relevant, (1, 4)).items():
        np.testing.assert_array_equal(shuffled[name], values[order])


@given(worlds(), st.sampled_from([np.int8, np.int32]), st.sampled_from(["csc", "coo", "lil"]))
def test_a_miss_at_the_end_the_type_and_the_format_change_nothing(world, dtype, form):
    lists, relevant, _ = world
    padded = np.hstack([lists, np.full((len(lists), 1), -1)]).astype(dtype)
    again = ranking_metrics(padded, relevant.asformat(form) * -3, 20)
    for name, values in ranking_metrics(lists, relevant, 20).items():
        np.testing.assert_array_equal(values, again[name])


def test_one_pass_gives_what_the_single_functions_give():
    both = ranking_metrics(
        LISTS, RELEVANT, (1, 3), ("recall", "map", "ndcg"),
        recall_denominator="min", map_denominator="k", ideal="k", missing_users="skip",
    )  # fmt: skip
    assert list(both) == ["recall@1", "map@1", "ndcg@1", "recall@3", "map@3", "ndcg@3"]
    skip = {"missing_users": "skip"}
    for k in (1, 3):
        same(both[f"recall@{k}"], recall(LISTS, RELEVANT, k, denominator="min", **skip))
        same(both[f"map@{k}"], average_precision(LISTS, RELEVANT, k, denominator="k", **skip))
        same(both[f"ndcg@{k}"], ndcg(LISTS, RELEVANT, k, ideal="k", **skip))


def test_the_callers_matrix_stays_as_it_is():
    untidy = sparse.csr_matrix(([1.0, 0.0, 1.0], [2, 1, 0], [0, 3]), shape=(1, 3))
    assert recall([[0, 1]], untidy, 2) == [0.5]
    assert untidy.indices.tolist() == [2, 1, 0]
    assert untidy.data.tolist() == [1, 0, 1]


BAD = [
    ((LISTS, RELEVANT, 0), "cut-off k must be an integer of at least 1, and is 0"),
    ((LISTS, RELEVANT, -3), "and is -3"),
    ((LISTS, RELEVANT, True), "and is True"),
    ((LISTS, RELEVANT, 2.0), "and is 2.0"),
    ((LISTS / 2, RELEVANT), "must be integers, columns of the items, and are float64"),
    (([0, 1], RELEVANT), "must be a table of shape (users, ranks), and have the shape (2,)"),
    (([[0, 1], [2]], RELEVANT), "differ in length; fill the short ones up with -1"),
    ((np.where(LISTS == 3, 5, LISTS), RELEVANT), "user row 2 holds item 5, but items are columns"),
    ((LISTS - 1, RELEVANT), "user row 1 holds item -2"),
    (([[0, 1], [3, 3], [0, 1]], RELEVANT), "user row 1 holds item 3 twice"),
    ((LISTS[:2], RELEVANT), "2 lists of recommendations, but the matrix has 3 rows and 5 columns"),
    ((LISTS, RELEVANT.T[:, :3].tocsr()), "has 5 rows and 3 columns; it looks like items × users"),
    ((LISTS, RELEVANT.toarray()), "must be a sparse matrix, and is ndarray"),
    ((LISTS, None), "must be a sparse matrix, and is NoneType"),
    ((LISTS, RELEVANT * nan), "holds NaN"),
]  # fmt: skip


@pytest.mark.parametrize("metric", RANKING)
@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_bad_input_is_refused_in_one_sentence(metric, arguments, words):
    with pytest.raises(DataError, match=re.escape(words)):
        metric(*arguments)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: recall(LISTS, RELEVANT, denominator="n"), "one of 'relevant', 'min', not 'n'"),
        (lambda: precision(LISTS, RELEVANT, denominator="n"), "one of 'k', 'min', not 'n'"),
        (lambda: average_precision(LISTS, RELEVANT, denominator=""), "'min', 'k', 'hits', not ''"),
        (lambda: ndcg(LISTS, RELEVANT, ideal="all"), "one of 'min', 'k', 'relevant', not 'all'"),
        (lambda: ndcg(LISTS, RELEVANT, discount="log"), "one of 'rank+1', 'rank', not 'log'"),
        (lambda: hit_rate(LISTS, RELEVANT, missing_users="no"), "one of 'zero', 'skip', not 'no'"),
        (lambda: ranking_metrics(LISTS, RELEVANT, (), ["map"]), "no cut-off k"),
        (lambda: ranking_metrics(LISTS, RELEVANT, 5, ["auc"]), "'mrr', 'map', 'ndcg', not 'auc'"),
    ],
)
def test_an_unknown_choice_is_answered_with_the_choices(call, words):
    with pytest.raises(DataError, match=re.escape(words)):
        call()


def test_beyond_accuracy_on_paper():
    lists = [[0, 1], [0, -1], [-1, -1]]
    assert catalogue_coverage(lists, 4) == 0.5
    assert exposure_gini(lists, 3) == pytest.approx((-2 * 0 + 0 * 1 + 2 * 2) / (3 * 3))
    assert math.isnan(exposure_gini([[-1]], 3))
    same(mean_popularity(lists, [4, 1, 0]), [2.5, 4, nan])
    same(novelty(lists, [4, 1, 0], 8), [(1 + 3) / 2, 1, nan])
    same(novelty([[2]], [4, 1, 0], 8), [3])  # nobody has it: as if one user did
    same(intra_list_diversity(lists, [[1, 0], [1, 1]]), [1 - math.sqrt(0.5), nan, nan])
    same(intra_list_diversity([[0, 1]], [[1, 0], [0, 0]]), [1])  # no direction: cosine 0
    same(intra_list_diversity([[0, 1]], [[1e-200, 0], [1e200, 0]]), [0])
    genres = sparse.csr_matrix([[1, 1, 0], [1, 0, 0], [0, 0, 0]])
    same(genre_diversity(lists, genres), [2 / 3, 1, nan])
    same(genre_diversity([[2]], genres), [nan])
    assert personalization(lists) == pytest.approx(1 - 1 / math.sqrt(2))
    assert personalization([[0, 1], [1, 0]]) == pytest.approx(0)
    assert personalization([[0, 1], [2, 3]]) == 1
    assert math.isnan(personalization([[0, 1], [-1, -1]]))


def test_calibration_on_paper():
    genres = sparse.csr_matrix([[1, 1, 0], [1, 0, 0], [0, 0, 0]])
    history = sparse.csr_matrix([[2, 0, 1], [0, 1, 0], [0, 0, 1]])
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    smooth = 0.9 * q + 0.1 * p
    values = genre_calibration([[0, 1], [1, -1], [0, 1]], history, genres, alpha=0.1)
    same(values, [(p * np.log(p / smooth)).sum(), 0, nan])
    same(genre_calibration([[2, -1]], history[:1], genres), [nan])


@given(worlds(), hnp.arrays(float, (7, 3), elements=st.floats(-5, 5, width=16)))
def test_plain_loops_say_the_same_beyond_accuracy(world, numbers):
    lists, relevant, n_items = world
    counts = np.asarray((relevant > 0).sum(axis=0)).ravel()
    vectors, genres = numbers[:n_items], sparse.csr_matrix(numbers[:n_items] > 0)
    items = [[item for item in row if item >= 0] for row in lists]
    some = [row for row in items if row]

    shown = [sum(item in row for row in items) for item in range(n_items)]
    assert catalogue_coverage(lists, n_items) == np.mean(np.array(shown) > 0)
    if some:
        apart = sum(abs(a - b) for a in shown for b in shown)
        same(exposure_gini(lists, n_items), apart / (2 * n_items * sum(shown)))
    same(mean_popularity(lists, counts), [np.mean(counts[row]) if row else nan for row in items])
    surprise = -np.log2(np.maximum(counts, 1) / len(lists))
    same(novelty(lists, counts, len(lists)), [np.mean(surprise[r]) if r else nan for r in items])

    def cosine(left, right):
        lengths = np.linalg.norm(left) * np.linalg.norm(right)
        return left @ right / lengths if lengths else 0

    def varied(row):
        pairs = [1 - cosine(vectors[a], vectors[b]) for a, b in itertools.combinations(row, 2)]
        return np.mean(pairs) if pairs else nan

    for form in (vectors, sparse.csr_matrix(vectors)):
        same(intra_list_diversity(lists, form), [varied(row) for row in items])
    has = genres.toarray()
    mentioned = [has[row].sum(axis=0) for row in items]
    wanted = [(m > 0).sum() / m.sum() if m.sum() else nan for m in mentioned]
    same(genre_diversity(lists, genres), wanted)
    overlaps = [
        len({*a} & {*b}) / math.sqrt(len(a) * len(b)) for a, b in itertools.combinations(some, 2)
    ]
    same(personalization(lists), 1 - np.mean(overlaps) if overlaps else nan)


@given(worlds(), worlds())
def test_calibration_lies_between_nothing_and_its_worst(world, other):
    lists, history, n_items = world
    genres = sparse.csr_matrix(np.arange(n_items * 3).reshape(n_items, 3) % 4 == 0)
    values = genre_calibration(lists, history, genres, alpha=0.05)
    known = values[~np.isnan(values)]
    assert ((known >= 0) & (known <= -math.log(0.05) + 1e-12)).all()


def test_many_users_are_worked_through_in_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    lists, vectors = rng.random((50, 9)).argsort(axis=1)[:, :4], rng.normal(size=(9, 3))
    genres, history = sparse.csr_matrix(vectors > 0), sparse.csr_matrix(rng.random((50, 9)) < 0.3)
    whole = intra_list_diversity(lists, vectors), genre_calibration(lists, history, genres)
    monkeypatch.setattr(beyond, "USERS_AT_ONCE", 7)
    same(intra_list_diversity(lists, vectors), whole[0])
    same(genre_calibration(lists, history, genres), whole[1])


GENRES = sparse.csr_matrix(np.eye(5))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: catalogue_coverage(LISTS, 0), "n_items must be an integer of at least 1"),
        (lambda: exposure_gini(LISTS, 4), "items are columns from 0 to 3"),
        (lambda: mean_popularity(LISTS, [1, 2, nan, 1, 1]), "one number per item"),
        (lambda: mean_popularity(LISTS, [1, 2, 3]), "items are columns from 0 to 2"),
        (lambda: novelty(LISTS, [9, 1, 1, 1, 1], 3), "count is 9, more than there are users, 3"),
        (lambda: intra_list_diversity(LISTS, [1, 2, 3]), "must have the shape (items, d)"),
        (lambda: intra_list_diversity(LISTS, np.full((5, 2), nan)), "must be finite"),
        (lambda: intra_list_diversity(LISTS, GENRES * nan), "must be finite"),
        (lambda: genre_diversity(LISTS, np.eye(5)), "must be a sparse matrix"),
        (lambda: genre_calibration(LISTS, RELEVANT, GENRES, alpha=0), "alpha must lie between"),
        (lambda: genre_calibration(LISTS, RELEVANT, GENRES[:4]), "5 items, but the genres have 4"),
        (lambda: genre_calibration(LISTS, RELEVANT[:2], GENRES), "3 lists of recommendations"),
        (lambda: personalization([[1, 1]]), "holds item 1 twice"),
    ],
)
def test_bad_input_beyond_accuracy_is_refused_in_one_sentence(call, words):
    with pytest.raises(DataError, match=re.escape(words)):
        call()


def test_personalization_does_not_depend_on_how_items_are_numbered():
    near = np.array([[0, 1, 2], [0, 3, 4], [1, 5, -1]])
    far = np.where(near >= 0, near * 10**12 + 7, -1)
    assert personalization(near) == personalization(far)
