"""Lab 5: its judge against SciPy and the course's metrics, what stays hidden, a grader's seeds."""

import numpy as np
import pytest
from lab05_answers import WRONG
from lab_answers import changed, defined, solution_of
from scipy import sparse, stats

from course_labs.checks.lab05.blending import blended
from course_labs.checks.lab05.data import is_cold, recalls
from course_labs.checks.lab05.hidden import lists_of
from course_labs.checks.question import visible
from course_labs.checks.session import questions_of
from course_utils import metrics

SOLUTION = solution_of("lab05")
TELLING = {  # of each question one mistake that any data must show
    "q1": "trained on the test",
    "q2": "raw",
    "q3": "seen films",
    "q4": "raw",
    "q5": "content alone",
    "q6": "tuned on the test",
}
QUESTIONS = {question.key: question for question in questions_of("lab05")}


def a_world(seed):
    (case,) = QUESTIONS["q4"].cases(np.random.default_rng(seed))
    return case


def test_the_blend_of_a_row_agrees_with_scipy():
    for case in QUESTIONS["q2"].cases(np.random.default_rng(3)):
        row = 1  # somebody who has seen something
        warm = ~case["seen"][row] & (case["counts"] > 0)
        cold = case["counts"] == 0
        content = stats.zscore(
            np.where(case["seen"][row], np.nan, case["content"][row]), nan_policy="omit"
        )
        behavior = stats.zscore(case["behavior"][row, warm])
        wanted = case["weight"] * behavior + (1 - case["weight"]) * content[warm]
        assert np.allclose(blended(case)[row, warm], wanted)
        assert np.allclose(blended(case)[row, cold], content[cold])


def test_recall_is_the_one_of_the_course():
    case = a_world(5)
    ids = lists_of(case, "neighbors")
    by_course = metrics.recall(ids, sparse.csr_matrix(case["hidden_liked"]), k=10)
    assert np.allclose(recalls(ids, case["hidden_liked"]), by_course[~np.isnan(by_course)])


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_an_answer_sees_tells_what_is_hidden(seed):
    case = a_world(seed)
    assert set(visible(case)) == {"train", "vectors", "users", "histories", "n"}
    assert not (case["hidden_liked"] & (case["histories"] > 0)).any()
    assert case["hidden_liked"][:, is_cold(case)].any()
    new = case["users"] >= len(case["train"])
    assert np.array_equal(case["histories"][~new], case["train"][case["users"][~new]])
    assert (case["histories"][new].sum(axis=1) <= 2).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_part_alone_passes(seed):
    case = a_world(seed)
    for name in ("popularity", "neighbors", "content"):
        outputs = {"ids": lists_of(case, name)}
        assert QUESTIONS["q4"].judge(case, outputs) != ""
        assert QUESTIONS["q5"].judge(case, outputs) != ""


@pytest.mark.parametrize("seed", range(8))
def test_any_seed_makes_cases_that_tell_right_from_wrong(seed):
    """The grader draws its own seed; the solution must pass, and a wrong answer fail, on any."""
    from course_labs.checks.attempts import run_cases
    from course_labs.checks.question import cases_of, judge

    right, wrong = defined(SOLUTION), {}
    for key, name in TELLING.items():
        *replacements, _ = WRONG[key][name]
        wrong[key] = changed(SOLUTION, *replacements)
    for key, question in QUESTIONS.items():
        cases = cases_of(question, seed)
        attempt = run_cases(question, right[question.answer], cases)
        assert judge(question, cases, attempt).state == "right"
        attempt = run_cases(question, wrong[key][question.answer], cases)
        assert judge(question, cases, attempt).state == "wrong"
