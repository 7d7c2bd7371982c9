"""Exercises of lesson 06: average precision, the users a test needs, the rank among samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.question import Mistake, Outputs, Plain, Question

CLOSE = 1e-6
SINGLE = "Look at “One user, five films” above."


def precision_cases(rng: np.random.Generator) -> list[Plain]:
    """Return lists with hits, one of them after misses, and the number of relevant films."""
    cases = []
    for k, n_hits, n_relevant in ((6, 2, 5), (12, 4, 4), (4, 2, 9)):
        hits = np.zeros(k, dtype=np.int64)
        hits[rng.choice(np.arange(1, k), n_hits, replace=False)] = 1
        cases.append({"hits": hits, "n_relevant": np.array(n_relevant)})
    return cases


def ask_precision(answer: Any, case: Plain) -> Outputs:
    """Call ``average_precision(hits, n_relevant)``."""
    return {"value": answer(case["hits"].copy(), int(case["n_relevant"]))}


def _precisions(case: Plain) -> np.ndarray[Any, Any]:
    precision: np.ndarray[Any, Any] = np.cumsum(case["hits"]) / np.arange(1, len(case["hits"]) + 1)
    return precision


def _average(case: Plain, below: float) -> float:
    return float((_precisions(case) * case["hits"]).sum() / below)


def judge_precision(case: Plain, outputs: Plain) -> str:
    """Compare to within 1e-6."""
    return _number(outputs, _average(case, int(case["n_relevant"])), "the average precision")


def _number(outputs: Plain, right: float, what: str) -> str:
    if outputs["value"].shape != () or outputs["value"].dtype.kind not in "iuf":
        return "Return one number."
    found = float(outputs["value"])
    return (
        "" if abs(found - right) < CLOSE else f"Here {what} is {right:.4g}; yours is {found:.4g}."
    )


def _is(out: Plain, value: float) -> bool:
    return bool(abs(float(out["value"]) - value) < CLOSE)


PRECISION_MISTAKES = (
    Mistake(
        "You divide by min(n_relevant, length of the list); the course divides by n_relevant.",
        lambda case, out: int(case["n_relevant"]) > len(case["hits"])
        and _is(out, _average(case, len(case["hits"]))),
    ),
    Mistake(
        f"You divide by the hits, so a missing film costs nothing; divide by n_relevant. {SINGLE}",
        lambda case, out: _is(out, _average(case, case["hits"].sum()))
        and case["hits"].sum() != case["n_relevant"],
    ),
    Mistake(
        "You add up the precision at every rank; only ranks with a hit count.",
        lambda case, out: _is(out, _precisions(case).sum() / int(case["n_relevant"])),
    ),
    Mistake(
        f"You divide by the length of the list; divide by n_relevant. {SINGLE}",
        lambda case, out: _is(out, _average(case, len(case["hits"]))),
    ),
    Mistake(
        "Ranks begin at 1, and yours begin at 0.",
        lambda case, out: _is(
            out,
            float((np.cumsum(case["hits"]) / np.maximum(np.arange(len(case["hits"])), 1)
                   * case["hits"]).sum() / int(case["n_relevant"])),
        ),
    ),
)  # fmt: skip


def users_cases(rng: np.random.Generator) -> list[Plain]:
    """Return paired differences of users, whose mean is not 0, and an effect."""
    return [
        {"differences": rng.normal(0.05, spread, 40).round(3), "effect": np.array(effect)}
        for spread, effect in ((0.2, 0.013), (0.35, 0.05))
    ]


def ask_users(answer: Any, case: Plain) -> Outputs:
    """Call ``users_needed(differences, effect)``."""
    return {"value": answer(case["differences"].copy(), float(case["effect"]))}


def _needed(case: Plain, factor: float = 1.96 + 0.84, power: int = 2) -> float:
    spread = float(np.std(case["differences"], ddof=1))
    return (factor * spread / float(case["effect"])) ** power


def judge_users(case: Plain, outputs: Plain) -> str:
    """Allow the standard deviation with n as well as with n - 1 below."""
    if outputs["value"].shape != () or outputs["value"].dtype.kind not in "iuf":
        return "Return one number."
    right, found = np.ceil(_needed(case)), float(outputs["value"])
    if found == np.ceil(_needed(case) * 39 / 40) or found == right:
        return ""
    return f"Here it takes {right:.0f} users; yours is {found:g}."


USERS_MISTAKES = (
    Mistake(
        "The formula is right; round up to a whole number.",
        lambda case, out: (
            0 < abs(float(out["value"]) - np.ceil(_needed(case))) < 1
            or float(out["value"]) == np.floor(_needed(case))
        ),
    ),
    Mistake(
        "The factor is 1.96 + 0.84, squared. With 1.96 alone you find the difference in half of "
        "the experiments only.",
        lambda case, out: abs(float(out["value"]) - _needed(case, 1.96)) <= 1,
    ),
    Mistake(
        "Square the whole ratio of standard deviation and effect, and the factor.",
        lambda case, out: abs(float(out["value"]) - _needed(case, power=1)) <= 1,
    ),
    Mistake(
        "The sum 1.96 + 0.84 is squared as a whole; yours squares its parts.",
        lambda case, out: abs(float(out["value"]) - _needed(case, (1.96**2 + 0.84**2) ** 0.5)) <= 1,
    ),
    Mistake(
        "s is the standard deviation of the differences, not their mean.",
        lambda case, out: (
            abs(
                float(out["value"])
                - (2.8 * float(case["differences"].mean()) / float(case["effect"])) ** 2
            )
            <= 1
        ),
    ),
)


def rank_cases(rng: np.random.Generator) -> list[Plain]:
    """Return a rank, the number of candidates, and the size of the sample."""
    return [
        {"rank": rng.integers(20, 300, ()), "n": rng.integers(800, 2_000, ()), "m": np.array(m)}
        for m in (50, 100)
    ]


def ask_rank(answer: Any, case: Plain) -> Outputs:
    """Call ``expected_rank(rank, n, m)``."""
    return {"value": answer(*(int(case[name]) for name in ("rank", "n", "m")))}


def judge_rank(case: Plain, outputs: Plain) -> str:
    """Compare to within 1e-6."""
    right = 1 + case["m"] * (case["rank"] - 1) / (case["n"] - 1)
    return _number(outputs, float(right), "the expected rank")


RANK_MISTAKES = (
    Mistake(
        "That is the number of better films; the film itself comes after them, so add 1.",
        lambda case, out: _is(out, float(case["m"] * (case["rank"] - 1) / (case["n"] - 1))),
    ),
    Mistake(
        "rank − 1 films are better, out of n − 1 others: the film itself is not among them.",
        lambda case, out: (
            _is(out, float(case["m"] * case["rank"] / case["n"]))
            or _is(out, float(1 + case["m"] * case["rank"] / case["n"]))
        ),
    ),
    Mistake(
        "The rank shrinks with the sample; yours grows. Multiply by m and divide by n − 1.",
        lambda case, out: bool(float(out["value"]) > case["rank"]),
    ),
)

QUESTIONS = (
    Question("a", "average precision", 0, "average_precision", "", precision_cases, ask_precision,
             judge_precision, PRECISION_MISTAKES),
    Question("b", "how many users", 0, "users_needed", "", users_cases, ask_users, judge_users,
             USERS_MISTAKES),
    Question("c", "the rank among samples", 0, "expected_rank", "", rank_cases, ask_rank,
             judge_rank, RANK_MISTAKES),
)  # fmt: skip
