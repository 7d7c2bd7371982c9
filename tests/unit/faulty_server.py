"""A web server on this machine that serves one file, and knows how that goes wrong."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FaultyServer(ThreadingHTTPServer):
    """Answers every GET with `data`, in the manner of `fault`, and remembers what was asked for.

    Faults: None · ``"503"`` · ``"404"`` · ``"truncates"`` · ``"hangs"`` · ``"hangs in the middle"``
    · ``"hangs up"`` · ``"redirects for ever"`` · ``"bad gzip"`` · ``"bad length"``.
    """

    daemon_threads = True

    def __init__(self, data: bytes, fault: str | None, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data, self.fault, self.scheme = data, fault, "http"
        self.asked: list[str] = []
        self.over = threading.Event()  # lets those go that hang
        if tls is not None:
            # the handshake waits until the first read, which is in the handler's thread
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"

    def url(self, host: str = "127.0.0.1") -> str:
        """Return what stands before ``/<archive>`` in a release's URL."""
        return f"{self.scheme}://{host}:{self.server_address[1]}/datasets"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that give up are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer

    def do_GET(self) -> None:
        server, data, fault = self.server, self.server.data, self.server.fault
        server.asked.append(self.path)
        if fault in ("503", "404"):
            self.send_error(int(fault))
            return
        if fault == "hangs":
            server.over.wait(30)
        if fault in ("hangs", "hangs up"):
            self.close_connection = True
            return
        if fault == "redirects for ever":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        if fault == "bad gzip":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", "many" if fault == "bad length" else str(len(data)))
        self.end_headers()
        whole = fault not in ("truncates", "hangs in the middle")
        self.wfile.write(data if whole else data[: len(data) // 2])
        self.wfile.flush()
        if fault == "hangs in the middle":
            server.over.wait(30)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(
    data: bytes, fault: str | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[FaultyServer]:
    """Serve `data` while the block runs."""
    with FaultyServer(data, fault, tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
