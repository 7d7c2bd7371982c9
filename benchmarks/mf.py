"""One epoch of matrix factorization over a million ratings, at the shape of ML-1M."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from timing import has, print_table

from course_utils.models import BPR, BiasedMF

D, ROUNDS = 64, 5
SHAPE, N_RATINGS = (6_040, 3_706), 1_000_209


def made_up_ratings() -> sparse.csr_matrix:
    """Return stars drawn at random for pairs in which some films are far more popular."""
    rng = np.random.default_rng(0)
    n_users, n_items = SHAPE
    popularity = 1 / np.arange(20, n_items + 20) ** 0.9
    items = rng.choice(n_items, 2 * N_RATINGS, p=popularity / popularity.sum())
    users = (n_users * rng.random(2 * N_RATINGS) ** 1.5).astype(np.int64)
    cells = rng.permutation(np.unique(users * n_items + items))[:N_RATINGS]
    stars = rng.integers(1, 6, len(cells)).astype(np.float32)
    return sparse.csr_matrix((stars, (cells // n_items, cells % n_items)), shape=SHAPE)


def run() -> None:
    """Print the table."""
    ratings = made_up_ratings()
    pairs = ratings.tocoo()
    table = pd.DataFrame({"user": pairs.row, "item": pairs.col, "stars": pairs.data})
    ways: dict[str, Callable[[int], Any]] = {
        "full-batch loop, torch, a step an epoch": lambda n: _full_batch(ratings, n),
        "mini-batches, torch, embedding and random order": lambda n: _plain(ratings, n),
        "BiasedMF": lambda n: BiasedMF(factors=D, epochs=n).fit(ratings),
    }
    if has("surprise"):
        surprise = import_module("surprise")
        data = surprise.Dataset.load_from_df(table, surprise.Reader()).build_full_trainset()
        ways["Surprise's SVD"] = lambda n: surprise.SVD(n_factors=D, n_epochs=n).fit(data)
    said = f"{N_RATINGS:,} ratings, {SHAPE[0]:,} users × {SHAPE[1]:,} items, {D} factors"
    torch = import_module("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as Surprise has it
    _time_all(f"An epoch over {said}.", ways)
    torch.set_num_threads(threads)
    ratings.data[:] = 1
    ways = {
        "BPR, one uniform negative": lambda n: BPR(D, epochs=n, n_negatives=1).fit(ratings),
        "BPR, one negative by popularity": lambda n: BPR(
            D, epochs=n, n_negatives=1, negatives="popularity"
        ).fit(ratings),
        "BPR, four uniform negatives": lambda n: BPR(D, epochs=n).fit(ratings),
    }
    if has("implicit"):
        ways["implicit's BPR"] = partial(_implicits_bpr, ratings, 1)
    _time_all(f"An epoch of BPR over {said}.", ways)
    if has("implicit"):
        ways = {"BPR": ways["BPR, one uniform negative"]}
        ways["implicit's BPR, two threads"] = partial(_implicits_bpr, ratings, 2)
        _time_all("The same by the wall clock.", ways, perf_counter)


def _implicits_bpr(ratings: sparse.csr_matrix, threads: int, n: int) -> None:
    peer = import_module("implicit.cpu.bpr").BayesianPersonalizedRanking
    peer(D, iterations=n, num_threads=threads).fit(ratings, show_progress=False)


def _time_all(
    title: str,
    ways: dict[str, Callable[[int], Any]],
    clock: Callable[[], float] = process_time,
) -> None:
    seconds = dict.fromkeys(ways, np.inf)
    for call in ways.values():
        call(1)  # what happens once, as the start of torch, is not timed
    for _ in range(ROUNDS):  # in turns, so that a busy neighbor slows them all
        for way, call in ways.items():
            seconds[way] = min(seconds[way], _an_epoch(call, clock))
    if clock is process_time:
        title += "\nTime of the processor; everything on one thread."
    print_table(title, seconds, baseline=list(ways)[-1])


def _an_epoch(call: Callable[[int], Any], clock: Callable[[], float]) -> float:
    """Return the seconds of one more epoch: what comes before and after it drops out.

    On one thread, time of the processor is the same whoever else uses the machine, about.
    """
    times = []
    for n in (1, 5):
        start = clock()
        call(n)
        times.append(clock() - start)
    return (times[1] - times[0]) / 4


def _tables(torch: Any) -> list[Any]:
    shapes = [(SHAPE[0], 1), (SHAPE[1], 1), (SHAPE[0], D), (SHAPE[1], D)]
    return [(0.01 * torch.randn(shape)).requires_grad_() for shape in shapes]


def _loss(torch: Any, tables: list[Any], users: Any, items: Any, stars: Any) -> Any:
    b_u, b_i, p, q = (
        torch.nn.functional.embedding(rows, table)
        for table, rows in zip(tables, (users, items, users, items), strict=True)
    )
    return ((3.5 + (b_u + b_i)[:, 0] + (p * q).sum(dim=1) - stars) ** 2).mean()


def _columns(torch: Any, ratings: sparse.csr_matrix) -> list[Any]:
    pairs = ratings.tocoo()
    arrays = (pairs.row.astype(np.int64), pairs.col.astype(np.int64), pairs.data)
    return [torch.from_numpy(array) for array in arrays]


def _full_batch(ratings: sparse.csr_matrix, n_epochs: int) -> None:
    torch = import_module("torch")
    tables, columns = _tables(torch), _columns(torch, ratings)
    optimizer = torch.optim.Adam(tables, lr=0.01)
    for _ in range(n_epochs):
        _step(optimizer, _loss(torch, tables, *columns))


def _plain(ratings: sparse.csr_matrix, n_epochs: int) -> None:
    """Do what a first script does, without a DataLoader: it would take minutes."""
    torch = import_module("torch")
    tables, columns = _tables(torch), _columns(torch, ratings)
    optimizer = torch.optim.Adam(tables, lr=0.01)
    for _ in range(n_epochs):
        for chosen in torch.randperm(len(columns[0])).split(2**14):
            _step(optimizer, _loss(torch, tables, *(column[chosen] for column in columns)))


def _step(optimizer: Any, loss: Any) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


if __name__ == "__main__":
    run()
