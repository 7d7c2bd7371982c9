"""Matrix factorization of explicit ratings, trained with PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import util
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_utils.errors import CourseError, CourseWarning, DataError
from course_utils.models.base import Recommender, cosines
from course_utils.ranking import Scores
from course_utils.validation import (
    IntArray,
    as_user_items,
    need_integer,
    need_number,
    need_positive,
    need_seed,
)

STEPS, LARGEST_BATCH = 50, 2**15  # mini-batches of a small epoch, ratings in one of a large epoch
PAIRS_AT_ONCE = 2**13  # predictions in a batch: their factors fit into the cache
UNKNOWN = -1  # a user or an item without a row or column


class BiasedMF(Recommender):
    r"""Predict stars by :math:`\hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i`, and rank by them.

    Biases and factors minimize the squared error of the training ratings plus
    :math:`\sum_u \lambda (b_u^2 + \lVert p_u \rVert^2) + \sum_i \lambda (b_i^2 + \lVert q_i
    \rVert^2)` (Koren, Bell & Volinsky 2009, IEEE Computer 42; each vector is penalized once, as in
    Salakhutdinov & Mnih 2008, NIPS). μ is learned too, from the mean of the training ratings on,
    and not penalized.

    Parameters
    ----------
    factors
        Length of p_u and q_i; 0 for biases only.
    epochs
        Maximum number of epochs.
    batch_size
        Ratings in a mini-batch; None means a fiftieth of them, at most 32,768.
    learning_rate
        Of Adam, above 0.
    l2_biases, l2_factors
        λ, at least 0: one number, or one for users and one for items. Their meaning does not
        depend on the batch size.
    patience
        With validation ratings, the number of consecutive epochs without a new best after which
        training stops.
    device
        "auto", a GPU if torch sees one, or "cpu", "cuda" and so on.
    threads
        Threads of torch during training; None leaves torch's setting. More than one gains little.
    progress
        Show a progress bar when training takes longer than two seconds.
    seed
        Seed of the initial factors and the mini-batches; torch's global one is not used.

    Attributes
    ----------
    user_factors, item_factors
        float32, shapes (n_users, factors + 2) and (n_items, factors + 2): p_u, μ + b_u, 1 and
        q_i, 1, b_i, so that their dot product is the prediction.
    best_epoch
        The epoch the weights are from: that of the lowest validation RMSE, or the last.

    Notes
    -----
    For a user that was not in the training matrix, or with ``recalculate_user=True``,
    ``recommend`` computes b_u and p_u from the stars of the given history: the exact minimum of
    the penalized squared error, everything else held fixed. Without a history the order is that
    of b_i. ``similar_items`` is the cosine of q_i, biases excluded.

    Users and items without a rating have a bias and factors of 0. A rating of 0 is a missing
    rating. A low RMSE does not imply a good ranking; see lesson 08.
    """

    learned = (
        "user_factors", "item_factors", "best_epoch", "_mean", "_range", "_user_bias", "_curve",
    )  # fmt: skip
    scores_are_dot_products = True
    user_factors: npt.NDArray[np.float32]
    item_factors: npt.NDArray[np.float32]
    best_epoch: int

    def __init__(
        self,
        factors: int = 50,
        epochs: int = 20,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        l2_biases: float | Sequence[float] = 3.0,
        l2_factors: float | Sequence[float] = 12.0,
        patience: int = 3,
        device: str = "auto",
        threads: int | None = 1,
        progress: bool = False,
        seed: int = 42,
    ) -> None:
        self.factors = need_integer(factors, "factors", least=0)
        self.epochs = need_positive(epochs, "epochs")
        self.batch_size = None if batch_size is None else need_positive(batch_size, "batch_size")
        self.learning_rate = need_number(learning_rate, "learning_rate", above=True)
        self.l2_biases = _need_pair(l2_biases, "l2_biases")
        self.l2_factors = _need_pair(l2_factors, "l2_factors")
        self.patience = need_positive(patience, "patience")
        self.device = device
        self.threads = None if threads is None else need_positive(threads, "threads")
        self.progress = progress
        self.seed = need_seed(seed)
        self._module: Any = None  # a loaded model builds it on first access

    @property
    def module(self) -> Any:
        """The trained :class:`course_utils.models.biased_mf_module.BiasedMFModule`, on the CPU."""
        self._need_fitted()
        if self._module is None:
            _need_torch()
            import torch

            from course_utils.models.biased_mf_module import BiasedMFModule

            module = BiasedMFModule(self.n_users, self.n_items, self.factors, 0, torch.Generator())
            weights = {
                "mean": self._mean,
                "user_factors": self.user_factors[:, :-2],
                "item_factors": self.item_factors[:, :-2],
                "user_bias": self._user_bias,
                "item_bias": self.item_factors[:, -1],
            }
            module.load_state_dict({name: torch.tensor(part) for name, part in weights.items()})
            self._module = module
        return self._module

    @property
    def learning_curve(self) -> pd.DataFrame:
        """The RMSE in stars by ``epoch``, from 1: ``train``, ``validation``.

        That of the training ratings is measured in each mini-batch before its step, so while the
        model learns; that of the validation ratings is measured after the epoch.
        """
        self._need_fitted()
        epochs = pd.RangeIndex(1, len(self._curve) + 1, name="epoch")
        return pd.DataFrame(self._curve, columns=["train", "validation"], index=epochs)

    def fit(
        self, user_items: sparse.csr_matrix, validation: sparse.csr_matrix | None = None
    ) -> Self:
        """Fit biases and factors to ratings, and return the fitted model.

        Parameters
        ----------
        user_items
            Sparse, shape (n_users, n_items): the ratings, in stars. Not modified.
        validation
            Held-out ratings of the same shape. With them training stops early, and the weights of
            the epoch with the lowest validation RMSE are kept.
        """
        return self._learn(user_items, lambda matrix: self._fit(matrix, validation))

    def predict(
        self, userids: npt.ArrayLike, itemids: npt.ArrayLike, clip: bool = True
    ) -> npt.NDArray[np.float32]:
        """Return predicted stars for pairs of users and items.

        Parameters
        ----------
        userids, itemids
            Rows and columns, of the same shape or broadcastable; -1 for a user or an item that
            is not in the training matrix: the mean plus the bias of the other.
        clip
            Clip predictions to the range of the training ratings.
        """
        self._need_fitted()
        users = _need_indices(userids, self.n_users, "user")
        items = _need_indices(itemids, self.n_items, "item")
        try:
            users, items = np.broadcast_arrays(users, items)
        except ValueError:
            raise DataError(
                f"predict needs a user for each item, and has users of shape {users.shape} and "
                f"items of shape {items.shape}."
            ) from None
        rows, columns = users.ravel(), items.ravel()
        stars: npt.NDArray[np.float32] = np.empty(rows.size, dtype=np.float32)
        for start in range(0, rows.size, PAIRS_AT_ONCE):
            pairs = slice(start, start + PAIRS_AT_ONCE)
            u, i = rows[pairs], columns[pairs]
            of_users, of_items = self.user_factors[u], self.item_factors[i]
            of_users[u == UNKNOWN] = [0.0] * self.factors + [self._mean, 1]
            of_items[i == UNKNOWN] = [0.0] * self.factors + [1, 0]
            stars[pairs] = np.einsum("nf,nf->n", of_users, of_items)
        stars = stars.reshape(users.shape)
        return np.clip(stars, *self._range) if clip else stars

    def _fit(self, matrix: sparse.csr_matrix, validation: sparse.csr_matrix | None = None) -> None:
        held_out = None if validation is None else _need_validation(validation, matrix)
        if matrix.nnz > 1 and matrix.data.min() == matrix.data.max():
            warnings.warn(
                f"All {matrix.nnz:,} ratings are {matrix.data[0]:g}, so none tells two films "
                "apart; BiasedMF learns from stars, and encode() keeps positives only.",
                CourseWarning,
                stacklevel=5,
            )
        _need_torch()
        self._train(matrix, held_out)
        weights = ("user_factors", "item_factors", "user_bias", "item_bias", "mean")
        p, q, b_u, b_i, mean = (getattr(self._module, name).numpy(force=True) for name in weights)
        self._mean = np.float32(mean)
        self._range = float(matrix.data.min()), float(matrix.data.max())
        self._user_bias = b_u  # saved too: (μ + b_u) - μ is not exact in float32
        self.user_factors = np.column_stack([p, self._mean + b_u, np.ones_like(b_u)])
        self.item_factors = np.column_stack([q, np.ones_like(b_i), b_i])

    def _train(self, matrix: sparse.csr_matrix, held_out: sparse.csr_matrix | None) -> None:
        import torch

        from course_utils.models import biased_mf_module as of_torch

        generator = torch.Generator().manual_seed(self.seed)
        mean = float(matrix.data.mean(dtype=np.float64))
        shape = (self.n_users, self.n_items)
        counts = np.diff(matrix.indptr), np.bincount(matrix.indices, minlength=self.n_items)
        without_ratings = (torch.from_numpy(np.flatnonzero(n == 0)) for n in counts)
        with of_torch.torch_threads(self.threads):
            device = of_torch.device_named(self.device)
            module = of_torch.BiasedMFModule(*shape, self.factors, mean, generator)
            module.forget(*without_ratings)
            module.to(device)
            groups = module.parameter_groups(self.l2_biases, self.l2_factors, matrix.nnz)
            curve, self.best_epoch = of_torch.train(
                module,
                torch.optim.Adam(groups, lr=self.learning_rate, fused=True),
                of_torch.as_tensors(matrix, device),
                None if held_out is None else of_torch.as_tensors(held_out, device),
                epochs=self.epochs,
                batch_size=self.batch_size or min(LARGEST_BATCH, max(1, matrix.nnz // STEPS)),
                patience=self.patience,
                generator=generator,
                progress=self.progress,
            )
        self._curve = np.array(curve)
        self._module = module.cpu()

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        known = (userids < self.n_users) & (not recalculate)
        users = np.empty((len(userids), self.user_factors.shape[1]), dtype=np.float32)
        users[known] = self.user_factors[userids[known]]
        for row in np.flatnonzero(~known):
            users[row] = self._user_from(history[row])
        return users @ self.item_factors.T

    def _similarities(self, columns: IntArray) -> Scores:
        return cosines(self.item_factors[:, :-2], columns)

    def _user_from(self, history: sparse.csr_matrix) -> npt.NDArray[np.float64]:
        """Return p_u, μ + b_u, 1 that minimize the penalized squared error of one history."""
        items = self.item_factors[history.indices].astype(np.float64)
        x, b_i = items[:, :-1], items[:, -1]  # q_i and 1: the features of p_u and b_u
        l2 = np.append(np.full(self.factors, self.l2_factors[0]), self.l2_biases[0])
        # Ridge regression as ordinary least squares: a penalty is a row with target 0.
        rows = np.vstack([x, np.diag(np.sqrt(l2))])
        targets = np.append(history.data - self._mean - b_i, np.zeros(len(l2)))
        found = np.linalg.lstsq(rows, targets)[0]
        found[-1] += self._mean
        return np.append(found, 1.0)


def _need_pair(value: float | Sequence[float], name: str) -> tuple[float, float]:
    """Return λ of users and λ of items, given as one number or as two."""
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2:
        raise DataError(
            f"{name} must be one number, or one for users and one for items, and is {value!r}."
        )
    return need_number(both[0], name), need_number(both[1], name)


def _need_validation(
    validation: sparse.csr_matrix, training: sparse.csr_matrix
) -> sparse.csr_matrix:
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


def _need_torch() -> None:
    if util.find_spec("torch") is None:
        raise CourseError(
            "BiasedMF needs PyTorch, which is not installed; run: pip install 'course-utils[bert]'"
        )
