"""Embeddings of films: vectors with their movie ids, their file, and the search for films."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError, ModelError
from course_utils.ranking import top_k
from course_utils.text import encoding
from course_utils.text.encoding import TextEncoder, encode_texts, unit_length
from course_utils.text.sources import DEFAULT
from course_utils.text.transformer import Vectors
from course_utils.validation import as_ids, as_table

FORMAT = "course-embeddings-1"
_PICKLES = (b"\x80", b"PK\x03\x04")  # how a pickle begins, and the zip archive of torch.save


@dataclass(frozen=True, repr=False, eq=False)  # eq=False: elementwise == is ambiguous
class Embeddings:
    """Vectors of films with their movie ids.

    Parameters
    ----------
    vectors
        Numbers, shape (n, d), one row for each film; stored as float32.
    movie_ids
        ``movie_ids[row]`` is the movie id of a row, shape (n,), without repeats; stored as int32.
    model, pooling
        The arguments of `encode_texts` that made the vectors; None where unknown.

    Raises
    ------
    DataError
        When the vectors are no table of finite numbers, there are not as many as films, or the
        ids repeat or are no 32-bit integers.
    """

    vectors: Vectors
    movie_ids: npt.NDArray[np.int32]
    model: str | None = None
    pooling: str | None = None

    def __post_init__(self) -> None:
        vectors, movie_ids = (
            encoding.as_vectors(self.vectors),
            as_ids(self.movie_ids, "`movie_ids`").astype(np.int32),
        )
        if len(vectors) != len(movie_ids):
            raise DataError(
                f"There are {len(vectors):,} vectors and {len(movie_ids):,} movie ids; each film "
                "needs one of both, in the same order."
            )
        finite = (np.abs(vectors) < encoding.LARGEST).all(axis=1)
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
        parts = filter(None, (f"{n:,} films × {d}", self.model, self.pooling))
        return f"Embeddings({', '.join(parts)})"

    def rows_of(self, movie_ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the row of each film, shape (m,).

        Raises
        ------
        DataError
            When films have no embedding; the message says how many and names the first three.
        """
        wanted = as_ids(movie_ids, "`movie_ids`", distinct=False)
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
        """Return the embeddings of `movie_ids`, in their order.

        Row 7 of a file is not the film of column 7 of a matrix, so align the embeddings with the
        columns before you use both: ``embeddings.aligned(train.items)``.

        Raises
        ------
        DataError
            When films have no embedding, or an id is repeated.

        Examples
        --------
        >>> films = Embeddings(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([50, 7]))
        >>> films.aligned([7, 50]).vectors
        array([[0., 1.],
               [1., 0.]], dtype=float32)
        """
        rows = self.rows_of(movie_ids)
        return Embeddings(self.vectors[rows], self.movie_ids[rows], self.model, self.pooling)


def save_embeddings(
    path: str | Path,
    embeddings: Embeddings | npt.ArrayLike,
    movie_ids: npt.ArrayLike | None = None,
    *,
    model: str | None = None,
    pooling: str | None = None,
) -> Path:
    """Write embeddings and their movie ids to a safetensors file, whole or not at all.

    Parameters
    ----------
    path
        The file, usually ``….safetensors``. An existing file is replaced. It is returned.
    embeddings, movie_ids
        `Embeddings`, or vectors of shape (n, d) and the movie id of each, shape (n,).
    model, pooling
        What made the vectors; stored in the file.

    Raises
    ------
    DataError
        When vectors and ids do not belong together, a number is not finite (see `Embeddings`), or
        the folder of the file is missing.
    OSError
        When the file cannot be written.
    """
    if not isinstance(embeddings, Embeddings):
        if movie_ids is None:
            raise DataError(
                "Vectors alone do not say whose they are; give the movie ids of their rows too: "
                "save_embeddings(path, vectors, movies['movie_id'])."
            )
        embeddings = Embeddings(np.asarray(embeddings), np.asarray(movie_ids), model, pooling)
    elif movie_ids is not None:
        raise DataError("Embeddings have movie ids of their own; give no others.")
    target = Path(path).expanduser()
    if not target.parent.is_dir():
        raise DataError(f"There is no folder {target.parent} to save embeddings in; make it first.")
    model, pooling = str(model or embeddings.model or ""), pooling or embeddings.pooling or ""
    content = _safetensors().save(
        {"vectors": embeddings.vectors, "movie_ids": embeddings.movie_ids},
        metadata={"format": FORMAT, "model": model, "pooling": pooling},
    )
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def load_embeddings(path: str | Path, movie_ids: npt.ArrayLike | None = None) -> Embeddings:
    """Return the `Embeddings` that :func:`save_embeddings` wrote.

    Parameters
    ----------
    path
        The file.
    movie_ids
        The films to read, in this order, shape (m,). With ``train.items``, row i belongs to
        column i of the matrix. Default: all films in the order of the file.

    Raises
    ------
    DataError
        When there is no such file, it is a pickle, is damaged or holds something else, a number
        is not finite, or some of the films are not in it.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise DataError(f"There is no file {source}; save_embeddings writes one.")
    content = source.read_bytes()
    # the header of safetensors begins at byte 8, and the length before it may look like a pickle
    if content[8:9] != b"{" and content.startswith(_PICKLES):
        raise DataError(
            f"{source} is a pickle or an archive of NumPy or torch, which may run code when it is "
            "loaded; read it with np.load or torch.load(weights_only=True), then save_embeddings."
        )
    try:
        tensors = _safetensors().load(content)
        end = 8 + int.from_bytes(content[:8], "little")
        made_by = json.loads(content[8:end]).get("__metadata__", {})
        embeddings = Embeddings(
            tensors["vectors"], tensors["movie_ids"],
            made_by.get("model") or None, made_by.get("pooling") or None,
        )  # fmt: skip
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    except KeyError as error:
        raise DataError(
            f"{source} holds no {error.args[0]}, only {', '.join(tensors) or 'nothing'}; it was "
            "not written by save_embeddings."
        ) from None
    except Exception:  # SafetensorError, and NumPy's errors for types it does not know
        raise DataError(
            f"{source} is damaged, or no file of safetensors; write it again with save_embeddings."
        ) from None
    return embeddings if movie_ids is None else embeddings.aligned(movie_ids)


def search(
    query: str,
    embeddings: Embeddings | npt.ArrayLike,
    movies: pd.DataFrame,
    n: int = 10,
    *,
    model: str | Path | TextEncoder | None = None,
    pooling: str | None = None,
) -> pd.DataFrame:
    """Return the rows of the films closest to a query, and their ``score``, the cosine with it.

    Parameters
    ----------
    query
        What to search for, in words: ``"submarine thriller"``.
    embeddings
        `Embeddings`, or an array with a vector for each row of `movies`, in the same order.
    movies
        A table with ``movie_id`` and ``title``, and a row for each film that has an embedding.
    n
        Number of films to return.
    model, pooling
        What encodes the query; it must be what made the embeddings. Default: model and pooling of
        `embeddings`, or else the defaults of :func:`encode_texts`.

    Raises
    ------
    DataError
        When the query is no text or has no word that the encoder knows; when films, embeddings and
        query do not belong together; and for ``model="tfidf"``, which would be fitted on the query.
    ModelError
        As in :func:`encode_texts`.
    """
    if not isinstance(query, str):
        raise DataError(f"The query must be one text, and is {query!r}.")
    movies = as_table(movies, "movie_id", "title")
    films = embeddings
    if not isinstance(films, Embeddings):
        table: Any = films
        films = Embeddings(table, movies["movie_id"].to_numpy())
    unknown = np.setdiff1d(films.movie_ids, as_ids(movies["movie_id"], "`movies`"))
    if unknown.size:
        raise DataError(
            f"Movie {unknown[0]} has an embedding but no row in the table of movies; both must "
            "come from one release."
        )
    chosen = model if model is not None else films.model or DEFAULT
    if chosen == "tfidf":
        raise DataError(
            "TF-IDF learns its words from the films: fit it, TfidfEncoder().fit(movie_texts("
            "movies)), encode with it, and give it as model here too."
        )
    asked = encode_texts([query], chosen, pooling or films.pooling or "mean", cache=False)
    if asked.shape[1] != films.vectors.shape[1]:
        raise DataError(
            f"The query has {asked.shape[1]} dimensions and the films have "
            f"{films.vectors.shape[1]}, so another model made them; name it as model."
        )
    if not asked.any():
        raise DataError(f"No word of the query {query!r} is known to the encoder; use others.")
    (ids,), (scores,) = top_k(asked @ unit_length(films.vectors).T, n)
    found = films.movie_ids[ids[ids >= 0]]
    rows = pd.Index(movies["movie_id"]).get_indexer(pd.Index(found))
    best: pd.DataFrame = movies.iloc[rows].assign(score=scores[ids >= 0])
    return best.reset_index(drop=True)


def _safetensors() -> Any:
    try:
        from safetensors import numpy
    except ImportError:
        raise ModelError(
            "Files of embeddings need safetensors: pip install 'course-utils[bert]'."
        ) from None
    return numpy
