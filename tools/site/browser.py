"""Open the built book in Chromium, without network access."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from course_utils.errors import CourseError
from tools.site.pdf import find_browser
from tools.site.server import SITE

ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host has an address
]
NO_BROWSER = "there is no Chromium here; on Debian, `apt-get install chromium`"
NO_BOOK = "There is no book in _build/html; run `make book` first."
SENDS_ON = 'http-equiv="refresh"'  # index.html, to the welcome page
# Files of the theme.
NOT_PAGES = ("_static/", "_sphinx_design_static/")


def chromium() -> str | None:
    """Return the path of a Chromium, named by CHROMIUM or found; None without any.

    Playwright's own Chromium is never downloaded.
    """
    try:
        return find_browser(os.environ.get("CHROMIUM", ""))
    except CourseError:
        return None


def why_not() -> str | None:
    """Return what is missing, a browser or a book; None if both are there."""
    if chromium() is None:
        return NO_BROWSER
    return None if pages() else NO_BOOK


def pages(site: Path = SITE) -> list[str]:
    """Return the pages of the built book, sorted, as in ``notebooks/05_als.html``.

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
    """Start a Chromium that reaches this machine only; stop it at the end."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            yield started
        finally:
            started.close()
