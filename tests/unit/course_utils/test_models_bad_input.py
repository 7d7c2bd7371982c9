"""Whatever goes wrong with a model is told in one clear sentence, before anything is computed."""

import numpy as np
import pandas as pd
import pytest
from model_cases import MODELS, some_matrix
from scipy import sparse

from course_utils.errors import DataError
from course_utils.interactions import encode
from course_utils.models import EASE, ItemKNN, Popularity, Random, Recommender

every_model = pytest.mark.parametrize("name", MODELS)


def with_value(value):
    matrix = some_matrix().astype(np.float64)
    matrix.data[5] = value
    return matrix


NOT_TO_FIT = {
    "is no sparse matrix": (np.ones((2, 3)), "must be a sparse matrix, and is ndarray"),
    "is a table": (pd.DataFrame([[1.0]]), "must be a sparse matrix, and is DataFrame"),
    "holds NaN": (with_value(np.nan), "The matrix to fit holds NaN"),
    "holds infinity": (with_value(np.inf), "holds infinity, or a number beyond float32"),
    "is too large": (with_value(1e200), "holds infinity, or a number beyond float32"),
    "is complex": (some_matrix().astype(complex), "must hold real numbers, and holds complex"),
    "has no user": (sparse.csr_matrix((0, 3)), "has 0 users × 3 items"),
    "has no item": (sparse.csr_matrix((3, 0)), "has 3 users × 0 items"),
    "holds nothing": (sparse.csr_matrix((3, 2)), "3 users × 2 items, holds nothing but zeros"),
}


@every_model
@pytest.mark.parametrize("case", NOT_TO_FIT)
def test_a_matrix_that(name, case):
    matrix, message = NOT_TO_FIT[case]
    with pytest.raises(DataError, match=message):
        MODELS[name]().fit(matrix)


@every_model
def test_interactions_are_not_their_matrix(name):
    train = encode(pd.DataFrame({"user_id": [1, 1], "movie_id": [7, 9]}))
    with pytest.raises(DataError, match=r"give its matrix: train\.matrix"):
        MODELS[name]().fit(train)
    model = MODELS[name]().fit(train.matrix)
    with pytest.raises(DataError, match="`user_items` is an Interactions object"):
        model.recommend(0, train)


@every_model
def test_not_fitted(name):
    matrix, model = some_matrix(), MODELS[name]()
    for ask in (lambda: model.recommend(0, matrix[0]), lambda: model.similar_items(0)):
        with pytest.raises(DataError, match=r"is not fitted; call model\.fit"):
            ask()


@every_model
def test_a_fit_that_failed_leaves_no_half_a_model(name, monkeypatch):
    matrix, model = some_matrix(), MODELS[name]()
    model.fit(matrix)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "_fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(matrix)
    with pytest.raises(DataError, match="is not fitted"):
        model.recommend(0, matrix[0])


MATRIX = some_matrix()
BAD_QUESTIONS = {
    "transposed": (([0], MATRIX.T.tocsr()[:1]), {}, "one of them is items × users, so transpose"),
    "other columns": (([0], MATRIX[:1, :9]), {}, "has 9 columns, and the model was fitted on 30 "),
    "all rows": ((3, MATRIX), {}, r"has 30 rows for 1 users; .* user_items\[userids\]"),
    "too few rows": (([3, 4], MATRIX[3]), {}, "has 1 rows for 2 users"),
    "dense": (([3], MATRIX[3].toarray()), {}, "`user_items` must be a sparse matrix"),
    "NaN": (([0], MATRIX[0] * np.nan), {}, "`user_items` holds NaN"),
    "negative": (([3, -1], MATRIX[:2]), {}, "`userids` holds -1, but rows are counted from 0"),
    "fractions": (([0.5], MATRIX[:1]), {}, "`userids` must be one integer or a list"),
    "a table": (([[0]], MATRIX[:1]), {}, "`userids` must be one integer or a list"),
    "a yes": ((True, MATRIX[0]), {}, "`userids` must be one integer or a list"),
    "N = 0": (([0], MATRIX[:1]), {"N": 0}, "N must be an integer of at least 1, and is 0"),
    "N = 2.5": (([0], MATRIX[:1]), {"N": 2.5}, "N must be an integer of at least 1"),
    "items": (([0], MATRIX[:1]), {"items": [3, 40]}, "`items` holds 40, .* from 0 to 39"),
    "filter": (([0], MATRIX[:1]), {"filter_items": -2}, "`filter_items` holds -2"),
    "names": (([0], MATRIX[:1]), {"items": ["Heat"]}, "`items` must be one integer or a list"),
}


@every_model
@pytest.mark.parametrize("case", BAD_QUESTIONS)
def test_a_question_that_cannot_be_answered(name, case):
    given, options, message = BAD_QUESTIONS[case]
    with pytest.raises(DataError, match=message):
        MODELS[name]().fit(MATRIX).recommend(*given, **options)


def test_a_model_fitted_on_items_and_users_is_found_out_by_the_first_question():
    model = ItemKNN().fit(MATRIX.T)
    with pytest.raises(DataError, match="has 40 columns, and the model was fitted on 40 users × "):
        model.recommend(0, MATRIX[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ItemKNN(k=0), "k must be an integer of at least 1"),
        (lambda: ItemKNN(k=True), "k must be an integer of at least 1"),
        (lambda: ItemKNN(shrinkage=-1), "shrinkage must be a number of at least 0, and is -1"),
        (lambda: ItemKNN(shrinkage="much"), "shrinkage must be a number of at least 0"),
        (lambda: EASE(l2=0), "l2 must be a number above 0, and is 0"),
        (lambda: EASE(l2=np.nan), "l2 must be a number above 0, and is nan"),
        (lambda: EASE(l2=np.inf), "l2 must be a number above 0"),
        (lambda: Popularity(half_life=0), "half_life must be a number above 0"),
        (lambda: Random(seed=-1), "seed must be an integer of at least 0, and is -1"),
        (lambda: Random(seed=None), "seed must be an integer of at least 0, and is None"),
    ],
)
def test_arguments_are_checked_when_the_model_is_made(make, message):
    with pytest.raises(DataError, match=message):
        make()


@pytest.mark.parametrize("make", [ItemKNN, EASE])
def test_similar_items_and_explanations_need_columns(make):
    model = make().fit(MATRIX)
    with pytest.raises(DataError, match="`itemid` holds 40, but columns are counted from 0 to 39"):
        model.similar_items([0, 40])
    with pytest.raises(DataError, match="N must be an integer"):
        model.similar_items(0, N=-1)
    with pytest.raises(DataError, match="`itemid` holds -1"):
        model.explain(0, MATRIX[0], -1)
    with pytest.raises(DataError, match="has 2 rows for 1 users"):
        model.explain(0, MATRIX[:2], 3)
    with pytest.raises(DataError, match="takes one user and one item"):
        model.explain(0, MATRIX[0], [3, 4])


@pytest.mark.parametrize("make", [Random, Popularity])
def test_who_knows_no_similarity_says_so(make):
    with pytest.raises(DataError, match=f"{make.__name__} knows no similarity between items"):
        make().fit(MATRIX).similar_items(0)


@pytest.mark.parametrize("make", [Random, Popularity])
def test_who_cannot_explain_a_score_says_so(make):
    with pytest.raises(DataError, match=f"{make.__name__} cannot explain a score: it is no sum"):
        make().fit(MATRIX).explain(0, MATRIX[0], 3)
    with pytest.raises(DataError, match="is not fitted"):
        make().explain(0, MATRIX[0], 3)


@pytest.mark.parametrize("make", [ItemKNN, EASE])
def test_what_will_not_fit_into_memory_is_refused_before_it_is_made(make, monkeypatch):
    monkeypatch.setattr("course_utils.models.knn.available_bytes", lambda: 2 * 10**9)
    huge = sparse.csr_matrix(([1.0, 1.0], ([0, 1], [0, 87_584])), shape=(2, 87_585))
    needed, kept = ("34.94", "20,555") if make is ItemKNN else ("34.52", "21,079")
    message = f"{make.__name__} on 87,585 items needs {needed} GB, .* 2.00 GB free; keep the {kept}"
    with pytest.raises(DataError, match=message):
        (ItemKNN(k=200) if make is ItemKNN else EASE()).fit(huge)


def test_where_nobody_says_how_much_memory_is_free_nothing_is_refused(monkeypatch):
    monkeypatch.setattr("course_utils.models.knn.available_bytes", lambda: None)
    assert EASE().fit(MATRIX).n_items == 40


@pytest.mark.parametrize("shape", [(4000, 2), (2, 4000)])
def test_ease_says_when_single_precision_is_not_enough(shape):
    twins = sparse.csr_matrix(np.ones(shape))
    with pytest.raises(DataError, match="With l2=1e-15 the items depend on each other too much"):
        EASE(l2=1e-15).fit(twins)


def test_a_model_must_say_how_it_scores():
    class Silent(Recommender):
        pass

    with pytest.raises(NotImplementedError):
        Silent().fit(MATRIX)
