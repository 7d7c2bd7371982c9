"""Every page loads in Chromium with the network cut, says no error, and fits a phone."""

import pytest
from conftest import PHONE
from playwright.sync_api import Page

WIDTHS = "() => [document.documentElement.scrollWidth, window.innerWidth]"
# What sticks out of the page, past any box that scrolls or hides by itself.
WIDE = """() => [...document.querySelectorAll("body *")].filter(node => {
  if (node.getBoundingClientRect().right <= window.innerWidth + 1) return false;
  for (let box = node.parentElement; box; box = box.parentElement)
    if (getComputedStyle(box).overflowX !== "visible") return false;
  return true;
}).map(node => node.outerHTML.slice(0, 90))"""


def test_a_page_loads_without_a_word_in_the_console(name: str, page: Page, address: str) -> None:
    said: list[str] = []
    page.on("console", lambda m: said.append(f"{m.type}: {m.text}") if m.type != "log" else None)
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("requestfailed", lambda request: said.append(f"{request.failure}: {request.url}"))
    page.on("response", lambda r: said.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(name, wait_until="networkidle")
    assert said == []
    assert [url for url in asked if not url.startswith((f"{address}/", "data:"))] == []


def test_no_page_is_wider_than_a_phone(name: str, phone: Page) -> None:
    phone.goto(name)
    page_width, screen_width = phone.evaluate(WIDTHS)
    assert screen_width == PHONE["width"]
    assert page_width <= screen_width, phone.evaluate(WIDE)


def test_the_sites_address_leads_to_the_welcome_page(page: Page) -> None:
    page.goto("")
    page.wait_for_url("**/book/welcome.html")


@pytest.mark.parametrize(
    "harm",
    [
        "<script>console.error('x')</script>",
        "<script>throw Error('x')</script>",
        "<img src='gone.png'>",
        "<img src='https://example.org/x.png'>",
    ],
)
def test_harm_would_be_noticed(harm: str, page: Page, address: str) -> None:
    page.route("**/harmed.html", lambda route: route.fulfill(body=harm, content_type="text/html"))
    with pytest.raises(AssertionError):
        test_a_page_loads_without_a_word_in_the_console("harmed.html", page, address)
