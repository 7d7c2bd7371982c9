"""What a training loop should do, by hand in NumPy, and what it does with a mistake in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab04.data import PARTS, make_pairs, make_parameters, stars_of
from course_labs.checks.question import Plain
from course_labs.checks.ranked import Table

BATCH = ("rows", "columns", "stars")
N_BATCHES = 2
RATE = 0.06  # a step's learning rate, where the script says "+"
CLEAR = 0.01  # stars between errors that a decision hangs on; far above what float32 loses


@dataclass(frozen=True)
class Loop:
    """A training loop: as it is should be, but for what is set otherwise."""

    mode: Literal["both", "never eval", "never train again"] = "both"
    zeroed: bool = True
    summed: bool = False
    on_validation: bool = False  # the validation ratings are one more batch
    watched: Literal["validation", "train"] = "validation"
    stop: Literal["in a row", "in total", "at once", "never"] = "in a row"
    more_patience: int = 0
    best: bool = True


def ratings_of(case: Plain, name: str) -> tuple[npt.NDArray[Any], ...]:
    """Return rows, columns and stars of ``"batch 0"``, ``"validation"`` and so on."""
    return tuple(case[f"{name} {part}"] for part in BATCH)


def simulate(case: Plain, loop: Loop) -> tuple[Table, Plain]:
    """Return the curve, an RMSE for each epoch, and the parameters that the loop ends with.

    Every step is that of stochastic gradient descent on the mean squared error, with the case's
    learning rates, one for each step.
    """
    now: Plain = {name: case[name].astype(np.float64) for name in PARTS} | {"mean": case["mean"]}
    curve: list[float] = []
    best = {name: now[name] for name in PARTS}
    states = _epochs(case, loop, now)
    patience = 1 if loop.stop == "at once" else int(case["patience"]) + loop.more_patience
    lowest, at, bad = np.inf, 0, 0
    for epoch in range(int(case["epochs"])):
        next(states)
        error = _watched(case, loop, now)
        curve.append(error)
        if error < lowest:
            lowest, at, best = error, epoch, {name: now[name] for name in PARTS}
        else:
            bad += 1
        waited = bad if loop.stop == "in total" else epoch - at
        if loop.stop != "never" and waited >= patience:
            break
    return np.array(curve), best if loop.best else {name: now[name] for name in PARTS}


def _epochs(case: Plain, loop: Loop, now: Plain) -> Iterator[None]:
    """Change the parameters, an epoch at a time."""
    names = [f"batch {n}" for n in range(N_BATCHES)] + ["validation"] * loop.on_validation
    gradient = {name: np.zeros_like(now[name]) for name in PARTS}
    rates, first = iter(case["rates"]), True
    while True:
        training = first or loop.mode != "never train again"
        for name in names:
            rows, columns, stars = ratings_of(case, name)
            kept = np.arange(now["p"].shape[1]) < now["p"].shape[1] - training
            error = stars_of(now, rows, columns, training=training) - stars
            slope = 2 * error * (1 if loop.summed else 1 / len(error))
            if loop.zeroed:
                gradient = {part: np.zeros_like(now[part]) for part in PARTS}
            np.add.at(gradient["b_u"], rows, slope)
            np.add.at(gradient["b_i"], columns, slope)
            np.add.at(gradient["p"], rows, slope[:, None] * now["q"][columns] * kept)
            np.add.at(gradient["q"], columns, slope[:, None] * now["p"][rows] * kept)
            rate = next(rates)
            now |= {part: now[part] - rate * gradient[part] for part in PARTS}
        first = False
        yield


def _watched(case: Plain, loop: Loop, now: Plain) -> float:
    names = ["validation"]
    if loop.watched == "train":
        names = [f"batch {n}" for n in range(N_BATCHES)]
    parts = [ratings_of(case, name) for name in names]
    rows, columns, stars = (np.concatenate(part) for part in zip(*parts, strict=True))
    error = stars_of(now, rows, columns, training=loop.mode == "never eval") - stars
    return float(np.sqrt(np.mean(error**2)))


def make_case(rng: np.random.Generator, script: str, epochs: int, patience: int) -> Plain:
    """Return ratings and parameters on which a loop has decisions to make, and clear ones.

    Parameters
    ----------
    script
        For each epoch "+", where the optimizer goes down and the error falls, or "-", where it
        goes up again and the error rises.
    epochs, patience
        What the loop is given. The script may be longer.
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
        **make_parameters(rng, n_users, n_items, factors),
    }
    pairs = make_pairs(rng, 26, n_users, n_items)
    bounds = {"batch 0": (0, 9), "batch 1": (9, 16), "validation": (16, 26)}
    for name, (start, stop) in bounds.items():
        case |= {f"{name} {part}": pairs[part][start:stop] for part in BATCH}
    return case
