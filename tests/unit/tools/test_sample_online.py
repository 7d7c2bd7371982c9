"""The rewards that models earn from the people of the sample."""

import numpy as np
import pytest

from course_utils.models import ItemKNN, Popularity
from course_utils.world import load_world
from tools.sample import online


@pytest.fixture(scope="module")
def world():
    return load_world()


def test_a_ranking_holds_every_film_once_even_those_that_a_model_leaves_out(world):
    for model in (Popularity(), ItemKNN(k=5)):
        ranked = online.ranking(world, model)
        assert (np.sort(ranked, axis=1) == world.items).all()


def test_the_first_of_a_ranking_are_the_models_own(world):
    liked = world.history().query("rating >= 4")["movie_id"].value_counts()
    assert set(online.ranking(world, Popularity())[0, :5]) == set(liked.index[:5])


def test_the_truth_earns_more_than_popularity_and_days_wear_it_out(world):
    best = world.items[np.argsort(-world.utility(world.users), axis=1)].astype(np.int64)
    truth = online.rewards(world, best, days=1, seed=0).mean()
    assert truth > 1.5 * online.rewards(world, online.ranking(world, Popularity()), 1, 0).mean()
    assert online.rewards(world, best, days=4, seed=0).mean() < truth
