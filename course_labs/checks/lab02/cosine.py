"""Lab 2, step 1: the cosine of one film with all films."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from course_labs.checks.lab02.data import CHANGED, cosines, make_stars
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import EXAMPLE, TOLERANCE, Table, as_row, is_changed, is_example


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return matrices and the column asked for; the last film of a matrix has no rating."""
    return [
        {"stars": make_stars(rng, n_users, n_items), "column": np.array(column)}
        for n_users, n_items, column in [(14, 9, 2), (9, 14, 5), (12, 10, 8)]
    ]


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``similarity_to(stars, column)``."""
    stars = sparse.csr_matrix(case["stars"])
    result = answer(stars, int(case["column"]))
    return {"cosines": as_row(result), "after": stars.toarray()}


def judge(case: Plain, outputs: Plain) -> str:
    """Compare with the cosines, to within 0.0001."""
    got, wanted = outputs["cosines"], cosines(case["stars"])[case["column"]]
    if got.shape != wanted.shape:
        return (
            f"Return one number for each film, shape {wanted.shape} here; yours has shape "
            f"{got.shape}. `np.asarray(…).ravel()` makes one row of a table."
        )
    worst = np.abs(got - wanted)
    if not (worst <= TOLERANCE).all():
        at = int(np.nanargmax(worst))
        return f"Film column {at} should have {wanted[at]:.4f}, and has {got[at]:.4f}."
    return CHANGED if is_changed(case, outputs, "stars") else ""


def _cosine_like(case: Plain, outputs: Plain, table: Table) -> bool:
    return bool(np.allclose(outputs["cosines"], table[case["column"]], atol=TOLERANCE))


def _centered(stars: Table) -> Table:
    counts = np.maximum((stars > 0).sum(axis=0), 1)
    return np.where(stars > 0, stars - stars.sum(axis=0) / counts, 0)


def _divided(stars: Table, axis: int) -> Table:
    lengths = np.maximum(np.linalg.norm(stars, axis=0), 1e-12)
    return np.asarray(stars.T @ stars / (lengths[:, None] if axis else lengths))


def _scaled(stars: Table, power: int) -> Table:
    sizes = np.maximum((stars**power).sum(axis=0), 1e-12)
    return np.asarray(stars.T @ stars / np.outer(sizes, sizes))


MISTAKES = (
    Mistake(EXAMPLE, is_example({"cosines": [0.97, 1.0, 0.0, 0.26]})),
    Mistake(
        "You compare users, not films: there is one number for each row. Films are columns, so "
        "lengths are taken along `axis=0`, and the product is `stars.T @ …`.",
        lambda case, out: out["cosines"].shape == case["stars"].shape[:1] != out["after"][0].shape,
    ),
    Mistake(
        "Films without any rating get NaN: their length is 0, and 0 / 0 is no number. Give them "
        "the similarity 0, by dividing by 1 instead where the length is 0, say.",
        lambda case, out: bool(np.isnan(out["cosines"]).any()),
    ),
    Mistake(
        "These are dot products. A popular film has a large one with everything; divide by the "
        "lengths of both columns.",
        lambda case, out: _cosine_like(case, out, case["stars"].T @ case["stars"]),
    ),
    Mistake(
        "You divide by one length only. A cosine divides by both: the film's own and the other's.",
        lambda case, out: any(
            _cosine_like(case, out, _divided(case["stars"], axis)) for axis in (0, 1)
        ),
    ),
    Mistake(
        "You divide by sums, or by squares without the root. The length of a column is the root "
        "of the sum of its squares: `np.sqrt(stars.multiply(stars).sum(axis=0))`.",
        lambda case, out: any(
            _cosine_like(case, out, _scaled(case["stars"], power)) for power in (1, 2)
        ),
    ),
    Mistake(
        "You have lost the stars: this is the cosine of who rated what, with 1 for any rating.",
        lambda case, out: _cosine_like(case, out, cosines((case["stars"] > 0).astype(float))),
    ),
    Mistake(
        "You have taken the mean away first, which makes it a correlation. The plain cosine leaves "
        "the stars as they are.",
        lambda case, out: _cosine_like(case, out, cosines(_centered(case["stars"]))),
    ),
)
