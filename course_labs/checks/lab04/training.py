"""Lab 4, step 4: a training loop that stops early and keeps the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab04.data import (
    CHANGED,
    PARTS,
    as_array,
    is_close,
    load_torch,
    small_module,
    tensors,
)
from course_labs.checks.lab04.simulation import BATCH, N_BATCHES, Loop, make_case, simulate
from course_labs.checks.question import Mistake, Plain, Question

TOLERANCE = 1e-3  # stars; a tenth of the smallest difference that a decision hangs on
STARS = [f"batch {n} stars" for n in range(N_BATCHES)] + ["validation stars"]


def fit_cases(rng: np.random.Generator) -> list[Plain]:
    """Return cases where the error rises for a while before its lowest point.

    In the first two patience ends before the epochs do, in the third it does not.
    """
    return [
        make_case(rng, "++--+++------++++", epochs=11, patience=3),
        make_case(rng, "++-++---++++++++", epochs=9, patience=2),
        make_case(rng, "++-++-++++", epochs=6, patience=4),
    ]


def ask_fit(answer: Any, case: Plain) -> Mapping[str, npt.ArrayLike]:
    """Call ``fit(module, optimizer, batches, validation, epochs, patience)``."""
    module = small_module(case)
    batches = [tensors(case, *(f"batch {n} {part}" for part in BATCH)) for n in range(N_BATCHES)]
    validation = tensors(case, *(f"validation {part}" for part in BATCH))
    limits = int(case["epochs"]), int(case["patience"])
    curve = answer(module, scripted(module, case["rates"]), batches, validation, *limits)
    return {
        "curve": as_array(curve),
        "training": module.training,
        **{name: as_array(getattr(module, name)) for name in PARTS},
        **{
            f"{name} after": as_array(part[2])
            for name, part in zip(STARS, [*batches, validation], strict=True)
        },
    }


def scripted(module: Any, rates: npt.NDArray[np.float64]) -> Any:
    """Return plain gradient descent with a learning rate for each step; the last one stays."""
    import torch

    optimizer = torch.optim.SGD(module.parameters(), lr=float(rates[0]))
    left = rates.tolist()[::-1]

    def set_rate(*_: Any) -> None:
        optimizer.param_groups[0]["lr"] = left.pop() if len(left) > 1 else left[0]

    optimizer.register_step_pre_hook(set_rate)
    return optimizer


def judge_fit(case: Plain, outputs: Plain) -> str:
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
    return CHANGED if changed else ""


def _are_weights(outputs: Plain, weights: Plain) -> bool:
    return all(is_close(outputs[name], weights[name], TOLERANCE) for name in PARTS)


def _like(case: Plain, outputs: Plain, **how: Any) -> bool:
    """Say whether the curve is that of a loop with a mistake, and not the right one."""
    right, mistaken = (simulate(case, loop)[0] for loop in (Loop(), Loop(**how)))
    got = outputs["curve"]
    return is_close(got, mistaken, TOLERANCE) and not is_close(got, right, TOLERANCE)


def _watches_training(case: Plain, outputs: Plain) -> bool:
    got = outputs["curve"]
    losses = simulate(case, Loop(stop="never", watched="train"))[0][: len(got)]
    return any(is_close(got, curve, TOLERANCE) for curve in (losses, losses**2))


def _one_short(case: Plain, outputs: Plain) -> bool:
    return is_close(outputs["curve"], simulate(case, Loop())[0][:-1], TOLERANCE)


FIT_MISTAKES = (
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
        lambda case, out: is_close(out["curve"], simulate(case, Loop())[0] ** 2, TOLERANCE),
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


QUESTION = Question(
    "q4", "a loop that stops early", 4, "fit",
    "08_matrix_factorization#why-the-training-loss-alone-says-nothing",
    fit_cases, ask_fit, judge_fit, FIT_MISTAKES, prepare=load_torch,
)  # fmt: skip
