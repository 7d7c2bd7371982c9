"""One function per figure of the course. Each draws on a new figure and returns its axes.

The figures have an opaque background, so that they read on a dark page, and they tell things
apart by position, label and lightness, so that they read in gray.
"""

from course_utils.plots.data import (
    activity_over_time,
    csr_anatomy,
    long_tail,
    memory_of,
    rating_scale,
    ratings_per_user,
)
from course_utils.plots.evaluation import (
    exposure_curves,
    metric_against_k,
    models_in_a_plane,
    models_with_intervals,
)

__all__ = [
    "activity_over_time",
    "csr_anatomy",
    "exposure_curves",
    "long_tail",
    "memory_of",
    "metric_against_k",
    "models_in_a_plane",
    "models_with_intervals",
    "rating_scale",
    "ratings_per_user",
]
