"""From a model and a split to numbers, with their uncertainty.

:func:`evaluate` measures one model, :func:`compare` lays several side by side, and
:func:`by_activity` asks who is served well. :func:`recommend_all` is the first step alone, and
:func:`sanity_check` asks first whether the numbers can be right at all.
"""

from course_utils.evaluation.comparison import by_activity, compare, readable
from course_utils.evaluation.evaluator import Evaluation, evaluate
from course_utils.evaluation.recommendations import recommend_all
from course_utils.evaluation.sanity import SanityReport, sanity_check

__all__ = [
    "Evaluation",
    "SanityReport",
    "by_activity",
    "compare",
    "evaluate",
    "readable",
    "recommend_all",
    "sanity_check",
]
