"""Formulas are drawn with the font that the site brings, and with all of their signs."""

import pytest
from playwright.sync_api import Page

from tools.site.server import SITE

# How much wider a root is than what stands under it, in the height of its letters.
SIGNS_OF_ROOTS = """() => [...document.querySelectorAll("msqrt, mroot")].map(root => {
  const [first, last] = [root.firstElementChild, root.lastElementChild];
  const inside = last.getBoundingClientRect().right - first.getBoundingClientRect().left;
  const whole = root.getBoundingClientRect().width;
  return (whole - inside) / parseFloat(getComputedStyle(root).fontSize);
})"""


def pages_with(book: list[str], tag: str) -> list[str]:
    return [name for name in book if f"<{tag}" in (SITE / name).read_text(encoding="utf-8")]


def test_every_root_has_its_sign(book: list[str], page: Page) -> None:
    pages = pages_with(book, "msqrt")
    assert pages
    for name in pages:
        page.goto(name)
        page.evaluate("document.fonts.ready")
        assert min(page.evaluate(SIGNS_OF_ROOTS)) > 0.3, name


@pytest.mark.parametrize("end", [0, -1])
def test_the_font_of_formulas_is_loaded(end: int, book: list[str], page: Page) -> None:
    page.goto(pages_with(book, "math")[end])
    page.evaluate("document.fonts.ready")
    fonts = page.evaluate("[...document.fonts].map(font => [font.family, font.status])")
    assert ["Course Math", "loaded"] in [[family.strip('"'), status] for family, status in fonts]
