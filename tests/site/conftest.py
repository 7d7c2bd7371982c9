"""The built book, served on this machine, and a Chromium that reaches nothing else."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tools.site import browser
from tools.site.server import serve

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask the tests that take a `name` about every page; without a book they fail, once."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", browser.pages() or ["no book"])


@pytest.fixture(scope="session")
def book() -> list[str]:
    """Return the pages of the book."""
    found = browser.pages()
    if not found:
        pytest.fail(browser.NO_BOOK, pytrace=False)
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run one browser for all tests of a worker, or skip them."""
    if browser.chromium() is None:
        pytest.skip(browser.NO_BROWSER)
    with browser.browser() as started:
        yield started


@pytest.fixture(scope="session")
def address(book: list[str]) -> Iterator[str]:
    """Serve the book."""
    with serve() as where:
        yield where


@pytest.fixture
def context(chromium: Browser, address: str) -> Iterator[BrowserContext]:
    """Open a browser without memory: no cache, no chosen theme; links are below the book's."""
    opened = chromium.new_context(base_url=f"{address}/", viewport=DESKTOP)
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open an empty page as wide as a desk's."""
    return context.new_page()


@pytest.fixture
def phone(page: Page) -> Page:
    """Open an empty page as wide as a phone's."""
    page.set_viewport_size(PHONE)
    return page
