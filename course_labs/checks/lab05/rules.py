"""Lab 5, step 3: the class MyHybrid, and whether it follows the protocol."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.lab05.data import Bools, as_matrices, is_cold, make_world
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import as_ranked, lists_seen

SECONDS = 30.0  # a hybrid of 10 lines needs a tenth of a second


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return small worlds with short lists, longer ones, and lists longer than the catalog."""
    cases = [
        make_world(rng, n_users, n_items, n_new=8, n_cold=6, n=n)
        for n_users, n_items, n in [(60, 40, 5), (50, 45, 12), (40, 30, 33)]
    ]
    for case in cases:
        del case["hidden_liked"]
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Fit two models, to detect randomness; return their lists, and the inputs afterwards."""
    lists = []
    for _ in range(2):
        train, histories = as_matrices(case)
        vectors = case["vectors"].copy()
        model = answer()
        model.fit(train, vectors)
        result = model.recommend(case["users"].copy(), histories, N=int(case["n"]))
        lists.append(as_ranked(result)["ids"])
    after = {"train": train.toarray(), "histories": histories.toarray(), "vectors": vectors}
    return {
        "ids": lists[0],
        "again": lists[1],
        **{f"after_{name}": table for name, table in after.items()},
    }


def broken_rule(case: Plain, ids: npt.NDArray[Any]) -> str:
    """Return the rule of the protocol that the lists break, "" for none."""
    wanted = (len(case["users"]), int(case["n"]))
    n_items = case["train"].shape[1]
    if ids.shape != wanted:
        return f"`ids` should have the shape {wanted} here, (users, N), and has {ids.shape}."
    if ids.dtype.kind not in "iu":
        return "`ids` should be whole numbers, the columns of films."
    if ids.min() < -1 or ids.max() >= n_items:
        return f"An id is no column: they go from 0 to {n_items - 1}, and -1 stands for none."
    there = ids >= 0
    if (there[:, 1:] & ~there[:, :-1]).any():
        return "A -1 stands before a film; it belongs to the end of a row."
    ordered = np.sort(np.where(there, ids, -1 - np.arange(wanted[1])), axis=1)
    if (np.diff(ordered, axis=1) == 0).any():
        return "A film stands twice in one list."
    return ""


def judge(case: Plain, outputs: Plain) -> str:
    """Judge shape, range, order of -1, duplicates, seen films, randomness and changed inputs."""
    ids = outputs["ids"]
    if broken := broken_rule(case, ids):
        return broken
    if lists_seen(ids, case["histories"]):
        return "A list holds a film that the person has seen."
    unseen: Bools = np.less_equal(case["histories"], 0)
    for row, left in enumerate(unseen.sum(axis=1)):
        most = int((~is_cold(case) & unseen[row]).sum())
        if (ids[row] >= 0).sum() < min(case["n"], most):
            return f"User {case['users'][row]} gets fewer films than N, though {left} are left."
    if not np.array_equal(ids, outputs["again"]):
        return "Two models fitted on the same data give different lists."
    for name in ("train", "histories", "vectors"):
        if not np.array_equal(case[name], outputs[f"after_{name}"]):
            given = "user_items" if name == "histories" else name
            return f"The lists are right, but `{given}` was changed. Work on a copy."
    return ""


def _padded_with_films(case: Plain, outputs: Plain) -> bool:
    """Say whether lists are padded with a film."""
    last = outputs["ids"][:, -1]
    counts = (outputs["ids"] == last[:, None]).sum(axis=1)
    return bool((counts[last >= 0] > 1).any())


def empty_newcomers(case: Plain, outputs: Plain) -> bool:
    """Say whether users without a history get no film, and others do."""
    new = case["histories"].sum(axis=1) == 0
    nothing: Bools = np.max(outputs["ids"], axis=1) < 0
    return bool(nothing[new].all() and not nothing[~new].any())


MISTAKES = (
    Mistake(
        "`N` is not respected: there should be N columns, whatever N is; longer than the "
        "catalogue, too, where rows end in -1. `top_k` does that for you.",
        lambda case, out: (
            out["ids"].ndim == 2
            and len(out["ids"]) == len(case["users"])
            and out["ids"].shape[1] != case["n"]
        ),
    ),
    Mistake(
        "`recommend` looks up `userids` in a table. `user_items` holds the rows of these people "
        "already, in their order, and newcomers have a number beyond the training matrix.",
        lambda case, out: out["ids"].shape[0] != len(case["users"]),
        raises=r"IndexError.*(out of bounds|out of range)|index .* out of",
    ),
    Mistake(
        "A score is NaN, from 0 / 0: a history without films, a vector of zeros, or a row whose "
        "scores are all alike. Divide by 1 where the divisor is 0.",
        raises=r"NaN|nan",
    ),
    Mistake(
        "The end of a list repeats a film where nothing is left. End it with -1, which stands for "
        "no film; 0 is the first column.",
        _padded_with_films,
    ),
    Mistake(
        "The lists hold films that the person has seen. Their scores must be `-np.inf` before you "
        "take the best, and `user_items` says which they are.",
        lambda case, out: lists_seen(out["ids"], case["histories"]),
    ),
    Mistake(
        "The ids are not columns of the matrix. Here there are no movie ids, and nothing to "
        "translate: column j of `train` is row j of `vectors`.",
        lambda case, out: bool((out["ids"] >= case["train"].shape[1]).any()),
    ),
    Mistake(
        "People without a history get a row of -1. Show them what is popular: their first "
        "evening decides whether there is a second.",
        empty_newcomers,
    ),
    Mistake(
        "Two models fitted on the same data give different lists. Where you need chance, take "
        "it from `np.random.default_rng(seed)` with a fixed seed, made anew in `fit`.",
        lambda case, out: (
            out["ids"].shape == out["again"].shape and not np.array_equal(out["ids"], out["again"])
        ),
    ),
)
