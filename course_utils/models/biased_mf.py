"""Matrix factorization of explicit ratings, trained with PyTorch and used like any recommender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse

from course_utils.models.biased_factors import BiasedFactors
from course_utils.models.biased_mf_checks import (
    need_device,
    need_factors,
    need_pair,
    need_torch,
    need_validation,
    torch_threads,
    warn_of_positives,
)
from course_utils.validation import need_number, need_positive, need_seed

STEPS, LARGEST_BATCH = 50, 2**14  # of an epoch with few ratings, and of one with many


class BiasedMF(BiasedFactors):
    r"""Predict stars by :math:`\hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i`, and rank by them.

    Biases and factors minimize the squared error of the training ratings plus
    :math:`\sum_u \lambda (b_u^2 + \lVert p_u \rVert^2) + \sum_i \lambda (b_i^2 + \lVert q_i
    \rVert^2)` (Koren, Bell & Volinsky 2009, IEEE Computer 42; each vector is penalized once, as in
    Salakhutdinov & Mnih 2008, NIPS). μ is the mean of the training ratings, and not learned.

    Parameters
    ----------
    factors
        Length of p_u and q_i; 0 leaves the biases alone.
    epochs
        How often to go through the ratings, at most.
    batch_size
        Ratings in a mini-batch; left out, a fiftieth of them, at most 16,384.
    learning_rate
        Of Adam, above 0.
    l2_biases, l2_factors
        λ, at least 0: one number, or one for users and one for items. The optimizer is given them
        as weight decay; they mean the same whatever the size of a mini-batch.
    patience
        With validation ratings, how many epochs in a row may bring no new best.
    device
        "auto", a GPU where torch sees one, or "cpu", "cuda" and so on.
    threads
        Threads of torch while it trains; None leaves torch as it is. More than one gain little on
        mini-batches, and lose much where others use the cores.
    progress
        Show a progress bar when training takes longer than two seconds.
    seed
        Of the first factors and the mini-batches. The same seed gives the same model on the same
        machine. torch's own generator is neither used nor changed.

    Attributes
    ----------
    module
        The trained :class:`course_utils.models.biased_mf_module.BiasedMFModule`, on the CPU.
    learning_curve
        DataFrame indexed by ``epoch`` from 1: the RMSE on ``train`` and ``validation`` ratings
        after each, in stars.
    best_epoch
        The epoch whose weights these are: that of the lowest validation RMSE, or the last.

    Notes
    -----
    ``predict``, ``recommend`` and the factors are those of
    :class:`course_utils.models.biased_factors.BiasedFactors`. Users and items without a rating
    have a bias and factors of 0. A rating of 0 is no rating. A low RMSE makes no good ranking;
    lesson 08 shows why.

    Examples
    --------
    >>> stars = sparse.csr_matrix([[5.0, 4.0, 0.0], [1.0, 0.0, 2.0], [5.0, 0.0, 4.0]])
    >>> model = BiasedMF(factors=2, seed=0).fit(stars)
    >>> ids, scores = model.recommend(0, stars[0], N=1)
    >>> ids.tolist()
    [2]
    """

    learned = (
        "user_factors", "item_factors", "best_epoch", "_mean", "_range", "_user_bias", "_curve",
    )  # fmt: skip
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
        self.factors = need_factors(factors)
        self.epochs = need_positive(epochs, "epochs")
        self.batch_size = None if batch_size is None else need_positive(batch_size, "batch_size")
        self.learning_rate = need_number(learning_rate, "learning_rate", above=True)
        self.l2_biases = need_pair(l2_biases, "l2_biases")
        self.l2_factors = need_pair(l2_factors, "l2_factors")
        self.patience = need_positive(patience, "patience")
        self.device = device
        self.threads = None if threads is None else need_positive(threads, "threads")
        self.progress = progress
        self.seed = need_seed(seed)
        self._validation: sparse.csr_matrix | None = None
        self._module: Any = None  # and so it is of a loaded model, until somebody asks

    @property
    def module(self) -> Any:
        """The trained module, which a loaded model makes when it is first asked for."""
        self._need_fitted()
        if self._module is None:
            self._module = self._module_of_factors()
        return self._module

    @property
    def learning_curve(self) -> pd.DataFrame:
        """The RMSE after each epoch."""
        self._need_fitted()
        epochs = pd.RangeIndex(1, len(self._curve) + 1, name="epoch")
        return pd.DataFrame(self._curve, columns=["train", "validation"], index=epochs)

    def fit(
        self, user_items: sparse.csr_matrix, validation: sparse.csr_matrix | None = None
    ) -> Self:
        """Learn from stars.

        Parameters
        ----------
        user_items
            Sparse, shape (n_users, n_items): the ratings, in stars. It is not changed.
        validation
            Other ratings of the same shape. Given, training stops early, and the model is that of
            the epoch with the lowest RMSE on them.

        Returns
        -------
        BiasedMF
            Itself. Fitted before, it starts anew.

        Raises
        ------
        DataError
            As every model does; when `validation` is of another shape, empty, or holds ratings
            that are trained on as well; when there is no such device, and when training diverges.

        Warns
        -----
        CourseWarning
            When all ratings are the same, as in a matrix of positives.
        """
        self._validation = validation
        try:
            return super().fit(user_items)
        finally:
            self._validation = None  # a model does not carry data around

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        held_out = need_validation(self._validation, matrix)
        warn_of_positives(matrix)
        need_torch()
        with torch_threads(self.threads):
            self._train(matrix, held_out)
        p, q, b_u, b_i = (
            getattr(self._module, name).numpy(force=True)
            for name in ("user_factors", "item_factors", "user_bias", "item_bias")
        )
        self._user_bias = b_u  # which μ + b_u does not give back to the last bit
        stars = float(matrix.data.min()), float(matrix.data.max())
        self._set_factors(float(self._module.mean), b_u, b_i, p, q, stars)

    def _train(self, matrix: sparse.csr_matrix, held_out: sparse.csr_matrix | None) -> None:
        import torch

        from course_utils.models.biased_mf_module import BiasedMFModule
        from course_utils.models.biased_mf_training import as_tensors, train

        device = need_device(self.device)
        generator = torch.Generator().manual_seed(self.seed)
        mean = float(matrix.data.mean(dtype=np.float64))
        module = BiasedMFModule(self.n_users, self.n_items, self.factors, mean, generator)
        counts = np.diff(matrix.indptr), np.bincount(matrix.indices, minlength=matrix.shape[1])
        module.forget(*(torch.from_numpy(np.flatnonzero(n == 0)) for n in counts))
        module.to(device)
        groups = module.parameter_groups(self.l2_biases, self.l2_factors, matrix.nnz)
        curve, self.best_epoch = train(
            module,
            torch.optim.Adam(groups, lr=self.learning_rate, fused=True),
            as_tensors(matrix, device),
            None if held_out is None else as_tensors(held_out, device),
            epochs=self.epochs,
            batch_size=self.batch_size or min(LARGEST_BATCH, max(1, matrix.nnz // STEPS)),
            patience=self.patience,
            generator=generator,
            progress=self.progress,
        )
        self._curve = np.array(curve)
        self._module = module.cpu().eval()

    def _module_of_factors(self) -> Any:
        need_torch()
        import torch

        from course_utils.models.biased_mf_module import BiasedMFModule

        module = BiasedMFModule(
            self.n_users, self.n_items, self.factors, float(self._mean), torch.Generator()
        )
        weights = {
            "user_factors": self.user_factors[:, :-2], "item_factors": self.item_factors[:, :-2],
            "user_bias": self._user_bias, "item_bias": self.item_factors[:, -1],
        }  # fmt: skip
        tensors = {name: torch.tensor(array) for name, array in weights.items()}
        module.load_state_dict(tensors, strict=False)  # it has the mean already
        return module.eval()
