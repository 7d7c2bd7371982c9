"""The films of an artifact: their fields, and search by title, by meaning and by text."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from course_cloud.serving.schemas import Film, Scored
from course_utils.errors import CourseError, DataError
from course_utils.models import Popularity
from course_utils.models.base import cosines
from course_utils.ranking import top_k
from course_utils.text import Embeddings, restore_articles, search


class UnknownFilm(DataError):
    """A film that is not in the catalogue, or that cannot be compared with others."""


class Catalogue:
    """Films by id, by title and by text; `columns` are those of the model, by movie id.

    `fields` has those of each `Film` by movie id; `no_meaning` says why there is no search by
    meaning, or is None. A DataError is raised when a film of the model or of the embeddings is not
    among the movies.
    """

    def __init__(
        self,
        movies: pd.DataFrame,
        columns: Mapping[int, int],
        popularity: Popularity,
        embeddings: Embeddings | None,
    ) -> None:
        films = (_fields(row) for row in movies.itertuples(index=False))
        self.fields: dict[int, dict[str, Any]] = {film["movie_id"]: film for film in films}
        used = [*columns] if embeddings is None else [*columns, *embeddings.movie_ids.tolist()]
        unnamed = next((movie_id for movie_id in used if movie_id not in self.fields), None)
        if unnamed is not None:
            raise DataError(
                f"Film {unnamed} has a column or an embedding, and no row in the table of movies; "
                "save the model with the movies of its own dataset."
            )
        self._movies, self._embeddings = movies, embeddings
        counts = [popularity.popularity[columns[i]] if i in columns else 0.0 for i in self.fields]
        ids = np.array([*self.fields])[np.argsort(-np.array(counts), kind="stable")].tolist()
        self._words = {i: f" {' '.join(_words(self.fields[i]['title']))}" for i in ids}
        self.no_meaning: str | None = None
        _, self.no_meaning = self.find_by_meaning("film", 1)  # loads the encoder, takes seconds

    def film(self, movie_id: int) -> Film:
        """Return a film, or raise an UnknownFilm."""
        if movie_id not in self.fields:
            raise UnknownFilm(f"There is no film {movie_id} in the catalogue.")
        return Film(**self.fields[movie_id])

    def find_by_title(self, query: str, n: int) -> list[Film]:
        """Return at most `n` films, popular ones first: each word of the query begins a title word.

        A query without a letter or digit finds nothing.
        """
        wanted = [f" {word}" for word in _words(query)]
        titles = self._words.items() if wanted else ()
        found = (i for i, title in titles if all(word in title for word in wanted))
        return [self.film(movie_id) for movie_id in islice(found, n)]

    def find_by_meaning(self, query: str, n: int) -> tuple[list[Film] | None, str | None]:
        """Return at most `n` films whose texts are closest to the query, or None and the reason."""
        if self._embeddings is None:
            return None, "This artifact has no embeddings, so titles are searched."
        if self.no_meaning:
            return None, self.no_meaning
        try:
            found = search(query, self._embeddings, self._movies, n)
        except CourseError as error:  # for example, the encoder knows no word of the query
            return None, f"The query cannot be encoded here, so titles are searched: {error}"
        return [self.film(int(movie_id)) for movie_id in found["movie_id"]], None

    def similar_by_text(self, movie_id: int, n: int) -> list[Scored]:
        """Return the `n` films with the closest embeddings; none for a film without embedding."""
        films = self._embeddings
        if films is None or movie_id not in films.movie_ids:
            return []
        row = films.rows_of([movie_id])
        scores = cosines(films.vectors, row)
        scores[0, row] = -np.inf
        rows, best = top_k(scores, n)
        pairs = zip(films.movie_ids[rows[rows >= 0]], best[rows >= 0].tolist(), strict=True)
        return [Scored(**self.fields[int(i)], score=score) for i, score in pairs]


def _fields(row: Any) -> dict[str, Any]:
    """Return the fields of a `Film`; a table need not have genres and years."""
    genres, year = getattr(row, "genres", None), getattr(row, "year", None)
    kinds = genres.split("|") if isinstance(genres, str) and not genres.startswith("(") else []
    return {
        "movie_id": int(row.movie_id),
        "title": restore_articles(str(row.title)),
        "year": None if pd.isna(year) else int(year),
        "genres": [kind for kind in kinds if kind],
    }


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = (letter for letter in letters if not unicodedata.combining(letter))
    return "".join(letter if letter.isalnum() else " " for letter in plain).split()
