"""Lab 2, step 2: the most similar films of a list of films."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_labs.checks.lab02.data import CHANGED, cosines, make_stars
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import (
    EXAMPLE,
    Table,
    as_ranked,
    best_scores,
    is_changed,
    is_example,
    what_is_wrong,
)


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return matrices, ids and the films asked for; ids are so small that they may be columns."""
    cases = []
    for n_users, n_items, asked, k in [
        (14, 9, [3, 0, 5], 3),
        (9, 14, [7, 2], 5),
        (12, 8, [6, 1], 4),
    ]:
        items = np.sort(rng.choice(np.arange(1, 2 * n_items), n_items, replace=False))
        films = items[asked]
        stars = make_stars(rng, n_users, n_items)
        cases.append({"stars": stars, "items": items, "movie_ids": films, "k": np.array(k)})
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``most_similar(stars, items, movie_ids, k=k)``."""
    stars = sparse.csr_matrix(case["stars"])
    result = answer(stars, case["items"], case["movie_ids"].tolist(), k=int(case["k"]))
    return {**as_ranked(result), "after": stars.toarray()}


def neighbor_table(case: Plain, similarity: Table) -> Table:
    """Return the scores of the films asked for, -inf for the film itself and for scores of 0."""
    columns = np.searchsorted(case["items"], case["movie_ids"])
    table = similarity[columns].copy()
    table[np.arange(len(columns)), columns] = -np.inf
    return np.where(table > 0, table, -np.inf)


def judge(case: Plain, outputs: Plain) -> str:
    """Judge by scores, to within 0.0001; ties may come in any order."""
    wrong = _wrong(case, outputs, neighbor_table(case, cosines(case["stars"])))
    return wrong or (CHANGED if is_changed(case, outputs, "stars") else "")


def _wrong(case: Plain, outputs: Plain, table: Table) -> str:
    rows = [f"film {film}" for film in case["movie_ids"]]
    return what_is_wrong(outputs, table, case["items"], int(case["k"]), rows)


def _right_if(case: Plain, outputs: Plain, **changes: npt.NDArray[Any]) -> bool:
    table = neighbor_table(case, cosines(case["stars"]))
    return not _wrong(case, {**outputs, **changes}, table)


def _as_ids(case: Plain, columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.where(columns >= 0, case["items"][columns], -1)


def _of_columns(case: Plain, outputs: Plain) -> bool:
    """Say whether movie ids were used as columns, where such columns exist."""
    similarity = cosines(case["stars"])
    films = case["movie_ids"]
    rows = np.flatnonzero(films < len(similarity))
    if not len(rows):
        return False
    for itself in (films[rows], np.searchsorted(case["items"], films[rows])):
        table = similarity[films[rows]].copy()
        table[np.arange(len(rows)), itself] = 0
        wrong = best_scores(np.where(table > 0, table, -np.inf), int(case["k"]))
        if np.allclose(outputs["scores"][rows], wrong):
            return True
    return False


def _ascending(case: Plain, outputs: Plain) -> bool:
    scores = np.where(outputs["ids"] >= 0, outputs["scores"], 0)
    there = neighbor_table(case, cosines(case["stars"])).max(axis=1) > 0
    worst_first = (np.diff(scores) > 1e-9).any(axis=1) | (outputs["scores"][:, 0] <= 0)
    return bool(worst_first[there].all() and there.any())


def _distances(case: Plain, outputs: Plain) -> bool:
    scores = np.where(outputs["ids"] < 0, -np.inf, 1 - outputs["scores"])
    return _right_if(case, outputs, scores=scores)


def _in_another_order(case: Plain, outputs: Plain) -> bool:
    order = np.argsort(np.argsort(case["movie_ids"]))
    return len(order) > 1 and _right_if(
        case, outputs, ids=outputs["ids"][order], scores=outputs["scores"][order]
    )


MISTAKES = (
    Mistake(EXAMPLE, is_example({"ids": [[10, 40]], "scores": [[0.97, 0.26]]})),
    Mistake(
        "A movie id was used as a column of the matrix. Look up the column first: "
        "`np.searchsorted(items, movie_ids)`, as `items` is sorted.",
        _of_columns,
        raises="IndexError",
    ),
    Mistake(
        "The rows are in another order than the films that were asked for. A mask such as "
        "`np.isin(items, movie_ids)` forgets the order; use `np.searchsorted`.",
        _in_another_order,
    ),
    Mistake(
        "The ids are columns of the matrix, not movie ids. Translate them at the end: "
        "`items[columns]`.",
        lambda case, out: _right_if(case, out, ids=_as_ids(case, out["ids"])),
    ),
    Mistake(
        "These are distances, 1 minus the cosine. Return the cosine itself, the largest first.",
        _distances,
    ),
    Mistake(
        "The least similar films come first. `argsort` sorts upwards; sort the negated scores.",
        _ascending,
    ),
    Mistake(
        "Each film is its own nearest neighbor, since its similarity to itself is 1. Set that to "
        "`-np.inf` before you take the k best.",
        lambda case, out: bool((out["ids"] == case["movie_ids"][:, None]).any()),
    ),
    Mistake(
        "The lists have one film less than k. If you drop the film itself after taking the k "
        "best, take k + 1 first.",
        lambda case, out: out["ids"].shape[1] == case["k"] - 1,
    ),
    Mistake(
        "Films that share no person with the one asked for are listed with similarity 0. They are "
        "not similar: give id -1 and score `-np.inf` where the similar ones run out.",
        lambda case, out: bool((out["scores"] == 0).any()),
    ),
    Mistake(
        "The scores are dot products, so the lists hold popular films. Use the cosine of step 1.",
        lambda case, out: (
            not _wrong(case, out, neighbor_table(case, case["stars"].T @ case["stars"]))
        ),
    ),
)
