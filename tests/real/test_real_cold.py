"""Whole films held out of real ml-latest-small, and who can recommend them."""

import numpy as np
import pytest

from course_utils import metrics
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS, ContentModel, ItemKNN, Random
from course_utils.splits import cold_item_split
from course_utils.text import Embeddings, encode_texts, movie_texts


@pytest.fixture(scope="module")
def ml(release):
    return release("ml-latest-small")


def test_only_words_reach_films_that_nobody_has(ml):
    positives = to_implicit(ml.ratings)
    split = cold_item_split(positives, 0.2, seed=42)
    assert (split.test["movie_id"].nunique(), len(split.test)) == (1_259, 9_606)
    items = np.unique(positives["movie_id"])
    train = encode(split.train, items=items)
    test = encode(split.test, users=train.users, items=items)
    cold = train.columns_of(np.unique(split.test["movie_id"]))
    rows = np.flatnonzero(np.diff(test.matrix.indptr))

    def lists(model):
        history = train.matrix[rows]
        return model.fit(train.matrix).recommend(rows, history, N=10, items=cold)[0]

    for model in (ItemKNN(k=50, shrinkage=0), ALS(16, iterations=3)):
        assert (lists(model) == -1).all()
    films = Embeddings(encode_texts(movie_texts(ml.movies), "tfidf"), ml.movies["movie_id"])
    words, chance = (
        metrics.recall(lists(model), test.matrix[rows], k=10).mean()
        for model in (ContentModel(films, items), Random())
    )
    assert chance == pytest.approx(10 / len(cold), rel=0.5)
    assert words > 3 * chance
