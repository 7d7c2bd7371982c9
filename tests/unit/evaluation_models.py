"""Small models and splits that the tests of the evaluator share."""

import warnings

import numpy as np
from scipy import sparse


class Scores:
    """Recommends by a table of scores, and leaves out what the user has."""

    def __init__(self, scores):
        self.scores = np.asarray(scores, dtype=np.float64)
        self.asked = []

    def recommend(self, userids, user_items, N=10):
        self.asked.append((np.asarray(userids).tolist(), N))
        scores = self.scores[userids].copy()
        scores[user_items.nonzero()] = -np.inf
        ids = np.argsort(-scores, axis=1, kind="stable")[:, :N]
        best = np.take_along_axis(scores, ids, axis=1)
        return np.where(best == -np.inf, -1, ids), best


class Lists:
    """Recommends what it is told to."""

    def __init__(self, ids, scores=None):
        self.ids = np.asarray(ids)
        falling = -np.arange(self.ids.shape[1], dtype=np.float64)
        self.scores = np.broadcast_to(falling, self.ids.shape) if scores is None else scores

    def recommend(self, userids, user_items, N=10):
        return self.ids[userids, :N], np.asarray(self.scores)[userids, :N]


class Factors:
    """Says that its scores are dot products; recommending itself would fail."""

    scores_are_dot_products = True

    def __init__(self, user_factors, item_factors):
        self.user_factors, self.item_factors = user_factors, item_factors

    def recommend(self, userids, user_items, N=10):
        raise AssertionError("the factors are there")


def random_split(seed=0, n_users=40, n_items=60, density=0.15, hidden=0.3):
    """Return train and test; some users have nothing in one or the other."""
    rng = np.random.default_rng(seed)
    has = rng.random((n_users, n_items)) < density * rng.random((n_users, 1)) * 2
    held_out = rng.random(has.shape) < hidden
    held_out[::7] = False
    held_out[1::9] = True
    return tuple(sparse.csr_matrix((has & part).astype("f4")) for part in (~held_out, held_out))


def quietly_fit(model, train):
    """Fit a model of implicit, whose cosine neighbors warn of their own conversion to csr."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Method expects CSR input")
        model.fit(train, show_progress=False)
