"""What the steps of lab 5 share: a small world of people with planted tastes, and who hides what.

A film has a vector, which says what it is about, and a charm that no text tells: only who watched
what gives it away. So neither the vectors nor the behavior know everything. Some films are new:
nobody has them yet, and people will. Some people are new: they have a film or two, or nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_labs.checks.question import Plain
from course_labs.checks.ranked import Table

Bools = npt.NDArray[np.bool_]
N_GENRES, N_CHARMS, N_DIMENSIONS = 8, 4, 12


def make_world(
    rng: np.random.Generator, n_users: int, n_items: int, n_new: int, n_cold: int, n: int
) -> Plain:
    """Return what a hybrid is given, and under ``hidden_`` what it is judged by.

    Parameters
    ----------
    rng
        Draws everything.
    n_users, n_new
        People to learn from, and newcomers; the first half of these has no film at all.
    n_items, n_cold
        Films, and how many of them nobody has.
    n
        How long the lists are to be.

    Returns
    -------
    dict of arrays
        ``train`` (n_users, n_items) of 0 and 1; ``vectors`` (n_items, 12); ``users`` in a mixed
        order, newcomers from `n_users` on, with their ``histories``; ``n``; and
        ``hidden_liked``, what each of ``users`` came to like.
    """
    about, charms, fame, vectors = _films(rng, n_items)
    everybody = n_users + n_new
    taste = rng.dirichlet(np.full(N_GENRES, 0.3), everybody)
    whims = rng.normal(size=(everybody, N_CHARMS))
    pull = 13.0 * taste @ about.T + 0.8 * whims @ charms.T + fame
    pull += rng.gumbel(size=pull.shape)

    cold: Bools = np.zeros(n_items, dtype=bool)
    cold[rng.permutation(n_items)[:n_cold]] = True
    liked = pull >= -np.sort(-pull, axis=1)[:, [n_items // 7]]
    known = liked & ~cold & (rng.random(liked.shape) < 0.7)
    for row, size in zip(range(n_users, everybody), _sizes(n_new), strict=True):
        known[row, np.flatnonzero(known[row])[size:]] = False
    users = rng.permutation(everybody)
    return {
        "train": known[:n_users].astype(np.float32),
        "vectors": vectors,
        "users": users,
        "histories": known[users].astype(np.float32),
        "n": np.array(n),
        "hidden_liked": (liked & ~known)[users],
    }


def _films(rng: np.random.Generator, n_items: int) -> tuple[Table, Table, Table, Table]:
    """Return genres, charms, fame and vectors; each vector has its own length, one is zero."""
    about = rng.dirichlet(np.full(N_GENRES, 0.2), n_items)
    charms = rng.normal(size=(n_items, N_CHARMS))
    fame = rng.exponential(0.7, n_items)
    vectors = about @ rng.normal(size=(N_GENRES, N_DIMENSIONS))
    vectors += 0.08 * rng.normal(size=vectors.shape)
    vectors *= rng.uniform(0.5, 2.0, (n_items, 1))
    vectors[np.argmax(fame)] = 0  # a film without a text, and popular
    return about, charms, fame, vectors


def _sizes(n_new: int) -> list[int]:
    """Return how many films each newcomer has: nothing, then one or two."""
    return [0 if n < n_new // 2 else 1 + n % 2 for n in range(n_new)]


def as_matrices(case: Plain) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return the training matrix and the histories of the users that are asked about."""
    return sparse.csr_matrix(case["train"]), sparse.csr_matrix(case["histories"])


def is_cold(case: Plain) -> Bools:
    """Return which films nobody has."""
    cold: Bools = (case["train"] > 0).sum(axis=0) == 0
    return cold


def hits(ids: npt.NDArray[Any], liked: Bools) -> Table:
    """Return for each row how many of its ids are liked; -1 is none."""
    found = np.take_along_axis(liked, np.maximum(ids, 0), axis=1) & (ids >= 0)
    counts: Table = found.sum(axis=1).astype(float)
    return counts


def recalls(ids: npt.NDArray[Any], liked: Bools) -> Table:
    """Return the recall of each row with something liked: hits over what is liked."""
    there = liked.any(axis=1)
    result: Table = hits(ids, liked)[there] / liked[there].sum(axis=1)
    return result
