"""Who answers whom: the current run or, for a share of the users, a candidate on trial."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial

from starlette.datastructures import State
from starlette.requests import Request

from course_cloud.serving.catalogue import UnknownFilm
from course_cloud.serving.engine import Current, Engine
from course_cloud.serving.guard import LOG, Measures
from course_cloud.serving.schemas import Recommendations

Question = Callable[[Engine], Recommendations]


def in_share(user_id: int, share: float, salt: str) -> bool:
    """Return whether a user is in a share of all users, from 0 to 1, by id and salt alone.

    All processes and machines agree, and users of a smaller share belong to every larger one.
    """
    digest = hashlib.sha256(f"{salt}:{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


class Arms:
    """Asks the engines of `current` and counts in `measures`; users without an id are not tried."""

    def __init__(self, current: Current, measures: Measures) -> None:
        self.current, self.measures = current, measures

    def ask(self, request: Request, user_id: int | None, question: Question) -> Recommendations:
        """Return the answer of the user's arm; when a canary fails, the current run's.

        A shadow is asked by the guard when the answer was sent, and only compared with it.
        """
        state, trial, answer = request.state, self.current.trial, None
        if trial and (user_id is None or not in_share(user_id, trial.share, trial.salt)):
            trial = None
        if trial and not trial.shadow:
            answer = self._candidate("candidate", trial.engine, question)
        state.arm = "current" if answer is None else "candidate"
        if answer is None:
            answer = self._timed("current", self.current.engine, question)
        if trial and trial.shadow:
            state.after = partial(self._compare, state, trial.engine, question, answer)
        return answer

    def _timed(self, arm: str, engine: Engine, question: Question) -> Recommendations:
        start = time.perf_counter()
        answer = question(engine)
        self.measures.arm_seconds.labels(arm).observe(time.perf_counter() - start)
        self.measures.answers.labels(arm, engine.run_id, answer.strategy).inc()
        return answer

    def _candidate(self, arm: str, engine: Engine, question: Question) -> Recommendations | None:
        try:
            return self._timed(arm, engine, question)
        except UnknownFilm:  # the request's fault, or of an older catalogue
            return None
        except Exception as error:  # whatever a candidate does, the user gets an answer
            # The class alone: a message may name films and users, which are not logged.
            LOG.error("Run %s failed as a %s: %s.", engine.run_id, arm, type(error).__name__)
            self.measures.answers.labels(arm, engine.run_id, "failed").inc()
            return None

    def _compare(
        self, state: State, engine: Engine, question: Question, sent: Recommendations
    ) -> None:
        answer = self._candidate("shadow", engine, question)
        if answer is not None and sent.films:
            theirs = {film.movie_id for film in answer.films}
            state.overlap = sum(film.movie_id in theirs for film in sent.films) / len(sent.films)
            self.measures.overlap.labels(engine.run_id).observe(state.overlap)
