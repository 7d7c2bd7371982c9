"""Embeddings that know which film each row belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError


@dataclass(frozen=True, repr=False, eq=False)  # arrays have no one answer to ==
class Embeddings:
    """Vectors of films, and whose they are.

    Parameters
    ----------
    vectors
        Numbers, shape (n, d), one row for each film.
    movie_ids
        ``movie_ids[row]`` is the movie id of a row, shape (n,); each film once.
    model, pooling
        What made them, as :func:`course_utils.text.encode_texts` takes it; None where unknown.

    Attributes
    ----------
    vectors
        float32, shape (n, d).
    movie_ids
        int32, shape (n,).

    Raises
    ------
    DataError
        When the vectors are no table of finite numbers, there are not as many as films, or the
        ids repeat or are no 32-bit integers.
    """

    vectors: npt.NDArray[np.float32]
    movie_ids: npt.NDArray[np.int32]
    model: str | None = None
    pooling: str | None = None

    def __post_init__(self) -> None:
        vectors, movie_ids = _as_vectors(self.vectors), _as_ids(self.movie_ids)
        if len(vectors) != len(movie_ids):
            raise DataError(
                f"There are {len(vectors):,} vectors and {len(movie_ids):,} movie ids; each film "
                "needs one of both, in the same order."
            )
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise DataError(
                f"The vector of movie {movie_ids[finite.argmin()]} holds NaN or infinity; encode "
                "its text again."
            )
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "movie_ids", movie_ids)

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        n, d = self.vectors.shape
        made = f", {self.model}" if self.model else ""
        return f"Embeddings({n:,} films × {d}{made}{f', {self.pooling}' if self.pooling else ''})"

    def rows_of(self, movie_ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the row of each film, shape (m,).

        Raises
        ------
        DataError
            When films have no embedding; the message says how many and names the first three.
        """
        wanted = _as_ids(movie_ids, distinct=False)
        rows = pd.Index(self.movie_ids).get_indexer(pd.Index(wanted))
        absent = wanted[rows < 0]
        if absent.size:
            shown = ", ".join(map(str, absent[:3])) + (", …" if absent.size > 3 else "")
            raise DataError(
                f"{absent.size:,} of the {len(wanted):,} films have no embedding: movies {shown}; "
                "encode their texts too."
            )
        return rows.astype(np.int64)

    def aligned(self, movie_ids: npt.ArrayLike) -> Embeddings:
        """Return the embeddings of `movie_ids`, in their order: those of a matrix's columns, say.

        Row 7 of a file is not the film of column 7. Only what went through here may stand beside
        a matrix: ``embeddings.aligned(train.items)``.

        Raises
        ------
        DataError
            When films have no embedding, or one is asked for twice.

        Examples
        --------
        >>> films = Embeddings(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([50, 7]))
        >>> films.aligned([7, 50]).vectors
        array([[0., 1.],
               [1., 0.]], dtype=float32)
        """
        rows = self.rows_of(movie_ids)
        return Embeddings(self.vectors[rows], self.movie_ids[rows], self.model, self.pooling)


def _as_vectors(vectors: Any) -> npt.NDArray[np.float32]:
    table = np.asarray(vectors)
    if table.ndim != 2 or table.dtype.kind not in "fiu" or not table.shape[1]:
        raise DataError(
            "The vectors must be a table of numbers, films × dimensions, and are an array of "
            f"{table.dtype} with shape {table.shape}."
        )
    with np.errstate(over="ignore"):  # what overflows is refused as infinite
        return np.ascontiguousarray(table, dtype=np.float32)


def _as_ids(movie_ids: Any, distinct: bool = True) -> npt.NDArray[np.int32]:
    ids = np.asarray(movie_ids)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise DataError(
            f"The movie ids must be a list of integers, and are {ids.dtype} of shape {ids.shape}."
        )
    if ids.size and not 0 <= ids.min() <= ids.max() < 2**31:
        bad = ids.min() if ids.min() < 0 else ids.max()
        raise DataError(f"{bad} is no movie id: they lie between 0 and {2**31 - 1}.")
    repeated = pd.Index(ids)[pd.Index(ids).duplicated()] if distinct else ids[:0]
    if len(repeated):
        raise DataError(f"Movie {repeated[0]} stands twice; give each film one vector.")
    return ids.astype(np.int32)
