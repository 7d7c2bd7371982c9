"""Exercises of lesson 11: the decision of a gate, who is in a canary, a bill on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.question import Mistake, Outputs, Plain, Question

PLANTED = (0.02, 0.1, 900), (-0.001, 0.2, 900), (-0.03, 0.1, 900), (0.02, 0.4, 100)
SALTS, IDS = ("run-a", "run-b"), np.arange(1, 3_001)


def gate_cases(rng: np.random.Generator) -> list[Plain]:
    """Return values of two models on the same users: better, equal, worse, better by luck."""
    cases = []
    for gain, spread, n in PLANTED:
        current, difference = rng.random(n), rng.normal(0, spread, n)
        candidate = current + difference - difference.mean() + gain
        cases.append({"candidate": candidate, "current": current})
    return cases


def _decision(case: Plain, wrong: str = "") -> bool:
    one, other = case["candidate"], case["current"]
    mean, error = np.mean(one - other), 1.96 * np.std(one - other, ddof=1) / np.sqrt(len(one))
    unpaired = 1.96 * np.sqrt((np.var(one, ddof=1) + np.var(other, ddof=1)) / len(one))
    least = {"mean": 0.0, "not worse": -error, "unpaired": unpaired}.get(wrong, error)
    return bool(mean > least)


def _decides(wrong: str) -> Any:
    return lambda case, out: bool(out["says"]) == _decision(case, wrong)


def judge_gate(case: Plain, outputs: Plain) -> str:
    """Compare the decision."""
    mean, n = np.mean(case["candidate"] - case["current"]), len(case["current"])
    wrong = f"A difference of {mean:+.3f} over {n} users should give {_decision(case)}."
    return "" if _decides("")(case, outputs) else wrong


GATE_MISTAKES = (
    Mistake("A small gain on the same users is lost here. Take each user's difference first, then "
            "its spread.", _decides("unpaired")),
    Mistake("The larger mean is not enough: so every second equal model would pass. Look at the "
            "lower end of the interval.", _decides("mean")),
    Mistake("You promote what is not shown to be worse, so most equal models. The lower end of the "
            "interval must be above 0.", _decides("not worse")),
)  # fmt: skip


def arm_cases(_: np.random.Generator) -> list[Plain]:
    """Return ids that end in 0, and shares of them."""
    return [{"ids": IDS * 10, "share": np.array(0.12)}, {"ids": IDS * 100, "share": np.array(0.25)}]


def ask_arms(answer: Any, case: Plain) -> Outputs:
    """Call ``in_canary(user_id, share, salt)`` for all ids, twice, and with another salt."""
    share, ids = float(case["share"]), case["ids"].tolist()
    one, other = ([bool(answer(i, share, salt)) for i in ids] for salt in SALTS)
    again = [bool(answer(i, share, SALTS[0])) for i in reversed(ids)][::-1]
    names = getattr(getattr(answer, "__code__", None), "co_names", ())
    return {"one": one, "other": other, "again": again, "hash": "hash" in names}


def _is_off(case: Plain, out: Plain) -> bool:
    share = float(case["share"])
    return bool(abs(out["one"].mean() - share) > 4 * np.sqrt(share * (1 - share) / len(IDS)))


def judge_arms(case: Plain, outputs: Plain) -> str:
    """Allow four standard deviations of the share."""
    found = (mistake for mistake in ARM_MISTAKES if mistake.made and mistake.made(case, outputs))
    return next((mistake.hint for mistake in found), "")


ARM_MISTAKES = (
    Mistake("The answer for one user changes from call to call. Compute it from the id and the "
            "salt alone.", lambda _, out: (out["one"] != out["again"]).any()),
    Mistake("Python's `hash` of a text differs in every process, so two machines would disagree. "
            "Use hashlib.", lambda _, out: bool(out["hash"])),
    Mistake("The share is wrong: the digits of ids are not random. Take a hash, and compare it as "
            "a number from 0 to 1 with the share.", _is_off),
    Mistake("The salt has no effect: the same users would try every new model.",
            lambda _, out: (out["one"] == out["other"]).all()),
)  # fmt: skip


def _paid(dollars: float) -> Any:
    return lambda _, out: abs(float(out["dollars"]) - dollars) < 0.011  # a cent


BILL_MISTAKES = (
    Mistake("The first 100 GB are free; you paid for them.", _paid(16.2)),
    Mistake("Headers leave AWS, too: an answer has 1,800 bytes.", _paid(4.5)),
    Mistake("The price is for each GB, not for each 100 GB.", _paid(0.072)),
)

QUESTIONS = (
    Question("a", "the gate", 0, "is_better", "", gate_cases,
             lambda answer, case: {"says": bool(answer(case["candidate"], case["current"]))},
             judge_gate, GATE_MISTAKES),
    Question("b", "the canary", 0, "in_canary", "", arm_cases, ask_arms, judge_arms, ARM_MISTAKES),
    Question("c", "a bill", 0, "answer_c", "", lambda _: [{"n": np.array(1)}],
             lambda answer, _: {"dollars": float(answer)},
             lambda case, out: "" if _paid(7.2)(case, out) else "Take GB, less 100, times $0.09.",
             BILL_MISTAKES),
)  # fmt: skip
