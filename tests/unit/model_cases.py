"""The models, and the matrices, that the tests of the protocol share."""

import numpy as np
from scipy import sparse

from course_utils.models import ALS, BPR, EASE, Hybrid, ItemKNN, Popularity, Random

# Every test of the protocol asks each of these. CONTRIBUTING says how a model is added.
MODELS = {
    "Random": lambda: Random(seed=3),
    "Popularity": Popularity,
    "ItemKNN": lambda: ItemKNN(k=5),
    "ItemKNN, shrunk": lambda: ItemKNN(k=40, shrinkage=2.5),
    "EASE": lambda: EASE(l2=2.0),
    "ALS": lambda: ALS(factors=6, iterations=5, dtype=np.float64),
    "BPR": lambda: BPR(factors=4, epochs=3, dtype=np.float64),
    "Hybrid": lambda: Hybrid([ItemKNN(k=5), EASE(l2=2.0)], weights=[2, 1]),
    "Hybrid for everybody": lambda: Hybrid(
        [EASE(l2=2.0)], cold_items=Popularity(), min_users=4, cold_users=Popularity()
    ),
}
SERVE_EVERYBODY = {
    "Random",
    "Popularity",
    "BPR",
    "Hybrid for everybody",
}  # the others need a history
# Scores depend on the history alone, not on the row number.
FROM_HISTORY = {"Popularity", "ItemKNN", "ItemKNN, shrunk", "EASE", "Hybrid"}


def some_matrix(seed=0, n_users=30, n_items=40, density=0.2):
    """Return positives; everybody has something, and so has every film."""
    rng = np.random.default_rng(seed)
    has = rng.random((n_users, n_items)) < density
    has[np.arange(n_users), rng.integers(0, n_items, n_users)] = True
    has[rng.integers(0, n_users, n_items), np.arange(n_items)] = True
    return sparse.csr_matrix(has.astype(np.float32))


def same(one, other):
    """Say whether two answers are the same ids and the same scores, to the last bit."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def everybody(model, matrix, **options):
    """Recommend to every row of a matrix."""
    return model.recommend(np.arange(matrix.shape[0]), matrix, **options)
