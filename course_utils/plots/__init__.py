"""One function per figure of the course. Each draws on a new figure and returns its axes.

The figures have an opaque background, for dark pages, and distinguish by position, label and
lightness, not by color alone, for gray prints.
"""

from course_utils.plots.baselines import (
    because_you_watched,
    matrix_and_similarity,
    weights_beside,
)
from course_utils.plots.data import (
    activity_over_time,
    csr_anatomy,
    long_tail,
    rating_scale,
    ratings_per_user,
)
from course_utils.plots.evaluation import (
    before_and_after,
    exposure_curves,
    how_far_off,
    metric_against_k,
    models_with_intervals,
)
from course_utils.plots.factorization import (
    argument_sweep,
    contribution_bars,
    learning_curves,
    loss_by_iteration,
    rating_parts,
    search_trials,
)
from course_utils.plots.film_map import film_map
from course_utils.plots.hybrids import (
    cosines_in_groups,
    gain_by_history,
    whole_films_held_out,
)
from course_utils.plots.systems import (
    answer_times,
    bytes_moved,
    monthly_bill,
    recall_and_latency,
    seconds_by_size,
)
from course_utils.plots.words import arrows, token_vectors

__all__ = [
    "activity_over_time",
    "answer_times",
    "argument_sweep",
    "arrows",
    "because_you_watched",
    "before_and_after",
    "bytes_moved",
    "contribution_bars",
    "cosines_in_groups",
    "csr_anatomy",
    "exposure_curves",
    "film_map",
    "gain_by_history",
    "how_far_off",
    "learning_curves",
    "long_tail",
    "loss_by_iteration",
    "matrix_and_similarity",
    "metric_against_k",
    "models_with_intervals",
    "monthly_bill",
    "rating_parts",
    "rating_scale",
    "ratings_per_user",
    "recall_and_latency",
    "search_trials",
    "seconds_by_size",
    "token_vectors",
    "weights_beside",
    "whole_films_held_out",
]
