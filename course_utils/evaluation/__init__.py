"""From a model and a split to metrics, with their uncertainty.

:func:`evaluate` measures one model, or lists; :func:`recommend_all` returns the lists of a model.
:func:`compare` puts models side by side, :func:`board` as the course does, :func:`beside_real` with
real numbers; :func:`by_activity` groups the users of one evaluation, :func:`readable` formats, and
:func:`mean_and_interval` is the bootstrap. :func:`sanity_check` finds mistakes in an evaluation.
"""

from course_utils.evaluation.comparison import (
    beside_real,
    board,
    by_activity,
    compare,
    mean_and_interval,
    readable,
)
from course_utils.evaluation.evaluator import Evaluation, evaluate, recommend_all
from course_utils.evaluation.sanity import SanityReport, sanity_check

__all__ = [
    "Evaluation", "SanityReport", "beside_real", "board", "by_activity", "compare", "evaluate",
    "mean_and_interval", "readable", "recommend_all", "sanity_check",
]  # fmt: skip
