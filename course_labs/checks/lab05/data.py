"""Lab 5: a small simulated world of users with known tastes.

A film has a vector of its genres, and a charm that only the users' behavior shows, so neither
vectors nor behavior alone are enough. Some films are cold: no user has them in training, but users
like them in the hidden test set. Some users are new: they have two films, one or none.
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
    """Return the inputs of a hybrid, and the hidden test set.

    Parameters
    ----------
    rng
        Source of randomness.
    n_users, n_new
        Numbers of users to train on, and of new users; the first half of these has no film.
    n_items, n_cold
        Numbers of films, and of cold films among them.
    n
        Length of the lists.

    Returns
    -------
    dict of arrays
        ``train`` (n_users, n_items) of 0 and 1; ``vectors`` (n_items, 12); ``users`` in random
        order, new ones from `n_users` on, with their ``histories``; ``n``; and ``hidden_liked``,
        the test items of each of ``users``.
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
    """Return genres, charms, fame and vectors, whose lengths differ; one vector is zero."""
    about = rng.dirichlet(np.full(N_GENRES, 0.2), n_items)
    charms = rng.normal(size=(n_items, N_CHARMS))
    fame = rng.exponential(0.7, n_items)
    vectors = about @ rng.normal(size=(N_GENRES, N_DIMENSIONS))
    vectors += 0.08 * rng.normal(size=vectors.shape)
    vectors *= rng.uniform(0.5, 2.0, (n_items, 1))
    vectors[np.argmax(fame)] = 0  # a film without a text, and popular
    return about, charms, fame, vectors


def _sizes(n_new: int) -> list[int]:
    """Return the number of films of each new user: none, then one or two."""
    return [0 if n < n_new // 2 else 1 + n % 2 for n in range(n_new)]


def as_matrices(case: Plain) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return the training matrix and the histories of ``users`` as CSR matrices."""
    return sparse.csr_matrix(case["train"]), sparse.csr_matrix(case["histories"])


def is_cold(case: Plain) -> Bools:
    """Return a mask of the films that no user has in training."""
    cold: Bools = (case["train"] > 0).sum(axis=0) == 0
    return cold


def hits(ids: npt.NDArray[Any], liked: Bools) -> Table:
    """Return the number of hits in each row; an id of -1 is no item."""
    found = np.take_along_axis(liked, np.maximum(ids, 0), axis=1) & (ids >= 0)
    counts: Table = found.sum(axis=1).astype(float)
    return counts


def recalls(ids: npt.NDArray[Any], liked: Bools) -> Table:
    """Return the recall of each row with test items."""
    there = liked.any(axis=1)
    result: Table = hits(ids, liked)[there] / liked[there].sum(axis=1)
    return result
