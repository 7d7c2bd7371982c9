"""A score as the sum of what each item of a history adds to it: "because you watched"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.ranking import IdArray, Scores, top_k
from course_utils.validation import NOTHING, need_columns, need_history, need_positive, need_userids


def largest_parts(
    userid: int,
    user_items: sparse.csr_matrix,
    itemid: int,
    N: int,
    shape: tuple[int, int],
    parts_of: Callable[[sparse.csr_matrix, int], npt.NDArray[Any]],
) -> tuple[IdArray, Scores]:
    """Return the items of a history that add most to the score of an item, and what they add.

    Parameters
    ----------
    userid, user_items, itemid, N
        As ``explain`` of a model is given them.
    shape
        Of the matrix that the model was fitted on.
    parts_of
        Given the checked history and the column, returns what each item of the history adds, in
        the order of its indices; -inf for one that is not to be listed.

    Returns
    -------
    ids, contributions
        int32 and float32, shape (N,): largest first, of equals the lowest column first, ended by
        -1 and -inf.

    Raises
    ------
    DataError
        When there is more than one user or item, the history does not fit, or the column or `N`
        is out of range.
    """
    n = need_positive(N, "N")
    user, item = need_userids(userid), need_columns(itemid, shape[1], "`itemid`")
    if user.ndim or item.ndim:
        raise DataError("`explain` takes one user and one item; ask once for each.")
    history = need_history(user_items, 1, shape)
    places, best = top_k(parts_of(history, int(item))[None, :], n)
    ids = np.append(history.indices, NOTHING)[places[0]]  # place -1 is the last: nothing
    return ids.astype(np.int32), best[0].astype(np.float32)
