"""Recommenders with one protocol: fit on a users × items matrix, then recommend top-k items.

:class:`course_utils.models.base.Recommender` documents the protocol.
"""

from course_utils.models.als import ALS
from course_utils.models.base import Recommender
from course_utils.models.baselines import Popularity, Random
from course_utils.models.biased_mf import BiasedMF
from course_utils.models.bpr import BPR
from course_utils.models.content import ContentModel, FactorBridge
from course_utils.models.ease import EASE
from course_utils.models.hybrid import Hybrid
from course_utils.models.knn import ItemKNN
from course_utils.models.two_tower import TwoTower

__all__ = [
    "ALS",
    "BPR",
    "EASE",
    "BiasedMF",
    "ContentModel",
    "FactorBridge",
    "Hybrid",
    "ItemKNN",
    "Popularity",
    "Random",
    "Recommender",
    "TwoTower",
]
