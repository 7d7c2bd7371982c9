"""Print the whole book into one file, _build/course.pdf, with an installed Chromium.

python -m tools.site.pdf                  the self-study edition
python -m tools.site.pdf --edition class  without solutions
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from course_utils.errors import CourseError
from tools import ROOT
from tools.site.build_book import jupyter_book

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)  # fmt: skip
NO_BROWSER = (
    "A PDF is printed by Chromium or Chrome, and there is none here; install one, or name it, "
    "as in `make pdf CHROMIUM=/path/to/chrome`."
)
# Sphinx does not convert links in raw HTML into links within the single page.
PAGE_LINK = re.compile(r'href="\.\./((?:notebooks|book)/[\w/-]+)\.html(#[^"]*)?"')
MILLISECONDS = 20_000  # of virtual time for the page's scripts


def find_browser(given: str = "") -> str:
    """Return the browser that prints: the given one, or the first that is installed.

    Raises
    ------
    CourseError
        If there is none.
    """
    for name in (given,) if given else BROWSERS:
        if found := shutil.which(name):
            return found
    raise CourseError(f"There is no program {given!r}. {NO_BROWSER}" if given else NO_BROWSER)


def within_one_page(page: str, name: str) -> str:
    """Return the single page with its links changed to anchors within it.

    Sphinx writes the page into the folder of the book's first page, but with links relative to the
    top folder.
    """
    page = page.replace(f'href="{name}#', 'href="#').replace('src="../_static/', 'src="_static/')
    return PAGE_LINK.sub(lambda link: f'href="{link[2] or "#document-" + link[1]}"', page)


def build_page(root: Path, edition: str) -> Path:
    """Build the book as a single page; return it.

    Raises
    ------
    CourseError
        If it was not built.
    """
    folder = root / "_build" / "singlehtml"
    shutil.rmtree(folder, ignore_errors=True)
    status = jupyter_book(root, edition, "--builder", "singlehtml")
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    name = f"{contents['root']}.html"
    if status or not (folder / name).exists():
        raise CourseError("The book was not built; the warnings above say where to look.")
    page = within_one_page((folder / name).read_text(encoding="utf-8"), name)
    (folder / "index.html").write_text(page, encoding="utf-8")
    return folder / "index.html"


def print_page(browser: str, page: Path, target: Path) -> None:
    """Print a page into a file.

    Raises
    ------
    CourseError
        If the browser fails.
    """
    target.unlink(missing_ok=True)
    command = [
        browser, "--headless", "--disable-gpu", "--disable-background-networking",
        "--no-pdf-header-footer", "--generate-pdf-document-outline",
        f"--virtual-time-budget={MILLISECONDS}", f"--print-to-pdf={target}", page.as_uri(),
    ]  # fmt: skip
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.insert(1, "--no-sandbox")  # root, in a container say, has no sandbox
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not target.exists():
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise CourseError(f"{Path(browser).name} printed no PDF, and said: {last}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and print the book; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edition", choices=["self-study", "class"], default="self-study")
    parser.add_argument("--browser", default="", help="a Chromium or Chrome; found by itself")
    options = parser.parse_args(arguments)
    start, target = time.monotonic(), ROOT / "_build" / "course.pdf"
    try:
        browser = find_browser(options.browser)
        print(f"Printing the book, {options.edition} edition …", flush=True)
        print_page(browser, build_page(ROOT, options.edition), target)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    size = target.stat().st_size / 1e6
    print(f"Printed in {time.monotonic() - start:.0f} s: {target.relative_to(ROOT)}, {size:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
