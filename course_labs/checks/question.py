"""A question of a lab, and the verdict on an answer's outputs for its cases.

Nothing here runs a student's code: `judge` reads plain arrays, wherever they were computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Plain = dict[str, npt.NDArray[Any]]  # a case, or the outputs for it
Outputs = Mapping[str, npt.ArrayLike]  # what `ask` returns, before it becomes arrays
Detector = Callable[[Plain, Plain], bool]  # of a mistake, from a case and the outputs
State = Literal["not attempted", "right", "wrong"]

HIDDEN = "hidden_"  # prefix of the arrays of a case that only the judge sees


class AnswerError(Exception):
    """An answer that cannot be judged because of its form; the sentence says what was expected."""


@dataclass(frozen=True)
class Mistake:
    """A plausible wrong answer and the hint it deserves.

    Attributes
    ----------
    hint
        What is wrong and where to look, in a sentence or two.
    made
        Says from a case and the outputs whether it is this mistake. It is called for wrong
        outputs only, in the order of the question's list.
    raises
        A pattern (`re.search`) for the sentence about an error, for mistakes that raise one.
    """

    hint: str
    made: Detector | None = None
    raises: str = ""


@dataclass(frozen=True)
class Question:
    """One checked step of a lab, or exercise of a lesson; `course_labs.checks` says how.

    Attributes
    ----------
    key
        Its name within the lab or lesson, such as ``q1`` or ``a``.
    title
        Its subject, in a few words.
    points
        Points for a right answer; 0 in a lesson, where nothing is graded.
    answer
        The name of the answer in the notebook, by which the grader finds it.
    lesson
        The lesson that explains it: a notebook's name, with ``#heading`` for a single section.
    cases, ask, judge, mistakes
        See `course_labs.checks`.
    methods
        For a class, the methods that must be written; empty for functions and values.
    seconds
        Time limit of one case.
    prepare
        Called before the time of the first case starts. It imports a heavy library, which may take
        longer than a case, and raises `AnswerError` when the library is not installed.
    """

    key: str
    title: str
    points: int
    answer: str
    lesson: str
    cases: Callable[[np.random.Generator], Sequence[Plain]]
    ask: Callable[[Any, Plain], Outputs]
    judge: Callable[[Plain, Plain], str]
    mistakes: Sequence[Mistake] = ()
    methods: Sequence[str] = ()
    seconds: float = 5.0
    prepare: Callable[[], None] | None = None


@dataclass(frozen=True)
class Attempt:
    """The outputs of an answer for the cases, and the sentence about a failure, if there was one.

    After a failure, ``outputs`` holds those of the earlier cases.
    """

    outputs: Sequence[Plain] = ()
    stub: bool = False
    failure: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a student is told: the state, the points, and a sentence or two."""

    state: State
    points: int
    says: str


def judge(question: Question, cases: Sequence[Plain], attempt: Attempt) -> Verdict:
    """Return the verdict on an attempt, whose outputs may be any arrays."""
    if attempt.stub:
        return Verdict("not attempted", 0, attempt.failure)
    wrong = [
        (case, outputs, sentence)
        for case, outputs in zip(cases, attempt.outputs, strict=False)
        if (sentence := _judge_one(question, case, outputs))
    ]
    if wrong:
        return Verdict("wrong", 0, _diagnose(question, wrong))
    if attempt.failure:
        for mistake in question.mistakes:
            if mistake.raises and re.search(mistake.raises, attempt.failure):
                return Verdict("wrong", 0, f"{attempt.failure} {mistake.hint}")
        return Verdict("wrong", 0, attempt.failure)
    if len(attempt.outputs) < len(cases):
        return Verdict("wrong", 0, "Your answer gave no result for some of the inputs.")
    return Verdict("right", question.points, "")


def cases_of(question: Question, seed: int) -> Sequence[Plain]:
    """Return the cases of a question for a seed."""
    return question.cases(np.random.default_rng(seed))


def visible(case: Plain) -> Plain:
    """Return the arrays of a case that an answer may see."""
    return {name: array for name, array in case.items() if not name.startswith(HIDDEN)}


def named_type(value: Any) -> str:
    """Return the type of an answer's result for a sentence: "nothing", or such as "a list"."""
    return "nothing" if value is None else f"a {type(value).__name__}"


def _judge_one(question: Question, case: Plain, outputs: Plain) -> str:
    try:
        with np.errstate(all="ignore"):
            return question.judge(case, outputs)
    except AnswerError as error:
        return str(error)
    except Exception as error:  # the arrays may have any shape and dtype
        return (
            f"Your answer has a form that cannot be judged: {type(error).__name__}, {error}. Look "
            "again at what the step asks for."
        )


def _diagnose(question: Question, wrong: Sequence[tuple[Plain, Plain, str]]) -> str:
    """Return the hint of the mistake that explains all wrong cases, else of one for the first."""
    for cases in (wrong, wrong[:1]):
        for mistake in question.mistakes:
            if all(_is_made(mistake, case, outputs) for case, outputs, _ in cases):
                return mistake.hint
    return wrong[0][2]


def _is_made(mistake: Mistake, case: Plain, outputs: Plain) -> bool:
    try:
        with np.errstate(all="ignore"):
            return mistake.made is not None and bool(mistake.made(case, outputs))
    except Exception:  # the outputs have a shape that this mistake cannot have
        return False
