"""Lab 4, step 2: one step of the training, on bare tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab04 import data
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import TOLERANCE

BATCH = ("rows", "columns", "stars")
SIZES = (8, 5)  # of the two batches of a case


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return parameters, and two batches of different sizes for two steps."""
    cases = []
    for n_users, n_items, factors, l2 in [(5, 8, 3, 2.0), (6, 7, 2, 5.0)]:
        case = {
            "mean": np.array(3.5),
            "n_ratings": np.array(40),
            "l2": np.array(l2),
            "learning_rate": np.array(0.05),
            **data.make_parameters(rng, n_users, n_items, factors),
        }
        for n, size in enumerate(SIZES):
            pairs = data.make_pairs(rng, size, n_users, n_items)
            case |= {f"{name} {n}": pairs[name] for name in BATCH}
        cases.append(case)
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``train_step(mean, parameters, batch, n_ratings, l2, learning_rate)`` twice."""
    parameters = tuple(part.requires_grad_() for part in data.tensors(case, *data.PARTS))
    mean, l2, rate = (float(case[name]) for name in ("mean", "l2", "learning_rate"))
    outputs: dict[str, npt.ArrayLike] = {}
    for n in range(len(SIZES)):
        batch = data.tensors(case, *(f"{name} {n}" for name in BATCH))
        loss = answer(mean, parameters, batch, int(case["n_ratings"]), l2, rate)
        outputs[f"loss {n}"] = data.as_array(loss)
        for name, part in zip(data.PARTS, parameters, strict=True):
            outputs[f"{name} {n}"] = data.as_array(part).copy()
        outputs[f"after {n}"] = data.as_array(batch[2])
    return outputs


def steps(
    case: Plain,
    *,
    penalty: str = "scaled",
    penalized: Sequence[str] = data.PARTS,
    summed: bool = False,
    zeroed: bool = True,
    crossed: bool = False,
    sign: int = 1,
    mean: bool = True,
) -> Plain:
    """Return the losses of two steps and the parameters after each; keywords make one mistake each.

    The gradient of the mean squared error plus a weight times the sum of squares, in NumPy.
    """
    now = {name: case[name].astype(np.float64) for name in data.PARTS}
    now["mean"] = case["mean"] * mean
    gradient = {name: np.zeros_like(now[name]) for name in data.PARTS}
    outputs: Plain = {}
    for n, size in enumerate(SIZES):
        rows, columns, stars = (case[f"{name} {n}"] for name in BATCH)
        error = data.stars_of(now, rows, columns) - stars
        squares = error**2
        if crossed:  # each prediction with the stars of all pairs
            squares = (error + stars - stars[:, None]) ** 2
            error = error + stars - stars.mean()
        divisor = 1 if summed else size
        loss = squares.sum() if summed else squares.mean()
        if not zeroed and n:
            gradient = {name: part.copy() for name, part in gradient.items()}
        else:
            gradient = {name: np.zeros_like(part) for name, part in gradient.items()}
        np.add.at(gradient["b_u"], rows, 2 * error / divisor)
        np.add.at(gradient["b_i"], columns, 2 * error / divisor)
        np.add.at(gradient["p"], rows, 2 * error[:, None] / divisor * now["q"][columns])
        np.add.at(gradient["q"], columns, 2 * error[:, None] / divisor * now["p"][rows])
        for name in penalized:
            divisors = {"scaled": float(case["n_ratings"]), "summed": 1, "batch": size}
            divisors |= {"mean": now[name].size, "none": np.inf}
            weight = float(case["l2"]) / divisors[penalty]
            loss += weight * (now[name] ** 2).sum()
            gradient[name] += 2 * weight * now[name]
        outputs[f"loss {n}"] = np.asarray(loss)
        for name in data.PARTS:
            now[name] = now[name] - sign * float(case["learning_rate"]) * gradient[name]
            outputs[f"{name} {n}"] = now[name]
    return outputs


def judge(case: Plain, outputs: Plain) -> str:
    """Compare parameters to within 0.0001, and losses to within 0.001."""
    wanted = steps(case)
    for n, when in enumerate(("the first step", "a second step with another batch")):
        for name in data.PARTS:
            got, right = outputs[f"{name} {n}"], wanted[f"{name} {n}"]
            if not data.is_close(got, right, TOLERANCE):
                first = np.unravel_index(np.argmax(np.abs(got - right)), right.shape)
                place = ", ".join(str(int(index)) for index in first)
                return (
                    f"After {when}, `{name}[{place}]` should be {right[first]:.4f}, and is "
                    f"{got[first]:.4f}."
                )
    for n in range(len(SIZES)):
        if outputs[f"loss {n}"].shape != ():
            return f"Return the loss as one number; this has shape {outputs[f'loss {n}'].shape}."
        if not data.is_close(outputs[f"loss {n}"], wanted[f"loss {n}"], 10 * TOLERANCE):
            return (
                f"The steps are right, but the loss you return is not: it should be "
                f"{wanted[f'loss {n}']:.4f}, and is {outputs[f'loss {n}']:.4f}. Return the loss, "
                "penalty included, as it was before the step."
            )
        if not np.array_equal(case[f"stars {n}"], outputs[f"after {n}"]):
            return data.CHANGED
    return ""


def _like(case: Plain, outputs: Plain, **how: Any) -> bool:
    wanted = steps(case, **how)
    names = [f"{name} {n}" for name in data.PARTS for n in range(len(SIZES))]
    return all(data.is_close(outputs[name], wanted[name], TOLERANCE) for name in names)


def _is_unmoved(case: Plain, outputs: Plain) -> bool:
    return all(np.array_equal(case[name], outputs[f"{name} 1"]) for name in data.PARTS)


MISTAKES = (
    Mistake(
        "A step is no part of the prediction, so it must not be recorded for the next gradient: "
        "put it under `with torch.no_grad():`.",
        raises="leaf Variable that requires grad",
    ),
    Mistake(
        "The loss is cut off from the parameters, by `detach`, `item` or `no_grad`, before "
        "`backward` can find them.",
        raises="does not require grad and does not have a grad_fn",
    ),
    Mistake(
        "The tensors in `parameters` have not changed. `part = part - …` makes a new tensor and "
        "leaves the old one; `part -= …` changes the one you were given.",
        _is_unmoved,
    ),
    Mistake(
        "Gradients of the step before are still there: `backward` adds to `part.grad`. Throw it "
        "away after the step: `part.grad = None`.",
        lambda case, out: _like(case, out, zeroed=False),
    ),
    Mistake(
        "The penalty is summed and not scaled: it is paid in full in every batch, so the batch "
        "size decides how much it weighs. Divide it by `n_ratings`.",
        lambda case, out: _like(case, out, penalty="summed"),
    ),
    Mistake(
        "The penalty is divided by the size of the batch, so it weighs more in small batches. "
        "Divide by `n_ratings`, all ratings that are trained on.",
        lambda case, out: _like(case, out, penalty="batch"),
    ),
    Mistake(
        "The penalty is a mean over the parameters. It is $\\lambda$ times the *sum* of their "
        "squares, divided by `n_ratings`.",
        lambda case, out: _like(case, out, penalty="mean"),
    ),
    Mistake(
        "The penalty is missing from the step: add $\\lambda$ times the sum of all squared "
        "parameters, divided by `n_ratings`, to the loss before you call `backward`.",
        lambda case, out: _like(case, out, penalty="none"),
    ),
    Mistake(
        "Only a part of the parameters is penalized. All four are: biases and factors.",
        lambda case, out: any(
            _like(case, out, penalized=some)
            for some in [("p", "q"), ("b_u", "b_i"), ("p",), ("q",), data.PARTS[:3], data.PARTS[1:]]
        ),
    ),
    Mistake(
        "The squared errors are summed. Take their mean over the batch, or a larger batch makes "
        "larger steps.",
        lambda case, out: any(
            _like(case, out, summed=True, penalty=penalty)
            for penalty in ("scaled", "summed", "none")
        ),
    ),
    Mistake(
        "The step goes up. The gradient points to where the loss grows; subtract it.",
        lambda case, out: _like(case, out, sign=-1),
    ),
    Mistake(
        "Every prediction is compared with the stars of every pair: one of the two has the shape "
        "(n, 1), and broadcasting makes a matrix of them. Both should have shape (n,).",
        lambda case, out: _like(case, out, crossed=True),
    ),
    Mistake(
        "The mean $\\mu$ is missing from the prediction, so the biases must learn it.",
        lambda case, out: _like(case, out, mean=False),
    ),
)
