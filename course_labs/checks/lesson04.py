"""Exercises of lesson 04: recall at k, a shrunk cosine, a list from weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.question import Mistake, Outputs, Plain, Question

CLOSE = 1e-6
RECALL = "Look at “Recall@10 by hand” above."
COSINE = "Look at the formula under “One fan in common” above."


def recall_cases(rng: np.random.Generator) -> list[Plain]:
    """Return a list of twelve films, the held-out ones, some beyond the cut-off, and k."""
    cases = []
    for k, n_hits, n_held_out in ((5, 2, 9), (8, 4, 7)):
        films = rng.choice(np.arange(100, 900), 12 + n_held_out, replace=False)
        recommended, others = films[:12], films[12:]
        places = np.append(rng.choice(k, n_hits, replace=False), [k, 11])  # two beyond k
        held_out = np.concatenate([others[: n_held_out - n_hits - 2], recommended[places]])
        cases.append({"recommended": recommended, "held_out": held_out,
                      "k": np.array(k)})  # fmt: skip
    return cases


def ask_recall(answer: Any, case: Plain) -> Outputs:
    """Call ``recall_at(recommended, held_out, k)``."""
    return {"recall": answer(case["recommended"], case["held_out"], int(case["k"]))}


def _hits(case: Plain, k: int) -> int:
    return int(np.isin(case["recommended"][:k], case["held_out"]).sum())


def judge_recall(case: Plain, outputs: Plain) -> str:
    """Compare to within 1e-6."""
    right = _hits(case, int(case["k"])) / len(case["held_out"])
    if outputs["recall"].shape != () or outputs["recall"].dtype.kind not in "iuf":
        return "Return one number for the user."
    if abs(float(outputs["recall"]) - right) < CLOSE:
        return ""
    return f"Here recall@{case['k']} is {right:.3f}, and yours is {float(outputs['recall']):.3f}."


RECALL_MISTAKES = (
    Mistake(
        f"You divide by k, which is precision; recall divides by the held-out films. {RECALL}",
        lambda case, out: bool(
            abs(out["recall"] - _hits(case, int(case["k"])) / int(case["k"])) < CLOSE
        ),
    ),
    Mistake(
        "You count films beyond rank k, which are not shown; cut the list first.",
        lambda case, out: bool(
            abs(out["recall"] - _hits(case, 12) / len(case["held_out"])) < CLOSE
        ),
    ),
    Mistake(
        f"You return the number of hits; divide it by the number of held-out films. {RECALL}",
        lambda case, out: bool(out["recall"] == _hits(case, int(case["k"]))),
    ),
)


def cosine_cases(rng: np.random.Generator) -> list[Plain]:
    """Return two columns of zeros and ones with common users, and h."""
    cases = []
    for h in (0.0, 5.0, 20.0):
        a, b = (rng.random((2, 60)) < [[0.6], [0.3]]).astype(np.int64)
        a[:3] = b[:3] = 1
        cases.append({"a": a, "b": b, "h": np.array(h)})
    return cases


def ask_cosine(answer: Any, case: Plain) -> Outputs:
    """Call ``shrunk_cosine(a, b, h)``."""
    return {"cosine": answer(case["a"].copy(), case["b"].copy(), float(case["h"]))}


def _cosine(case: Plain, h_in_root: bool = False) -> float:
    a, b, h = case["a"], case["b"], float(case["h"])
    product = float(a.sum() * b.sum())
    below = np.sqrt(product + h) if h_in_root else np.sqrt(product) + h
    return float((a * b).sum() / below)


def judge_cosine(case: Plain, outputs: Plain) -> str:
    """Compare to within 1e-6."""
    if outputs["cosine"].shape != () or outputs["cosine"].dtype.kind not in "iuf":
        return "Return one number for the two columns."
    right, found = _cosine(case), float(outputs["cosine"])
    said = f"With h = {case['h']:g} the cosine here is {right:.3f}, and yours is {found:.3f}."
    return "" if abs(found - right) < CLOSE else said


def _without(case: Plain, out: Plain, value: float) -> bool:
    return bool(abs(float(out["cosine"]) - value) < CLOSE)


COSINE_MISTAKES = (
    Mistake(
        f"Shrinkage is added after the root, not under it. {COSINE}",
        lambda case, out: _without(case, out, _cosine(case, h_in_root=True)),
    ),
    Mistake(
        f"The root of the product of the two counts stands below; yours lacks the root. {COSINE}",
        lambda case, out: _without(
            case, out, (case["a"] * case["b"]).sum()
            / (case["a"].sum() * case["b"].sum() + case["h"])
        ),
    ),
    Mistake(
        f"Your result does not depend on h as it should: h belongs below. {COSINE}",
        lambda case, out: _without(case, out, _cosine({**case, "h": np.array(0.0)})),
    ),
    Mistake(
        "You divide by the users who like either film, which is Jaccard's index.",
        lambda case, out: _without(
            case, out, (case["a"] * case["b"]).sum() / (((case["a"] + case["b"]) > 0).sum()
            + case["h"])
        ),
    ),
)  # fmt: skip


def list_cases(rng: np.random.Generator) -> list[Plain]:
    """Return a history, weights without ties, negative ones included, and k."""
    cases = []
    for k in (3, 4):
        weights = rng.normal(size=(12, 12))
        np.fill_diagonal(weights, 0)
        history = np.zeros(12)
        history[rng.choice(12, 5, replace=False)] = 1
        weights[np.ix_(history > 0, history > 0)] += 3  # what the user has would come first
        weights[:, history == 0] -= 9 * (k == 4)  # all others have scores below 0
        cases.append({"history": history, "weights": weights, "k": np.array(k)})
    return cases


def ask_list(answer: Any, case: Plain) -> Outputs:
    """Call ``best_unseen(history, weights, k)``; the history must stay as it is."""
    history = case["history"].copy()
    columns = answer(history, case["weights"].copy(), int(case["k"]))
    return {"columns": columns, "after": history}


def _list(case: Plain, seen: bool = False, turned: bool = False, worst: bool = False) -> list[int]:
    weights = case["weights"].T if turned else case["weights"]
    scores = case["history"] @ weights
    if not seen:
        scores[case["history"] > 0] = np.inf if worst else -np.inf
    order = np.argsort(scores if worst else -scores, kind="stable")
    found: list[int] = order[: int(case["k"])].tolist()
    return found


def judge_list(case: Plain, outputs: Plain) -> str:
    """Compare exactly, order included."""
    right, found = _list(case), outputs["columns"].tolist()
    if found != right:
        return f"The best {case['k']} are columns {right}; yours are {found}."
    changed = not np.array_equal(case["history"], outputs["after"])
    return "Your code changes the history that it is given; work on a copy." if changed else ""


LIST_MISTAKES = (
    Mistake(
        "Your list holds films of the history; give them the score −∞ before you sort.",
        lambda case, out: out["columns"].tolist() == _list(case, seen=True),
    ),
    Mistake(
        "Your list begins with the lowest scores; argsort sorts upward.",
        lambda case, out: out["columns"].tolist() == _list(case, worst=True),
    ),
    Mistake(
        "Row i, column j is what film i adds to film j: `history @ weights`, not the other way.",
        lambda case, out: out["columns"].tolist() == _list(case, turned=True),
    ),
)

QUESTIONS = (
    Question("a", "recall at k", 0, "recall_at", "", recall_cases, ask_recall, judge_recall,
             RECALL_MISTAKES),
    Question("b", "a shrunk cosine", 0, "shrunk_cosine", "", cosine_cases, ask_cosine, judge_cosine,
             COSINE_MISTAKES),
    Question("c", "lists from weights", 0, "best_unseen", "", list_cases, ask_list, judge_list,
             LIST_MISTAKES),
)  # fmt: skip
