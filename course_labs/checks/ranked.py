"""Judge top-k lists by their scores, so that ties may be broken in any order.

A judge that compares ids would fail a right answer that breaks a tie differently, or that adds in
another order. Here the listed scores must be the k best ones, to within a tolerance, and each id
must be of an item with the score beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_labs.checks.question import AnswerError, Detector, Outputs, Plain, named_type

TOLERANCE = 1e-4  # of a score; enough for float32, far below the differences within a case
EXAMPLE = "This is the answer to the example on the page. Compute it from what you are given."
Table = npt.NDArray[np.float64]


def as_ranked(result: Any) -> dict[str, npt.ArrayLike]:
    """Return the ids and scores of a result that should be a pair of tables.

    Raises
    ------
    AnswerError
        When it is no pair.
    """
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise AnswerError(f"Return a pair, `ids, scores`; this returns {named_type(result)}.")
    return {"ids": result[0], "scores": result[1]}


def best_scores(table: Table, k: int) -> Table:
    """Return the k best scores of each row, best first, and -inf where there are fewer."""
    best = -np.sort(-table, axis=1)[:, :k]
    return np.pad(best, ((0, 0), (0, k - best.shape[1])), constant_values=-np.inf)


def what_is_wrong(
    outputs: Plain, table: Table, labels: npt.ArrayLike, k: int, rows: Sequence[str]
) -> str:
    """Return one sentence on the first error in top-k lists, "" when there is none.

    Parameters
    ----------
    outputs
        With ``ids`` and ``scores``, each of shape (n_rows, k).
    table
        The true scores, shape (n_rows, n_items); -inf for items that are no candidates.
    labels
        The id of each column of `table`.
    k
        The length of a list.
    rows
        The name of each row in the sentence, such as "film 7".
    """
    ids, scores = outputs["ids"], outputs["scores"]
    wanted = (len(table), k)
    if ids.shape != wanted or scores.shape != wanted:
        return (
            f"`ids` and `scores` should have the shape {wanted} here, a row for each one asked "
            f"and a column for each of the {k} best, and have {ids.shape} and {scores.shape}."
        )
    best = best_scores(table, k)
    names = np.asarray(labels)
    for n, row in enumerate(rows):
        its_ids, its_scores, its_best = ids[n], scores[n], best[n]
        there = its_best > -np.inf
        if not np.allclose(its_scores, its_best, rtol=0, atol=TOLERANCE):
            return (
                f"For {row} the scores should be {_list(its_best)}, and yours are "
                f"{_list(its_scores)}."
            )
        found = [np.flatnonzero(names == name) for name in its_ids[there]]
        listed = len(set(its_ids[there].tolist())) == there.sum()
        if not listed or any(not len(column) for column in found):
            return f"For {row} an id is unknown or stands twice: {_list(its_ids)}."
        own = table[n, [column[0] for column in found]]
        if not np.allclose(own, its_best[there], rtol=0, atol=TOLERANCE):
            return f"For {row} the scores are right, but ids {_list(its_ids)} are not."
        if (its_ids[~there] != -1).any():
            return f"For {row} fewer than {k} are left: end the ids with -1."
    return ""


def lists_seen(ids: npt.NDArray[Any], histories: Table) -> bool:
    """Say whether a list holds an item of its user's history; both have a row for each user."""
    ids = ids.astype(int)
    listed = np.take_along_axis(histories, np.maximum(ids, 0), axis=1)
    return bool(((listed > 0) & (ids >= 0)).any())


def is_changed(case: Plain, outputs: Plain, name: str) -> bool:
    """Say whether the student's code changed an input, which ``ask`` returns as ``after``."""
    return not np.array_equal(case[name], outputs["after"])


def is_example(shown: Outputs) -> Detector:
    """Return a detector of an answer that repeats the outputs of the notebook's example."""

    def made(case: Plain, outputs: Plain) -> bool:
        return all(
            outputs[name].shape == np.shape(value) and np.allclose(outputs[name], value, atol=0.006)
            for name, value in shown.items()
        )

    return made


def as_row(value: Any) -> Any:
    """Return a sparse result as a dense array, anything else unchanged."""
    return value.toarray() if sparse.issparse(value) else value


def _list(values: npt.NDArray[Any]) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in values.tolist()) + "]"
