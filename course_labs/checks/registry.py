"""From the name of a lab or question to its questions: each lab is a module of this package."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from course_labs.checks.question import Question
from course_utils.errors import DataError


def labs() -> list[str]:
    """Return the names of the labs that have checks, such as ``lab02``, in order."""
    return sorted(path.stem for path in Path(__file__).parent.glob("lab[0-9][0-9]*"))


def questions_of(lab: str) -> Sequence[Question]:
    """Return the questions of a lab, in order.

    Raises
    ------
    DataError
        When there is no such lab; the message lists those there are.
    """
    if not re.fullmatch(r"lab\d\d", lab) or find_spec(f"{__package__}.{lab}") is None:
        raise DataError(f"There is no lab {lab!r}; there are {', '.join(labs())}.")
    questions: Sequence[Question] = importlib.import_module(f"{__package__}.{lab}").QUESTIONS
    return questions


def find_question(name: str) -> tuple[str, Question]:
    """Return the lab and the question that a name such as ``lab02.q1`` stands for.

    Raises
    ------
    DataError
        When there is none; the message lists those there are.
    """
    lab, _, key = str(name).partition(".")
    for question in questions_of(lab):
        if question.key == key:
            return lab, question
    known = ", ".join(f"{lab}.{question.key}" for question in questions_of(lab))
    raise DataError(f"There is no question {name!r}; there are {known}.")
