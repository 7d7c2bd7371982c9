"""Exercises of lesson 09: a mean with a mask, centered vectors, the InfoNCE loss."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.question import Mistake, Outputs, Plain, Question

Numbers = npt.NDArray[np.float64]
POOLING = "Read “From many vectors to one” above."
LOSS = "Look at the formula of “Fine-tuning on likes” above."


def pool_cases(rng: np.random.Generator) -> list[Plain]:
    """Return token vectors and masks; padding has vectors too, as in a network's output."""
    # as many texts as numbers, so that a division by the wrong axis raises no error
    masks = [(np.arange(8) < rng.integers(2, 7, n)[:, None]).astype(np.int64) for n in (6, 5)]
    return [{"hidden": rng.normal(1, 2, (len(m), 8, len(m))), "mask": m} for m in masks]


def _pooled(case: Plain, wrong: str = "") -> Numbers:
    hidden, mask = case["hidden"], case["mask"]
    if wrong == "cls":
        return np.asarray(hidden[:, 0])
    if wrong == "picked":
        return np.array([vectors[m].mean(axis=0) for vectors, m in zip(hidden, mask, strict=True)])
    total = (hidden * (1 if wrong in ("no mask", "all tokens") else mask[:, :, None])).sum(axis=1)
    n = mask.shape[1] if wrong in ("width", "no mask") else mask.sum(axis=1, keepdims=True)
    return np.asarray(total / {"flat": mask.sum(axis=1), "together": mask.sum()}.get(wrong, n))


def center_cases(rng: np.random.Generator) -> list[Plain]:
    """Return vectors of different lengths with a large part in common."""
    return [{"vectors": rng.uniform(0.5, 4, (n, 1)) * rng.normal(1, 1, (n, 5))} for n in (6, 20)]


def _centered(case: Plain, wrong: str = "") -> Numbers:
    rows = case["vectors"] if wrong == "long first" else _unit(case["vectors"])
    if wrong == "not centered":
        return rows
    rest = rows - (rows.mean(axis=1, keepdims=True) if wrong == "rows" else rows.mean(axis=0))
    return rest if wrong == "not unit" else _unit(rest)


def _unit(rows: Any) -> Numbers:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def loss_cases(rng: np.random.Generator) -> list[Plain]:
    """Return square matrices of cosines and temperatures."""
    return [{"s": rng.uniform(-1, 1, (3, 3)), "temperature": np.array(t)} for t in (1.0, 0.5, 0.1)]


def _loss(case: Plain, wrong: str = "") -> Numbers:
    t = float(case["temperature"])
    logits = case["s"] * t if wrong == "times" else case["s"] if wrong == "cold" else case["s"] / t
    below = np.exp(logits) * (1 - np.eye(len(logits)) if wrong == "negatives" else 1)
    if wrong == "whole":
        return np.asarray((np.log(below.sum(axis=1, keepdims=True)) - logits).mean())
    parts = np.log(below.sum(axis=0 if wrong == "columns" else 1)) - np.diag(logits)
    return np.array({"sum": np.sum(parts), "sign": -parts.mean()}.get(wrong, parts.mean()))


def _ask(arguments: list[str], answer: Any, case: Plain) -> Outputs:
    return {"answer": answer(*(x if (x := case[key]).ndim else float(x) for key in arguments))}


def _judge(right: Any, case: Plain, outputs: Plain) -> str:
    found, expected = outputs["answer"], right(case)
    if found.shape != expected.shape:
        return f"The shape should be {expected.shape}, and yours is {found.shape}."
    first, yours = (np.ravel(numbers)[:3].round(3) for numbers in (expected, found))
    says = f"The first numbers should be {first}; yours are {yours}."
    return "" if np.allclose(found, expected, rtol=1e-3, atol=1e-5) else says


def _made(right: Any, wrong: str, case: Plain, outputs: Plain) -> bool:
    return np.allclose(outputs["answer"], right(case, wrong), rtol=1e-3, atol=1e-5)


POOL_HINTS = {
    "no mask": f"Padding counts in your mean: multiply by the mask first. {POOLING}",
    "all tokens": f"You divide by the right number, but padding is still in the sum. {POOLING}",
    "width": "Padding is out of the sum; divide by the tokens of each text, not by all places.",
    "flat": "Each number is divided by another text's count: sum the mask with keepdims=True.",
    "together": "You divide by the tokens of all texts together; sum the mask over axis 1.",
    "picked": "An integer mask picks the tokens 0 and 1; use it as mask.astype(bool).",
    "cls": f"That is the vector of the first token, which is the other pooling. {POOLING}",
}
CENTER_HINTS = {
    "not centered": "Subtract the mean of all rows. Read “What all texts share” above.",
    "long first": "Scale the rows to length 1 first, or long vectors count more in the mean.",
    "rows": "Subtract one vector, the mean over all rows (axis 0), not each row's own mean.",
    "not unit": "Scale the rows to length 1 again after the subtraction.",
}
LOSS_HINTS = {
    "sign": "The sign is turned around: the log of a share is below 0, and the loss above.",
    "times": f"Divide the cosines by the temperature. {LOSS}",
    "cold": f"The temperature is missing. {LOSS}",
    "columns": f"The sum below runs over j, over a row of the matrix: axis 1. {LOSS}",
    "negatives": "The sum below holds the own positive, too, not only the other columns.",
    "sum": "Take the mean over the anchors, not the sum.",
    "whole": "Only the own positives count above the line: take the diagonal, then the mean.",
}

NAMED = (
    ("a", "a mean with a mask", "masked_mean", pool_cases, _pooled, POOL_HINTS, "hidden", "mask"),
    ("b", "what is shared", "centered", center_cases, _centered, CENTER_HINTS, "vectors"),
    ("c", "InfoNCE", "info_nce", loss_cases, _loss, LOSS_HINTS, "s", "temperature"),
)  # fmt: skip
QUESTIONS = tuple(
    Question(key, title, 0, answer, "", cases, partial(_ask, arguments), partial(_judge, right),
             tuple(Mistake(hint, partial(_made, right, wrong)) for wrong, hint in hints.items()))
    for key, title, answer, cases, right, hints, *arguments in NAMED
)  # fmt: skip
