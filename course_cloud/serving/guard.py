"""Middleware around every request: size limit, security headers, metrics and log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 2**15  # bytes; 500 ids take a fifth of it
LOGGED = ("run_id", "arm", "strategy", "overlap")  # what the routes say of themselves
METHODS = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}
LOG = logging.getLogger("course_cloud.serving")
TOO_LARGE = f"The body of a request may have {LARGEST_BODY:,} bytes at most; ask for less."
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # seconds

# The pages load nothing from other sites, and other sites cannot show them in a frame.
HEADERS = [
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class Measures:
    """Prometheus metrics of one app, in a registry of their own.

    `age` returns the seconds since the served artifact was saved. The label ``route`` is a
    template, ``/recommend/{user_id}``: a label with ids would make one time series per user. An
    ``arm`` is current, candidate or shadow.
    """

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, age: Callable[[], float]) -> None:
        self._registry = own = CollectorRegistry()
        counter = partial(Counter, registry=own)
        seconds = partial(Histogram, buckets=BUCKETS, registry=own)
        self.requests = counter(
            "course_requests", "Requests answered", ("route", "method", "status")
        )
        self.errors = counter("course_errors", "Answers of 500 and above", ("route",))
        self.seconds = seconds("course_request_seconds", "Until the last byte", ("route",))
        unasked = "Answers that are not what was asked for"
        self.fallbacks = counter("course_fallbacks", unasked, ("route", "strategy"))
        self.reloads = counter("course_reloads", "Reloads", ("outcome",))
        self.likes = counter("course_likes", "Liked films sent", ("known",))
        self.answers = counter("course_answers", "Recommendations", ("arm", "run_id", "strategy"))
        self.arm_seconds = seconds("course_arm_seconds", "To compute a list", ("arm",))
        shared = "Share of the sent films that the shadow recommends too"
        tenths = [n / 10 for n in range(11)]
        self.overlap = Histogram(
            "course_shadow_overlap", shared, ("run_id",), buckets=tenths, registry=own
        )
        since = Gauge("course_artifact_age_seconds", "Since the artifact was saved", registry=own)
        since.set_function(age)
        ProcessCollector(registry=own)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class Guard:
    """ASGI middleware around `app`; `measures` counts the requests.

    The log has one line of JSON per request. It holds the route template and not the path, for
    privacy: user ids and liked films are not logged.
    """

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request and its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, end, status, n_bytes = time.perf_counter(), None, 500, 0
        scope.setdefault("state", {})

        async def limited() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > LARGEST_BODY:
                raise HTTPException(413, TOO_LARGE)  # FastAPI turns it into an answer
            return message

        async def noted(message: Message) -> None:
            nonlocal status, end
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)
            end = time.perf_counter()

        try:
            await self._app(scope, limited, noted)
            if "after" in scope["state"]:
                await run_in_threadpool(scope["state"]["after"])
        finally:
            self._note(scope, status, (end or time.perf_counter()) - start)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, state = getattr(scope.get("route"), "path", "other"), scope["state"]
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._measures.requests.labels(route, method, status).inc()
        self._measures.seconds.labels(route).observe(seconds)
        if status >= 500:
            self._measures.errors.labels(route).inc()
        if state.get("fell_back"):
            self._measures.fallbacks.labels(route, state["strategy"]).inc()
        if LOG.isEnabledFor(logging.INFO):
            line: dict[str, Any] = {"route": route, "method": method, "status": status}
            line["ms"] = round(1000 * seconds, 2)
            line |= {name: state[name] for name in LOGGED if name in state}
            LOG.info(json.dumps(line))
