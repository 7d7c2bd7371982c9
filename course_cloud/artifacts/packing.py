"""A model as JSON and arrays, and back; what it is made of, the model itself says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils import models as course
from course_utils.errors import ArtifactError, DataError
from course_utils.models import Recommender

Arrays = dict[str, npt.NDArray[Any]]
PLAIN = (str, int, float, bool, type(None))
NUMBERS = "biuf"  # the kinds of arrays that are kept: no texts, no objects
SHOWN = 20  # values of an argument that a manifest lists
PARTS = "data", "indices", "indptr", "shape"  # of a csr
BESIDE_MATRIX = "users", "items", "dropped"  # what Interactions hold

COURSE_MODELS = {
    name: kind for name in course.__all__ if (kind := getattr(course, name)) is not Recommender
}


def settings_of(model: Recommender) -> dict[str, Any]:
    """Return the arguments of a model that people can read: no arrays, and models by their name."""

    def shown(value: Any) -> Any:
        if isinstance(value, list | tuple):
            few = len(value) <= SHOWN
            return [shown(part) for part in value] if few else f"{len(value):,} values"
        return type(value).__name__ if isinstance(value, Recommender) else value

    learned = {"n_users", "n_items", *model.learned}
    arguments = {name: value for name, value in model.state().items() if name not in learned}
    return {
        name: shown(value)
        for name, value in arguments.items()
        if isinstance(value, (*PLAIN, list, tuple, Recommender))
    }


def pack(model: Recommender) -> tuple[dict[str, Any], Arrays]:
    """Take a fitted model apart.

    Returns
    -------
    tree, arrays
        For JSON, ``{"models": [{"class": …, "state": …}, …]}``, where a model comes after those
        inside it, so that it is the last itself; and the arrays to which the tree refers by name.

    Raises
    ------
    DataError
        When a model does not say what it consists of, or that is nothing to be saved.
    """
    packer = _Packer()
    packer.place_of(model)
    return {"models": packer.models}, packer.arrays


def unpack(
    tree: Any, arrays: Mapping[str, npt.NDArray[Any]], classes: Iterable[type[Recommender]] = ()
) -> Recommender:
    """Put together what :func:`pack` took apart.

    Parameters
    ----------
    tree, arrays
        What `pack` returned.
    classes
        Those of models that are not the course's. No other class is looked for, by its name or
        otherwise: which code runs is not for a file to say.

    Raises
    ------
    ArtifactError
        When a class is not known.
    Exception
        Of any kind, when the tree and the arrays are not what `pack` returned.
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
        data, indices, indptr, shape = (arrays[f"{name}.{part}"] for part in PARTS)
        return need_csr(data, indices, indptr, shape)

    for entry in tree["models"]:
        if entry["class"] not in known:
            raise ArtifactError(
                f"The model is a {str(entry['class'])[:60]}, which is none of the course's; give "
                "its class: load(folder, classes=[...])."
            )
        state = {name: restored(value) for name, value in entry["state"].items()}
        models.append(known[entry["class"]].from_state(state))
    return models[-1]


def need_csr(
    data: npt.NDArray[Any],
    indices: npt.NDArray[Any],
    indptr: npt.NDArray[Any],
    shape: npt.NDArray[Any],
) -> sparse.csr_matrix:
    """Return a csr of its parts, or raise a ValueError when they are not those of one."""
    n_rows, n_columns = (int(n) for n in shape)
    matrix = sparse.csr_matrix((data, indices, indptr), shape=(n_rows, n_columns))
    matrix.check_format(full_check=True)  # else SciPy would read beyond the arrays
    return matrix


def csr_parts(name: str, matrix: sparse.csr_matrix) -> Arrays:
    """Return the arrays of a csr, under names that begin with `name`."""
    shape = np.array(matrix.shape, dtype=np.int64)
    values = matrix.data, matrix.indices, matrix.indptr, shape
    return {f"{name}.{part}": value for part, value in zip(PARTS, values, strict=True)}


class _Packer:
    """Numbers models and names arrays; each is kept once, however often it occurs."""

    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = []
        self.arrays: Arrays = {}
        self._seen: dict[int, tuple[Any, Any]] = {}  # by identity; kept, so that it stays theirs

    def place_of(self, model: Recommender) -> int:
        """Return the number of a model, after taking it apart."""
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
            value = np.array(value)  # JSON has no word for it
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
        """Return the name of an array or a matrix; one that two attributes share has one name."""
        if id(value) not in self._seen:
            taken = {str(name) for _, name in self._seen.values()}
            name = wanted if wanted not in taken else f"{wanted}.{len(taken)}"
            self._seen[id(value)] = value, name
            parts = csr_parts(name, value) if sparse.issparse(value) else {name: np.asarray(value)}
            self.arrays |= parts
        return str(self._seen[id(value)][1])
