"""Exercises of lesson 12: merging shards' lists, where Spark breaks even, features that leak."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain, Question

SHARDS = (3, 4), (2, 6), (5, 3)  # numbers of shards, and k
LINES = (  # seconds per million and at the start: one machine, Spark; two sizes
    (2.0, 1.0, 0.5, 31.0, 1, 10), (2.0, 1.0, 3.0, 30.0, 1, 20), (1.0, 5.0, 1.0, 20.0, 2, 8),
    (3.0, 0.0, 0.6, 12.0, 2, 40),
)  # fmt: skip


def shard_cases(rng: np.random.Generator) -> list[Plain]:
    """Return ids and scores of several shards' lists, one shard much better than the others."""
    cases = []
    for n, k in SHARDS:
        ids = rng.permutation(900)[: n * k].reshape(n, k)
        scores = np.sort(rng.normal(size=(n, k)), axis=1)[:, ::-1]
        scores[-1] += 0.7
        cases.append({"ids": ids, "scores": scores.copy()})
    return cases


def ask_shards(answer: Any, case: Plain) -> Outputs:
    """Call ``merge(ids, scores, k)`` with k of the lists."""
    return {"ids": answer(case["ids"], case["scores"], case["ids"].shape[1])}


def _merged(case: Plain, wrong: str = "") -> npt.NDArray[Any]:
    ids, scores, k = case["ids"], case["scores"], case["ids"].shape[1]
    order = np.argsort(-scores, axis=None)
    found = {
        "one shard": ids[scores.max(axis=1).argmax()],
        "in turns": ids.T.ravel()[:k],
        "joined": ids.ravel()[:k],
        "worst": ids.ravel()[order[::-1]][:k],
        "places": order[:k],
        "all": ids.ravel()[order],
        "by id": np.sort(ids.ravel()[order[:k]]),
        "reversed": ids.ravel()[order[:k]][::-1],
    }
    return np.asarray(found.get(wrong, ids.ravel()[order[:k]]))


def _gives(wrong: str) -> Any:
    return lambda case, out: np.array_equal(np.ravel(out["ids"]), _merged(case, wrong))


def judge_shards(case: Plain, outputs: Plain) -> str:
    """Compare the ids, in order."""
    right = _merged(case)
    return "" if np.array_equal(outputs["ids"], right) else f"The best are {right.tolist()}."


SHARD_MISTAKES = (
    Mistake("This is the list of one shard; others hold better items, too.", _gives("one shard")),
    Mistake("Taking the shards in turn ignores the scores.", _gives("in turns")),
    Mistake("These are the first items of the joined lists. Sort by score.", _gives("joined")),
    Mistake("The worst come first: sort by descending score.", _gives("worst")),
    Mistake("These are places in the joined lists; look up the ids there.", _gives("places")),
    Mistake("Return only the first k.", _gives("all")),
    Mistake("These are the right items, sorted by id; the best comes first.", _gives("by id")),
    Mistake("These are the right items, and the worst comes first.", _gives("reversed")),
)


def line_cases(rng: np.random.Generator) -> list[Plain]:
    """Return seconds of both ways at two sizes: they cross, drift apart, or are parallel."""
    cases = []
    for slope, start, theirs, start_theirs, small, large in LINES:
        millions, factor = np.array([small, large], dtype=float), rng.uniform(1, 2)
        alone = factor * (start + slope * millions)
        spark = factor * (start_theirs + theirs * millions)
        cases.append({"millions": millions, "alone": alone, "spark": spark})
    return cases


def ask_line(answer: Any, case: Plain) -> Outputs:
    """Call ``break_even(millions, alone, spark)``."""
    if (found := answer(case["millions"], case["alone"], case["spark"])) is None:
        raise AnswerError("`break_even` returns nothing; end it with `return`.")
    if np.size(found) != 1:
        raise AnswerError(f"`break_even` returns {np.size(found)} numbers; return one.")
    return {"millions": np.asarray(found, dtype=float).item()}


def _crossing(case: Plain, wrong: str = "") -> float:
    n, alone, spark = (case[name] for name in ("millions", "alone", "spark"))
    slope, theirs = np.diff(alone)[0] / np.diff(n)[0], np.diff(spark)[0] / np.diff(n)[0]
    if wrong == "through zero":
        slope, theirs = alone[1] / n[1], spark[1] / n[1]
    apart = theirs > slope - 1e-9
    if apart and wrong != "no inf":
        return float(np.inf)
    start = spark[0] - alone[0] + (0.0 if wrong == "no start" else (slope - theirs) * n[0])
    return float(start / (slope - theirs)) if abs(slope - theirs) > 1e-9 else float(np.inf)


def _crosses(wrong: str) -> Any:
    return lambda case, out: bool(np.isclose(out["millions"], _crossing(case, wrong)))


def judge_line(case: Plain, outputs: Plain) -> str:
    """Compare to within 0.001 %."""
    right, found = _crossing(case), float(outputs["millions"])
    return (
        "" if np.isclose(found, right, rtol=1e-5) else f"It is {right:.4g}; yours is {found:.4g}."
    )


LINE_MISTAKES = (
    Mistake("Where Spark's line is as steep or steeper, they never meet: return np.inf.",
            lambda case, out: np.isinf(_crossing(case)) and not np.isinf(out["millions"])),
    Mistake("The difference is that at the smaller size, not at 0; go back to where both start.",
            _crosses("no start")),
    Mistake("Seconds per million come from the difference of two sizes; the start is no work.",
            _crosses("through zero")),
    Mistake("The answer is in millions of ratings, as `millions` is.",
            lambda case, out: bool(np.isclose(out["millions"], 1e6 * _crossing(case)))),
    Mistake("The lines do meet here: Spark's is higher at first, and less steep.",
            lambda case, out: bool(np.isinf(out["millions"]))),
    Mistake("The sign is wrong: a size is above 0.", lambda _, out: bool(out["millions"] < 0)),
)  # fmt: skip


def leak_cases(rng: np.random.Generator) -> list[Plain]:
    """Return tables of likes, the last of them still to come, and which leaks to plant."""
    cases = []
    for planted in ((1, 0, 0), (0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)):
        movie = np.concatenate([np.arange(8), rng.integers(0, 8, 40)])
        known = np.concatenate([np.ones(8), rng.random(37) < 0.6, np.zeros(3)]) > 0
        time, flags = rng.permutation(48) + 100, np.array(planted, dtype=bool)
        cases.append({"movie": movie, "known": known, "time": time, "planted": flags})
    return cases


def _rows(case: Plain) -> pd.DataFrame:
    columns = {"movie_id": case["movie"], "timestamp": case["time"], "known": case["known"]}
    return pd.DataFrame(columns)


def _make(rows: pd.DataFrame, planted: npt.NDArray[Any]) -> pd.DataFrame:
    """Return features of films; one without a leak has a missing value, and one leak a sum of 1."""
    past, films = rows[rows["known"]], rows.groupby("movie_id")
    users = past["movie_id"].value_counts()
    spread = past.groupby("movie_id")["timestamp"].std().where(users > users.min())
    table = pd.DataFrame({"users": users, "spread": spread}).sort_index()
    if planted[0]:
        table["newest"] = films["timestamp"].max()
    if planted[1]:
        table["share"] = films.size() / len(rows)
    if planted[2]:
        table["last"] = table.index == rows["movie_id"].iloc[-1]
    return table


def ask_leaks(answer: Any, case: Plain) -> Outputs:
    """Call ``leaking(make, rows)``."""
    found = answer(lambda rows: _make(rows, case["planted"]), _rows(case))
    if found is None or isinstance(found, str | bool | np.bool_):
        raise AnswerError(f"`leaking` returns {found!r}; return a list of names of columns.")
    return {"names": np.array(sorted(str(name) for name in found), dtype=str)}


def _leaking(case: Plain, wrong: str = "") -> list[str]:
    rows = _rows(case)
    full, past = (_make(part, case["planted"]) for part in (rows, rows[rows["known"]]))
    if wrong == "sums":
        moved = ~np.isclose(full.sum(), past.sum())
    elif wrong == "all":
        moved = (full != past).all().to_numpy()
    elif wrong == "first":
        moved = (full.iloc[0] != past.iloc[0]).to_numpy()
    else:
        same = (full == past) | ((full.isna() & past.isna()) & (wrong != "missing"))
        moved = ~same.all().to_numpy()
    return sorted(full.columns[~moved if wrong == "safe" else moved])


def _names(wrong: str) -> Any:
    return lambda case, out: out["names"].tolist() == _leaking(case, wrong)


def judge_leaks(case: Plain, outputs: Plain) -> str:
    """Compare the names."""
    right = _leaking(case)
    return "" if outputs["names"].tolist() == right else f"Here {right} know the future."


LEAK_MISTAKES = (
    Mistake("A missing value on both sides is no leak, but NaN != NaN; use `equals`.",
            _names("missing")),
    Mistake("You return the columns that are safe.", _names("safe")),
    Mistake("You name every column: delete the future, and keep what is known.",
            lambda case, out: len(out["names"]) == 2 + case["planted"].sum()),
    Mistake("A sum may stay while its parts move: compare each value.", _names("sums")),
    Mistake("One value that moves is a leak: `any`, not `all`.", _names("all")),
    Mistake("The first film alone does not show it; compare all rows.", _names("first")),
)  # fmt: skip

QUESTIONS = (
    Question("a", "lists of shards", 0, "merge", "", shard_cases, ask_shards, judge_shards,
             SHARD_MISTAKES),
    Question("b", "where Spark breaks even", 0, "break_even", "", line_cases, ask_line, judge_line,
             LINE_MISTAKES),
    Question("c", "features that leak", 0, "leaking", "", leak_cases, ask_leaks, judge_leaks,
             LEAK_MISTAKES),
)  # fmt: skip
