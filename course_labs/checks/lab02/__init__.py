"""Lab 2, Neighbors: a module for each of its four steps."""

from course_labs.checks.lab02 import cosine, item_cf, neighbors, overlap
from course_labs.checks.question import Question

QUESTIONS = (
    Question("q1", "cosine of one film with all", 2, "similarity_to", "04_baselines",
             cosine.cases, cosine.ask, cosine.judge, cosine.MISTAKES),
    Question("q2", "neighbors of a list of films", 4, "most_similar",
             "03_interactions_and_splits#ids-are-not-rows",
             neighbors.cases, neighbors.ask, neighbors.judge, neighbors.MISTAKES),
    Question("q3", "the class ItemCF", 4, "ItemCF", "04_baselines",
             item_cf.cases, item_cf.ask, item_cf.judge, item_cf.MISTAKES,
             methods=("fit", "recommend")),
    Question("q4", "how far two models agree", 2, "overlap",
             "06_evaluating_rankings#one-list-several-scores",
             overlap.cases, overlap.ask, overlap.judge, overlap.MISTAKES),
)  # fmt: skip
