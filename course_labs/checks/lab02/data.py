"""What the steps of lab 2 share: ratings made from a seed, and their cosines."""

from __future__ import annotations

import numpy as np

from course_labs.checks.ranked import Table

CHANGED = (
    "The result is right, but your code changes the matrix it is given, and the next step would "
    "read the changed one. Work on a copy: `stars.copy()`, or an operation that makes a new one."
)
EXAMPLE = "This is the answer to the example on the page. Compute it from what you are given."


def make_stars(rng: np.random.Generator, n_users: int, n_items: int) -> Table:
    """Return ratings, 0 for none: the last film has no rating, the one before shares nobody.

    Every other film has at least three, so that no two similarities are equal by construction.
    """
    stars = rng.integers(1, 11, (n_users, n_items)) / 2
    stars *= rng.random(stars.shape) < 0.45
    stars[:3, :-2] = rng.integers(1, 11, (3, n_items - 2)) / 2
    stars[-1, :] = 0
    stars[:, -2:] = 0
    stars[-1, -2] = 4.0  # seen by the last user only, who has seen nothing else
    return stars


def cosines(stars: Table) -> Table:
    """Return the cosine of each pair of columns, 0 where one of them is empty."""
    products = stars.T @ stars
    lengths = np.sqrt(np.diag(products))
    scale = np.outer(lengths, lengths)
    result: Table = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    return result
