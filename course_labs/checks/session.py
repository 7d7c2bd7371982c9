"""What a student calls in a notebook; the verdicts of this session are remembered for the bar."""

from __future__ import annotations

import sys
import zlib
from typing import Any

from course_labs.checks.attempts import run_cases
from course_labs.checks.cards import Card, summary_card, verdict_card
from course_labs.checks.question import Verdict, cases_of, judge
from course_labs.checks.registry import find_question, questions_of

_verdicts: dict[str, Verdict] = {}


def check(name: str, answer: Any) -> None:
    """Show whether an answer is right: not attempted, right, or what is wrong and where to look.

    The answer is run on small inputs made on the spot, each under a time limit. An exception it
    raises is summed up in one sentence.

    Parameters
    ----------
    name
        A lab and its question, as in ``"lab02.q1"``.
    answer
        The function, class or value that the step asks for.

    Raises
    ------
    DataError
        When there is no such question.
    """
    _, question = find_question(name)
    _verdicts[name] = verdict = verdict_on(name, answer)
    _show(verdict_card(name, question, verdict))


def summary(lab: str) -> None:
    """Show the points of a lab so far, as a bar and question by question.

    Raises
    ------
    DataError
        When there is no such lab.
    """
    questions = questions_of(lab)
    _show(summary_card(lab, questions, [_verdicts.get(f"{lab}.{q.key}") for q in questions]))


def verdict_on(name: str, answer: Any) -> Verdict:
    """Return what `check` shows."""
    _, question = find_question(name)
    cases = cases_of(question, zlib.crc32(name.encode()))
    return judge(question, cases, run_cases(question, answer, cases))


def _show(card: Card) -> None:
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        sys.modules["IPython"].display.display(card)
    else:
        print(card)
