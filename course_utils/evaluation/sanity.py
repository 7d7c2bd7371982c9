"""Can these numbers be right at all? The checks that find a mistake which raises no error."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils import metrics
from course_utils.errors import DataError
from course_utils.evaluation.recommendations import ask
from course_utils.evaluation.statistics import mean_and_interval
from course_utils.ranking import IdArray, dot_product_factors, top_k_of_factors
from course_utils.validation import (
    NOTHING,
    FloatArray,
    as_pairs,
    need_positive,
    need_recommender,
    need_same_shape,
)

OF_DATA = ("no overlap", "all known")
OF_THE_MODEL = ("nothing seen", "beats random", "beats popularity", "known neighbors")
MARKS = {True: "ok", False: "FAIL", None: "-"}


class Finding(NamedTuple):
    """What one check found: its name, whether it passed (None: it could not run), a sentence."""

    check: str
    passed: bool | None
    found: str


@dataclass(frozen=True, repr=False)
class SanityReport:
    """What :func:`sanity_check` found, a line for each check when it is printed.

    Attributes
    ----------
    findings
        One for each check, in the order in which they are worth reading.
    """

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [finding.check for finding in self.findings if finding.passed is False]

    def __repr__(self) -> str:
        ran = sum(finding.passed is not None for finding in self.findings)
        lines = [f"SanityReport({ran - len(self.failed)} of {ran} checks passed)"]
        lines += [
            f"{MARKS[passed]:4}  {check:16}  {found}" for check, passed, found in self.findings
        ]
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
    """Ask what a reviewer would ask before believing a score.

    Parameters
    ----------
    model
        Fitted, of the protocol: ``recommend(userids, user_items[userids], N=k)``.
    train, test
        csr, each of shape (n_users, n_items); any entry that is not 0 counts.
    k
        How many items are recommended to each user.
    neighbors
        For some item columns, those of items that everybody would call similar. At least one of
        them must be among the `k` that ``model.similar_items`` finds nearest.
    n_boot, seed
        Of the bootstrap; see :func:`course_utils.evaluation.statistics.mean_and_interval`.

    Returns
    -------
    SanityReport
        The checks, of which the last four ask the model, and do not run while the first fails:

        - shapes: train, test and the model agree on users × items;
        - no overlap: no pair stands in both train and test;
        - all known: each item, and each user of the test set, has something in train;
        - nothing seen: the model's own ``recommend`` returns no item of the user's row in train;
        - beats random, beats popularity: the model's recall@k less theirs, user by user, has a
          mean whose 95% interval lies above 0. Random is no draw but what is expected of one:
          the share k ÷ candidates of what can be found;
        - known neighbors: see `neighbors`.

    Raises
    ------
    DataError
        When the model is not fitted or answers what cannot be read, a matrix is none or the test
        set is empty, a neighbor is out of range, or `k` is no integer of at least 1.

    Notes
    -----
    Times are not in a matrix: whether the future leaks is for
    :func:`course_utils.splits.assert_no_leakage`. A split that tests on newcomers on purpose
    fails "all known"; the finding says how many there are.

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
    findings = [_shapes(model, known), _no_overlap(known, hidden), _all_known(known, hidden)]
    if not findings[0].passed:
        return SanityReport((*findings, *_not_run(OF_THE_MODEL)))

    rows = np.flatnonzero(np.diff(hidden.indptr))
    seen, relevant = known[rows], hidden[rows]
    ids: IdArray = np.full((len(rows), k), NOTHING, dtype=np.int32)
    already: list[int] = []
    for _ in ask(model, rows, seen, ids, already):
        pass
    findings.append(_nothing_seen(already, ids))
    ours = metrics.recall(ids, relevant, k)
    for name, theirs in {
        "random": _recall_by_chance(seen, relevant, k),
        "popularity": metrics.recall(_most_popular(known, seen, k), relevant, k),
    }.items():
        findings.append(_beats(name, ours, theirs, k, n_boot, seed))
    findings.append(_known_neighbors(model, neighbors, k, known.shape[1]))
    return SanityReport(tuple(findings))


def _not_run(checks: tuple[str, ...]) -> list[Finding]:
    return [Finding(check, None, "not run; the shapes come first") for check in checks]


def _shapes(model: Any, known: sparse.csr_matrix) -> Finding:
    ours = _by(known.shape)
    fitted = (getattr(model, "n_users", 0), getattr(model, "n_items", 0))  # the course's models
    if all(fitted) and fitted[1] != known.shape[1]:
        return Finding(
            "shapes", False, f"the model was fitted on {_by(fitted)}, and train is {ours}"
        )
    factors = dot_product_factors(model)
    try:
        need_same_shape(model, factors, known.shape)
    except DataError as error:
        return Finding("shapes", False, str(error))
    return Finding("shapes", True, ours)


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]:,} users × {shape[1]:,} items"


def _no_overlap(known: sparse.csr_matrix, hidden: sparse.csr_matrix) -> Finding:
    both = known.astype(bool).multiply(hidden.astype(bool)).nnz
    found = f"{both:,} of {hidden.nnz:,} test pairs are in train too"
    return Finding("no overlap", both == 0, found)


def _all_known(known: sparse.csr_matrix, hidden: sparse.csr_matrix) -> Finding:
    items = int((known.getnnz(axis=0) == 0).sum())
    users = int(((np.diff(known.indptr) == 0) & (np.diff(hidden.indptr) > 0)).sum())
    found = f"{items:,} items and {users:,} users of the test set have nothing in train"
    return Finding("all known", items + users == 0, found)


def _nothing_seen(already: list[int], ids: IdArray) -> Finding:
    places = int((ids != NOTHING).sum()) + len(already)
    found = f"{len(already):,} of {places:,} recommended items are in the user's train row"
    return Finding("nothing seen", not already, found)


def _recall_by_chance(seen: sparse.csr_matrix, relevant: sparse.csr_matrix, k: int) -> FloatArray:
    """Return the recall expected of `k` candidates drawn at random, for each user."""
    n_candidates = seen.shape[1] - np.diff(seen.indptr)
    hopeless = np.asarray(relevant.astype(bool).multiply(seen.astype(bool)).sum(axis=1)).ravel()
    n_relevant = np.diff(relevant.indptr)
    findable = (n_relevant - hopeless) / n_relevant
    share: FloatArray = np.minimum(1, k / np.maximum(n_candidates, 1)) * findable
    return share


def _most_popular(known: sparse.csr_matrix, seen: sparse.csr_matrix, k: int) -> IdArray:
    """Return the items most users have, without those a user has: one factor, alike for all."""
    counts = known.getnnz(axis=0).astype(np.float64)
    return top_k_of_factors(np.ones((seen.shape[0], 1)), counts[:, None], seen, k)


def _beats(
    name: str, ours: FloatArray, theirs: FloatArray, k: int, n_boot: int, seed: int
) -> Finding:
    difference, low, high = (
        float(x[0]) for x in mean_and_interval((ours - theirs)[:, None], n_boot, seed)
    )
    found = (
        f"recall@{k} {ours.mean():.4f}, {name} {theirs.mean():.4f}; "
        f"difference {difference:.4f} [{low:.4f}, {high:.4f}]"
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
    lost = [column for column, near in neighbors.items() if not _is_near(model, column, near, k)]
    found = f"{len(neighbors) - len(lost)} of {len(neighbors)} items have a known one among {k}"
    return Finding(name, not lost, found + (f"; column {lost[0]} has none" if lost else ""))


def _is_near(model: Any, column: int, near: Collection[int], k: int) -> bool:
    ids: npt.NDArray[Any] = np.asarray(model.similar_items(column, N=k + 1)[0])
    return bool(np.isin(ids, [c for c in near if c != column]).any())
