"""Lab 2, step 4: how far two recommenders agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.question import Mistake, Outputs, Plain


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return two tables of ids; in the second case, rows end in -1."""
    whole = [(4, 4, int(n)) for n in rng.integers(0, 4, 6)]
    some = [(5, 5, int(n)) for n in rng.integers(1, 5, 4)]
    # Among the rows that end in -1, mine are shorter on average.
    short = [(2, 5, int(rng.integers(1, 3))), (2, 5, 2), (2, 2, 1), (2, 3, 1), (5, 2, 1)]
    return [overlap_case(rng, 4, [(4, 4, 1), *whole]), overlap_case(rng, 5, some + short)]


def overlap_case(rng: np.random.Generator, k: int, sizes: list[tuple[int, int, int]]) -> Plain:
    """Return two tables; `sizes` has the numbers of my, their and shared ids of each row."""
    ids = np.stack([rng.permutation(50)[: 2 * k] for _ in sizes])
    mine, theirs = ids[:, :k].copy(), ids[:, k:].copy()
    for row, (n_mine, n_theirs, n_shared) in enumerate(sizes):
        theirs[row, n_theirs - n_shared : n_theirs] = mine[row, :n_shared]  # at another rank
        mine[row, n_mine:], theirs[row, n_theirs:] = -1, -1
    return {"mine": mine, "theirs": theirs}


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``overlap(mine, theirs)``."""
    return {"overlap": answer(case["mine"], case["theirs"])}


def overlap_of(case: Plain, below: str = "theirs") -> npt.NDArray[np.float64]:
    """Return the share of their ids, without -1, in mine, by row; `below` names the divisor."""
    shares = []
    for mine, theirs in zip(case["mine"].tolist(), case["theirs"].tolist(), strict=True):
        a, b = set(mine) - {-1}, set(theirs) - {-1}
        sizes = {"theirs": len(b), "mine": len(a), "union": len(a | b), "k": len(mine)}
        if below == "with -1":
            a, b = set(mine), set(theirs)
            sizes[below] = len(b)
        shares.append(len(a & b) / sizes[below])
    return np.array(shares)


def judge(case: Plain, outputs: Plain) -> str:
    """Compare with the mean share, to within 0.000001."""
    got, wanted = outputs["overlap"], overlap_of(case).mean()
    if got.shape != ():
        return f"Return one number, the mean over the rows; this has shape {got.shape}."
    if not abs(got - wanted) < 1e-6:
        return f"The overlap should be {wanted:.4f} here, and is {got:.4f}."
    return ""


def _overlap_like(case: Plain, outputs: Plain, value: float) -> bool:
    return outputs["overlap"].shape == () and bool(abs(outputs["overlap"] - value) < 1e-6)


def _pooled(case: Plain) -> float:
    sizes = (case["theirs"] >= 0).sum(axis=1)
    return float((overlap_of(case) * sizes).sum() / sizes.sum())


def _with_nothing(case: Plain) -> npt.NDArray[np.float64]:
    """Return the share of equal ids when each -1 counts as an id."""
    same = [np.isin(b, a).mean() for a, b in zip(case["mine"], case["theirs"], strict=True)]
    return np.array(same)


def _by_rank(case: Plain, outputs: Plain) -> bool:
    there = case["theirs"] >= 0
    same = case["mine"] == case["theirs"]
    shares = (same & there).sum(axis=1) / there.sum(axis=1)
    return any(_overlap_like(case, outputs, float(value.mean())) for value in (same, shares))


MISTAKES = (
    Mistake(
        "You count a film only at the same rank in both lists. Compare sets: `np.isin`, or "
        "`set(a) & set(b)`.",
        _by_rank,
    ),
    Mistake(
        "The -1 at the end of a list counts as a film that both have. Leave it out on both sides.",
        lambda case, out: any(
            _overlap_like(case, out, float(value))
            for value in (overlap_of(case, "with -1").mean(), _with_nothing(case).mean())
        ),
    ),
    Mistake(
        "You divide by all films of either list. Divide by the films of *their* list.",
        lambda case, out: _overlap_like(case, out, float(overlap_of(case, "union").mean())),
    ),
    Mistake(
        "You divide by k although some lists are shorter. Divide by how many films *their* list "
        "has, -1 aside.",
        lambda case, out: _overlap_like(case, out, float(overlap_of(case, "k").mean())),
    ),
    Mistake(
        "You divide by the films of *my* list; the question is which share of *theirs* you have.",
        lambda case, out: _overlap_like(case, out, float(overlap_of(case, "mine").mean())),
    ),
    Mistake(
        "You add up all rows before you divide, so that long lists count more. Take the share of "
        "each row first, then their mean.",
        lambda case, out: _overlap_like(case, out, _pooled(case)),
    ),
    Mistake(
        "You return the number of films in common. Divide by how many films their list has.",
        lambda case, out: any(
            _overlap_like(case, out, float(value))
            for hits in [overlap_of(case, "k") * case["mine"].shape[1]]
            for value in (hits.mean(), hits.sum())
        ),
    ),
)
