"""Every lab: its solution is right, so is another one, and each wrong answer gets its own hint.

A lab brings `labNN_answers.py`: ANOTHER, a second right solution, and WRONG, by question and name,
what to replace in the solution's text and a part of the hint it must get. A lab whose answers need
more than the solution's own cells has it in BEFORE, one that needs a library names it in NEEDS,
and one whose wrong answers make a library warn says in MAY_WARN how the warnings begin. Only what
a single lab has is tested in `test_labNN.py`.
"""

import warnings
from importlib import import_module

import numpy as np
import pytest
from lab_answers import changed, defined, solution_of, verdict_on

from course_labs.checks.session import labs, questions_of

ANSWERS = {lab: import_module(f"{lab}_answers") for lab in labs()}
QUESTIONS = {(lab, question.key): question for lab in labs() for question in questions_of(lab)}
WRONG = [
    (lab, key, name)
    for lab, answers in ANSWERS.items()
    for key, wrong in answers.WRONG.items()
    for name in wrong
]


@pytest.fixture(autouse=True)
def needed(lab):
    """Skip a lab whose library is not installed."""
    if hasattr(ANSWERS[lab], "NEEDS"):
        pytest.importorskip(ANSWERS[lab].NEEDS)


@pytest.mark.parametrize(("lab", "key"), QUESTIONS)
@pytest.mark.parametrize("which", ["solution", "another"])
def test_right_however_it_is_written(lab, key, which):
    question = QUESTIONS[lab, key]
    source = solution_of(lab) if which == "solution" else ANSWERS[lab].ANOTHER
    verdict = verdict_on(f"{lab}.{key}", defined(source)[question.answer])
    assert (verdict.state, verdict.points, verdict.says) == ("right", question.points, "")


@pytest.mark.parametrize(("lab", "key", "name"), WRONG)
def test_a_wrong_answer_gets_its_own_hint(lab, key, name):
    *replacements, hint = ANSWERS[lab].WRONG[key][name]
    answer = changed(solution_of(lab), *replacements)[QUESTIONS[lab, key].answer]
    may_warn = getattr(ANSWERS[lab], "MAY_WARN", None)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        if may_warn is not None:
            warnings.filterwarnings("ignore", may_warn)
        verdict = verdict_on(f"{lab}.{key}", answer)
    assert (verdict.state, verdict.points) == ("wrong", 0)
    assert hint in verdict.says, verdict.says


@pytest.mark.parametrize(("lab", "key"), QUESTIONS)
def test_there_are_at_least_five_hints_a_question(lab, key):
    wrong = ANSWERS[lab].WRONG[key]
    assert len({answers[-1] for answers in wrong.values()}) >= 5
    unused = [
        mistake.hint
        for mistake in QUESTIONS[lab, key].mistakes
        if not any(answers[-1] in mistake.hint for answers in wrong.values())
    ]
    assert unused == []
