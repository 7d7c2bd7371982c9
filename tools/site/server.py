"""Serve the built book on this machine as GitHub Pages does.

Text is gzipped, 404.html is sent for missing pages, and the site is served below the path that its
404 page has as its base, for example ``/course/``.

python -m tools.site.server    from port 8765, until Ctrl+C
"""

from __future__ import annotations

import gzip
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools import ROOT

SITE = ROOT / "_build" / "html"
PORT = 8765
# Types that GitHub Pages compresses; images and fonts are compressed already.
TEXT = ("text/", "application/javascript", "application/json", "application/xml", "image/svg+xml")


class Pages(SimpleHTTPRequestHandler):
    """Serve one folder without logging."""

    protocol_version = "HTTP/1.1"  # as browsers and Pages speak it: one connection, many files
    wbufsize = -1  # head and body in one packet, or each answer waits 40 ms for an acknowledgment

    def do_GET(self) -> None:
        """Send a file, the index of a folder, or the 404 page."""
        path = Path(self.directory) / "404.html"
        base, status = base_of(path), HTTPStatus.NOT_FOUND
        if self.path.startswith(base):
            asked = Path(self.translate_path(self.path.removeprefix(base.rstrip("/"))))
            asked = asked / "index.html" if asked.is_dir() else asked
            if asked.is_file():
                path, status = asked, HTTPStatus.OK
        kind = self.guess_type(path)
        zipped = kind.startswith(TEXT) and "gzip" in self.headers.get("Accept-Encoding", "")
        body = _read(path, zipped) if path.is_file() else b"Not found\n"
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if "text/" in kind else kind)
        if zipped and path.is_file():
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        """Handle a request; ignore a browser that closes the connection."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def base_of(not_found: Path) -> str:
    """Return the base path that a site's 404 page has, or ``/``."""
    text = not_found.read_text(encoding="utf-8") if not_found.is_file() else ""
    named = re.search(r'<base href="(/[^"]*)"', text)
    return named[1] if named else "/"


@lru_cache(maxsize=512)
def _read(path: Path, zipped: bool) -> bytes:
    data = path.read_bytes()
    return gzip.compress(data, compresslevel=6, mtime=0) if zipped else data


@contextmanager
def serve(folder: Path = SITE, port: int = 0) -> Iterator[str]:
    """Serve a folder from a thread; yield its address, ``http://127.0.0.1:port/folder``.

    Parameters
    ----------
    folder
        The built site.
    port
        0 takes a free one.
    """
    handler = partial(Pages, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            base = base_of(folder / "404.html").rstrip("/")
            yield f"http://127.0.0.1:{server.server_port}{base}"
        finally:
            server.shutdown()
            thread.join()


def main() -> int:
    """Serve the book until Ctrl+C; return the exit status."""
    if not (SITE / "index.html").is_file():
        print("There is no book in _build/html; run `make book`.", file=sys.stderr)
        return 1
    with serve(port=PORT) as address:
        print(f"{address}, until Ctrl+C")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
