"""Lab 4, step 1: stars from bare parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_labs.checks.lab04 import data
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import EXAMPLE, TOLERANCE, Table, is_example

GIVEN = (*data.PARTS, "rows", "columns")


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return parameters and pairs: as many pairs as factors in one case, a single one in another.

    There are more films than users, so that a film's column often is no user's row.
    """
    cases = []
    for n_users, n_items, factors, n in [(5, 9, 3, 7), (4, 8, 5, 5), (6, 9, 2, 1)]:
        pairs = data.make_pairs(rng, n, n_users, n_items)
        pairs["columns"][0] = n_items - 1
        mean = np.array(round(float(rng.uniform(3.2, 3.8)), 2))
        case = {"mean": mean, **data.make_parameters(rng, n_users, n_items, factors), **pairs}
        while _predicted(case).max() < 5.5:  # so that clipping changes it
            case |= data.make_parameters(rng, n_users, n_items, factors)
        cases.append(case)
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``predict(mean, (b_u, b_i, p, q), rows, columns)`` with parameters that learn."""
    given = dict(zip(GIVEN, data.tensors(case, *GIVEN), strict=True))
    parameters = tuple(given[name].requires_grad_() for name in data.PARTS)
    result = answer(float(case["mean"]), parameters, given["rows"], given["columns"])
    return {
        "stars": data.as_array(result),
        "learns": bool(getattr(result, "requires_grad", False)),
        **{f"{name} after": data.as_array(given[name]) for name in GIVEN},
    }


def judge(case: Plain, outputs: Plain) -> str:
    """Compare with the sum of the four parts, to within 0.0001."""
    if wrong := data.wrong_stars(outputs["stars"], _predicted(case), "Return"):
        return wrong
    if not outputs["learns"]:
        return "The stars are right, but no gradient can pass through them; return a tensor."
    return data.CHANGED if _is_changed(case, outputs) else ""


def _predicted(case: Plain, *without: str) -> Table:
    parts = {name: case[name] * (name not in without) for name in ("mean", *data.PARTS)}
    return data.stars_of(parts, case["rows"], case["columns"])


def _like(case: Plain, outputs: Plain, *without: str) -> bool:
    return data.is_close(outputs["stars"], _predicted(case, *without), TOLERANCE)


def _is_changed(case: Plain, outputs: Plain) -> bool:
    return not all(np.array_equal(case[name], outputs[f"{name} after"]) for name in GIVEN)


def _is_swapped(case: Plain, outputs: Plain) -> bool:
    return data.is_close(
        outputs["stars"], data.stars_of(case, case["columns"], case["rows"]), TOLERANCE
    )


def _is_a_matrix(case: Plain, outputs: Plain) -> bool:
    return bool(outputs["stars"].ndim == 2 and np.ptp(outputs["stars"].shape) == 0)


MISTAKES = (
    Mistake(EXAMPLE, is_example({"stars": [4.1, 2.2]})),
    Mistake(
        "You add up the products of all pairs into one number. Give `sum` the dimension of the "
        "factors: `.sum(dim=1)`.",
        lambda case, out: (
            out["stars"].shape == case["rows"].shape
            and data.is_close(
                out["stars"],
                _predicted(case, "p") + (_predicted(case) - _predicted(case, "p")).sum(),
                TOLERANCE,
            )
        ),
    ),
    Mistake(
        "The factors of a pair are multiplied, but not added up over its factors. A dot product "
        "is `(p[rows] * q[columns]).sum(dim=1)`: one number for each pair.",
        lambda case, out: data.is_close(
            out["stars"],
            _predicted(case, "p") + case["p"][case["rows"]] * case["q"][case["columns"]],
            TOLERANCE,
        ),
        raises=r"size of tensor a .* must match the size of tensor b",
    ),
    Mistake(
        "This is a matrix, of every user of the batch with every film of it. Pair the first row "
        "with the first column, and so on: multiply `p[rows] * q[columns]`, and sum over `dim=1` "
        "without keeping that dimension.",
        _is_a_matrix,
    ),
    Mistake(data.SWAPPED, _is_swapped, raises=r"IndexError|out of (range|bounds)"),
    Mistake(
        "The mean $\\mu$ is missing: without it, everybody's prediction is near 0 stars.",
        lambda case, out: _like(case, out, "mean"),
    ),
    Mistake(
        "A bias is missing. There are two: $b_u$ of the user and $b_i$ of the film.",
        lambda case, out: any(_like(case, out, *b) for b in [["b_u"], ["b_i"], ["b_u", "b_i"]]),
    ),
    Mistake(
        "The taste is missing: this is the mean with the two biases, and no $p_u \\cdot q_i$.",
        lambda case, out: _like(case, out, "p"),
    ),
    Mistake(
        "You cut the predictions off at the ends of the scale. Where they are cut they have no "
        "gradient, so nothing is learned from the worst errors; leave them as they are.",
        lambda case, out: any(
            data.is_close(out["stars"], np.clip(_predicted(case), low, 5), TOLERANCE)
            for low in (0, 0.5, 1)
        ),
    ),
    Mistake(
        "The stars are right, but cut off from the parameters: `detach`, `item`, `numpy` and "
        "`no_grad` all end the chain by which `backward` finds them. Stay with tensors.",
        lambda case, out: _like(case, out) and not out["learns"],
    ),
    Mistake(
        "Your code adds to a parameter in place (`+=`). Predicting must change nothing: write "
        "`a + b`, which makes a new tensor.",
        raises="leaf Variable that requires grad",
    ),
)
