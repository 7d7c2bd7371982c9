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

IN_CACHE = 2**9  # pairs in a batch of dot products: their factors fit into the cache
START = 0.1  # expected length of p_u and q_i at the start; from 0, neither would ever change
AT_ONCE = 2**14  # ratings in a batch of the evaluation


class BiasedMFModule(nn.Module):
    r"""Predict :math:`\hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i`.

    The parameters are ``mean``, where μ starts, ``user_bias`` and ``item_bias``, initially 0, and
    ``user_factors`` and ``item_factors``, initially small and drawn from `generator`, or from
    torch's global one.
    """

    def __init__(
        self,
        n_users: int,
        n_items: int,
        factors: int = 50,
        mean: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.tensor(float(mean)))
        self.user_bias = nn.Parameter(torch.zeros(n_users))
        self.item_bias = nn.Parameter(torch.zeros(n_items))
        self.user_factors = nn.Parameter(torch.empty(n_users, factors))
        self.item_factors = nn.Parameter(torch.empty(n_items, factors))
        for table in (self.user_factors, self.item_factors):
            nn.init.normal_(table, std=START / max(1, factors) ** 0.5, generator=generator)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Return predicted stars, shape (n,), of pairs of users and items, shape (n,) each."""
        parts = (self.user_factors, self.item_factors, self.user_bias, self.item_bias)
        if _on_cpu(self.mean):
            pairs: Tensor = _SumsOfPairs.apply(*parts, users, items)  # type: ignore[no-untyped-call]
            return self.mean + pairs
        p, q = F.embedding(users, parts[0]), F.embedding(items, parts[1])
        biases = F.embedding(users, parts[2][:, None]) + F.embedding(items, parts[3][:, None])
        return self.mean + biases[:, 0] + (p * q).sum(dim=1)

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
        """Return parameter groups for an optimizer, each with the weight decay of its penalty.

        (Σ errors² + Σ λ θ²) / n has the gradient of a mean squared error plus 2 λ θ / n, the weight
        decay of ``torch.optim.Adam``, whatever the batch size (``AdamW`` decays outside the
        gradient: another objective). λ is that of users and of items; μ has no penalty.
        """
        parts = (self.user_bias, self.item_bias, self.user_factors, self.item_factors)
        groups = [{"params": [self.mean], "weight_decay": 0.0}]
        for part, l2 in zip(parts, (*l2_biases, *l2_factors), strict=True):
            groups.append({"params": [part], "weight_decay": 2 * l2 / n_ratings})
        return groups


def _on_cpu(table: Tensor) -> bool:
    return table.device.type == "cpu"


class _SumsOfPairs(torch.autograd.Function):
    """b_u + b_i + p_u · q_i on a CPU, with its gradient as sparse products.

    With E the sparse users × items matrix of the derivatives of the loss, the gradient of P is
    E Q, that of Q is Eᵀ P, and those of the biases are the sums of E. Autograd alone takes twice
    as long for an epoch of ML-1M: it first writes a row of factors for each rating.
    """

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        """Return a sum for each pair, shape (n,)."""
        ctx.save_for_backward(*tensors)
        p, q, b_u, b_i, users, items = (part.numpy(force=True) for part in tensors)
        sums = b_u[users] + b_i[items]
        for start in range(0, len(users), IN_CACHE):
            pairs = slice(start, start + IN_CACHE)
            of_users, of_items = p.take(users[pairs], axis=0), q.take(items[pairs], axis=0)
            sums[pairs] += np.einsum("nf,nf->n", of_users, of_items)
        return torch.from_numpy(sums)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, derivatives: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the four tables; row numbers have none."""
        p, q, b_u, b_i, users, items = (part.numpy(force=True) for part in ctx.saved_tensors)
        values, shape = derivatives.numpy(force=True), (len(p), len(q))
        if (users[1:] >= users[:-1]).all():  # rows in order, as from `batches`: quicker to build
            starts = np.searchsorted(users, np.arange(len(p) + 1, dtype=users.dtype))
            e = sparse.csr_matrix((values, items, starts), shape=shape)
        else:
            e = sparse.csr_matrix((values, (users, items)), shape=shape)
        sums = e @ np.ones_like(b_i), e.T @ np.ones_like(b_u)
        return *(torch.from_numpy(x) for x in (e @ q, e.T @ p, *sums)), None, None


class Ratings(NamedTuple):
    """Ratings as three tensors of shape (n,): int32, int32 and float32."""

    users: Tensor
    items: Tensor
    stars: Tensor


def as_tensors(ratings: sparse.csr_matrix, device: torch.device) -> Ratings:
    """Return the entries of a csr, in row order, on a device."""
    rows = np.repeat(np.arange(ratings.shape[0], dtype=np.int32), np.diff(ratings.indptr))
    columns, stars = ratings.indices.astype(np.int32), ratings.data.astype(np.float32)
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
) -> tuple[list[tuple[float, float]], int]:
    """Train a module with mini-batches and early stopping; restore the weights of the best epoch.

    Returns the RMSE of each epoch, of the mini-batches before their steps and of `validation`, and
    the number of the best epoch, from 1: that with the lowest error on `validation`, after which
    `patience` epochs without a better one end the training, or without validation the last.
    """
    curve: list[tuple[float, float]] = []
    best, lowest, weights = 0, np.inf, None
    bar = tqdm(range(1, epochs + 1), "BiasedMF", delay=2, leave=False, disable=not progress)
    for epoch in bar:
        squares = torch.zeros((), device=ratings.stars.device)
        for users, items, stars in batches(ratings, batch_size, generator):
            loss = F.mse_loss(module(users, items), stars)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            squares += loss.detach() * len(stars)
        error = rmse(module, validation)
        curve.append(((float(squares) / len(ratings.stars)) ** 0.5, error))
        if not np.isfinite(curve[-1][0]):
            raise DataError(f"Training diverged in epoch {epoch}; lower the learning rate.")
        if validation is None:
            best = epoch
        elif error < lowest:
            best, lowest = epoch, error
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
