"""The answers of one artifact, without HTTP, and the swap to the next artifact."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy import sparse

from course_cloud import artifacts
from course_cloud.serving.catalogue import Catalogue, UnknownFilm
from course_cloud.serving.schemas import (
    Because,
    Found,
    Recommendations,
    Recommended,
    Scored,
    Similar,
)
from course_utils.errors import CourseError, DataError
from course_utils.models import Popularity
from course_utils.ranking import IdArray, Scores
from course_utils.validation import need_number

AnyScored = TypeVar("AnyScored", bound=Scored)

N_REASONS = 3


class Engine:
    """Recommendations, similar films and search from one artifact; immutable.

    A DataError is raised when the model or the embeddings know films that the table of movies does
    not. A like that is sent gets the value that a good rating has in the training matrix: the
    upper quartile of its values. For positives that is 1, for stars 4 or 5.
    """

    def __init__(self, saved: artifacts.Artifact) -> None:
        self.manifest, self.model = saved.manifest, saved.model
        self._matrix, self._items = saved.train.matrix, saved.train.items
        self._row = {int(user): row for row, user in enumerate(saved.train.users)}
        self._column = {int(item): column for column, item in enumerate(saved.train.items)}
        self.popularity = (  # the model itself may have a half-life
            self.model if isinstance(self.model, Popularity) else Popularity().fit(self._matrix)
        )
        self.catalogue = Catalogue(saved.movies, self._column, self.popularity, saved.embeddings)
        self.run_id, self.name = str(self.manifest.run_id), type(self.model).__name__
        self._saved_at = datetime.fromisoformat(self.manifest.created).timestamp()
        self._like = float(np.quantile(self._matrix.data, 0.75))

    @property
    def age(self) -> float:
        """Seconds since the artifact was saved."""
        return max(0.0, time.time() - self._saved_at)

    def for_user(self, user_id: int, n: int, why: bool = False) -> Recommendations:
        """Return `n` films for a user of the training data, popular films for other users."""
        row = self._row.get(user_id)
        if row is None:
            nothing = sparse.csr_matrix((1, self.model.n_items), dtype=np.float32)
            return self._popular(nothing, n, f"User {user_id} is not in the training data.")
        return self._best(row, self._matrix[row], n, why)

    def for_likes(
        self, liked: list[int], n: int, why: bool = False, user_id: int | None = None
    ) -> Recommendations:
        """Return `n` films for a user, given movie ids of liked films, or raise an UnknownFilm.

        For a user of the training data they are added to what is known, and the model takes the
        user's representation anew from both. Every other user is a new one.
        """
        distinct = list(dict.fromkeys(liked))
        for movie_id in distinct:
            self.catalogue.film(movie_id)
        columns = sorted(self._column[i] for i in distinct if i in self._column)
        ignored = [i for i in distinct if i not in self._column]
        values = np.full(len(columns), self._like, dtype=np.float32)
        history = sparse.csr_matrix(
            (values, columns, [0, len(columns)]), shape=(1, self.model.n_items)
        )
        row = self._row.get(-1 if user_id is None else user_id)
        if row is not None:
            history = self._matrix[row].maximum(history)
        if history.nnz:
            row = self.model.n_users if row is None else row
            answer = self._best(row, history, n, why, fresh=True)
        else:
            missing = "Nobody in the training data liked these films." if ignored else None
            answer = self._popular(history, n, missing or "There are no liked films to go by.")
        return answer.model_copy(update={"ignored": ignored})

    def similar(self, movie_id: int, n: int) -> Similar:
        """Return the `n` most similar films: by the model, or else by the films' texts.

        A film that is not in the catalogue, or that neither knows, raises an UnknownFilm.
        """
        to = self.catalogue.film(movie_id)
        by_model = self._similar_by_model(movie_id, n)
        films = by_model or self.catalogue.similar_by_text(movie_id, n)
        if not films:
            raise UnknownFilm(
                f"Nothing is known that is similar to film {movie_id}: the model cannot compare "
                "it, and there are no embeddings that can."
            )
        return Similar(
            run_id=self.run_id,
            model=self.name,
            strategy="model" if by_model else "embeddings",
            to=to,
            films=films,
        )

    def search(self, query: str, n: int, by_meaning: bool = True) -> Found:
        """Return at most `n` films for a query, by meaning where possible, else by title."""
        films, reason = self.catalogue.find_by_meaning(query, n) if by_meaning else (None, None)
        return Found(
            run_id=self.run_id,
            strategy="titles" if films is None else "meaning",
            reason=reason,
            films=self.catalogue.find_by_title(query, n) if films is None else films,
        )

    def _best(
        self, row: int, history: sparse.csr_matrix, n: int, why: bool, fresh: bool = False
    ) -> Recommendations:
        if isinstance(self.model, Popularity):
            return self._popular(history, n, "The model of this run is popularity itself.")
        try:
            best = self.model.recommend(row, history, N=n, recalculate_user=fresh)
            films = self._films(Recommended, *best)
            for film in films if why else ():
                film.why = self._because(row, history, self._column[film.movie_id])
        except CourseError as error:
            return self._popular(history, n, f"{self.name} cannot serve this history: {error}")
        if not films:
            return self._popular(history, n, f"{self.name} knows nothing to go with this history.")
        return self._answer(None, films)

    def _popular(self, history: sparse.csr_matrix, n: int, reason: str) -> Recommendations:
        best = self.popularity.recommend(0, history, N=n)
        return self._answer(reason, self._films(Recommended, *best))

    def _answer(self, reason: str | None, films: list[Recommended]) -> Recommendations:
        return Recommendations(
            run_id=self.run_id,
            model=self.name,
            strategy="popularity" if reason else "model",
            reason=reason,
            ignored=[],
            films=films,
        )

    def _films(self, kind: type[AnyScored], ids: IdArray, scores: Scores) -> list[AnyScored]:
        fields = self.catalogue.fields
        return [kind(**fields[i], score=score) for i, score in self._by_movie(ids, scores)]

    def _by_movie(self, ids: IdArray, values: Scores) -> list[tuple[int, float]]:
        """Return pairs of movie id and value for columns, without the padding of short lists."""
        found = ids >= 0
        return [*zip(self._items[ids[found]].tolist(), values[found].tolist(), strict=True)]

    def _because(self, row: int, history: sparse.csr_matrix, item: int) -> list[Because] | None:
        try:
            pairs = self._by_movie(*self.model.explain(row, history, item, N=N_REASONS))
        except DataError:  # the model's scores are not sums over the history
            return None
        fields = self.catalogue.fields
        return [
            Because(movie_id=i, title=fields[i]["title"], adds=part)
            for i, part in pairs
            if part > 0
        ]

    def _similar_by_model(self, movie_id: int, n: int) -> list[Scored]:
        if movie_id not in self._column:
            return []
        try:
            best = self.model.similar_items(self._column[movie_id], N=n + 1)
        except DataError:  # the model has no item similarity
            return []
        return [film for film in self._films(Scored, *best) if film.movie_id != movie_id][:n]


@dataclass(frozen=True)
class Trial:
    """A candidate, the share of the users that it is tried on, whether as a shadow, and a salt."""

    engine: Engine
    share: float
    shadow: bool
    salt: str


class Current:
    """The engine in use, and the trial beside it. A request keeps the engine that it began with.

    See :func:`course_cloud.serving.create_app` for `address` and for what is raised.
    """

    trial: Trial | None = None

    def __init__(self, address: str | Path) -> None:
        self._address = str(address)
        self._reloading = threading.Lock()
        self.engine = Engine(_load(self._address))

    def reload(self) -> tuple[Engine, Engine]:
        """Load the artifact at the address again; return the old and the new engine.

        After an error, a DataError or StorageError, the old engine stays in use.
        """
        with self._reloading:
            before, after = self.engine, Engine(_load(self._address))
            self.engine = after  # atomic: each request sees either engine, never a mix
            if self.trial is not None and self.trial.engine.run_id == after.run_id:
                self.trial = None  # the candidate was promoted
        return before, after

    def start(self, run_id: str, share: float, shadow: bool, salt: str | None = None) -> Trial:
        """Try a run of the bucket beside the current one, instead of any other trial.

        After an error, a DataError or StorageError, nothing has changed.
        """
        with self._reloading:
            if not self._address.lower().startswith("s3://"):
                raise DataError(f"{self._address} is a folder; only a bucket holds several runs.")
            if need_number(share, "The share of the users", above=True) > 1:
                raise DataError(f"The share of the users must be at most 1, and is {share}.")
            engine = Engine(_load(self._address, run_id))
            if engine.run_id == self.engine.run_id:  # `run_id` may be "latest"
                raise DataError("It is the run that answers already; try another one.")
            self.trial = Trial(engine, share, shadow, salt or engine.run_id)
            return self.trial

    def stop(self) -> Trial | None:
        """End the trial, and return it."""
        with self._reloading:
            ended, self.trial = self.trial, None
        return ended


def _load(address: str, run: str = "latest") -> artifacts.Artifact:
    if not address.lower().startswith("s3://"):
        return artifacts.load(Path(address))
    with tempfile.TemporaryDirectory(prefix="artifact-") as folder:  # loaded into memory
        return artifacts.load(artifacts.fetch(address, folder, run))
