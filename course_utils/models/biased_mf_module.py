"""Biased matrix factorization as a PyTorch module, and its training loop.

This module imports torch when it is imported, so the package imports it inside functions only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from tqdm import tqdm

from course_utils.errors import DataError

IN_CACHE = 2**11  # pairs in a batch of dot products: their factors fit into the cache
START = 0.1  # expected length of p_u and q_i at the start; from 0, neither would ever change
AT_ONCE = 2**14  # ratings in a batch of the evaluation


class BiasedMFModule(nn.Module):
    r"""Predict a rating from a mean, two biases and the dot product of two vectors.

    .. math:: \hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i

    (Koren, Bell & Volinsky 2009, IEEE Computer 42).

    Parameters
    ----------
    n_users, n_items
        Number of rows of the tables.
    factors
        Length of p_u and q_i; 0 for biases only.
    mean
        μ: a buffer, not a parameter. It is known before training, and saved with the parameters.
    generator
        Random generator of the initial factors; None means torch's global one.

    Attributes
    ----------
    user_bias, item_bias
        Parameters of shape (n_users,) and (n_items,), initially 0.
    user_factors, item_factors
        Parameters of shape (n_users, factors) and (n_items, factors), initially small and random.
    """

    mean: Tensor

    def __init__(
        self,
        n_users: int,
        n_items: int,
        factors: int = 50,
        mean: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.user_bias = nn.Parameter(torch.zeros(n_users))
        self.item_bias = nn.Parameter(torch.zeros(n_items))
        self.user_factors = nn.Parameter(torch.empty(n_users, factors))
        self.item_factors = nn.Parameter(torch.empty(n_items, factors))
        self.register_buffer("mean", torch.tensor(float(mean)))
        for table in (self.user_factors, self.item_factors):
            nn.init.normal_(table, std=START / max(1, factors) ** 0.5, generator=generator)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Return predicted stars, shape (n,), of pairs of users and items, int64, shape (n,)."""
        biases = _rows_of(self.user_bias, users) + _rows_of(self.item_bias, items)
        return self.mean + biases + _dots(self.user_factors, self.item_factors, users, items)

    @torch.no_grad()
    def forget(self, users: Tensor, items: Tensor) -> None:
        """Set the biases and factors of users and items without a rating to 0, shape (n,) each.

        They get no gradient, so the prediction for them stays the mean and the bias of the other.
        """
        self.user_bias[users], self.user_factors[users] = 0, 0
        self.item_bias[items], self.item_factors[items] = 0, 0

    def parameter_groups(
        self, l2_biases: tuple[float, float], l2_factors: tuple[float, float], n_ratings: int
    ) -> list[dict[str, Any]]:
        r"""Return parameter groups for an optimizer, each with the weight decay of its penalty.

        .. math::

            \frac{1}{n} \Big( \sum_{(u, i)} (r_{ui} - \hat r_{ui})^2
            + \sum_\theta \lambda_\theta \lVert \theta \rVert^2 \Big)

        has the gradient of a mean squared error plus :math:`2 \lambda_\theta \theta / n`. A
        mini-batch estimates the first; the second is the weight decay of ``torch.optim.Adam``,
        whatever the batch size. (``AdamW`` decays outside the gradient: another objective.)

        Parameters
        ----------
        l2_biases, l2_factors
            λ of users and of items.
        n_ratings
            n, the number of training ratings.
        """
        parts = (self.user_bias, self.item_bias, self.user_factors, self.item_factors)
        return [
            {"params": [part], "weight_decay": 2 * l2 / n_ratings}
            for part, l2 in zip(parts, (*l2_biases, *l2_factors), strict=True)
        ]


def _rows_of(table: Tensor, rows: Tensor) -> Tensor:
    """Return ``table[rows]``, shape (n,), with a deterministic gradient.

    Several threads sum the gradient of plain indexing in an order that varies.
    """
    if _on_cpu(table):
        return table.index_select(0, rows)
    return F.embedding(rows, table[:, None])[:, 0]


def _dots(p: Tensor, q: Tensor, users: Tensor, items: Tensor) -> Tensor:
    """Return p_u · q_i of each pair."""
    if _on_cpu(p) and p.shape[1]:
        dots: Tensor = _DotsOfPairs.apply(p, q, users, items)  # type: ignore[no-untyped-call]
        return dots
    return (F.embedding(users, p) * F.embedding(items, q)).sum(dim=1)


def _on_cpu(table: Tensor) -> bool:
    return table.device.type == "cpu"


class _DotsOfPairs(torch.autograd.Function):
    """p_u · q_i on a CPU, with its gradient as two sparse products.

    With E the sparse users × items matrix of the derivatives of the loss, the gradient of P is
    E Q, and that of Q is Eᵀ P. Autograd alone takes 1.5 times as long for an epoch of ML-1M: it
    first writes a row of factors for each rating.
    """

    @staticmethod
    def forward(ctx: Any, p: Tensor, q: Tensor, users: Tensor, items: Tensor) -> Tensor:
        """Return a dot product for each pair, shape (n,)."""
        ctx.save_for_backward(p, q, users, items)
        of_users, of_items, u, i = (part.numpy(force=True) for part in (p, q, users, items))
        dots = np.empty(len(u), dtype=of_users.dtype)
        for start in range(0, len(u), IN_CACHE):
            pairs = slice(start, start + IN_CACHE)
            np.einsum("nf,nf->n", of_users[u[pairs]], of_items[i[pairs]], out=dots[pairs])
        return torch.from_numpy(dots)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, derivatives: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Return E Q and Eᵀ P; row numbers have no gradient."""
        p, q, users, items = (part.numpy(force=True) for part in ctx.saved_tensors)
        pairs, shape = (users, items), (len(p), len(q))
        e = sparse.csr_matrix((derivatives.numpy(force=True), pairs), shape=shape)
        return torch.from_numpy(e @ q), torch.from_numpy(e.T @ p), None, None


class Ratings(NamedTuple):
    """Ratings as three tensors of shape (n,): int64, int64 and float32."""

    users: Tensor
    items: Tensor
    stars: Tensor


class Epoch(NamedTuple):
    """The RMSE of training and validation ratings after an epoch, in stars."""

    train: float
    validation: float


def as_tensors(ratings: sparse.csr_matrix, device: torch.device) -> Ratings:
    """Return the entries of a csr, in row order, on a device."""
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
    """Train a module with mini-batches and early stopping; restore the weights of the best epoch.

    Parameters
    ----------
    module, optimizer
        ``module(users, items)`` returns stars, and the optimizer updates its parameters.
    ratings, validation
        Training and validation ratings. Without validation ratings the last epoch is the best.
    epochs, batch_size
        Maximum number of epochs, and ratings in a mini-batch.
    patience
        Number of consecutive epochs without a new best after which training stops.
    generator
        Random generator of the mini-batches.
    progress
        Show a progress bar when training takes longer than two seconds.

    Returns
    -------
    curve, best
        The errors after each epoch, and the number of the best epoch, from 1.

    Raises
    ------
    DataError
        When the error is no longer a finite number.
    """
    curve: list[Epoch] = []
    best, lowest, weights = 0, np.inf, None
    bar = tqdm(range(1, epochs + 1), "BiasedMF", delay=2, leave=False, disable=not progress)
    for epoch in bar:
        module.train()
        for users, items, stars in batches(ratings, batch_size, generator):
            loss = F.mse_loss(module(users, items), stars)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
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


def batches(ratings: Ratings, size: int, generator: torch.Generator) -> Iterator[Ratings]:
    """Yield random mini-batches of the ratings, each of `size` but the last.

    Within a mini-batch ratings keep their order: the gradient is the same, and memory is read
    sequentially.
    """
    n = len(ratings.stars)
    batch_of = (torch.randperm(n, generator=generator) // size).numpy()
    batch_of = batch_of.astype(np.min_scalar_type(n // size))  # 16 bits are sorted much faster
    order = torch.from_numpy(np.argsort(batch_of, kind="stable")).to(ratings.stars.device)
    shuffled = [torch.split(part.index_select(0, order), size) for part in ratings]
    yield from (Ratings(*batch) for batch in zip(*shuffled, strict=True))


@torch.inference_mode()
def rmse(module: nn.Module, ratings: Ratings | None) -> float:
    """Return the root mean squared error, in stars; NaN without ratings."""
    if ratings is None:
        return np.nan
    module.eval()
    squares = 0.0
    for users, items, stars in zip(*(torch.split(part, AT_ONCE) for part in ratings), strict=True):
        squares += float(F.mse_loss(module(users, items), stars, reduction="sum"))
    return float(np.sqrt(squares / len(ratings.stars)))


def device_named(name: str) -> torch.device:
    """Return a device, or raise a DataError if there is none; "auto" prefers a GPU to the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, TypeError):  # the exception depends on the backend
        raise DataError(
            f"torch has no device {name!r} on this machine; use 'auto' or 'cpu'."
        ) from None
    return device


@contextmanager
def torch_threads(n_threads: int | None) -> Iterator[None]:
    """Set the number of torch's threads temporarily; None leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
