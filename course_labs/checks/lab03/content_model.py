"""Lab 3, step 2: the class BertContentModel."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_labs.checks.lab03.data import CHANGED, hide, make_vectors, unit
from course_labs.checks.question import Mistake, Outputs, Plain
from course_labs.checks.ranked import Table, as_ranked, lists_seen, what_is_wrong
from course_utils.text.embeddings import Embeddings


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return embeddings in another order than the columns, and users to recommend for.

    The first case has as many embeddings as columns. The last user of a case is new: their row
    number is beyond the training matrix. Another user has no history.
    """
    cases = []
    for n_users, n_items, n_more, d, n in [(14, 11, 0, 6, 4), (9, 12, 4, 5, 3), (12, 8, 3, 13, 6)]:
        movie_ids = rng.permutation(np.arange(1, 3 * n_items))[: n_items + n_more]
        items = np.sort(rng.permutation(movie_ids)[:n_items])
        liked = (rng.random((n_users + 1, n_items)) < 0.3).astype(np.float32)
        liked[:, 0] = 1
        liked[4] = 0
        liked[1, : n_items - 2] = 1  # has two films left
        cases.append(
            {
                "vectors": make_vectors(rng, len(movie_ids), d).astype(np.float32),
                "movie_ids": movie_ids,
                "items": items,
                "train": liked[:-1],
                "users": np.array([5, 4, 1, n_users]),
                "histories": liked[[5, 4, 1, n_users]],
                "n": np.array(n),
            }
        )
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``BertContentModel(embeddings, items)``, ``fit(train)`` and ``recommend``."""
    embeddings = Embeddings(case["vectors"], case["movie_ids"])
    train, histories = sparse.csr_matrix(case["train"]), sparse.csr_matrix(case["histories"])
    with warnings.catch_warnings(action="ignore"):  # the mean of an empty list has a hint
        model = answer(embeddings, case["items"])
        model.fit(train)
        result = model.recommend(case["users"], histories, N=int(case["n"]))
    return {
        **as_ranked(result),
        "vectors": embeddings.vectors,
        "train": train.toarray(),
        "histories": histories.toarray(),
    }


def judge(case: Plain, outputs: Plain) -> str:
    """Judge by scores, to within 0.0001."""
    if wrong := _wrong(case, outputs, table_of(case)):
        return wrong
    names = ("vectors", "train", "histories")
    return "" if all(np.array_equal(case[name], outputs[name]) for name in names) else CHANGED


def aligned(case: Plain) -> Table:
    """Return the vector of each column."""
    order = np.argsort(case["movie_ids"])
    rows = order[np.searchsorted(case["movie_ids"], case["items"], sorter=order)]
    return np.asarray(case["vectors"][rows], dtype=np.float64)


def table_of(
    case: Plain,
    of_user: Table | None = None,
    of_films: Table | None = None,
    histories: npt.NDArray[Any] | None = None,
) -> Table:
    """Return the score of each film for each user, by default of vectors of length 1.

    `histories`, when given, are the films whose vectors are averaged instead of the right ones.
    """
    vectors = unit(aligned(case))
    of_user = vectors if of_user is None else of_user
    of_films = vectors if of_films is None else of_films
    rows = []
    for mine, own in zip(
        case["histories"] if histories is None else histories, case["histories"], strict=True
    ):
        seen, hidden = np.flatnonzero(mine), np.flatnonzero(own)
        user = of_user[seen].mean(axis=0) if len(seen) else np.zeros(of_user.shape[1])
        rows.append(hide(of_films @ user, hidden))
    return np.stack(rows)


def _wrong(case: Plain, outputs: Plain, table: Table) -> str:
    rows = [f"user {user}" for user in case["users"]]
    return what_is_wrong(outputs, table, np.arange(table.shape[1]), int(case["n"]), rows)


def _like(case: Plain, outputs: Plain, table: Table) -> bool:
    """Say whether the lists of users with a history are those of a table of scores."""
    here = case["histories"].any(axis=1)
    names = ("users", "histories")
    some = {**case, **{name: case[name][here] for name in names}}
    lists = {name: outputs[name][here] for name in ("ids", "scores")}
    return not _wrong(some, lists, table[here])


def _rows_as_columns(case: Plain, outputs: Plain) -> bool:
    n_items = len(case["items"])
    vectors = unit(case["vectors"].astype(np.float64))
    guesses = [np.arange(n_items), np.searchsorted(case["movie_ids"], case["items"])]
    guesses.append(np.argsort(np.argsort(case["movie_ids"]))[:n_items])
    guesses = [np.minimum(rows, len(vectors) - 1) for rows in guesses]
    return any(_like(case, outputs, table_of(case, *[vectors[rows]] * 2)) for rows in guesses)


def _scaled(case: Plain, outputs: Plain, by: str) -> bool:
    """Say whether the scores are right except for one factor for each user."""
    counts = np.maximum(case["histories"].sum(axis=1, keepdims=True), 1)
    profiles = case["histories"] @ unit(aligned(case))
    lengths = np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-9)
    factor = {"sum": counts, "length": counts / lengths, "all": counts / len(case["items"])}[by]
    return _like(case, outputs, table_of(case) * factor)


def _as_columns(case: Plain, outputs: Plain) -> bool:
    ids = outputs["ids"].astype(int)
    at = np.minimum(np.searchsorted(case["items"], ids), len(case["items"]) - 1)
    columns = np.where(ids >= 0, at, -1)
    right = np.where(ids >= 0, case["items"][at] == ids, True).all()
    return bool(right) and _like(case, {**outputs, "ids": columns}, table_of(case))


def _raw(case: Plain, outputs: Plain) -> bool:
    raw, one = aligned(case), unit(aligned(case))
    pairs = [(raw, raw), (one, raw), (raw, one)]
    return any(_like(case, outputs, table_of(case, a, b)) for a, b in pairs)


def _one_for_all(case: Plain, outputs: Plain) -> bool:
    vectors = unit(aligned(case))
    everybody = case["histories"] @ vectors / np.maximum(case["histories"].sum(1)[:, None], 1)
    user = everybody.mean(axis=0)
    same = np.stack([hide(vectors @ user, np.flatnonzero(row)) for row in case["histories"]])
    return _like(case, outputs, same)


def _positive_only(case: Plain, outputs: Plain) -> bool:
    table = table_of(case)
    return _like(case, outputs, np.where(table > 0, table, -np.inf))


MISTAKES = (
    Mistake(CHANGED, lambda case, out: judge(case, out) == CHANGED),
    Mistake(
        "The rows of the embeddings are taken for the columns of the matrix. They are in an order "
        "of their own, and not sorted: `embeddings.aligned(items).vectors` has a row for each "
        "column.",
        _rows_as_columns,
        raises=r"ValueError.*(dimension mismatch|matmul|inconsistent shapes)",
    ),
    Mistake(
        "`recommend` takes the wrong rows. `user_items` holds the rows of these users already, in "
        "their order, also of people who came after `fit`; do not index it, or what `fit` was "
        "given, by `userids`.",
        lambda case, out: out["ids"].shape[0] == len(case["train"]),
        raises=r"IndexError.*(out of bounds|out of range|index)",
    ),
    Mistake(
        "Somebody without history has no mean: 0 / 0 is NaN. Divide by at least 1, and give all "
        "their films the score `-np.inf`.",
        lambda case, out: bool(np.isnan(out["scores"]).any()),
        raises=r"NaN|[Mm]ean of empty|invalid value|ZeroDivision|divide by zero",
    ),
    Mistake(
        "`N` is not respected: there should be N columns, whatever N is, filled up with -1 and "
        "`-np.inf`.",
        lambda case, out: out["ids"].ndim == 2 and out["ids"].shape[1] != case["n"],
    ),
    Mistake(
        "The lists hold films from the user's history. Set their scores to `-np.inf` before you "
        "take the best: `scores[user_items.nonzero()] = -np.inf`.",
        lambda case, out: lists_seen(out["ids"], case["histories"]),
    ),
    Mistake(
        "Somebody without history gets films all the same. Nothing speaks for any film: a row of "
        "-1, with scores of `-np.inf`.",
        lambda case, out: (
            bool((out["ids"][~case["histories"].any(axis=1)] >= 0).any())
            and _like(case, out, table_of(case))
        ),
    ),
    Mistake(
        "The ids are movie ids. The protocol wants columns of the matrix: evaluation counts in "
        "columns, and would find nobody's films.",
        _as_columns,
    ),
    Mistake(
        "You have added up the vectors. The user vector is their mean: divide each row by how "
        "many films it has.",
        lambda case, out: _scaled(case, out, "sum"),
    ),
    Mistake(
        "You divide by the number of all films. The mean is over those the user has seen: divide "
        "by `user_items.getnnz(axis=1)`.",
        lambda case, out: _scaled(case, out, "all"),
    ),
    Mistake(
        "You divide by the length of the user vector too. That changes no list, but the score is "
        "no longer the mean cosine with what was seen.",
        lambda case, out: _scaled(case, out, "length"),
    ),
    Mistake(
        "You work with raw vectors somewhere. Divide each film's vector by its length first, and "
        "use those for the mean *and* for the product.",
        _raw,
    ),
    Mistake(
        "Everybody gets the same scores: the mean is taken over users as well. Each row of "
        "`user_items` needs a user vector of its own.",
        _one_for_all,
    ),
    Mistake(
        "Films with a score of 0 or below are left out. A cosine may be negative, and is a score "
        "like any other.",
        _positive_only,
    ),
)
