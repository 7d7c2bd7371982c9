"""How alike items are by the angle between their vectors, where some have no vector to speak of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.ranking import Scores
from course_utils.validation import IntArray


def cosines(vectors: npt.NDArray[Any], columns: IntArray) -> Scores:
    """Return the cosines between some items and all, shape (len(columns), n_items).

    Parameters
    ----------
    vectors
        Shape (n_items, d). A vector of zeros has no direction: it says nothing of its item, which
        is then like no other, -inf, and has 0 with itself.
    columns
        The items to compare, each with all.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    similar: Scores = directions[columns] @ directions.T
    nothing = (lengths[columns] == 0) | (lengths.T == 0)
    nothing[np.arange(len(columns)), columns] = False
    similar[nothing] = -np.inf
    return similar
