"""axe-core finds nothing on any page, light or dark, phone or desk, but what is the theme's."""

import re

import pytest
from playwright.sync_api import Browser, Page
from theme_findings import ALLOWED, Theirs

from tools.site.axe import MODES, Finding, findings, in_every_mode, open_page


def is_theirs(finding: Finding, theirs: Theirs) -> bool:
    return finding.rule == theirs.rule and re.match(theirs.element, finding.element) is not None


def test_axe_finds_nothing_that_is_ours(
    name: str, book: list[str], chromium: Browser, address: str
) -> None:
    found = in_every_mode(chromium, f"{address}/{name}")
    ours = [
        f"{mode}: {finding}"
        for mode, of_mode in found.items()
        for finding in of_mode
        if not any(is_theirs(finding, theirs) for theirs in ALLOWED)
    ]
    assert not ours, "\n".join(ours)


@pytest.mark.parametrize("theirs", ALLOWED, ids=lambda theirs: theirs.rule)
def test_what_is_allowed_still_occurs(theirs: Theirs, page: Page) -> None:
    open_page(page, theirs.page)
    mode = next(mode for mode in MODES if str(mode) == theirs.mode)
    assert any(is_theirs(finding, theirs) for finding in findings(page, mode)), theirs


def test_axe_sees_what_is_wrong_and_in_which_mode(page: Page) -> None:
    wrong = """<html lang="en"><script>matchMedia("(prefers-color-scheme: dark)").onchange = show;
    show(); function show() { document.documentElement.dataset.theme =
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light" }</script>
    <style>[data-theme=dark] { background: black }
    @media (min-width: 500px) { img { display: none } }</style>
    <main><h1 style="color: #222">Dark on dark</h1>
    <details><p style="color: #ddd; background: white">Pale</p></details>
    <img src="data:,"></main>"""
    page.route("**/wrong.html", lambda route: route.fulfill(body=wrong, content_type="text/html"))
    open_page(page, "wrong.html")
    rules = {str(mode): [finding.rule for finding in findings(page, mode)] for mode in MODES}
    assert rules["light 1440"].count("color-contrast") == 1
    assert rules["dark 1440"].count("color-contrast") == 2
    assert "image-alt" in rules["light 390"]
    assert "image-alt" not in rules["light 1440"]
