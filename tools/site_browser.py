"""Look at the built book in Chromium, with the network cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from site_server import SITE

# Debian's, then what others call it; Playwright's own download is never asked for.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host has an address
]
NO_BROWSER = "there is no Chromium here; on Debian, `apt-get install chromium`"
NO_BOOK = "There is no book in _build/html; run `make book` first."
# Theirs, not pages: parts of the theme, and what search engines are given.
SENDS_ON = 'http-equiv="refresh"'  # index.html, to the welcome page
NOT_PAGES = ("_static/", "_sphinx_design_static/")


def chromium() -> str | None:
    """Return the path of a Chromium, named by CHROMIUM or found; None without any."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [*map(shutil.which, NAMES), MAC]
    return next((path for path in found if path and Path(path).is_file()), None)


def pages(site: Path = SITE) -> list[str]:
    """Return the pages of the built book, ``notebooks/05_als.html``, in order.

    Parameters
    ----------
    site
        The folder of the book.
    """
    found = {path.relative_to(site).as_posix(): path for path in site.rglob("*.html")}
    return sorted(
        name
        for name, path in found.items()
        if not name.startswith(NOT_PAGES) and SENDS_ON not in path.read_text("utf-8").lower()
    )


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a Chromium that reaches this machine only, and stop it in the end."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            yield started
        finally:
            started.close()
