"""The k best items of each row: ties, padding, and the same ids from NumPy and torch."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from course_utils.errors import DataError
from course_utils.ranking import dot_product_factors, top_k, top_k_of_factors

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
BACKENDS = ["numpy", pytest.param("torch", marks=needs_torch)]


def plainly(scores, k):
    """Sort everything, the simple way."""
    ids = np.full((len(scores), k), -1)
    for row, of_row in enumerate(scores):
        order = sorted(range(len(of_row)), key=lambda item: (-of_row[item], item))
        best = [item for item in order if of_row[item] > -np.inf][:k]
        ids[row, : len(best)] = best
    return ids


def test_by_hand():
    ids, best = top_k([[0.1, 0.9, 0.5, 0.9], [-np.inf, 3, -np.inf, -np.inf]], k=3)
    assert ids.tolist() == [[1, 3, 2], [1, -1, -1]]
    assert best.tolist() == [[0.9, 0.9, 0.5], [3, -np.inf, -np.inf]]
    assert ids.dtype == np.int32


few_values = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, float(np.finfo("f4").min)])
shapes = st.tuples(st.integers(0, 4), st.integers(0, 90))


@given(npst.arrays(np.float32, shapes, elements=few_values), st.integers(1, 100))
def test_ties_and_padding_as_by_sorting_everything(scores, k):
    ids, best = top_k(scores, k)
    assert ids.tolist() == plainly(scores, k).tolist()
    there = ids >= 0
    rows = np.nonzero(there)[0]
    assert best[there].tolist() == scores[rows, ids[there]].tolist()
    assert (best[~there] == -np.inf).all()


@pytest.mark.parametrize("k", [1, 7, 10, 60, 700])
@pytest.mark.parametrize("n_values", [1, 40, 10**6])
def test_many_items(k, n_values):
    rng = np.random.default_rng(k)
    scores = rng.integers(0, n_values, (20, 701)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.3] = -np.inf
    assert (top_k(scores, k)[0] == plainly(scores, k)).all()


def test_blocks_of_rows_make_no_difference(monkeypatch):
    scores = np.random.default_rng(0).integers(0, 5, (50, 30))
    whole = top_k(scores, 4)[0]
    monkeypatch.setattr("course_utils.ranking.BLOCK", 70)
    assert (top_k(scores, 4)[0] == whole).all()


@pytest.mark.parametrize("place", [(3, 0), (3, 640), (3, 656)])  # first, grouped, left over
def test_nan_is_refused_wherever_it_stands(place):
    scores = np.zeros((5, 657), dtype=np.float32)
    scores[place] = np.nan
    with pytest.raises(DataError, match="A score of row 3 is NaN"):
        top_k(scores, 2)


@pytest.mark.parametrize("scores", [[1, 2], [["a"]], [[[1.0]]]])
def test_scores_must_be_a_table(scores):
    with pytest.raises(DataError, match="must be a table of numbers, users × items"):
        top_k(scores, 1)


def factors(seed, n_users=60, n_items=500, d=8):
    rng = np.random.default_rng(seed)
    # Small integers: sums are exact in any order, and many scores tie.
    users, items = (rng.integers(-2, 3, (n, d)).astype(np.float32) for n in (n_users, n_items))
    return users, items, sparse.random(n_users, n_items, 0.2, "csr", dtype="f4", rng=rng)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [None, 7, 60, 1000])
@pytest.mark.parametrize("threads", [1, 3])
def test_factors_as_by_sorting_everything(backend, batch, threads):
    users, items, seen = factors(1)
    scores = users @ items.T
    scores[seen.nonzero()] = -np.inf
    ids = top_k_of_factors(users, items, seen, 10, batch=batch, backend=backend, threads=threads)
    assert (ids == plainly(scores, 10)).all()
    assert ids.dtype == np.int32


@pytest.mark.parametrize("backend", BACKENDS)
def test_when_all_scores_tie_the_first_unseen_items_win(backend):
    seen = sparse.csr_matrix(np.array([[1, 0, 0, 1, 0, 0], [0] * 6, [1] * 6, [1, 1, 1, 1, 1, 0]]))
    ones, items = np.ones((4, 2)), np.ones((6, 2))
    ids = top_k_of_factors(ones, items, seen, 3, backend=backend)
    assert ids.tolist() == [[1, 2, 4], [0, 1, 2], [-1, -1, -1], [5, -1, -1]]


@needs_torch
@pytest.mark.parametrize("seed", range(5))
def test_torch_and_numpy_give_the_same_ids(seed):
    rng = np.random.default_rng(seed)
    users, items, seen = factors(seed)
    if seed:  # real numbers in double precision: no two scores are as close as a rounding
        users, items = (rng.normal(size=array.shape) for array in (users, items))
    ids = [top_k_of_factors(users, items, seen, 20, backend=name) for name in ("numpy", "torch")]
    assert (ids[0] == ids[1]).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_nan_in_the_factors_is_refused(backend):
    users, items, seen = factors(2)
    users[41, 3] = np.nan
    with pytest.raises(DataError, match="A score of row 41 is NaN"):
        top_k_of_factors(users, items, seen, 10, batch=20, backend=backend)


def test_torch_is_not_imported_to_look_for_a_gpu():
    code = (
        "import sys, numpy as np; from scipy import sparse; from course_utils import ranking\n"
        "ranking.LARGE = 0\n"
        "ranking.top_k_of_factors(np.ones((2, 1)), np.ones((3, 1)), sparse.csr_matrix((2, 3)), 1)\n"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_progress_counts_the_users():
    users, items, seen = factors(3)
    done = []
    top_k_of_factors(users, items, seen, 5, batch=25, progress=done.append)
    assert done == [25, 25, 10]


def test_unknown_backend():
    users, items, seen = factors(4)
    with pytest.raises(DataError, match="backend must be one of 'auto', 'numpy', 'torch'"):
        top_k_of_factors(users, items, seen, 5, backend="jax")


class WithBiases:
    """Has factors, but they are not all there is to its scores."""

    user_factors, item_factors = np.ones((2, 1)), np.ones((3, 1))

    def recommend(self, userids, user_items, N=10): ...


def test_factors_are_used_only_where_they_are_known_to_be_the_scores():
    assert dot_product_factors(WithBiases()) is None
    model = WithBiases()
    model.scores_are_dot_products = True
    assert [len(array) for array in dot_product_factors(model)] == [2, 3]
    assert dot_product_factors("anything") is None
