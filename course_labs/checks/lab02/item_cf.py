"""Lab 2, step 3: the class ItemCF."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from course_labs.checks.lab02.data import CHANGED, cosines, make_stars
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import Table, as_ranked, is_changed, lists_seen, what_is_wrong


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return matrices, users to recommend for, one of them without a rating, and several N."""
    cases = []
    for n_users, n_items, k, n in [(14, 12, 3, 4), (20, 15, 5, 2), (12, 9, 2, 12)]:
        stars = make_stars(rng, n_users, n_items)
        stars[4] = 0
        users = np.array([5, 4, 1, n_users - 1, 0])
        cases.append({"stars": stars, "users": users, "k": np.array(k), "n": np.array(n)})
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``ItemCF(k=k)``, ``fit(stars)`` and ``recommend(users, stars[users], N=n)``."""
    stars = sparse.csr_matrix(case["stars"])
    model = answer(k=int(case["k"]))
    model.fit(stars)
    rows = stars[case["users"]]
    result = model.recommend(case["users"], rows, N=int(case["n"]))
    return {**as_ranked(result), "after": stars.toarray()}


def nearest(case: Plain, k: int | None = None, *, itself: bool = False) -> Table:
    """Return the k largest cosines of each film, without the film itself, and 0 elsewhere."""
    k = int(case["k"]) if k is None else k
    table = cosines(case["stars"])
    if not itself:
        np.fill_diagonal(table, 0)
    below = np.argsort(-table, axis=1, kind="stable")[:, k:]
    np.put_along_axis(table, below, 0, axis=1)
    return table


def score_table(case: Plain, neighbors: Table, *, seen: bool = False, stars: bool = True) -> Table:
    """Return the score of each film for each user, -inf for seen films and for scores of 0."""
    mine = case["stars"][case["users"]]
    table = (mine if stars else mine > 0) @ neighbors
    hidden = (table <= 0) if seen else (table <= 0) | (mine > 0)
    return np.where(hidden, -np.inf, table)


def judge(case: Plain, outputs: Plain) -> str:
    """Judge by scores, to within 0.0001; ties may come in any order."""
    wrong = _lists_wrong(case, outputs, score_table(case, nearest(case)))
    return wrong or (CHANGED if is_changed(case, outputs, "stars") else "")


def _lists_wrong(case: Plain, outputs: Plain, table: Table) -> str:
    rows = [f"user {user}" for user in case["users"]]
    return what_is_wrong(outputs, table, np.arange(table.shape[1]), int(case["n"]), rows)


def _lists_like(case: Plain, outputs: Plain, neighbors: Table, **how: bool) -> bool:
    return not _lists_wrong(case, outputs, score_table(case, neighbors, **how))


def _mean_like(case: Plain, outputs: Plain) -> bool:
    neighbors = nearest(case)
    mine = case["stars"][case["users"]]
    table = score_table(case, neighbors)
    weights = (mine > 0) @ neighbors
    counts = np.maximum((mine > 0).sum(axis=1, keepdims=True), 1)
    near = (mine > 0).astype(int) @ (neighbors > 0)
    means = (
        np.where(table > 0, table / np.maximum(n, 1e-9), table) for n in (weights, counts, near)
    )
    return any(not _lists_wrong(case, outputs, mean) for mean in means)


MISTAKES = (
    Mistake(
        "The lists hold films the user has rated already. Set their scores to `-np.inf` before "
        "you take the best: `scores[user_items.nonzero()] = -np.inf`.",
        lambda case, out: lists_seen(out["ids"], case["stars"][case["users"]]),
    ),
    Mistake(
        "`N` is not respected: there should be N columns, whatever N is.",
        lambda case, out: out["ids"].ndim == 2 and out["ids"].shape[1] != case["n"],
    ),
    Mistake(
        "`recommend` takes the wrong rows. `user_items` holds the rows of these users already, in "
        "their order; do not index it by `userids` again.",
        lambda case, out: out["ids"].shape[0] == len(case["stars"]),
        raises=r"IndexError.*(out of bounds|out of range)",
    ),
    Mistake(
        "The scores go through the neighbors the wrong way: a film asks what *its* neighbors were "
        "rated. Here each of the user's films speaks for its own k neighbors: `user_items @ S`, "
        "with the neighbors of film j in row j.",
        lambda case, out: _lists_like(case, out, nearest(case).T),
    ),
    Mistake(
        "A film counts among its own k neighbors, so one too few others are kept. Set the diagonal "
        "to 0 before you choose.",
        lambda case, out: _lists_like(case, out, nearest(case, itself=True)),
    ),
    Mistake(
        "All similarities count, not only the k nearest of each film. Keep k for each row, and "
        "set the others to 0.",
        lambda case, out: _lists_like(case, out, nearest(case, case["stars"].shape[1])),
    ),
    Mistake(
        "You have taken a mean. Here the score is the plain sum of stars times similarity, so "
        "that a film which many of the user's films speak for comes first.",
        _mean_like,
    ),
    Mistake(
        "The user's stars do not count: you add similarities only. Weigh each by the stars.",
        lambda case, out: _lists_like(case, out, nearest(case), stars=False),
    ),
    Mistake(
        "Films with the score 0 are recommended, where nothing speaks for them. End such a list "
        "with id -1 and score `-np.inf`; somebody without ratings gets nothing else.",
        lambda case, out: bool((out["scores"] == 0).any()),
    ),
)
