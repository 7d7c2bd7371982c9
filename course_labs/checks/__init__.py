"""Checks of lab answers: ``check("lab02.q1", answer)`` shows whether an answer is right.

A student calls two functions. `check` shows *not attempted*, *right*, or what is wrong, where to
look and which lesson explains it; `summary` shows the points of a lab so far. `attempted` keeps
the cells below an unsolved step quiet.

To write the checks of a lab, add a folder ``labNN`` with a module for each step, and in its
``__init__.py`` the tuple ``QUESTIONS``; the lab needs no other registration. A `Question` has four
functions, so that it works both in the student's notebook and in the grader, which never runs a
student's code in its own process:

1. ``cases(rng)`` returns inputs for a seed: a list of dicts of arrays. A notebook uses a fixed
   seed; the grader draws its own, so an answer copied from a notebook's output earns nothing.
   Arrays named ``hidden_…``, such as a hidden test set, are passed to the judge only.
2. ``ask(answer, case)`` runs the student's answer on one case and returns its outputs, again as a
   dict of arrays. It raises `AnswerError` when their form cannot be judged. It is the only part
   that touches the student's objects.
3. ``judge(case, outputs)`` reads plain arrays of any shape and dtype, and returns "" for a right
   answer, else one sentence. Its docstring states the tolerance. Where several answers are right,
   such as any order among ties, judge by properties.
4. ``MISTAKES``, a `Mistake` for each plausible wrong answer: ``made(case, outputs)`` recognizes it,
   and ``hint`` says what is wrong and where to look. A mistake that makes the student's code raise
   is recognized by ``raises``, a pattern for the error's sentence.

An exercise of a lesson is a `Question` of 0 points in the module ``lessonNN``, keyed ``a``, ``b``
and so on; its answer and the wrong answers to catch stand in ``tests/unit/course_labs``.

`lab02` is the example to copy. ``tests/unit/course_labs/test_lab_answers.py`` requires of every lab
that the solution and a second right answer pass, and that at least five wrong answers a question
get hints of their own; ``tests/unit/tools/test_labs.py`` requires that no question of an unsolved
lab counts as attempted.
"""

from course_labs.checks.attempts import attempted
from course_labs.checks.question import AnswerError, Mistake, Question
from course_labs.checks.session import check, summary

__all__ = ["AnswerError", "Mistake", "Question", "attempted", "check", "summary"]
