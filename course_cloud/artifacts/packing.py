"""Models, matrices and metrics as JSON and arrays, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_cloud.artifacts.npz import Arrays, read_npz
from course_cloud.reranking import Reranker
from course_utils import models as course
from course_utils.errors import ArtifactError, DataError
from course_utils.models import Recommender

Metrics = pd.Series | pd.DataFrame
PLAIN = (str, int, float, bool, type(None))
NUMBERS = "biuf"  # kinds of the dtypes that are saved: no texts, no objects
SHOWN = 20  # largest number of values of an argument that a manifest lists
PARTS = "data", "indices", "indptr", "shape"  # of a csr

COURSE_MODELS = {
    name: kind for name in course.__all__ if (kind := getattr(course, name)) is not Recommender
} | {"Reranker": Reranker}


def settings_of(model: Recommender) -> dict[str, Any]:
    """Return the arguments of a model for people to read: no arrays, class names of models."""

    def shown(value: Any) -> Any:
        if isinstance(value, list | tuple):
            few = len(value) <= SHOWN
            return [shown(part) for part in value] if few else f"{len(value):,} values"
        return type(value).__name__ if isinstance(value, Recommender) else value

    learned, kinds = {"n_users", "n_items", *model.learned}, (*PLAIN, list, tuple, Recommender)
    state = model.state().items()
    return {n: shown(v) for n, v in state if n not in learned and isinstance(v, kinds)}


def pack(model: Recommender) -> tuple[dict[str, Any], Arrays]:
    """Convert a fitted model to a tree for JSON and arrays, which the tree refers to by name.

    The tree is ``{"models": [{"class": …, "state": …}, …]}``. Models inside another model precede
    it, so the last one is `model`. A DataError is raised for a model that cannot be saved.
    """
    packer = _Packer()
    packer.place_of(model)
    return {"models": packer.models}, packer.arrays


def unpack(
    tree: Any, arrays: Mapping[str, npt.NDArray[Any]], classes: Iterable[type[Recommender]] = ()
) -> Recommender:
    """Convert a tree and arrays to the fitted model that :func:`pack` was given.

    Only `classes` and those of the course are used: a file cannot have another class imported.
    An ArtifactError is raised for an unknown class, and an exception of any kind when tree and
    arrays are not what `pack` returned.
    """
    known = COURSE_MODELS | {kind.__name__: kind for kind in classes}
    models: list[Recommender] = []

    def restored(value: Any) -> Any:
        if isinstance(value, list):
            return [restored(part) for part in value]
        if not isinstance(value, dict):
            return value
        ((kind, name),) = value.items()
        if kind == "model":
            return models[name]
        if kind == "array":
            array = arrays[name]
            return array if array.ndim else array[()]
        return csr_of(name, arrays)

    for entry in tree["models"]:
        if entry["class"] not in known:
            raise ArtifactError(
                f"The model is a {str(entry['class'])[:60]}, which is none of the course's; give "
                "its class: load(folder, classes=[...])."
            )
        state = {name: restored(value) for name, value in entry["state"].items()}
        models.append(known[entry["class"]].from_state(state))
    return models[-1]


def csr_parts(name: str, matrix: sparse.csr_matrix) -> Arrays:
    """Return the arrays of a csr, with names that begin with `name`."""
    shape = np.array(matrix.shape, dtype=np.int64)
    values = matrix.data, matrix.indices, matrix.indptr, shape
    return {f"{name}.{part}": value for part, value in zip(PARTS, values, strict=True)}


def csr_of(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> sparse.csr_matrix:
    """Return the csr whose :func:`csr_parts` are given.

    Missing or inconsistent parts raise a KeyError, TypeError or ValueError.
    """
    data, indices, indptr, shape = (arrays[f"{name}.{part}"] for part in PARTS)
    n_rows, n_columns = (int(n) for n in shape)
    matrix = sparse.csr_matrix((data, indices, indptr), shape=(n_rows, n_columns))
    matrix.check_format(full_check=True)  # else SciPy would read beyond the arrays
    return matrix


def read_arrays(file: IO[bytes]) -> Arrays:
    """Read arrays of numbers; a DataError refuses anything else, such as pickles."""
    arrays = read_npz(file)
    if any(array.dtype.kind not in NUMBERS for array in arrays.values()):
        raise DataError("The arrays hold something else than numbers.")
    return arrays


def metrics_to_json(metrics: Metrics | None) -> bytes:
    """Return the content of ``metrics.json``, in which each number keeps its last bit.

    A DataError refuses other values than finite numbers, NaN, booleans and texts.
    """
    said: dict[str, Any] = {"kind": type(metrics).__name__}
    if metrics is not None:
        table = [metrics] if isinstance(metrics, pd.Series) else [c for _, c in metrics.items()]
        said["index"] = {"name": metrics.index.name, "values": metrics.index.tolist()}
        said["columns"] = [_column(column) for column in table]
    try:
        if metrics is not None and any(isinstance(label, tuple) for label in metrics.index):
            raise TypeError  # JSON has no tuples
        return (json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError):
        raise DataError(
            "The metrics hold something else than numbers and texts, or infinity; leave it out, "
            "and give rows and columns plain names."
        ) from None


def metrics_from_json(file: IO[bytes]) -> Metrics | None:
    """Return the metrics that :func:`metrics_to_json` was given; see :func:`unpack` on errors."""
    said = json.load(file)
    if said["kind"] == "NoneType":
        return None
    index = pd.Index(said["index"]["values"], name=said["index"]["name"])
    if any(np.dtype(column["dtype"]).kind not in NUMBERS for column in said["columns"]):
        raise TypeError
    columns: list[pd.Series] = [
        pd.Series(column["values"], index=index, name=column["name"], dtype=column["dtype"])
        for column in said["columns"]
    ]
    if said["kind"] == "Series":
        (series,) = columns
        return series
    table = pd.DataFrame(dict(enumerate(columns)), index=index)
    table.columns = pd.Index([column.name for column in columns])
    return table


def _column(column: pd.Series) -> dict[str, Any]:
    """Return name, dtype and values of a column; NaN becomes null."""
    numbers = column.dtype.kind in "iufb"
    values = [None if isinstance(v, float) and np.isnan(v) else v for v in column.tolist()]
    return {"name": column.name, "dtype": str(column.dtype) if numbers else None, "values": values}


class _Packer:
    """Numbers models and names arrays; one that is used in several places is kept once."""

    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = []
        self.arrays: Arrays = {}
        # By id(): the object, which must stay alive for its id to stay its own, and its place.
        self._seen: dict[int, tuple[Any, Any]] = {}

    def place_of(self, model: Recommender) -> int:
        """Return the number of a model, after packing it."""
        known = self._seen.get(id(model))
        if known is None:
            kind = type(model).__name__
            if COURSE_MODELS.get(kind, type(model)) is not type(model):
                raise DataError(
                    f"This {kind} is not the course's, and would be taken for it; give the class "
                    "another name."
                )
            state = model.state()
            packed = {name: self._packed(value, kind, name) for name, value in state.items()}
            self.models.append({"class": kind, "state": packed})
            known = self._seen[id(model)] = model, len(self.models) - 1
        return int(known[1])

    def _packed(self, value: Any, kind: str, name: str) -> Any:
        if isinstance(value, float) and not np.isfinite(value):
            value = np.array(value)  # JSON has no NaN and no infinity
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, list | tuple):
            return [self._packed(part, kind, name) for part in value]
        if isinstance(value, Recommender):
            return {"model": self.place_of(value)}
        if isinstance(value, sparse.csr_matrix):
            return {"csr": self._named(value, f"{kind}.{name}")}
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in NUMBERS:
            return {"array": self._named(value, f"{kind}.{name}")}
        raise DataError(
            f"{kind} keeps a {type(value).__name__} in {name!r}, which an artifact cannot hold; "
            "keep arrays of numbers, sparse.csr_matrix, plain values or models of the course."
        )

    def _named(self, value: Any, wanted: str) -> str:
        """Return the name of an array or matrix, after adding it to the arrays."""
        if id(value) not in self._seen:
            taken = {str(name) for _, name in self._seen.values()}
            name = wanted if wanted not in taken else f"{wanted}.{len(taken)}"
            self._seen[id(value)] = value, name
            parts = csr_parts(name, value) if sparse.issparse(value) else {name: np.asarray(value)}
            self.arrays |= parts
        return str(self._seen[id(value)][1])
