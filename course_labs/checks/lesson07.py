"""Exercises of lesson 07: the recall of chance, a metric that never falls, held-out films."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain, Question

Array = np.ndarray[Any, Any]


def chance_cases(rng: np.random.Generator) -> list[Plain]:
    """Return catalogs, what each user has seen, and k; one user has fewer than k films left."""
    cases = []
    for n_items, k in ((60, 7), (1_500, 20)):
        n_seen = np.append(rng.integers(5, n_items // 2, 5), n_items - 3)
        cases.append({"n_items": np.array(n_items), "n_seen": n_seen, "k": np.array(k)})
    return cases


def ask_chance(answer: Any, case: Plain) -> Outputs:
    """Call ``chance_recall(n_items, n_seen, k)``."""
    return {"recall": answer(int(case["n_items"]), case["n_seen"], int(case["k"]))}


def _one_draw(case: Plain) -> Array:
    return np.asarray(1 / (case["n_items"] - case["n_seen"]))


def _chance(case: Plain) -> Array:
    return np.asarray(np.minimum(1, case["k"] * _one_draw(case)))


def judge_chance(case: Plain, outputs: Plain) -> str:
    """Compare to within 0.000001."""
    right = _chance(case)
    if outputs["recall"].shape != right.shape:
        return f"Return an array with one number for each of the {len(right)} users."
    if np.allclose(outputs["recall"], right, rtol=0, atol=1e-6):
        return ""
    n = np.argmax(np.nan_to_num(np.abs(outputs["recall"] - right), nan=np.inf))
    seen = f"{case['n_seen'][n]} of {case['n_items']} films"
    return f"A user who has seen {seen} should get {right[n]:.4f}, not {outputs['recall'][n]:.4f}."


CHANCE_MISTAKES = (
    Mistake(
        "You draw from the whole catalog. The films that the user has seen are no candidates; look "
        "at the computation on paper above.",
        lambda case, out: np.allclose(out["recall"], case["k"] / case["n_items"]),
    ),
    Mistake(
        "One of your values is above 1: a user with fewer than k films left is shown all of them.",
        lambda case, out: np.allclose(out["recall"], case["k"] * _one_draw(case)),
    ),
    Mistake(
        "This is the mean over the users; return the value of each user.",
        lambda case, out: np.allclose(out["recall"], _chance(case).mean()),
    ),
    Mistake(
        "This is the chance of a single draw. The list has k slots.",
        lambda case, out: np.allclose(out["recall"], _one_draw(case)),
    ),
)
RANKS = np.arange(1, 11)


def _ap(hits: Array, below: int = 0) -> float:
    return float((np.cumsum(hits) / RANKS * hits).sum() / max(1, below or hits.sum()))


METRICS: list[tuple[str, bool, Callable[[Array], float]]] = [
    ("recall of five films", True, lambda hits: hits.sum() / 5),
    ("average precision, divided by five", True, lambda hits: _ap(hits, 5)),
    ("reciprocal rank", True, lambda hits: max(hits / RANKS)),
    ("average precision, divided by the hits", False, _ap),
    (
        "a metric that punishes nine hits and more",
        False,
        lambda hits: min(hits.sum(), 5) - 2 * (hits.sum() > 8),
    ),
    ("the mean rank of the hits", False, lambda hits: hits @ RANKS / max(1, hits.sum())),
]


def metric_cases(rng: np.random.Generator) -> list[Plain]:
    """Return the order in which the metrics are judged."""
    return [{"order": rng.permutation(len(METRICS))}]


def ask_metrics(answer: Any, case: Plain) -> Outputs:
    """Call ``never_falls(metric)`` for each metric."""
    never = [answer(METRICS[number][2]) for number in case["order"]]
    if not all(isinstance(verdict, bool | np.bool_) for verdict in never):
        raise AnswerError("Return True or False.")
    return {"never": never}


def judge_metrics(case: Plain, outputs: Plain) -> str:
    """Compare exactly."""
    for number, never in zip(case["order"], outputs["never"], strict=True):
        name, right, _ = METRICS[number]
        if never != right:
            return f"For {name} the answer is {right}; yours is {never}."
    return ""


METRIC_MISTAKES = (
    Mistake(
        "You find no metric that falls. Try a second hit as well, as in the two lists printed "
        "above, and let `hits.copy()` be the list with one more: `hits` itself must not change.",
        lambda case, out: bool(out["never"].all()),
    ),
    Mistake(
        "No metric passes. An equal score is no fall, and the score to fear is the lower one: "
        "compare the list with one more hit to the list without it.",
        lambda case, out: not out["never"].any(),
    ),
    Mistake(
        "An equal score is no fall: reciprocal rank ignores a second hit, and is fine.",
        lambda case, out: not out["never"][case["order"] == 2][0],
    ),
)


def list_cases(rng: np.random.Generator) -> list[Plain]:
    """Return lists of distinct columns, some ending in -1, and held-out rows."""
    lists = np.array([rng.permutation(50)[:6] for _ in range(80)])
    lists[::3, 4:] = -1
    held_out = rng.random((80, 50)) < 0.08
    held_out[:40, -1] = True
    return [{"lists": lists, "held_out": held_out}]


def ask_lists(answer: Any, case: Plain) -> Outputs:
    """Call ``count_lists(lists, held_out)``."""
    held_out = sparse.csr_matrix(case["held_out"].astype(np.float32))
    return {"count": answer(case["lists"].copy(), held_out)}


def _found(case: Plain) -> Array:
    return np.take_along_axis(case["held_out"], case["lists"], axis=1)


def judge_lists(case: Plain, outputs: Plain) -> str:
    """Compare exactly."""
    if outputs["count"].shape:
        return "Return one number, for all lists together."
    right = (_found(case) & (case["lists"] >= 0)).any(axis=1).sum()
    says = f"{right} of {len(case['lists'])} lists hold one; yours is {outputs['count']}."
    return "" if outputs["count"] == right else says


LIST_MISTAKES = (
    Mistake(
        "A −1 is no film, but as an index it is the last column. Leave these slots out.",
        lambda case, out: bool(out["count"] == _found(case).any(axis=1).sum()),
    ),
    Mistake(
        "This is a share; the number of lists is wanted.",
        lambda case, out: 0 < float(out["count"]) < 1,
    ),
    Mistake(
        "You count films. A list with two of them is one list: `.any(axis=1)` before the sum.",
        lambda case, out: bool(out["count"] == (_found(case) & (case["lists"] >= 0)).sum()),
    ),
    Mistake(
        "You compare with the films of all users together; each list belongs to one row.",
        lambda case, out: bool(out["count"] == (case["lists"][:, 0] >= 0).sum()),
    ),
)

QUESTIONS = (
    Question("a", "the recall of chance", 0, "chance_recall", "", chance_cases, ask_chance,
             judge_chance, CHANCE_MISTAKES),
    Question("b", "a metric that never falls", 0, "never_falls", "", metric_cases, ask_metrics,
             judge_metrics, METRIC_MISTAKES),
    Question("c", "lists with a held-out film", 0, "count_lists", "", list_cases, ask_lists,
             judge_lists, LIST_MISTAKES),
)  # fmt: skip
