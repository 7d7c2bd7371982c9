"""Recommenders, all to one protocol: fit on users × items, then ask for the N best of each user.

See :class:`course_utils.models.base.Recommender` for what every one of them does.
"""

from course_utils.models.als import ALS
from course_utils.models.base import Recommender
from course_utils.models.biased_mf import BiasedMF
from course_utils.models.bridge import FactorBridge
from course_utils.models.chance import Random
from course_utils.models.content import ContentModel
from course_utils.models.ease import EASE
from course_utils.models.hybrid import Hybrid
from course_utils.models.knn import ItemKNN
from course_utils.models.popularity import Popularity

__all__ = [
    "ALS",
    "EASE",
    "BiasedMF",
    "ContentModel",
    "FactorBridge",
    "Hybrid",
    "ItemKNN",
    "Popularity",
    "Random",
    "Recommender",
]
