"""What happens around every request: its size is limited, and it is timed, counted and logged."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course_cloud.serving.measures import Measures

LARGEST_BODY = 2**15  # bytes; 500 ids take a fifth of it
METHODS = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}
LOG = logging.getLogger("course_cloud.serving")
TOO_LARGE = f"The body of a request may have {LARGEST_BODY:,} bytes at most; ask for less."

# Nothing that a page of ours shows may come from elsewhere, or be shown inside a page of others.
HEADERS = [
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class Guard:
    """ASGI middleware around the app.

    Parameters
    ----------
    app
        What answers.
    measures
        Where requests are counted.

    Notes
    -----
    The log has a line of JSON for each request, with its route and not its address: who asked
    and what they like is nobody's business but theirs.
    """

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and an answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status, n_bytes = time.perf_counter(), 500, 0
        scope.setdefault("state", {})

        async def limited() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > LARGEST_BODY:
                raise HTTPException(413, TOO_LARGE)  # FastAPI passes this one on
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            await self._app(scope, limited, noted)
        finally:
            self._note(scope, status, time.perf_counter() - start)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, state = getattr(scope.get("route"), "path", "other"), scope["state"]
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._measures.answered(route, method, status, seconds)
        if state.get("fell_back"):
            self._measures.fell_back(route, state["strategy"])
        if LOG.isEnabledFor(logging.INFO):
            LOG.info(_line(route, method, status, seconds, state))


def _line(route: str, method: str, status: int, seconds: float, state: dict[str, Any]) -> str:
    told = {name: state[name] for name in ("run_id", "strategy") if name in state}
    ms = round(1000 * seconds, 2)
    return json.dumps({"route": route, "method": method, "status": status, "ms": ms, **told})
