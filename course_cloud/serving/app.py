"""The service over HTTP: routes, limits and errors. An `Engine` computes the answers."""

from __future__ import annotations

import hmac
import os
import pathlib
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles

from course_cloud.serving import schemas
from course_cloud.serving.catalogue import UnknownFilm
from course_cloud.serving.engine import Current, Engine, Trial
from course_cloud.serving.guard import Guard, Measures
from course_cloud.serving.trial import Arms
from course_utils.errors import CourseError, DataError

Answer = TypeVar("Answer", schemas.Recommendations, schemas.Similar, schemas.Found)

PAGE = pathlib.Path(__file__).with_name("page")
TOKEN = "COURSE_RELOAD_TOKEN"  # name of an environment variable
Id = Annotated[int, Path(ge=0, le=schemas.LARGEST_ID, examples=[260])]
Many = Annotated[int, Query(ge=1, le=schemas.MOST, description="How many films to return.")]
PROBLEMS = {
    400: "The body is no text.",
    404: "There is no such film.",
    409: "The artifact is refused, and nothing changes.",
    403: "The token is missing or wrong.",
    413: "The body is too large.",
    422: "Something in the request is out of range.",
}


def app_of(current: Current) -> FastAPI:
    """Return the app; each request asks one engine of `current` from its beginning to its end."""
    # FastAPI's own documentation pages load scripts from another site; /openapi.json does not.
    app = FastAPI(
        title="Films for you", version="1", docs_url=None, redoc_url=None, description=__doc__
    )
    measures = Measures(lambda: current.engine.age)
    app.add_middleware(Guard, measures=measures)
    app.exception_handler(RequestValidationError)(_out_of_range)
    app.exception_handler(UnknownFilm)(_not_found)
    app.exception_handler(Exception)(_our_fault)
    _add_recommendations(app, Arms(current, measures))
    _add_answers(app, current)
    _add_upkeep(app, current, measures)
    app.mount("/page", StaticFiles(directory=PAGE))

    @app.get("/", include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse((PAGE / "index.html").read_text(encoding="utf-8"))

    return app


def _add_recommendations(app: FastAPI, arms: Arms) -> None:
    # Async routes take a millisecond or two: handing them to a thread would take as long.

    @app.get("/recommend/{user_id}", responses=_problems(422))
    async def recommend_to_a_user(
        request: Request, user_id: Id, n: Many = 10, why: bool = False
    ) -> schemas.Recommendations:
        """Recommend films to a user of the training data, and what is popular to anybody else."""
        asked = request, user_id, lambda engine: engine.for_user(user_id, n, why)
        answer = await run_in_threadpool(arms.ask, *asked) if why else arms.ask(*asked)
        return _noted(request, answer, answer.strategy == "popularity")

    @app.post("/recommend", responses=_problems(400, 404, 413, 422))
    def recommend_from_likes(request: Request, likes: schemas.Likes) -> schemas.Recommendations:
        """Recommend films to a new user from what they liked, or to a known one with new likes."""

        def ask(engine: Engine) -> schemas.Recommendations:
            return engine.for_likes(likes.liked, likes.n, likes.why, likes.user_id)

        answer = arms.ask(request, likes.user_id, ask)
        arms.measures.likes.labels("no").inc(len(answer.ignored))
        arms.measures.likes.labels("yes").inc(len({*likes.liked}) - len(answer.ignored))
        return _noted(request, answer, answer.strategy == "popularity")


def _add_answers(app: FastAPI, current: Current) -> None:
    @app.get("/similar/{movie_id}", responses=_problems(404, 422))
    async def films_like_a_film(request: Request, movie_id: Id, n: Many = 10) -> schemas.Similar:
        """Return films that are like a film: by who liked them, or else by their texts."""
        answer = current.engine.similar(movie_id, n)
        return _noted(request, answer, answer.strategy == "embeddings")

    @app.get("/search", responses=_problems(422))
    def search_for_films(
        request: Request,
        q: Annotated[
            str, Query(min_length=1, max_length=schemas.LONGEST_QUERY, examples=["star wars"])
        ],
        n: Many = 10,
        by: Literal["meaning", "titles"] = "meaning",
    ) -> schemas.Found:
        """Return films for a query: by its meaning where that is possible, or else by title."""
        answer = current.engine.search(q, n, by == "meaning")
        return _noted(request, answer, answer.strategy != by)


def _add_upkeep(app: FastAPI, current: Current, measures: Measures) -> None:
    @app.get("/health")
    async def health() -> schemas.Health:
        """Say what is being served, and how old it is."""
        engine = current.engine
        return schemas.Health(
            status="ok",
            run_id=engine.run_id,
            model=engine.name,
            dataset=engine.manifest.dataset,
            created=engine.manifest.created,
            age_seconds=engine.age,
            users=engine.model.n_users,
            items=engine.model.n_items,
            films=len(engine.catalogue.fields),
            search="titles" if engine.catalogue.no_meaning else "meaning",
            trial=_trying(current.trial),
        )

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Return counts and times, in Prometheus' format."""
        return Response(measures.text(), media_type=measures.content_type)

    @app.post("/reload", responses=_problems(403, 409))
    def reload(request: Request) -> schemas.Reloaded:
        """Load what is at the address now; no request is dropped. Needs the token."""
        _need_token(request)
        try:
            before, after = current.reload()
        except CourseError as error:
            measures.reloads.labels("refused").inc()
            raise HTTPException(
                409, f"Run {current.engine.run_id} goes on answering: {error}"
            ) from None
        measures.reloads.labels("swapped").inc()
        return schemas.Reloaded(before=before.run_id, run_id=after.run_id, model=after.name)

    @app.post("/canary", responses=_problems(400, 403, 409, 413, 422))
    def start_canary(request: Request, wanted: schemas.Try) -> schemas.Trying:
        """Answer a share of the users from another run, or let it answer unseen as a shadow."""
        _need_token(request)
        try:
            return _trying(current.start(**wanted.model_dump()))
        except CourseError as error:
            raise HTTPException(409, str(error)) from None

    @app.delete("/canary", responses=_problems(403))
    def stop_canary(request: Request) -> schemas.Trying:
        """End the trial at once: the current run answers everybody. Returns what was tried."""
        _need_token(request)
        return _trying(current.stop())


def _trying(trial: Trial | None) -> schemas.Trying:
    if trial is None:
        return schemas.Trying()
    engine = trial.engine
    return schemas.Trying(
        run_id=engine.run_id, model=engine.name, share=trial.share, shadow=trial.shadow
    )


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {n: {"model": schemas.Problem, "description": PROBLEMS[n]} for n in statuses}


def _noted(request: Request, answer: Answer, fell_back: bool) -> Answer:
    """Put what the guard counts and logs into the state of the request; return the answer."""
    request.state.run_id, request.state.strategy = answer.run_id, answer.strategy
    request.state.fell_back = fell_back
    return answer


def _need_token(request: Request) -> None:
    """Refuse requests without the token. No address tells who asks: proxies pass on others'."""
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise HTTPException(403, f"Set {TOKEN} where the service runs, and send it.")
    given = request.headers.get("authorization", "").encode("latin-1")
    if not hmac.compare_digest(given, b"Bearer " + os.fsencode(token)):
        raise HTTPException(403, f"Send the header 'Authorization: Bearer …' with {TOKEN}.")


async def _out_of_range(_: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return JSONResponse({"detail": "The body is no JSON."}, 422)
    where = ".".join(str(part) for part in first["loc"][1:]) or "The body"
    return JSONResponse({"detail": f"{where}: {first['msg']}."}, 422)


async def _not_found(_: Request, error: DataError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 404)


async def _our_fault(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "Something went wrong here; the service's log has it."}, 500)
