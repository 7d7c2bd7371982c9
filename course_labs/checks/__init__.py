"""What tells a student whether an answer is right: ``check("lab02.q1", answer)``.

A student sees two functions. `check` says *not attempted*, *right*, or what is wrong, where to
look and which lesson explains it; `summary` shows the points of a lab so far. `attempted` keeps
the cells below an unsolved step quiet.

To write the checks of a lab, make a folder ``labNN`` here with a module for each step, and the
tuple ``QUESTIONS`` in its ``__init__.py``; the folder's name is the lab's, and nothing else
registers it. A `Question` is made of four functions, so that
the same question works in the student's notebook and in the grader, which never runs the
student's code itself:

1. ``cases(rng)`` makes inputs from a seed: a list of dicts of arrays. In a notebook the seed is
   fixed; the grader draws its own, so an answer copied from a notebook's output earns nothing.
   What is named ``hidden_…`` reaches the judge only, such as what a hidden test set holds.
2. ``ask(answer, case)`` runs the student's answer on one case, and returns what came out, again
   as a dict of arrays. It raises `AnswerError` when that has no form which can be judged at all.
   This is the only part that touches the student's objects.
3. ``judge(case, outputs)`` looks at plain arrays, which may hold anything, and returns "" for a
   right answer, else one sentence. It states its tolerance. Judge by properties where several
   answers are right: any order among equal scores, say.
4. ``mistakes``: for each plausible wrong answer a `Mistake`, whose ``made(case, outputs)``
   recognizes it, and whose hint says what is wrong and where to look. A mistake that makes the
   student's code raise is recognized by ``raises``, a pattern for the error's sentence.

`lab02` is the example to copy. ``tests/unit/test_lab_answers.py`` asks of every lab that the
solution and a second right answer pass, and that at least five wrong answers a question get hints
of their own; ``tests/unit/test_labs.py`` asks that an unsolved lab is not attempted anywhere.
"""

from course_labs.checks.attempts import attempted
from course_labs.checks.question import AnswerError, Mistake, Question
from course_labs.checks.session import check, summary

__all__ = ["AnswerError", "Mistake", "Question", "attempted", "check", "summary"]
