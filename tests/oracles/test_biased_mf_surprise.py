"""scikit-surprise: its baseline, found by alternating least squares, has the same minimum."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from course_utils.datasets import load_movielens
from course_utils.models import BiasedMF

pytest.importorskip("torch", reason="torch is not installed")
surprise = pytest.importorskip("surprise", reason="scikit-surprise is not installed")


def theirs(pairs, mean, algorithm):
    """Fit Surprise's algorithm around a given mean: its own is that of the ratings."""
    table = pd.DataFrame({"user": pairs.row, "item": pairs.col, "stars": pairs.data})
    data = surprise.Dataset.load_from_df(table, surprise.Reader(rating_scale=(1, 5)))
    train = data.build_full_trainset()
    train._global_mean = mean
    return algorithm.fit(train)


@pytest.mark.parametrize(("l2_users", "l2_items"), [(15.0, 10.0), (2.0, 30.0)])
def test_the_biases_are_those_of_surprises_baseline(l2_users, l2_items):
    ratings = load_movielens("sample").ratings.iloc[::10]
    users, items = (pd.factorize(ratings[name])[0] for name in ("user_id", "movie_id"))
    matrix = sparse.csr_matrix((ratings["rating"], (users, items)))
    options = {"method": "als", "reg_u": l2_users, "reg_i": l2_items, "n_epochs": 200}
    model = BiasedMF(
        factors=0,
        l2_biases=(l2_users, l2_items),
        batch_size=matrix.nnz,
        epochs=2000,
        learning_rate=0.005,
    ).fit(matrix)
    baseline = theirs(
        matrix.tocoo(),
        float(model.module.mean.detach()),
        surprise.BaselineOnly(bsl_options=options, verbose=False),
    )

    rng = np.random.default_rng(0)
    rows, columns = (rng.integers(0, n, 2000) for n in matrix.shape)
    expected = [
        baseline.predict(u, i).est for u, i in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    assert np.std(expected) > 0.3
    # Near the minimum, a step of Adam still moves some predictions by 0.001.
    assert model.predict(rows, columns) == pytest.approx(expected, abs=3e-3)
