"""Exercises of lesson 05: a film's half-step, contributions to a score, a paired difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.question import Mistake, Outputs, Plain, Question

Vector = npt.NDArray[np.float64]
FORMULA = "Look at the formula of “One half-step by hand” above."
SUM = "Look at the formula of “Why this film?” above."


def vector_cases(rng: np.random.Generator) -> list[Plain]:
    """Return users' vectors, a film's column of counts, alpha and lambda."""
    cases = []
    for n, factors in ((8, 2), (30, 5)):
        column = rng.integers(1, 5, n) * (rng.random(n) < 0.4)
        column[:2] = 3, 0
        numbers = {"alpha": np.array(rng.uniform(1, 4)), "lam": np.array(rng.uniform(0.5, 2))}
        cases.append({"P": rng.normal(size=(n, factors)), "column": column, **numbers})
    return cases


def ask_vector(answer: Any, case: Plain) -> Outputs:
    """Call ``item_vector(P, column, alpha, regularization)``."""
    alpha, lam = float(case["alpha"]), float(case["lam"])
    return {"vector": answer(case["P"], case["column"], alpha, lam)}


def _vector(case: Plain, wrong: str = "") -> Vector:
    P, column, alpha = case["P"], case["column"].astype(float), float(case["alpha"])
    likes = (column > 0).astype(float)
    confidence = alpha * column + (wrong != "no one")
    left = confidence * likes if wrong == "empty cells" else confidence
    above = {"counts": confidence * column, "right": likes, "preference": confidence}.get(
        wrong, confidence * likes
    )
    ridge = 0.0 if wrong == "ridge" else float(case["lam"])
    solved: Vector = np.linalg.solve((P.T * left) @ P + ridge * np.eye(P.shape[1]), P.T @ above)
    return solved


def _is_vector(wrong: str) -> Any:
    return lambda case, out: np.allclose(out["vector"], _vector(case, wrong), rtol=1e-4)


def judge_vector(case: Plain, outputs: Plain) -> str:
    """Compare to within 0.01 %."""
    return _compared(outputs["vector"], _vector(case), "the factors")


def _compared(found: Vector, right: Vector, what: str) -> str:
    if found.shape != right.shape:
        return f"Return one number for each of {what}, {len(right)} here."
    if np.allclose(found, right, rtol=1e-4):
        return ""
    return f"It should be {right.round(3)}; yours is {found.round(3)}."


VECTOR_MISTAKES = (
    Mistake(
        f"You use only the users who have watched the film. Empty cells count, too. {FORMULA}",
        _is_vector("empty cells"),
    ),
    Mistake(
        "On the right stands the preference, 1 or 0, times the confidence; you took the counts.",
        _is_vector("counts"),
    ),
    Mistake(f"On the right the confidence is missing. {FORMULA}", _is_vector("right")),
    Mistake(
        f"On the right the confidence is multiplied by the preference, 1 or 0. {FORMULA}",
        _is_vector("preference"),
    ),
    Mistake("The confidence is 1 + α r; yours lacks the 1.", _is_vector("no one")),
    Mistake(f"λ is missing on the diagonal of the left side. {FORMULA}", _is_vector("ridge")),
)


def part_cases(rng: np.random.Generator) -> list[Plain]:
    """Return films' vectors, the columns of a history, a film outside it, alpha and lambda."""
    cases = []
    for n, factors in ((9, 2), (40, 4)):
        order = rng.permutation(n)
        numbers = {"alpha": np.array(rng.uniform(1, 4)), "lam": np.array(rng.uniform(0.5, 2))}
        history = {"history": order[: n // 3], "item": np.array(order[-1])}
        cases.append({"Q": rng.normal(size=(n, factors)), **history, **numbers})
    return cases


def ask_parts(answer: Any, case: Plain) -> Outputs:
    """Call ``contributions(Q, history, item, alpha, regularization)``."""
    item, alpha, lam = int(case["item"]), float(case["alpha"]), float(case["lam"])
    return {"parts": answer(case["Q"], case["history"], item, alpha, lam)}


def _parts(case: Plain, wrong: str = "") -> Vector:
    Q, alpha, mine = case["Q"], float(case["alpha"]), case["Q"][case["history"]]
    every = mine.T @ mine if wrong == "history only" else Q.T @ Q
    more = 0 if wrong == "same for all" else alpha
    left = every + more * mine.T @ mine + float(case["lam"]) * np.eye(Q.shape[1])
    W = np.eye(Q.shape[1]) if wrong == "plain" else np.linalg.inv(left)
    parts: Vector = (1 if wrong == "weight" else 1 + alpha) * mine @ W @ Q[int(case["item"])]
    return parts


def _is_parts(wrong: str) -> Any:
    return lambda case, out: np.allclose(out["parts"], _parts(case, wrong), rtol=1e-4)


def judge_parts(case: Plain, outputs: Plain) -> str:
    """Compare to within 0.01 %, in the order of the history."""
    return _compared(outputs["parts"], _parts(case), "the films of the history")


PART_MISTAKES = (
    Mistake(f"The confidence before each contribution is missing. {SUM}", _is_parts("weight")),
    Mistake(f"W is missing: these are plain dot products. {SUM}", _is_parts("plain")),
    Mistake(
        "In W the films of the history count 1 + α, and yours count like all others.",
        _is_parts("same for all"),
    ),
    Mistake(
        "In W all films count, those outside the history with confidence 1.",
        _is_parts("history only"),
    ),
)


def pair_cases(rng: np.random.Generator) -> list[Plain]:
    """Return the recall of two settings for the same users, correlated."""
    easy = [rng.random(n) for n in (50, 400)]
    return [{"a": x + rng.normal(0.05, 0.1, len(x)), "b": x} for x in easy]


def ask_pair(answer: Any, case: Plain) -> Outputs:
    """Call ``paired_difference(a, b)``."""
    return {"pair": [float(x) for x in answer(case["a"], case["b"])]}


def _widths(case: Plain) -> dict[str, float]:
    a, b = case["a"], case["b"]
    spread, root = np.std(a - b, ddof=1), np.sqrt(len(a))
    unpaired = 1.96 * np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / len(a))
    return {"right": 1.96 * spread / root, "no root": 1.96 * spread, "one": spread / root,
            "whole": 2 * 1.96 * spread / root, "unpaired": unpaired}  # fmt: skip


def _has_width(wrong: str) -> Any:
    return lambda case, out: np.isclose(out["pair"][1], _widths(case)[wrong], rtol=0.03)


def judge_pair(case: Plain, outputs: Plain) -> str:
    """Compare the mean exactly and the width to within 3 %, so that either ddof is right."""
    mean, width = np.mean(case["a"] - case["b"]), _widths(case)["right"]
    if outputs["pair"].shape != (2,):
        return "Return two numbers, the mean and half the width of the interval."
    if np.isclose(outputs["pair"][0], mean) and _has_width("right")(case, outputs):
        return ""
    return f"It should be {mean:+.3f} ± {width:.3f}; yours is {outputs['pair'].round(3)}."


PAIR_MISTAKES = (
    Mistake(
        "The sign is turned around: `a - b` is above 0 where a is better.",
        lambda case, out: np.isclose(out["pair"][0], np.mean(case["b"] - case["a"])),
    ),
    Mistake(
        "You add the spreads of a and b as if they had been measured on different users. Take the "
        "difference of each user first, then its spread.",
        _has_width("unpaired"),
    ),
    Mistake(
        "This is how far single users differ. The mean of n users is more certain: divide by √n.",
        _has_width("no root"),
    ),
    Mistake("That is one standard error; the interval reaches 1.96 of them.", _has_width("one")),
    Mistake("That is the whole width; half of it is wanted.", _has_width("whole")),
)

QUESTIONS = (
    Question("a", "a film's vector", 0, "item_vector", "", vector_cases, ask_vector, judge_vector,
             VECTOR_MISTAKES),
    Question("b", "contributions", 0, "contributions", "", part_cases, ask_parts, judge_parts,
             PART_MISTAKES),
    Question("c", "is a difference real?", 0, "paired_difference", "", pair_cases, ask_pair,
             judge_pair, PAIR_MISTAKES),
)  # fmt: skip
