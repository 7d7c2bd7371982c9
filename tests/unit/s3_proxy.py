"""A proxy before an S3 server that does what networks and servers do on a bad day."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class Fault:
    """What happens to the next `times` requests of `method` whose target or Range holds `target`.

    Kinds: ``"503"`` · ``"403"`` · ``"expired"``, an expired token · ``"cut request"``, the
    connection ends after `after` bytes of its body · ``"cut answer"``, the same to the answer's ·
    ``"lie"``, the answer's body has other bytes · ``"garble"``, the server gets other bytes ·
    ``"lose answer"``, the server has done it and nobody learns of it · ``"hang"``, no answer until
    the proxy ends · ``"call"``, `call` is called before the request goes on.
    """

    kind: str
    method: str = ""
    target: str = ""
    times: int = 1
    after: int = 0
    call: Callable[[], object] = lambda: None


class S3Proxy(ThreadingHTTPServer):
    """Passes requests on to `upstream`, an endpoint's address, and remembers them."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: str, latency: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.latency = urlsplit(upstream).netloc, latency
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, str]] = []  # method and target, not percent-encoded
        self.ranges: list[str] = []  # of the GETs that ask for one
        self.over = threading.Event()  # lets those go that hang
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault_of(self, method: str, target: str, part: str) -> Fault | None:
        """Return the fault that befalls a request, and count it."""
        with self._lock:
            self.asked.append((method, target))
            if part:
                self.ranges.append(part)
            for fault in self.faults:
                fits = fault.target in target or (fault.target and fault.target in part)
                if fault.times and fault.method in ("", method) and fits:
                    fault.times -= 1
                    return fault
        return None

    def count(self, method: str, target: str = "") -> int:
        """Return how many requests of this kind were made."""
        return sum(asked == method and target in whole for asked, whole in self.asked)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: connections that break are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: S3Proxy
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        proxy = self.server
        fault = proxy.fault_of(self.command, unquote(self.path), self.headers.get("Range", ""))
        kind = fault.kind if fault else ""
        length = int(self.headers.get("Content-Length") or 0)
        if kind == "cut request":
            self.rfile.read(min(length, fault.after))
            self.close_connection = True
            return
        body = self.rfile.read(length)
        time.sleep(proxy.latency)
        if kind in ("503", "403", "expired"):
            self._refuse(kind)
            return
        if kind == "hang":
            proxy.over.wait(30)
            self.close_connection = True
            return
        if kind == "call":
            fault.call()
        if kind == "garble":
            body = bytes(byte ^ 1 for byte in body)
        upstream = http.client.HTTPConnection(proxy.upstream, timeout=30)
        try:
            # the same Host, which the signature covers
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            data = answer.read()
        finally:
            upstream.close()
        if kind == "lose answer":
            self.close_connection = True
            return
        if kind == "lie":
            data = bytes(byte ^ 1 for byte in data)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        said = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", said or str(len(data)))
        self.end_headers()
        if kind == "cut answer":
            data, self.close_connection = data[: fault.after], True
        self.wfile.write(data)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer

    def _refuse(self, kind: str) -> None:
        status, code = {
            "503": (503, "SlowDown"),
            "403": (403, "AccessDenied"),
            "expired": (400, "ExpiredToken"),
        }[kind]
        data = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def proxied(upstream: str, *faults: Fault, latency: float = 0.0) -> Iterator[S3Proxy]:
    """Run a proxy before `upstream` while the block runs."""
    with S3Proxy(upstream, latency) as proxy:
        proxy.faults.extend(faults)
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.over.set()
            proxy.shutdown()
            thread.join()
