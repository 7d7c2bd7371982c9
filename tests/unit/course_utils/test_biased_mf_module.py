"""The PyTorch module and its training loop: gradients by hand, mini-batches, early stopping."""

import io

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch.nn import functional as F  # noqa: E402 - there may be no torch

from course_utils.models import biased_mf_module as parts  # noqa: E402
from course_utils.models.biased_mf_module import (  # noqa: E402
    BiasedMFModule,
    Ratings,
    as_tensors,
    batches,
    rmse,
    train,
)

NAMES = ("user_bias", "item_bias", "user_factors", "item_factors")


def toy():
    """Return 2 users × 3 items with round numbers, and three ratings, two of one user."""
    module = BiasedMFModule(2, 3, factors=2, mean=3.0)
    with torch.no_grad():
        module.user_bias[:] = torch.tensor([0.5, -1.0])
        module.item_bias[:] = torch.tensor([1.0, 0.0, -0.5])
        module.user_factors[:] = torch.tensor([[1.0, 2.0], [0.0, -1.0]])
        module.item_factors[:] = torch.tensor([[0.5, 0.0], [1.0, 1.0], [-1.0, 0.5]])
    users, items = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1])
    return module, Ratings(users, items, torch.tensor([4.0, 5.0, 2.0]))


def drawn(n=200, n_users=30, n_items=20, seed=0):
    rng = np.random.default_rng(seed)
    cells = rng.choice(n_users * n_items, n, replace=False)
    stars = rng.integers(1, 6, n).astype(np.float32)
    return sparse.csr_matrix((stars, (cells // n_items, cells % n_items)), (n_users, n_items))


def test_a_prediction_by_hand():
    module, (users, items, _) = toy()
    # 3 + .5 + 1 + .5 · 1 + 0 · 2;  3 + .5 + 0 + 1 · 1 + 1 · 2;  3 - 1 + 0 + 1 · 0 - 1 · 1
    assert module(users, items).tolist() == [5.0, 6.5, 1.0]


def test_the_gradient_by_hand():
    module, (users, items, stars) = toy()
    F.mse_loss(module(users, items), stars).backward()
    # errors 1, 1.5, -1; the derivative of the mean of their squares is 2 / 3 of each
    found = {name: (getattr(module, name).grad * 3 / 2).tolist() for name in NAMES}
    assert float(module.mean.grad) * 3 / 2 == pytest.approx(1 + 1.5 - 1)
    assert found["user_bias"] == pytest.approx([1 + 1.5, -1])
    assert found["item_bias"] == pytest.approx([1, 1.5 - 1, 0])
    assert np.allclose(found["user_factors"], [[1 * 0.5 + 1.5 * 1, 1.5 * 1], [-1, -1]])
    assert np.allclose(found["item_factors"], [[1, 2], [1.5 * 1 - 0, 1.5 * 2 + 1], [0, 0]])


def test_the_sparse_gradient_is_that_of_torch():
    generator = torch.Generator().manual_seed(3)
    users = torch.randint(7, (90,), generator=generator)  # many pairs stand there twice
    items = torch.randint(5, (90,), generator=generator)
    weights = torch.randn(90, generator=generator, dtype=torch.float64)
    shapes = ((7, 4), (5, 4), (7,), (5,))
    tables = [torch.randn(*n, generator=generator, dtype=torch.float64) for n in shapes]

    def plain(p, q, b_u, b_i, u, i):
        return (p[u] * q[i]).sum(dim=1) + b_u[u] + b_i[i]

    for rows in (users, users.sort().values):  # in any order, and in that of a mini-batch
        gradients = []
        for sums in (parts._SumsOfPairs.apply, plain):
            leaves = [table.clone().requires_grad_() for table in tables]
            (sums(*leaves, rows, items) * weights).sum().backward()
            gradients.append([leaf.grad for leaf in leaves])
        for ours, theirs in zip(*gradients, strict=True):
            torch.testing.assert_close(ours, theirs)
        assert torch.autograd.gradcheck(
            lambda *leaves, rows=rows: parts._SumsOfPairs.apply(*leaves, rows, items), leaves
        )


def test_on_a_gpu_it_takes_another_way_to_the_same_gradient(monkeypatch):
    found = []
    for on_cpu in (True, False):
        monkeypatch.setattr(parts, "_on_cpu", lambda table, on_cpu=on_cpu: on_cpu)
        module, (users, items, stars) = toy()
        F.mse_loss(module(users, items), stars).backward()
        found.append([getattr(module, name).grad for name in NAMES])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)
    monkeypatch.undo()
    assert module.to("meta")(users.to("meta"), items.to("meta")).shape == (3,)


def test_it_is_a_module_as_torch_means_it():
    module, (users, items, _) = toy()
    assert module.train() is module
    assert module.training
    assert not module.eval().training
    assert {name for name, _ in module.named_parameters()} == {*NAMES, "mean"}

    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    again = BiasedMFModule(2, 3, factors=2)
    again.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(again(users, items), module(users, items))


def test_first_weights_come_from_the_generator_alone():
    before = torch.get_rng_state()
    first, second, other = (
        BiasedMFModule(5, 4, factors=3, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.item_factors, second.item_factors)
    assert not torch.equal(first.item_factors, other.item_factors)
    assert not first.user_bias.any()


def test_without_factors_the_biases_are_left():
    module = BiasedMFModule(2, 2, factors=0, mean=3.5)
    stars = module(torch.tensor([0, 1]), torch.tensor([1, 1]))
    stars.sum().backward()
    assert stars.tolist() == [3.5, 3.5]
    assert module.item_bias.grad.tolist() == [0, 2]


def test_what_nobody_rated_stays_at_zero():
    module = BiasedMFModule(3, 3, factors=2, mean=3.0)
    module.forget(torch.tensor([2]), torch.tensor([0]))
    ratings = as_tensors(sparse.csr_matrix([[0, 5, 1], [0, 2, 4], [0, 0, 0]]), torch.device("cpu"))
    groups = module.parameter_groups((1.0, 1.0), (1.0, 1.0), n_ratings=4)
    train(
        module, torch.optim.Adam(groups), ratings, None,
        epochs=5, batch_size=2, patience=1, generator=torch.Generator(),
    )  # fmt: skip
    for name, row in {"user": 2, "item": 0}.items():
        assert not getattr(module, f"{name}_bias")[row]
        assert not getattr(module, f"{name}_factors")[row].any()
        assert getattr(module, f"{name}_factors")[1].all()


def test_weight_decay_is_the_gradient_of_the_penalty():
    module, (users, items, stars) = toy()
    l2 = {"user_bias": 0.5, "item_bias": 1.5, "user_factors": 3.0, "item_factors": 7.0}
    penalty = sum(l2[name] * getattr(module, name).square().sum() for name in NAMES)
    ((F.mse_loss(module(users, items), stars, reduction="sum") + penalty) / 3).backward()
    whole = {name: getattr(module, name).grad.clone() for name in NAMES}
    module.zero_grad()
    F.mse_loss(module(users, items), stars).backward()
    groups = module.parameter_groups((0.5, 1.5), (3.0, 7.0), n_ratings=3)
    assert groups[0] == {"params": [module.mean], "weight_decay": 0.0}
    for name, group in zip(NAMES, groups[1:], strict=True):
        (part,) = group["params"]
        torch.testing.assert_close(part.grad + group["weight_decay"] * part, whole[name])


@pytest.mark.parametrize("size", [1, 7, 64, 200, 1000])
def test_each_rating_is_in_one_mini_batch(size):
    ratings = as_tensors(drawn(), torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    first, second = (list(batches(ratings, size, generator)) for _ in range(2))
    keys = [batch.users * 20 + batch.items for batch in first]
    assert [len(key) for key in keys] == [size] * (200 // size) + [200 % size] * (200 % size > 0)
    assert torch.equal(torch.cat(keys).sort().values, ratings.users * 20 + ratings.items)
    assert all((key.diff() > 0).all() for key in keys)  # in the order of the matrix
    stars = {int(u) * 20 + int(i): s for u, i, s in zip(*ratings, strict=True)}
    for batch, key in zip(first, keys, strict=True):
        assert torch.equal(batch.stars, torch.stack([stars[int(k)] for k in key]))
    if 1 < size < 200:
        assert not torch.equal(first[0].items, second[0].items)  # dealt anew


def test_rmse_by_hand():
    module, ratings = toy()
    assert rmse(module, ratings) == pytest.approx(np.sqrt((1 + 1.5**2 + 1) / 3))
    assert np.isnan(rmse(module, None))


class Steps(torch.nn.Module):
    """Predict the number of its own steps: what the best epoch is, is known beforehand."""

    def __init__(self):
        super().__init__()
        self.step = torch.nn.Parameter(torch.zeros(()))

    def forward(self, users, items):
        return self.step.expand(len(users))


class OneUp(torch.optim.SGD):
    def step(self):
        with torch.no_grad():
            self.param_groups[0]["params"][0].add_(1)


def train_steps(epochs, patience, goal):
    """Train on one rating, so that an epoch is a step, with a validation rating of `goal`."""
    module = Steps()
    one = torch.zeros(1, dtype=torch.int64)
    ratings, validation = (Ratings(one, one, torch.tensor([stars])) for stars in (100.0, goal))
    curve, best = train(
        module, OneUp(module.parameters()), ratings, None if np.isnan(goal) else validation,
        epochs=epochs, batch_size=1, patience=patience, generator=torch.Generator(),
    )  # fmt: skip
    return curve, best, float(module.step.detach())


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_early_stopping_waits_and_goes_back_to_the_best_weights(patience):
    curve, best, step = train_steps(epochs=50, patience=patience, goal=4.2)
    assert (best, step) == (4, 4.0)
    assert len(curve) == 4 + patience
    assert curve[3][1] == pytest.approx(0.2, abs=1e-6)
    assert curve[-1][0] == pytest.approx(101 - len(curve))  # before the last step


def test_without_a_turn_all_epochs_are_used():
    assert train_steps(epochs=6, patience=1, goal=90.0)[1:] == (6, 6.0)
    curve, best, step = train_steps(epochs=6, patience=1, goal=np.nan)
    assert (best, step, len(curve)) == (6, 6.0, 6)
    assert np.isnan([error for _, error in curve]).all()
