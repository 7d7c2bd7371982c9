"""Semantic search: films whose text means about what somebody asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_utils.errors import DataError
from course_utils.ranking import top_k
from course_utils.text.embeddings import Embeddings
from course_utils.text.encoding import TextEncoder, encode_texts, unit_length
from course_utils.text.sources import DEFAULT


def search(
    query: str,
    embeddings: Embeddings | npt.ArrayLike,
    movies: pd.DataFrame,
    n: int = 10,
    *,
    model: str | Path | TextEncoder | None = None,
    pooling: str | None = None,
) -> pd.DataFrame:
    """Return the films whose embeddings are closest to that of a query.

    Parameters
    ----------
    query
        What to look for, in words: ``"submarine thriller"``.
    embeddings
        `Embeddings`, or an array with a vector for each row of `movies`, in the same order.
    movies
        A table with ``movie_id`` and ``title``, and a row for each film that has an embedding.
    n
        How many films to return.
    model, pooling
        What encodes the query; it must be what made the embeddings. Left out, what `embeddings`
        say of themselves, or else the defaults of :func:`encode_texts`.

    Returns
    -------
    DataFrame
        At most `n` rows of `movies`, the closest first, and their ``score``: the cosine between
        query and film.

    Raises
    ------
    DataError
        When the query is no text, is empty or has no word that a TF-IDF knows; when films and
        embeddings do not belong together, or the query has other dimensions; when `n` is no
        integer of at least 1; and for ``model="tfidf"``, which would learn from the query alone.
    ModelError
        As in :func:`encode_texts`.
    """
    if not isinstance(query, str):
        raise DataError(f"The query must be one text, and is {query!r}.")
    films = _films(embeddings, movies)
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
    ids, scores = top_k(asked @ unit_length(films.vectors).T, n)
    found = ids[0] >= 0
    rows = pd.Index(movies["movie_id"]).get_indexer(pd.Index(films.movie_ids[ids[0][found]]))
    best: pd.DataFrame = movies.iloc[rows].assign(score=scores[0][found])
    return best.reset_index(drop=True)


def _films(embeddings: Embeddings | npt.ArrayLike, movies: pd.DataFrame) -> Embeddings:
    missing = [name for name in ("movie_id", "title") if name not in movies.columns]
    if missing:
        raise DataError(
            f"The table has no column {missing[0]!r}, only {', '.join(map(str, movies.columns))}; "
            "give the movies of load_movielens."
        )
    if not isinstance(embeddings, Embeddings):
        return Embeddings(np.asarray(embeddings), movies["movie_id"].to_numpy())
    unknown = np.setdiff1d(embeddings.movie_ids, movies["movie_id"])
    if unknown.size:
        raise DataError(
            f"Movie {unknown[0]} has an embedding but no row in the table of movies; both must "
            "come from one release."
        )
    return embeddings
