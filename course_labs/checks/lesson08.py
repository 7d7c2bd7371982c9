"""Exercises of lesson 08: one step of a bias, negatives that are no likes, the loss of BPR."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.question import Mistake, Outputs, Plain, Question

LOOK = "Look at the objective of “One gradient by hand” above."


def _is(value: Any) -> Any:
    return lambda case, out: bool(np.isclose(out["value"], value(case), rtol=1e-6))


def _question(key: str, title: str, name: str, cases: Any, right: Any, wrong: Any) -> Question:
    """Return a question whose answer is one number, from a function of the arrays of a case."""

    def ask(answer: Any, case: Plain) -> Outputs:
        return {"value": answer(*case.values())}

    def judge(case: Plain, outputs: Plain) -> str:
        """Compare to within 0.0001 %."""
        return "" if _is(right)(case, outputs) else f"It should be {right(case):.4f}."

    mistakes = [Mistake(hint, _is(value)) for hint, value in wrong.items()]
    return Question(key, title, 0, name, "", cases, ask, judge, mistakes)


def step_cases(rng: np.random.Generator) -> list[Plain]:
    """Return a bias, its user's errors, the number of all ratings, a learning rate and lambda."""
    names = ("bias", "errors", "n", "rate", "l2")
    numbers = ((0.3, rng.normal(0.3, 1, 7), 40, 0.5, 2), (-0.8, rng.normal(0.3, 1, 7), 90, 2, 5))
    return [dict(zip(names, map(np.array, case), strict=True)) for case in numbers]


def _step(case: Plain, up: int = -1, l2_times: float = 1, two: int = 2, below: float = 0) -> Any:
    bias, errors, n, rate, l2 = case.values()
    return bias + up * rate * two * (errors.sum() / (below or n) + l2_times * l2 * bias / n)


STEPS: dict[str, Any] = {
    "You step up the gradient; go against it.": lambda c: _step(c, up=1),
    f"λ b² has a derivative, too: 2 λ b / n. {LOOK}": lambda c: _step(c, l2_times=0),
    f"The penalty is divided by n, too. {LOOK}": lambda c: _step(c, l2_times=float(c["n"])),
    "The derivative of a square has a factor of 2.": lambda c: _step(c, two=1),
    "Divide by n, the number of all ratings, not of this user's.": lambda c: _step(c, below=7),
}


def draw_cases(rng: np.random.Generator) -> list[Plain]:
    """Return likes of four users, one with a run of liked films, and rows in a random order."""
    liked = rng.random((4, 12)) < 0.3
    liked[0], liked[1:, 5] = np.arange(12) < 9, False
    return [{"liked": liked, "users": rng.permutation(np.repeat(np.arange(4), 3_000))}]


def ask_draw(answer: Any, case: Plain) -> Outputs:
    """Call ``draw_negatives(liked, users, rng)``."""
    return {"drawn": answer(case["liked"].copy(), case["users"], np.random.default_rng(1))}


def _counts(case: Plain, out: Plain) -> Any:
    counts = np.zeros(case["liked"].shape)
    np.add.at(counts, (case["users"], out["drawn"]), 1)
    return counts


def judge_draw(case: Plain, outputs: Plain) -> str:
    """Count the draws of each film; each is within 6 standard errors of an even share."""
    counts, free = _counts(case, outputs), ~case["liked"]
    if counts[~free].any():
        return f"{counts[~free].sum():.0f} drawn films are the user's likes."
    share = 3_000 / free.sum(axis=1, keepdims=True) * free
    even = (np.abs(counts - share) <= 6 * np.sqrt(share)).all()
    return "" if even else "Not all films that a user does not like are drawn equally often."


DRAWS = (
    Mistake("Films drawn for a clash may clash again: repeat until none does.",
            lambda case, out: 0 < _counts(case, out)[case["liked"]].sum() < 3_000),
    Mistake("Some drawn films are the user's own likes; draw these again.",
            lambda case, out: bool(_counts(case, out)[case["liked"]].any())),
    Mistake("A film after a run of liked ones comes up too often: draw again at random instead of "
            "moving on.", lambda case, out: bool(judge_draw(case, out))),
)  # fmt: skip


def loss_cases(rng: np.random.Generator) -> list[Plain]:
    """Return scores of liked and of drawn films."""
    return [{"pos": rng.normal(0.5, 1, n), "neg": rng.normal(0, 1, n)} for n in (5, 60)]


def _loss(case: Plain, sign: int = 1) -> Any:
    return np.log1p(np.exp(sign * (case["neg"] - case["pos"])))


LOSSES: dict[str, Any] = {
    "The difference is turned around.": lambda c: _loss(c, sign=-1).mean(),
    "The sign is missing: log σ is below 0.": lambda c: -_loss(c).mean(),
    "This is the sum over the pairs, not the mean.": lambda c: _loss(c).sum(),
    "Take the log of each pair, then the mean.": lambda c: -np.log(np.exp(-_loss(c)).mean()),
}
QUESTIONS = (
    _question("a", "one step of a bias", "bias_step", step_cases, _step, STEPS),
    Question("b", "draws", 0, "draw_negatives", "", draw_cases, ask_draw, judge_draw, DRAWS),
    _question("c", "BPR's loss", "bpr_loss", loss_cases, lambda c: _loss(c).mean(), LOSSES),
)
