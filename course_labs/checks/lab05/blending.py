"""Lab 5, step 2: blend two tables of scores, for cold films and new users too."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import TOLERANCE, Table

GIVEN = ("behavior", "content", "counts", "seen")
COLD = ("alone", "blend", "share")  # scores of cold films; the first is right


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return scores on different scales, with two cold films, a new user and a constant row."""
    cases = []
    for n_users, n_items, weight in [(6, 9, 0.7), (9, 7, 0.4), (5, 12, 0.55)]:
        counts = rng.integers(1, 60, n_items)
        counts[rng.permutation(n_items)[:2]] = 0
        seen = rng.random((n_users, n_items)) < 0.3
        seen[:, counts == 0] = False
        seen[0] = False
        warm = np.flatnonzero(counts)
        seen[1:, warm[0]] = True
        seen[:, warm[1:3]] = False  # at least two candidates, so that the deviation is not 0
        behavior = rng.gamma(2.0, 8.0, (n_users, n_items)) * (counts > 0)
        behavior[0] = 0  # a new user
        content = rng.normal(0.3, 0.1, (n_users, n_items))
        content[2] = 0.25  # a constant row
        cases.append(
            {
                "behavior": behavior,
                "content": content,
                "counts": counts,
                "seen": seen,
                "weight": np.array(weight),
            }
        )
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``blend(behavior, content, counts, seen, weight)``."""
    given = [case[name] for name in GIVEN]
    result = answer(*given, float(case["weight"]))
    return {"scores": result, **{f"after_{name}": case[name] for name in GIVEN}}


def standardized(scores: Table, counting: npt.NDArray[np.bool_], axis: int | None = 1) -> Table:
    """Return standardized scores, by mean and deviation over a mask; 0 if the deviation is 0."""
    some = np.where(counting, scores, np.nan)
    if axis == 0:
        some = np.where(counting.any(axis=0), some, 0)
    mean, deviation = (f(some, axis=axis, keepdims=True) for f in (np.nanmean, np.nanstd))
    flat = deviation < 1e-9
    result: Table = np.where(flat, 0, (scores - mean) / np.where(flat, 1, deviation))
    return result


def blended(
    case: Plain,
    *,
    raw: bool = False,
    axis: int | None = 1,
    among_seen: bool = False,
    among_cold: bool = False,
    cold: str = "alone",
    newcomers: bool = True,
    turned: bool = False,
) -> Table:
    """Return the table of scores; the keywords make one mistake each."""
    behavior, content, counts, seen = (case[name] for name in GIVEN)
    weight = 1 - case["weight"] if turned else case["weight"]
    candidates = np.ones_like(seen) if among_seen else ~seen
    warm = candidates if among_cold else candidates & (counts > 0)
    if not raw:
        behavior = standardized(behavior, warm, axis)
        content = standardized(content, candidates, axis)
    scores = weight * behavior + (1 - weight) * content
    if cold != "blend":
        scores = np.where(
            counts > 0, scores, content if cold == "alone" else (1 - weight) * content
        )
    if newcomers:
        scores = np.where(seen.any(axis=1, keepdims=True), scores, counts)
    return np.where(seen, -np.inf, scores)


def judge(case: Plain, outputs: Plain) -> str:
    """Compare with the scores, to within 0.0001."""
    got, wanted = outputs["scores"], blended(case)
    if got.shape != wanted.shape:
        return f"The scores should have the shape {wanted.shape}, and have {got.shape}."
    wrong = ~np.isclose(got, wanted, rtol=0, atol=TOLERANCE)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        return (
            f"Row {row}, film column {column} should have {wanted[row, column]:.4f}, and has "
            f"{got[row, column]:.4f}."
        )
    changed = [name for name in GIVEN if not np.array_equal(case[name], outputs[f"after_{name}"])]
    if changed:
        return (
            f"The result is right, but your code changes `{changed[0]}`, which the next call "
            "would read. Work on a copy."
        )
    return ""


def _like(case: Plain, outputs: Plain, **mistake: Any) -> bool:
    return np.allclose(outputs["scores"], blended(case, **mistake), rtol=0, atol=TOLERANCE)


def _unfiltered(case: Plain, outputs: Plain) -> bool:
    return bool(np.isfinite(outputs["scores"][case["seen"]]).any())


def _all_but_newcomers(case: Plain, outputs: Plain) -> bool:
    """Say whether all rows are right except those of new users."""
    old = case["seen"].any(axis=1)
    same = np.isclose(outputs["scores"], blended(case), rtol=0, atol=TOLERANCE)
    return bool(same[old].all() and not same.all())


MISTAKES = (
    Mistake(
        "Some scores are NaN: where all scores of a row are alike, the deviation is 0, and 0 / 0 "
        "is no number. Divide by 1 there. A newcomer's row is one of them.",
        lambda case, out: bool(np.isnan(out["scores"]).any()),
    ),
    Mistake(
        "Films that were seen have a score, so they would be recommended. Give them `-np.inf`, "
        "at the very end, in the rows of newcomers too.",
        _unfiltered,
    ),
    Mistake(
        "The scores are blended as they come. One model counts in tens and the other in tenths, "
        "so the first one decides alone: standardize each before you add.",
        lambda case, out: any(_like(case, out, raw=True, cold=how) for how in COLD),
    ),
    Mistake(
        "You standardize over films (a column) or over the whole table. Each person's row has its "
        "own mean and deviation: `axis=1, keepdims=True`.",
        lambda case, out: any(
            _like(case, out, axis=axis, among_seen=among)
            for axis in (0, None)
            for among in (True, False)
        ),
    ),
    Mistake(
        "Mean and deviation are taken over the films that were seen, too. Only candidates "
        "count, what the person has not seen.",
        lambda case, out: _like(case, out, among_seen=True),
    ),
    Mistake(
        "A film that nobody has gets its 0 from behavior, as if people had disliked it. Where "
        "`counts` is 0, the content's standardized score stands alone.",
        lambda case, out: any(
            _like(case, out, cold=how, among_cold=among)
            for how in COLD[1:]
            for among in (True, False)
        ),
    ),
    Mistake(
        "The zeros that behavior has for cold films drag its mean down. It says nothing of them: "
        "take its mean and deviation over the films with `counts` above 0.",
        lambda case, out: _like(case, out, among_cold=True),
    ),
    Mistake(
        "Somebody who has seen nothing is served by content, or not at all. Their scores are "
        "the `counts`.",
        _all_but_newcomers,
    ),
    Mistake(
        "The weight is turned around: `weight` is behavior's share, `1 - weight` content's.",
        lambda case, out: _like(case, out, turned=True),
    ),
)
