"""From a model and a split to metrics, with their uncertainty.

:func:`evaluate` measures one model, :func:`metrics_of_lists` measures given lists, and
:func:`recommend_all` returns the lists of a model. :func:`compare` puts several models side by
side, :func:`by_activity` groups the users of one evaluation, :func:`readable` formats both, and
:func:`mean_and_interval` is their bootstrap. :func:`sanity_check` finds mistakes in an evaluation.
"""

from course_utils.evaluation.comparison import by_activity, compare, mean_and_interval, readable
from course_utils.evaluation.evaluator import Evaluation, evaluate, metrics_of_lists, recommend_all
from course_utils.evaluation.sanity import SanityReport, sanity_check

__all__ = [
    "Evaluation", "SanityReport", "by_activity", "compare", "evaluate", "mean_and_interval",
    "metrics_of_lists", "readable", "recommend_all", "sanity_check",
]  # fmt: skip
