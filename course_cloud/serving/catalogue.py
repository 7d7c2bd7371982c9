"""The films of an artifact: their names, and how to find them by title, by meaning and by text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from course_cloud.serving.shapes import Film, Scored
from course_cloud.serving.titles import Titles
from course_utils.errors import CourseError, DataError
from course_utils.models import Popularity
from course_utils.models.cosines import cosines
from course_utils.ranking import top_k
from course_utils.text import Embeddings, restore_articles, search


class UnknownFilm(DataError):
    """A film that is not in the catalogue, or of which nothing is known."""


class Catalogue:
    """Films by id, by title and by text.

    Parameters
    ----------
    movies
        As `load_movielens` gives them: ``movie_id``, ``title``, ``genres``, ``year``.
    columns
        The column of each film that the model knows.
    popularity
        Fitted; of several titles that match, the popular ones come first.
    embeddings
        Of the films, if there are any.

    Attributes
    ----------
    fields
        For each movie id, what a `Film` is made of.
    no_meaning
        Why there is no search by meaning, None where there is.

    Raises
    ------
    DataError
        When a film of the model or of the embeddings is not among the movies.
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
        self._movies, self._embeddings, self._ids = movies, embeddings, list(self.fields)
        counts = [popularity.popularity[columns[i]] if i in columns else 0.0 for i in self._ids]
        self._titles = Titles([self.fields[i]["title"] for i in self._ids], counts)
        self.no_meaning = self._why_no_meaning()

    def film(self, movie_id: int) -> Film:
        """Return a film, or raise an UnknownFilm."""
        if movie_id not in self.fields:
            raise UnknownFilm(f"There is no film {movie_id} in the catalogue.")
        return Film(**self.fields[movie_id])

    def find_by_title(self, query: str, n: int) -> list[Film]:
        """Return at most `n` films; each word of the query begins a word of the title."""
        return [self.film(self._ids[place]) for place in self._titles.find(query, n)]

    def find_by_meaning(self, query: str, n: int) -> tuple[list[Film] | None, str | None]:
        """Return at most `n` films whose texts mean about what the query does, or None and why."""
        if self.no_meaning is not None or self._embeddings is None:
            return None, self.no_meaning
        try:
            found = search(query, self._embeddings, self._movies, n)
        except CourseError as error:  # no word that the encoder knows, say
            return None, str(error)
        return [self.film(int(movie_id)) for movie_id in found["movie_id"]], None

    def similar_by_text(self, movie_id: int, n: int) -> list[Scored]:
        """Return the `n` films whose embeddings are closest to a film's; none without one."""
        films = self._embeddings
        if films is None or movie_id not in films.movie_ids:
            return []
        row = films.rows_of([movie_id])
        scores = cosines(films.vectors, row)
        scores[0, row] = -np.inf
        rows, best = top_k(scores, n)
        pairs = zip(films.movie_ids[rows[rows >= 0]], best[rows >= 0].tolist(), strict=True)
        return [Scored(**self.fields[int(i)], score=score) for i, score in pairs]

    def _why_no_meaning(self) -> str | None:
        if self._embeddings is None:
            return "This artifact has no embeddings, so titles are searched."
        try:  # loads the encoder too, which takes seconds
            search("film", self._embeddings, self._movies, 1)
        except CourseError as error:
            return f"Queries cannot be encoded here, so titles are searched: {error}"
        return None


def _fields(row: Any) -> dict[str, Any]:
    """Return what a `Film` is made of; only its id and title are sure to be in a table."""
    genres, year = getattr(row, "genres", None), getattr(row, "year", None)
    kinds = genres.split("|") if isinstance(genres, str) and not genres.startswith("(") else []
    return {
        "movie_id": int(row.movie_id),
        "title": restore_articles(str(row.title)),
        "year": None if pd.isna(year) else int(year),
        "genres": [kind for kind in kinds if kind],
    }
