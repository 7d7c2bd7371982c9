"""Lab 2, Neighbors: a module for each of its four steps."""

from course_labs.checks.lab02 import cosine, item_cf, neighbors, overlap

QUESTIONS = (cosine.QUESTION, neighbors.QUESTION, item_cf.QUESTION, overlap.QUESTION)
