"""Lab 1, Bucket to DataFrame: a module for each of its six steps."""

from course_labs.checks.lab01 import audit, columns, copying, publishing, rows, sizes

QUESTIONS = (
    sizes.QUESTION,
    copying.QUESTION,
    columns.QUESTION,
    publishing.QUESTION,
    audit.QUESTION,
    rows.QUESTION,
)
