"""What evaluate refuses, and the one sentence that it says."""

import numpy as np
import pytest
from evaluation_models import Factors, Lists, Scores, quietly_fit
from scipy import sparse

from course_utils.errors import DataError
from course_utils.evaluation import evaluate, recommend_all

TRAIN = sparse.csr_matrix([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
TEST = sparse.csr_matrix([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
GOOD = Scores(np.ones((3, 4)))


def refused(sentence, model=GOOD, train=TRAIN, test=TEST, k=2, **options):
    with pytest.raises(DataError) as caught:
        evaluate(model, train, test, k, **options)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_good_case_is_good():
    evaluate(GOOD, TRAIN, TEST, 2)


def test_users_and_items_swapped():
    refused("(3, 4) and the test matrix (4, 3)", test=TEST.T)
    refused("one of them is items × users, so transpose it", train=TRAIN.T)
    model = Factors(np.ones((3, 2)), np.ones((4, 2)))
    refused(
        "The model was fitted on 3 users × 4 items, and the training matrix is 4 × 3: users and "
        "items are swapped.", model, TRAIN.T, TEST.T,
    )  # fmt: skip


def test_neighbors_fitted_on_the_transpose():
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(K=2, num_threads=1)
    quietly_fit(model, sparse.csr_matrix(TRAIN.T))
    refused("fitted on 3 items, and the training matrix is 3 users × 4 items", model)
    refused("users and items are swapped", model)


def test_other_shapes():
    wider = sparse.csr_matrix((3, 5))
    refused("encode(test, users=train.users, items=train.items) gives them the same", test=wider)
    model = Factors(np.ones((9, 2)), np.ones((4, 2)))
    refused("fitted on 9 users × 4 items, and the training matrix is 3 × 4: fit it on the", model)
    refused("`genres` must have one row for each of the 4 items", genres=sparse.csr_matrix((3, 2)))
    refused("`vectors` must have one row for each of the 4 items", vectors=np.ones(4))


@pytest.mark.parametrize("k", [0, -3, 2.5, "10", None, True, (10, 0)])
def test_cutoffs(k):
    refused("must be an integer of at least 1, and is ", k=k)


def test_no_cutoff():
    refused("There is no cut-off k", k=())


def test_matrices_that_are_none():
    refused("The training matrix must be a sparse matrix, and is ndarray", train=TRAIN.toarray())
    refused("The test matrix must be a sparse matrix", test=[[1]])
    refused("The test matrix holds NaN", test=sparse.csr_matrix([[np.nan, 0, 0, 0]] * 3))


def test_an_empty_test_set():
    refused("The test set is empty: no user has anything in it", test=sparse.csr_matrix((3, 4)))
    refused(
        "None of the users to evaluate has anything in the test set.",
        test=sparse.csr_matrix([[0, 1, 0, 0], [0] * 4, [0] * 4]), users=[1, 2],
    )  # fmt: skip


def test_unknown_users():
    refused("`users` holds 3, but rows are counted from 0 to 2", users=[0, 3])
    refused("`users` holds -1", users=[-1])
    refused(
        "`users` must be one integer or a list of them",
        users=[0.5],
    )
    refused("`users` must be one integer or a list", users=np.array([True, False, True]))


def test_unknown_choices():
    refused("denominator must be one of 'relevant', 'min', not 'k'", denominator="k")
    refused("missing_users must be one of 'zero', 'skip'", missing_users="drop")
    refused("batch must be an integer of at least 1", batch=0)


def test_scores_of_nan():
    scores = [[0.5, 0.1], [np.nan, 0.2], [0.5, 0.1]]
    refused("The score of item 2 for user row 1 is NaN", Lists([[1, 2], [2, 3], [0, 1]], scores))
    users = np.array([[1.0], [1.0], [np.nan]])
    refused("A score of row 2 is NaN", Factors(users, np.ones((4, 1))))


@pytest.mark.parametrize("item", [4, 2**40, -2])
def test_items_out_of_range(item):
    model = Lists([[1, 2], [2, item], [0, 1]])
    refused(f"recommends item {item} to user row 1, but items are columns from 0 to 3", model)


def test_an_item_twice():
    refused("recommends item 3 twice to user row 1", Lists([[1, 2], [3, 3], [0, 1]]))


def test_models_that_are_none():
    refused("str has no method recommend(userids, user_items, N=10).", "ALS")
    refused("Scores is a class, not a model; make one and fit it", Scores)


def test_models_that_are_not_fitted():
    from implicit.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import CosineRecommender
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        model = AlternatingLeastSquares()
    refused("AlternatingLeastSquares is not fitted; call model.fit(train) first.", model)
    refused("CosineRecommender is not fitted; call model.fit(train) first.", CosineRecommender())


class Answers:
    def __init__(self, answer):
        self.answer = answer

    def recommend(self, userids, user_items, N=10):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (np.zeros((3, 2)), "and returned ndarray."),
        (None, "and returned NoneType."),
        ((np.zeros(2), np.zeros(2)), "for 3 users it returned the shapes (2,) and (2,)."),
        ((np.zeros((3, 2)), np.zeros((3, 1))), "it returned the shapes (3, 2) and (3, 1)."),
        ((np.zeros((1, 2)), np.zeros((1, 2))), "it returned the shapes (1, 2) and (1, 2)."),
        ((np.zeros((3, 2)), np.zeros((3, 2))), "its ids are float64, its scores float64."),
    ],
)
def test_answers_that_are_none(answer, complaint):
    refused("Answers.recommend must return two arrays, ids and scores", Answers(answer))
    refused(complaint, Answers(answer))


def test_recommend_all_refuses_the_same():
    with pytest.raises(DataError, match="k must be an integer of at least 1, and is 0"):
        recommend_all(GOOD, TRAIN, k=0)
    with pytest.raises(DataError, match="`users` holds 7"):
        recommend_all(GOOD, TRAIN, users=[7])


@pytest.mark.parametrize(
    ("lists", "sentence"),
    [
        ([[0, 1], [1, 2]], "2 lists of recommendations, but the matrix has 3 rows and 4 columns"),
        ([[0], [4], [1]], "user row 1 holds item 4, but items are columns from 0 to 3"),
        ([[0, 1], [2, 3], [3, 3]], "user row 2 holds item 3 twice"),
        ([0, 1, 2], "must be a table of shape (users, ranks), and have the shape (3,)"),
        ([[0.5]] * 3, "must be integers, columns of the items, and are float64"),
    ],
)
def test_lists_that_are_invalid(lists, sentence):
    with pytest.raises(DataError) as caught:
        evaluate(lists, TRAIN, TEST)
    assert sentence in str(caught.value)
