"""Lab 3, ALS and BERT: a module for each of its five steps that are checked."""

from course_labs.checks.lab03 import content_model, difference, one_person, per_user, verdict

QUESTIONS = (
    one_person.QUESTION,
    content_model.QUESTION,
    per_user.QUESTION,
    difference.QUESTION,
    verdict.QUESTION,
)
