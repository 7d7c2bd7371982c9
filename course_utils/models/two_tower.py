"""A two-tower model: one tower describes items, the other users by the items they liked."""

from __future__ import annotations

from importlib import util
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import CourseError, DataError
from course_utils.models.base import Recommender, cosines
from course_utils.models.content import column_vectors, need_vectors_for
from course_utils.ranking import Scores
from course_utils.text.embeddings import Embeddings
from course_utils.validation import IntArray, need_integer, need_number, need_positive, need_seed

START = 0.05  # standard deviation of the initial weights
SETTINGS = ("factors", "epochs", "batch_size", "learning_rate", "temperature", "logq", "seed")


class TwoTower(Recommender):
    r"""Rank items by the dot product of a user's vector and an item's, each from a tower.

    .. math:: v_i = W x_i + e_i, \qquad p_u = \frac{1}{\sqrt{n_u}} \sum_{j \in u} v_j

    with :math:`x_i` the embedding of an item's text and :math:`e_i` a vector of its own, 0 for an
    item that nobody with two items has: such an item is served from its text, and never if its
    embedding is zero. Users are served from a history, also those that were not in the training
    matrix; without a history they get no recommendations.

    A mini-batch holds positives, and its items are the candidates of each of its users; see
    :func:`in_batch_softmax`. Nothing leaks: where item i is to be predicted for user u,
    :math:`p_u` is made of the other items of the history. Each stored entry is a positive.

    Parameters
    ----------
    embeddings, items
        As in :class:`course_utils.models.ContentModel`; they are centered.
    factors, epochs, batch_size, learning_rate
        Length of :math:`v_i`, passes over the positives, positives in a mini-batch, and the
        learning rate of Adam. The defaults are the course's settings, chosen on validation.
    temperature, logq
        Of the loss: what scores are divided by, and whether to correct them by :math:`\log q`.
    seed
        Seed of the initial weights and the mini-batches. Training uses one thread.

    Attributes
    ----------
    item_factors
        float32, shape (n_items, factors): :math:`v_i`.
    """

    learned = ("vectors", "item_factors")
    item_factors: npt.NDArray[np.float32]

    def __init__(
        self,
        embeddings: Embeddings | npt.ArrayLike,
        items: npt.ArrayLike | None = None,
        factors: int = 64,
        epochs: int = 6,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        temperature: float = 1.0,
        logq: bool = True,
        seed: int = 42,
    ) -> None:
        self.vectors = column_vectors(embeddings, items, center=True)
        self.factors = need_positive(factors, "factors")
        self.epochs = need_positive(epochs, "epochs")
        self.batch_size = need_integer(batch_size, "batch_size", 2)  # one item has nothing to beat
        self.learning_rate = need_number(learning_rate, "learning_rate", above=True)
        self.temperature = need_number(temperature, "temperature", above=True)
        self.logq, self.seed = bool(logq), need_seed(seed)

    def __repr__(self) -> str:
        n, d = self.vectors.shape
        return f"TwoTower({n:,} films × {d}, factors={self.factors}, logq={self.logq})"

    def _arguments(self) -> dict[str, Any]:
        return {"embeddings": self.vectors} | {name: getattr(self, name) for name in SETTINGS}

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        need_vectors_for(self.vectors, matrix.shape[1])
        if np.diff(matrix.indptr).max() < 2:
            raise DataError("No user has two items, so none can be predicted from the others.")
        if util.find_spec("torch") is None:
            raise CourseError("TwoTower needs PyTorch: pip install 'course-utils[bert]'")
        from course_utils.models.biased_mf_module import torch_threads

        with torch_threads(1):
            factors = self._train(_history_of(matrix))
        if not np.isfinite(factors).all():
            raise DataError("Training diverged; lower the learning rate.")
        self.item_factors = factors

    def _train(self, likes: sparse.csr_matrix) -> npt.NDArray[np.float32]:
        import torch

        generator = torch.Generator().manual_seed(self.seed % 2**64)
        n_liked, count = np.diff(likes.indptr), np.bincount(likes.indices, minlength=self.n_items)
        log_q = torch.from_numpy(np.log(np.maximum(count, 1) / likes.nnz)).float()
        shapes = (self.vectors.shape[1], self.factors), (self.n_items, self.factors)
        start = [START * torch.randn(shape, generator=generator) for shape in shapes]
        linear, own = (weights.requires_grad_() for weights in start)
        optimizer = torch.optim.Adam([linear, own], lr=self.learning_rate)
        of_user = np.repeat(np.arange(self.n_users), n_liked)
        learns = n_liked[of_user] > 1
        pairs = torch.from_numpy(np.flatnonzero(learns))
        trained = np.isin(np.arange(self.n_items), likes.indices[learns])  # the rest stay random
        x, warm = torch.from_numpy(self.vectors), torch.from_numpy(trained)[:, None]
        for _ in range(self.epochs):
            order = pairs[torch.randperm(len(pairs), generator=generator)]
            for batch in torch.split(order, self.batch_size):
                columns = torch.from_numpy(likes.indices[batch.numpy()].astype(np.int64))
                items = x @ linear + warm * own
                users = _users_without(likes, of_user[batch.numpy()], columns, items)
                q = log_q[columns] if self.logq else None
                loss = in_batch_softmax(users, items[columns], self.temperature, q)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return np.asarray((x @ linear + warm * own).detach().numpy())

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        n_liked = np.diff(history.indptr)[:, None]
        users = _history_of(history) @ self.item_factors
        users /= np.sqrt(np.maximum(n_liked, 1), dtype=np.float32)
        has_both = (n_liked > 0) & self.item_factors.any(axis=1)
        return np.where(has_both, users @ self.item_factors.T, np.float32(-np.inf))

    def _similarities(self, columns: IntArray) -> Scores:
        return cosines(self.item_factors, columns)


def in_batch_softmax(users: Any, items: Any, temperature: float = 1.0, log_q: Any = None) -> Any:
    r"""Return :math:`-\frac{1}{B} \sum_b \log (e^{s_{bb}} / \sum_c e^{s_{bc}})` for a batch.

    :math:`s_{bc} = p_b \cdot v_c / \tau - \log q_c` for `users` p and `items` v, tensors of shape
    (B, d): row b of both is a positive. Items come into a batch as often as they are liked. With
    :math:`\log q`, the logarithm of each item's share of the positives, shape (B,), the scores
    tend to :math:`\log p(i | u)` plus a constant of the user, and without it to
    :math:`\log p(i | u) - \log p(i)` (Yi et al. 2019, RecSys). The correction takes the positive
    itself for sampled, which it is not; arXiv 2507.09331 mends that.
    """
    scores = users @ items.T / temperature
    scores = scores if log_q is None else scores - log_q
    return (scores.logsumexp(dim=1) - scores.diagonal()).mean()


def _users_without(likes: sparse.csr_matrix, rows: IntArray, columns: Any, items: Any) -> Any:
    """Return the vector of each user, made of the history without the item to be predicted."""
    import torch

    distinct, place = np.unique(rows, return_inverse=True)
    mine = likes[distinct]
    where, ones = torch.from_numpy(np.array(mine.nonzero())), torch.ones(mine.nnz)
    history = torch.sparse_coo_tensor(where, ones, mine.shape, check_invariants=False)
    others = torch.sparse.mm(history, items)[torch.from_numpy(place)] - items[columns]
    n_others = torch.from_numpy(np.diff(mine.indptr)[place][:, None] - 1)
    return others / n_others.sqrt()


def _history_of(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    ones = np.ones(matrix.nnz, dtype=np.float32)
    return sparse.csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)
