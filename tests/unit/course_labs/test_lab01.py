"""Lab 1 on the seeds that a grader may draw."""

import pytest
from lab01_answers import WRONG
from lab_answers import changed, defined, solution_of

from course_labs.checks.session import questions_of

SOLUTION = solution_of("lab01")
QUESTIONS = {question.key: question for question in questions_of("lab01")}


@pytest.mark.parametrize("seed", range(4))
def test_any_seed_makes_cases_that_tell_right_from_wrong(seed):
    """The grader draws its own seed; the solution must pass, and a wrong answer fail, on any."""
    from course_labs.checks.attempts import run_cases
    from course_labs.checks.question import cases_of, judge

    right = defined(SOLUTION)
    for key, question in QUESTIONS.items():
        *replacements, hint = list(WRONG[key].values())[seed]
        wrong = changed(SOLUTION, *replacements)
        cases = cases_of(question, seed)
        attempt = run_cases(question, right[question.answer], cases)
        assert judge(question, cases, attempt).state == "right"
        attempt = run_cases(question, wrong[question.answer], cases)
        assert hint in judge(question, cases, attempt).says
