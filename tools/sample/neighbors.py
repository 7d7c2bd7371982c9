"""Print the nearest films of four well-known ones, and what words know about unrated films.

    python -m tools.sample.neighbors [--dataset ml-latest-small]

Nearest by words (cosine of MiniLM's embeddings of title and genres), by likes (cosine of the
columns of likes), and by what is watched next (pairs of consecutive ratings that come three times
or more, divided by the square root of how often the second film is rated). Needs the extra
`[bert]`, which .venv holds.
"""

import argparse

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_utils.datasets import load_movielens
from course_utils.evaluation import mean_and_interval
from course_utils.interactions import encode, to_implicit
from course_utils.metrics import recall
from course_utils.models.knn import gram
from course_utils.ranking import top_k
from course_utils.text import encode_texts, movie_texts

FILMS = ("Toy Story (1995)", "Godfather, The (1972)", "Alien (1979)", "Matrix, The (1999)")
ENCODER = "all-MiniLM-L6-v2"

Floats = npt.NDArray[np.floating]


def followers(ratings: pd.DataFrame, items: npt.NDArray[np.int32]) -> Floats:
    """Return how often each film is rated right after each other one, over the root of its count.

    Pairs that come fewer than three times count as none.
    """
    ordered = ratings.sort_values(["user_id", "timestamp"], kind="stable")
    user = ordered["user_id"].to_numpy()
    item = np.searchsorted(items, ordered["movie_id"])
    follows = user[1:] == user[:-1]
    pairs = (item[:-1][follows], item[1:][follows])
    counts = sparse.csr_matrix((np.ones(len(pairs[0])), pairs), shape=(len(items),) * 2).toarray()
    counts[counts < 3] = 0
    shown: Floats = counts / np.sqrt(np.maximum(np.bincount(item, minlength=len(items)), 1))
    return shown


def cold_recall(positives: pd.DataFrame, items: npt.NDArray[np.int32], vectors: Floats) -> str:
    """Say how well words rank a tenth of the films, whose likes are all held out, and chance."""
    rng = np.random.default_rng(0)
    counts = positives["movie_id"].value_counts()
    cold = rng.choice(counts.index[counts >= 5], size=len(counts) // 10, replace=False)
    is_cold = positives["movie_id"].isin(cold)
    users = np.unique(positives["user_id"])
    warm, test = (encode(positives[m], users, items).matrix for m in (~is_cold, is_cold))
    candidates = np.isin(items, cold)
    rows = np.flatnonzero(np.diff(test.indptr))
    words = np.asarray((warm[rows] @ vectors) @ vectors.T)
    values = [
        recall(top_k(np.where(candidates, scores, -np.inf), 10)[0], test[rows], 10)
        for scores in (words, rng.random(words.shape))
    ]
    mean, low, high = mean_and_interval(np.column_stack(values))
    cells = [f"{m:.3f} ({a:.3f}–{b:.3f})" for m, a, b in zip(mean, low, high, strict=True)]
    return f"{len(cold)} cold films, recall@10 among them: words {cells[0]}, random {cells[1]}"


def main() -> None:
    """Print neighbors and the recall of cold films."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dataset", default="sample")
    ml = load_movielens(parser.parse_args().dataset)
    positives = to_implicit(ml.ratings)
    movies = ml.movies.sort_values("movie_id")
    items = movies["movie_id"].to_numpy()
    vectors = encode_texts(movie_texts(movies), ENCODER, progress=False)
    likes = encode(positives, items=items).matrix
    together = gram(likes)
    length = np.sqrt(np.maximum(np.diag(together), 1))
    near = {
        "words": vectors @ vectors.T,
        "likes": together / np.outer(length, length),
        "next": followers(ml.ratings, items),
    }
    titles = movies["title"].to_numpy()
    for film in FILMS:
        column = int(np.flatnonzero(titles == film)[0])
        for how, similar in near.items():
            order = np.argsort(-similar[column], kind="stable")
            nearest = [i for i in order if i != column and similar[column, i] > 0][:6]
            print(f"{film}, by {how}: " + "; ".join(titles[nearest]))
    print(cold_recall(positives, items, vectors))


if __name__ == "__main__":
    main()
