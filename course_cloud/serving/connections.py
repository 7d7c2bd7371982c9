"""Connections of ``python -m course_cloud.serving``: no endless heads, no slow clients."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADERS = 100
LARGEST_HEAD = 2**14  # bytes of the request line and all headers
MOST_WAITING = 10  # pipelined requests that may wait
SECONDS = 10.0  # from connecting or the last answer, to a whole request or a read answer


class Connection(HttpToolsProtocol):
    """Answers 400 to a head that is too large, and closes a connection that takes too long."""

    _unread = 0  # bytes since the last whole head or piece of a body
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        super().connection_lost(exc)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what has come; refuse a head that does not end."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head has no end.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; the parser turns a ValueError into an answer of 400."""
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            raise ValueError

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._unread = 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > LARGEST_HEAD or len(self.pipeline) > MOST_WAITING:
            raise ValueError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Add to the body, whose size the guard limits."""
        self._unread = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer 400 with the limits, and close."""
        limits = f"{MOST_HEADERS} headers and {LARGEST_HEAD:,} bytes"
        super().send_400_response(f"{msg} The head of a request may have {limits}.")

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(SECONDS, self._close_if_slow)

    def _close_if_slow(self) -> None:
        asked = self.cycle
        if asked and not (asked.more_body or asked.response_complete or self.flow.write_paused):
            self._wait()  # it is the app that takes long
        else:
            self.transport.abort()  # close() would wait for a client that never reads
