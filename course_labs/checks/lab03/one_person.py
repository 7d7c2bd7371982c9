"""Lab 3, step 1: recommend to one person by the films seen."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from course_labs.checks.lab03.data import CHANGED, hide, make_vectors, unit
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import EXAMPLE, Table, as_ranked, is_example, what_is_wrong


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return people who saw several, one or no films; the third has fewer than N films left."""
    cases = []
    for n_films, d, n_seen, n in [(12, 5, 3, 4), (9, 14, 1, 3), (8, 6, 5, 6), (10, 4, 0, 5)]:
        vectors = make_vectors(rng, n_films, d)
        seen = rng.permutation(n_films)[:n_seen]
        cases.append({"vectors": vectors, "seen": seen, "n": np.array(n)})
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``recommend(vectors, seen, N=n)``."""
    with warnings.catch_warnings(action="ignore"):  # the mean of an empty list has a hint
        result = answer(case["vectors"], case["seen"], N=int(case["n"]))
    return {**as_ranked(result), "vectors": case["vectors"], "seen": case["seen"]}


def judge(case: Plain, outputs: Plain) -> str:
    """Judge by scores, to within 0.0001."""
    shape, n = outputs["ids"].shape, int(case["n"])
    if shape != (n,) or outputs["scores"].shape != (n,):
        return (
            f"`ids` and `scores` should each have the shape ({n},) for N = {n}, and have {shape} "
            f"and {outputs['scores'].shape}. For a table of one row, take `[0]`."
        )
    if wrong := _wrong(case, outputs, scores_of(case)):
        return wrong
    same = all(np.array_equal(case[name], outputs[name]) for name in ("vectors", "seen"))
    return "" if same else CHANGED


def scores_of(case: Plain, of_user: Table | None = None, of_films: Table | None = None) -> Table:
    """Return the score of every film, by default of vectors of length 1."""
    vectors = unit(case["vectors"])
    of_user = vectors if of_user is None else of_user
    of_films = vectors if of_films is None else of_films
    if not len(case["seen"]):
        return np.full(len(vectors), -np.inf)
    return hide(of_films @ of_user[case["seen"]].mean(axis=0), case["seen"])


def _wrong(case: Plain, outputs: Plain, scores: Table) -> str:
    lists = {name: outputs[name][None] for name in ("ids", "scores")}
    who = "somebody who has seen " + (
        f"{case['seen'].tolist()}" if len(case["seen"]) else "nothing"
    )
    return what_is_wrong(lists, scores[None], np.arange(len(scores)), int(case["n"]), [who])


def _like(case: Plain, outputs: Plain, scores: Table) -> bool:
    return len(case["seen"]) > 0 and not _wrong(case, outputs, scores)


def _raw(case: Plain, outputs: Plain) -> bool:
    raw, one = case["vectors"], unit(case["vectors"])
    return any(_like(case, outputs, scores_of(case, a, b)) for a, b in [(raw, raw), (one, raw)])


def _raw_mean(case: Plain, outputs: Plain) -> bool:
    scores = scores_of(case, case["vectors"])
    length = np.linalg.norm(case["vectors"][case["seen"]].mean(axis=0))
    return any(_like(case, outputs, value) for value in (scores, scores / length))


def _seen(case: Plain, outputs: Plain, at: str) -> bool:
    listed = np.isin(outputs["ids"], case["seen"])
    none = outputs["scores"] == -np.inf
    return bool((listed & (none if at == "-inf" else ~none)).any())


def _summed(case: Plain, outputs: Plain) -> bool:
    return len(case["seen"]) > 1 and _like(case, outputs, len(case["seen"]) * scores_of(case))


def _scaled(case: Plain, outputs: Plain) -> bool:
    profile = unit(case["vectors"])[case["seen"]].mean(axis=0)
    return _like(case, outputs, scores_of(case) / np.linalg.norm(profile))


def _nearest(case: Plain, outputs: Plain) -> bool:
    vectors = unit(case["vectors"])
    return _like(case, outputs, hide((vectors @ vectors[case["seen"]].T).max(axis=1), case["seen"]))


def _worst_first(case: Plain, outputs: Plain) -> bool:
    scores = outputs["scores"][outputs["ids"] >= 0]
    return len(scores) > 1 and bool((np.diff(scores) > 1e-9).any())


def _among_unseen(case: Plain, outputs: Plain) -> bool:
    left = np.setdiff1d(np.arange(len(case["vectors"])), case["seen"])
    ids = outputs["ids"].astype(int)
    ids = np.where(ids >= 0, left[ids], -1)
    return _like(case, {**outputs, "ids": ids}, scores_of(case))


def _positive_only(case: Plain, outputs: Plain) -> bool:
    scores = scores_of(case)
    return _like(case, outputs, np.where(scores > 0, scores, -np.inf))


def _short(case: Plain, outputs: Plain) -> bool:
    left = len(case["vectors"]) - len(case["seen"]) if len(case["seen"]) else 0
    listed = len(outputs["ids"])
    return listed < int(case["n"]) and listed in (left, len(case["vectors"]))


MISTAKES = (
    Mistake(CHANGED, lambda case, out: judge(case, out) == CHANGED),
    Mistake(EXAMPLE, is_example({"ids": [3, 2], "scores": [0.78, 0.3]})),
    Mistake(
        "Somebody who has seen nothing has no mean: 0 / 0 is NaN. Ask `if len(seen) == 0` first, "
        "and return ids of -1 and scores of `-np.inf`.",
        lambda case, out: bool(np.isnan(out["scores"]).any()),
        raises=r"NaN|[Mm]ean of empty|invalid value|ZeroDivision",
    ),
    Mistake(
        "Somebody who has seen nothing gets films all the same. Nothing speaks for any film: "
        "return N ids of -1 and N scores of `-np.inf`.",
        lambda case, out: not len(case["seen"]) and bool((out["ids"] >= 0).any()),
    ),
    Mistake(
        "Where fewer than N films are left, your list is too short, or the search for the best "
        "fails. Fill up with id -1 and score `-np.inf`; `top_k` does.",
        _short,
        raises=r"kth\(|out of bounds|broadcast input array|index .* is out of range",
    ),
    Mistake(
        "`N` is not respected: the list should have N films, not one more or less, and not always "
        "ten.",
        lambda case, out: out["ids"].ndim == 1 and len(out["ids"]) != case["n"],
    ),
    Mistake(
        "Where the films run out, seen ones are listed with the score -inf. Their ids should be "
        "-1: `np.where(scores > -np.inf, ids, -1)`.",
        lambda case, out: _seen(case, out, "-inf") and not _seen(case, out, "other"),
    ),
    Mistake(
        "The ids count among the unseen films, not among all: removing the seen ones moves the "
        "others up. Keep all films, and give the seen ones the score `-np.inf`.",
        _among_unseen,
    ),
    Mistake(
        "The list holds films that were seen already. Set `scores[seen] = -np.inf` before you "
        "take the best.",
        lambda case, out: _seen(case, out, "other"),
    ),
    Mistake(
        "A mean or a length is taken along the wrong axis. A film is a row: its length is taken "
        "along `axis=1`, and the mean over films along `axis=0`.",
        lambda case, out: _like(case, out, scores_of(case, *[unit(case["vectors"], axis=0)] * 2)),
        raises=r"ValueError.*(matmul|shapes|broadcast|mismatch)",
    ),
    Mistake(
        "You have added up the vectors. Their mean keeps scores between -1 and 1, however many "
        "films somebody has seen.",
        _summed,
    ),
    Mistake(
        "You multiply with raw vectors, so that a film with a long vector wins everywhere. Divide "
        "each film's vector by its length first.",
        _raw,
    ),
    Mistake(
        "The mean is taken of raw vectors, so that the film with the longest counts most. Divide "
        "by the lengths *before* you take the mean.",
        _raw_mean,
    ),
    Mistake(
        "You divide by the length of the user vector too. That changes no list, but the score is "
        "no longer the mean cosine with what was seen.",
        _scaled,
    ),
    Mistake(
        "This is the cosine with the most similar film seen. The score here is the mean over all "
        "the films seen.",
        _nearest,
    ),
    Mistake(
        "The least fitting films come first. `argsort` sorts upwards; sort the negated scores.",
        _worst_first,
    ),
    Mistake(
        "Films with a score of 0 or below are left out. A cosine may be negative, and is a score "
        "like any other: only seen films are left out.",
        _positive_only,
    ),
)
