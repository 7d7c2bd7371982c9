"""ItemKNN and EASE beside implicit, irspack and plain NumPy, at the shape of ML-1M.

`python benchmarks/models.py --ml20m ItemKNN` (or EASE) fits one model at the shape of ML-20M
instead, recommends to some users, and says how long it took and how much memory it needed.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from evaluation import made_up_split
from scipy import sparse
from timing import best_of, print_table

from course_utils.models import EASE, ItemKNN, Popularity, Random
from course_utils.ranking import top_k

USERS, ITEMS, RATINGS = 6_040, 3_706, 1_000_209
NEIGHBORS, L2, N = 200, 250.0, 10
ROUNDS = 3
BATCH = 1024  # users whose scores are made at once, where a library leaves that to us
Lists = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def simulated() -> sparse.csr_matrix:
    """Return who rated what among simulated people, made as the sample is: few films have most."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    world, size = import_module("tools.sample.world"), import_module("tools.sample.sizes").Size
    parts = [*world.all_ratings(world.build_world(size(USERS, ITEMS, RATINGS), seed=42))]
    users, items = (
        np.unique(np.concatenate([getattr(part, name) for part in parts]), return_inverse=True)[1]
        for name in ("user_id", "movie_id")
    )
    return sparse.csr_matrix((np.ones(len(users), dtype=np.float32), (users, items)))


def run() -> None:
    """Print the tables."""
    train = simulated()
    shape = f"{train.shape[0]:,} users × {train.shape[1]:,} items, {train.nnz:,} pairs"
    _compare(
        f"Fit to {shape}, and top-10 for all users: {NEIGHBORS} neighbors by cosine.\n"
        "Here and below all use all cores, each in its own way; irspack's scores are ranked by us.",
        {
            "implicit": lambda: _implicits_knn(train),
            "irspack": lambda: _irspacks_knn(train),
            "ItemKNN": lambda: _ours(ItemKNN(NEIGHBORS, shrinkage=0.0), train),
        },
    )
    _compare(
        "The same with EASE.",
        {
            "np.linalg.inv": lambda: _plain_ease(train),
            "irspack": lambda: _irspacks_ease(train),
            "EASE": lambda: _ours(EASE(L2), train),
        },
    )
    everybody = np.arange(train.shape[0])
    nearest = import_module("implicit.nearest_neighbours").CosineRecommender(K=NEIGHBORS + 1)
    _fit_quietly(nearest, train)
    several = (ItemKNN(NEIGHBORS, shrinkage=0.0), EASE(L2), Popularity(), Random())
    fitted = [model.fit(train) for model in several]
    ways: dict[str, Callable[[], Any]] = {
        "implicit, 200 neighbors": partial(nearest.recommend, everybody, train, N)
    }
    ways |= {repr(model): partial(model.recommend, everybody, train, N) for model in fitted}
    _print_in_turns("Top-10 for all users alone, once the model is fitted.", ways)


def _compare(title: str, ways: dict[str, Callable[[], Lists]]) -> None:
    """Say how many scores are the same in all ways, and time them."""
    *peers, us = ways
    ours = ways[us]()[1]
    _print_in_turns(title, ways)
    print()
    for peer in peers:
        same = np.isclose(ways[peer]()[1], ours, rtol=1e-3, atol=1e-3).mean()
        print(f"{us} has {same:.2%} of its scores in common with {peer}.")


def _print_in_turns(title: str, ways: dict[str, Callable[[], Any]]) -> None:
    """Time all ways in each round, so that a neighbor who takes the machine slows them all."""
    rounds = [{way: best_of(1, call) for way, call in ways.items()} for _ in range(ROUNDS)]
    fastest = {way: min(times[way] for times in rounds) for way in ways}
    print_table(title, fastest, baseline=next(iter(ways)))


def _ours(model: Any, train: sparse.csr_matrix) -> Lists:
    ids, scores = model.fit(train).recommend(np.arange(train.shape[0]), train, N=N)
    return ids, scores


def _fit_quietly(model: Any, train: sparse.csr_matrix) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a conversion to csr that it does itself
        model.fit(train, show_progress=False)


def _implicits_knn(train: sparse.csr_matrix) -> Lists:
    model = import_module("implicit.nearest_neighbours").CosineRecommender(K=NEIGHBORS + 1)
    _fit_quietly(model, train)  # an item is among its own neighbors there
    ids, scores = model.recommend(np.arange(train.shape[0]), train, N=N)
    return ids, scores


def _irspacks_knn(train: sparse.csr_matrix) -> Lists:
    make = import_module("irspack").CosineKNNRecommender
    return _irspacks(make(train, normalize=True, top_k=NEIGHBORS + 1).learn(), train)


def _irspacks_ease(train: sparse.csr_matrix) -> Lists:
    return _irspacks(import_module("irspack").DenseSLIMRecommender(train, reg=L2).learn(), train)


def _irspacks(model: Any, train: sparse.csr_matrix) -> Lists:
    """Rank irspack's scores as we rank ours, so that what differs is irspack's own work."""
    n_users = train.shape[0]
    tables = (
        model.get_score_remove_seen_block(start, min(start + BATCH, n_users))
        for start in range(0, n_users, BATCH)
    )
    ids, scores = zip(*(top_k(table, N) for table in tables), strict=True)
    return np.concatenate(ids), np.concatenate(scores)


def _plain_ease(train: sparse.csr_matrix) -> Lists:
    """Do what the paper's listing does."""
    together = (train.T @ train).toarray()
    together[np.diag_indices(len(together))] += L2
    inverse = np.linalg.inv(together)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)

    ids, best = [], []
    for start in range(0, train.shape[0], BATCH):
        seen = train[start : start + BATCH]
        scores = seen @ weights
        scores[seen.nonzero()] = -np.inf
        some = np.argpartition(-scores, N, axis=1)[:, :N]
        order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1)
        ids.append(np.take_along_axis(some, order, axis=1))
        best.append(np.take_along_axis(scores, ids[-1], axis=1))
    return np.concatenate(ids), np.concatenate(best)


def run_ml20m(name: str) -> None:
    """Fit one model at the shape of ML-20M; print seconds and how much memory that added."""
    import resource

    train, _ = made_up_split(138_493, 26_744, 20_000_263, hidden=0.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB
    start = perf_counter()
    model = {"ItemKNN": ItemKNN, "EASE": EASE}[name]().fit(train)
    fitted = perf_counter()
    model.recommend(np.arange(10_000), train[:10_000], N=N)
    seconds = perf_counter() - fitted
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{model}: fitted in {fitted - start:.0f} s, 10,000 users in {seconds:.1f} s; peak of the "
        f"process {peak:.2f} GiB, of which making up the data had needed {before:.2f} GiB"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ml20m", choices=["ItemKNN", "EASE"], help="the shape of ML-20M instead")
    chosen = parser.parse_args().ml20m
    if chosen:
        run_ml20m(chosen)
    else:
        run()
