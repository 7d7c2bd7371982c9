""" "Check yourself" is a quiz in the book: one clicks, is told, and sees a count."""

import pytest
from conftest import DESKTOP
from playwright.sync_api import Browser, Locator, Page, Route, expect
from test_pages import WIDE, WIDTHS

from tools.site.axe import GRAVE, MODES, Mode, findings

PLAIN = "book/glossary.html"  # a page without folds of its own, which gets these
QUESTION = """
<p><strong>{0}. What is <code>{1}</code>?</strong></p>
<details class="{2}"><summary>a) <code>{1}[0]</code>, a choice that is so long that it takes two
lines on a phone, or three.</summary>
<p>One explanation.</p></details>
<details class="{3}"><summary>b) Another.</summary>
<p>Another explanation.</p>
<pre>{1} = a_function_with_a_long_name(an_argument, another_argument, and_one_more)</pre></details>
"""
HINT = '<details id="hint"><summary>Hint</summary><p>Somewhere else.</p></details>'
QUIZ = f"""
<section id="quiz"><h2>Check yourself</h2>
<p>Some words before the questions.</p>
{QUESTION.format(1, "indptr", "", "right")}
{QUESTION.format(2, "indices", "right", "")}
<p>Some words after the questions.</p>
{HINT}</section>
"""
OLD = QUIZ.replace('class="right"', "")
WRONG, RIGHT = "✗ not this one", "✓ right"


def with_quiz(page: Page, html: str = QUIZ) -> Page:
    """Open a page of the book to which a section was added before it was sent."""

    def add(route: Route) -> None:
        sent = route.fetch()
        route.fulfill(response=sent, body=sent.text().replace("</article>", f"{html}</article>"))

    page.route(f"**/{PLAIN}", add)
    page.goto(PLAIN)
    return page


def choice(page: Page, question: int, letter: str) -> Locator:
    folds = page.locator(".quiz-question").nth(question - 1).locator("details")
    return folds.nth("ab".index(letter))


def answer(page: Page, question: int, letter: str) -> None:
    choice(page, question, letter).locator("summary").click()


def count(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text="at the first try")


def test_every_quiz_of_the_book_counts(name: str, page: Page) -> None:
    page.goto(name)
    n_right = page.locator("details.right").count()
    assert page.locator("section:has(> .quiz-question)").count() == (n_right > 0)
    assert page.locator(".quiz-question:has(> details.right)").count() == n_right
    if n_right:
        expect(count(page)).to_have_text(f"0 of {n_right} answered, 0 right at the first try")


def test_the_first_choice_of_a_question_counts(page: Page) -> None:
    with_quiz(page)
    expect(count(page)).to_have_text("0 of 2 answered, 0 right at the first try")
    answer(page, 1, "a")
    expect(choice(page, 1, "a").locator("summary")).to_contain_text(WRONG)
    expect(choice(page, 1, "a").locator("p")).to_be_visible()
    expect(choice(page, 1, "b")).not_to_contain_text(RIGHT)
    expect(count(page)).to_have_text("1 of 2 answered, 0 right at the first try")
    answer(page, 1, "b")
    expect(choice(page, 1, "b").locator("summary")).to_contain_text(RIGHT)
    expect(count(page)).to_have_text("1 of 2 answered, 0 right at the first try")
    answer(page, 2, "a")
    expect(count(page)).to_have_text("1 of 2 right at the first try")
    answer(page, 2, "a")  # folds it
    answer(page, 2, "b")
    expect(choice(page, 2, "a").locator("p")).not_to_be_visible()
    expect(choice(page, 2, "a")).to_contain_text(RIGHT)
    expect(count(page)).to_have_text("1 of 2 right at the first try")


def test_a_quiz_starts_again(page: Page) -> None:
    with_quiz(page)
    again = page.get_by_role("button", name="Start again")
    page.locator("#hint summary").click()
    answer(page, 1, "a")
    expect(again).not_to_be_visible()
    answer(page, 2, "a")
    again.click()
    expect(again).not_to_be_visible()
    expect(count(page)).to_have_text("0 of 2 answered, 0 right at the first try")
    expect(page.locator(".quiz-question details[open]")).to_have_count(0)
    expect(page.locator(".quiz-question").first).not_to_contain_text(WRONG)
    expect(choice(page, 1, "a").locator("summary")).to_be_focused()
    expect(page.locator("#hint")).to_have_attribute("open", "")
    answer(page, 1, "b")
    answer(page, 2, "a")
    expect(count(page)).to_have_text("2 of 2 right at the first try")


def test_the_keyboard_answers_and_starts_again(page: Page) -> None:
    with_quiz(page)
    choice(page, 1, "a").locator("summary").focus()
    page.keyboard.press("Tab")
    expect(choice(page, 1, "b").locator("summary")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(choice(page, 1, "b")).to_contain_text(RIGHT)
    page.keyboard.press("Tab")
    if page.evaluate("document.activeElement.matches('pre')"):  # it scrolls
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(count(page)).to_have_text("2 of 2 right at the first try")
    page.get_by_role("button", name="Start again").focus()
    page.keyboard.press("Space")
    expect(choice(page, 1, "a").locator("summary")).to_be_focused()
    expect(count(page)).to_have_text("0 of 2 answered, 0 right at the first try")


def test_a_screen_reader_is_told_the_question_and_the_verdict(page: Page) -> None:
    with_quiz(page)
    answer(page, 1, "b")
    group = page.get_by_role("group", name="1. What is indptr?", exact=True)
    assert "b) Another. ✓ right" in group.aria_snapshot()
    expect(count(page)).to_have_attribute("aria-live", "polite")


def test_a_fold_that_opens_without_a_click_is_no_answer(page: Page) -> None:
    with_quiz(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".quiz-question details[open]")).to_have_count(4)
    page.emulate_media(media="print")
    expect(count(page)).not_to_be_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".quiz-question details[open]")).to_have_count(0)
    choice(page, 1, "a").evaluate("fold => fold.open = true")  # as a search within the page does
    answer(page, 1, "a")  # folds it
    expect(count(page)).to_have_text("0 of 2 answered, 0 right at the first try")
    expect(page.locator(".quiz-question").first).not_to_contain_text(WRONG)


def test_folds_without_a_right_one_stay_as_they_are(page: Page) -> None:
    with_quiz(page, OLD)
    page.wait_for_load_state("load")
    assert page.locator(".quiz-question, .quiz-end, .quiz-verdict").count() == 0
    with_quiz(page)
    assert page.locator("#hint").evaluate("fold => fold.outerHTML") == HINT


def test_without_scripts_there_are_folds(chromium: Browser, address: str) -> None:
    context = chromium.new_context(base_url=f"{address}/", java_script_enabled=False)
    page = with_quiz(context.new_page())
    expect(page.get_by_text("Another explanation.").first).not_to_be_visible()
    page.get_by_text("b) Another.").first.click()
    expect(page.get_by_text("Another explanation.").first).to_be_visible()
    assert page.get_by_text("first try").count() == 0
    context.close()


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_axe_finds_nothing_grave_in_an_answered_quiz(mode: Mode, page: Page) -> None:
    with_quiz(page)
    for question, letter in ((1, "a"), (1, "b"), (2, "a")):
        answer(page, question, letter)
    grave = [str(found) for found in findings(page, mode) if found.impact in GRAVE]
    assert grave == []


def test_choices_are_large_enough_and_fit_a_small_phone(page: Page) -> None:
    with_quiz(page)
    for width in (360, DESKTOP["width"]):
        page.set_viewport_size({"width": width, "height": 740})
        for question, letter in ((1, "a"), (1, "b"), (2, "a"), (2, "b")):
            summary = choice(page, question, letter).locator("summary")
            summary.click()
            box, around = summary.bounding_box(), page.locator("#quiz").bounding_box()
            assert box is not None
            assert around is not None
            assert box["height"] >= 44
            assert around["width"] - box["width"] <= 2  # its border
        page_width, screen_width = page.evaluate(WIDTHS)
        assert page_width <= screen_width == width, page.evaluate(WIDE)
        page.get_by_role("button", name="Start again").click()
