"""The exercises of the lessons: the solution on the page is right, wrong answers get own hints.

`lessonNN_answers.py` holds WRONG: by question and name, what to replace in the solution's text
(pairs of old and new), and a part of the hint that this must get.
"""

import re
from importlib import import_module
from pathlib import Path

import jupytext
import numpy as np
import pytest
from lab_answers import changed, defined, verdict_on

from course_labs.checks.session import lessons, questions_of

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
SOLUTION = re.compile(r"(?s)<details><summary>Solution</summary>\s*```python\n(.*?)```")
WRONG = {lesson: import_module(f"{lesson}_answers").WRONG for lesson in lessons()}
EXERCISES = [(lesson, question) for lesson in lessons() for question in questions_of(lesson)]
BEFORE = "import numpy as np\nimport pandas as pd\nfrom scipy import sparse\n"


def cells_of(lesson):
    (path,) = NOTEBOOKS.glob(f"{lesson.removeprefix('lesson')}_*.py")
    return jupytext.read(path, fmt="py:percent").cells


def solution_of(lesson, question):
    """Return the source of the solution that stands on the page."""
    text = "\n".join(cell.source for cell in cells_of(lesson) if cell.cell_type == "markdown")
    (found,) = (code for code in SOLUTION.findall(text) if question.answer in code)
    return BEFORE + found


def ids(value):
    return value if isinstance(value, str) else getattr(value, "key", None)


@pytest.mark.parametrize(("lesson", "question"), EXERCISES, ids=ids)
def test_the_solution_on_the_page_is_right(lesson, question):
    answer = defined(solution_of(lesson, question))[question.answer]
    verdict = verdict_on(f"{lesson}.{question.key}", answer)
    assert (verdict.state, verdict.says) == ("right", "")


@pytest.mark.parametrize(("lesson", "question"), EXERCISES, ids=ids)
def test_the_page_of_a_student_is_not_attempted(lesson, question):
    (cell,) = (c for c in cells_of(lesson) if f'check("{lesson}.{question.key}"' in c.source)
    stub = re.sub(r"(?m)^(check\(|from course_labs).*$", "", cell.source)
    assert "..." in stub
    verdict = verdict_on(f"{lesson}.{question.key}", defined(BEFORE + stub)[question.answer])
    assert verdict.state == "not attempted"


@pytest.mark.parametrize(("lesson", "question"), EXERCISES, ids=ids)
def test_wrong_answers_get_their_own_hints(lesson, question):
    wrong = WRONG[lesson][question.key]
    assert len({answers[-1] for answers in wrong.values()}) >= 3
    for name, (*replacements, hint) in wrong.items():
        answer = changed(solution_of(lesson, question), *replacements)[question.answer]
        with np.errstate(all="ignore"):
            verdict = verdict_on(f"{lesson}.{question.key}", answer)
        assert verdict.state == "wrong", name
        assert hint in verdict.says, (name, verdict.says)
    hints = [answers[-1] for answers in wrong.values()]
    for mistake in question.mistakes:
        assert any(hint in mistake.hint for hint in hints), mistake.hint
