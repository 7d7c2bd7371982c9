"""The search finds what the course is about, and leads there."""

from playwright.sync_api import Page, expect

RESULTS = "#search-results ul.search > li > a"


def test_a_search_for_ndcg_leads_to_pages_that_have_it(page: Page) -> None:
    page.goto("search.html?q=NDCG")
    expect(page.locator(RESULTS).first).to_be_visible()
    page.locator(RESULTS).first.click()
    page.wait_for_load_state()
    assert "search.html" not in page.url
    expect(page.locator("article")).to_contain_text("NDCG")


def test_a_search_for_nothing_of_the_course_finds_nothing(page: Page) -> None:
    page.goto("search.html?q=rhubarbcrumble")
    expect(page.locator("#search-results .search-summary")).to_contain_text("did not match")
    assert page.locator(RESULTS).count() == 0
