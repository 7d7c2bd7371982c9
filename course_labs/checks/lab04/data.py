"""Lab 4: parameters made from a seed, conversion of tensors to arrays, and a small module.

Only the functions that touch a student's answer need torch. Cases and judgments are NumPy, so that
a grader judges without torch.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.question import AnswerError, Plain
from course_labs.checks.ranked import TOLERANCE, Table

PARTS = ("b_u", "b_i", "p", "q")
CHANGED = (
    "The result is right, but your code changes what it is given, and the next step would read "
    "that. Work on a copy: `.clone()` of a tensor, `.copy()` of an array."
)
SWAPPED = (
    "Users and films are mixed up: `rows` belong to `b_u` and `p`, `columns` to `b_i` and `q`."
)


def load_torch() -> None:
    """Import torch and make a first optimizer, which imports a large part of it.

    Raises
    ------
    AnswerError
        When torch is not installed.
    """
    if find_spec("torch") is None:
        raise AnswerError(
            "This step needs PyTorch, which is not installed; run: pip install 'course-utils[bert]'"
        )
    import torch

    torch.optim.SGD([torch.zeros(1)], lr=1.0)


def make_parameters(rng: np.random.Generator, n_users: int, n_items: int, factors: int) -> Plain:
    """Return biases and factors, float32, whose predictions range beyond 1 and 5 stars."""
    shapes = {
        "b_u": (n_users,),
        "b_i": (n_items,),
        "p": (n_users, factors),
        "q": (n_items, factors),
    }
    return {name: rng.normal(0, 0.9, shape).astype(np.float32) for name, shape in shapes.items()}


def make_pairs(rng: np.random.Generator, n: int, n_users: int, n_items: int) -> Plain:
    """Return `n` different pairs of a row and a column, and the stars of each."""
    cells = rng.permutation(n_users * n_items)[:n]
    rows, columns = np.divmod(cells, n_items)
    stars = rng.integers(2, 11, n).astype(np.float32) / 2
    return {"rows": rows, "columns": columns, "stars": stars}


def stars_of(
    case: Plain, rows: npt.NDArray[Any], columns: npt.NDArray[Any], *, training: bool = False
) -> Table:
    """Return the predictions of a case's parameters, in float64.

    In training mode the last factor is left out, as in `small_module`.
    """
    b_u, b_i, p, q = (case[name].astype(np.float64) for name in PARTS)
    factors = p.shape[1] - training
    taste = (p[rows, :factors] * q[columns, :factors]).sum(axis=1)
    predicted: Table = float(case["mean"]) + b_u[rows] + b_i[columns] + taste
    return predicted


def tensors(case: Plain, *names: str) -> tuple[Any, ...]:
    """Return arrays of a case as tensors, copied."""
    import torch

    return tuple(torch.from_numpy(case[name].copy()) for name in names)


def small_module(case: Plain) -> Any:
    """Return a module with a case's parameters, which in training mode leaves out the last factor.

    So its two modes differ, as with dropout, but deterministically.
    """
    import torch

    class SmallModule(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in zip(PARTS, tensors(case, *PARTS), strict=True):
                self.register_parameter(name, torch.nn.Parameter(part))
            self.register_buffer("mean", torch.tensor(float(case["mean"])))

        def forward(self, rows: Any, columns: Any) -> Any:
            b_u, b_i, p, q = (getattr(self, name) for name in PARTS)
            factors = p.shape[1] - self.training
            taste = (p[rows][:, :factors] * q[columns][:, :factors]).sum(dim=1)
            return self.mean + b_u[rows] + b_i[columns] + taste

    return SmallModule()


def as_array(value: Any) -> Any:
    """Return a tensor, or a list of tensors, as arrays; anything else unchanged."""
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if isinstance(value, tuple | list):
        return [as_array(part) for part in value]
    return value


def is_close(got: npt.NDArray[Any], wanted: npt.ArrayLike, tolerance: float) -> bool:
    """Say whether two arrays have the same shape, and the same values to within a tolerance."""
    return got.shape == np.shape(wanted) and np.allclose(got, wanted, rtol=0, atol=tolerance)


def wrong_stars(got: npt.NDArray[Any], wanted: Table, should: str) -> str:
    """Return what is wrong with predictions, "" for nothing; `should` begins the first sentence."""
    if got.shape != wanted.shape:
        return (
            f"{should} one number for each pair, shape {wanted.shape} here; yours has shape "
            f"{got.shape}."
        )
    if not is_close(got, wanted, TOLERANCE):
        at = int(np.nanargmax(np.abs(got - wanted)))
        return f"Pair {at} should get {wanted[at]:.4f}, and gets {got[at]:.4f}."
    return ""
