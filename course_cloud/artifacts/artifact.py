"""Save a fitted model and what a service needs beside it into a folder, and load it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import pandas as pd

from course_cloud.artifacts import folders, packing
from course_cloud.artifacts.films import as_films, need_ids, read_films
from course_cloud.artifacts.manifest import EMBEDDINGS, MANIFEST, VALIDATION, Manifest, parsing
from course_cloud.artifacts.npz import write_npz
from course_cloud.artifacts.packing import Metrics
from course_cloud.artifacts.validation import Validation, measured, read_validation, to_arrays
from course_cloud.storage.failures import disk
from course_cloud.storage.tables import write_to_file
from course_utils.errors import ArtifactError, DataError, StorageError
from course_utils.evaluation import Evaluation
from course_utils.interactions import Interactions
from course_utils.models import Recommender
from course_utils.text.embeddings import Embeddings, load_embeddings, save_embeddings
from course_utils.validation import as_user_items

T = TypeVar("T")
IDS = "users", "items", "dropped"  # attributes of Interactions beside the matrix
TRIES = 5  # to read a folder that is being replaced
KINDS: dict[str, tuple[Any, str]] = {  # of what is saved
    "model": (Recommender, "one of course_utils.models, ALS() for one of implicit's; fit one"),
    "train": (Interactions, "Interactions; encode() makes them"),
    "metrics": (Metrics | None, "a Series or a DataFrame; give result.summary"),
    "embeddings": (Embeddings | None, "Embeddings(vectors, movie_ids), which know the films"),
    "dataset": (str, "a text"),
    "split": (str, "a text"),
}


@dataclass(frozen=True, repr=False, eq=False)  # eq=False: elementwise == is ambiguous
class Artifact:
    """A model and what was saved with it; see :func:`course_cloud.artifacts.save`."""

    model: Recommender  # fitted; it recommends what it did before it was saved
    train: Interactions
    movies: pd.DataFrame
    metrics: Metrics | None
    embeddings: Embeddings | None
    validation: Validation | None
    manifest: Manifest

    def __repr__(self) -> str:
        of = self.manifest
        return f"Artifact({of.model} on {of.dataset or 'unnamed data'}, run {of.run_id})"


def save(
    folder: str | Path,
    *,
    model: Recommender,
    train: Interactions,
    movies: pd.DataFrame,
    metrics: Metrics | None = None,
    embeddings: Embeddings | None = None,
    validation: tuple[Evaluation, Interactions] | None = None,
    dataset: str = "",
    split: str = "",
) -> Manifest:
    """Save a fitted model and all that a service needs beside it.

    Parameters
    ----------
    folder
        An artifact there is replaced; a folder with other files is refused.
    model, train
        The model, and what it was fitted on.
    movies
        Columns ``movie_id`` and ``title``, one row per film, all items of `train` included.
    metrics, embeddings
        Metrics of the model, such as ``result.summary``; vectors of the films, to search by text.
    validation
        ``(evaluate(model, train.matrix, val.matrix), val)``. Its recall@10 of each user is kept,
        by which :func:`course_cloud.artifacts.promote` compares runs.
    dataset, split
        What the model was fitted on, in your words.

    Returns
    -------
    Manifest
        With the new run id.

    Raises
    ------
    DataError
        When something cannot be saved, the arguments do not belong together, `train` holds a
        validation pair, or the folder holds something else than an artifact.
    StorageError, ModelError
        When the disk refuses; when there are embeddings and safetensors is not installed.

    Notes
    -----
    Everything is written to a hidden folder beside `folder`, synced to the disk, and renamed. If
    the process is killed, :func:`load` finds the old version or the new one.
    """
    movies = as_films(movies)
    words = {"dataset": dataset, "split": split}
    _need_kinds(model=model, train=train, metrics=metrics, embeddings=embeddings, **words)
    _need_to_fit(model, train, movies)
    tree, arrays = packing.pack(model)
    numbers = packing.metrics_to_json(metrics)
    values = None if validation is None else measured(validation, train)
    ids = {name: np.asarray(getattr(train, name)) for name in IDS}
    with folders.replacing(folders.as_path(folder)) as new:
        (new / "model.json").write_bytes(json.dumps(tree, indent=1).encode())
        write_npz(new / "model.npz", arrays)
        write_npz(new / "train.npz", packing.csr_parts("matrix", train.matrix) | ids)
        with open(new / "movies.parquet", "w+b") as file:
            write_to_file(movies, file, ".parquet", "movies.parquet")
            read_films(file)
        (new / "metrics.json").write_bytes(numbers)
        if embeddings is not None:
            save_embeddings(new / EMBEDDINGS, embeddings)
        if values is not None:
            write_npz(new / VALIDATION, to_arrays(values))
        manifest = Manifest(
            dataset=dataset,
            split=split,
            model=type(model).__name__,
            settings=packing.settings_of(model),
            files=folders.entries_of(new),
        )
        (new / MANIFEST).write_bytes(manifest.to_json())
        folders.read_manifest(new)
    return manifest


def load(folder: str | Path, *, classes: Iterable[type[Recommender]] = ()) -> Artifact:
    """Load an artifact; a folder that is replaced while it is read is read again.

    Parameters
    ----------
    folder, classes
        What `save` or `fetch` made; classes of models that are not the course's own.

    Raises
    ------
    ArtifactError
        When there is none, or it is damaged, of a newer format, mixed from two runs, or holds
        files that are not listed. No code in it is run.
    StorageError, ModelError
        When the disk refuses; when it holds embeddings and safetensors is not installed.
    """
    asked, kinds = folders.as_path(folder), tuple(classes)
    for attempt in range(TRIES):
        here = folders.standing(asked)
        before = _identity(here)
        try:
            with disk("read", here):
                return _load(here, kinds)
        except (ArtifactError, StorageError):
            if attempt == TRIES - 1 or _identity(folders.standing(asked)) == before:
                raise
    raise AssertionError("the last attempt returns or raises")


def _need_kinds(**parts: Any) -> None:
    for name, part in parts.items():
        kind, what = KINDS[name]
        if not isinstance(part, kind):
            raise DataError(f"`{name}` is a {type(part).__name__}, and must be {what}.")


def _need_to_fit(model: Recommender, train: Interactions, movies: pd.DataFrame) -> None:
    shape = model.n_users, model.n_items
    if model.n_items and shape != train.matrix.shape:
        raise DataError(
            f"The model was fitted on {shape[0]:,} users × {shape[1]:,} items, and `train` has "
            f"{train.matrix.shape[0]:,} × {train.matrix.shape[1]:,}; give what it was fitted on."
        )
    _need_whole(train)
    unknown = train.items[~pd.Index(train.items).isin(movies["movie_id"])]
    if len(unknown):
        raise DataError(
            f"`movies` lacks {len(unknown):,} of the films that are recommended, movie "
            f"{unknown[0]} for one; give the table of the whole release."
        )


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return a value that differs between a folder and the one that replaces it."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def _load(folder: Path, classes: tuple[type[Recommender], ...]) -> Artifact:
    manifest = folders.read_manifest(folder)

    def read(name: str, parse: Callable[[IO[bytes]], T]) -> T:
        with folders.verified(folder, name, manifest) as file, parsing(folder / name):
            return parse(file)

    train = read("train.npz", _train)
    movies = read("movies.parquet", read_films)
    metrics = read("metrics.json", packing.metrics_from_json)
    validation = read(VALIDATION, read_validation) if VALIDATION in manifest.files else None
    embeddings = None
    if EMBEDDINGS in manifest.files:
        embeddings = read(EMBEDDINGS, lambda _: load_embeddings(folder / EMBEDDINGS))
    tree, arrays = read("model.json", json.load), read("model.npz", packing.read_arrays)
    with parsing(folder / "model.json"):
        model = packing.unpack(tree, arrays, classes)
        if (model.n_users, model.n_items) != train.matrix.shape:
            raise DataError("It is of another size than train.npz.")
        model.recommend(np.array([0]), train.matrix[:1], N=1)
    return Artifact(model, train, movies, metrics, embeddings, validation, manifest)


def _train(file: IO[bytes]) -> Interactions:
    arrays = packing.read_arrays(file)
    users, items, dropped = (arrays[name] for name in IDS)
    train = Interactions(packing.csr_of("matrix", arrays), users, items, int(dropped))
    _need_whole(train)
    return train


def _need_whole(train: Interactions) -> None:
    """Refuse ids that no service could be asked for, and values that are no numbers."""
    need_ids(train.users, "The user ids of `train`")
    need_ids(train.items, "The movie ids of `train`")
    shape, matrix = (len(train.users), len(train.items)), as_user_items(train.matrix, "`train`")
    if shape != matrix.shape or not matrix.nnz or matrix.format != train.matrix.format:
        raise DataError("`train` needs an id of each row and column, and finite values.")
