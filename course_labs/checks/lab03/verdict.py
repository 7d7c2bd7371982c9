"""Lab 3, step 5: better, worse, or cannot tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.lab03.data import interval, make_scores, unpaired
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import Table

WORDS = ("better", "worse", "cannot tell")
OPPOSITE = {"better": "worse", "worse": "better"}


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return scores of two models: clear differences, large ones by chance, small real ones.

    None is near the border, so that a bootstrap and a t-interval agree.
    """
    cases = []
    for n_users, gain, spread in [
        (300, 0.12, 0.04),  # every single user gains
        (400, 0.1, 0.2),  # plainly better
        (380, -0.1, 0.2),
        (350, 0.008, 0.2),  # any sign would be chance
        (360, -0.006, 0.18),
        (12, 0.08, 0.4),  # large, but of few users
        (400, 0.01, 0.03),  # small, but of nearly every user
        (420, -0.011, 0.03),
    ]:
        a, b = make_scores(rng, n_users, gain, spread)
        cases.append({"a": a, "b": b})
    same, _ = make_scores(rng, 200, 0, 0.1)
    return [*cases, {"a": same, "b": same.copy()}]


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``verdict(a, b)``."""
    return {"verdict": answer(case["a"], case["b"])}


def word_for(found: Table) -> str:
    """Return the word for a difference and its interval."""
    _, low, high = found
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


def judge(case: Plain, outputs: Plain) -> str:
    """Compare the words."""
    got, found = outputs["verdict"], interval(case["a"], case["b"])
    if got.shape != () or got.dtype.kind != "U" or str(got) not in WORDS:
        return 'Return one of the words "better", "worse" and "cannot tell".'
    if str(got) != word_for(found):
        return (
            f"For a difference of {found[0]:.4f} with the interval from {found[1]:.4f} to "
            f"{found[2]:.4f} the answer is {word_for(found)!r}, and yours is {str(got)!r}."
        )
    return ""


def _says(outputs: Plain, word: str) -> bool:
    return str(outputs["verdict"]) == word


def _by_sign(case: Plain) -> str:
    difference = (case["a"] - case["b"]).mean()
    return "better" if difference > 0 else "worse"


def _overlap(case: Plain) -> str:
    """Return the verdict by whether the two models' own intervals overlap."""
    a, b = (interval(case[name], np.zeros(len(case[name]))) for name in "ab")
    return "better" if a[1] > b[2] else "worse" if a[2] < b[1] else "cannot tell"


def _single_users(case: Plain) -> str:
    differences = case["a"] - case["b"]
    middle, half = differences.mean(), 1.96 * differences.std()
    return word_for(np.array([middle, middle - half, middle + half]))


def _by_size(case: Plain, outputs: Plain) -> bool:
    difference = (case["a"] - case["b"]).mean()
    return any(
        _says(outputs, "cannot tell" if abs(difference) < size else _by_sign(case))
        for size in (0.005, 0.01, 0.02, 0.05)
    )


MISTAKES = (
    Mistake(
        "Two models with the same scores cannot be told apart: where the interval is only the 0, "
        "neither is better. Ask for `low > 0` and `high < 0`.",
        lambda case, out: np.array_equal(case["a"], case["b"]) and not _says(out, "cannot tell"),
    ),
    Mistake(
        'Better and worse are turned around. "better" is about the first model, `a`.',
        lambda case, out: _says(out, OPPOSITE.get(word_for(interval(case["a"], case["b"])), "")),
    ),
    Mistake(
        'You never say "worse". An interval that lies below 0 as a whole says as much as one '
        "above it.",
        lambda case, out: _says(out, "cannot tell") and interval(case["a"], case["b"])[2] < 0,
    ),
    Mistake(
        "You go by the sign of the mean, which is never quite 0. Ask whether the whole interval "
        "lies on one side of 0.",
        lambda case, out: _says(out, _by_sign(case)),
    ),
    Mistake(
        "You compare the two models' own intervals, or treat the users as two groups, and miss "
        "small differences that nearly everybody has. Take the interval of the *differences*.",
        lambda case, out: (
            _says(out, _overlap(case)) or _says(out, word_for(unpaired(case["a"], case["b"])))
        ),
    ),
    Mistake(
        "You ask whether every single user gains: the interval is one of users, not of their "
        "mean. Use `paired_difference`.",
        lambda case, out: _says(out, _single_users(case)),
    ),
    Mistake(
        "You go by the size of the difference. A large one of few users may be chance, and a "
        "small one of many users real; ask the interval.",
        _by_size,
    ),
)
