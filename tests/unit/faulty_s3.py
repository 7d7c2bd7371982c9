"""A proxy before an S3 server that knows how the way to it, and the server, go wrong."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ALWAYS = 10**9
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "date", "server"}


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose line holds `of`, and how.

    Give one of: `code` and `status`, an S3 error · `cut`, the bytes of the answer's body after
    which the connection ends · `cut_upload`, likewise of the request's · `hangs_up`, no answer ·
    `before`, something done before the request is passed on.
    """

    of: str = "GET"
    times: int = ALWAYS
    status: int = 0
    code: str = ""
    clock: float = 0  # seconds that the server is ahead, for the answer's Date
    cut: int | None = None
    cut_upload: int | None = None
    hangs_up: bool = False
    before: Callable[[], object] | None = None


class FaultyS3(ThreadingHTTPServer):
    """Passes every request on to `upstream`, but for `faults`; remembers what was asked for.

    Attributes
    ----------
    faults
        What is to go wrong; the first that fits a request happens to it.
    asked
        "GET /bucket/key bytes=0-9" for each request.
    delay
        Seconds added to each request, as a network has.
    """

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.delay = 0.0
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """The address to give to a client."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_fault(self, line: str) -> Fault | None:
        """Return what goes wrong with this request, and count it."""
        with self.lock:
            self.asked.append(line)
            for fault in self.faults:
                if fault.times and fault.of in line:
                    fault.times -= 1
                    return fault
        return None

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: broken connections are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultyS3
    protocol_version = "HTTP/1.1"

    def handle_one(self) -> None:
        line = f"{self.command} {self.path} {self.headers.get('Range', '')}".rstrip()
        fault = self.server.next_fault(line)
        if self.server.delay:
            time.sleep(self.server.delay)
        length = int(self.headers.get("Content-Length", 0))
        if fault and fault.cut_upload is not None:
            self.rfile.read(min(length, fault.cut_upload))
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if fault and fault.hangs_up:
            self.close_connection = True
            return
        if fault and fault.status:
            self.refuse(fault)
            return
        if fault and fault.before:
            fault.before()
        self.pass_on(body, fault.cut if fault else None)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

    def refuse(self, fault: Fault) -> None:
        text = f"<Error><Code>{fault.code}</Code><Message>Said by the server.</Message></Error>"
        self.send_response_only(fault.status)
        self.send_header("Date", formatdate(time.time() + fault.clock, usegmt=True))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def pass_on(self, body: bytes, cut: int | None) -> None:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=30)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            data = answer.read()
            self.send_response_only(answer.status)
            self.send_header("Date", formatdate(usegmt=True))
            for name, value in answer.getheaders():
                if name.lower() not in {*HOP_BY_HOP, "content-length"}:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(data)))
            self.end_headers()
            self.wfile.write(data if cut is None else data[:cut])
            self.close_connection = self.close_connection or cut is not None
        finally:
            upstream.close()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def before(upstream: str, *faults: Fault) -> Iterator[FaultyS3]:
    """Stand before the server at `upstream` while the block runs."""
    with FaultyS3(upstream) as server:
        server.faults = [*faults]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
