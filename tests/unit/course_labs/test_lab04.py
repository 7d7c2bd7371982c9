"""Lab 4: its judge against autograd and the course's module, and on a grader's seeds."""

import numpy as np
import pytest
from lab04_answers import WRONG
from lab_answers import changed, defined, solution_of, verdict_on

from course_labs.checks.attempts import run_cases
from course_labs.checks.lab04 import data
from course_labs.checks.lab04.step import steps
from course_labs.checks.question import cases_of, judge
from course_labs.checks.session import questions_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
SOLUTION = solution_of("lab04")
QUESTIONS = {question.key: question for question in questions_of("lab04")}


@pytest.mark.parametrize("seed", range(8))
def test_any_seed_makes_cases_that_tell_right_from_wrong(seed):
    """The grader draws its own seed; the solution must pass, and a wrong answer fail, on any."""
    right = defined(SOLUTION)
    subtle = {
        "q1": "clipped",
        "q2": "biases alone penalized",
        "q3": "large factors",
        "q4": "in total",
        "q5": "places of what is not there",
    }
    for key, question in QUESTIONS.items():
        cases = cases_of(question, seed)
        attempt = run_cases(question, right[question.answer], cases)
        assert judge(question, cases, attempt).state == "right"
        *replacements, _ = WRONG[key][subtle[key]]
        attempt = run_cases(question, changed(SOLUTION, *replacements)[question.answer], cases)
        assert judge(question, cases, attempt).state == "wrong"


def test_the_step_by_hand_is_that_of_autograd():
    """The judge's gradients, in NumPy, against torch's own of the formula on the page."""
    case = QUESTIONS["q2"].cases(np.random.default_rng(5))[0]
    b_u, b_i, p, q = parts = [
        torch.tensor(case[name], dtype=torch.float64, requires_grad=True) for name in data.PARTS
    ]
    rows, columns, stars = (
        torch.tensor(case[f"{name} 0"]) for name in ("rows", "columns", "stars")
    )
    errors = 3.5 + b_u[rows] + b_i[columns] + (p[rows] * q[columns]).sum(1) - stars
    loss = errors.pow(2).mean() + 2.0 / 40 * sum(part.pow(2).sum() for part in parts)
    gradients = torch.autograd.grad(loss, parts)
    by_hand = steps(case)
    np.testing.assert_allclose(by_hand["loss 0"], loss.item(), rtol=1e-6)
    for name, part, gradient in zip(data.PARTS, parts, gradients, strict=True):
        moved = (part - 0.05 * gradient).detach().numpy()
        np.testing.assert_allclose(by_hand[f"{name} 0"], moved, rtol=1e-6, atol=1e-9)


def test_the_module_of_the_lab_and_that_of_the_course_exchange_their_weights():
    from course_utils.models.biased_mf_module import BiasedMFModule

    torch.manual_seed(1)
    mine = defined(SOLUTION)["Factorization"](6, 5, 3, 3.4)
    theirs = BiasedMFModule(6, 5, factors=3)
    theirs.load_state_dict(mine.state_dict())
    rows, columns = torch.arange(6).repeat_interleave(5), torch.arange(5).repeat(6)
    torch.testing.assert_close(theirs(rows, columns), mine(rows, columns))


def test_the_first_factors_leave_the_generator_of_a_notebook_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    verdict_on("lab04.q3", defined(SOLUTION)["Factorization"])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("key", QUESTIONS)
def test_without_torch_a_check_says_so_in_one_sentence(key, monkeypatch):
    monkeypatch.setattr(data, "find_spec", lambda name: None)
    verdict = verdict_on(f"lab04.{key}", defined(SOLUTION)[QUESTIONS[key].answer])
    assert verdict.state == "wrong"
    assert verdict.says.startswith("This step needs PyTorch, which is not installed; run: pip")


@pytest.mark.parametrize("key", QUESTIONS)
def test_the_stub_is_not_attempted(key, repository_root):
    import jupytext

    path = repository_root / "notebooks" / "labs" / "lab04_factorization.py"
    cells = [cell.source for cell in jupytext.read(path, fmt="py:percent").cells]
    stub = next(cell for cell in cells if f" {QUESTIONS[key].answer}(" in cell and "def " in cell)
    answer = defined(f"import torch\nfrom torch import nn\n{stub}")[QUESTIONS[key].answer]
    assert verdict_on(f"lab04.{key}", answer).state == "not attempted"
