"""Lab 4, Matrix factorization in PyTorch: a module for each of its five steps."""

from course_labs.checks.lab04 import best_films, module, prediction, step, training

QUESTIONS = (
    prediction.QUESTION,
    step.QUESTION,
    module.QUESTION,
    training.QUESTION,
    best_films.QUESTION,
)
