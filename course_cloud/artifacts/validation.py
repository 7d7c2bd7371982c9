"""The validation values in an artifact, by user, and the comparison of two runs by them."""

from __future__ import annotations

import hashlib
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_cloud.artifacts.npz import Arrays
from course_cloud.artifacts.packing import read_arrays
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


def measured(validation: object, train: Interactions, metric: str = "recall@10") -> Validation:
    """Return the values in (result, val) of a model fitted on `train`, or raise for a leak."""
    match validation:
        case (Evaluation() as result, Interactions() as held_out) if (
            np.array_equal(train.users, held_out.users)
            and np.array_equal(train.items, held_out.items)
            and np.array_equal(np.flatnonzero(held_out.matrix.getnnz(1)), result.per_user.index)
            and metric in result.per_user
        ):
            values = result.per_user[metric]
        case _:
            raise DataError(
                f"`validation` must be (result, val): {metric} on val, with the rows and columns "
                "of `train`; encode(split.val, users=train.users, items=train.items)."
            )
    if not _are_shares(values.to_numpy()):  # a comparison would leave out users without one
        raise DataError(f"`validation` holds a {metric} that is no number from 0 to 1.")
    pairs = held_out.matrix.astype(bool).tocoo()
    if known := int(train.matrix.astype(bool).multiply(pairs).nnz):
        raise DataError(
            f"The model was fitted on {known:,} of the held-out pairs; fit on the rest."
        )
    ids = np.stack([held_out.users[pairs.row], held_out.items[pairs.col]], axis=1).astype("<i8")
    sealed = hashlib.sha256(ids[np.lexsort(ids.T)].tobytes()).hexdigest()
    return Validation(values.set_axis(held_out.users[values.index]), sealed)


def _are_shares(values: npt.NDArray[Any]) -> bool:
    if values.ndim != 1 or values.dtype.kind != "f":
        return False
    return bool(((values >= 0) & (values <= 1)).all())  # NaN is not


def to_arrays(validation: Validation) -> Arrays:
    """Return what ``validation.npz`` holds: numbers only."""
    values, sealed = validation
    digits = np.frombuffer(bytes.fromhex(sealed), dtype=np.uint8)
    return {
        "users": values.index.to_numpy(),
        "held_out": digits,
        str(values.name): values.to_numpy(),
    }


def read_validation(file: IO[bytes]) -> Validation:
    """Return the values that :func:`to_arrays` was given; an error of any kind refuses others."""
    arrays = read_arrays(file)
    users, digits = arrays.pop("users"), arrays.pop("held_out")
    ((metric, values),) = arrays.items()
    by_user = pd.Series(values, index=users, name=metric)
    good = _are_shares(values) and users.dtype.kind in "iu" and by_user.index.is_unique
    if not good or digits.dtype != np.uint8 or digits.shape != (32,):
        raise DataError("It holds no validation values.")
    return Validation(by_user, digits.tobytes().hex())


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
