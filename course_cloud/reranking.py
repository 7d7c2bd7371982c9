"""Retrieve, filter, re-rank: gradient-boosted trees rank what another model retrieves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils import validation
from course_utils.errors import DataError
from course_utils.models.base import Recommender, need_history
from course_utils.ranking import IdArray, Scores, entries, top_k
from course_utils.validation import NOTHING, IntArray

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

NO_SCORE = -1e9  # in place of -inf: below all scores, and a number
FEATURE, THRESHOLD, LEFT, RIGHT, VALUE = range(5)  # columns of a node


class Reranker(Recommender):
    """Retrieve candidates with the first of several models, and rank them by trees.

    Items of the history are never candidates. `items` and `filter_items` of ``recommend`` choose
    among the candidates, so lists may be shorter.

    Parameters
    ----------
    models
        At least one; fitting the re-ranker fits them. The first retrieves.
    trees
        float64, shape (n_trees, n_nodes, 5), from :func:`tree_arrays`, learned from
        :meth:`features`. Without them the order is the retriever's.
    followed
        csr, shape (n_users, n_items): for example how often an item followed the last likes of a
        user. It is 0 for new users, and likes that are sent with a request do not change it.
    n_candidates
        Number of items to retrieve, the longest list that can be recommended.
    """

    learned = ("log_popularity",)

    def __init__(
        self,
        models: Iterable[Recommender],
        trees: npt.NDArray[np.float64] | None = None,
        followed: sparse.csr_matrix | None = None,
        n_candidates: int = 100,
    ) -> None:
        self.models = list(models)
        if not self.models or not all(isinstance(model, Recommender) for model in self.models):
            raise DataError("Give a list of models of the course, such as [ALS(), EASE()].")
        if followed is not None:
            followed = validation.as_user_items(followed, "`followed`")
        self.followed = followed
        n_features = len(self.models) + (followed is not None) + 3
        self.trees = None if trees is None else _need_trees(trees, n_features)
        self.n_candidates = validation.need_positive(n_candidates, "n_candidates")

    def features(
        self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool = False
    ) -> tuple[IdArray, npt.NDArray[np.float32]]:
        """Return the candidates of some users, and features that need nothing but the past.

        Parameters
        ----------
        userids, history, recalculate
            As `userids`, `user_items` and `recalculate_user` of ``recommend``.

        Returns
        -------
        ids, values
            int32, shape (n, candidates), padded with -1, whose values mean nothing; float32, shape
            (n, candidates, n_features): the score by each model (-10⁹ where it has none), then
            `followed` if given, the place, log popularity, and log length of the history.

        Raises
        ------
        DataError
            As ``recommend``, and when a score is NaN.
        """
        self._need_fitted()
        userids = validation.need_positions(userids, None, "userids").reshape(-1)
        history = need_history(history, userids.size, (self.n_users, self.n_items))
        of_all = [model._scores(userids, history, recalculate) for model in self.models]
        first = of_all[0].copy()
        first[entries(history, 0, len(first))] = -np.inf
        ids, _ = top_k(first, min(self.n_candidates, self.n_items))
        if self.followed is not None:
            of_all.append(np.zeros_like(first))
            known = np.flatnonzero(userids < self.n_users)
            of_all[-1][known] = self.followed[userids[known]].toarray()
        chosen = np.stack(of_all)[:, np.arange(len(ids))[:, None], np.maximum(ids, 0)]
        if np.isnan(chosen).any():
            raise DataError("A score is NaN; fit the models again, on numbers without NaN.")
        values = np.empty((*ids.shape, len(of_all) + 3), dtype=np.float32)
        values[..., :-3] = np.moveaxis(np.maximum(chosen, NO_SCORE), 0, -1)
        values[..., -3] = np.arange(ids.shape[1])
        values[..., -2] = self.log_popularity[ids]
        values[..., -1] = np.log1p(np.diff(history.indptr))[:, None]
        return ids, values

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        if self.followed is not None and self.followed.shape != matrix.shape:
            raise DataError(
                f"`followed` has the shape {self.followed.shape}, and the matrix {matrix.shape}; "
                "make it of the same users and items."
            )
        for model in self.models:
            model.fit(matrix)
        counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
        self.log_popularity = np.log1p(counts).astype(np.float32)

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        ids, values = self.features(userids, history, recalculate)
        ranked: Scores = -values[..., -3]  # the retriever's order, which also settles ties
        if self.trees is not None:
            flat = values.reshape(-1, values.shape[-1])
            ranked = 1e-6 * ranked + sum_of_trees(self.trees, flat).reshape(ids.shape)
        scores = np.full((len(ids), self.n_items), -np.inf, dtype=np.float32)
        row, place = np.nonzero(ids != NOTHING)
        scores[row, ids[row, place]] = ranked[row, place]
        return scores


def tree_arrays(model: HistGradientBoostingClassifier) -> npt.NDArray[np.float64]:
    """Return the trees of a classifier that learned two classes from :meth:`Reranker.features`.

    They are shape (n_trees, n_nodes, 5): feature, threshold, left and right node, and value of
    each node. A leaf is its own child. Unlike a pickle, an array cannot run code. A DataError is
    raised for other models, and for categorical features.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier as Booster

    two = isinstance(model, Booster) and len(getattr(model, "classes_", ())) == 2
    if not two or model.is_categorical_ is not None:
        raise DataError("Give a HistGradientBoostingClassifier that was fitted to two classes.")
    trees = [tree.nodes for (tree,) in model._predictors]
    arrays = np.zeros((len(trees), max(map(len, trees)), 5))
    for array, nodes in zip(arrays, trees, strict=True):
        own, leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(bool)
        left, right = (np.where(leaf, own, nodes[side]) for side in ("left", "right"))
        columns = nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"]
        array[: len(nodes)] = np.stack(columns, axis=1)
    return arrays


def sum_of_trees(
    trees: npt.NDArray[np.float64], values: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the sums of the trees, shape (n,): ``decision_function`` up to a constant."""
    tree, row = np.arange(len(trees)), np.arange(len(values))[:, None]
    node = np.zeros((len(values), len(trees)), dtype=np.intp)
    for _ in range(trees.shape[1]):  # no path is longer
        at = trees[tree, node]  # (n, n_trees, 5)
        is_left = values[row, at[..., FEATURE].astype(np.intp)] <= at[..., THRESHOLD]
        child = np.where(is_left, at[..., LEFT], at[..., RIGHT]).astype(np.intp)
        if (child == node).all():
            break
        node = child
    total: npt.NDArray[np.float64] = at[..., VALUE].sum(axis=1)
    return total


def _need_trees(trees: object, n_features: int) -> npt.NDArray[np.float64]:
    """Return `trees` if a sum of them can be computed from so many features."""
    array = np.asarray(trees)
    if array.dtype.kind == "f" and array.ndim == 3 and array.size and array.shape[2] == 5:
        n_nodes = array.shape[1]
        ids, most = array[..., [FEATURE, LEFT, RIGHT]], [n_features, n_nodes, n_nodes]
        if np.isfinite(array).all() and ((ids >= 0) & (ids < most)).all():
            return array
    raise DataError(
        f"The trees are none of `tree_arrays` for {n_features} features; learn them anew."
    )
