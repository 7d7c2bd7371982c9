"""Lab 5, Capstone: a module for each step; steps 3, 4 and 5 judge one class."""

from course_labs.checks.lab05 import baseline, blending, hidden, reporting, rules
from course_labs.checks.question import Question

QUESTIONS = (
    Question("q1", "a split and a baseline", 2, "baseline", "06_evaluating_rankings",
             baseline.cases, baseline.ask, baseline.judge, baseline.MISTAKES),
    Question("q2", "a blend for everybody", 3, "blend", "10_hybrids",
             blending.cases, blending.ask, blending.judge, blending.MISTAKES),
    Question("q3", "the rules of the protocol", 2, "MyHybrid", "04_baselines",
             rules.cases, rules.ask, rules.judge, rules.MISTAKES,
             methods=("fit", "recommend"), seconds=rules.SECONDS),
    Question("q4", "the hidden test, beside popularity", 3, "MyHybrid", "10_hybrids",
             hidden.cases, hidden.ask, hidden.judge_popularity, hidden.POPULARITY_MISTAKES,
             methods=("fit", "recommend"), seconds=rules.SECONDS),
    Question("q5", "the hidden test, beside its parts", 2, "MyHybrid", "10_hybrids",
             hidden.cases, hidden.ask, hidden.judge_parts, hidden.PARTS_MISTAKES,
             methods=("fit", "recommend"), seconds=rules.SECONDS),
    Question("q6", "a report that holds together", 2, "report", "06_evaluating_rankings",
             reporting.cases, reporting.ask, reporting.judge, reporting.MISTAKES),
)  # fmt: skip
