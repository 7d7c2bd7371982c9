"""Several models in one: blended scores, and other models for cold items and cold users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.models.base import Recommender
from course_utils.ranking import Scores, entries
from course_utils.validation import BoolArray, IntArray, need_number, need_positive

Asked = tuple[IntArray, sparse.csr_matrix, bool]  # the arguments of _scores
Cells = tuple[npt.NDArray[Any], npt.NDArray[Any]]  # row and column indices


class Hybrid(Recommender):
    r"""Blend the scores of several models, and switch to others for cold items and cold users.

    Scores of different models have different scales. For each user and model they are therefore
    standardized over the user's candidates, to mean 0 and standard deviation 1:

    .. math:: \mathrm{score}(u, j) = \sum_m w_m z_m(u, j) \Big/ \sum_m w_m

    An item without a score of one model gets that model's lowest score; an item without a score
    of any model is not recommended.

    Parameters
    ----------
    models
        At least one. Fitting the hybrid fits them.
    weights
        :math:`w_m`, at least 0, one for each model and not all 0; None means all 1.
    cold_items, min_users
        The model that alone scores items with fewer than `min_users` users, for example a
        `ContentModel`. Scores of cold and of other items are standardized separately before they
        are ranked in one list.
    cold_users, min_items
        The model that alone scores users with fewer than `min_items` items in their history, for
        example `Popularity`.

    Attributes
    ----------
    is_cold_item
        bool, shape (n_items,).

    Raises
    ------
    DataError
        When there is no model, something is not a model of the course, or an argument is out of
        range.
    """

    learned = ("is_cold_item",)

    def __init__(
        self,
        models: Iterable[Recommender],
        weights: Iterable[float] | None = None,
        *,
        cold_items: Recommender | None = None,
        min_users: int = 5,
        cold_users: Recommender | None = None,
        min_items: int = 1,
    ) -> None:
        self.models = list(models)
        given = [1.0] * len(self.models) if weights is None else weights
        self.weights = [need_number(weight, "A weight") for weight in given]
        self.cold_items, self.cold_users = cold_items, cold_users
        self.min_users = need_positive(min_users, "min_users")
        self.min_items = need_positive(min_items, "min_items")
        if not self.models:
            raise DataError("There is no model to blend; give at least one.")
        if len(self.weights) != len(self.models):
            raise DataError(
                f"There are {len(self.models)} models and {len(self.weights)} weights; give one "
                "weight for each model."
            )
        if not sum(self.weights):
            raise DataError("All weights are 0, so no model says anything; give one above 0.")
        for model in self._all_models():
            if not isinstance(model, Recommender):
                raise DataError(
                    f"{model!r} is no model of course_utils.models; make one, such as EASE()."
                )

    def _all_models(self) -> list[Recommender]:
        """Return each model once, even if it has several roles."""
        switched = [model for model in (self.cold_items, self.cold_users) if model is not None]
        return list({id(model): model for model in [*self.models, *switched]}.values())

    def _fit(self, matrix: sparse.csr_matrix) -> None:
        for model in self._all_models():
            model.fit(matrix)
        n_users_of = np.bincount(matrix.indices, minlength=matrix.shape[1])
        self.is_cold_item = n_users_of < self.min_users

    def _scores(self, userids: IntArray, history: sparse.csr_matrix, recalculate: bool) -> Scores:
        liked = entries(history, 0, len(userids))
        asked = (userids, history, recalculate)
        scores = self._blend(asked, liked)
        if self.cold_items is not None:
            alone = _standardized(self.cold_items._scores(*asked), liked)
            scores = np.where(self.is_cold_item, alone, _standardized(scores, liked))
        if self.cold_users is not None:
            is_cold = np.diff(history.indptr) < self.min_items
            if is_cold.any():
                scores[is_cold] = self.cold_users._scores(
                    userids[is_cold], history[is_cold], recalculate
                )
        return scores

    def _blend(self, asked: Asked, liked: Cells) -> npt.NDArray[np.float32]:
        total = np.zeros(asked[1].shape, dtype=np.float32)
        known: BoolArray = np.zeros(total.shape, dtype=bool)
        for model, weight in zip(self.models, self.weights, strict=True):
            if weight == 0:
                continue
            z = _standardized(model._scores(*asked), liked)
            scored = z > -np.inf
            candidates = _without(scored, liked)
            lowest = np.min(z, axis=1, where=candidates, initial=0.0, keepdims=True)
            total += weight / sum(self.weights) * np.where(scored, z, lowest)
            known |= scored
        total[~known] = -np.inf
        return total


def _standardized(scores: Scores, liked: Cells) -> npt.NDArray[np.float32]:
    """Return scores of mean 0 and standard deviation 1 over each user's candidates.

    Liked items are not candidates: they are scaled too, but do not enter mean and deviation.
    Candidates with equal scores, or a single one, get 0. -inf stays.
    """
    z = scores.astype(np.float32)
    scored = z > -np.inf
    counts = _without(scored, liked)
    n = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mean = np.sum(z, axis=1, where=counts, keepdims=True, dtype=np.float64) / n
    z -= mean.astype(np.float32)
    variance = np.sum(z**2, axis=1, where=counts, keepdims=True, dtype=np.float64) / n
    deviation = np.sqrt(variance).astype(np.float32)
    scaled = np.where(scored, np.float32(0), z)
    np.divide(z, deviation, out=scaled, where=deviation > 0)
    return scaled


def _without(scored: BoolArray, liked: Cells) -> BoolArray:
    candidates = scored.copy()
    candidates[liked] = False
    return candidates
