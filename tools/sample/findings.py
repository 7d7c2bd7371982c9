"""What models find in ratings: order, drift, factors, and how far apart the models are.

    python -m tools.sample.findings                        # the sample, and ml-latest-small if here
    python -m tools.sample.findings --seeds 501 502 503    # the sample made anew with other seeds

`make data-report` prints the same as a second table. Every setting that is searched for is chosen
on validation, the five positives before the last five.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, stats
from threadpoolctl import threadpool_limits

from course_utils.datasets import load_movielens
from course_utils.errors import CourseWarning
from course_utils.interactions import encode, to_implicit
from course_utils.metrics import ndcg, recall
from course_utils.models import ALS, EASE, BiasedMF, ItemKNN, Popularity, Recommender
from course_utils.ranking import top_k
from course_utils.splits import leave_last_out
from tools.sample.make import make_sample

K = 10
CUTS = (0.5, 0.6, 0.7, 0.8)  # shares of the positives before the cut in time
ALS_GRID = [(f, r) for f in (8, 12, 16, 24, 32) for r in (0.01, 1.0, 3.0, 10.0)]
EASE_GRID = (100.0, 250.0, 500.0, 1000.0)
KNN_GRID = (20, 50, 100, 200)

Floats = npt.NDArray[np.float64]
Findings = dict[str, float]

# Name of each finding, and how many decimals it is shown with.
DECIMALS = {
    "next item: popularity, NDCG@10": 3,
    "next item: Markov chain": 3,
    "next item: EASE (250)": 3,
    "next item: Markov chain ÷ EASE": 2,
    "others' future: popularity gains, %": 0,
    "others' future: EASE (250) gains, %": 0,
    "last five: popularity, recall@10": 3,
    "last five: item-kNN, tuned": 3,
    "last five: EASE, tuned": 3,
    "last five: ALS, tuned": 3,
    "last five: popularity ÷ ALS": 2,
    "last five: EASE ÷ ALS": 2,
    "last five: item-kNN ÷ popularity": 2,
    "stars: RMSE of biases alone": 3,
    "stars: biased MF is lower by, %": 1,
    "stars: t of the paired squared errors": 1,
}
# The course notes about the two releases; what they do not say is left out.
NOTES = {
    "ml-100k": (.044, .079, .073, 1.1, 40, 17, .074, .119, .141, .136, .54, 1.04, 1.61),
    "ml-1m": (.020, .131, .055, 2.4),
}  # fmt: skip
NOTED: dict[str, Findings] = {
    name: dict(zip(DECIMALS, values, strict=False)) for name, values in NOTES.items()
}


def next_item(ratings: pd.DataFrame) -> dict[str, Floats]:
    """Return NDCG@10 per user of popularity, Markov and EASE, everybody's last rating held out.

    The Markov chain counts pairs of consecutive ratings; the row of the last film is its list.
    """
    split = leave_last_out(ratings, n_test=1, min_train=1)
    train = encode(split.train)
    test = encode(split.test[split.test["movie_id"].isin(train.items)], train.users, train.items)
    ordered = split.train.sort_values(["user_id", "timestamp"], kind="stable")
    user, item = train.rows_of(ordered["user_id"]), train.columns_of(ordered["movie_id"])
    follows = user[1:] == user[:-1]
    pairs = (item[:-1][follows], item[1:][follows])
    n_items = len(train.items)
    chain = sparse.csr_matrix((np.ones(len(pairs[0])), pairs), shape=(n_items, n_items))
    last = item[np.append(~follows, True)]
    unseen = np.where(train.matrix.toarray() > 0, -np.inf, chain[last].toarray())
    lists: dict[str, npt.NDArray[np.integer]] = {
        "popularity": lists_of(Popularity(), train.matrix),
        "markov": top_k(unseen, K)[0],
        "ease": lists_of(EASE(250.0), train.matrix),
    }
    return {name: ndcg(ids, test.matrix, K) for name, ids in lists.items()}


def lists_of(
    model: Recommender, matrix: sparse.csr_matrix, rows: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.integer]:
    """Fit `model` and return the top ten of `rows`, all by default."""
    rows = np.arange(matrix.shape[0]) if rows is None else rows
    ids: npt.NDArray[np.integer] = model.fit(matrix).recommend(rows, matrix[rows], N=K)[0]
    return ids


def others_future(positives: pd.DataFrame) -> dict[str, float]:
    """Return by how many percent models gain when they also learn from *others'* future.

    The test is one and the same: the next ten likes, after a cut in time, of those with five
    likes before it. The model learns from everybody's past, or also from what the others do after
    the cut: the tested people are halved, and each half's own future is left out for itself.
    Gains are those of mean NDCG@10 over the four cuts.
    """
    positives = positives.sort_values(["user_id", "timestamp"], kind="stable")
    all_of = encode(positives)
    found: dict[str, list[float]] = {f"{m} {w}": [] for m in ("popularity", "ease") for w in "ab"}
    for share in CUTS:
        before = positives["timestamp"] < positives["timestamp"].quantile(share)
        past, future = positives[before], positives[~before]
        n_past = past.groupby("user_id").size()
        tested = future["user_id"].isin(n_past.index[n_past >= 5])
        target = future[tested].groupby("user_id").head(10)
        known, later, test = (
            encode(part, all_of.users, all_of.items).matrix for part in (past, future, target)
        )
        rows = np.flatnonzero(np.diff(test.indptr))
        for name, make in (("popularity", Popularity), ("ease", lambda: EASE(250.0))):
            without = ndcg(lists_of(make(), known, rows), test[rows], K)
            found[f"{name} a"].append(float(without.mean()))
            with_others = []
            for half in (rows[::2], rows[1::2]):
                theirs = np.ones(len(all_of.users), dtype=np.float32)
                theirs[half] = 0
                more = sparse.csr_matrix(known + sparse.diags(theirs) @ later)
                with_others.append(ndcg(lists_of(make(), more, half), test[half], K))
            found[f"{name} b"].append(float(np.concatenate(with_others).mean()))
    means = {name: np.mean(values) for name, values in found.items()}
    return {m: float(100 * (means[f"{m} b"] / means[f"{m} a"] - 1)) for m in ("popularity", "ease")}


def last_five(positives: pd.DataFrame) -> dict[str, Floats]:
    """Return recall@10 per user on the last five positives, each model tuned on the five before."""
    split = leave_last_out(positives, n_test=5, n_val=5, min_train=5)
    train, both = encode(split.train), encode(pd.concat([split.train, split.val]))
    parts = [
        encode(part[part["movie_id"].isin(known.items)], known.users, known.items).matrix
        for part, known in ((split.val, train), (split.test, both))
    ]

    def score(model: Recommender, known: sparse.csr_matrix, held_out: sparse.csr_matrix) -> Floats:
        rows = np.flatnonzero(np.diff(held_out.indptr))
        return recall(lists_of(model, known, rows), held_out[rows], K)

    makers: dict[str, list[Callable[[], Recommender]]] = {
        "popularity": [Popularity],
        "knn": [lambda k=k: ItemKNN(k=k, shrinkage=0.0) for k in KNN_GRID],  # type: ignore[misc]
        "ease": [lambda l2=l2: EASE(l2) for l2 in EASE_GRID],  # type: ignore[misc]
        "als": [
            lambda f=f, r=r: ALS(f, r, iterations=15, alpha=1.0)  # type: ignore[misc]
            for f, r in ALS_GRID
        ],
    }
    found = {}
    for name, several in makers.items():
        best = max(several, key=lambda make: score(make(), train.matrix, parts[0]).mean())
        found[name] = score(best(), both.matrix, parts[1])
    return found


def star_errors(ratings: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the squared errors on everybody's last five ratings: biases alone, biases and factors.

    Both are stopped by the five ratings before.
    """
    split = leave_last_out(ratings, n_test=5, n_val=5, min_train=10)
    train = encode(split.train)

    def stars_of(part: pd.DataFrame) -> sparse.csr_matrix:
        part = part[part["user_id"].isin(train.users) & part["movie_id"].isin(train.items)]
        cells = train.rows_of(part["user_id"]), train.columns_of(part["movie_id"])
        return sparse.csr_matrix((part["rating"], cells), shape=train.matrix.shape)

    known, validation, test = (stars_of(part) for part in (split.train, split.val, split.test))
    cells = test.tocoo()
    errors = [
        (cells.data - model.fit(known, validation).predict(cells.row, cells.col)) ** 2
        for model in (BiasedMF(factors=0, epochs=40), BiasedMF(epochs=40))
    ]
    return errors[0], errors[1]


def findings(ratings: pd.DataFrame) -> Findings:
    """Compute every row of `DECIMALS`."""
    positives = to_implicit(ratings)
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore", CourseWarning)
        order = {name: float(np.nanmean(v)) for name, v in next_item(ratings).items()}
        gains = others_future(positives)
        five = {name: float(values.mean()) for name, values in last_five(positives).items()}
        biases, factors = star_errors(ratings)
    rmse = np.sqrt([biases.mean(), factors.mean()])
    values = (
        *order.values(),
        order["markov"] / order["ease"],
        *gains.values(),
        *five.values(),
        five["popularity"] / five["als"],
        five["ease"] / five["als"],
        five["knn"] / five["popularity"],
        rmse[0],
        100 * (1 - rmse[1] / rmse[0]),
        stats.ttest_rel(biases, factors).statistic,
    )
    return {name: round(float(v), 4) for name, v in zip(DECIMALS, values, strict=True)}


def of_seed(seed: int) -> Findings:
    """Make the sample anew with another seed and return its findings."""
    with tempfile.TemporaryDirectory() as folder:
        make_sample(Path(folder) / "ml-1m", seed=seed)
        return findings(load_movielens("ml-1m", data_home=folder, download=False).ratings)


def interval(values: list[float]) -> str:
    """Return mean and half width of the 95 % t interval over seeds; one seed has no interval."""
    if len(values) == 1:
        return "–"
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{np.mean(values):.3f} ± {half:.3f}"


def main() -> None:
    """Print a column per seed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    seeds = parser.parse_args().seeds
    table = {seed: of_seed(seed) for seed in seeds}
    print("| finding | " + " | ".join(f"seed {seed}" for seed in seeds) + " | mean, 95 % |")
    print("|---|" + "---|" * (len(seeds) + 1))
    for name, decimals in DECIMALS.items():
        values = [table[seed][name] for seed in seeds]
        cells = [f"{value:.{decimals}f}" for value in values]
        print(f"| {name} | {' | '.join(cells)} | {interval(values)} |")


if __name__ == "__main__":
    main()
