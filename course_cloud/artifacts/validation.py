"""The validation values in an artifact, by user, and the comparison of two runs by them."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import pandas as pd

from course_cloud.artifacts.npz import Arrays
from course_utils.errors import ArtifactError, DataError
from course_utils.evaluation import Evaluation, mean_and_interval
from course_utils.interactions import Interactions

FEWEST = 30  # users: with fewer, the bootstrap's interval is too narrow


class Validation(NamedTuple):
    """A metric by user id, as a Series of its name, and the SHA-256 of the held-out pairs."""

    by_user: pd.Series
    held_out: str


class Comparison(NamedTuple):
    """The mean of candidate minus current over users, its 95% interval, and a clause about it."""

    difference: float
    low: float
    high: float
    says: str


def measured(
    result: Evaluation, held_out: Interactions, train: Interactions, metric: str = "recall@10"
) -> Validation:
    """Return the values of `result`, of a model fitted on `train`; a DataError refuses leaks."""
    alike = all(np.array_equal(getattr(train, n), getattr(held_out, n)) for n in ("users", "items"))
    rows = np.flatnonzero(np.diff(held_out.matrix.indptr))
    if (
        not alike
        or not np.array_equal(rows, result.per_user.index)
        or metric not in result.per_user
    ):
        raise DataError(
            f"`validation` must be (result, val): {metric} on val, with the rows and columns of "
            "`train`; encode(split.val, users=train.users, items=train.items)."
        )
    pairs = held_out.matrix.astype(bool).tocoo()
    if known := int(train.matrix.astype(bool).multiply(pairs).nnz):
        raise DataError(
            f"The model was fitted on {known:,} of the held-out pairs; fit on the rest."
        )
    ids = np.stack([held_out.users[pairs.row], held_out.items[pairs.col]], axis=1).astype("<i8")
    sealed = hashlib.sha256(ids[np.lexsort(ids.T)].tobytes()).hexdigest()
    return Validation(result.per_user[metric].set_axis(held_out.users[rows]), sealed)


def to_arrays(validation: Validation) -> Arrays:
    """Return what ``validation.npz`` holds: numbers only."""
    values, sealed = validation
    digits = np.frombuffer(bytes.fromhex(sealed), dtype=np.uint8)
    return {
        "users": values.index.to_numpy(),
        "held_out": digits,
        str(values.name): values.to_numpy(),
    }


def from_arrays(arrays: Arrays, place: object) -> Validation:
    """Return the values that :func:`to_arrays` was given, or raise an ArtifactError."""
    try:
        users, sealed = arrays.pop("users"), arrays.pop("held_out").tobytes().hex()
        ((metric, values),) = arrays.items()
        return Validation(pd.Series(values, index=users, name=metric), sealed)
    except (KeyError, ValueError):
        raise ArtifactError(f"{place} holds no validation values; save the model again.") from None


def compared(candidate: Validation, current: Validation) -> Comparison:
    """Compare two runs on the same users; an ArtifactError refuses what cannot be compared."""
    ours, theirs = candidate.by_user, current.by_user
    same = (ours.name, candidate.held_out) == (theirs.name, current.held_out)
    if not same or not ours.index.equals(theirs.index):
        raise ArtifactError(
            "The two runs were not measured by the same metric on the same held-out pairs; measure "
            "both on one split and save them again."
        )
    if len(ours) < FEWEST:
        raise ArtifactError(
            f"The runs have values of {len(ours)} users; at least {FEWEST} are needed."
        )
    columns = np.stack([ours, theirs, ours - theirs], axis=1)
    (one, other, difference), low, high = (part.tolist() for part in mean_and_interval(columns))
    known = "better" if low[2] > 0 else "worse" if high[2] < 0 else ""
    return Comparison(
        difference, low[2], high[2],
        f"{ours.name} of {one:.3f} {f'is {known} than' if known else 'cannot be told apart from'} "
        f"the current run's {other:.3f}, with a difference of {difference:+.3f} [{low[2]:+.3f}, "
        f"{high[2]:+.3f}] over {len(ours):,} users",
    )  # fmt: skip
