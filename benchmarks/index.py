"""Ten unseen items among 100,000 for one user at a time: exact search, and faiss' indexes.

A user has had four in five of the best 75 items. They score best, as in ALS, where lesson 12 finds
about as many of the best ten seen, and stand in the way of the ten that are wanted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
from timing import best_of, has

from course_utils.ranking import top_k

N_ITEMS, N_USERS, N_BEST, N_SEEN, D, K = 100_000, 200, 75, 60, 64, 10
KINDS: dict[str, tuple[str, int | None, tuple[int, ...]]] = {
    # faiss' recipe, efConstruction, and settings of the search
    "faiss, exact": ("Flat", None, (0,)),
    "faiss, IVF1024": ("IVF1024,Flat", None, (8, 32, 128)),
    "faiss, IVF1024, SQ8": ("IVF1024,SQ8", None, (8, 32, 128)),
    "faiss, HNSW16, 40": ("HNSW16", 40, (64, 256, 1024)),
    "faiss, HNSW16, 200": ("HNSW16", 200, (64, 256, 1024)),
    "faiss, HNSW32, 200": ("HNSW32", 200, (64, 256, 1024)),
}
Vectors = npt.NDArray[np.float32]


def made_up() -> tuple[Vectors, Vectors, npt.NDArray[np.int64]]:
    """Return items around 2,000 centers, users, and the items that each user has had."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(2_000, D)) * np.geomspace(1, 0.1, D)
    items = centers[rng.integers(2_000, size=N_ITEMS)]
    items = items + 0.5 * rng.normal(size=items.shape) * np.geomspace(1, 0.1, D)
    users = rng.normal(size=(N_USERS, D))
    best = np.argsort(-users @ items.T, axis=1)[:, :N_BEST]
    seen = rng.permuted(best, axis=1)[:, :N_SEEN]
    return items.astype(np.float32), users.astype(np.float32), seen


def run() -> None:
    """Print the table; every search on one thread, every build on all of them."""
    if not has("faiss"):
        print("\nWithout faiss, of the extra `spark`, there is no index to time.")
        return
    faiss = import_module("faiss")
    items, users, seen = made_up()
    selectors = [faiss.IDSelectorNot(faiss.IDSelectorBatch(had)) for had in seen]
    exact: list[npt.NDArray[Any]] = []

    def by_numpy() -> list[npt.NDArray[Any]]:
        return [_exact(items, *pair) for pair in zip(users, seen, strict=True)]

    def by(index: Any, kind: Any, settings: dict[str, int]) -> list[npt.NDArray[Any]]:
        options = [kind(sel=selector, **settings) for selector in selectors]
        pairs = zip(users, options, strict=True)
        return [index.search(user[None], K, params=how)[1][0] for user, how in pairs]

    def print_row(way: str, setting: str, build: float, ask: Callable[[], Any]) -> None:
        found: list[Any] = []
        each = 1000 * best_of(3, lambda: found.append(ask())) / N_USERS
        pairs = zip(exact, found[-1], strict=True)
        share = np.mean([np.isin(row, those).mean() for those, row in pairs])
        print(f"| {way} | {setting} | {build:.1f} | {each:.2f} | {share:.2f} |", flush=True)

    print(f"\nThe best {K} unseen of {N_ITEMS:,} items, {D} factors, one user at a time.\n")
    print("| way | setting | build, s | ms | share found |\n|---|---:|---:|---:|---:|")
    with import_module("threadpoolctl").threadpool_limits(1):
        exact += by_numpy()
        print_row("NumPy, top_k", "", 0.0, by_numpy)
        for way, (recipe, construction, efforts) in KINDS.items():
            index = faiss.index_factory(D, recipe, faiss.METRIC_INNER_PRODUCT)
            if construction:
                index.hnsw.efConstruction = construction
            faiss.omp_set_num_threads(os.cpu_count() or 1)
            build = best_of(1, partial(_build, index, items))
            faiss.omp_set_num_threads(1)
            for effort in efforts:
                kind, settings = faiss.SearchParametersIVF, {"nprobe": effort}
                if construction:
                    kind, settings = faiss.SearchParametersHNSW, {"efSearch": effort}
                elif not effort:
                    kind, settings = faiss.SearchParameters, {}
                print_row(way, str(effort or ""), build, partial(by, index, kind, settings))


def _exact(items: Vectors, user: Vectors, had: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    scores = items @ user
    scores[had] = -np.inf
    return np.asarray(top_k(scores[None], K)[0][0])


def _build(index: Any, items: Vectors) -> None:
    index.train(items)
    index.add(items)


if __name__ == "__main__":
    run()
