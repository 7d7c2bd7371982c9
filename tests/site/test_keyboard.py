"""The keyboard alone is enough: skip link, menu, search, questions."""

import pytest
from playwright.sync_api import Page, expect

LESSON = "notebooks/04_baselines.html"
FOCUSED = "document.activeElement"
MARKED = """() => {
  const node = document.activeElement, style = getComputedStyle(node);
  return [style.outlineStyle, style.boxShadow, node.outerHTML.slice(0, 90)];
}"""
VISIBLE = """() => {
  const box = document.activeElement.getBoundingClientRect();
  return box.width > 0 && box.right > 0 && box.bottom > 0
    && box.left < innerWidth && box.top < innerHeight;
}"""


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until an element has the focus; it must be on the screen then."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"selector => {FOCUSED}.matches(selector)", selector):
            page.wait_for_function(VISIBLE)  # the skip link slides in
            return
    pytest.fail(f"{most} times Tab do not lead to {selector}")


def test_the_first_tab_offers_to_skip_the_menu(page: Page) -> None:
    page.goto(LESSON)
    tab_to(page, ".skip-link a", most=1)
    page.keyboard.press("Enter")
    assert page.url.endswith("#main-content")
    page.keyboard.press("Tab")
    assert page.evaluate(f"{FOCUSED}.closest('main') !== null")


def test_a_lesson_is_reached_through_the_menu(page: Page) -> None:
    page.goto("book/welcome.html")
    tab_to(page, ".bd-sidebar-primary a[href$='05_als.html']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/05_als.html")


def test_on_a_phone_the_menu_opens_and_closes(phone: Page) -> None:
    phone.goto(LESSON)
    link = phone.locator(".bd-sidebar-primary a[href$='05_als.html']")
    expect(link).not_to_be_in_viewport()
    tab_to(phone, "button.primary-toggle", most=3)
    phone.keyboard.press("Enter")
    expect(link).to_be_in_viewport()
    phone.wait_for_function(f"{FOCUSED}.closest('.bd-sidebar-primary') !== null")
    phone.keyboard.press("Escape")
    expect(link).not_to_be_in_viewport()
    assert phone.evaluate(f"{FOCUSED}.matches('button.primary-toggle')"), "where was I?"


@pytest.mark.parametrize("keys", ["Tab", "Control+k"])
def test_a_search_is_typed_and_answered(keys: str, page: Page) -> None:
    page.goto(LESSON)
    if keys == "Tab":
        tab_to(page, "button.search-button__button")
        page.keyboard.press("Enter")
    else:
        page.keyboard.press(keys)
    expect(page.locator(".search-button__search-container input")).to_be_focused()
    page.keyboard.type("NDCG")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=NDCG")
    tab_to(page, "#search-results li a")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "search.html" not in url)


def test_the_search_closes_on_escape(page: Page) -> None:
    page.goto(LESSON)
    page.keyboard.press("Control+k")
    field = page.locator(".search-button__search-container input")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).not_to_be_visible()


def test_a_question_unfolds_and_folds(page: Page) -> None:
    page.goto(LESSON)
    first = page.locator("article details").first
    page.locator("article details summary").first.focus()
    page.keyboard.press("Enter")
    expect(first).to_have_attribute("open", "")
    page.keyboard.press("Space")
    expect(first).not_to_have_attribute("open", "")


def test_the_theme_changes_and_stays_changed(page: Page) -> None:
    page.goto(LESSON)
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    tab_to(page, "button.theme-switch-button")
    page.keyboard.press("Enter")
    assert page.evaluate(theme) == "dark"
    page.reload()
    assert page.evaluate(theme) == "dark"


def test_whatever_has_the_focus_shows_it(page: Page) -> None:
    page.goto(LESSON)
    unmarked = []
    for _ in range(40):
        page.keyboard.press("Tab")
        outline, shadow, element = page.evaluate(MARKED)
        if outline == shadow == "none":
            unmarked.append(element)
    assert unmarked == []
