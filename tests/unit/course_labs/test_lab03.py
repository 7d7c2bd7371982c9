"""Lab 3: its judges against SciPy and the course's model, its stubs, and a grader's seeds."""

import numpy as np
import pytest
from lab03_answers import WRONG
from lab_answers import changed, defined, solution_of, verdict_on
from scipy import sparse
from scipy.stats import ttest_rel

from course_labs.checks.lab03.content_model import table_of
from course_labs.checks.lab03.data import interval
from course_labs.checks.lab03.verdict import word_for
from course_labs.checks.session import questions_of
from course_utils.models import ContentModel
from course_utils.ranking import top_k
from course_utils.text import Embeddings
from tools.labs.derive import derive

SOLUTION = solution_of("lab03")
STUBS = derive(f"\n# %%\n{SOLUTION}", "lab03")
QUESTIONS = {question.key: question for question in questions_of("lab03")}


@pytest.mark.parametrize("key", QUESTIONS)
def test_the_stub_is_not_attempted(key):
    answer = defined(STUBS)[QUESTIONS[key].answer]
    verdict = verdict_on(f"lab03.{key}", answer)
    assert (verdict.state, verdict.points) == ("not attempted", 0)


def test_the_judges_agree_with_scipy():
    rng = np.random.default_rng(3)
    for case in QUESTIONS["q4"].cases(rng):
        found = ttest_rel(case["a"], case["b"])
        ends = found.confidence_interval(0.95)
        outputs = {**case, "found": np.array([(case["a"] - case["b"]).mean(), *ends])}
        assert np.allclose(outputs["found"], interval(case["a"], case["b"]))
        assert QUESTIONS["q4"].judge(case, outputs) == ""
    for case in QUESTIONS["q5"].cases(rng):
        p = 1.0 if np.array_equal(case["a"], case["b"]) else ttest_rel(case["a"], case["b"]).pvalue
        word = word_for(interval(case["a"], case["b"]))
        assert (word == "cannot tell") == (p > 0.05)
        assert not 0.01 < p < 0.2, "too near the border to be judged"


def test_the_lists_are_those_of_the_content_model():
    rng = np.random.default_rng(3)
    for case in QUESTIONS["q2"].cases(rng):
        embeddings = Embeddings(case["vectors"], case["movie_ids"])
        model = ContentModel(embeddings, case["items"]).fit(sparse.csr_matrix(case["train"]))
        histories = sparse.csr_matrix(case["histories"])
        ids, _ = model.recommend(case["users"], histories, N=int(case["n"]))
        assert np.array_equal(ids, top_k(table_of(case), int(case["n"]))[0])


@pytest.mark.parametrize("seed", range(8))
def test_any_seed_makes_cases_that_tell_right_from_wrong(seed):
    """The grader draws its own seed; the solution must pass, and a wrong answer fail, on any."""
    from course_labs.checks.attempts import run_cases
    from course_labs.checks.question import cases_of, judge

    right, wrong = defined(SOLUTION), {}
    for key in ("q1", "q2", "q3", "q4", "q5"):
        *replacements, _ = list(WRONG[key].values())[-2]
        wrong[key] = changed(SOLUTION, *replacements)
    for key, question in QUESTIONS.items():
        cases = cases_of(question, seed)
        attempt = run_cases(question, right[question.answer], cases)
        assert judge(question, cases, attempt).state == "right"
        attempt = run_cases(question, wrong[key][question.answer], cases)
        assert judge(question, cases, attempt).state == "wrong"
