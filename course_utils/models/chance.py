"""Items drawn at random: what any model has to beat."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from course_utils.models.base import Recommender
from course_utils.ranking import Scores
from course_utils.validation import IntArray, need_seed


class Random(Recommender):
    """Give each user a random order of all items.

    Parameters
    ----------
    seed
        An integer of at least 0. Seed and row number settle a user's scores, whoever else is
        asked for at the same time.
    """

    learned = ()

    def __init__(self, seed: int = 42) -> None:
        self.seed = need_seed(seed)

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        """Nothing is learned: chance knows the shape only."""

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        scores = np.empty((len(userids), self.n_items), dtype=np.float32)
        for row, user in zip(scores, userids.tolist(), strict=True):
            np.random.default_rng([self.seed, user]).random(dtype=np.float32, out=row)
        return scores
