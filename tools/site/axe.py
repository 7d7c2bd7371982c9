"""Test the accessibility of the built book: axe-core on every page, in every mode.

python -m tools.site.axe                      a table: findings of each page and mode, by impact
python -m tools.site.axe notebooks/05_als     every finding on pages whose names begin like this

`make test-site` fails on serious and critical findings that are not the theme's.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tools.site.browser import browser, pages, why_not
from tools.site.server import serve


class Mode(NamedTuple):
    """Color theme and screen width, in pixels."""

    theme: str
    width: int

    def __str__(self) -> str:
        return f"{self.theme} {self.width}"


MODES = [Mode(theme, width) for theme in ("light", "dark") for width in (390, 1440)]
GRAVE = ("critical", "serious")
# Folded answers are opened, since readers open them. Of the thousands of colored words in code, two
# per color and kind of box are kept: this takes a quarter of the time, and all words of a kind have
# the same contrast.
PREPARE = """() => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  const seen = {};
  for (const word of document.querySelectorAll("pre span[class]:not(:has(*))")) {
    const box = word.closest(".cell_input, .cell_output, .admonition, details")?.className;
    const kind = `${word.className} in ${box}`;
    seen[kind] = (seen[kind] ?? 0) + 1;
    if (seen[kind] > 2) word.replaceWith(word.textContent);
  }
  for (const code of document.querySelectorAll("pre")) code.normalize();
}"""
IN_MODE = (
    "([theme, width]) => document.documentElement.dataset.theme === theme && innerWidth === width"
)
# Wait for animations, of the side bar for example, and two frames more for scripts that react to
# the width of the page.
SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  const ends = (moving) => moving.effect.getComputedTiming().endTime < Infinity;
  const moving = document.getAnimations().filter(ends);
  await Promise.allSettled(moving.map((one) => one.finished));
  await frame();
  await frame();
}"""


class Finding(NamedTuple):
    """One element that breaks one rule."""

    rule: str
    impact: str
    selector: str
    element: str
    why: str

    def __str__(self) -> str:
        return f"{self.impact} {self.rule}: {self.selector}\n    {self.element}\n    {self.why}"


def open_page(page: Page, url: str) -> None:
    """Open a page, open its folded parts, and remove most colors of code."""
    page.goto(url, wait_until="load")
    page.evaluate(PREPARE)


def findings(page: Page, mode: Mode) -> list[Finding]:
    """Return what axe finds on an open page.

    Parameters
    ----------
    page
        A page opened by `open_page`, whose theme follows the system's.
    mode
        The theme and the width of the screen.
    """
    page.emulate_media(color_scheme=mode.theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": mode.width, "height": 900})
    page.wait_for_function(IN_MODE, arg=list(mode))
    page.evaluate(SETTLED)
    return [*_read(Axe().run(page).response["violations"])]


def _read(violations: Iterable[dict[str, object]]) -> Iterator[Finding]:
    for violation in violations:
        for node in violation["nodes"]:  # type: ignore[attr-defined]
            checks = [*node["any"], *node["all"], *node["none"]]
            why = "; ".join(check["message"] for check in checks)
            target = " ".join(str(part) for part in node["target"])
            html = " ".join(node["html"].split())[:200]
            yield Finding(str(violation["id"]), str(violation["impact"]), target, html, why)


def in_every_mode(chromium: Browser, url: str) -> dict[Mode, list[Finding]]:
    """Return what axe finds on one page, for each mode."""
    context = chromium.new_context()
    try:
        page = context.new_page()
        open_page(page, url)
        return {mode: findings(page, mode) for mode in MODES}
    finally:
        context.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the number of findings of each page, or the findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", nargs="?", default="", help="the beginning of its name")
    start = parser.parse_args(arguments).page
    if problem := why_not():
        print(problem, file=sys.stderr)
        return 1
    with serve() as address, browser() as started:
        print(f"{'critical + serious + other':40} {'  '.join(f'{mode!s:>11}' for mode in MODES)}")
        for name in pages():
            if not name.startswith(start):
                continue
            found = in_every_mode(started, f"{address}/{name}")
            print(f"{name:40} {'  '.join(f'{_counts(found[mode]):>11}' for mode in MODES)}")
            if start:
                seen = {finding: mode for mode in reversed(MODES) for finding in found[mode]}
                print(*(f"  {mode}: {finding}" for finding, mode in seen.items()), sep="\n")
    return 0


def _counts(found: Sequence[Finding]) -> str:
    by_impact = Counter(finding.impact for finding in found)
    grave = [by_impact[impact] for impact in GRAVE]
    return " + ".join(map(str, [*grave, len(found) - sum(grave)]))


if __name__ == "__main__":
    sys.exit(main())
