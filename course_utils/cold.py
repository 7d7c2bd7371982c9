"""Whole films held out, as if they were new: the protocol for models that recommend cold items."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_utils.errors import DataError
from course_utils.splits import Split

__all__ = ["cold_item_split"]


def cold_item_split(positives: pd.DataFrame, share: float = 0.2, seed: int | None = 42) -> Split:
    """Hold out all interactions of some films, drawn at random: nobody is known to have them.

    Parameters
    ----------
    positives
        A table with columns ``user_id`` and ``movie_id``. It is not changed.
    share
        The share of the films to hold out, above 0 and below 1, rounded down to whole films.
    seed
        Of the draw.

    Returns
    -------
    Split
        `test` has every row of the cold films, `train` every row of the others, `val` none. To
        choose settings, split `train` once more.

    Raises
    ------
    DataError
        For a missing column, a share out of range, or one that is less than one film.

    Notes
    -----
    Time plays no part, so somebody's training set may be later than their test set, and
    :func:`course_utils.splits.assert_no_leakage` refuses it. Somebody whose films are all cold
    is in `test` only, and has no history to recommend from.

    Give the training matrix a column for every film, or there is none to recommend them by:
    ``items = np.unique(positives["movie_id"])`` and ``encode(split.train, items=items)``.

    Examples
    --------
    >>> table = pd.DataFrame({"user_id": [1, 1, 2, 2], "movie_id": [5, 6, 5, 7]})
    >>> split = cold_item_split(table, share=0.4)
    >>> split
    Split(train 2, val 0, test 2)
    >>> set(split.train["movie_id"]) & set(split.test["movie_id"])
    set()
    """
    for name in ("user_id", "movie_id"):
        if name not in positives.columns:
            raise DataError(f"The table has no column {name!r}, which a split needs.")
    if not 0 < share < 1:
        raise DataError(f"share must be above 0 and below 1, and is {share!r}.")
    films = np.unique(positives["movie_id"])
    n_cold = int(np.floor(len(films) * share + 1e-9))  # 0.2 of 5 is 1, whatever floats say
    if not n_cold:
        raise DataError(f"{share:.0%} of {len(films)} films is less than one film; raise share.")
    rng = np.random.default_rng(seed)
    is_cold = positives["movie_id"].isin(rng.choice(films, n_cold, replace=False))
    return Split(positives[~is_cold], positives.head(0), positives[is_cold])
