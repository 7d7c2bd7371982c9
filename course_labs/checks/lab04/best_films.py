"""Lab 4, step 5: the best films that somebody has not seen, in movie ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab04 import data
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

SHOWN: dict[str, npt.ArrayLike] = {"ids": [[40, 30, -1]], "scores": [[5.6, 2.95, -np.inf]]}


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return a module's parameters, ids, the users asked for, and the films they have seen.

    Ids are so small that they may be rows or columns. One film that each user has seen is unknown
    to the module. In the last case fewer films are left than asked for.
    """
    cases = []
    for sizes in [(9, 14, 4, 3), (8, 16, 5, 5), (7, 9, 7, 4)]:
        case = _draw(rng, *sizes)
        while not _has_traps(case):
            case = _draw(rng, *sizes)
        cases.append(case)
    return cases


def _draw(rng: np.random.Generator, n_users: int, n_items: int, n_seen: int, k: int) -> Plain:
    users = np.sort(rng.choice(np.arange(1, 2 * n_users), n_users, replace=False))
    films = np.sort(rng.choice(np.arange(1, 2 * n_items), n_items + 1, replace=False))
    unknown = films[n_items // 2]
    items = films[films != unknown]
    asked = rng.permutation(n_users)[:3]
    known = [rng.choice(items, n_seen - 1, replace=False) for _ in asked]
    return {
        "mean": np.array(3.5),
        **data.make_parameters(rng, n_users, n_items, 3),
        "users": users,
        "items": items,
        "user_ids": users[asked],
        "seen": np.array([rng.permutation([unknown, *films]) for films in known]),
        "k": np.array(k),
    }


def _has_traps(case: Plain) -> bool:
    """Say whether each way of masking the wrong films changes a list."""
    table, k = stars_table(case), int(case["k"])
    right = best_scores(without_seen(case, table), k)
    return not any(
        np.allclose(best_scores(without_seen(case, table, how), k), right)
        for how in ("ids as columns", "places", "everybody's")
    )


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``best_films(module, users, items, user_ids, seen, k)`` with `seen` as a dict."""
    user_ids = case["user_ids"].tolist()
    seen = dict(zip(user_ids, case["seen"], strict=True))
    module = data.small_module(case)
    result = answer(module, case["users"], case["items"], user_ids, seen, int(case["k"]))
    ids, scores = as_ranked(result).values()
    after = [np.asarray(seen.get(user)).tolist() for user in case["user_ids"].tolist()]
    same = after == case["seen"].tolist()
    return {
        "ids": data.as_array(ids),
        "scores": data.as_array(scores),
        "after": case["seen"] if same else [],
    }


def stars_table(
    case: Plain,
    *,
    rows: npt.NDArray[Any] | None = None,
    training: bool = False,
) -> Table:
    """Return the predicted stars of the users asked for, for all films."""
    columns = np.arange(len(case["items"]))
    if rows is None:
        rows = np.searchsorted(case["users"], case["user_ids"])
    each = [
        data.stars_of(case, np.full(len(columns), row), columns, training=training) for row in rows
    ]
    return np.array(each)


def without_seen(case: Plain, table: Table, how: str = "ids") -> Table:
    """Return the stars with -inf for seen films, or for those that a mistake masks instead."""
    table, items = table.copy(), case["items"]
    for row, films in enumerate(case["seen"]):
        known = np.isin(items, films)
        if how == "ids as columns":
            known = np.isin(np.arange(len(items)), films)
        elif how == "places":  # an unknown film masks the next one
            known = np.zeros(len(items), dtype=bool)
            known[np.minimum(np.searchsorted(items, films), len(items) - 1)] = True
        elif how == "everybody's":
            known = np.isin(items, case["seen"])
        table[row, known] = -np.inf
    return table


def judge(case: Plain, outputs: Plain) -> str:
    """Judge by stars, to within 0.0001; ties may come in any order."""
    wrong = _lists_wrong(case, outputs, without_seen(case, stars_table(case)))
    return wrong or (data.CHANGED if is_changed(case, outputs, "seen") else "")


def _lists_wrong(case: Plain, outputs: Plain, table: Table) -> str:
    rows = [f"user {user}" for user in case["user_ids"]]
    return what_is_wrong(outputs, table, case["items"], int(case["k"]), rows)


def _like(case: Plain, outputs: Plain, table: Table) -> bool:
    """Say whether the lists are those of a mistake's table, and not the right ones."""
    right = without_seen(case, stars_table(case))
    wrong = bool(_lists_wrong(case, outputs, right))
    return wrong and not _lists_wrong(case, outputs, table)


def _hides_like(case: Plain, outputs: Plain, how: str) -> bool:
    return _like(case, outputs, without_seen(case, stars_table(case), how))


def _are_columns(case: Plain, outputs: Plain) -> bool:
    columns = outputs["ids"].astype(int)
    inside = (columns >= -1) & (columns < len(case["items"]))
    ids = np.where(columns >= 0, case["items"][np.where(inside, columns, 0)], -1)
    table = without_seen(case, stars_table(case))
    return bool(inside.all()) and not _lists_wrong(case, {**outputs, "ids": ids}, table)


def _other_rows(case: Plain, outputs: Plain) -> bool:
    tables = []
    for rows in (case["user_ids"], np.arange(len(case["user_ids"]))):
        tables.append(stars_table(case, rows=np.minimum(rows, len(case["users"]) - 1)))
    return any(_like(case, outputs, without_seen(case, table)) for table in tables)


def _dropped_after(case: Plain, outputs: Plain) -> bool:
    """Say whether seen films were dropped after the top k were taken."""
    table = stars_table(case)
    kth = -np.sort(-table, axis=1)[:, [int(case["k"]) - 1]]
    return _like(case, outputs, np.where(table >= kth, without_seen(case, table), -np.inf))


def _shows_seen(case: Plain, outputs: Plain) -> bool:
    pairs: Sequence[Any] = list(zip(outputs["ids"], case["seen"], strict=True))
    return any(np.isin(ids, films).any() for ids, films in pairs)


MISTAKES = (
    Mistake(EXAMPLE, is_example(SHOWN)),
    Mistake(
        "The lists are one film too long or too short: `k` films, also after those seen have gone.",
        lambda case, out: abs(out["ids"].shape[-1] - int(case["k"])) == 1,
    ),
    Mistake(
        "A user's id or a movie's id was used as a row or column. Look up the place first: "
        "`np.searchsorted(users, user_ids)`, and the same for films.",
        lambda case, out: _hides_like(case, out, "ids as columns") or _other_rows(case, out),
        raises="IndexError",
    ),
    Mistake(
        "The ids are columns of the table, not movie ids. Translate at the end: `items[columns]`.",
        _are_columns,
    ),
    Mistake(
        "A film that the module does not know hides another one. `np.searchsorted` gives a place "
        "for every id, known or not; `np.isin(items, films)` marks those that are there.",
        lambda case, out: _hides_like(case, out, "places"),
    ),
    Mistake(
        "You look something up that is not there. Is the map the wrong way around, from column to "
        "film? Is it a film that the module does not know? And `seen` is asked by user id.",
        raises="KeyError",
    ),
    Mistake(
        "What one person has seen is hidden from all. Each row has its own films.",
        lambda case, out: _hides_like(case, out, "everybody's"),
    ),
    Mistake(
        "The films seen are dropped after the best were taken, so lists are short though there "
        "are films left. Give them `-np.inf` before.",
        _dropped_after,
    ),
    Mistake(
        "These are predictions of the training mode, in which the module leaves a factor out. "
        "Call `module.eval()` first.",
        lambda case, out: _like(case, out, without_seen(case, stars_table(case, training=True))),
    ),
    Mistake(
        "The worst films come first. `argsort` sorts upwards; sort the negated stars.",
        lambda case, out: bool(
            (np.diff(np.where(out["scores"] > -np.inf, out["scores"], 99)) >= 0).all()
        ),
    ),
    Mistake(
        "Fewer films are left than `k`, and the rest of the row is filled with films. Where the "
        "stars are `-np.inf`, the id is -1.",
        lambda case, out: bool(((out["scores"] == -np.inf) & (out["ids"] != -1)).any()),
    ),
    Mistake(
        "The lists hold films that the person has seen. Set their stars to `-np.inf` before you "
        "take the best.",
        _shows_seen,
    ),
    Mistake(
        "There are fewer films than `k`. Take as many as there are, and fill the row with -1 and "
        "`-np.inf`; `course_utils.ranking.top_k` does both.",
        raises="selected index k out of range",
    ),
    Mistake(
        "Predicting needs no gradient: put it under `with torch.no_grad():`.",
        raises=r"numpy\(\) on Tensor that requires grad",
    ),
)
