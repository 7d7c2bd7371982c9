"""Biased matrix factorization as a PyTorch module.

This file and ``biased_mf_training.py`` alone import torch at once, so nothing of the package
imports them before torch is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

IN_CACHE = 2**11  # pairs whose factors are multiplied at the same time
START = 0.1  # about the length of p_u and q_i at first; at 0, neither would ever move


class BiasedMFModule(nn.Module):
    r"""Predict a rating from a mean, two biases and the dot product of two vectors.

    .. math:: \hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i

    (Koren, Bell & Volinsky 2009, IEEE Computer 42).

    Parameters
    ----------
    n_users, n_items
        How many rows the tables have.
    factors
        Length of p_u and q_i; 0 leaves the biases alone.
    mean
        μ. A buffer and no parameter: known before training, and saved with the rest.
    generator
        Where the first factors come from; left out, torch's global one.

    Attributes
    ----------
    user_bias, item_bias
        Parameters of shape (n_users,) and (n_items,), at first 0.
    user_factors, item_factors
        Parameters of shape (n_users, factors) and (n_items, factors), at first small and random.
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
        self.user_bias = nn.Parameter(torch.empty(n_users))
        self.item_bias = nn.Parameter(torch.empty(n_items))
        self.user_factors = nn.Parameter(torch.empty(n_users, factors))
        self.item_factors = nn.Parameter(torch.empty(n_items, factors))
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Start anew: biases of 0, factors drawn at random."""
        spread = START / max(1, self.user_factors.shape[1]) ** 0.5
        for bias in (self.user_bias, self.item_bias):
            nn.init.zeros_(bias)
        for factors in (self.user_factors, self.item_factors):
            nn.init.normal_(factors, std=spread, generator=generator)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Return the predicted ratings of pairs, in stars.

        Parameters
        ----------
        users, items
            int64, shape (n,): rows of the tables.
        """
        biases = _taken(self.user_bias, users) + _taken(self.item_bias, items)
        return self.mean + biases + _dots(self.user_factors, self.item_factors, users, items)

    @torch.no_grad()
    def forget(self, users: Tensor, items: Tensor) -> None:
        """Set to 0 what stands for users and items without a rating, shape (n,) each.

        No gradient ever moves them from there, and what is predicted for them is the mean and the
        bias of the other.
        """
        for part, rows in (
            (self.user_bias, users),
            (self.user_factors, users),
            (self.item_bias, items),
            (self.item_factors, items),
        ):
            part[rows] = 0

    def parameter_groups(
        self, l2_biases: tuple[float, float], l2_factors: tuple[float, float], n_ratings: int
    ) -> list[dict[str, Any]]:
        r"""Return groups for an optimizer, each with the weight decay that its penalty asks for.

        .. math::

            \frac{1}{n} \Big( \sum_{(u, i)} (r_{ui} - \hat r_{ui})^2
            + \sum_\theta \lambda_\theta \lVert \theta \rVert^2 \Big)

        has the gradient of a mean squared error plus :math:`2 \lambda_\theta \theta / n`. The
        mean over a mini-batch estimates the first, and the second is the weight decay of
        ``torch.optim.Adam``, whatever the size of the mini-batch. (``AdamW`` shrinks outside of
        the gradient, and so minimizes something else.)

        Parameters
        ----------
        l2_biases, l2_factors
            λ of users and of items.
        n_ratings
            n, how many ratings there are to train on.
        """
        parts = (self.user_bias, self.item_bias, self.user_factors, self.item_factors)
        return [
            {"params": [part], "weight_decay": 2 * l2 / n_ratings}
            for part, l2 in zip(parts, (*l2_biases, *l2_factors), strict=True)
        ]


def _taken(table: Tensor, rows: Tensor) -> Tensor:
    """Return ``table[rows]`` of a table with one dimension.

    The gradient of plain indexing is added up by several threads in the order in which they come
    by. These two keep to one order, each on its device.
    """
    return table.index_select(0, rows) if _on_cpu(table) else _embedded(table[:, None], rows)[:, 0]


def _dots(p: Tensor, q: Tensor, users: Tensor, items: Tensor) -> Tensor:
    """Return p_u · q_i of each pair."""
    if _on_cpu(p) and p.shape[1]:
        dots: Tensor = _DotsOfPairs.apply(p, q, users, items)  # type: ignore[no-untyped-call]
        return dots
    return (_embedded(p, users) * _embedded(q, items)).sum(dim=1)


def _on_cpu(table: Tensor) -> bool:
    return table.device.type == "cpu"


def _embedded(table: Tensor, rows: Tensor) -> Tensor:
    return F.embedding(rows, table)


class _DotsOfPairs(torch.autograd.Function):
    """p_u · q_i on a CPU, with its gradient as two sparse products.

    With E the sparse users × items matrix of the loss's derivatives, the gradient of P is E Q, and
    that of Q is Eᵀ P. Autograd by itself would write a row of factors for each rating first, and
    wait for memory most of the time.
    """

    @staticmethod
    def forward(ctx: Any, p: Tensor, q: Tensor, users: Tensor, items: Tensor) -> Tensor:
        """Return a dot product for each pair, shape (n,)."""
        ctx.save_for_backward(p, q, users, items)
        dots = torch.empty(len(users), dtype=p.dtype)
        tables = [table.numpy(force=True) for table in (p, q)]
        of_users, of_items = np.empty((2, IN_CACHE, p.shape[1]), dtype=tables[0].dtype)
        parts = (torch.split(part, IN_CACHE) for part in (dots, users, items))
        for out, u, i in zip(*parts, strict=True):
            n = len(out)
            for table, rows, taken in zip(tables, (u, i), (of_users, of_items), strict=True):
                np.take(table, rows.numpy(), axis=0, out=taken[:n], mode="clip")  # else a copy
            np.einsum("nf,nf->n", of_users[:n], of_items[:n], out=out.numpy())
        return dots

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, derivatives: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Return E Q and Eᵀ P; rows and columns have no gradient."""
        p, q, users, items = (part.numpy(force=True) for part in ctx.saved_tensors)
        pairs, shape = (users, items), (len(p), len(q))
        e = sparse.csr_matrix((derivatives.numpy(force=True), pairs), shape=shape)
        return torch.from_numpy(e @ q), torch.from_numpy(e.T @ p), None, None
