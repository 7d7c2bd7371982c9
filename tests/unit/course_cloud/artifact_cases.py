"""What the tests of artifacts save, and how they damage it."""

import dataclasses
import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from model_cases import MODELS, some_matrix
from scipy import sparse

from course_cloud import artifacts
from course_utils.errors import DataError
from course_utils.interactions import Interactions
from course_utils.models import (
    ALS,
    EASE,
    BiasedMF,
    ContentModel,
    FactorBridge,
    Hybrid,
    ItemKNN,
    Popularity,
    TwoTower,
)
from course_utils.text.embeddings import Embeddings

N_USERS, N_ITEMS = 30, 40
FIRST_MOVIE = 100  # so that an id is never taken for a column


def interactions(matrix=None):
    matrix = some_matrix() if matrix is None else matrix
    users, items = (np.arange(n, dtype=np.int32) for n in matrix.shape)
    return Interactions(matrix, users + 1, items + FIRST_MOVIE)


def movies():
    ids = np.arange(FIRST_MOVIE, FIRST_MOVIE + N_ITEMS, dtype=np.int32)
    years = pd.array([None, *range(1951, 1950 + N_ITEMS)], dtype="Int16")
    titles = [f"Amélie {n}, The" for n in range(N_ITEMS)]
    return pd.DataFrame({"movie_id": ids, "title": titles, "genres": "Action|War", "year": years})


def embeddings():
    vectors = np.random.default_rng(4).normal(size=(N_ITEMS, 5)).astype(np.float32)
    return Embeddings(vectors, movies()["movie_id"].to_numpy(), model="tiny", pooling="mean")


def save(folder, model=None, metric=0.25, **options):
    """Save a model fitted on the matrix of `interactions`, by default the simplest there is."""
    train = interactions()
    model = model if model is not None else Popularity().fit(train.matrix)
    said = {"dataset": "sample", "split": "leave_last_out(n_test=5)"}
    metrics = pd.Series({"ndcg@10": metric, "coverage@10": np.nan}, name="mean")
    options = {"train": train, "movies": movies(), "metrics": metrics} | said | options
    return artifacts.save(folder, model=model, **options)


def reseal(folder, **changes):
    """Write a manifest that is right for the files as they are now, as a stranger would."""
    manifest = artifacts.manifest.parse_manifest((folder / "manifest.json").read_bytes(), folder)
    files = {
        path.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
    changed = dataclasses.replace(manifest, **{"files": files} | changes)
    (folder / "manifest.json").write_bytes(changed.to_json())


def shared():
    """Return a hybrid that uses one model in two places, inside another hybrid."""
    content = ContentModel(embeddings().vectors)
    inner = Hybrid([content, ItemKNN(k=5)], cold_items=content, min_users=5)
    return Hybrid([inner, EASE(l2=2.0)], weights=[1, 3], cold_users=Popularity(), min_items=4)


EVERY_MODEL = MODELS | {
    "Popularity, lately": lambda: Popularity(half_life=30),
    "BiasedMF": lambda: BiasedMF(factors=3, epochs=2, l2_biases=(1.0, 2.0)),
    "ContentModel": lambda: ContentModel(embeddings().vectors, weights="equal"),
    "ContentModel, centered": lambda: ContentModel(embeddings().vectors, center=True),
    "FactorBridge": lambda: FactorBridge(
        ALS(4, 0.01, iterations=3), embeddings(), interactions().items, min_users=6
    ),
    "TwoTower": lambda: TwoTower(embeddings(), interactions().items, factors=4, epochs=1),
    "Hybrid of hybrids": shared,
}


def fitted(name):
    """Return a model and the matrix it is fitted on; stars where a model wants them."""
    matrix = some_matrix()
    if name == "BiasedMF":
        matrix.data = np.random.default_rng(8).integers(1, 6, matrix.nnz).astype(np.float32)
    model = EVERY_MODEL[name]()
    if name == "Popularity, lately":
        when = matrix.copy()
        when.data = np.arange(when.nnz) * 86_400.0
        return model.fit(matrix, when), matrix
    return model.fit(matrix), matrix


def answers(model, matrix):
    """Ask everything that a model can be asked, of users it knows and of others."""
    everybody = np.arange(matrix.shape[0])
    later = sparse.csr_matrix(matrix[::-1])
    found = [
        model.recommend(everybody, matrix),
        model.recommend(everybody + 1000, later),
        model.recommend(everybody, later, recalculate_user=True),
        model.recommend(everybody[:2], sparse.csr_matrix((2, N_ITEMS), dtype=np.float32)),
    ]
    for ask in (
        lambda: [model.explain(0, matrix[0], item) for item in range(N_ITEMS)],
        lambda: [model.similar_items(np.arange(N_ITEMS), N=7)],
    ):
        try:
            found += ask()
        except DataError as error:  # it cannot, and says so afterwards too
            found.append(([str(error)],))
    return found


class Trap:
    """Whoever unpickles it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def trap(path: Path, protocol: int = 5) -> bytes:
    return pickle.dumps(Trap(path), protocol=protocol)
