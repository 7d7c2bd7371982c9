"""The models that the sample is judged by, in a few lines each, independent of the course's own.

Each takes a training matrix, users × films, and returns a score for every cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.metrics import recall
from course_utils.ranking import top_k

K = 10

Floats = npt.NDArray[np.float64]
Model = Callable[[sparse.csr_matrix], Floats]


def recall_per_user(scores: Floats, train: sparse.csr_matrix, test: sparse.csr_matrix) -> Floats:
    """Return recall@10 of each user with something held out; films of the training set are out."""
    users = np.flatnonzero(np.diff(test.indptr))
    unseen = np.where(train[users].toarray() > 0, -np.inf, scores[users])
    top, _ = top_k(unseen, K)
    return recall(top, test[users], K)


def random_scores(train: sparse.csr_matrix) -> Floats:
    """Score films at random."""
    scores: Floats = np.random.default_rng(0).random(train.shape)
    return scores


def popularity(train: sparse.csr_matrix) -> Floats:
    """Score films by how many people like them."""
    return np.tile(np.asarray(train.sum(axis=0), dtype=np.float64), (train.shape[0], 1))


def cosine(train: sparse.csr_matrix) -> Floats:
    """Return the cosine between the films' columns, 0 of a film with itself."""
    norms = np.sqrt(np.maximum(np.asarray(train.sum(axis=0)).ravel(), 1))
    similar = np.asarray((train.T @ train).todense()) / np.outer(norms, norms)
    np.fill_diagonal(similar, 0)
    return np.asarray(similar, dtype=np.float64)


def item_knn(train: sparse.csr_matrix, k: int = 200) -> Floats:
    """Score films by the cosine of the `k` films most similar to each."""
    similar = cosine(train)
    smallest = np.sort(similar, axis=1)[:, -min(k, len(similar))][:, None]
    return np.asarray(train @ np.where(similar >= smallest, similar, 0).T)


def ease(train: sparse.csr_matrix, l2: float = 250.0) -> Floats:
    """Score films by EASE, the linear model in closed form of Steck (2019)."""
    gram = np.asarray((train.T @ train).todense(), dtype=np.float64)
    inverse = np.linalg.inv(gram + l2 * np.eye(len(gram)))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return np.asarray(train @ weights)


def als(train: sparse.csr_matrix) -> Floats:
    """Score films by `implicit`'s ALS with the course's settings."""
    model = _fit_als(train)
    return np.asarray(model.user_factors @ model.item_factors.T)


def als_transposed(train: sparse.csr_matrix) -> Floats:
    """Score as a notebook does that gives `implicit` films × users: rows are taken for users."""
    model = _fit_als(train.T.tocsr())
    scores = np.zeros(train.shape)
    rows, columns = min(train.shape), min(train.shape)
    scores[:rows, :columns] = (model.user_factors @ model.item_factors.T)[:rows, :columns]
    return scores


def _fit_als(matrix: sparse.csr_matrix) -> Any:
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(64, regularization=0.01, iterations=20, random_state=42)
    model.fit(matrix, show_progress=False)
    return model


MODELS: dict[str, Model] = {
    "random": random_scores,
    "popularity": popularity,
    "item-kNN (200)": item_knn,
    "ALS (64)": als,
    "EASE (250)": ease,
    "ALS, transposed": als_transposed,
}
