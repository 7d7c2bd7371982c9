"""The maps of films name the film under the pointer or the finger, and say who they are."""

import pytest
from playwright.sync_api import Locator, Page

from tools.site.server import SITE

MARK = 'data-film="'
WITH_MAPS = ("notebooks/05_als.html",)
MAPS = "svg:has([data-film])"
# The film that stands most alone, so that no other is as near to its place.
ALONE = """map => {
  const films = [...map.querySelectorAll("[data-film]")];
  const gap = (a, b) => (a.dataset.x - b.dataset.x) ** 2 + (a.dataset.y - b.dataset.y) ** 2;
  const room = film => Math.min(...films.filter(f => f !== film).map(f => gap(f, film)));
  const film = films.reduce((a, b) => room(a) > room(b) ? a : b);
  const at = new DOMPoint(film.dataset.x, film.dataset.y).matrixTransform(map.getScreenCTM());
  return [film.dataset.film, at.x, at.y];
}"""


def test_every_page_with_a_map_is_looked_at(book: list[str]) -> None:
    drawn = {name for name in book if MARK in (SITE / name).read_text(encoding="utf-8")}
    assert drawn == {*WITH_MAPS}


def maps_of(page: Page, name: str) -> list[Locator]:
    page.goto(name)
    found = page.locator(MAPS).all()
    assert found
    return found


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lesson", WITH_MAPS)
def test_a_map_names_the_film_under_the_pointer(lesson: str, width: int, page: Page) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for drawn in maps_of(page, lesson):
        drawn.scroll_into_view_if_needed()
        film, x, y = drawn.evaluate(ALONE)
        label = drawn.locator("> text").last
        assert label.text_content() == ""
        page.mouse.move(x, y)
        assert label.text_content() == film
        box, frame = label.bounding_box(), drawn.bounding_box()
        assert box
        assert frame
        assert box["x"] >= frame["x"] - 1, "the name is cut off"
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1, "the name is cut off"


@pytest.mark.parametrize("lesson", WITH_MAPS)
def test_a_map_says_what_it_shows_to_who_does_not_see_it(lesson: str, page: Page) -> None:
    for drawn in maps_of(page, lesson):
        assert drawn.get_attribute("role") == "img"
        assert "films" in (drawn.get_attribute("aria-label") or "")
