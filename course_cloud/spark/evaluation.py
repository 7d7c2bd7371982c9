"""The metrics of `evaluate`, computed where the lists lie: joins and sums of DataFrames."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_cloud.spark.tables import need_columns
from course_utils.errors import DataError
from course_utils.validation import need_cutoffs

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PAIR = ["user_id", "movie_id"]


def evaluate(
    recommended: DataFrame, train: DataFrame, test: DataFrame, k: int | Iterable[int] = 10
) -> pd.Series:
    """Measure lists of recommendations as :func:`course_utils.evaluation.evaluate` does.

    Parameters
    ----------
    recommended
        ``user_id``, ``rank`` from 1, ``movie_id``, as :func:`course_cloud.spark.recommend`
        returns them. Cache it: it is read several times.
    train, test
        ``user_id`` and ``movie_id``, each pair once. Rows of `test` whose user or film is not in
        `train` are left out, as :func:`course_utils.interactions.encode` leaves them out.
    k
        The cut-off, or several.

    Returns
    -------
    Series
        The means of the same metrics, by the same names and definitions, as
        ``evaluate(...).summary`` with its defaults: recall, precision, hit_rate, mrr, map, ndcg,
        coverage, popularity, gini, novelty, personalization. They agree but for the order in which
        numbers are added up.

    Raises
    ------
    DataError
        For a missing column, for `k` below 1, when nobody has anything in the test set, and when
        a list holds a film twice, two at one rank, or one that is not in `train`.
    """
    from pyspark.sql import functions as F

    need_columns(recommended, *PAIR, "rank")
    need_columns(train, *PAIR)
    need_columns(test, *PAIR)
    cutoffs = tuple(sorted(set(need_cutoffs(k))))
    having = train.groupBy("movie_id").agg(F.count("*").alias("having")).cache()
    users = train.select("user_id").distinct().cache()
    n_items, n_users = having.count(), users.count()

    relevant = test.select(*PAIR).join(having, "movie_id", "semi").join(users, "user_id", "semi")
    judged = relevant.groupBy("user_id").agg(F.count("*").alias("n"))
    lists = recommended.join(judged, "user_id", "semi").where(F.col("rank") <= cutoffs[-1])
    lists = lists.select(*PAIR, "rank").cache()
    _check(lists, having)
    found = _accuracy(lists, relevant, judged, cutoffs)
    for cutoff in cutoffs:
        shown = lists.where(F.col("rank") <= cutoff).join(having, "movie_id")
        beyond = _beyond_accuracy(shown, n_items, n_users)
        found |= {f"{name}@{cutoff}": value for name, value in beyond.items()}
    for table in (lists, users, having):
        table.unpersist()
    names = [name for cutoff in cutoffs for name in found if name.endswith(f"@{cutoff}")]
    return pd.Series({name: found[name] for name in names}, name="mean", dtype=float)


def _check(lists: DataFrame, having: DataFrame) -> None:
    from pyspark.sql import functions as F

    places = lists.join(having, "movie_id", "left").agg(
        F.count("*").alias("rows"),
        F.count_distinct("user_id", "movie_id").alias("pairs"),
        F.count_distinct("user_id", "rank").alias("ranks"),
        F.count("having").alias("known"),
        F.min("rank").alias("first"),
    )
    row = places.first()
    assert row is not None  # an aggregate of all rows always has one
    if row["pairs"] < row["rows"] or row["ranks"] < row["rows"]:
        raise DataError(
            "A list holds a film twice, or two films at one rank; recommend each film once, and "
            "number the ranks from 1."
        )
    if row["known"] < row["rows"]:
        raise DataError(
            f"{row['rows'] - row['known']} recommended films are not in the training set; the "
            "lists belong to another one."
        )
    if row["rows"] and row["first"] < 1:
        raise DataError(f"A rank is {row['first']}; number the ranks from 1.")


def _accuracy(
    lists: DataFrame, relevant: DataFrame, judged: DataFrame, cutoffs: tuple[int, ...]
) -> dict[str, Any]:
    """Return the means of the six ranking metrics, in one pass over the hits."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    in_order = Window.partitionBy("user_id").orderBy("rank")
    hits = lists.join(relevant, PAIR).withColumn("nth", F.row_number().over(in_order))
    rank, n = F.col("rank"), F.col("n")
    sums: list[Column] = []
    means: list[Column] = []
    for k in cutoffs:
        first = F.min(F.when(rank <= k, rank))
        for name, value in {
            "count": F.count(F.when(rank <= k, 1)),
            "first": F.coalesce(1 / first, F.lit(0.0)),
            "precisions": F.sum(F.when(rank <= k, F.col("nth") / rank).otherwise(0.0)),
            "gain": F.sum(F.when(rank <= k, 1 / F.log2(rank + 1)).otherwise(0.0)),
        }.items():
            sums.append(value.alias(f"{name}@{k}"))
        count, gain = F.col(f"count@{k}"), F.col(f"gain@{k}")
        best = F.element_at(F.array(*map(F.lit, _ideal_gains(k))), F.least(n, F.lit(k)).cast("int"))
        for name, value in {
            "recall": count / n,
            "precision": count / k,
            "hit_rate": (count > 0).cast("double"),
            "mrr": F.col(f"first@{k}"),
            "map": F.col(f"precisions@{k}") / n,
            "ndcg": gain / best,
        }.items():
            means.append(F.avg(value).alias(f"{name}@{k}"))
    per_user = judged.join(hits.groupBy("user_id").agg(*sums), "user_id", "left").fillna(0)
    row = per_user.agg(F.count("*").alias("users"), *means).first()
    assert row is not None
    found = row.asDict()
    if not found.pop("users"):
        raise DataError("None of the users of the training set has anything in the test set.")
    return found


def _ideal_gains(k: int) -> list[float]:
    """Return the discounted gain of 1, 2, …, `k` hits at the top of a list."""
    gains, total = [], 0.0
    for rank in range(1, k + 1):
        total += 1 / math.log2(rank + 1)
        gains.append(total)
    return gains


def _beyond_accuracy(shown: DataFrame, n_items: int, n_users: int) -> dict[str, float]:
    """Return the other metrics of lists, as :mod:`course_utils.metrics.beyond` defines them."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    nobody = float("nan")
    people = (
        shown.groupBy("user_id")
        .agg(
            F.avg("having").alias("popularity"),
            F.avg(math.log2(n_users) - F.log2("having")).alias("novelty"),
        )
        .agg(F.count("*").alias("n"), F.avg("popularity"), F.avg("novelty"))
        .first()
    )
    assert people is not None
    n, popularity, novelty = people
    share = 1 / F.sqrt(F.count("*").over(Window.partitionBy("user_id")))
    per_item = shown.withColumn("share", share).groupBy("movie_id")
    exposure = per_item.agg(F.count("*").alias("times"), F.sum("share").alias("share"))
    place = F.row_number().over(Window.orderBy("times"))  # few rows: one for each film shown
    films = (
        exposure.withColumn("place", place)
        .agg(
            F.count("*").alias("n"),
            F.sum("times"),
            F.sum(F.col("place") * F.col("times")),
            F.sum(F.col("share") * F.col("share")),
        )
        .first()
    )
    assert films is not None
    n_shown, places, weighted, overlap = films
    if not n:
        return dict.fromkeys(("popularity", "gini", "novelty", "personalization"), nobody) | {
            "coverage": 0.0
        }
    # the films never shown stand before the others in the order of exposure
    weighted = 2 * weighted + (2 * (n_items - n_shown) - n_items - 1) * places
    return {
        "coverage": n_shown / n_items,
        "popularity": popularity,
        "gini": weighted / (n_items * places),
        "novelty": novelty,
        "personalization": min(max(1 - (overlap - n) / (n * (n - 1)), 0.0), 1.0)
        if n > 1
        else nobody,
    }
