"""An S3 server in memory that answers each request a fixed time after it came.

Enough of S3 for the benchmarks, and faster than moto: PUT, GET, HEAD and listings, no signatures.
Run as a script it prints its port. It is a process of its own, so that it does not share the
interpreter with what is timed.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from email.utils import formatdate
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

DATE = formatdate(0, usegmt=True)
PAGE = 1000  # keys of a listing
Answer = tuple[int, dict[str, str], bytes]
REASONS = {200: "OK", 404: "Not Found", 501: "Not Implemented"}


class Store:
    """Objects by path, ``/bucket/key``, with the MD5 of each."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Return status, headers and body."""
        url = urlsplit(target)
        path, query = unquote(url.path), parse_qs(url.query, keep_blank_values=True)
        if method == "PUT" and path.count("/") > 1:
            if "aws-chunked" in headers.get("content-encoding", ""):
                body = _unchunked(body)
            etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
            self.objects[path] = body, etag
            return 200, {"ETag": etag}, b""
        if method == "PUT":
            return 200, {}, b""  # create a bucket
        if method == "GET" and "list-type" in query:
            return 200, {"Content-Type": "application/xml"}, self._listing(path, query)
        if method in ("GET", "HEAD"):
            if path not in self.objects:
                return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
            data, etag = self.objects[path]
            described = {"ETag": etag, "Last-Modified": DATE, "Content-Length": str(len(data))}
            return 200, described, data if method == "GET" else b""
        return 501, {}, b"<Error><Code>NotImplemented</Code></Error>"

    def _listing(self, path: str, query: dict[str, list[str]]) -> bytes:
        bucket, prefix = path.strip("/"), query.get("prefix", [""])[0]
        after = query.get("continuation-token", [""])[0]
        start = f"/{bucket}/"
        keys = sorted(
            key
            for whole in self.objects
            if (key := whole.removeprefix(start)) != whole
            and key.startswith(prefix)
            and key > after
        )
        page = keys[:PAGE]
        found = "".join(
            f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-01T00:00:00.000Z"
            f"</LastModified><ETag>{escape(self.objects[start + key][1])}</ETag>"
            f"<Size>{len(self.objects[start + key][0])}</Size></Contents>"
            for key in page
        )
        more = len(keys) > PAGE
        token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><Name>{bucket}</Name><EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{found}</ListBucketResult>"
        ).encode()


def _unchunked(body: bytes) -> bytes:
    """Return what an aws-chunked body holds."""
    data, at = b"", 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if not size:
            return data
        data += body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2


class Connection(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self, store: Store, latency: float) -> None:
        self.store, self.latency = store, latency
        self.buffer = b""
        self.told_to_go_on = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when the request is whole."""
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines)
        }
        length = int(headers.get("content-length", 0))
        if headers.get("expect") and not self.told_to_go_on:
            self.told_to_go_on = True
            loop = asyncio.get_running_loop()  # a trip of its own, there and back
            loop.call_later(self.latency, self.transport.write, b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(body) < length:
            return
        self.buffer, self.told_to_go_on = b"", False
        method, target, _ = first.split(" ")
        asyncio.get_running_loop().call_later(
            self.latency, self._send, *self.store.answer(method, target, headers, body)
        )

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        headers = {"Date": DATE, "Content-Length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"HTTP/1.1 {status} {REASONS[status]}\r\n{lines}\r\n".encode() + body)


async def serve(latency: float) -> None:
    """Serve on a free port of this machine until standard input ends."""
    store = Store()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(store, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
