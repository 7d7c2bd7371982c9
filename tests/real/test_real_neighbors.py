"""Popularity, ItemKNN and EASE on real MovieLens: known lists, exact weights, published numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from course_utils.evaluation import evaluate
from course_utils.interactions import Interactions, encode, to_implicit
from course_utils.models import EASE, ItemKNN, Popularity
from course_utils.splits import leave_last_out

# Nearest by the cosine of ratings: Star Wars, Scream, The Fellowship of the Ring.
NEIGHBORS = {
    260: [1196, 1210, 1198, 2571, 1291, 1270, 2628, 1240, 858, 2028],
    1407: [1717, 2710, 1387, 1573, 2115, 3499, 1517, 2502, 1994, 1393],
    4993: [7153, 5952, 6539, 2571, 4306, 2959, 4226, 5349, 3578, 33794],
}
# By the number of positives; (50, 1198), (47, 7153) and (457, 608) have equally many.
MOST_POPULAR = [
    318, 356, 296, 593, 2571, 260, 2959, 527, 1196, 110, 50, 1198, 858, 2858, 589, 1210, 1, 4993,
    480, 2028, 47, 7153, 457, 608,
]  # fmt: skip


@pytest.fixture(scope="module")
def ratings(release) -> pd.DataFrame:
    return release("ml-latest-small").ratings


@pytest.fixture(scope="module")
def positives(ratings: pd.DataFrame) -> Interactions:
    return encode(to_implicit(ratings))


def test_neighbors_by_ratings_are_the_known_ones(ratings: pd.DataFrame) -> None:
    seen = encode(ratings)
    cells = seen.rows_of(ratings["user_id"]), seen.columns_of(ratings["movie_id"])
    stars = sparse.csr_matrix((ratings["rating"], cells), shape=seen.matrix.shape)
    columns = seen.columns_of([*NEIGHBORS])
    ids, scores = ItemKNN(k=50, shrinkage=0).fit(stars).similar_items(columns, N=11)
    assert (ids[:, 0] == columns).all()
    assert seen.items[ids[:, 1:]].tolist() == [*NEIGHBORS.values()]
    dense = stars.toarray()
    lengths = np.linalg.norm(dense, axis=0)
    for column, row, similar in zip(columns, ids, scores, strict=True):
        cosine = dense[:, row].T @ dense[:, column] / (lengths[row] * lengths[column])
        assert similar == pytest.approx(cosine, abs=1e-6)


def test_ease_is_the_closed_form_in_double_precision(positives: Interactions) -> None:
    weights = EASE(l2=250.0).fit(positives.matrix).weights
    # Far fewer users than items, so the same inverse by way of users × users (Woodbury).
    dense = positives.matrix.toarray().astype(np.float64)
    n_users, n_items = dense.shape
    by_user = np.linalg.solve(dense @ dense.T + 250 * np.eye(n_users), dense)
    inverse = (np.eye(n_items) - dense.T @ by_user) / 250
    exact = -inverse / np.diag(inverse)
    np.fill_diagonal(exact, 0)
    assert np.abs(exact).max() > 0.1
    assert np.abs(weights - exact).max() < 1e-6


def test_the_most_popular_and_ties_by_lowest_column(positives: Interactions) -> None:
    model = Popularity().fit(positives.matrix)
    nothing = sparse.csr_matrix((1, len(positives.items)))
    ids, scores = model.recommend(0, nothing, N=len(positives.items))
    assert positives.items[ids[:24]].tolist() == MOST_POPULAR
    counts = np.bincount(positives.matrix.indices)
    assert ids.tolist() == sorted(range(len(counts)), key=lambda item: (-counts[item], item))
    assert (scores == counts[ids]).all()


def test_published_numbers_of_ml_1m(release) -> None:
    split = leave_last_out(release("ml-1m").ratings, n_test=5, n_val=1, min_train=5)
    assert (len(split.train), len(split.val), len(split.test)) == (963_969, 6_040, 30_200)
    train = encode(split.train)
    test = encode(split.test, users=train.users, items=train.items)
    popular, nearest = (
        evaluate(model.fit(train.matrix), train.matrix, test.matrix, progress=False).summary
        for model in (Popularity(), ItemKNN(k=200, shrinkage=0))
    )
    # Their rule for ties in time is not known, and moves the third decimal.
    assert popular["recall@10"] == pytest.approx(0.0524, abs=0.004)
    assert nearest["recall@10"] == pytest.approx(0.0628, abs=0.004)
    assert nearest["ndcg@10"] == pytest.approx(0.0450, abs=0.004)
