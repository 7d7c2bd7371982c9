"""A small artifact to serve, and a client of its service."""

import numpy as np
import pandas as pd
from model_cases import some_matrix

from course_cloud import artifacts
from course_utils.interactions import Interactions
from course_utils.models import ALS
from course_utils.text import Embeddings, TfidfEncoder, movie_texts

TOKEN = "made-up-token"
OPERATOR = {"authorization": f"Bearer {TOKEN}"}
UNRATED = 900  # a film of the catalogue that nobody liked


def some_interactions(seed=0):
    """Return 30 users, with ids from 1001, and 40 films, with even ids from 100."""
    users = np.arange(1001, 1031, dtype=np.int32)
    items = np.arange(100, 180, 2, dtype=np.int32)
    return Interactions(some_matrix(seed), users, items)


def some_movies(train=None):
    train = train or some_interactions()
    words = ["Alien", "Brazil", "Casablanca", "Dune", "Élise", "Fargo", "Gaslight", "Heat"]
    titles = [f"{words[n % 8]} {words[n // 8]}, The (19{50 + n})" for n in range(len(train.items))]
    rows = {"movie_id": [*train.items, UNRATED], "title": [*titles, "Nobody's <b>Film</b>"]}
    kinds = ["Drama|Sci-Fi", "Comedy"] * (len(titles) // 2)
    years = pd.array([*range(1950, 1950 + len(titles)), None], dtype="Int16")
    return pd.DataFrame(rows | {"genres": [*kinds, "(no genres listed)"], "year": years})


def embeddings_of(movies):
    """Return TF-IDF vectors: there are films that mean something, and no encoder for queries."""
    texts = movie_texts(movies)
    vectors = TfidfEncoder().fit(texts).encode(texts)
    return Embeddings(vectors, movies["movie_id"].to_numpy(), model="tfidf")


def save_some(folder, model=None, seed=0, embeddings=None, movies=None):
    """Save an artifact; return its manifest, its fitted model and its interactions."""
    train = some_interactions(seed)
    model = (model or ALS(6, 0.01, iterations=5)).fit(train.matrix)
    movies = some_movies(train) if movies is None else movies
    manifest = artifacts.save(
        folder, model=model, train=train, movies=movies, metrics=pd.Series({"recall@10": 0.1}),
        embeddings=embeddings, dataset="made up", split="none",
    )  # fmt: skip
    return manifest, model, train
