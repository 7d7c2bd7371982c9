"""BPR: matrix factorization that learns to rank a user's items above items drawn at random.

A pair is a user u and an item i of theirs. With the score s_ui = b_i + p_u · q_i, and negatives j
drawn anew for each pair in each epoch, training minimizes over all pairs

    "bpr"       mean over j of  -log σ(s_ui - s_uj)
    "softmax"   -log( exp(s_ui - log Q_i) / Σ_k exp(s_uk - log Q_k) ),  k = i and all j

plus λ (Σ_u ‖p_u‖² + Σ_i ‖q_i‖²); b_i has no penalty. Q is the distribution that negatives are
drawn from.

Rendle, Freudenthaler, Gantner & Schmidt-Thieme 2009, "BPR: Bayesian Personalized Ranking from
Implicit Feedback" (UAI). The correction log Q: Bengio & Senécal 2008 (IEEE Transactions on Neural
Networks 19); Ma & Collins 2018 (EMNLP) prove that it holds for any number of negatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit, softmax

from course_utils.models.base import Recommender, cosines
from course_utils.ranking import Scores
from course_utils.validation import (
    BoolArray,
    IntArray,
    need_choice,
    need_number,
    need_positive,
    need_seed,
)

START = 0.1  # expected length of p_u and q_i before training
STEPS, LARGEST_BATCH = 20, 2**16  # mini-batches of a small epoch, pairs in one of a large epoch
TINY = 1e-10  # no division by zero
AT_ONCE = 2**9  # pairs in a batch of dot products: their vectors fit into the cache
NEW_USER_STEPS, NEW_USER_NEGATIVES = 50, 100

Floats = npt.NDArray[np.floating[Any]]


class BPR(Recommender):
    """Rank by b_i + p_u · q_i, learned from comparisons of positives with sampled negatives.

    The objective is at the top of this module. Adagrad minimizes it in mini-batches of pairs.

    Parameters
    ----------
    factors
        Length d of p_u and q_i. The defaults of the arguments are the course's settings.
    learning_rate, epochs
        Of Adagrad, above 0, and the number of passes over the pairs.
    regularization
        λ, at least 0. Each p_u and q_i is penalized once, however often it is drawn; b_i is not.
    loss
        "bpr", or "softmax" for sampled softmax. With one uniform negative they are the same.
    negatives
        "uniform", or "popularity": in proportion to an item's number of users. Then "bpr" divides
        popularity out of its scores; "softmax" keeps it, since it subtracts log Q.
    n_negatives
        Negatives of a pair.
    seed, dtype
        Of all random draws, and of the vectors: float32 or float64.

    Attributes
    ----------
    user_factors, item_factors
        p_u, 1 and q_i, b_i, d + 1 columns each: their dot product is the score.

    Notes
    -----
    A negative drawn that the user has is left out. Values of the matrix are ignored: an entry is a
    positive. An item without users has zero factors and the lowest bias of all.

    For a user that was not in the training matrix, or with ``recalculate_user=True``,
    ``recommend`` computes p_u from the given history by the same steps, items held fixed. Without
    a history the order is that of b_i. ``similar_items`` is the cosine of q_i, biases excluded.
    """

    learned = ("user_factors", "item_factors", "_log_q")
    scores_are_dot_products = True
    user_factors: Any = None  # arrays once it is fitted
    item_factors: Any = None

    def __init__(
        self,
        factors: int = 64,
        learning_rate: float = 0.1,
        regularization: float = 0.5,
        epochs: int = 50,
        loss: str = "bpr",
        negatives: str = "uniform",
        n_negatives: int = 4,
        seed: int = 42,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        self.factors = need_positive(factors, "factors")
        self.learning_rate = need_number(learning_rate, "learning_rate", above=True)
        self.regularization = need_number(regularization, "regularization")
        self.epochs = need_positive(epochs, "epochs")
        self.loss = need_choice(loss, "loss", "bpr", "softmax")
        self.negatives = need_choice(negatives, "negatives", "uniform", "popularity")
        self.n_negatives = need_positive(n_negatives, "n_negatives")
        self.seed = need_seed(seed)
        self.dtype = need_choice(np.dtype(dtype).name, "dtype", "float32", "float64")

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        rng = np.random.default_rng(self.seed)
        users, items = _pairs(matrix)
        n, n_items = matrix.nnz, self.n_items
        has = np.sort(users * n_items + items)  # each pair as one number
        sieve = np.zeros(16 * n + 1, dtype=bool)  # True at the remainders of these numbers
        sieve[has % len(sieve)] = True
        counts = np.bincount(items, minlength=n_items)
        pool = items if self.negatives == "popularity" else np.arange(n_items)
        with np.errstate(divide="ignore"):  # log 0: an item that is never drawn
            chances = np.bincount(pool, minlength=n_items) / len(pool)
            self._log_q = np.log(chances).astype(self.dtype)
        p = self._start(rng, np.diff(matrix.indptr), last=1)
        q = self._start(rng, counts, last=0)
        self.user_factors, self.item_factors = p, q
        of_p, of_q = np.zeros_like(p), np.zeros_like(q)
        size = min(LARGEST_BATCH, max(1, n // STEPS))
        for _ in range(self.epochs):
            order = rng.permutation(n)
            for start in range(0, n, size):
                batch = np.sort(order[start : start + size])  # so that memory is read in order
                u, i = users[batch], items[batch]
                j = pool[rng.integers(len(pool), size=(len(batch), self.n_negatives))]
                unseen = ~_contains(has, sieve, u[:, None] * n_items + j)
                e = self._derivatives(p, u, np.column_stack([i, j]), unseen)
                of_users, of_items = e @ q, e.T @ p
                of_users[:, -1] = 0  # the 1 that multiplies b_i stays
                self._step(p, of_users, of_p, len(batch) / n)
                self._step(q, of_items, of_q, len(batch) / n)
        q[counts == 0] = 0
        q[counts == 0, -1] = q[:, -1].min()

    def _start(self, rng: np.random.Generator, counts: IntArray, last: float) -> Floats:
        """Return small random vectors, of zeros where there are no pairs, and a last column."""
        vectors = rng.normal(0, START / self.factors**0.5, (len(counts), self.factors + 1))
        vectors[counts == 0] = 0
        vectors[:, -1] = last
        return vectors.astype(self.dtype)

    def _derivatives(
        self, p: Floats, users: IntArray, candidates: IntArray, unseen: BoolArray
    ) -> sparse.csr_matrix:
        """Return the derivatives of the loss by the scores, as a users × items matrix.

        `users` ascend. The first column of `candidates` holds the positives, the others the
        negatives, which count where they are `unseen`.
        """
        scores = _scores_of(p, self.item_factors, users, candidates)
        if self.loss == "bpr":
            of_negatives = expit(scores[:, 1:] - scores[:, :1]) * unseen / unseen.shape[1]
            slopes = np.column_stack([-of_negatives.sum(axis=1), of_negatives])
        else:
            scores -= self._log_q[candidates]
            scores[:, 1:][~unseen] = -np.inf
            slopes = softmax(scores, axis=1)
            slopes[:, 0] -= 1
        slopes = slopes.ravel().astype(self.dtype, copy=False)
        rows = candidates.shape[1] * np.searchsorted(users, np.arange(len(p) + 1))
        return sparse.csr_matrix((slopes, candidates.ravel(), rows), shape=(len(p), self.n_items))

    def _step(self, x: Floats, gradient: Floats, squares: Floats, share: float) -> None:
        """Take a step of Adagrad; `share` of the penalty belongs to this mini-batch."""
        gradient[:, : self.factors] += 2 * self.regularization * share * x[:, : self.factors]
        for start in range(0, len(x), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            squares[rows] += gradient[rows] ** 2
            x[rows] -= self.learning_rate * gradient[rows] / (np.sqrt(squares[rows]) + TINY)

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        anew = (userids >= self.n_users) | recalculate
        vectors = self.user_factors[np.where(anew, 0, userids)]
        if anew.any():
            vectors[anew] = self._best_vectors(history[anew])
        scores: Scores = vectors @ self.item_factors.T
        return scores.astype(np.float32, copy=False)

    def _similarities(self, columns: IntArray) -> Scores:
        return cosines(self.item_factors[:, :-1], columns)

    def _best_vectors(self, history: sparse.csr_matrix) -> Floats:
        """Return p_u, 1 of histories, with the item factors held fixed."""
        users, items = _pairs(history)
        chances = np.exp(self._log_q.astype(np.float64))
        drawn = np.random.default_rng(self.seed).choice(
            self.n_items, NEW_USER_NEGATIVES, p=chances / chances.sum()
        )  # the same for all pairs, so that a user's vector depends on the history alone
        unseen = ~(history[:, drawn].toarray() != 0)[users]
        candidates = np.column_stack([items, np.tile(drawn, (len(items), 1))])
        p = np.zeros((history.shape[0], self.factors + 1), dtype=self.dtype)
        p[:, -1] = 1
        squares = np.zeros_like(p)
        for _ in range(NEW_USER_STEPS):
            gradient = self._derivatives(p, users, candidates, unseen) @ self.item_factors
            gradient[:, -1] = 0
            self._step(p, gradient, squares, share=1)
        return p


def _pairs(matrix: sparse.csr_matrix) -> tuple[IntArray, IntArray]:
    """Return the row and the column of each entry."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows, matrix.indices.astype(np.int64)


def _contains(ordered: IntArray, sieve: BoolArray, values: IntArray) -> BoolArray:
    found: BoolArray = sieve[values % len(sieve)]  # of the others, most are sorted out already
    maybe = values[found]
    places = np.searchsorted(ordered, maybe)
    found[found] = ordered[np.minimum(places, len(ordered) - 1)] == maybe
    return found


def _scores_of(p: Floats, q: Floats, users: IntArray, candidates: IntArray) -> Floats:
    """Return p_u · q_c of each user and each of their candidates, shape of `candidates`."""
    scores = np.empty(candidates.shape, dtype=p.dtype)
    for start in range(0, len(users), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        mine = p.take(users[rows], axis=0)
        for column, items in enumerate(candidates[rows].T):
            scores[rows, column] = np.einsum("nd,nd->n", mine, q.take(items, axis=0))
    return scores
