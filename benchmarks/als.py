"""ALS beside `implicit` used directly, at the shape of ML-1M: what the wrapper costs and saves."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any
from unittest import mock

import numpy as np
from evaluation import made_up_split
from scipy import sparse
from threadpoolctl import threadpool_limits
from timing import best_of, print_table

from course_utils.evaluation import recommend_all
from course_utils.models import ALS

FACTORS, ITERATIONS, ALPHA = 64, 20, 1.0
SHAPE = (6_040, 3_706, 1_000_209)


def run() -> None:
    """Print the tables."""
    train, _ = made_up_split(*SHAPE, hidden=0.0)
    import_module("implicit.cpu.als")  # brings SciPy's BLAS, which the limit must see
    with threadpool_limits(1, user_api="blas"):  # as implicit advises
        ours, theirs = ALS(FACTORS, 0.01, ITERATIONS, ALPHA), implicits()
        _print_in_turns(
            "Fit 64 factors, 20 iterations, to 6,040 users × 3,706 items, 1,000,209 pairs.",
            {
                "implicit": lambda: implicits().fit(train, show_progress=False),
                "ALS": lambda: ours.fit(train),
            },
            rounds=3,
        )
        share = min(_own_share(train) for _ in range(3))
        print(f"\nOf a fit, {share:.1%} is the wrapper's own work, the rest `implicit`'s.")
        theirs.user_factors, theirs.item_factors = ours.user_factors, ours.item_factors
        everybody = np.arange(train.shape[0])
        _print_in_turns(
            "Top-10 of all users, ids and scores, from the same factors.",
            {
                "implicit": lambda: theirs.recommend(everybody, train, N=10),
                "implicit, one user at a time": lambda: _loop(theirs, train),
                "ALS": lambda: ours.recommend(everybody, train, N=10),
                "recommend_all, ids only": lambda: recommend_all(ours, train, backend="numpy"),
            },
            rounds=10,
        )
        some = everybody[:1000]
        _print_in_turns(
            "Top-10 of 1,000 users whose vectors are worked out anew.",
            {
                "implicit": lambda: theirs.recommend(some, train[some], recalculate_user=True),
                "ALS": lambda: ours.recommend(some, train[some], recalculate_user=True),
            },
            rounds=10,
        )


def implicits() -> Any:
    """Return implicit's model of the same objective."""
    module = import_module("implicit.cpu.als")
    return module.AlternatingLeastSquares(
        FACTORS, regularization=0.01, alpha=1 + ALPHA, iterations=ITERATIONS, random_state=42
    )


def _own_share(train: sparse.csr_matrix) -> float:
    """Return the share of a fit that is not spent in `implicit`; one call, so noise hits both."""
    cls = import_module("implicit.cpu.als").AlternatingLeastSquares
    fit, inside = cls.fit, []

    def timed(*args: Any, **options: Any) -> None:
        inside.append(best_of(1, lambda: fit(*args, **options)))

    with mock.patch.object(cls, "fit", timed):
        whole = best_of(1, lambda: ALS(FACTORS, 0.01, ITERATIONS, ALPHA).fit(train))
    return 1 - inside[0] / whole


def _loop(model: Any, train: sparse.csr_matrix) -> None:
    for user in range(train.shape[0]):
        model.recommend(user, train[user], N=10)


def _print_in_turns(title: str, ways: dict[str, Callable[[], Any]], rounds: int) -> None:
    """Time all ways in each round, so that a neighbor who takes the machine slows them all."""
    times = [{way: best_of(1, call) for way, call in ways.items()} for _ in range(rounds)]
    print_table(title, {way: min(one[way] for one in times) for way in ways}, baseline="implicit")


if __name__ == "__main__":
    run()
