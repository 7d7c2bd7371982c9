"""Lab 3, step 4: the mean difference of two models over the same users, with an interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.lab03.data import CHANGED, around, interval, make_scores, unpaired
from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain
from course_labs.checks.ranked import EXAMPLE, Table

SLACK = 0.15  # of half the interval's width; the ends of a bootstrap of 1,000 draws vary by 0.04


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return scores of two models for the same users, some of them easy for both."""
    cases = []
    for n_users, gain, spread in [(300, 0.06, 0.1), (420, -0.03, 0.12), (350, 0.01, 0.11)]:
        a, b = make_scores(rng, n_users, gain, spread)
        cases.append({"a": a, "b": b})
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``paired_difference(a, b)``."""
    result = answer(case["a"], case["b"])
    if not isinstance(result, tuple | list | np.ndarray) or len(result) != 3:
        raise AnswerError("Return three numbers: `difference, low, high`.")
    return {"found": result, "a": case["a"], "b": case["b"]}


def judge(case: Plain, outputs: Plain) -> str:
    """Compare the difference to within 0.000001, the ends to within 15% of half the width."""
    got, wanted = outputs["found"], interval(case["a"], case["b"])
    if got.shape != (3,):
        return f"Return three single numbers; these have the shape {got.shape}."
    if not _like(outputs, wanted):
        text = "{:.4f} with the interval from {:.4f} to {:.4f}".format
        return f"The difference should be about {text(*wanted)}, and is {text(*got)}."
    same = all(np.array_equal(case[name], outputs[name]) for name in "ab")
    return "" if same else CHANGED


def _like(outputs: Plain, wanted: Table) -> bool:
    slack = SLACK * (wanted[2] - wanted[1]) / 2
    off = np.abs(outputs["found"] - wanted)
    return bool(off[0] < 1e-6 and (off[1:] <= slack).all())


def _with_half(case: Plain, outputs: Plain, factor: float) -> bool:
    """Say whether the interval is right except that it is `factor` times too wide."""
    middle, _, high = interval(case["a"], case["b"])
    return _like(outputs, around(middle, factor * (high - middle)))


def _spread(case: Plain, outputs: Plain) -> bool:
    differences = case["a"] - case["b"]
    quantiles = np.array([differences.mean(), *np.quantile(differences, [0.025, 0.975])])
    root = np.sqrt(len(differences))
    return _like(outputs, quantiles) or any(
        _with_half(case, outputs, factor) for factor in (root, root / 1.96)
    )


def _of_one(case: Plain, outputs: Plain) -> bool:
    difference = case["a"].mean() - case["b"].mean()
    for scores in (case["a"], case["b"]):
        own = interval(scores, np.zeros(len(scores)))
        for ends in (own[1:], own[1:] - own[0] + difference):
            if _like(outputs, np.array([difference, *ends])):
                return True
    return False


def _relative(case: Plain, outputs: Plain) -> bool:
    gain = (case["a"].mean() - case["b"].mean()) / case["b"].mean()
    return any(abs(outputs["found"][0] - factor * gain) < 1e-6 for factor in (1, 100))


def _swapped(case: Plain, outputs: Plain) -> bool:
    return _like({**outputs, "found": outputs["found"][[0, 2, 1]]}, interval(case["a"], case["b"]))


def _half_width(case: Plain, outputs: Plain) -> bool:
    difference, low, high = outputs["found"]
    half = max(abs(low), abs(high))
    return _like({**outputs, "found": around(difference, half)}, interval(case["a"], case["b"]))


MISTAKES = (
    Mistake(CHANGED, lambda case, out: judge(case, out) == CHANGED),
    Mistake(EXAMPLE, lambda case, out: abs(out["found"][0] - 0.25) < 1e-9),
    Mistake(
        "The sign is turned around: this is `b` less `a`. Above 0 should mean that `a` is better.",
        lambda case, out: (
            _like(out, interval(case["b"], case["a"]))
            or _like(out, np.array([1, -1, -1]) * interval(case["a"], case["b"])[[0, 2, 1]])
            or abs(out["found"][0] + case["a"].mean() - case["b"].mean()) < 1e-6
        ),
    ),
    Mistake(
        "The low end is above the high end. Return `difference, low, high`, in this order.",
        _swapped,
    ),
    Mistake(
        "The ends are distances from the difference. Return where the interval begins and ends: "
        "`difference - half, difference + half`.",
        _half_width,
    ),
    Mistake(
        "The interval is that of two unrelated groups, and too wide. The users are the same, and "
        "easy ones are easy for both: take `a - b` user by user first.",
        lambda case, out: (
            _like(out, unpaired(case["a"], case["b"])) or _like(out, _end_to_end(case))
        ),
    ),
    Mistake(
        "This is how far single users spread. The *mean* of n users spreads less: divide the "
        "standard deviation by the root of n, or draw users and take the mean each time.",
        _spread,
    ),
    Mistake(
        "This is plus and minus one standard error, which holds in two of three cases only. A 95 % "
        "interval takes 1.96 of them.",
        lambda case, out: _with_half(case, out, 1 / 1.96),
    ),
    Mistake(
        "The interval has another level than 95 %: its ends are at 2.5 % and 97.5 %, or 1.96 "
        "standard errors away.",
        lambda case, out: any(
            _with_half(case, out, z / 1.96) for z in (1.645, 1.282, 2.576, 3.291)
        ),
    ),
    Mistake(
        "The interval is that of one model's mean. It should be that of the difference.",
        _of_one,
    ),
    Mistake(
        "You have divided by the score of `b`. The difference here is plain, `a` less `b`.",
        _relative,
    ),
    Mistake(
        "You have added up the differences. Take their mean over users.",
        lambda case, out: abs(out["found"][0] - (case["a"] - case["b"]).sum()) < 1e-6,
    ),
)


def _end_to_end(case: Plain) -> Table:
    """Return the interval from a's low end minus b's high end to the reverse."""
    (a, _, a_high), (b, _, b_high) = (
        interval(case[name], np.zeros(len(case[name]))) for name in "ab"
    )
    return around(a - b, a_high - a + b_high - b)
