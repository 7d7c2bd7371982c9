"""The functions that a student calls in a notebook, and the questions of each lab and lesson.

A lab is a subpackage ``labNN``, a lesson a module ``lessonNN``, each with a tuple ``QUESTIONS``; it
is imported when it is asked for.
"""

from __future__ import annotations

import importlib
import re
import sys
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from course_labs.checks.attempts import run_cases
from course_labs.checks.cards import Card, summary_card, verdict_card
from course_labs.checks.question import Question, Verdict, cases_of, judge
from course_utils.errors import DataError

_verdicts: dict[str, Verdict] = {}  # of this session, by the question's full name


def check(name: str, answer: Any) -> None:
    """Show whether an answer is right: not attempted, right, or what is wrong and where to look.

    The answer is run on small generated inputs, each under a time limit. An exception it raises is
    summed up in one sentence.

    Parameters
    ----------
    name
        A lab or lesson and its question, as in ``"lab02.q1"`` or ``"lesson05.a"``.
    answer
        The function, class or value that the step asks for.

    Raises
    ------
    DataError
        When there is no such question.
    """
    question = find_question(name)
    _verdicts[name] = verdict = verdict_on(name, question, answer)
    _show(verdict_card(name, question, verdict))


def summary(lab: str) -> None:
    """Show the points of a lab so far, in total as a bar and for each question.

    Raises
    ------
    DataError
        When there is no such lab.
    """
    questions = questions_of(lab)
    _show(summary_card(lab, questions, [_verdicts.get(f"{lab}.{q.key}") for q in questions]))


def verdict_on(name: str, question: Question, answer: Any) -> Verdict:
    """Return the verdict on an answer, on the cases whose seed is the question's full name."""
    cases = cases_of(question, zlib.crc32(name.encode()))
    return judge(question, cases, run_cases(question, answer, cases))


def labs() -> list[str]:
    """Return the names of the labs that have checks, such as ``lab02``, in order."""
    return sorted(path.stem for path in Path(__file__).parent.glob("lab[0-9][0-9]*"))


def lessons() -> list[str]:
    """Return the names of the lessons with exercises, such as ``lesson05``, in order."""
    return sorted(path.stem for path in Path(__file__).parent.glob("lesson[0-9][0-9].py"))


def questions_of(lab: str) -> Sequence[Question]:
    """Return the questions of a lab or a lesson, in order.

    Raises
    ------
    DataError
        When there is no such lab or lesson; the message lists all.
    """
    if not re.fullmatch(r"(lab|lesson)\d\d", lab) or find_spec(f"{__package__}.{lab}") is None:
        known = ", ".join([*labs(), *lessons()])
        raise DataError(f"There is no lab or lesson {lab!r}; there are {known}.")
    questions: Sequence[Question] = importlib.import_module(f"{__package__}.{lab}").QUESTIONS
    return questions


def find_question(name: str) -> Question:
    """Return the question with a full name such as ``lab02.q1``.

    Raises
    ------
    DataError
        When there is none; the message lists the questions of the lab.
    """
    lab, _, key = str(name).partition(".")
    questions = {question.key: question for question in questions_of(lab)}
    if key not in questions:
        known = ", ".join(f"{lab}.{key}" for key in questions)
        raise DataError(f"There is no question {name!r}; there are {known}.")
    return questions[key]


def _show(card: Card) -> None:
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        sys.modules["IPython"].display.display(card)
    else:
        print(card)
