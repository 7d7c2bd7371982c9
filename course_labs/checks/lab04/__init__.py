"""Lab 4, Matrix factorization in PyTorch: a module for each of its five steps."""

from course_labs.checks.lab04 import best_films, module, prediction, step, training
from course_labs.checks.lab04.data import load_torch
from course_labs.checks.question import Question

QUESTIONS = (
    Question("q1", "stars from bare parameters", 2, "predict",
             "08_matrix_factorization#a-rating-is-a-sum-of-four-parts",
             prediction.cases, prediction.ask, prediction.judge, prediction.MISTAKES,
             prepare=load_torch),
    Question("q2", "one step of the training", 3, "train_step",
             "08_matrix_factorization#one-gradient-by-hand",
             step.cases, step.ask, step.judge, step.MISTAKES, prepare=load_torch),
    Question("q3", "the module Factorization", 3, "Factorization",
             "08_matrix_factorization#the-module",
             module.cases, module.ask, module.judge, module.MISTAKES,
             methods=("__init__", "forward"), prepare=load_torch),
    Question("q4", "a loop that stops early", 4, "fit",
             "08_matrix_factorization#why-the-training-loss-alone-says-nothing",
             training.cases, training.ask, training.judge, training.MISTAKES, prepare=load_torch),
    Question("q5", "the best films not seen", 3, "best_films",
             "07_wrong_notebook#mistake-b",
             best_films.cases, best_films.ask, best_films.judge, best_films.MISTAKES,
             prepare=load_torch),
)  # fmt: skip
