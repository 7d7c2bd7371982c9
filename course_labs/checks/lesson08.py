"""Exercises of lesson 08: one step of a bias, negatives that are no likes, the loss of BPR."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.question import Mistake, Outputs, Plain, Question

LOOK = "Look at the objective of “One gradient by hand” above."
ONE_EACH = "Return one film for each entry of `users`."
UNEVEN = "Some films come too often or never; all that the user does not like need the same chance."


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
    "The penalty counts once for a bias, not once for each rating.": lambda c: _step(c, l2_times=7),
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
    if outputs["drawn"].shape != case["users"].shape:
        return ONE_EACH
    return UNEVEN if (np.abs(_excess(case, outputs)) > 6).any() else ""


def _excess(case: Plain, out: Plain) -> Any:
    """Return by how many standard errors each film is drawn too often; a liked one by many."""
    counts, share = _counts(case, out), 3_000 / (~case["liked"]).sum(axis=1, keepdims=True)
    return np.where(case["liked"], 99 * counts, (counts - share) / np.sqrt(share))


DRAWS = (
    Mistake(ONE_EACH, lambda case, out: out["drawn"].shape != case["users"].shape),
    Mistake("Films drawn for a clash may clash again: repeat until none does.",
            lambda case, out: 0 < _counts(case, out)[case["liked"]].sum() < 3_000),
    Mistake("Some drawn films are the user's own likes; draw these again.",
            lambda case, out: bool(_counts(case, out)[case["liked"]].any())),
    Mistake("A film after a run of liked ones comes too often: draw again, instead of moving on.",
            lambda case, out:  # those drawn too often all come after a liked one
            set(np.roll(case["liked"], 1, axis=1)[_excess(case, out) > 6].tolist()) == {True}),
)  # fmt: skip


def loss_cases(rng: np.random.Generator) -> list[Plain]:
    """Return scores of liked and of drawn films."""
    return [{"pos": rng.normal(0.5, 1, n), "neg": rng.normal(0, 1, n)} for n in (5, 60)]


def _loss(case: Plain, sign: int = 1, axis: Any = ()) -> Any:
    return np.log1p(np.exp(sign * (case["neg"] - np.expand_dims(case["pos"], axis))))


LOSSES: dict[str, Any] = {
    "The difference is turned around.": lambda c: _loss(c, sign=-1).mean(),
    "The sign is missing: log σ is below 0.": lambda c: -_loss(c).mean(),
    "This is the sum over the pairs, not the mean.": lambda c: _loss(c).sum(),
    "The logarithm is missing: −log σ, not −σ.": lambda c: -np.exp(-_loss(c)).mean(),
    "Compare films in the same place, not each with all.": lambda c: _loss(c, axis=1).mean(),
    "Take the log of each pair, then the mean.": lambda c: -np.log(np.exp(-_loss(c)).mean()),
}
QUESTIONS = (
    _question("a", "one step of a bias", "bias_step", step_cases, _step, STEPS),
    Question("b", "draws", 0, "draw_negatives", "", draw_cases, ask_draw, judge_draw, DRAWS),
    _question("c", "BPR's loss", "bpr_loss", loss_cases, lambda c: _loss(c).mean(), LOSSES),
)
