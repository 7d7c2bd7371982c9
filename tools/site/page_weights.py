"""Measure bytes and first paint of every page of the built book, as the browser reports them.

python -m tools.site.page_weights            three loads a page; fails if a goal is missed
python -m tools.site.page_weights --loads 9

Transferred: bytes of a first visit, headers included, from a server that gzips text as GitHub Pages
does. Raw: the same uncompressed. Paint: the median first contentful paint of the loads, each with
an empty cache, on loopback, so without the network. Bytes are the same on every machine, so
`make test-site` tests them; times are not.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple

from playwright.sync_api import Browser

from tools.site.browser import browser, pages, why_not
from tools.site.server import serve

KB = 1000
MOST = 700 * KB  # for any page
MEDIAN = 350 * KB  # of the lessons
PAINT = 1000.0  # milliseconds, for any page
LESSON = re.compile(r"notebooks/\d\d_")

MEASURE = """() => {
  const loaded = [...performance.getEntriesByType("navigation"),
                  ...performance.getEntriesByType("resource")];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [loaded.map(entry => [entry.name, entry.transferSize, entry.decodedBodySize]),
          paint ? paint.startTime : null];
}"""


class Weight(NamedTuple):
    """The files of one page with their transferred and raw bytes, and the paint in milliseconds."""

    page: str
    files: list[tuple[str, int, int]]
    paint: float

    @property
    def transferred(self) -> int:
        """Transferred bytes."""
        return sum(sent for _, sent, _ in self.files)

    @property
    def raw(self) -> int:
        """Uncompressed bytes."""
        return sum(unpacked for _, _, unpacked in self.files)


def weigh(chromium: Browser, address: str, page: str, loads: int = 1) -> Weight:
    """Load a page with an empty cache, and return its weight.

    Parameters
    ----------
    chromium
        The browser.
    address
        The address of the server.
    page
        The name of the page, as in ``notebooks/05_als.html``.
    loads
        Number of loads; the paint is their median.
    """
    paints, files = [], []
    for _ in range(loads):
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        opened = context.new_page()
        opened.goto(f"{address}/{page}", wait_until="networkidle")
        opened.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        files, paint = opened.evaluate(MEASURE)
        paints.append(paint)
        context.close()
    return Weight(page, [(name, sent, raw) for name, sent, raw in files], statistics.median(paints))


def over_weight(weights: Sequence[Weight]) -> list[str]:
    """Return a sentence for each goal for bytes that is missed."""
    heavy = [
        f"{w.page} transfers {w.transferred // KB} kB; the most is {MOST // KB} kB."
        for w in weights
        if w.transferred > MOST
    ]
    lessons = [w.transferred for w in weights if LESSON.match(w.page)]
    if lessons and (median := statistics.median(lessons)) > MEDIAN:
        heavy.append(f"The median lesson transfers {median / KB:.0f} kB; the goal is 350 kB.")
    return heavy


def too_slow(weights: Sequence[Weight]) -> list[str]:
    """Return a sentence for each page that misses the goal for the first paint."""
    late = [w for w in weights if w.paint >= PAINT]
    return [f"{w.page} paints after {w.paint:.0f} ms; the goal is {PAINT:.0f} ms." for w in late]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each page, the largest files, and the goals that are missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loads", type=int, default=3, help="of each page (default 3)")
    loads = parser.parse_args(arguments).loads
    if problem := why_not():
        print(problem, file=sys.stderr)
        return 1
    with serve() as address, browser() as started:
        weights = [weigh(started, address, page, loads) for page in pages()]
    print(f"{'page':44} {'files':>5} {'kB sent':>8} {'kB raw':>8} {'paint ms':>8}")
    for w in weights:
        sizes = f"{w.transferred / KB:8.0f} {w.raw / KB:8.0f} {w.paint:8.0f}"
        print(f"{w.page:44} {len(w.files):5} {sizes}")
    lessons = [w for w in weights if LESSON.match(w.page)]
    if lessons:
        middle = statistics.median(w.transferred for w in lessons) / KB
        print(f"median of {len(lessons)} lessons: {middle:.0f} kB sent")
    print("\nthe heaviest files")
    everywhere = {name: (sent, raw) for w in weights for name, sent, raw in w.files}
    for name, (sent, raw) in sorted(everywhere.items(), key=lambda file: -file[1][0])[:15]:
        pages_with = sum(name in {file for file, _, _ in w.files} for w in weights)
        path = name.partition(address)[2]
        print(f"{sent / KB:8.0f} kB sent {raw / KB:8.0f} kB raw, {pages_with:3} pages  {path}")
    problems = over_weight(weights) + too_slow(weights)
    print("", *problems, sep="\n")
    return min(len(problems), 1)


if __name__ == "__main__":
    sys.exit(main())
