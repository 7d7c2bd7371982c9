"""Lab 5, step 1: a split without leakage, and the recall of popularity on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain

COLUMNS = ("user_id", "movie_id", "rating", "timestamp")
NUMBERS = ("n_train", "n_test", "recall")
TOLERANCE = 1e-6


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return ratings in random order; some users have too few, some films are in tests only."""
    return [
        {**_ratings(rng, n_users), "n_test": np.array(n_test), "k": np.array(k)}
        for n_users, n_test, k in [(40, 2, 3), (60, 3, 5), (50, 1, 4)]
    ]


def _ratings(rng: np.random.Generator, n_users: int) -> Plain:
    ids = np.sort(rng.choice(np.arange(50, 900), 18, replace=False))
    fame = rng.permutation(np.linspace(0.2, 2.0, len(ids)))
    rows = []
    for user in range(n_users):
        size = 1 if user % 10 == 0 else int(rng.integers(6, 13))
        films = rng.choice(ids, size, replace=False, p=fame / fame.sum())
        stars = rng.choice([2.0, 3.0, 4.0, 5.0], size, p=[0.15, 0.2, 0.35, 0.3])
        stars[0] = 5.0  # everybody likes something
        rows += [(100 + user, film, star) for film, star in zip(films, stars, strict=True)]
        if user % 6 == 1:  # a film of their own, rated last: in no training set
            rows.append((100 + user, 1000 + user, 5.0))
    user_id, movie_id, rating = (np.array(column) for column in zip(*rows, strict=True))
    last = 10_000 * (movie_id >= 1000)
    order = rng.permutation(len(rows))
    timestamp = (rng.permutation(len(rows)) + last).astype(np.int64)
    columns = (user_id, movie_id.astype(np.int64), rating, timestamp)
    return {name: column[order] for name, column in zip(COLUMNS, columns, strict=True)}


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``baseline(ratings, n_test, k)``."""
    ratings = pd.DataFrame({name: case[name] for name in COLUMNS})
    result = answer(ratings, int(case["n_test"]), int(case["k"]))
    if not isinstance(result, dict) or not set(NUMBERS) <= set(result):
        raise AnswerError("Return a dict with `n_train`, `n_test` and `recall`, a number each.")
    return {
        **{name: result[name] for name in NUMBERS},
        **{f"after_{name}": ratings[name] for name in COLUMNS if name in ratings},
    }


def baseline_of(
    case: Plain,
    *,
    threshold: float = 4,
    first: bool = False,
    below: str = "test",
    leak: bool = False,
    filtered: bool = True,
    dropped: bool = False,
) -> tuple[int, int, float]:
    """Return the sizes of both parts, and the recall; the keywords make one mistake each."""
    n_test, k = int(case["n_test"]), int(case["k"])
    table = pd.DataFrame({name: case[name] for name in COLUMNS})
    table = table[table["rating"] >= threshold].sort_values("timestamp", ascending=not first)
    from_end = table.groupby("user_id").cumcount(ascending=False)
    size = table.groupby("user_id")["movie_id"].transform("size")
    is_test = (size > n_test) & (from_end < n_test)
    train, test = table[~is_test], table[is_test]
    counts = (table if leak else train)["movie_id"].value_counts()
    ranking = sorted(counts.index, key=lambda film: (-counts[film], film))
    seen = train.groupby("user_id")["movie_id"].agg(set)
    shares = []
    for user, films in test.groupby("user_id")["movie_id"]:
        wanted = set(films) & set(train["movie_id"]) if dropped else set(films)
        own = seen[user] if filtered else set()
        listed = [film for film in ranking if film not in own][:k]
        found = len(wanted & set(listed))
        size_of = {"test": len(wanted), "k": k, "hit": max(found, 1)}
        if wanted:
            shares.append(found / size_of[below])
    return len(train), len(test), float(np.mean(shares))


def judge(case: Plain, outputs: Plain) -> str:
    """Compare the two sizes, and the recall to within 0.000001."""
    if any(outputs[name].shape != () for name in NUMBERS):
        return "`n_train`, `n_test` and `recall` are one number each."
    wanted = dict(zip(NUMBERS, baseline_of(case), strict=True))
    for name in NUMBERS:
        if not abs(outputs[name] - wanted[name]) < TOLERANCE:
            return f"`{name}` should be {wanted[name]:.5g} here, and is {outputs[name]:.5g}."
    if any(not np.array_equal(case[name], outputs.get(f"after_{name}", [])) for name in COLUMNS):
        return (
            "The numbers are right, but your code changes the table it is given. Work on a copy: "
            "a filter such as `ratings[…]` makes one."
        )
    return ""


def _like(case: Plain, outputs: Plain, **mistake: Any) -> bool:
    made = baseline_of(case, **mistake)
    return all(
        abs(outputs[name] - value) < TOLERANCE for name, value in zip(NUMBERS, made, strict=True)
    )


MISTAKES = (
    Mistake(
        "The popular films were counted on all positives, those to be found among them. That is "
        "training on the test: count on the training part only.",
        lambda case, out: _like(case, out, leak=True),
    ),
    Mistake(
        "Films that a person has in the training part stand in their list and take the place of "
        "others. Leave them out before you take the k first.",
        lambda case, out: _like(case, out, filtered=False),
    ),
    Mistake(
        "You hold out the first positives of each person, so that you predict the past from the "
        "future. Sort by `timestamp` and hold out the last ones.",
        lambda case, out: _like(case, out, first=True),
    ),
    Mistake(
        "All ratings count as liked. A positive is a rating of 4 or more; take those before you "
        "split.",
        lambda case, out: any(_like(case, out, threshold=stars) for stars in (0, 2.5, 3)),
    ),
    Mistake(
        "A rating of exactly 4 is a positive too: `>=`, not `>`.",
        lambda case, out: _like(case, out, threshold=4.1),
    ),
    Mistake(
        "Films that are new in the test part were dropped from it, which flatters every model "
        "that cannot show them. They were liked, so they count: divide by all that is held out.",
        lambda case, out: _like(case, out, dropped=True),
    ),
    Mistake(
        "You divide by the length of the list, which is precision. Recall divides by what is held "
        "out of the person.",
        lambda case, out: _like(case, out, below="k"),
    ),
    Mistake(
        "This is the share of people with a hit. Recall counts how many of a person's held-out "
        "films are found.",
        lambda case, out: _like(case, out, below="hit"),
    ),
)
