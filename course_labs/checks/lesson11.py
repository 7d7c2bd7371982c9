"""Exercises of lesson 11: the decision of a gate, who is in a canary, a bill on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain, Question

GAINS, SPREADS = (0.02, 0.05, -0.001, -0.03, 0.02, 0.003), (0.1, 0.1, 0.2, 0.1, 0.4, 0.4)
SALTS, IDS = ("run-a", "run-b"), np.arange(1, 3_001)
SHARES = (IDS * 10, 0.12), (IDS * 100, 0.25), (np.arange(1, 50_001), 0.002)


def gate_cases(rng: np.random.Generator) -> list[Plain]:
    """Return values of two models on the same users: better, equal, worse, better by luck."""
    cases = []
    for gain, spread in zip(GAINS, SPREADS, strict=True):
        n = 100 if spread > 0.3 else 900
        current, noise = rng.random(n), rng.normal(0, spread, n)
        cases.append({"candidate": current + noise - noise.mean() + gain, "current": current})
    return cases


def ask_gate(answer: Any, case: Plain) -> Outputs:
    """Call ``is_better(candidate, current)``."""
    if (says := answer(case["candidate"], case["current"])) is None:
        raise AnswerError("`is_better` returns nothing; end it with `return`.")
    return {"says": bool(says)}


def _decision(case: Plain, wrong: str = "") -> bool:
    one, other = case["candidate"], case["current"]
    root, spread = np.sqrt(len(one)), 1.96 * np.std(one - other, ddof=1)
    mean, error = np.mean(one - other), spread / root
    unpaired = 1.96 * np.sqrt(np.var(one, ddof=1) + np.var(other, ddof=1)) / root
    mean = {"two sides": abs(mean), "swapped": -mean}.get(wrong, mean)
    least = {"mean": 0.0, "not worse": -error, "unpaired": unpaired, "no root": spread}
    return bool(mean > (least | {"n": error / root}).get(wrong, error))


def _decides(*wrong: str) -> Any:
    return lambda case, out: any(bool(out["says"]) == _decision(case, name) for name in wrong)


def judge_gate(case: Plain, outputs: Plain) -> str:
    """Compare the decision."""
    right, n = _decision(case), len(case["current"])
    return "" if bool(outputs["says"]) == right else f"Over {n} users here {right} is right."


GATE_MISTAKES = (
    Mistake("A small gain is lost here. Take each user's difference first.", _decides("unpaired")),
    Mistake("The standard error is off: divide the spread by √n.", _decides("no root", "n")),
    Mistake("The larger mean is not enough. Look at the lower end.", _decides("mean")),
    Mistake("What is not shown to be worse passes; 0 must lie below.", _decides("not worse")),
    Mistake("A worse run passes, too. The sign counts: leave out abs.", _decides("two sides")),
    Mistake("The sign is wrong: take candidate minus current.", _decides("swapped")),
)  # fmt: skip


def arm_cases(_: np.random.Generator) -> list[Plain]:
    """Return ids and shares of them: ids that end in 0, and many ids for a small share."""
    return [{"ids": ids, "share": np.array(share)} for ids, share in SHARES]


def _names(function: Any, depth: int = 2) -> set[str]:
    """Return the names that a function uses, and those in the functions that it calls."""
    names = {*getattr(getattr(function, "__code__", None), "co_names", ())}
    called = [function.__globals__.get(name) for name in names] if depth else []
    return names.union(*(_names(one, depth - 1) for one in called))


def ask_arms(answer: Any, case: Plain) -> Outputs:
    """Call ``in_canary(user_id, share, salt)`` twice, with another salt, and half the share."""
    share, ids = float(case["share"]), case["ids"].tolist()
    one, other = ([bool(answer(i, share, salt)) for i in ids] for salt in SALTS)
    again = [bool(answer(i, share, SALTS[0])) for i in reversed(ids)][::-1]
    half, uses = [bool(answer(i, share / 2, SALTS[0])) for i in ids], "hash" in _names(answer)
    return {"one": one, "other": other, "again": again, "half": half, "hash": uses}


def _is_off(case: Plain, out: Plain, below: float = 1.0) -> bool:
    share, n = float(case["share"]), len(case["ids"])
    off = abs(out["one"].mean() - share) > 4 * np.sqrt(share * (1 - share) / n)
    return share < below and bool(off)


def judge_arms(case: Plain, outputs: Plain) -> str:
    """Allow four standard deviations of the share."""
    return next((m.hint for m in ARM_MISTAKES if m.made and m.made(case, outputs)), "")


ARM_MISTAKES = (
    Mistake("The answer for one user changes from call to call. Compute it from id and salt alone.",
            lambda _, out: (out["one"] != out["again"]).any()),
    Mistake("`hash` differs in every process: use hashlib.", lambda _, out: bool(out["hash"])),
    Mistake("A small share is off: take more bytes.", lambda case, out: _is_off(case, out, 0.01)),
    Mistake("The share is off: digits of ids are not random. Hash to a number below 1.", _is_off),
    Mistake("The salt has no effect.", lambda _, out: (out["one"] == out["other"]).all()),
    Mistake("Users of half the share leave the whole. Compare one number, of id and salt alone.",
            lambda _, out: (out["half"] != out["half"] & out["one"]).any()),
)  # fmt: skip


def _paid(dollars: float) -> Any:
    return lambda _, out: abs(float(out["dollars"]) - dollars) < 0.011  # a cent


BILL_MISTAKES = (
    Mistake("The first 100 GB are free; you paid for them.", _paid(16.2)),
    Mistake("Headers leave AWS, too: an answer has 1,800 bytes.", _paid(4.5)),
    Mistake("The price is for each GB, not for each 100 GB.", _paid(0.072)),
    Mistake("You took 2³⁰ bytes for a GB; here it is 10⁹ bytes.", _paid(6.087)),
    Mistake("These are cents; the answer is in dollars.", _paid(720)),
)

QUESTIONS = (
    Question("a", "the gate", 0, "is_better", "", gate_cases, ask_gate, judge_gate, GATE_MISTAKES),
    Question("b", "the canary", 0, "in_canary", "", arm_cases, ask_arms, judge_arms, ARM_MISTAKES),
    Question("c", "a bill", 0, "answer_c", "", lambda _: [{"n": np.array(1)}],
             lambda answer, _: {"dollars": float(answer)},
             lambda _, out: "" if _paid(7.2)(_, out) else "(GB - 100) times $0.09.", BILL_MISTAKES),
)  # fmt: skip
