"""Models that `implicit` saved itself, read without running anything that is in the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_cloud.artifacts.npz import read_npz
from course_cloud.artifacts.packing import need_csr
from course_cloud.storage.transfer_pool import disk
from course_utils.errors import ArtifactError, DataError
from course_utils.interactions import Interactions
from course_utils.models import ALS, ItemKNN, Recommender

Saved = Mapping[str, npt.NDArray[Any]]
OF_ALS = {"user_factors", "item_factors", "regularization", "iterations", "alpha", "use_cg"}
OF_NEIGHBORS = {"K", "data", "indices", "indptr", "shape"}


def load_implicit(path: str | Path, *, train: Interactions) -> Recommender:
    """Read a model that `implicit` saved with its own ``model.save(path)``.

    Parameters
    ----------
    path
        The ``.npz``.
    train
        What the model was fitted on; the file does not say. Of ALS it must be positives, ones
        only, for another confidence than the course's belongs to other values.

    Returns
    -------
    ALS or ItemKNN
        With what was learned; it recommends as the model did. An `ItemKNN` also comes of
        ``TFIDFRecommender`` and ``BM25Recommender``, which are neighbors of other weights.

    Raises
    ------
    ArtifactError
        When there is no such file, it is a pickle, damaged, or another model of `implicit`.
    DataError
        When it was fitted on a matrix of another shape.

    Notes
    -----
    `implicit` 0.7 counts an interaction α r where the course counts 1 + α r, so ``alpha=3`` there
    is ``ALS(alpha=2)`` here; see :class:`course_utils.models.ALS`.
    """
    place = Path(path).expanduser()
    if not place.is_file():
        raise ArtifactError(f"There is no file {place}; model.save of implicit writes one.")
    with disk("read", place), open(place, "rb") as file:
        saved = read_npz(file, place, texts=True)
    make = _als if {*saved} >= OF_ALS else _neighbors if {*saved} >= OF_NEIGHBORS else None
    if make is None:
        raise ArtifactError(
            f"{place} holds neither an ALS nor a nearest-neighbors model of implicit 0.7, only "
            f"{', '.join(sorted(saved)[:4]) or 'nothing'}; other models are not read."
        )
    try:
        model = make(saved, train.matrix)
        model.recommend(np.array([0]), train.matrix[:1], N=1)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, DataError):
            raise
        raise ArtifactError(f"{place} holds no model of implicit that works.") from None
    return model


def _als(saved: Saved, matrix: sparse.csr_matrix) -> ALS:
    users, items, alpha = saved["user_factors"], saved["item_factors"], float(saved["alpha"])
    _need_shape((len(users), len(items)), matrix.shape)
    if matrix.nnz and (matrix.data != 1).any():
        raise DataError(
            "`train` holds other values than 1, and implicit weights those as the course's ALS "
            "does not; fit ALS(...) anew."
        )
    if alpha < 1:
        raise DataError(
            f"The model has alpha={alpha:g}, so what a user has counts less than what they have "
            "not, which the course's ALS does not do; fit ALS(...) anew."
        )
    model = ALS(
        factors=items.shape[1],
        regularization=float(saved["regularization"]),
        iterations=int(saved["iterations"]),
        alpha=alpha - 1,
        dtype=items.dtype,
    )
    model.n_users, model.n_items = matrix.shape
    model.user_factors, model.item_factors = users, items
    model.scores_are_dot_products = bool(users.any(axis=1).all() and items.any(axis=1).all())
    return model


def _neighbors(saved: Saved, matrix: sparse.csr_matrix) -> ItemKNN:
    parts = (saved[name] for name in ("data", "indices", "indptr", "shape"))
    similarity = need_csr(*parts).astype(np.float32)
    _need_shape((matrix.shape[0], similarity.shape[0]), matrix.shape)
    own = similarity.diagonal()
    similarity.setdiag(0)  # an item is no neighbor of itself
    similarity.eliminate_zeros()
    similarity.sort_indices()
    return ItemKNN.from_state(
        {"k": int(saved["K"]), "shrinkage": 0.0, "n_users": matrix.shape[0],
         "n_items": matrix.shape[1], "similarity": similarity, "_own": own}
    )  # fmt: skip


def _need_shape(saved: tuple[int, int], wanted: tuple[int, int]) -> None:
    if saved != wanted:
        raise DataError(
            f"The model was fitted on {saved[0]:,} users × {saved[1]:,} items, and `train` has "
            f"{wanted[0]:,} × {wanted[1]:,}; give what it was fitted on."
        )
