"""Embeddings in a file: safetensors, which holds numbers and text and never runs code."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.errors import DataError, ModelError
from course_utils.text.embeddings import Embeddings

FORMAT = "course-embeddings-1"
_PICKLES = (b"\x80", b"PK\x03\x04")  # how a pickle begins, and the zip archive of torch.save


def save_embeddings(
    path: str | Path,
    embeddings: Embeddings | npt.ArrayLike,
    movie_ids: npt.ArrayLike | None = None,
    *,
    model: str | None = None,
    pooling: str | None = None,
) -> Path:
    """Write embeddings and the films they belong to into one file, all of it or nothing.

    Parameters
    ----------
    path
        Where to, usually ``….safetensors``. A file that is there is replaced.
    embeddings
        `Embeddings`, or vectors of shape (n, d) together with `movie_ids`.
    movie_ids
        The movie id of each vector, shape (n,).
    model, pooling
        What made the vectors, written down beside them.

    Returns
    -------
    Path
        Where they are.

    Raises
    ------
    DataError
        When vectors and ids do not belong together, or a number is not finite; see `Embeddings`.
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
    made_by = {
        "model": model or embeddings.model or "",
        "pooling": pooling or embeddings.pooling or "",
    }
    content = _safetensors().save(
        {"vectors": embeddings.vectors, "movie_ids": embeddings.movie_ids},
        metadata={"format": FORMAT, **made_by},
    )
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def load_embeddings(path: str | Path, movie_ids: npt.ArrayLike | None = None) -> Embeddings:
    """Read embeddings that :func:`save_embeddings` wrote.

    Parameters
    ----------
    path
        The file.
    movie_ids
        The films to read, in this order, shape (m,): ``train.items``, say, so that row i belongs
        to column i. Left out, all films in the order of the file.

    Returns
    -------
    Embeddings
        With ``.vectors``, ``.movie_ids``, ``.model`` and ``.pooling``.

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
    # the header of safetensors begins at byte 8, and the length before it may look like anything
    if content[8:9] != b"{" and content.startswith(_PICKLES):
        raise DataError(
            f"{source} is a pickle, which may run code when it is loaded, and is not opened; read "
            "it with torch.load(path, weights_only=True) and write it with save_embeddings."
        )
    try:
        tensors = _safetensors().load(content)
        metadata = _metadata(content)
        embeddings = Embeddings(
            tensors["vectors"], tensors["movie_ids"],
            metadata.get("model") or None, metadata.get("pooling") or None,
        )  # fmt: skip
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    except KeyError as error:
        raise DataError(
            f"{source} holds no {error.args[0]}, only {', '.join(tensors) or 'nothing'}; it was "
            "not written by save_embeddings."
        ) from None
    except Exception:  # SafetensorError and what NumPy says of types it does not know
        raise DataError(
            f"{source} is damaged, or no file of safetensors; write it again with save_embeddings."
        ) from None
    return embeddings if movie_ids is None else embeddings.aligned(movie_ids)


def _metadata(content: bytes) -> dict[str, str]:
    """Return what stands beside the tensors; safetensors checked the header already."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    return metadata


def _safetensors() -> Any:
    try:
        from safetensors import numpy
    except ImportError:
        raise ModelError(
            "Files of embeddings need safetensors: pip install 'course-utils[bert]'."
        ) from None
    return numpy
