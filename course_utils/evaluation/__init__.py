"""From a model and a split to numbers, with their uncertainty.

:func:`evaluate` measures one model, :func:`compare` lays several side by side, and
:func:`by_activity` asks who is served well. :func:`recommend_all` is the first step alone.
"""

from course_utils.evaluation.comparison import by_activity, compare, readable
from course_utils.evaluation.evaluator import Evaluation, evaluate
from course_utils.evaluation.recommendations import recommend_all

__all__ = ["Evaluation", "by_activity", "compare", "evaluate", "readable", "recommend_all"]
