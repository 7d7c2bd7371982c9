"""What a student reads: stubs, time limits, errors in a sentence, cards; and plain data."""

import contextlib
import io
import re
import sys
import threading
import time
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from course_cloud.artifacts.npz import read_npz, write_npz
from course_labs.checks import AnswerError, Mistake, Question, attempted, check, summary
from course_labs.checks.attempts import as_plain, run_cases
from course_labs.checks.cards import summary_card, verdict_card
from course_labs.checks.limits import TimeLimitError, within
from course_labs.checks.question import Attempt, Verdict, cases_of, judge
from course_labs.checks.session import find_question, labs, questions_of
from course_utils.errors import DataError
from tools.notebooks.kernel import read_notebook
from tools.notebooks.lint import anchors
from tools.site import syllabus


def double_cases(rng):
    return [{"x": rng.integers(1, 9, 3)}, {"x": np.array([0, 0])}]


def judge_double(case, outputs):
    if outputs["y"].shape != case["x"].shape:
        raise AnswerError("Return as many numbers as you are given.")
    return "" if np.array_equal(outputs["y"], 2 * case["x"]) else "It should be twice the input."


DOUBLE = Question(
    "q1", "twice a number", 3, "double", "03_interactions_and_splits#ids-are-not-rows",
    double_cases, lambda answer, case: {"y": answer(case["x"])}, judge_double,
    [
        Mistake("That is the square.", lambda case, out: np.array_equal(out["y"], case["x"] ** 2)),
        Mistake("Nothing is ever compared.", lambda case, out: out["no such output"]),
        Mistake("An empty list has no first.", raises="IndexError"),
    ],
    seconds=0.3,
)  # fmt: skip


def verdict(answer):
    cases = cases_of(DOUBLE, 1)
    return judge(DOUBLE, cases, run_cases(DOUBLE, answer, cases))


def empty(x): ...


def only_a_docstring(x):
    """Say what it will do."""


def raises_not_implemented(x):
    raise NotImplementedError


class Empty:
    """A class to be written."""

    def __init__(self, k=3):
        self.k = k

    def fit(self, x):
        """Fit."""
        ...


class Half(Empty):
    """A class whose first method is written."""

    def fit(self, x):
        """Fit."""
        return self

    def recommend(self, x): ...


@pytest.mark.parametrize("answer", [..., None, empty, only_a_docstring, raises_not_implemented])
def test_a_stub_is_not_attempted(answer):
    assert verdict(answer).state == "not attempted"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (..., False), (None, False), (empty, False), (Empty, False), (Half, False),
        (0, True), ([], True), (lambda x: x, True), (abs, True), (np.zeros(2), True),
        (Verdict, True),
    ],
)  # fmt: skip
def test_attempted(answer, wanted):
    assert attempted(answer) is wanted


def test_a_class_of_which_a_method_is_missing_says_which():
    question = replace(DOUBLE, answer="Half", methods=("fit", "recommend"))
    attempt = run_cases(question, Half, cases_of(question, 1))
    assert attempt == Attempt(failure="Half lacks `recommend`; write it, then check again.")
    assert run_cases(question, Empty, []).stub


def fails(x):
    return 1 / (x.sum() - x.sum())


def never_ends(x):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


def leaves(x):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: x * 2, ""),
        (lambda x: x + 1, "It should be twice the input."),
        (lambda x: x**2, "That is the square."),
        (lambda x: x[:1], "Return as many numbers as you are given."),
        (
            lambda x: print(end=""),
            "`y` should be numbers, and is nothing: does your function return?",
        ),
        (lambda x: {"a": 1}, "`y` should be numbers, and is of type dict."),
        (lambda x: [[1], [1, 2]], "`y` is no regular table of numbers."),
        (lambda x: x.resize(9) or x[77], "An empty list has no first."),
        (never_ends, "did not finish within 0.3 s"),
        (leaves, "Your code called exit()"),
        (lambda: 3, "TypeError"),
    ],
)
def test_what_a_student_reads(answer, says):
    found = verdict(answer)
    assert found.state == ("wrong" if says else "right")
    assert found.points == (0 if says else 3)
    assert says in found.says
    assert "Traceback" not in found.says
    assert "\n" not in found.says


def test_an_error_names_the_line_of_the_students_code():
    with np.errstate(all="raise"):
        says = verdict(fails).says
    assert "FloatingPointError" in says
    assert "of fails: `return 1 / (x.sum() - x.sum())`." in says


def test_a_right_case_does_not_hide_a_wrong_one():
    assert verdict(lambda x: x * 2 if x.any() else x + 1).says == "It should be twice the input."


def test_inputs_of_a_case_cannot_be_changed_by_an_answer():
    cases = cases_of(DOUBLE, 1)
    before = cases[0]["x"].copy()
    run_cases(DOUBLE, lambda x: x.fill(7) or x, cases)
    assert np.array_equal(cases[0]["x"], before)


def test_what_is_hidden_reaches_the_judge_only():
    seen = []

    def ask(answer, case):
        seen.append(sorted(case))
        return {"y": answer(case["x"])}

    def guess(case, outputs):
        return "" if np.array_equal(outputs["y"], case["hidden_y"]) else "Not that."

    case = {"x": np.array([1, 2]), "hidden_y": np.array([3, 6])}
    question = replace(DOUBLE, cases=lambda rng: [case], ask=ask, judge=guess)
    attempt = run_cases(question, lambda x: 3 * x, [case])
    assert seen == [["x"]]
    assert judge(question, [case], attempt).state == "right"
    assert judge(question, [case], run_cases(question, lambda x: x, [case])).state == "wrong"


def test_what_a_question_loads_first_takes_none_of_the_time_of_a_case():
    question = replace(DOUBLE, prepare=lambda: time.sleep(2 * DOUBLE.seconds))
    cases = cases_of(question, 1)
    assert judge(question, cases, run_cases(question, lambda x: 2 * x, cases)).state == "right"


def test_an_ellipsis_left_inside_is_named():
    says = verdict(lambda x: x + ...).says
    assert says.endswith("An `...` is still there to be replaced.")


def spin(stubborn):
    while True:
        try:
            sum(range(1000))
        except BaseException:
            if not stubborn:
                raise


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("in_thread", [False, True])
def test_a_loop_ends_in_any_thread_even_if_it_swallows_exceptions(in_thread, stubborn):
    caught = []

    def call():
        try:
            within(0.2, spin, stubborn)
        except TimeLimitError as error:
            caught.append(error)

    start = time.monotonic()
    if in_thread:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(10)
    else:
        call()
    assert len(caught) == 1
    assert time.monotonic() - start < 5
    assert sys.exc_info() == (None, None, None)  # nothing seems to be handled still
    with pytest.raises(ValueError, match="later") as later:
        raise ValueError("later")
    assert later.value.__context__ is None


def test_a_stop_iteration_passes_through():
    with pytest.raises(StopIteration):
        within(1.0, next, iter([]))


def test_a_sleep_ends_in_the_main_thread_and_the_alarm_is_off_again():
    start = time.monotonic()
    with pytest.raises(TimeLimitError):
        within(0.1, time.sleep, 30)
    assert time.monotonic() - start < 5
    time.sleep(0.2)  # a second alarm would come now


@pytest.mark.parametrize("in_thread", [False, True])
def test_values_and_errors_pass_through(in_thread):
    seen = []

    def call():
        seen.append(within(5, max, 1, 2))
        with pytest.raises(ZeroDivisionError):
            within(5, lambda: 1 / 0)
        seen.append("raised")

    if in_thread:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    else:
        call()
    assert seen == [2, "raised"]


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_call_that_waits_for_the_processor_is_given_time(monkeypatch, in_thread):
    """Another program has the processor half of the time: the limit counts what is ours."""
    monkeypatch.setattr(time, "process_time", lambda: time.monotonic() / 2)
    call = partial(within, 60, within) if in_thread else within  # a nested one runs in a thread
    assert call(0.2, lambda: time.sleep(0.3) or "done") == "done"
    with pytest.raises(TimeLimitError):
        call(0.2, spin, False)


def test_an_answer_that_is_stopped_leaves_gradients_on():
    """`no_grad` cannot switch them on again when it is interrupted itself."""
    torch = pytest.importorskip("torch")

    def answer(x):
        with torch.no_grad():
            spin(True)

    assert "did not finish" in verdict(answer).says
    assert torch.is_grad_enabled()
    verdict(lambda x: torch.set_grad_enabled(False))
    assert torch.is_grad_enabled()


def test_limits_may_be_nested():
    with pytest.raises(TimeLimitError):
        within(5, within, 0.2, spin, False)


def test_check_and_summary_print_outside_a_notebook(capsys):
    check("lab02.q4", lambda mine, theirs: 0.5)
    summary("lab02")
    out = capsys.readouterr().out
    assert "✗ lab02.q4: wrong · how far two models agree · 0 of 2 points" in out
    assert "Explained in lesson 06, “One list several scores”." in out
    assert re.search(r"lab02: 0 of 12 points  ░{20}\n", out)


def test_cards_escape_and_link():
    card = verdict_card("lab02.q1", DOUBLE, Verdict("wrong", 0, "Use `a<b>` & not <script>."))
    assert ">a&lt;b&gt;</code> &amp; not &lt;script&gt;" in card._repr_html_()
    assert 'href="../03_interactions_and_splits.ipynb#ids-are-not-rows"' in card._repr_html_()
    assert repr(card).splitlines()[1] == "  Use `a<b>` & not <script>."


def test_the_bar_is_as_long_as_the_points():
    card = summary_card("lab02", [DOUBLE, DOUBLE], [Verdict("right", 3, ""), None])
    assert repr(card).splitlines()[0] == f"lab02: 3 of 6 points  {'█' * 10}{'░' * 10}"
    assert "width:50%" in card._repr_html_()


def test_unknown_names_are_told():
    with pytest.raises(DataError, match=r"no question 'lab02.q9'; there are lab02.q1, lab02.q2"):
        find_question("lab02.q9")
    for name in ("lab77.q1", "question.q1", "os.q1", ""):
        with pytest.raises(DataError, match="There is no lab or lesson"):
            find_question(name)


@pytest.mark.parametrize("lab", labs())
def test_every_question_points_to_a_lesson_that_is_planned_and_a_heading_that_is_there(
    lab, repository_root
):
    planned = {lesson.notebook for part in syllabus.PARTS.values() for lesson in part}
    for question in questions_of(lab):
        notebook, _, anchor = question.lesson.partition("#")
        assert notebook in planned
        path = repository_root / "notebooks" / f"{notebook}.ipynb"
        if anchor and path.exists():
            texts = [c.source for c in read_notebook(path).cells if c.cell_type == "markdown"]
            assert anchor in anchors(texts)


@pytest.mark.parametrize("lab", labs())
def test_a_seed_makes_the_same_cases_and_another_one_others(lab):
    for question in questions_of(lab):
        one, same, other = (cases_of(question, seed) for seed in (1, 1, 2))
        assert all(np.array_equal(a[k], b[k]) for a, b in zip(one, same, strict=True) for k in a)
        assert any(
            not np.array_equal(a[k], b[k]) for a, b in zip(one, other, strict=True) for k in a
        )


def test_a_judge_that_chokes_on_strange_outputs_says_so():
    cases = cases_of(DOUBLE, 1)
    found = judge(DOUBLE, cases, Attempt([{"z": np.zeros(1)}] * 2))
    assert found.state == "wrong"
    assert "a form that cannot be judged" in found.says


def test_outputs_that_are_missing_are_not_right():
    cases = cases_of(DOUBLE, 1)
    right = [{"y": 2 * case["x"]} for case in cases]
    assert judge(DOUBLE, cases, Attempt(right)).state == "right"
    assert judge(DOUBLE, cases, Attempt(right[:1])).state == "wrong"
    assert judge(DOUBLE, cases, Attempt(right, failure="Your code stopped.")).state == "wrong"


def test_plain_data_travel(tmp_path):
    data = as_plain({"a": [[1.5, -np.inf]], "b": "text", "c": np.array(3), "d": [True]})
    write_npz(tmp_path / "x.npz", data)
    back = read_npz(tmp_path / "x.npz")
    assert {name: array.tolist() for name, array in back.items()} == {
        "a": [[1.5, -np.inf]], "b": "text", "c": 3, "d": [True],
    }  # fmt: skip


class Harm:
    """Something that runs code when it is unpickled."""

    def __reduce__(self):
        return (print, ("unpickled",))


def test_nothing_is_unpickled_and_no_memory_is_taken_on_a_promise(tmp_path, capsys):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.array([Harm()], dtype=object))
    with pytest.raises(DataError, match="objects"):
        read_npz(path, most=10**8)
    np.savez_compressed(path, a=np.zeros(10**6))
    with pytest.raises(DataError, match="too much"):
        read_npz(path, most=10**6)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    with pytest.raises(DataError, match="less than they promise"):
        read_npz(path, most=10**8)
    path.write_bytes(b"PK no zip")
    with pytest.raises(DataError, match="cannot be read"):
        read_npz(path, most=10**8)
    assert capsys.readouterr().out == ""
