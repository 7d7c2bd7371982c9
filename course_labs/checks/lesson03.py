"""Exercises of lesson 03: rows of ids, two rows of a CSR matrix, the last n of each user."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from course_labs.checks.question import Mistake, Outputs, Plain, Question

TABLE = "Look at “Ids are not rows” above."
ARRAYS = "Look at the slice under the picture of the three arrays."


def row_cases(rng: np.random.Generator) -> list[Plain]:
    """Return ascending ids with gaps, and wanted ids: known, unknown, beyond both ends."""
    cases = []
    for n in (6, 40):
        ids = np.sort(rng.choice(np.arange(5, 900), n, replace=False))
        gaps = np.setdiff1d(np.arange(5, 900), ids)
        wanted = np.concatenate([rng.choice(ids, 5), rng.choice(gaps, 3), [1, 2_000]])
        cases.append({"ids": ids, "wanted": rng.permutation(wanted)})
    return cases


def ask_rows(answer: Any, case: Plain) -> Outputs:
    """Call ``rows_of(ids, wanted)``."""
    return {"rows": answer(case["ids"], case["wanted"])}


def right_rows(case: Plain) -> np.ndarray[Any, Any]:
    """Return the row of each wanted id, -1 where there is none."""
    lookup = {user: row for row, user in enumerate(case["ids"].tolist())}
    return np.array([lookup.get(user, -1) for user in case["wanted"].tolist()])


def judge_rows(case: Plain, outputs: Plain) -> str:
    """Compare exactly."""
    right = right_rows(case)
    if outputs["rows"].shape != right.shape:
        return f"Return one row for each of the {len(right)} wanted ids, in their order."
    wrong = np.flatnonzero(outputs["rows"] != right)
    if not len(wrong):
        return ""
    n = wrong[0]
    return f"The id {case['wanted'][n]} is in row {right[n]}; yours is {outputs['rows'][n]}."


def _search(case: Plain) -> np.ndarray[Any, Any]:
    return np.searchsorted(case["ids"], case["wanted"])


ROW_MISTAKES = (
    Mistake(
        "Your search also answers for ids that do not exist. Compare the id in the row that it "
        f"found with the wanted one. {TABLE}",
        lambda case, out: bool((out["rows"] == _search(case)).all()),
    ),
    Mistake(
        "An unknown id gets -1, and yours gets row 0, which is somebody.",
        lambda case, out: np.array_equal(out["rows"], np.maximum(right_rows(case), 0)),
    ),
    Mistake(
        "These are ids again; the rows are wanted.",
        lambda case, out: bool(
            np.isin(out["rows"], [*case["ids"], -1]).all() and out["rows"].max() > 0
        ),
    ),
    Mistake(
        "An id above the largest one gets the position len(ids), which is no row; bring it back, "
        "with np.minimum say, before you look it up.",
        raises="out of bounds",
    ),
)


def csr_cases(rng: np.random.Generator) -> list[Plain]:
    """Return the arrays of a random CSR matrix, and two of its rows."""
    cases = []
    for n_users, density in ((5, 0.5), (30, 0.3)):
        dense = rng.random((n_users, 12)) < density
        dense[:2, :4] = dense[-1, 2:6] = True
        matrix = sparse.csr_matrix(dense)
        rows = {"a": np.array(n_users - 1), "b": np.array(1)}
        cases.append({"indptr": matrix.indptr, "indices": matrix.indices, **rows})
    return cases


def ask_common(answer: Any, case: Plain) -> Outputs:
    """Call ``in_common(indptr, indices, a, b)``."""
    a, b = int(case["a"]), int(case["b"])
    return {"columns": list(answer(case["indptr"], case["indices"], a, b))}


def _columns(case: Plain, row: int) -> list[int]:
    columns: list[int] = case["indices"][case["indptr"][row] : case["indptr"][row + 1]].tolist()
    return columns


def judge_common(case: Plain, outputs: Plain) -> str:
    """Compare exactly, order included."""
    a, b = int(case["a"]), int(case["b"])
    right = sorted({*_columns(case, a)} & {*_columns(case, b)})
    found = outputs["columns"].tolist()
    return "" if found == right else f"Rows {a} and {b} share {right}; yours are {found}."


def _next_row(case: Plain) -> list[int]:
    a, b = int(case["a"]), int(case["b"])
    starts = case["indptr"]
    return sorted(
        {*case["indices"][starts[a - 1] : starts[a]].tolist()}
        & {*case["indices"][starts[b - 1] : starts[b]].tolist()}
    )


COMMON_MISTAKES = (
    Mistake(
        "You return what is in either row; what is in both is wanted.",
        lambda case, out: (
            out["columns"].tolist()
            == sorted({*_columns(case, int(case["a"]))} | {*_columns(case, int(case["b"]))})
        ),
    ),
    Mistake(
        f"A row r runs from indptr[r] to indptr[r + 1]; yours begins one earlier. {ARRAYS}",
        lambda case, out: out["columns"].tolist() == _next_row(case),
    ),
    Mistake(
        f"Slice `indices` by `indptr`, not `indptr` itself. {ARRAYS}",
        lambda case, out: (
            out["columns"].size > 0 and bool(np.isin(out["columns"], case["indptr"]).all())
        ),
    ),
)


def last_cases(rng: np.random.Generator) -> list[Plain]:
    """Return users and times of shuffled rows, with many ties, and n."""
    cases = []
    for n in (1, 3):
        users = rng.permutation(np.repeat([4, 9, 17, 30], 6))
        times = rng.integers(0, 5, len(users))
        cases.append({"users": users, "times": times, "n": np.array(n)})
    return cases


def ask_last(answer: Any, case: Plain) -> Outputs:
    """Call ``is_last(user_ids, times, n)``."""
    return {"last": answer(case["users"], case["times"], int(case["n"]))}


def _last(case: Plain, ties: int = 1, newest: int = 1) -> np.ndarray[Any, Any]:
    marked = np.zeros(len(case["users"]), dtype=bool)
    order = np.lexsort((ties * np.arange(len(marked)), newest * case["times"]))
    for user in np.unique(case["users"]):
        marked[order[case["users"][order] == user][-int(case["n"]) :]] = True
    return marked


def judge_last(case: Plain, outputs: Plain) -> str:
    """Compare exactly."""
    right = _last(case)
    if outputs["last"].shape != right.shape:
        return f"Return True or False for each of the {len(right)} rows, in their order."
    if (outputs["last"] == right).all():
        return ""
    n = int(np.flatnonzero(outputs["last"] != right)[0])
    return f"Row {n}, of user {case['users'][n]}, should be {right[n]}."


def _by_place(case: Plain) -> np.ndarray[Any, Any]:
    return _last({**case, "times": np.arange(len(case["users"]))})


LAST_MISTAKES = (
    Mistake(
        "You take the last rows of each user as they stand in the table; the times decide first.",
        lambda case, out: np.array_equal(out["last"], _by_place(case)),
    ),
    Mistake(
        "Of equal times you take the row further up; the row further down counts as later.",
        lambda case, out: np.array_equal(out["last"], _last(case, ties=-1)),
    ),
    Mistake(
        "You marked the first of each user, not the last.",
        lambda case, out: (
            np.array_equal(out["last"], _last(case, newest=-1))
            or np.array_equal(out["last"], _last(case, ties=-1, newest=-1))
        ),
    ),
    Mistake(
        "You marked the last rows of the whole table; each user has last ones of their own.",
        lambda case, out: int(out["last"].sum()) == int(case["n"]),
    ),
)

QUESTIONS = (
    Question("a", "rows of ids", 0, "rows_of", "", row_cases, ask_rows, judge_rows, ROW_MISTAKES),
    Question("b", "what two users share", 0, "in_common", "", csr_cases, ask_common, judge_common,
             COMMON_MISTAKES),
    Question("c", "the last n of each user", 0, "is_last", "", last_cases, ask_last, judge_last,
             LAST_MISTAKES),
)  # fmt: skip
