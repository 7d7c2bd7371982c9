"""The transposed fit on real MovieLens: hardly better than chance, and sanity_check says why."""

import numpy as np
import pytest

from course_utils.evaluation import evaluate, sanity_check
from course_utils.interactions import Interactions, encode, to_implicit
from course_utils.models import ALS, Popularity
from course_utils.splits import leave_last_out


@pytest.fixture(scope="module", params=["ml-latest-small", "ml-1m"])
def parts(request: pytest.FixtureRequest, release) -> tuple[Interactions, ...]:
    """Return train and test: the last five positives of each user who keeps five."""
    split = leave_last_out(to_implicit(release(request.param).ratings), n_test=5, min_train=5)
    train = encode(split.train)
    return train, encode(split.test, users=train.users, items=train.items)


def test_the_transposed_fit_is_near_chance_and_the_right_one_beats_popularity(parts):
    train, test = parts
    transposed = ALS().fit(train.matrix.T)
    assert sanity_check(transposed, train.matrix, test.matrix).failed == ["shapes"]

    # as the notebook of lesson 07 does: rows of films taken for people, people for films
    rows = np.flatnonzero(np.diff(test.matrix.indptr))
    rows = rows[rows < transposed.n_users][:500]
    n_items = min(transposed.n_items, len(train.items))
    scores = np.full((len(rows), len(train.items)), -np.inf)
    scores[:, :n_items] = transposed.user_factors[rows] @ transposed.item_factors[:n_items].T
    scores[train.matrix[rows].nonzero()] = -np.inf
    ids = np.argsort(-scores, axis=1)[:, :10]
    relevant = test.matrix[rows].toarray()
    found = (np.take_along_axis(relevant, ids, axis=1).sum(axis=1) / relevant.sum(axis=1)).mean()
    popular = evaluate(
        Popularity().fit(train.matrix), train.matrix, test.matrix, users=rows, progress=False
    )
    assert found < popular.summary["recall@10"] / 5

    right = sanity_check(ALS().fit(train.matrix), train.matrix, test.matrix)
    assert right.failed == []
