"""The S3 server of lab 1 over HTTP, which answers each request a fixed time after it came.

Run as a script, with the seconds to wait and the name of a bucket, it prints its port. It is a
process of its own, so that it does not share the interpreter with what is timed; moto would take
longer for a request than the network that is simulated.
"""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus

from course_labs.checks.lab01.server import HTTP_DATE, MemoryS3


class Connection(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self, server: MemoryS3, latency: float) -> None:
        self.server, self.latency = server, latency
        self.buffer = b""
        self.told_to_go_on = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when the request is complete."""
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines)
        }
        loop = asyncio.get_running_loop()
        if headers.get("expect") and not self.told_to_go_on:
            self.told_to_go_on = True  # a round trip of its own
            loop.call_later(self.latency, self.transport.write, b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(body) < int(headers.get("content-length", 0)):
            return
        self.buffer, self.told_to_go_on = b"", False
        method, url, _ = first.split(" ")
        loop.call_later(self.latency, self._send, *self.server.answer(method, url, headers, body))

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        told = {"Date": HTTP_DATE, "Content-Type": "application/xml", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        reason = HTTPStatus(status).phrase
        self.transport.write(f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode() + body)


async def serve(latency: float, bucket: str) -> None:
    """Serve on a free port of this machine until standard input ends."""
    store = MemoryS3(bucket)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(store, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2]))
