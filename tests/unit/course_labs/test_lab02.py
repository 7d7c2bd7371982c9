"""Lab 2: its judge against scikit-learn, and on the seeds that a grader may draw."""

import numpy as np
import pytest
from lab02_answers import WRONG
from lab_answers import changed, defined, solution_of
from sklearn.metrics.pairwise import cosine_similarity

from course_labs.checks.session import questions_of

SOLUTION = solution_of("lab02")
QUESTIONS = {question.key: question for question in questions_of("lab02")}


def test_the_judge_agrees_with_scikit_learn():
    rng = np.random.default_rng(3)
    for case in QUESTIONS["q1"].cases(rng):
        outputs = {
            "cosines": cosine_similarity(case["stars"].T)[case["column"]],
            "after": case["stars"],
        }
        assert QUESTIONS["q1"].judge(case, outputs) == ""


@pytest.mark.parametrize("seed", range(8))
def test_any_seed_makes_cases_that_tell_right_from_wrong(seed):
    """The grader draws its own seed; the solution must pass, and a wrong answer fail, on any."""
    from course_labs.checks.attempts import run_cases
    from course_labs.checks.question import cases_of, judge

    right, wrong = defined(SOLUTION), {}
    for key in ("q1", "q2", "q3", "q4"):
        *replacements, _ = list(WRONG[key].values())[-2]
        wrong[key] = changed(SOLUTION, *replacements)
    for key, question in QUESTIONS.items():
        cases = cases_of(question, seed)
        attempt = run_cases(question, right[question.answer], cases)
        assert judge(question, cases, attempt).state == "right"
        attempt = run_cases(question, wrong[key][question.answer], cases)
        assert judge(question, cases, attempt).state == "wrong"
