"""What must hold before ratings are factorized, each checked with one clear sentence."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import CourseError, CourseWarning, DataError
from course_utils.validation import IntArray, as_user_items, need_number

UNKNOWN = -1  # stands for a user or an item that has no row or column


def need_factors(value: object) -> int:
    """Return a number of factors, or raise a DataError when it is no integer of at least 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise DataError(f"factors must be an integer of at least 0, and is {value!r}.")
    return int(value)


def need_pair(value: float | Sequence[float], name: str) -> tuple[float, float]:
    """Return λ of users and λ of items, given as one number or as two.

    Raises
    ------
    DataError
        When there are more or fewer, or one is no number of at least 0.
    """
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2:
        raise DataError(
            f"{name} must be one number, or one for users and one for items, and is {value!r}."
        )
    return need_number(both[0], name), need_number(both[1], name)


def need_validation(
    validation: sparse.csr_matrix | None, training: sparse.csr_matrix
) -> sparse.csr_matrix | None:
    """Return validation ratings as csr, None for none, or raise a DataError when they do not fit.

    Parameters
    ----------
    validation
        Sparse, of any format.
    training
        The checked matrix that the model is fitted to.
    """
    if validation is None:
        return None
    held_out = as_user_items(validation, "`validation`")
    if held_out.shape != training.shape:
        raise DataError(
            f"`validation` has the shape {held_out.shape}, and the training ratings have "
            f"{training.shape}; both need the same rows and columns."
        )
    if not held_out.nnz:
        raise DataError("`validation` holds no ratings; leave it out, or hold some out.")
    n_both = held_out.astype(bool).multiply(training.astype(bool)).nnz
    if n_both:
        raise DataError(
            f"{n_both:,} of the {held_out.nnz:,} validation ratings are trained on as well, so "
            "they do not tell when to stop; take them out of the training ratings."
        )
    return held_out


def warn_of_positives(ratings: sparse.csr_matrix) -> None:
    """Warn when all ratings are the same, so that there is nothing to learn from them."""
    if ratings.nnz > 1 and ratings.data.min() == ratings.data.max():
        warnings.warn(
            f"All {ratings.nnz:,} ratings are {ratings.data[0]:g}, so none tells two films apart; "
            "BiasedMF learns from stars, and encode() keeps positives only.",
            CourseWarning,
            stacklevel=5,
        )


def need_pairs(
    userids: npt.ArrayLike, itemids: npt.ArrayLike, shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Return rows and columns of one shape, -1 for what is unknown, or raise a DataError.

    Parameters
    ----------
    userids, itemids
        Integers that NumPy can broadcast against each other.
    shape
        Of the matrix that the model was fitted on.
    """
    users = _need_indices(userids, shape[0], "user")
    items = _need_indices(itemids, shape[1], "item")
    try:
        users, items = np.broadcast_arrays(users, items)
    except ValueError:
        raise DataError(
            f"predict needs a user for each item, and has users of shape {users.shape} and items "
            f"of shape {items.shape}."
        ) from None
    return users, items


def _need_indices(indices: npt.ArrayLike, n: int, what: str) -> IntArray:
    array = np.asarray(indices)
    if array.size and array.dtype.kind not in "iu":
        raise DataError(f"The {what}s to predict for must be integers, and are {array.dtype}.")
    bad = array[(array < UNKNOWN) | (array >= n)]
    if bad.size:
        raise DataError(
            f"There is no {what} {bad.flat[0]}: {what}s are counted from 0 to {n - 1}, and "
            f"{UNKNOWN} stands for an unknown one; Interactions turns ids into rows and columns."
        )
    return array.astype(np.int64)


def need_device(name: str) -> Any:
    """Return a ``torch.device``; "auto" is a GPU where torch sees one, and else the CPU.

    Raises
    ------
    DataError
        When torch knows no such device, or this machine has none.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, TypeError):  # whatever the backend raises
        raise DataError(
            f"torch has no device {name!r} on this machine; use 'auto' or 'cpu'."
        ) from None
    return device


def need_torch() -> None:
    """Raise a CourseError when torch is not installed."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise CourseError(
            "BiasedMF needs PyTorch, which is not installed; run: pip install 'course-utils[bert]'"
        )


@contextmanager
def torch_threads(n_threads: int | None) -> Iterator[None]:
    """Let torch use so many threads for a while; None changes nothing."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
