"""Lab 4, step 4: a training loop that stops early and keeps the best weights.

`simulate` computes in NumPy what a loop does, the right one or one with a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab04 import data
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import Table

BATCH = ("rows", "columns", "stars")
N_BATCHES = 2
RATE = 0.06  # learning rate of the steps of an epoch that the script marks "+"
CLEAR = 0.01  # stars; least difference between errors that decide, far above float32's precision
TOLERANCE = 1e-3  # stars; a tenth of CLEAR
STARS = [f"batch {n} stars" for n in range(N_BATCHES)] + ["validation stars"]


@dataclass(frozen=True)
class Loop:
    """A training loop: the defaults are right, each other value is a mistake."""

    mode: Literal["both", "never eval", "never train again"] = "both"
    zeroed: bool = True
    summed: bool = False
    on_validation: bool = False  # the validation ratings are one more batch
    watched: Literal["validation", "train"] = "validation"
    stop: Literal["in a row", "in total", "at once", "never"] = "in a row"
    more_patience: int = 0
    best: bool = True


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return cases where the error rises for a while before its minimum.

    In the first two, patience runs out before the epochs do; in the third it does not.
    """
    return [
        _make_case(rng, "++--+++------++++", epochs=11, patience=3),
        _make_case(rng, "++-++---++++++++", epochs=9, patience=2),
        _make_case(rng, "++-++-++++", epochs=6, patience=4),
    ]


def _make_case(rng: np.random.Generator, script: str, epochs: int, patience: int) -> Plain:
    """Return ratings and parameters whose errors differ clearly wherever a loop decides.

    Parameters
    ----------
    script
        A sign for each epoch: "+" where the optimizer descends and the validation error falls, "-"
        where it ascends and the error rises. It may be longer than `epochs`.
    epochs, patience
        Arguments of the loop.
    """
    while True:
        case = _draw(rng, script, epochs, patience)
        curve, _ = simulate(case, Loop(stop="never"))
        changes = np.diff(curve)
        signs = np.array([1 if sign == "-" else -1 for sign in script[1:epochs]])
        before = np.minimum.accumulate(curve)[:-1]
        if (changes * signs > CLEAR).all() and (np.abs(curve[1:] - before) > CLEAR).all():
            return case


def _draw(rng: np.random.Generator, script: str, epochs: int, patience: int) -> Plain:
    n_users, n_items, factors = 5, 6, 3
    rates = [RATE if sign == "+" else -RATE / 2 for sign in script for _ in range(N_BATCHES)]
    case = {
        "mean": np.array(3.5),
        "epochs": np.array(epochs),
        "patience": np.array(patience),
        "rates": np.array(rates),
        **data.make_parameters(rng, n_users, n_items, factors),
    }
    pairs = data.make_pairs(rng, 26, n_users, n_items)
    bounds = {"batch 0": (0, 9), "batch 1": (9, 16), "validation": (16, 26)}
    for name, (start, stop) in bounds.items():
        case |= {f"{name} {part}": pairs[part][start:stop] for part in BATCH}
    return case


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``fit(module, optimizer, batches, validation, epochs, patience)``."""
    module = data.small_module(case)
    batches = [
        data.tensors(case, *(f"batch {n} {part}" for part in BATCH)) for n in range(N_BATCHES)
    ]
    validation = data.tensors(case, *(f"validation {part}" for part in BATCH))
    limits = int(case["epochs"]), int(case["patience"])
    curve = answer(module, scripted(module, case["rates"]), batches, validation, *limits)
    return {
        "curve": data.as_array(curve),
        "training": module.training,
        **{name: data.as_array(getattr(module, name)) for name in data.PARTS},
        **{
            f"{name} after": data.as_array(part[2])
            for name, part in zip(STARS, [*batches, validation], strict=True)
        },
    }


def scripted(module: Any, rates: npt.NDArray[np.float64]) -> Any:
    """Return plain gradient descent with a learning rate for each step, then the last one."""
    import torch

    optimizer = torch.optim.SGD(module.parameters(), lr=float(rates[0]))
    left = rates.tolist()[::-1]

    def set_rate(*_: Any) -> None:
        optimizer.param_groups[0]["lr"] = left.pop() if len(left) > 1 else left[0]

    optimizer.register_step_pre_hook(set_rate)
    return optimizer


def _ratings_of(case: Plain, name: str) -> tuple[npt.NDArray[Any], ...]:
    """Return rows, columns and stars of ``"batch 0"``, ``"validation"`` and so on."""
    return tuple(case[f"{name} {part}"] for part in BATCH)


def simulate(case: Plain, loop: Loop) -> tuple[Table, Plain]:
    """Return the curve, an RMSE for each epoch, and the parameters at the end of the loop.

    Each step is stochastic gradient descent on the mean squared error, with the case's learning
    rate for that step.
    """
    now: Plain = {name: case[name].astype(np.float64) for name in data.PARTS} | {
        "mean": case["mean"]
    }
    curve: list[float] = []
    best = {name: now[name] for name in data.PARTS}
    states = _epochs(case, loop, now)
    patience = 1 if loop.stop == "at once" else int(case["patience"]) + loop.more_patience
    lowest, at, bad = np.inf, 0, 0
    for epoch in range(int(case["epochs"])):
        next(states)
        error = _watched(case, loop, now)
        curve.append(error)
        if error < lowest:
            lowest, at, best = error, epoch, {name: now[name] for name in data.PARTS}
        else:
            bad += 1
        waited = bad if loop.stop == "in total" else epoch - at
        if loop.stop != "never" and waited >= patience:
            break
    return np.array(curve), best if loop.best else {name: now[name] for name in data.PARTS}


def _epochs(case: Plain, loop: Loop, now: Plain) -> Iterator[None]:
    """Update the parameters `now`, an epoch at a time."""
    names = [f"batch {n}" for n in range(N_BATCHES)] + ["validation"] * loop.on_validation
    gradient = {name: np.zeros_like(now[name]) for name in data.PARTS}
    rates, first = iter(case["rates"]), True
    while True:
        training = first or loop.mode != "never train again"
        for name in names:
            rows, columns, stars = _ratings_of(case, name)
            kept = np.arange(now["p"].shape[1]) < now["p"].shape[1] - training
            error = data.stars_of(now, rows, columns, training=training) - stars
            slope = 2 * error * (1 if loop.summed else 1 / len(error))
            if loop.zeroed:
                gradient = {part: np.zeros_like(now[part]) for part in data.PARTS}
            np.add.at(gradient["b_u"], rows, slope)
            np.add.at(gradient["b_i"], columns, slope)
            np.add.at(gradient["p"], rows, slope[:, None] * now["q"][columns] * kept)
            np.add.at(gradient["q"], columns, slope[:, None] * now["p"][rows] * kept)
            rate = next(rates)
            now |= {part: now[part] - rate * gradient[part] for part in data.PARTS}
        first = False
        yield


def _watched(case: Plain, loop: Loop, now: Plain) -> float:
    names = ["validation"]
    if loop.watched == "train":
        names = [f"batch {n}" for n in range(N_BATCHES)]
    parts = [_ratings_of(case, name) for name in names]
    rows, columns, stars = (np.concatenate(part) for part in zip(*parts, strict=True))
    error = data.stars_of(now, rows, columns, training=loop.mode == "never eval") - stars
    return float(np.sqrt(np.mean(error**2)))


def judge(case: Plain, outputs: Plain) -> str:
    """Compare the curve and the weights that the module ends with, to within 0.001."""
    curve, weights = simulate(case, Loop())
    got = outputs["curve"]
    if got.ndim != 1:
        return f"Return a list with one number for each epoch; this has shape {got.shape}."
    same = min(len(got), len(curve))
    off = np.flatnonzero(~(np.abs(got[:same] - curve[:same]) <= TOLERANCE))
    if off.size:
        at = int(off[0])
        return (
            f"After epoch {at + 1} the validation RMSE should be {curve[at]:.3f}, and is "
            f"{got[at]:.3f}."
        )
    if len(got) != len(curve):
        return f"There should be {len(curve)} epochs here, and there are {len(got)}."
    if not _are_weights(outputs, weights):
        return "The curve is right, but the module does not end with the weights of its best epoch."
    if outputs["training"]:
        return "All is right, but the module is left in training mode."
    changed = any(not np.array_equal(case[name], outputs[f"{name} after"]) for name in STARS)
    return data.CHANGED if changed else ""


def _are_weights(outputs: Plain, weights: Plain) -> bool:
    return all(data.is_close(outputs[name], weights[name], TOLERANCE) for name in data.PARTS)


def _like(case: Plain, outputs: Plain, **how: Any) -> bool:
    """Say whether the curve is that of a loop with a mistake, and differs from the right one."""
    right, mistaken = (simulate(case, loop)[0] for loop in (Loop(), Loop(**how)))
    got = outputs["curve"]
    return data.is_close(got, mistaken, TOLERANCE) and not data.is_close(got, right, TOLERANCE)


def _watches_training(case: Plain, outputs: Plain) -> bool:
    got = outputs["curve"]
    losses = simulate(case, Loop(stop="never", watched="train"))[0][: len(got)]
    return any(data.is_close(got, curve, TOLERANCE) for curve in (losses, losses**2))


def _one_short(case: Plain, outputs: Plain) -> bool:
    return data.is_close(outputs["curve"], simulate(case, Loop())[0][:-1], TOLERANCE)


MISTAKES = (
    Mistake(
        "Nothing is learned: the curve is flat. `backward` fills the gradients, and "
        "`optimizer.step()` takes the step.",
        lambda case, out: len(out["curve"]) > 1 and np.ptp(out["curve"]) < 1e-6,
    ),
    Mistake(
        "Gradients of the batch before are still there when the next step is taken. Call "
        "`optimizer.zero_grad()` before each `backward`.",
        lambda case, out: _like(case, out, zeroed=False),
    ),
    Mistake(
        "The loss is summed over the batch. Take the mean, or the size of a batch decides how "
        "large a step is.",
        lambda case, out: _like(case, out, summed=True),
    ),
    Mistake(
        "The module learns from the validation ratings too. Then they say nothing about ratings "
        "it has not seen: no step may come from them.",
        lambda case, out: _like(case, out, on_validation=True),
    ),
    Mistake(
        "You validate in training mode, where this module leaves a factor out, as dropout does. "
        "Call `module.eval()` before you measure.",
        lambda case, out: _like(case, out, mode="never eval"),
    ),
    Mistake(
        "From the second epoch on you train in evaluation mode. Call `module.train()` at the "
        "start of each epoch, not once before all.",
        lambda case, out: _like(case, out, mode="never train again"),
    ),
    Mistake(
        "The curve holds mean squared errors. Take the root, so that it is in stars.",
        lambda case, out: data.is_close(out["curve"], simulate(case, Loop())[0] ** 2, TOLERANCE),
    ),
    Mistake(
        "The curve, and so the decision when to stop, comes from the training ratings. That error "
        "falls whatever happens; watch the one on the validation ratings.",
        _watches_training,
    ),
    Mistake(
        "Training goes on to the last epoch, whatever the validation error does. Stop when "
        "`patience` epochs in a row have brought no new best.",
        lambda case, out: _like(case, out, stop="never"),
    ),
    Mistake(
        "You stop at the first epoch that brings no new best. Wait until there are `patience` of "
        "them in a row: the error may rise and fall again.",
        lambda case, out: _like(case, out, stop="at once"),
    ),
    Mistake(
        "You count all epochs without a new best, from the start. A new best starts the count "
        "anew, at 0.",
        lambda case, out: _like(case, out, stop="in total"),
    ),
    Mistake(
        "You stop one epoch off: after exactly `patience` epochs in a row without a new best, "
        "there is no further one.",
        lambda case, out: any(_like(case, out, more_patience=more) for more in (1, -1)),
    ),
    Mistake(
        "The curve lacks the last epoch. Note each epoch's error before you decide to stop.",
        _one_short,
    ),
    Mistake(
        "The module ends with the weights of the last epoch. Keep a copy of the best ones: "
        "`state_dict()` alone is no copy, its tensors go on learning, so `clone` each or "
        "`deepcopy` all. Load them at the end, also when the epochs ran out.",
        lambda case, out: _are_weights(out, simulate(case, Loop(best=False))[1]),
    ),
    Mistake(
        "The module is left in training mode, and its next predictions would lack a factor. End "
        "with `module.eval()`.",
        lambda case, out: bool(out["training"]) and _are_weights(out, simulate(case, Loop())[1]),
    ),
)
