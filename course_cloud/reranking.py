"""Retrieve, filter, re-rank: gradient-boosted trees rank what another model retrieves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models import Recommender
from course_utils.ranking import IdArray, Scores, entries, top_k
from course_utils.validation import NOTHING, IntArray, need_positive

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

NO_SCORE = -1e9  # in place of -inf: below all scores, and a number
FEATURE, THRESHOLD, LEFT, RIGHT, VALUE = range(5)  # columns of a node


class Reranker(Recommender):
    """Retrieve candidates with the first of several models, and rank them by trees.

    Items of the history are never candidates.

    Parameters
    ----------
    models
        At least one; fitting the re-ranker fits them. The first retrieves.
    trees
        float64, shape (n_trees, n_nodes, 5), from :func:`tree_arrays`, learned from
        :meth:`features`. Without them the order is the retriever's.
    followed
        csr, shape (n_users, n_items): for example how often an item followed the last likes of a
        user, a feature that a matrix without an order does not hold. It is 0 for new users, and
        likes that are sent with a request do not change it.
    n_candidates
        Number of items to retrieve, the longest list that can be recommended.

    Attributes
    ----------
    log_popularity
        float32, shape (n_items,): log(1 + number of users).
    """

    learned = ("log_popularity",)

    def __init__(
        self,
        models: Iterable[Recommender],
        trees: npt.NDArray[np.float64] | None = None,
        followed: sparse.csr_matrix | None = None,
        n_candidates: int = 100,
    ) -> None:
        self.models, self.trees, self.followed = list(models), trees, followed
        self.n_candidates = need_positive(n_candidates, "n_candidates")
        if not self.models:
            raise DataError("There is no model that retrieves; give at least one.")

    def features(
        self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool = False
    ) -> tuple[IdArray, npt.NDArray[np.float32]]:
        """Return the candidates of some users, and features that need nothing but the past.

        Parameters
        ----------
        userids
            Row numbers, shape (n,).
        history
            csr, shape (n, n_items), the rows of these users.
        recalculate
            As `recalculate_user` of ``recommend``.

        Returns
        -------
        ids, values
            int32, shape (n, n_candidates), padded with -1; float32, shape (n, n_candidates,
            n_features): the score by each model (-10⁹ where it has none), `followed` if there is
            one, the place among the candidates, log popularity, and log length of the history.
        """
        of_all = [model._scores(userids, history, recalculate) for model in self.models]
        first = of_all[0].copy()
        first[entries(history, 0, len(first))] = -np.inf
        ids, _ = top_k(first, self.n_candidates)
        if self.followed is not None:
            of_all.append(np.zeros_like(first))
            known = np.flatnonzero(userids < self.n_users)
            of_all[-1][known] = self.followed[userids[known]].toarray()
        chosen = np.stack(of_all)[:, np.arange(len(ids))[:, None], np.maximum(ids, 0)]
        values = np.empty((*ids.shape, len(of_all) + 3), dtype=np.float32)
        values[..., :-3] = np.moveaxis(np.maximum(chosen, NO_SCORE), 0, -1)
        values[..., -3] = np.arange(self.n_candidates)
        values[..., -2] = self.log_popularity[ids]
        values[..., -1] = np.log1p(np.diff(history.indptr))[:, None]
        return ids, values

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        if self.followed is not None and self.followed.shape != matrix.shape:
            raise DataError(
                f"The matrix has the shape {matrix.shape}, and `followed` {self.followed.shape}; "
                "make it anew from the same users and items."
            )
        for model in self.models:
            model.fit(matrix)
        counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
        self.log_popularity = np.log1p(counts).astype(np.float32)

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        ids, values = self.features(userids, history, recalculate)
        ranked: Scores = -values[..., -3]  # the retriever's order
        if self.trees is not None:
            flat = values.reshape(-1, values.shape[-1])
            ranked = sum_of_trees(self.trees, flat).reshape(ids.shape)
        scores = np.full((len(ids), self.n_items), -np.inf, dtype=np.float32)
        row, place = np.nonzero(ids != NOTHING)
        scores[row, ids[row, place]] = ranked[row, place]
        return scores


def tree_arrays(model: HistGradientBoostingClassifier) -> npt.NDArray[np.float64]:
    """Return the trees of a fitted classifier of two classes, of numeric features, as numbers.

    They are shape (n_trees, n_nodes, 5): feature, threshold, left and right node, and value of
    each node. A leaf is its own child. Unlike a pickle, an array cannot run code.
    """
    trees = [tree.nodes for (tree,) in model._predictors]
    arrays = np.zeros((len(trees), max(map(len, trees)), 5))
    for array, nodes in zip(arrays, trees, strict=True):
        own, leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(bool)
        left, right = (np.where(leaf, own, nodes[side]) for side in ("left", "right"))
        value = np.where(leaf, nodes["value"], 0)
        columns = nodes["feature_idx"], nodes["num_threshold"], left, right, value
        array[: len(nodes)] = np.stack(columns, axis=1)
    return arrays


def sum_of_trees(
    trees: npt.NDArray[np.float64], values: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the sum of the trees' values, shape (n,), for features of shape (n, n_features).

    It differs from the classifier's ``decision_function`` by a constant.
    """
    tree, row = np.arange(len(trees)), np.arange(len(values))[:, None]
    node = np.zeros((len(values), len(trees)), dtype=np.intp)
    while True:
        at = trees[tree, node]  # (n, n_trees, 5)
        is_left = values[row, at[..., FEATURE].astype(np.intp)] <= at[..., THRESHOLD]
        child = np.where(is_left, at[..., LEFT], at[..., RIGHT]).astype(np.intp)
        if (child == node).all():
            total: npt.NDArray[np.float64] = at[..., VALUE].sum(axis=1)
            return total
        node = child
