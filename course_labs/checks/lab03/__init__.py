"""Lab 3, ALS and BERT: a module for each of its five steps that are checked."""

from course_labs.checks.lab03 import content_model, difference, one_person, per_user, verdict
from course_labs.checks.question import Question

QUESTIONS = (
    Question("q1", "recommend to one person", 3, "recommend",
             "09_bert_embeddings#more-of-what-you-liked",
             one_person.cases, one_person.ask, one_person.judge, one_person.MISTAKES),
    Question("q2", "the class BertContentModel", 4, "BertContentModel",
             "09_bert_embeddings#whose-row-is-it",
             content_model.cases, content_model.ask, content_model.judge, content_model.MISTAKES,
             methods=("recommend",)),
    Question("q3", "recall, user by user", 2, "recall_per_user",
             "06_evaluating_rankings#five-models-on-validation",
             per_user.cases, per_user.ask, per_user.judge, per_user.MISTAKES),
    Question("q4", "a difference, with its interval", 3, "paired_difference",
             "06_evaluating_rankings#when-is-a-difference-real",
             difference.cases, difference.ask, difference.judge, difference.MISTAKES),
    Question("q5", "better, worse or cannot tell", 2, "verdict",
             "06_evaluating_rankings#when-is-a-difference-real",
             verdict.cases, verdict.ask, verdict.judge, verdict.MISTAKES),
)  # fmt: skip
