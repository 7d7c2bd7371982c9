"""Sanity checks of an evaluation: mistakes that raise no error but make its numbers wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from course_utils import metrics
from course_utils.errors import DataError
from course_utils.evaluation.comparison import mean_and_interval
from course_utils.evaluation.evaluator import ask
from course_utils.ranking import dot_product_factors, top_k_of_factors
from course_utils.validation import (
    NOTHING,
    FloatArray,
    as_pairs,
    need_positive,
    need_recommender,
    need_same_shape,
)

__all__ = ["Finding", "SanityReport", "sanity_check"]

OF_DATA = ("no overlap", "all known")
OF_THE_MODEL = ("nothing seen", "beats random", "beats popularity", "known neighbors")
MARKS = {True: "ok", False: "FAIL", None: "-"}


class Finding(NamedTuple):
    """The result of one check: its name, whether it passed (None: not run), and a sentence."""

    check: str
    passed: bool | None
    found: str


@dataclass(frozen=True, repr=False)
class SanityReport:
    """The result of :func:`sanity_check`: one :class:`Finding` per check, printed as lines."""

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [finding.check for finding in self.findings if finding.passed is False]

    def __repr__(self) -> str:
        ran = sum(finding.passed is not None for finding in self.findings)
        lines = [f"SanityReport({ran - len(self.failed)} of {ran} checks passed)"]
        lines += [f"{MARKS[ok]:4}  {check:16}  {found}" for check, ok, found in self.findings]
        return "\n".join(lines)


def sanity_check(
    model: Any,
    train: sparse.csr_matrix,
    test: sparse.csr_matrix,
    k: int = 10,
    *,
    neighbors: Mapping[int, Collection[int]] | None = None,
    n_boot: int = 1000,
    seed: int = 42,
) -> SanityReport:
    """Check the data and the model for mistakes that make an evaluation wrong.

    A matrix has no timestamps: :func:`course_utils.splits.assert_no_leakage` finds leakage from
    the future.

    Parameters
    ----------
    model
        Fitted, with the method ``recommend(userids, user_items[userids], N=k)`` of the protocol.
    train, test
        csr, each of shape (n_users, n_items); any entry that is not 0 counts.
    k
        Number of items recommended to each user.
    neighbors
        For some item columns, the columns of clearly similar items. At least one of them must be
        among the `k` nearest of ``model.similar_items``.
    n_boot, seed
        As in :func:`course_utils.evaluation.mean_and_interval`.

    Returns
    -------
    SanityReport
        The checks, in this order; the last four do not run when the first fails.

        - shapes: train, test and the model agree on users × items;
        - no overlap: no pair is in both train and test;
        - all known: each item, and each user of the test set, has an entry in train (a split of
          cold users or items fails by design);
        - nothing seen: the model's own ``recommend`` returns no item of the user's row in train;
        - beats random, beats popularity: the 95% interval of the mean difference in recall@k is
          above 0; for random, the expected value of recall is taken;
        - known neighbors: see `neighbors`.

    Raises
    ------
    DataError
        When the model is not fitted or its answers are invalid, a matrix is invalid or the test
        set is empty, or `k` or a neighbor is out of range.

    Examples
    --------
    >>> from course_utils.models import Popularity
    >>> train = sparse.csr_matrix([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]])
    >>> test = sparse.csr_matrix([[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]])
    >>> sanity_check(Popularity().fit(train.T), train, test, k=1).failed
    ['shapes']
    >>> sanity_check(Popularity().fit(train), train, test, k=1).failed
    ['beats popularity']
    """
    k = need_positive(k, "k")
    need_recommender(model)
    known = sparse.csr_matrix(as_pairs(train, "The training matrix"))
    hidden = sparse.csr_matrix(as_pairs(test, "The test matrix"))
    if not hidden.nnz:
        raise DataError("The test set is empty: no user has anything in it to be found.")
    if known.shape != hidden.shape:
        unlike = f"train is {_by(known.shape)}, and test {_by(hidden.shape)}"
        return SanityReport((Finding("shapes", False, unlike), *_not_run(OF_DATA + OF_THE_MODEL)))
    findings = [_shapes(model, known), *_of_data(known, hidden)]
    if not findings[0].passed:
        return SanityReport((*findings, *_not_run(OF_THE_MODEL)))

    rows = np.flatnonzero(np.diff(hidden.indptr))
    seen, relevant = known[rows], hidden[rows]
    ids, repeated = ask(model, rows, seen, k)
    n_seen = int(repeated.sum())
    n_ids = int((ids != NOTHING).sum()) + n_seen
    found = f"{n_seen:,} of {n_ids:,} recommended items are in the user's train row"
    findings.append(Finding("nothing seen", n_seen == 0, found))

    counts = known.getnnz(axis=0).astype(np.float64)
    popular = top_k_of_factors(np.ones((len(rows), 1)), counts[:, None], seen, k)
    recall = metrics.recall(ids, relevant, k)
    for name, baseline in {
        "random": _recall_by_chance(seen, relevant, k),
        "popularity": metrics.recall(popular, relevant, k),
    }.items():
        findings.append(_beats(name, recall, baseline, k, n_boot, seed))
    findings.append(_known_neighbors(model, neighbors, k, known.shape[1]))
    return SanityReport(tuple(findings))


def _not_run(checks: tuple[str, ...]) -> list[Finding]:
    return [Finding(check, None, "not run; the shapes come first") for check in checks]


def _shapes(model: Any, known: sparse.csr_matrix) -> Finding:
    fitted = (getattr(model, "n_users", 0), getattr(model, "n_items", 0))  # the course's models
    if all(fitted) and fitted[1] != known.shape[1]:
        found = f"the model was fitted on {_by(fitted)}, and train is {_by(known.shape)}"
        return Finding("shapes", False, found)
    try:
        need_same_shape(model, dot_product_factors(model), known.shape)
    except DataError as error:
        return Finding("shapes", False, str(error))
    return Finding("shapes", True, _by(known.shape))


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]:,} users × {shape[1]:,} items"


def _of_data(known: sparse.csr_matrix, hidden: sparse.csr_matrix) -> list[Finding]:
    both = known.astype(bool).multiply(hidden.astype(bool)).nnz
    overlap = f"{both:,} of {hidden.nnz:,} test pairs are in train too"
    items = int((known.getnnz(axis=0) == 0).sum())
    users = int(((np.diff(known.indptr) == 0) & (np.diff(hidden.indptr) > 0)).sum())
    unknown = f"{items:,} items and {users:,} users of the test set have nothing in train"
    return [
        Finding("no overlap", both == 0, overlap),
        Finding("all known", items + users == 0, unknown),
    ]


def _recall_by_chance(seen: sparse.csr_matrix, relevant: sparse.csr_matrix, k: int) -> FloatArray:
    """Return each user's expected recall for `k` random candidates."""
    n_candidates = seen.shape[1] - np.diff(seen.indptr)
    in_both = np.asarray(relevant.astype(bool).multiply(seen.astype(bool)).sum(axis=1)).ravel()
    n_relevant = np.diff(relevant.indptr)
    findable = (n_relevant - in_both) / n_relevant  # seen items are no candidates
    share: FloatArray = np.minimum(1, k / np.maximum(n_candidates, 1)) * findable
    return share


def _beats(
    name: str, ours: FloatArray, theirs: FloatArray, k: int, n_boot: int, seed: int
) -> Finding:
    mean, low, high = (x.item() for x in mean_and_interval((ours - theirs)[:, None], n_boot, seed))
    found = (
        f"recall@{k} {ours.mean():.4f}, {name} {theirs.mean():.4f}; "
        f"difference {mean:.4f} [{low:.4f}, {high:.4f}]"
    )
    return Finding(f"beats {name}", low > 0, found)


def _known_neighbors(
    model: Any, neighbors: Mapping[int, Collection[int]] | None, k: int, n_items: int
) -> Finding:
    name = "known neighbors"
    if not neighbors:
        return Finding(name, None, "not run; give `neighbors`")
    if not callable(getattr(model, "similar_items", None)):
        return Finding(name, None, f"not run; {type(model).__name__} has no similar_items")
    for column in (*neighbors, *(c for near in neighbors.values() for c in near)):
        if not 0 <= column < n_items:
            raise DataError(
                f"There is no item column {column}: columns go from 0 to {n_items - 1}; movie ids "
                "become columns with Interactions.columns_of."
            )
    lost = []
    for column, near in neighbors.items():
        nearest = np.asarray(model.similar_items(column, N=k + 1)[0])
        if not np.isin(nearest, [c for c in near if c != column]).any():
            lost.append(column)
    found = f"{len(neighbors) - len(lost)} of {len(neighbors)} items have a known one among {k}"
    return Finding(name, not lost, found + (f"; column {lost[0]} has none" if lost else ""))
