"""Every lesson: short enough, with exercises that answer, and a quiz whose right answers vary."""

import re
from collections import Counter

import jupytext
import pytest

REWRITTEN = ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12")
MOST_WORDS, MOST_CODE_CELLS = 2_000, 36
CODE = re.compile(r"(?s)```.*?```")
TAG = re.compile(r"<[^>]+>")
LINK = re.compile(r"\]\([^)]*\)")
QUESTION = re.compile(r"(?m)^\*\*(\d+)\. ")
CHOICE = re.compile(
    r'(?s)<details( class="right")?><summary>([a-d])\) (.*?)</summary>(.*?)</details>'
)


def lesson(root, number):
    (path,) = (root / "notebooks").glob(f"{number}_*.py")
    return jupytext.read(path, fmt="py:percent").cells


def core(cells):
    """Return the cells before "Going further", which is the heading of a cell of its own."""
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown" and cell.source.startswith("## Going further"):
            return cells[:number]
    return cells


def words_of(cells):
    """Return the words of prose: code, addresses and tags are not counted."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return len(re.findall(r"\S*\w\S*", TAG.sub(" ", LINK.sub("]", CODE.sub(" ", text)))))


def quiz(cells):
    """Return the choices of each question: for each choice whether it is right, and its text."""
    (source,) = (
        cell.source for cell in cells if cell.source.startswith("## Check yourself")
    )  # fmt: skip
    pieces = QUESTION.split(source)[2::2]
    return [[(bool(r), text) for r, _, _, text in CHOICE.findall(piece)] for piece in pieces]


@pytest.mark.parametrize("number", REWRITTEN)
def test_a_lesson_can_be_read_in_one_go(repository_root, number):
    cells = core(lesson(repository_root, number))
    n_code = sum(cell.cell_type == "code" for cell in cells)
    assert (words_of(cells) <= MOST_WORDS, n_code <= MOST_CODE_CELLS) == (True, True), (
        f"{words_of(cells)} words, {n_code} code cells"
    )


@pytest.mark.parametrize("number", REWRITTEN)
def test_each_question_has_one_right_answer_and_every_choice_is_explained(repository_root, number):
    questions = quiz(lesson(repository_root, number))
    assert 3 <= len(questions) <= 5
    for choices in questions:
        assert 2 <= len(choices) <= 4
        assert sum(right for right, _ in choices) == 1
        assert all(len(text.split()) >= 5 for _, text in choices)


@pytest.mark.parametrize("number", REWRITTEN)
def test_no_summary_holds_markdown_which_a_page_would_show_as_it_is(repository_root, number):
    text = "\n".join(cell.source for cell in lesson(repository_root, number))
    for summary in re.findall(r"(?s)<summary>(.*?)</summary>", text):
        assert not re.search(r"[`$*]", TAG.sub("", summary)), summary


def test_right_answers_are_spread_over_the_positions(repository_root):
    every = [
        [right for right, _ in choices].index(True)
        for number in REWRITTEN
        for choices in quiz(lesson(repository_root, number))
    ]
    counts = Counter(every)
    assert max(counts.values()) <= 0.5 * len(every), counts
    assert min(counts[position] for position in (0, 1, 2)) >= 0.2 * len(every), counts


@pytest.mark.parametrize("number", REWRITTEN)
def test_a_lesson_has_two_to_four_exercises_each_with_a_check_and_a_solution(
    repository_root, number
):
    cells = core(lesson(repository_root, number))
    text = "\n".join(cell.source for cell in cells)
    headings = re.findall(r"(?m)^#{2,3} Your turn: .+", text)
    checked = re.findall(rf'(?m)^check\("lesson{number}\.([a-d])", ', text)
    assert checked == list("abcd"[: len(headings)])
    assert 2 <= len(headings) <= 4
    assert text.count("<details><summary>Solution</summary>") == len(headings)
