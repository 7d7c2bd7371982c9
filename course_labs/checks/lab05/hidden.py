"""Lab 5, steps 4 and 5: the class MyHybrid on a hidden test set.

The test set is the case's ``hidden_liked``, which is passed to the judge only; in the grader, not
even the process of the answer has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab05.data import as_matrices, hits, is_cold, make_world, recalls
from course_labs.checks.lab05.rules import broken_rule, empty_newcomers
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import Table, as_ranked, lists_seen

LEAST_GAIN = 0.03  # over popularity, at the low end of the interval
COLD_SHARE = 0.05  # of the hits of content alone among cold films
NEWCOMER_SHARE = 0.5  # of the hits of popularity for users without a history
Z = 1.96  # of the 95% interval of a mean over some hundred users
ALIKE = 0.9  # share of common ids from which two models' lists count as the same
POPULAR = "popularity"


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return a world of 480 users and 240 films, 36 of them cold."""
    return [make_world(rng, 400, 240, n_new=80, n_cold=36, n=10)]


def ask(answer: Any, case: Plain) -> Outputs:
    """Fit the model and return its lists for all users."""
    train, histories = as_matrices(case)
    model = answer()
    model.fit(train, case["vectors"])
    result = model.recommend(case["users"], histories, N=int(case["n"]))
    return {"ids": as_ranked(result)["ids"]}


def lists_of(case: Plain, name: str) -> npt.NDArray[np.int32]:
    """Return the lists of a single model of the course: popularity, neighbors or content."""
    from course_utils.models import ContentModel, ItemKNN, Popularity

    models = {
        "popularity": Popularity(),
        "neighbors": ItemKNN(k=20, shrinkage=0),
        "content": ContentModel(case["vectors"]),
    }
    train, histories = as_matrices(case)
    ids, _ = models[name].fit(train).recommend(case["users"], histories, N=int(case["n"]))
    return ids


def gain_over(
    case: Plain, ids: npt.NDArray[Any], name: str, *, known_only: bool = False
) -> tuple[float, float, float]:
    """Return the mean difference in recall to a model, and its 95% interval, paired by user."""
    asked = case["histories"].any(axis=1) if known_only else np.ones(len(ids), dtype=bool)
    liked = case["hidden_liked"][asked]
    mine, theirs = (recalls(lists[asked], liked) for lists in (ids, lists_of(case, name)))
    difference = mine - theirs
    reach = Z * difference.std(ddof=1) / np.sqrt(len(difference))
    mean = float(difference.mean())
    return mean, mean - float(reach), mean + float(reach)


def judge_popularity(case: Plain, outputs: Plain) -> str:
    """Require a gain of 0.03 over popularity, hits for new users, and hits among cold films."""
    ids = outputs["ids"]
    if broken := broken_rule(case, ids):
        return f"{broken} Solve step 3 first."
    if lists_seen(ids, case["histories"]):
        return "A list holds a film that the person has seen. Solve step 3 first."
    mean, low, high = gain_over(case, ids, "popularity")
    if low < LEAST_GAIN:
        return (
            f"Your recall@{case['n']} on the hidden test is {mean:+.3f} beside popularity's, 95% "
            f"interval {low:+.3f} to {high:+.3f}; the low end should reach {LEAST_GAIN:+.3f}."
        )
    mine, theirs = (_hits_of_newcomers(case, lists) for lists in (ids, lists_of(case, POPULAR)))
    if mine < NEWCOMER_SHARE * theirs:
        return (
            f"For people without a history you find {mine:.0f} films, and popularity {theirs:.0f}; "
            "find at least half as many."
        )
    mine, theirs = (_cold_hits(case, lists) for lists in (ids, lists_of(case, "content")))
    if mine < COLD_SHARE * theirs:
        return (
            f"Of the films that nobody has yet, you find {mine:.0f} that people came to like, and "
            f"content alone {theirs:.0f}; find one for each twenty of these."
        )
    return ""


def judge_parts(case: Plain, outputs: Plain) -> str:
    """Require a gain over each part for users with a history, with its interval above 0."""
    ids = outputs["ids"]
    if broken := broken_rule(case, ids):
        return f"{broken} Solve step 3 first."
    for name in ("content", "neighbors"):
        mean, low, high = gain_over(case, ids, name, known_only=True)
        if low <= 0:
            return (
                f"Beside {name} alone your recall@{case['n']} on the hidden test is {mean:+.3f}, "
                f"95% interval {low:+.3f} to {high:+.3f}; the interval should lie above 0."
            )
    return ""


def _hits_of_newcomers(case: Plain, ids: npt.NDArray[Any]) -> float:
    new = ~case["histories"].any(axis=1)
    return float(hits(ids[new], case["hidden_liked"][new]).sum())


def _cold_hits(case: Plain, ids: npt.NDArray[Any]) -> float:
    return float(hits(ids, case["hidden_liked"] & is_cold(case)).sum())


def _serves_too_few(case: Plain, ids: npt.NDArray[Any]) -> bool:
    theirs = _hits_of_newcomers(case, lists_of(case, POPULAR))
    return _hits_of_newcomers(case, ids) < NEWCOMER_SHARE * theirs


def _share_of_cold(case: Plain, outputs: Plain) -> Table:
    """Return the share of cold films in the list of each user with a history."""
    ids = outputs["ids"][case["histories"].any(axis=1)]
    cold = is_cold(case)[np.maximum(ids, 0)] & (ids >= 0)
    share: Table = cold.mean(axis=1)
    return share


def _shows_like(case: Plain, outputs: Plain, name: str) -> bool:
    """Say whether users with a history get the films of a single model, in any order."""
    known = case["histories"].any(axis=1)
    pairs = zip(outputs["ids"][known], lists_of(case, name)[known], strict=True)
    return bool(np.mean([np.isin(mine, theirs).mean() for mine, theirs in pairs]) > ALIKE)


def _no_better_than_chance(case: Plain, outputs: Plain) -> bool:
    ids = outputs["ids"]
    turned = np.roll(case["hidden_liked"], 1, axis=0)
    own, others = (recalls(ids, liked).mean() for liked in (case["hidden_liked"], turned))
    return bool(own < 1.1 * others)


BLAME = (
    Mistake(
        "People without a history get a row of -1. Let popularity serve them.",
        empty_newcomers,
    ),
    Mistake(
        "Everybody gets the popular films. That is the baseline itself: use the histories.",
        lambda case, out: _shows_like(case, out, POPULAR),
    ),
    Mistake(
        "Your lists suit others as well as the people they are for. Do the rows come in the "
        "order of `userids`, and do scores and vectors speak of the same columns?",
        _no_better_than_chance,
    ),
)
POPULARITY_MISTAKES = (
    *BLAME,
    Mistake(
        "Films that nobody has yet are never shown: behavior scores them 0, which drowns what "
        "content says. Where the training matrix has nobody, let content speak alone.",
        lambda case, out: bool(_share_of_cold(case, out).mean() < 0.01),
    ),
    Mistake(
        "People without a history get films that few others like. With nothing to go by, show "
        "what is popular.",
        lambda case, out: _serves_too_few(case, out["ids"]),
    ),
)
PARTS_MISTAKES = (
    *BLAME,
    Mistake(
        "These are the lists of content alone: words know genres, and not whom a film charms. "
        "Give behavior a share.",
        lambda case, out: _shows_like(case, out, "content"),
    ),
    Mistake(
        "These are the lists of the neighbors alone, or nearly. If you blend, one model shouts the "
        "other down: their scores have different scales. Standardize both.",
        lambda case, out: _shows_like(case, out, "neighbors"),
    ),
    Mistake(
        "Most of what you list is films that nobody has yet. Standardize the scores of cold and "
        "of warm films over the same person's candidates, so that they meet on one scale.",
        lambda case, out: bool(_share_of_cold(case, out).mean() > 0.6),
    ),
)
