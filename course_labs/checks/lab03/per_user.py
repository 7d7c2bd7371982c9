"""Lab 3, step 3: the recall of several models, user by user."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain, named_type
from course_labs.checks.ranked import Table
from course_utils.metrics import hit_rate, ndcg, precision, recall

NAMES = ("first", "second", "third")
NOT_FITTED = "This model is not fitted."


class Listed:
    """A model that recommends given lists and records the matrix it was fitted on."""

    def __init__(self, ids: npt.NDArray[Any]) -> None:
        self.ids = ids
        self.fitted = np.zeros((0, 0))

    def fit(self, user_items: sparse.csr_matrix) -> Self:
        """Record the matrix."""
        self.fitted = user_items.toarray()
        return self

    def recommend(self, userids: Any, user_items: Any, N: int = 10) -> tuple[Any, Any]:
        """Return the first N of the lists."""
        if not self.fitted.size:
            raise RuntimeError(NOT_FITTED)
        ids = self.ids[np.asarray(userids)][:, :N]
        return ids, np.tile(-np.arange(ids.shape[1], dtype=np.float64), (len(ids), 1))


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return a split and the lists of three models; the last two users have no test items."""
    cases: list[Plain] = []
    for n_users, n_items, n_test, k in [(12, 30, 4, 5), (15, 24, 3, 6)]:
        train, test = np.zeros((2, n_users, n_items), dtype=np.float32)
        lists = np.empty((len(NAMES), n_users, n_items - 6), dtype=np.int64)
        for user in range(n_users):
            order = rng.permutation(n_items)
            train[user, order[:6]] = 1
            test[user, order[6 : 6 + n_test - user % 2]] = 1
            for model in range(len(NAMES)):  # a later model ranks its hits higher
                noise = rng.random(n_items - 6) * (4 - model)
                lists[model, user] = order[6:][np.argsort(noise + np.arange(n_items - 6) / 20)]
        test[-2:] = 0
        cases.append({"train": train, "test": test, "lists": lists, "k": np.array(k)})
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``recall_per_user(models, train, test, k=k)``."""
    train, test = sparse.csr_matrix(case["train"]), sparse.csr_matrix(case["test"])
    models = {name: Listed(ids) for name, ids in zip(NAMES, case["lists"], strict=True)}
    with warnings.catch_warnings(action="ignore"):  # about seen films in the lists
        result = answer(models, train, test, k=int(case["k"]))
    try:
        table = np.column_stack([np.atleast_1d(np.asarray(result[name])) for name in models])
    except (KeyError, IndexError, TypeError, ValueError):
        raise AnswerError(
            "Return a DataFrame with a column for each model, named as in `models`; this returns "
            f"{named_type(result)} from which no column can be taken by its name."
        ) from None
    return {"recall": table, "fitted": np.stack([model.fitted for model in models.values()])}


def values_of(case: Plain, metric: Any = recall, relevant: str = "test", k: int = 0) -> Table:
    """Return a metric of each model for the users with relevant items."""
    hidden = sparse.csr_matrix(case[relevant])
    k = k or int(case["k"])
    columns = [metric(ids[:, :k].astype(np.int32), hidden, k=k) for ids in case["lists"]]
    return np.column_stack(columns)[case[relevant].any(axis=1)]


def judge(case: Plain, outputs: Plain) -> str:
    """Compare with the recall, to within 0.000001, and with what the models were fitted on."""
    got, wanted = outputs["recall"], values_of(case)
    if got.shape != wanted.shape:
        return (
            f"The table should have the shape {wanted.shape} here, a row for each user who has "
            f"something in the test set and a column for each model, and has {got.shape}."
        )
    if not np.allclose(got, wanted, rtol=0, atol=1e-6):
        row, column = np.argwhere(~np.isclose(got, wanted, rtol=0, atol=1e-6))[0]
        return (
            f"Row {row} of the {NAMES[column]} model should be {wanted[row, column]:.4f}, and is "
            f"{got[row, column]:.4f}."
        )
    if not all(np.array_equal(fitted, case["train"]) for fitted in outputs["fitted"]):
        return "Fit the models on `train`, and on nothing else."
    return ""


def _like(outputs: Plain, values: Table) -> bool:
    return outputs["recall"].shape == values.shape and np.allclose(outputs["recall"], values)


MISTAKES = (
    Mistake(
        "A model is asked before it is fitted. Call `model.fit(train)` for each one first.",
        raises=NOT_FITTED,
    ),
    Mistake(
        "The models are fitted on the test set, so they have seen the answers. Fit them on "
        "`train` alone.",
        lambda case, out: any((fitted * case["test"]).any() for fitted in out["fitted"]),
    ),
    Mistake(
        "Train and test are swapped: you ask who finds the films of the training set. It is "
        "`evaluate(model, train, test, k=k)`.",
        lambda case, out: len(out["recall"]) == len(case["train"]),
    ),
    Mistake(
        "This is another metric, which divides by something else. The recall divides by how many "
        "films of the test set a user has: the column `recall@…`.",
        lambda case, out: any(_like(out, values_of(case, m)) for m in (precision, hit_rate, ndcg)),
    ),
    Mistake(
        "`k` is not respected: the recall is that at another cut-off. Hand it on, and read the "
        'column of that cut-off: `per_user[f"recall@{k}"]`.',
        lambda case, out: any(_like(out, values_of(case, k=k)) for k in (1, 3, 4, 5, 7, 10, 20)),
        raises=r"KeyError.*recall@",
    ),
    Mistake(
        "This is one mean for each model. To tell whether a difference is real, keep the users "
        "apart: take `evaluate(…).per_user`, not `summary`.",
        lambda case, out: len(out["recall"]) == 1,
    ),
    Mistake(
        "Every model has the same values, those of one of them. Evaluate each in its turn.",
        lambda case, out: bool((out["recall"] == out["recall"][:, :1]).all()),
    ),
)
