"""Any release of MovieLens as the same tidy tables.

>>> from course_utils.datasets import load_movielens
>>> ml = load_movielens("sample")
>>> list(ml.ratings.columns)
['user_id', 'movie_id', 'rating', 'timestamp']
"""

from course_utils.datasets.loader import MovieLens, describe, load_movielens, requested_name
from course_utils.datasets.releases import RELEASES, Release

__all__ = ["RELEASES", "MovieLens", "Release", "describe", "load_movielens", "requested_name"]
