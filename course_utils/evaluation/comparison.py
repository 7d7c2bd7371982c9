"""Several models on one split, and one model for users with little and much history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from course_utils.errors import DataError
from course_utils.evaluation.evaluator import Evaluation, evaluate
from course_utils.evaluation.statistics import holm, mean_and_interval, paired_t_test
from course_utils.validation import need_positive

RANKING = ("recall", "precision", "hit_rate", "mrr", "map", "ndcg")


def compare(
    models: Mapping[str, Any],
    train: sparse.csr_matrix | None = None,
    test: sparse.csr_matrix | None = None,
    k: int | Iterable[int] = 10,
    *,
    baseline: str | None = None,
    metrics: Iterable[str] = RANKING,
    n_boot: int = 1000,
    seed: int = 42,
    level: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Evaluate several models on one split, with intervals and, against a baseline, tests.

    Parameters
    ----------
    models
        By name, fitted models, or what :func:`evaluate` returned for them on this split.
    train, test, k
        As in :func:`evaluate`. Where all have been evaluated already, they are not needed.
    baseline
        The name of the model that the others are compared with.
    metrics
        Names as in ``Evaluation.summary``; without a cut-off, "ndcg", the largest is meant.
    n_boot, seed, level
        Of the bootstrap; see :func:`course_utils.evaluation.statistics.mean_and_interval`. All
        models and metrics get the same draws of users.
    **options
        Handed on to :func:`evaluate`.

    Returns
    -------
    DataFrame
        A row for each model and metric: ``model``, ``metric``, ``mean``, ``low`` and ``high``
        (its interval) and ``n_users``. With a baseline also ``difference`` (mean over users of
        this model's value less the baseline's), ``difference_low``, ``difference_high``, ``p``
        (paired t-test, two-sided) and ``p_holm``, which is corrected for all the comparisons in
        the table; the baseline's own rows have NaN there. Coverage, gini and personalization
        have no value per user, so they have neither interval nor test.

    Raises
    ------
    DataError
        When no model is given, the baseline or a metric is unknown, a model must be evaluated
        and there is no split, or evaluations are not of the same users.
    """
    if not models:
        raise DataError("There is no model to compare; give at least one, by name.")
    if baseline is not None and baseline not in models:
        raise DataError(f"The baseline {baseline!r} is none of the models: {', '.join(models)}.")
    _check_bootstrap(n_boot, level)
    if isinstance(k, Iterable):
        k = tuple(k)  # read once for each model
    results = {name: _evaluated(name, m, train, test, k, options) for name, m in models.items()}
    _need_same_users(results)
    names = [*dict.fromkeys(_full_name(metric, results) for metric in _listed(metrics))]

    values = {name: result.per_user.reindex(columns=names) for name, result in results.items()}
    columns = [table.to_numpy(dtype=np.float64) for table in values.values()]
    if baseline is not None:
        of_baseline = columns[list(models).index(baseline)]
        columns += [column - of_baseline for column in columns]
    stacked = np.concatenate(columns, axis=1)
    mean, low, high = mean_and_interval(stacked, n_boot, seed, level)
    n = len(models) * len(names)
    table = pd.DataFrame(
        {
            "model": np.repeat([str(name) for name in models], len(names)),
            "metric": names * len(models),
            "mean": [float(r.summary[name]) for r in results.values() for name in names],
            "low": low[:n],
            "high": high[:n],
            "n_users": np.repeat([len(r.per_user) for r in results.values()], len(names)),
        }
    )
    has_values = ~np.isnan(stacked[:, :n]).all(axis=0)
    table.loc[has_values, "n_users"] = (~np.isnan(stacked[:, :n])).sum(axis=0)[has_values]
    if baseline is not None:
        table["difference"], table["difference_low"] = mean[n:], low[n:]
        table["difference_high"], table["p"] = high[n:], paired_t_test(stacked[:, n:])
        is_baseline = table["model"] == str(baseline)
        table.loc[is_baseline, ["difference", "difference_low", "difference_high", "p"]] = np.nan
        table["p_holm"] = holm(table["p"].to_numpy())
    return table


def readable(table: pd.DataFrame, digits: int = 3) -> pd.DataFrame:
    """Lay out what :func:`compare` returned for reading: models down, metrics across.

    Parameters
    ----------
    table
        What :func:`compare` or :func:`by_activity` returned.
    digits
        After the point.

    Returns
    -------
    DataFrame
        Strings such as ``0.095 [0.091, 0.099]``: mean and interval. A ``*`` stands behind what
        differs from the baseline with a Holm-corrected p below 0.05.
    """

    def _cell(row: Any) -> str:
        text = f"{row['mean']:.{digits}f}"
        if not np.isnan(row["low"]):
            text += f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
        return text + (" *" if row.get("p_holm", 1.0) < 0.05 else "")

    rows = "model" if "model" in table else "users"
    cells = table.assign(cell=[_cell(row) for _, row in table.iterrows()])
    wide = cells.pivot(index=rows, columns="metric", values="cell")  # noqa: PD010 - one cell each
    return wide.loc[table[rows].unique(), table["metric"].unique()].rename_axis(columns=None)


def by_activity(
    result: Evaluation,
    edges: Iterable[int] = (10, 50),
    *,
    metrics: Iterable[str] = RANKING,
    n_boot: int = 1000,
    seed: int = 42,
    level: float = 0.95,
) -> pd.DataFrame:
    """Split the users of an evaluation by how much they have in the training set.

    Parameters
    ----------
    result
        What :func:`evaluate` returned.
    edges
        Where a group ends and the next begins, ascending: with (10, 50) users with fewer than 10
        items are cold, those with 10 to 49 medium, those with 50 or more warm.
    metrics, n_boot, seed, level
        As in :func:`compare`. Users are drawn within their group.

    Returns
    -------
    DataFrame
        A row for each group and metric: ``users`` (cold, medium, warm; other numbers of groups
        are called by their range), ``n_train`` (the range), ``metric``, ``mean``, ``low``,
        ``high``, ``n_users``. A group without users has NaN.

    Raises
    ------
    DataError
        When the edges do not ascend from at least 1, or a metric has no value per user.
    """
    bounds = [need_positive(edge, "An edge") for edge in edges]
    if not bounds or any(high <= low for low, high in pairwise(bounds)):
        raise DataError(f"The edges must ascend, such as (10, 50), and are {bounds}.")
    _check_bootstrap(n_boot, level)
    names = [*dict.fromkeys(_full_name(metric, {"result": result}) for metric in _listed(metrics))]
    of_all = [name for name in names if name not in result.per_user]
    if of_all:
        raise DataError(f"{of_all[0]} belongs to all lists together; no user has a value of it.")
    ranges = [f"< {bounds[0]}", *(f"{a}–{b - 1}" for a, b in pairwise(bounds)), f"≥ {bounds[-1]}"]
    called = ["cold", "medium", "warm"] if len(bounds) == 2 else ranges
    group = np.searchsorted(bounds, result.per_user["n_train"].to_numpy(), side="right")
    values = result.per_user[names].to_numpy(dtype=np.float64)
    parts = []
    for number, (users, span) in enumerate(zip(called, ranges, strict=True)):
        mine = values[group == number]
        mean, low, high = mean_and_interval(mine, n_boot, seed, level)
        n_users = (~np.isnan(mine)).sum(axis=0)
        columns = {"metric": names, "mean": mean, "low": low, "high": high, "n_users": n_users}
        parts.append(pd.DataFrame({"users": users, "n_train": span, **columns}))
    return pd.concat(parts, ignore_index=True)


def _evaluated(name: str, model: Any, train: Any, test: Any, k: Any, options: Any) -> Evaluation:
    if isinstance(model, Evaluation):
        return model
    if train is None or test is None:
        raise DataError(f"{name!r} is not evaluated yet; give train and test as well.")
    return evaluate(model, train, test, k, **options)


def _need_same_users(results: Mapping[str, Evaluation]) -> None:
    (first_name, first), *others = results.items()
    for name, result in others:
        same = first.per_user.index.equals(result.per_user.index) and all(
            first.per_user[column].equals(result.per_user[column])
            for column in ("n_train", "n_test")
        )
        if not same:
            raise DataError(
                f"{first_name!r} and {name!r} were evaluated on other users, or on another split; "
                "only values of the same users can be compared."
            )


def _full_name(metric: str, results: Mapping[str, Evaluation]) -> str:
    """Return the metric with its cut-off, the largest one when none is said."""
    last = next(iter(results.values())).k[-1]
    name = metric if "@" in metric else f"{metric}@{last}"
    for model, result in results.items():
        if name not in result.summary:
            known = ", ".join(map(str, result.summary.index))
            raise DataError(f"{model!r} has no metric {name!r}, only {known}.")
    return name


def _listed(metrics: Iterable[str]) -> list[str]:
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if not names:
        raise DataError("There is no metric to show; give at least one, such as 'ndcg'.")
    return names


def _check_bootstrap(n_boot: int, level: float) -> None:
    need_positive(n_boot, "n_boot")
    if not 0 < level < 1:
        raise DataError(f"level must lie between 0 and 1, such as 0.95, and is {level!r}.")
