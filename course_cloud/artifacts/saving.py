"""Save a model and what belongs to it into a folder, all of it or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from course_cloud.artifacts.folders import as_path, entry_of, replacing
from course_cloud.artifacts.manifest import (
    ARRAYS,
    EMBEDDINGS,
    MANIFEST,
    METRICS,
    MODEL,
    MOVIES,
    TRAIN,
    Manifest,
    new_manifest,
)
from course_cloud.artifacts.metrics import Metrics, metrics_to_json
from course_cloud.artifacts.npz import write_npz
from course_cloud.artifacts.packing import BESIDE_MATRIX, csr_parts, pack, settings_of
from course_cloud.storage.tables import write_to_file
from course_utils.errors import DataError
from course_utils.interactions import Interactions
from course_utils.models import Recommender
from course_utils.text.embeddings import Embeddings
from course_utils.text.files import save_embeddings


def save(
    folder: str | Path,
    *,
    model: Recommender,
    train: Interactions,
    movies: pd.DataFrame,
    metrics: Metrics | None = None,
    embeddings: Embeddings | None = None,
    dataset: str = "",
    split: str = "",
) -> Manifest:
    """Save a fitted model and all that a service needs beside it.

    Parameters
    ----------
    folder
        Where to. One that holds an artifact is replaced as a whole; one with other files is not.
    model
        Fitted on ``train.matrix``. Any model of the course, or one whose class names what it
        learns; see :class:`course_utils.models.state.Restorable`.
    train
        The matrix, and whose its rows and columns are.
    movies
        A table with columns ``movie_id`` and ``title``, each film once, with at least those in
        `train`.
    metrics
        What the model is worth, ``result.summary`` say.
    embeddings
        Vectors of the films, for a service that searches by text.
    dataset, split
        What the model was fitted on, in your words.

    Returns
    -------
    Manifest
        With the new run id.

    Raises
    ------
    DataError
        When the model is not fitted or cannot be saved, the parts do not belong together, or
        something else than an artifact is in the folder.
    StorageError
        When the disk refuses.
    ModelError
        When there are embeddings and no safetensors: ``pip install 'course-utils[bert]'``.

    Notes
    -----
    Everything is written into a hidden folder beside `folder`, brought to the disk, and renamed.
    Whenever the process ends, :func:`load` finds the old version or the new one. Two that save
    into one folder wait for each other, but for Windows and some network disks.
    """
    _need_parts(model, train, movies, embeddings, dataset=dataset, split=split)
    tree, arrays = pack(model)
    said = metrics_to_json(metrics)
    with replacing(as_path(folder)) as new:
        (new / MODEL).write_bytes(json.dumps(tree, indent=1).encode())
        (new / METRICS).write_bytes(said)
        with open(new / ARRAYS, "wb") as file:
            write_npz(file, arrays)
        with open(new / TRAIN, "wb") as file:
            beside = {name: np.asarray(getattr(train, name)) for name in BESIDE_MATRIX}
            write_npz(file, csr_parts("matrix", train.matrix) | beside)
        _write_movies(movies, new / MOVIES)
        if embeddings is not None:
            save_embeddings(new / EMBEDDINGS, embeddings)
        manifest = new_manifest(
            dataset=dataset,
            split=split,
            model=type(model).__name__,
            settings=settings_of(model),
            files={path.name: entry_of(path) for path in sorted(new.iterdir())},
        )
        (new / MANIFEST).write_bytes(manifest.to_json())
    return manifest


def _need_parts(model: Any, train: Any, movies: Any, embeddings: Any, **said: Any) -> None:
    if not isinstance(model, Recommender):
        raise DataError(
            f"A {type(model).__name__} is no model of course_utils.models; fit one of those, "
            "ALS() for one of implicit's."
        )
    if not isinstance(train, Interactions):
        raise DataError(f"`train` must be Interactions, and is a {type(train).__name__}; encode().")
    shape = model.n_users, model.n_items
    if model.n_items and shape != train.matrix.shape:
        raise DataError(
            f"The model was fitted on {shape[0]:,} users × {shape[1]:,} items, and `train` has "
            f"{train.matrix.shape[0]:,} × {train.matrix.shape[1]:,}; give what it was fitted on."
        )
    if not isinstance(movies, pd.DataFrame) or not {"movie_id", "title"} <= {*movies.columns}:
        raise DataError("`movies` must be a table with columns 'movie_id' and 'title'.")
    known = movies["movie_id"]
    if known.duplicated().any():
        raise DataError(f"Movie {known[known.duplicated()].iloc[0]} stands twice in `movies`.")
    unknown = train.items[~pd.Index(train.items).isin(known)]
    if len(unknown):
        raise DataError(
            f"`movies` lacks {len(unknown):,} of the films that are recommended, movie "
            f"{unknown[0]} for one; give the table of the whole release."
        )
    for name, words in said.items():
        if not isinstance(words, str):
            raise DataError(f"`{name}` must be a text, and is a {type(words).__name__}.")
    if embeddings is not None and not isinstance(embeddings, Embeddings):
        raise DataError(
            "`embeddings` must be Embeddings(vectors, movie_ids), which know the films."
        )


def _write_movies(movies: pd.DataFrame, path: Path) -> None:
    with open(path, "wb") as file:
        write_to_file(movies.reset_index(drop=True), file, ".parquet", "movies.parquet")
