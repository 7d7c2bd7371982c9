"""Comparison of models and of groups of users, with intervals and significance tests.

:func:`mean_and_interval` is the bootstrap, :func:`paired_t_test` and :func:`holm` are the tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_utils.errors import DataError
from course_utils.evaluation.evaluator import Evaluation, evaluate
from course_utils.metrics import RANKING
from course_utils.validation import FloatArray, need_positive

__all__ = ["beside_real", "board", "by_activity", "compare", "mean_and_interval", "readable"]

REAL = "ml-latest-small"
DRAWS = 2**22  # users drawn per batch: 32 MB


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
        By name, fitted models, or their results of :func:`evaluate` on this split.
    train, test, k
        As in :func:`evaluate`. Not needed when all models are evaluated already.
    baseline
        The name of the model that the others are compared with.
    metrics
        Names as in ``Evaluation.summary``. A name without a cut-off, "ndcg", means the largest k.
    n_boot, seed, level
        As in :func:`mean_and_interval`. All models and metrics share the samples of users.
    **options
        Further arguments of :func:`evaluate`.

    Returns
    -------
    DataFrame
        A row for each model and metric: ``model``, ``metric``, ``mean``, ``low`` and ``high``
        (its interval) and ``n_users``. With a baseline also ``difference`` (mean over users of
        this model's value minus the baseline's), ``difference_low``, ``difference_high``, ``p``
        (paired t-test, two-sided) and ``p_holm``, corrected for all comparisons of the table;
        NaN in the rows of the baseline. Coverage, gini and personalization have no value per
        user, so they have neither interval nor test.

    Raises
    ------
    DataError
        When no model is given, the baseline or a metric is unknown, a model is not evaluated and
        no split is given, or the evaluations are not of the same users.
    """
    if not isinstance(models, Mapping) or not models:
        raise DataError("Give the models to compare by name, at least one: {'ALS': model}.")
    if baseline is not None and baseline not in models:
        raise DataError(f"The baseline {baseline!r} is none of the models: {', '.join(models)}.")
    _need_bootstrap(n_boot, level)
    if isinstance(k, Iterable):
        k = tuple(k)  # an iterator would be exhausted by the first model
    results: dict[str, Evaluation] = {}
    for name, model in models.items():
        if isinstance(model, Evaluation):
            results[name] = model
        elif train is None or test is None:
            raise DataError(f"{name!r} is not evaluated yet; give train and test as well.")
        else:
            results[name] = evaluate(model, train, test, k, **options)
    _need_same_users(results)
    names = _full_names(metrics, results)

    values = {name: result.per_user.reindex(columns=names) for name, result in results.items()}
    columns = [table.to_numpy(dtype=np.float64) for table in values.values()]
    if baseline is not None:
        of_baseline = columns[list(models).index(baseline)]
        columns += [column - of_baseline for column in columns]
    stacked = np.concatenate(columns, axis=1)
    mean, low, high = mean_and_interval(stacked, n_boot, seed, level)
    n = len(models) * len(names)
    n_values = (~np.isnan(stacked[:, :n])).sum(axis=0)  # 0 for a property of all lists together
    n_users = np.repeat([len(result.per_user) for result in results.values()], len(names))
    table = pd.DataFrame(
        {
            "model": np.repeat([str(name) for name in models], len(names)),
            "metric": names * len(models),
            "mean": [float(r.summary[name]) for r in results.values() for name in names],
            "low": low[:n],
            "high": high[:n],
            "n_users": np.where(n_values > 0, n_values, n_users),
        }
    )
    if baseline is not None:
        table["difference"], table["difference_low"] = mean[n:], low[n:]
        table["difference_high"], table["p"] = high[n:], paired_t_test(stacked[:, n:])
        is_baseline = table["model"] == str(baseline)
        table.loc[is_baseline, ["difference", "difference_low", "difference_high", "p"]] = np.nan
        table["p_holm"] = holm(table["p"].to_numpy())
    return table


def readable(table: pd.DataFrame, digits: int = 3) -> pd.DataFrame:
    """Format a table of :func:`compare` or :func:`by_activity`: one row per model or group.

    Parameters
    ----------
    table
        The result of :func:`compare` or :func:`by_activity`.
    digits
        Digits after the decimal point.

    Returns
    -------
    DataFrame
        A column per metric, of strings such as ``0.095 [0.091, 0.099]``: mean and interval. A
        ``*`` marks a difference from the baseline with a Holm-corrected p below 0.05.
    """

    def _cell(row: Any) -> str:
        text = f"{row['mean']:.{digits}f}"
        if not np.isnan(row["low"]):
            text += f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
        return text + (" *" if row.get("p_holm", 1.0) < 0.05 else "")

    rows = "model" if "model" in table else "users"
    cells = table.assign(cell=[_cell(row) for _, row in table.iterrows()])
    wide = cells.pivot(index=rows, columns="metric", values="cell")  # noqa: PD010
    return wide.loc[table[rows].unique(), table["metric"].unique()].rename_axis(columns=None)


def board(
    results: Mapping[str, Evaluation], baseline: str = "EASE", metric: str = "recall@10"
) -> pd.DataFrame:
    """Return the course's table of models, in text: a metric, and the distance from a baseline.

    `results` holds evaluations by the name of the model, as in :func:`compare`. The best model
    comes first; the distance is the mean difference of the same users, with its 95% interval.
    """
    table = compare(results, baseline=baseline, metrics=[metric]).set_index("model")
    table = table.sort_values("mean", ascending=False)
    ends = table[["difference", "difference_low", "difference_high"]].to_numpy()
    apart = ["–" if np.isnan(d) else f"{d:+.3f} [{low:+.3f}, {high:+.3f}]" for d, low, high in ends]
    means = table["mean"].map("{:.3f}".format)
    return pd.DataFrame({metric: means, f"− {baseline}": apart}).rename_axis(None)


def beside_real(name: str, table: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Put the numbers that a cell gave on real ml-latest-small beside those it gives now.

    `name` is the table's, such as "lesson04.board"; `table` holds numbers or text, indexed by text.
    ``make results`` runs the lessons on ml-latest-small, where a table is returned alone, with the
    folder ``COURSE_RECORD`` in the environment: tables are then written there. A DataError is
    raised when no table of that name was recorded.
    """
    here = table.to_frame() if isinstance(table, pd.Series) else table
    if folder := os.environ.get("COURSE_RECORD"):
        here.to_json(Path(folder) / f"{name}.json", orient="split", indent=1, double_precision=6)
    if (shown := os.environ.get("COURSE_DATASET") or "sample") == REAL:
        return here
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent / "book" / "_generated" / "real"
    file = (checkout if checkout.is_dir() else package / "_real") / f"{name}.json"
    if not file.is_file():
        raise DataError(f"There are no real numbers called {name!r}; `make results` computes them.")
    real = pd.read_json(file, orient="split", convert_axes=False, dtype=False)
    where = "on the sample" if shown == "sample" else f"on {shown}"
    return pd.concat({where: here, f"on real {REAL}": real}, axis=1)


def by_activity(
    result: Evaluation,
    edges: Iterable[int] = (10, 50),
    *,
    metrics: Iterable[str] = RANKING,
    n_boot: int = 1000,
    seed: int = 42,
    level: float = 0.95,
) -> pd.DataFrame:
    """Group the users of an evaluation by their number of items in the training set.

    Parameters
    ----------
    result
        The result of :func:`evaluate`.
    edges
        Lower bounds of all groups but the first, ascending: with (10, 50) users with fewer than
        10 items are cold, those with 10 to 49 medium, those with 50 or more warm.
    metrics, n_boot, seed, level
        As in :func:`compare`. Bootstrap samples are drawn within each group.

    Returns
    -------
    DataFrame
        A row for each group and metric: ``users`` (cold, medium, warm; if there are not three
        groups, their ranges), ``n_train`` (the range), ``metric``, ``mean``, ``low``, ``high``,
        ``n_users``. A group without users has NaN.

    Raises
    ------
    DataError
        When the edges do not ascend from at least 1, or a metric has no value per user.
    """
    bounds = [need_positive(edge, "An edge") for edge in edges]
    if not bounds or any(high <= low for low, high in pairwise(bounds)):
        raise DataError(f"The edges must ascend, such as (10, 50), and are {bounds}.")
    _need_bootstrap(n_boot, level)
    names = _full_names(metrics, {"result": result})
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


def mean_and_interval(
    values: npt.ArrayLike, n_boot: int = 1000, seed: int = 42, level: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return means over users, with percentile bootstrap intervals.

    `n_boot` samples of n_users users are drawn with replacement. The interval contains the middle
    `level` of their means (Efron & Tibshirani 1993, section 13.3). All columns share the samples.

    Parameters
    ----------
    values
        Shape (n_users, n_columns); NaN, for a user without a value, is left out.
    n_boot, seed
        Number of bootstrap samples, and the seed of their draws.
    level
        Confidence level of the interval, above 0 and below 1.

    Returns
    -------
    mean, low, high
        float64, each of shape (n_columns,); NaN for a column without values.

    Notes
    -----
    The interval covers the variation between samples of users. It does not cover the variation
    between splits or training runs. With fewer than about 30 users it is too narrow.

    Examples
    --------
    >>> mean, low, high = mean_and_interval([[0.0], [1.0], [1.0], [0.0]], seed=0)
    >>> mean.tolist(), low.tolist(), high.tolist()
    ([0.5], [0.0], [1.0])
    """
    table = np.asarray(values, dtype=np.float64)
    here = ~np.isnan(table)
    n_users, n_columns = table.shape
    mean, low, high = (np.full(n_columns, np.nan) for _ in range(3))
    full = here.any(axis=0)
    if not full.any():
        return mean, low, high
    filled, here = np.where(here, table, 0.0)[:, full], here[:, full]
    mean[full] = filled.sum(axis=0) / here.sum(axis=0)

    rng = np.random.default_rng(seed)
    resampled = np.empty((n_boot, int(full.sum())))
    step = max(1, DRAWS // n_users)
    for start in range(0, n_boot, step):
        n = min(step, n_boot - start)
        drawn = rng.integers(0, n_users, size=(n, n_users)) + np.arange(n)[:, None] * n_users
        times = np.bincount(drawn.ravel(), minlength=n * n_users).reshape(n, n_users)
        weights = times.astype(np.float64)
        below = np.full(filled.shape[1], n_users) if here.all() else weights @ here
        with np.errstate(invalid="ignore"):  # a sample in which no user has a value
            resampled[start : start + n] = weights @ filled / below
    low[full], high[full] = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return mean, low, high


def paired_t_test(differences: npt.ArrayLike) -> FloatArray:
    """Return the two-sided p-value of the paired t-test for each column.

    For ranking metrics the test agrees with the randomization test and the bootstrap (Smucker,
    Allan & Carterette 2007, CIKM), and has the most accurate type I error rate of the common tests
    (Urbano, Lima & Hanjalic 2019, SIGIR).

    `differences` of two models' values have the shape (n_users, n_columns); NaN is left out. The
    result, shape (n_columns,), is 1 when all differences are 0, and NaN with fewer than two users.

    Examples
    --------
    >>> paired_t_test([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]).round(4).tolist()
    [0.0742, 1.0]
    """
    from scipy import stats

    p_values = []
    for column in np.asarray(differences, dtype=np.float64).T:
        known = column[~np.isnan(column)]
        if len(known) < 2:
            p_values.append(np.nan)
        elif np.ptp(known) == 0:  # standard error 0: t is 0 / 0 or infinite
            p_values.append(1.0 if known[0] == 0 else 0.0)
        else:
            p_values.append(stats.ttest_1samp(known, 0).pvalue)
    return np.array(p_values, dtype=np.float64)


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Adjust p-values for multiple comparisons, by Holm's step-down method.

    The smallest of m p-values is multiplied by m, the next by m - 1, and so on; the results do not
    decrease and end at 1. Rejecting those below 0.05, one errs in at most 5 % of cases (Holm 1979).

    `p_values` and the result have the same shape; NaN stays NaN and is not counted.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p.ravel()[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted.ravel()[order] = np.minimum(np.maximum.accumulate(p.ravel()[order] * factors), 1)
    return adjusted


def _need_same_users(results: Mapping[str, Evaluation]) -> None:
    (first_name, first), *others = results.items()
    sizes = ["n_train", "n_test"]
    for name, result in others:
        if not result.per_user[sizes].equals(first.per_user[sizes]):
            raise DataError(
                f"{first_name!r} and {name!r} were evaluated on other users, or on another split; "
                "only values of the same users can be compared."
            )


def _full_names(metrics: Iterable[str], results: Mapping[str, Evaluation]) -> list[str]:
    """Return the metrics with a cut-off, by default the largest, each once."""
    last = next(iter(results.values())).k[-1]
    listed = [metrics] if isinstance(metrics, str) else list(metrics)
    if not listed:
        raise DataError("There is no metric to show; give at least one, such as 'ndcg'.")
    names = [*dict.fromkeys(name if "@" in name else f"{name}@{last}" for name in listed)]
    for model, result in results.items():
        for name in names:
            if name not in result.summary:
                known = ", ".join(map(str, result.summary.index))
                raise DataError(f"{model!r} has no metric {name!r}, only {known}.")
    return names


def _need_bootstrap(n_boot: int, level: float) -> None:
    need_positive(n_boot, "n_boot")
    if not 0 < level < 1:
        raise DataError(f"level must lie between 0 and 1, such as 0.95, and is {level!r}.")
