"""Load what was saved, after checking every byte of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from course_cloud.artifacts.folders import as_path, read_manifest, standing, verified
from course_cloud.artifacts.manifest import (
    ARRAYS,
    EMBEDDINGS,
    METRICS,
    MODEL,
    MOVIES,
    TRAIN,
    Manifest,
    as_json,
)
from course_cloud.artifacts.metrics import Metrics, metrics_from_json
from course_cloud.artifacts.npz import Arrays, read_npz
from course_cloud.artifacts.packing import BESIDE_MATRIX, NUMBERS, PARTS, need_csr, unpack
from course_cloud.storage.failures import disk
from course_utils.errors import ArtifactError, DataError, ModelError, StorageError
from course_utils.interactions import Interactions
from course_utils.models import Recommender
from course_utils.text.embeddings import Embeddings
from course_utils.text.files import load_embeddings

PICKLES = (b"\x80", b"(", b"c", b"]", b"}")  # the first byte of a pickle; an archive begins with PK
TRIES = 5  # to read a folder that is replaced meanwhile


@dataclass(frozen=True, repr=False, eq=False)  # arrays have no one answer to ==
class Artifact:
    """A model and what belongs to it, as :func:`course_cloud.artifacts.save` was given them.

    Attributes
    ----------
    model
        Fitted; it gives the answers that it gave before it was saved.
    train
        The Interactions it was fitted on.
    movies
        DataFrame of the films.
    metrics
        Series or DataFrame, or None.
    embeddings
        `course_utils.text.Embeddings`, or None.
    manifest
        What, when and by whom.
    """

    model: Recommender
    train: Interactions
    movies: pd.DataFrame
    metrics: Metrics | None
    embeddings: Embeddings | None
    manifest: Manifest

    def __repr__(self) -> str:
        of = self.manifest
        return f"Artifact({of.model} on {of.dataset or 'unnamed data'}, run {of.run_id})"


def load(folder: str | Path, *, classes: Iterable[type[Recommender]] = ()) -> Artifact:
    """Load an artifact.

    Parameters
    ----------
    folder
        What `save` or `fetch` made.
    classes
        The classes of models that are not the course's own.

    Returns
    -------
    Artifact
        All of it.

    Raises
    ------
    ArtifactError
        When there is none, it is damaged, from a newer version, mixed from two runs, or holds
        anything that is not listed. Nothing in it is run, and of a file whose size or checksum is
        wrong nothing else is looked at.
    ModelError
        When it holds embeddings and safetensors is not installed.
    StorageError
        When the disk refuses.

    Notes
    -----
    A folder that is replaced meanwhile is read again: what is returned is of one run. A process
    that was killed while it replaced a folder may have left the old version beside it, hidden;
    then that is loaded, until somebody saves again.
    """
    asked, kinds = as_path(folder), tuple(classes)
    for attempt in range(TRIES):
        here = standing(asked)
        before = _identity(here)
        try:
            with disk("read", here):
                return _load(here, kinds)
        except (ArtifactError, StorageError):
            if attempt == TRIES - 1 or _identity(standing(asked)) == before:
                raise
    raise AssertionError("the last try returns or raises")


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from the one that replaces it."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def _load(folder: Path, classes: tuple[type[Recommender], ...]) -> Artifact:
    manifest = read_manifest(folder)
    train = _read_train(folder, manifest)
    with verified(folder, MOVIES, manifest) as file:
        movies = _parquet(file, folder / MOVIES)
    with verified(folder, METRICS, manifest) as file:
        metrics = metrics_from_json(file.read(), folder / METRICS)
    embeddings = None
    if EMBEDDINGS in manifest.files:
        with verified(folder, EMBEDDINGS, manifest) as file:
            embeddings = _embeddings(folder / EMBEDDINGS)
    model = _read_model(folder, manifest, train, classes)
    return Artifact(model, train, movies, metrics, embeddings, manifest)


def _read_train(folder: Path, manifest: Manifest) -> Interactions:
    with verified(folder, TRAIN, manifest) as file:
        arrays = _read_arrays(file, folder / TRAIN)
    try:
        matrix = need_csr(*(arrays[f"matrix.{part}"] for part in PARTS))
        users, items, dropped = (arrays[name] for name in BESIDE_MATRIX)
        train = Interactions(matrix, users, items, int(dropped))
        if (len(train.users), len(train.items)) != matrix.shape:
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{folder / TRAIN} holds no interactions; save again.") from None
    return train


def _read_model(
    folder: Path, manifest: Manifest, train: Interactions, classes: tuple[type[Recommender], ...]
) -> Recommender:
    """Return the model, which must answer for the first user of the matrix it was fitted on."""
    with verified(folder, MODEL, manifest) as file:
        tree = as_json(file.read(), folder / MODEL)
    with verified(folder, ARRAYS, manifest) as file:
        arrays = _read_arrays(file, folder / ARRAYS)
    try:
        model = unpack(tree, arrays, classes)
        if (model.n_users, model.n_items) != train.matrix.shape:
            raise ValueError
        model.recommend(np.array([0]), train.matrix[:1], N=1)
    except ArtifactError:
        raise
    except Exception as error:  # whatever wrong arrays do to a model
        why = f": {error}" if isinstance(error, DataError) else "."
        raise ArtifactError(f"{folder} holds no model that works{why}") from None
    return model


def _read_arrays(file: IO[bytes], path: Path) -> Arrays:
    begins = file.read(2)
    file.seek(0)
    if begins != b"PK":
        pickle = begins.startswith(PICKLES) and "is a pickle, which may run code when it is loaded"
        raise ArtifactError(f"{path} {pickle or 'is no archive of arrays'}; it was not opened.")
    try:
        arrays = read_npz(file)
        if any(array.dtype.kind not in NUMBERS for array in arrays.values()):
            raise DataError
    except DataError:
        raise ArtifactError(
            f"{path} holds something else than plain arrays of numbers, or is damaged; none of it "
            "was used."
        ) from None
    return arrays


def _parquet(file: Any, path: Path) -> pd.DataFrame:
    try:
        movies = pd.read_parquet(file, engine="pyarrow")
    except Exception:  # whatever a damaged table makes Arrow and pandas say
        raise ArtifactError(f"{path} is no table of films, or damaged; save again.") from None
    if not {"movie_id", "title"} <= {*movies.columns}:
        raise ArtifactError(f"{path} has no columns 'movie_id' and 'title'; save again.")
    return movies


def _embeddings(path: Path) -> Embeddings:
    try:
        return load_embeddings(path)
    except ModelError:
        raise
    except DataError as error:
        raise ArtifactError(str(error)) from None
