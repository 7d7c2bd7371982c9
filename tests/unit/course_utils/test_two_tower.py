"""TwoTower: its loss by hand, what logQ changes, no leak of the positive, cold films served."""

import numpy as np
import pytest
import torch
from model_cases import same, some_matrix
from scipy import sparse

from course_utils.errors import CourseError, DataError
from course_utils.models import TwoTower, two_tower
from course_utils.models.two_tower import in_batch_softmax
from course_utils.text import Embeddings

VECTORS = np.random.default_rng(4).normal(size=(40, 5)).astype(np.float32)


def small(**arguments):
    return TwoTower(VECTORS, **({"factors": 4, "epochs": 2, "batch_size": 32} | arguments))


def test_the_loss_of_a_batch_by_hand():
    users, items = np.array([[1.0, 0], [0, 2], [1, 1]]), np.array([[2.0, 0], [0, 1], [1, 0]])
    log_q = np.log([0.5, 0.3, 0.2])
    for temperature, minus in ((1.0, None), (0.5, None), (2.0, log_q)):
        total = 0.0
        for b in range(3):
            scores = [users[b] @ v / temperature for v in items]
            if minus is not None:
                scores = [s - q for s, q in zip(scores, minus, strict=True)]
            total -= np.log(np.exp(scores[b]) / sum(np.exp(s) for s in scores))
        given = None if minus is None else torch.tensor(minus)
        found = in_batch_softmax(torch.tensor(users), torch.tensor(items), temperature, given)
        assert float(found) == pytest.approx(total / 3)
    first = in_batch_softmax(torch.eye(2), torch.eye(2))  # log(1 + 1/e) for either row
    assert float(first) == pytest.approx(np.log(1 + np.exp(-1)))


@pytest.mark.parametrize("corrected", [True, False])
def test_logq_turns_the_optimum_from_pmi_into_probabilities(corrected):
    """Free scores of two users and three items, trained on a batch of the exact proportions."""
    counts = np.array([[6, 3, 1], [2, 2, 6]])
    user, item = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    log_share = np.log(counts.sum(axis=0) / counts.sum())
    table = torch.zeros((2, 3), dtype=torch.float64, requires_grad=True)
    one_hot = torch.eye(3, dtype=torch.float64)[item]
    log_q = torch.tensor(log_share[item]) if corrected else None
    optimizer = torch.optim.LBFGS([table], max_iter=200, tolerance_grad=1e-10)

    def closure():
        optimizer.zero_grad()
        loss = in_batch_softmax(table[user], one_hot, log_q=log_q)
        loss.backward()
        return loss

    optimizer.step(closure)
    log_p = np.log(counts / counts.sum(axis=1, keepdims=True))  # log p(i | u)
    expected = log_p if corrected else log_p - log_share
    scores = table.detach().numpy()
    np.testing.assert_allclose(
        scores - scores[:, :1], expected - expected[:, :1], atol=1e-4
    )  # up to a constant of each user


def test_the_positive_is_not_in_the_history_it_is_predicted_from():
    likes = some_matrix()
    rows, columns = (index[::3] for index in likes.nonzero())
    items = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32)
    found = two_tower._users_without(
        likes, rows, torch.from_numpy(columns.astype(np.int64)), torch.from_numpy(items)
    )
    for row, column, vector in zip(rows, columns, found.numpy(), strict=True):
        others = [j for j in likes[row].indices if j != column]
        if others:
            expected = items[others].sum(axis=0) / len(others) ** 0.5
            np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_users_and_items_by_hand():
    matrix = some_matrix()
    model = small().fit(matrix)
    mine = matrix[3].indices
    user = model.item_factors[mine].sum(axis=0) / len(mine) ** 0.5
    scores = model.item_factors @ user
    scores[mine] = -np.inf
    ids, found = model.recommend(3, matrix[3], N=5)
    assert ids.tolist() == np.argsort(-scores, kind="stable")[:5].tolist()
    np.testing.assert_allclose(found, scores[ids], rtol=1e-5)
    assert same(model.recommend(999, matrix[3], N=5), (ids, found))  # a newcomer with that history
    nobody = sparse.csr_matrix((1, 40), dtype=np.float32)
    assert (model.recommend(0, nobody, N=3)[0] == -1).all()
    fives = matrix * 5  # a positive is a positive
    assert same(model.recommend(3, fives[3], N=5), (ids, found))


def test_a_seed_gives_the_same_factors_whatever_torch_was_seeded_with():
    matrix = some_matrix()
    before = small().fit(matrix).item_factors
    torch.manual_seed(7)
    state = torch.get_rng_state()
    assert (small().fit(matrix).item_factors == before).all()
    assert (torch.get_rng_state() == state).all()
    assert not (small(seed=1).fit(matrix).item_factors == before).any()
    assert not (small(logq=False).fit(matrix).item_factors == before).all()


def test_films_without_likes_are_served_from_their_text():
    rng = np.random.default_rng(0)
    kind = np.arange(40) % 2  # films of two kinds, and users who like one of them
    vectors = np.column_stack([np.where(kind, 1.0, -1.0), 0.1 * rng.normal(size=40)])
    has = (np.arange(60)[:, None] % 2 == kind) & (rng.random((60, 40)) < 0.6)
    cold = np.array([0, 1, 2, 3])
    has[:, cold] = False
    matrix = sparse.csr_matrix(has.astype(np.float32))
    model = TwoTower(vectors, factors=4, epochs=20, batch_size=64).fit(matrix)
    ids, _ = model.recommend([0, 1], matrix[:2], N=2, items=cold)
    assert [set(row) for row in ids.tolist()] == [{0, 2}, {1, 3}]
    neighbors, _ = model.similar_items(cold, N=4)
    assert (kind[neighbors] == kind[cold][:, None]).all()
    aligned = Embeddings(vectors[::-1].astype(np.float32), np.arange(40, dtype=np.int32)[::-1])
    other = TwoTower(aligned, np.arange(40), factors=4, epochs=20, batch_size=64).fit(matrix)
    np.testing.assert_allclose(other.item_factors, model.item_factors, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"factors": 0}, "factors must be an integer of at least 1"),
        ({"epochs": 1.5}, "epochs must be"),
        ({"batch_size": -1}, "batch_size must be"),
        ({"batch_size": 1}, "batch_size must be an integer of at least 2"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"temperature": -1.0}, "temperature must be"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, why):
    with pytest.raises(DataError, match=why):
        small(**arguments)


def test_what_cannot_be_fitted_says_why(monkeypatch):
    with pytest.raises(DataError, match="embeddings of 40 films, and the matrix has 41"):
        small().fit(some_matrix(n_items=41))
    with pytest.raises(DataError, match="No user has two items"):
        small().fit(sparse.csr_matrix(np.eye(40, dtype=np.float32)))
    monkeypatch.setattr(two_tower.util, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match="needs PyTorch"):
        small().fit(some_matrix())


def test_users_with_a_single_like_teach_nothing():
    matrix = some_matrix().tolil()
    matrix[0] = 0
    matrix[0, 5] = 1
    with np.errstate(all="raise"):
        assert np.isfinite(small().fit(matrix.tocsr()).item_factors).all()


def test_a_film_that_only_users_of_one_like_have_is_served_from_its_text():
    matrix = some_matrix().tolil()
    matrix[:, 5] = 0
    matrix[0] = 0
    matrix[0, 5] = 1
    vectors = VECTORS.copy()
    vectors[6] = vectors[5]
    matrix[:, 6] = 0
    factors = TwoTower(vectors, factors=4, epochs=2).fit(matrix.tocsr()).item_factors
    np.testing.assert_allclose(factors[5], factors[6], rtol=1e-6)


def test_a_cold_film_without_known_words_is_not_recommended():
    matrix = some_matrix().tolil()
    matrix[:, 7] = 0
    matrix = matrix.tocsr()
    vectors = VECTORS.copy()
    vectors[7] = 0
    model = TwoTower(vectors, factors=4, epochs=2).fit(matrix)
    assert (model.recommend([0, 1], matrix[:2], N=1, items=[7])[0] == -1).all()


def test_training_that_diverges_says_so_and_any_seed_is_taken():
    with pytest.raises(DataError, match="Training diverged"):
        small(learning_rate=1e30).fit(some_matrix())
    assert np.isfinite(small(seed=2**64).fit(some_matrix()).item_factors).all()
