"""Lab 4, step 3: the module Factorization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab04 import data
from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain
from course_labs.checks.ranked import TOLERANCE

NAMES = ("user_bias", "item_bias", "user_factors", "item_factors")
FURTHEST = 1.0  # stars; bound of |p_u · q_i| before training


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return sizes, values to load, pairs to predict for, and the seed of the initial factors."""
    cases = []
    for n_users, n_items, factors, n in [(30, 50, 16, 12), (40, 25, 8, 8)]:
        case: Plain = {
            "mean": np.array(round(float(rng.uniform(3.2, 3.8)), 2)),
            "seed": np.array(rng.integers(2**31)),
            **data.make_parameters(rng, n_users, n_items, factors),
            **data.make_pairs(rng, n, n_users, n_items),
        }
        case["rows"][0], case["columns"][0] = n_users - 1, n_items - 1
        cases.append(case)
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Make ``Factorization(n_users, n_items, factors, mean)``, load the values, and call it."""
    import torch

    n_users, factors = case["p"].shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(case["seed"]))
        module = answer(n_users, len(case["q"]), factors, float(case["mean"]))
    if not isinstance(module, torch.nn.Module):
        raise AnswerError("`Factorization` should be a subclass of `nn.Module`, and is not.")
    if type(module).forward is torch.nn.Module.forward:
        raise AnswerError("`Factorization` lacks `forward`; write it, then check again.")
    named = described(module.named_parameters())
    outputs: dict[str, npt.ArrayLike] = {
        "parameters": named,
        "buffers": described(module.named_buffers()),
    }
    if named != wanted_parameters(case):
        return outputs
    parts = dict(module.named_parameters())
    outputs |= {f"{name} at first": data.as_array(parts[name]).copy() for name in NAMES}
    with torch.no_grad():
        for name, value in zip(NAMES, data.tensors(case, *data.PARTS), strict=True):
            parts[name].copy_(value)
    stars = module(*data.tensors(case, "rows", "columns"))
    outputs["stars"] = data.as_array(stars)
    if getattr(stars, "requires_grad", False):
        stars.sum().backward()
    outputs["moved"] = [part.grad is not None and bool(part.grad.any()) for part in parts.values()]
    return outputs


def described(named: Iterable[tuple[str, Any]]) -> list[str]:
    """Return a name with its shape for each tensor, sorted: ``["item_bias (4,)", …]``."""
    return sorted(f"{name} {tuple(part.shape)}" for name, part in named)


def wanted_parameters(case: Plain) -> list[str]:
    """Return the names and shapes that the four parameters should have."""
    shapes = zip(NAMES, data.PARTS, strict=True)
    return sorted(f"{name} {case[part].shape}" for name, part in shapes)


def judge(case: Plain, outputs: Plain) -> str:
    """Compare names, shapes and initial values, and the predictions to within 0.0001."""
    named, wanted = outputs["parameters"].tolist(), wanted_parameters(case)
    if named != wanted:
        return (
            f"The parameters should be {', '.join(wanted)}, and are "
            f"{', '.join(map(str, named)) or 'none at all'}."
        )
    if "mean ()" not in outputs["buffers"].tolist():
        return "The module should have a buffer `mean`: one number, of shape ()."
    if outputs["user_bias at first"].any() or outputs["item_bias at first"].any():
        return "The biases should start at 0."
    p, q = outputs["user_factors at first"], outputs["item_factors at first"]
    if not (np.ptp(p) > 0 and np.ptp(q) > 0):
        return "Both tables of factors should start with random numbers."
    furthest = np.abs(p @ q.T).max()
    if not furthest < FURTHEST:
        return f"At first, a prediction is {furthest:.1f} stars off the mean."
    if wrong := data.wrong_stars(outputs["stars"], _predicted(case), "`forward` should return"):
        return wrong
    if not outputs["moved"].all():
        return "The predictions are right, but no gradient reaches the parameters."
    return ""


def _predicted(case: Plain) -> npt.NDArray[np.float64]:
    return data.stars_of(case, case["rows"], case["columns"])


def _named(outputs: Plain) -> set[str]:
    return {text.split(" ")[0] for text in outputs["parameters"].tolist()}


def _has_shapes(outputs: Plain, *texts: str) -> bool:
    return set(texts) <= set(outputs["parameters"].tolist())


def _is_turned(case: Plain, outputs: Plain) -> bool:
    n_users, n_items = len(case["b_u"]), len(case["b_i"])
    return _has_shapes(outputs, f"user_bias ({n_items},)") or _has_shapes(
        outputs, f"item_bias ({n_users},)"
    )


def _is_transposed(case: Plain, outputs: Plain) -> bool:
    shapes = {name: case[part].T.shape for name, part in zip(NAMES[2:], "pq", strict=True)}
    return any(_has_shapes(outputs, f"{name} {shape}") for name, shape in shapes.items())


def _starts_equal(outputs: Plain, *, at_zero: bool) -> bool:
    tables = [outputs[f"{name} at first"] for name in NAMES[2:]]
    return any(np.ptp(table) == 0 and (not table.any()) == at_zero for table in tables)


MISTAKES = (
    Mistake(
        "`super().__init__()` must come first: it makes the place where a module keeps its "
        "parameters.",
        raises=r"before Module\.__init__|super\(",
    ),
    Mistake(
        "The mean is a parameter, so it is learned, slowly, and pulled to 0 by the penalty. It is "
        "known before training: `self.register_buffer('mean', torch.tensor(mean))`.",
        lambda case, out: "mean" in _named(out),
    ),
    Mistake(
        "The module has no parameters: plain tensors are attributes like any other, and no "
        "optimizer finds them. Wrap each in `nn.Parameter`.",
        lambda case, out: not out["parameters"].size,
    ),
    Mistake(
        "`nn.Embedding` keeps its table inside, as `….weight`, and makes biases of shape (n, 1). "
        "Here each of the four is an `nn.Parameter` of the name and shape that the step gives.",
        lambda case, out: any(name.endswith(".weight") for name in _named(out)),
    ),
    Mistake(
        "A bias is one number for each user or film: shape (n,), not (n, 1), which would make a "
        "matrix of a sum.",
        lambda case, out: _has_shapes(out, f"user_bias ({len(case['b_u'])}, 1)"),
    ),
    Mistake("`n_users` and `n_items` are mixed up in the shapes of the parameters.", _is_turned),
    Mistake(
        "The tables of factors lie on their side. They have a row for each user or film, so that "
        "`self.user_factors[rows]` takes the vectors of a batch.",
        _is_transposed,
    ),
    Mistake(
        "The mean is no buffer, so `state_dict()` does not save it, and a model that is loaded "
        "elsewhere predicts around another one: "
        "`self.register_buffer('mean', torch.tensor(mean))`.",
        lambda case, out: "mean ()" not in out["buffers"].tolist(),
    ),
    Mistake(
        "Factors start at 0. Where $p_u$ and $q_i$ are both 0, neither has a gradient, and nothing "
        "ever moves: start small and random.",
        lambda case, out: _starts_equal(out, at_zero=True),
    ),
    Mistake(
        "All factors start at the same value, so they get the same gradients and stay the same: "
        "as good as a single one. Start small and random.",
        lambda case, out: _starts_equal(out, at_zero=False),
    ),
    Mistake(
        "The biases start at random. They should start at 0, where a user or film without any "
        "rating then stays.",
        lambda case, out: bool(out["user_bias at first"].any() or out["item_bias at first"].any()),
    ),
    Mistake(
        "The factors start too large: before anything is learned, some predictions are stars away "
        "from the mean. Multiply the random numbers by 0.1, say.",
        lambda case, out: bool(
            np.abs(out["user_factors at first"] @ out["item_factors at first"].T).max() >= FURTHEST
        ),
    ),
    Mistake(
        "`forward` returns a matrix, of every user of the batch with every film of it. Multiply "
        "the vectors pair by pair, and sum over `dim=1`.",
        lambda case, out: out["stars"].shape == 2 * case["rows"].shape,
    ),
    Mistake(
        "`forward` forgets the mean.",
        lambda case, out: data.is_close(out["stars"], _predicted(case) - case["mean"], TOLERANCE),
    ),
    Mistake(
        "The predictions are right, but cut off from the parameters: `detach`, `data` and "
        "`no_grad` end the chain by which `backward` finds them.",
        lambda case, out: data.is_close(out["stars"], _predicted(case), TOLERANCE),
    ),
)
