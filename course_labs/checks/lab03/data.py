"""Lab 3: vectors and scores made from a seed, and intervals.

No encoder is run: an answer that is right for any vectors is right for BERT's.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from course_labs.checks.ranked import Table
from course_utils.validation import IntArray

CHANGED = (
    "The result is right, but your code changes the arrays it is given, and the next step would "
    "read the changed ones. `vectors /= lengths` works in place; write `vectors = vectors / …`."
)


def make_vectors(rng: np.random.Generator, n_films: int, d: int) -> Table:
    """Return vectors in random directions, with lengths between 0.2 and 5."""
    vectors = rng.normal(size=(n_films, d))
    lengths = np.exp(rng.uniform(np.log(0.2), np.log(5), (n_films, 1)))
    result: Table = lengths * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return result


def unit(vectors: Table, axis: int = 1) -> Table:
    """Return the vectors divided by their lengths."""
    result: Table = vectors / np.linalg.norm(vectors, axis=axis, keepdims=True)
    return result


def hide(scores: Table, seen: IntArray) -> Table:
    """Return scores with -inf for seen films, and for all films when nothing was seen."""
    table = scores.copy()
    table[seen if len(seen) else slice(None)] = -np.inf
    return table


def interval(a: Table, b: Table, level: float = 0.95) -> Table:
    """Return the mean difference over users and its t-interval: difference, low, high."""
    differences = a - b
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return around(differences.mean(), error * stats.t.ppf((1 + level) / 2, len(differences) - 1))


def unpaired(a: Table, b: Table) -> Table:
    """Return the mean difference and the interval of two independent groups of users."""
    error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
    return around(a.mean() - b.mean(), 1.96 * error)


def around(middle: float, half: float) -> Table:
    """Return the middle and both ends of an interval from its half width."""
    return np.array([middle, middle - half, middle + half])


def make_scores(
    rng: np.random.Generator, n_users: int, gain: float, spread: float
) -> tuple[Table, Table]:
    """Return per-user scores in [0, 1] of two models, the first better by about `gain`.

    Parameters
    ----------
    rng
        Source of randomness.
    n_users
        Number of users.
    gain
        The mean difference, apart from clipping at 0 and 1.
    spread
        The standard deviation of the differences. That of each model alone is about 0.2, because
        some users are easy for both.
    """
    easy = rng.uniform(0.15, 0.85, n_users)
    noise = rng.normal(size=n_users)
    noise = (noise - noise.mean()) / noise.std()
    a = np.clip(easy + (gain + spread * noise) / 2, 0, 1)
    b = np.clip(easy - (gain + spread * noise) / 2, 0, 1)
    return a, b
