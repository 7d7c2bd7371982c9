"""A question of a lab, and the verdict on what an answer made of its cases.

Nothing here runs a student's code: `judge` looks at plain arrays, wherever they were computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Plain = dict[str, npt.NDArray[Any]]
State = Literal["not attempted", "right", "wrong"]

HIDDEN = "hidden_"  # begins the names of what a case keeps from the answer
LOST = "Your answer has a form that cannot be judged: {}. Look again at what the step asks for."


class AnswerError(Exception):
    """An answer without a form that can be judged; the sentence says what was expected."""


@dataclass(frozen=True)
class Mistake:
    """A plausible wrong answer and the hint it deserves.

    Attributes
    ----------
    hint
        What is wrong and where to look, in a sentence or two.
    made
        Says from a case and the outputs whether it is this mistake. It is asked about wrong
        outputs only, in the order of the question's list.
    raises
        A pattern (`re.search`) for the sentence about an error, for mistakes that raise one.
    """

    hint: str
    made: Callable[[Plain, Plain], bool] | None = None
    raises: str = ""


@dataclass(frozen=True)
class Question:
    """One step of a lab that is checked; the package's docstring explains its functions.

    Attributes
    ----------
    key
        Its name within the lab, such as ``q1``.
    title
        What it is about, in a few words.
    points
        What a right answer earns.
    answer
        The name that the notebook gives to the answer; the grader looks for it.
    lesson
        Which lesson explains it: a notebook's name, with ``#heading`` where one section does.
    cases, ask, judge, mistakes
        See `course_labs.checks`.
    methods
        For a class: the methods that must be written. Empty for functions and values.
    seconds
        How long one case may take.
    prepare
        Called before the clock starts: loads a heavy library, which may take longer than a case,
        and would be left half loaded. An `AnswerError` says that it is not installed.
    """

    key: str
    title: str
    points: int
    answer: str
    lesson: str
    cases: Callable[[np.random.Generator], Sequence[Plain]]
    ask: Callable[[Any, Plain], Mapping[str, npt.ArrayLike]]
    judge: Callable[[Plain, Plain], str]
    mistakes: Sequence[Mistake] = ()
    methods: Sequence[str] = ()
    seconds: float = 5.0
    prepare: Callable[[], None] | None = None


@dataclass(frozen=True)
class Attempt:
    """What an answer made of the cases: outputs, or the sentence about why there are none.

    ``outputs`` holds those of the cases that came before a failure, too.
    """

    outputs: Sequence[Plain] = ()
    stub: bool = False
    failure: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a student is told: the state, the points earned, and a sentence or two."""

    state: State
    points: int
    says: str


def judge(question: Question, cases: Sequence[Plain], attempt: Attempt) -> Verdict:
    """Return the verdict on an attempt. It looks at plain data only, and trusts none of it."""
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
    """Return the inputs of a question, the same for the same seed."""
    return question.cases(np.random.default_rng(seed))


def visible(case: Plain) -> Plain:
    """Return what an answer may see of a case: all but what only the judge needs."""
    return {name: array for name, array in case.items() if not name.startswith(HIDDEN)}


def _judge_one(question: Question, case: Plain, outputs: Plain) -> str:
    try:
        with np.errstate(all="ignore"):
            return question.judge(case, outputs)
    except AnswerError as error:
        return str(error)
    except Exception as error:  # arrays of any shape and kind come in
        return LOST.format(f"{type(error).__name__}, {error}")


def _diagnose(question: Question, wrong: Sequence[tuple[Plain, Plain, str]]) -> str:
    """Return the hint of the mistake that explains all wrong cases, or the first, or none."""
    for cases in (wrong, wrong[:1]):
        for mistake in question.mistakes:
            if all(_is_made(mistake, case, outputs) for case, outputs, _ in cases):
                return mistake.hint
    return wrong[0][2]


def _is_made(mistake: Mistake, case: Plain, outputs: Plain) -> bool:
    try:
        with np.errstate(all="ignore"):
            return mistake.made is not None and bool(mistake.made(case, outputs))
    except Exception:  # a shape that this mistake does not have
        return False
