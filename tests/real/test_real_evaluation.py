"""The evaluator on real MovieLens: popularity and item-kNN on ml-latest-small, to 1e-9.

Split and models are plain pandas and NumPy, written here, and so are the metrics the evaluator is
held against. The numbers are written down as well, so that neither can drift with the other.
"""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from course_utils.evaluation import by_activity, compare, evaluate

N_TEST = 5
SHAPE, N_EVALUATED = ((609, 6111), 45_685, 2_704), 575
NUMBERS = {
    "popularity": {
        "recall@10": 0.05301449275362311,
        "precision@10": 0.025217391304347782,
        "hit_rate@10": 0.18782608695652173,
        "mrr@10": 0.08489233954451354,
        "map@10": 0.024133402346445815,
        "ndcg@10": 0.04692129705231141,
    },
    "item-kNN": {
        "recall@10": 0.07475362318840584,
        "precision@10": 0.0356521739130435,
        "hit_rate@10": 0.26608695652173914,
        "mrr@10": 0.0942374051069704,
        "map@10": 0.02684603174603173,
        "ndcg@10": 0.057909175891808475,
    },
}


@pytest.fixture(scope="module")
def split(repository_root: Path) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return train and test: the last five positives of each user who has at least ten."""
    shared = repository_root.parent / "shared" / "data"
    for place in (os.environ.get("COURSE_DATA_DIR"), shared):
        if place and (Path(place) / "ml-latest-small" / "ratings.csv").is_file():
            ratings = pd.read_csv(Path(place) / "ml-latest-small" / "ratings.csv")
            break
    else:
        pytest.skip(f"no ml-latest-small/ratings.csv in COURSE_DATA_DIR or {shared}")
    positives = ratings[ratings["rating"] >= 4.0]
    # movie_id settles ties in time, so that the split does not rest on the order of the file
    positives = positives.sort_values(["userId", "timestamp", "movieId"])
    from_end = positives.groupby("userId").cumcount(ascending=False)
    size = positives.groupby("userId")["movieId"].transform("size")
    held_out = (from_end < N_TEST) & (size >= 2 * N_TEST)
    train, test = positives[~held_out], positives[held_out]
    items = pd.Index(np.unique(train["movieId"]))
    users = pd.Index(np.unique(train["userId"]))
    test = test[test["movieId"].isin(items)]

    def matrix(table: pd.DataFrame) -> sparse.csr_matrix:
        cells = (users.get_indexer(table["userId"]), items.get_indexer(table["movieId"]))
        return sparse.csr_matrix((np.ones(len(table)), cells), shape=(len(users), len(items)))

    return matrix(train), matrix(test)


class ByScores:
    """Recommends what scores highest among the unseen; of equal scores the lowest column."""

    def scores(self, seen: Any) -> Any:
        raise NotImplementedError

    def recommend(self, userids: Any, user_items: Any, N: int = 10) -> tuple[Any, Any]:
        scores = np.where(user_items.toarray() > 0, -np.inf, self.scores(user_items))
        ids = np.argsort(-scores, axis=1, kind="stable")[:, :N]
        return ids, np.take_along_axis(scores, ids, axis=1)


class Popularity(ByScores):
    def __init__(self, train: sparse.csr_matrix) -> None:
        self.counts = train.toarray().sum(axis=0)

    def scores(self, seen: Any) -> Any:
        return np.broadcast_to(self.counts, seen.shape)


class ItemKNN(ByScores):
    """Cosine between items, the 50 nearest of each; scores are summed in whole numbers.

    Cosines are rounded to multiples of 2⁻³⁰. Sums of a few hundred such numbers are exact in
    double precision, in any order, so that scores tie on every machine alike or on none.
    """

    def __init__(self, train: sparse.csr_matrix, n_neighbors: int = 50) -> None:
        dense = train.toarray()
        counts = dense.sum(axis=0)
        cosine = (dense.T @ dense) / np.sqrt(counts[:, None] * counts[None, :])
        cosine = np.rint(cosine * 2**30)
        np.fill_diagonal(cosine, 0)
        nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :n_neighbors]
        kept = np.zeros_like(cosine)
        np.put_along_axis(kept, nearest, np.take_along_axis(cosine, nearest, axis=1), axis=1)
        self.similar = sparse.csr_matrix(kept.T)

    def scores(self, seen: Any) -> Any:
        return (seen @ self.similar).toarray()


def plainly(model: Any, train: Any, test: Any, k: int) -> dict[str, float]:
    """Return the means of the six metrics, one user at a time, without NumPy."""
    total = dict.fromkeys(("recall", "precision", "hit_rate", "mrr", "map", "ndcg"), 0.0)
    n_users = 0
    for user in range(train.shape[0]):
        wanted = set(test[user].indices.tolist())
        if not wanted:
            continue
        n_users += 1
        recommended = model.recommend(np.array([user]), train[user], N=k)[0][0].tolist()
        hits, precisions, gain = 0, 0.0, 0.0
        for rank, item in enumerate(recommended, start=1):
            if item in wanted:
                hits += 1
                precisions += hits / rank
                gain += 1 / math.log2(rank + 1)
                if hits == 1:
                    total["hit_rate"] += 1
                    total["mrr"] += 1 / rank
        total["recall"] += hits / len(wanted)
        total["precision"] += hits / k
        total["map"] += precisions / len(wanted)
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(wanted), k) + 1))
        total["ndcg"] += gain / ideal
    return {f"{name}@{k}": value / n_users for name, value in total.items()}


@pytest.fixture(scope="module")
def models(split: tuple[Any, Any]) -> dict[str, Any]:
    return {"popularity": Popularity(split[0]), "item-kNN": ItemKNN(split[0])}


def test_the_split_is_what_the_numbers_were_computed_on(split: tuple[Any, Any]) -> None:
    train, test = split
    assert (train.shape, train.nnz, test.nnz) == SHAPE
    assert np.count_nonzero(np.diff(test.indptr)) == N_EVALUATED


@pytest.mark.parametrize("name", ["popularity", "item-kNN"])
def test_the_six_metrics(name: str, split: tuple[Any, Any], models: dict[str, Any]) -> None:
    result = evaluate(models[name], *split, k=10)
    found = result.summary[list(NUMBERS[name])].to_dict()
    assert found == pytest.approx(plainly(models[name], *split, k=10), abs=1e-12)
    assert found == pytest.approx(NUMBERS[name], abs=1e-9)


def test_item_knn_finds_more_and_reaches_more_of_the_catalogue(
    split: tuple[Any, Any], models: dict[str, Any]
) -> None:
    table = compare(models, *split, baseline="popularity", metrics=["recall", "ndcg", "coverage"])
    knn = table.set_index(["model", "metric"]).loc["item-kNN"]
    assert knn.loc["recall@10", "difference_low"] > 0
    assert knn.loc["recall@10", "p_holm"] < 0.01
    # 23 % more NDCG, and 575 users are too few to tell it from chance
    assert knn.loc["ndcg@10", "difference"] > 0.01
    assert knn.loc["ndcg@10", "p_holm"] > 0.05
    both = table[table["metric"] == "coverage@10"].set_index("model")["mean"]
    assert both["item-kNN"] > 5 * both["popularity"]


def test_every_user_belongs_to_one_group(split: tuple[Any, Any], models: dict[str, Any]) -> None:
    table = by_activity(evaluate(models["item-kNN"], *split, k=10), metrics="recall")
    assert table["n_users"].sum() == N_EVALUATED
    assert ((table["low"] < table["mean"]) & (table["mean"] < table["high"])).all()
