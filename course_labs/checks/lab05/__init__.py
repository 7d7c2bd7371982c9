"""Lab 5, Capstone: a module for each step; the third and the two after it judge one class."""

from course_labs.checks.lab05 import baseline, blending, hidden, reporting, rules

QUESTIONS = (
    baseline.QUESTION,
    blending.QUESTION,
    rules.QUESTION,
    hidden.BEATS_POPULARITY,
    hidden.BEATS_ITS_PARTS,
    reporting.QUESTION,
)
