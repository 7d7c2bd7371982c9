"""Lab 2: ratings made from a seed, and the cosines of their columns."""

from __future__ import annotations

import numpy as np

from course_labs.checks.ranked import Table

CHANGED = (
    "The result is right, but your code changes the matrix it is given, and the next step would "
    "read the changed one. Work on a copy: `stars.copy()`, or an operation that makes a new one."
)


def make_stars(rng: np.random.Generator, n_users: int, n_items: int) -> Table:
    """Return stars, shape (n_users, n_items), 0 where there is no rating.

    The last film has no rating, and the one before shares no user with any other film. All others
    have at least three ratings, so that no two similarities are equal by construction.
    """
    stars = rng.integers(1, 11, (n_users, n_items)) / 2
    stars *= rng.random(stars.shape) < 0.45
    stars[:3, :-2] = rng.integers(1, 11, (3, n_items - 2)) / 2
    stars[-1, :] = 0
    stars[:, -2:] = 0
    stars[-1, -2] = 4.0  # rated by the last user only, who rated nothing else
    return stars


def cosines(stars: Table) -> Table:
    """Return the cosine of each pair of columns, 0 where a column is empty."""
    products = stars.T @ stars
    lengths = np.sqrt(np.diag(products))
    scale = np.outer(lengths, lengths)
    result: Table = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    return result
