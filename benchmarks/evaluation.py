"""Top-10 and ten metrics for everybody: `evaluate` beside its peers, at the shape of ML-1M.

`python benchmarks/evaluation.py --ml20m` evaluates all users at the shape of ML-20M instead, and
says how long it took and how much memory the process needed at most.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from threadpoolctl import threadpool_limits
from timing import best_of, has, print_table

from course_utils import metrics
from course_utils.evaluation import evaluate, recommend_all

K, D = 10, 64
Split = tuple[sparse.csr_matrix, sparse.csr_matrix]


class Factors:
    """Random factors, to the protocol of the course."""

    scores_are_dot_products = True

    def __init__(self, n_users: int, n_items: int) -> None:
        rng = np.random.default_rng(1)
        self.user_factors = rng.normal(size=(n_users, D)).astype(np.float32)
        self.item_factors = rng.normal(size=(n_items, D)).astype(np.float32)

    def recommend(self, userids: Any, user_items: Any, N: int = K) -> Any:
        """Stand here for the protocol; the factors are there, so nobody asks."""


def made_up_split(n_users: int, n_items: int, n: int, hidden: float = 0.1) -> Split:
    """Return train and test: `n` pairs drawn at random, some films far more popular than others."""
    rng = np.random.default_rng(0)
    popularity = 1 / np.arange(20, n_items + 20) ** 0.9
    drawn = int(1.8 * n)
    movie = rng.choice(n_items, drawn, p=popularity / popularity.sum()).astype(np.int64)
    user = (n_users * rng.random(drawn) ** 1.5).astype(np.int64)
    cells = rng.permutation(np.unique(user * n_items + movie))[:n]
    in_test = rng.random(len(cells)) < hidden
    parts = []
    for part in (cells[~in_test], cells[in_test]):
        values = np.ones(len(part), dtype=np.float32)
        where = (part // n_items, part % n_items)
        parts.append(sparse.csr_matrix((values, where), shape=(n_users, n_items)))
    return parts[0], parts[1]


def implicits(model: Factors) -> Any:
    """Return implicit's ALS with these factors."""
    als = import_module("implicit.cpu.als").AlternatingLeastSquares(factors=D)
    als.user_factors, als.item_factors = model.user_factors, model.item_factors
    return als


def run() -> None:
    """Print the tables."""
    train, test = made_up_split(6_040, 3_706, 1_000_209)
    model = Factors(6_040, 3_706)
    import_module("implicit.cpu.als")  # brings SciPy's BLAS, which the limit below must see
    with threadpool_limits(1, user_api="blas"):  # as implicit advises, for all of them
        als = implicits(model)
        ways: dict[str, Callable[[], Any]] = {
            "one user at a time, implicit's recommend": lambda: _loop(als, train, test),
            "implicit.evaluation, its 4 metrics": lambda: _implicit(als, train, test),
            "ranx, 6 metrics": lambda: _ranx(als, train, test),
            "pytrec_eval, 6 metrics": lambda: _trec_eval(als, train, test),
            "irspack, its 12 metrics": lambda: _irspack(model, train, test),
            "GEMM + argpartition, no metrics": lambda: _bare_numpy(model, train),
            "evaluate, 11 metrics, NumPy": lambda: evaluate(model, train, test, backend="numpy"),
            "recommend_all, no metrics": lambda: recommend_all(model, train, backend="numpy"),
        }
        if has("torch"):
            ways["evaluate, 11 metrics, torch"] = lambda: evaluate(
                model, train, test, backend="torch", batch=512
            )
            ways["torch mm + topk, no metrics"] = lambda: _bare_torch(model, train)
        absent = [way for way in ways if way.startswith("irspack") and not has("irspack")]
        ways = {way: call for way, call in ways.items() if way not in absent}
        for call in ways.values():
            call()  # the first time compiles, or imports
        # In turns, so that a neighbor who takes the machine for a while slows them all.
        rounds = [{way: best_of(1, call) for way, call in ways.items()} for _ in range(10)]
        seconds = {way: min(times[way] for times in rounds) for way in ways}
        print_table(
            "Top-10 of 6,040 users × 3,706 items, 64 factors, 1,000,209 pairs, and its metrics.\n"
            "BLAS on one thread; implicit, irspack, torch and evaluate use all cores themselves.",
            seconds,
            baseline="implicit.evaluation, its 4 metrics",
        )
        ids = recommend_all(model, train)
        print_table(
            "The metrics alone, from the same lists.",
            {
                "searchsorted, 7 metrics, no checks": best_of(15, lambda: _floor(ids, test)),
                "ranking_metrics, 6": best_of(15, lambda: metrics.ranking_metrics(ids, test, K)),
            },
            baseline="searchsorted, 7 metrics, no checks",
        )


def _loop(als: Any, train: sparse.csr_matrix, test: sparse.csr_matrix) -> list[float]:
    """Do what a first script does: ask for each user, count the hits, average at the end."""
    recalls, precisions, hit_rates, gains, firsts, averages = [], [], [], [], [], []
    for user in range(train.shape[0]):
        wanted = test[user].indices
        if not len(wanted):
            continue
        ids, _ = als.recommend(user, train[user], N=K)
        hits = np.isin(ids, wanted)
        ranks = np.flatnonzero(hits) + 1
        ideal = (1 / np.log2(np.arange(2, min(len(wanted), K) + 2))).sum()
        recalls.append(hits.sum() / len(wanted))
        precisions.append(hits.mean())
        hit_rates.append(hits.any())
        gains.append((1 / np.log2(ranks + 1)).sum() / ideal)
        firsts.append(1 / ranks[0] if len(ranks) else 0)
        averages.append((np.arange(1, len(ranks) + 1) / ranks).sum() / len(wanted))
    return [float(np.mean(v)) for v in (recalls, precisions, hit_rates, gains, firsts, averages)]


def _implicit(als: Any, train: sparse.csr_matrix, test: sparse.csr_matrix) -> Any:
    measure = import_module("implicit.evaluation").ranking_metrics_at_k
    return measure(als, train, test, K=K, show_progress=False, num_threads=0)


def _lists(als: Any, train: sparse.csr_matrix, test: sparse.csr_matrix) -> Any:
    users = np.flatnonzero(np.diff(test.indptr))
    return users, *als.recommend(users, train[users], N=K)


def _as_dicts(als: Any, train: sparse.csr_matrix, test: sparse.csr_matrix) -> Any:
    users, ids, scores = _lists(als, train, test)
    names = [str(item) for item in range(train.shape[1])]
    relevant, found = {}, {}
    for user, items, values in zip(users.tolist(), ids.tolist(), scores.tolist(), strict=True):
        columns = test.indices[test.indptr[user] : test.indptr[user + 1]].tolist()
        relevant[str(user)] = {names[item]: 1 for item in columns}
        found[str(user)] = {names[item]: value for item, value in zip(items, values, strict=True)}
    return relevant, found


def _ranx(als: Any, train: sparse.csr_matrix, test: sparse.csr_matrix) -> Any:
    ranx = import_module("ranx")
    relevant, found = _as_dicts(als, train, test)
    names = ["recall@10", "precision@10", "hit_rate@10", "mrr@10", "map@10", "ndcg@10"]
    return ranx.evaluate(ranx.Qrels(relevant), ranx.Run(found), names)


def _trec_eval(als: Any, train: sparse.csr_matrix, test: sparse.csr_matrix) -> Any:
    relevant, found = _as_dicts(als, train, test)
    names = {"recall.10", "P.10", "success.10", "recip_rank", "map_cut.10", "ndcg_cut.10"}
    return import_module("pytrec_eval").RelevanceEvaluator(relevant, names).evaluate(found)


def _irspack(model: Factors, train: sparse.csr_matrix, test: sparse.csr_matrix) -> Any:
    evaluator = import_module("irspack").Evaluator(
        test, cutoff=K, masked_interactions=train, n_threads=2
    )
    base = import_module("irspack.recommenders.base").BaseRecommender

    class Theirs(base):  # type: ignore[misc, valid-type]
        def _learn(self) -> None: ...

        def get_score(self, userids: Any) -> Any:
            return model.user_factors[userids] @ model.item_factors.T

        def get_score_block(self, begin: int, end: int) -> Any:
            return model.user_factors[begin:end] @ model.item_factors.T

    return evaluator.get_scores(Theirs(train), [K])


def _bare_numpy(model: Factors, train: sparse.csr_matrix) -> list[npt.NDArray[Any]]:
    best = []
    for start in range(0, train.shape[0], 256):
        scores = model.user_factors[start : start + 256] @ model.item_factors.T
        seen = train[start : start + 256]
        scores[np.repeat(np.arange(len(scores)), np.diff(seen.indptr)), seen.indices] = -np.inf
        top = np.argpartition(-scores, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
        best.append(np.take_along_axis(top, order, axis=1))
    return best


def _bare_torch(model: Factors, train: sparse.csr_matrix) -> list[Any]:
    torch = import_module("torch")
    users, items = torch.from_numpy(model.user_factors), torch.from_numpy(model.item_factors)
    best = []
    for start in range(0, train.shape[0], 512):
        scores = users[start : start + 512] @ items.T
        seen = train[start : start + 512]
        rows = np.repeat(np.arange(len(scores)), np.diff(seen.indptr))
        scores[torch.from_numpy(rows), torch.from_numpy(seen.indices)] = -torch.inf
        best.append(scores.topk(K).indices)
    return best


def _floor(ids: npt.NDArray[Any], test: sparse.csr_matrix) -> list[Any]:
    """Seven metrics with one search, on data that is taken to be right."""
    n_users, n_items = test.shape
    first = np.arange(n_users, dtype=np.int64)[:, None] * n_items
    n = np.diff(test.indptr)
    keys = np.repeat(first[:, 0], n) + test.indices
    wanted = first + ids
    hits = keys[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)] == wanted
    discount, ranks = 1 / np.log2(np.arange(2, K + 2)), np.arange(1, K + 1)
    count, some = hits.sum(axis=1), np.maximum(n, 1)
    ideal = np.cumsum(discount)[np.minimum(some, K) - 1]
    found = hits.any(axis=1)
    values = [
        count / some, count / K, found, np.where(found, 1 / (hits.argmax(axis=1) + 1), 0),
        (hits * hits.cumsum(axis=1) / ranks).sum(axis=1) / some, hits @ discount / ideal,
    ]  # fmt: skip
    return [value[n > 0].mean() for value in values] + [len(np.unique(ids)) / n_items]


def run_ml20m() -> None:
    """Evaluate every user at the shape of ML-20M; print seconds and the peak of memory."""
    import resource

    train, test = made_up_split(138_493, 26_744, 20_000_263)
    model = Factors(*train.shape)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start = perf_counter()
    result = evaluate(model, train, test)
    seconds = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB
    print(result)
    print(
        f"{seconds:.1f} s; peak of the process {peak:.2f} GiB, of which making up the data had "
        f"needed {before:.2f} GiB"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ml20m", action="store_true", help="the shape of ML-20M instead")
    if parser.parse_args().ml20m:
        run_ml20m()
    else:
        run()
