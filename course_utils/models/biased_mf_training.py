"""The training loop of a module that predicts ratings: mini-batches, validation, early stopping."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from course_utils.errors import DataError

AT_ONCE = 2**14  # ratings whose error is measured at the same time


class Ratings(NamedTuple):
    """Ratings one by one, three tensors of shape (n,): int64, int64 and float32."""

    users: Tensor
    items: Tensor
    stars: Tensor


class Epoch(NamedTuple):
    """The RMSE of training and validation ratings after an epoch, in stars."""

    train: float
    validation: float


def as_tensors(ratings: sparse.csr_matrix, device: torch.device) -> Ratings:
    """Return the entries of a csr, row by row."""
    rows = np.repeat(np.arange(ratings.shape[0]), np.diff(ratings.indptr))
    columns, stars = ratings.indices.astype(np.int64), ratings.data.astype(np.float32)
    return Ratings(*(torch.from_numpy(part).to(device) for part in (rows, columns, stars)))


def train(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    ratings: Ratings,
    validation: Ratings | None,
    *,
    epochs: int,
    batch_size: int,
    patience: int,
    generator: torch.Generator,
    progress: bool = False,
) -> tuple[list[Epoch], int]:
    """Train a module, and leave it with the weights of its best epoch.

    Parameters
    ----------
    module
        ``module(users, items)`` returns stars.
    optimizer
        Of the module's parameters.
    ratings, validation
        What it learns from, and what it is judged by. Without validation ratings the last epoch
        counts as the best.
    epochs
        How many there are at most.
    batch_size
        Ratings in a mini-batch.
    patience
        How many epochs in a row may bring no new best before training stops.
    generator
        Of the mini-batches.
    progress
        Show a progress bar when training takes longer than two seconds.

    Returns
    -------
    curve, best
        What each epoch ended with, and the number of the best one.

    Raises
    ------
    DataError
        When the error is no longer a finite number.
    """
    curve: list[Epoch] = []
    best, lowest, weights = 0, np.inf, None
    bar = tqdm(range(1, epochs + 1), "BiasedMF", delay=2, leave=False, disable=not progress)
    for epoch in bar:
        train_epoch(module, optimizer, ratings, batch_size, generator)
        curve.append(Epoch(rmse(module, ratings), rmse(module, validation)))
        if not np.isfinite(curve[-1].train):
            raise DataError(f"Training diverged in epoch {epoch}; lower the learning rate.")
        if validation is None:
            best = epoch
        elif curve[-1].validation < lowest:
            best, lowest = epoch, curve[-1].validation
            weights = deepcopy(module.state_dict())
        elif epoch - best >= patience:
            break
    if weights is not None:
        module.load_state_dict(weights)
    return curve, best


def train_epoch(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    ratings: Ratings,
    batch_size: int,
    generator: torch.Generator,
) -> None:
    """Go through the ratings once, with a step down the mean squared error of each mini-batch."""
    module.train()
    for users, items, stars in batches(ratings, batch_size, generator):
        loss = F.mse_loss(module(users, items), stars)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def batches(ratings: Ratings, size: int, generator: torch.Generator) -> Iterator[Ratings]:
    """Deal the ratings into mini-batches at random, each of `size` but the last.

    Within a mini-batch they keep their order: its gradient is the same, and memory is read from
    front to back.
    """
    n = len(ratings.stars)
    batch_of = (torch.randperm(n, generator=generator) // size).numpy()
    batch_of = batch_of.astype(np.min_scalar_type(n // size))  # NumPy sorts 16 bits far faster
    order = torch.from_numpy(np.argsort(batch_of, kind="stable")).to(ratings.stars.device)
    dealt = [torch.split(part.index_select(0, order), size) for part in ratings]
    yield from (Ratings(*batch) for batch in zip(*dealt, strict=True))


@torch.inference_mode()
def rmse(module: nn.Module, ratings: Ratings | None) -> float:
    """Return the root of the mean squared error, in stars; NaN without ratings."""
    if ratings is None:
        return np.nan
    module.eval()
    squares = 0.0
    for users, items, stars in zip(*(torch.split(part, AT_ONCE) for part in ratings), strict=True):
        squares += float(F.mse_loss(module(users, items), stars, reduction="sum"))
    return float(np.sqrt(squares / len(ratings.stars)))
