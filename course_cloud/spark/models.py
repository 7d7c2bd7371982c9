"""ALS in Spark: fit it, recommend the best films to every user, and measure the lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from course_cloud.spark.sessions import quiet_about_pandas
from course_cloud.spark.tables import as_spark_table, need_frame
from course_utils import evaluation, validation
from course_utils.errors import DataError
from course_utils.interactions import encode
from course_utils.ranking import top_k_of_factors
from course_utils.validation import NOTHING

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Table
    from pyspark.ml.recommendation import ALSModel
    from pyspark.sql import DataFrame

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
PAIR = ["user_id", "movie_id"]


def fit_als(
    train: DataFrame,
    factors: int = 64,
    regularization: float = 0.4,
    iterations: int = 10,
    alpha: float = 3.0,
    seed: int = 42,
    blocks: int | None = None,
) -> ALSModel:
    """Fit ``pyspark.ml.recommendation.ALS``; its user factors solve exactly for its item factors.

    Parameters
    ----------
    train
        With columns ``user_id`` and ``movie_id``, each pair once.
    factors, iterations, alpha, seed
        As in :class:`course_utils.models.ALS`: the same objective, confidence 1 + α included.
    regularization
        λ. Spark multiplies it by the number of positives of each user and of each film
        (Zhou et al. 2008, "weighted-λ-regularization"); `implicit` does not. The default had the
        best recall@10 on the sample's validation set, of .03, .1, .2, .4 and .8 with this α.
    blocks
        Number of partitions of users and of films; by default the number of Spark's cores. The
        random initial factors depend on it.

    Raises
    ------
    DataError
        For a bad column, and when `factors` or `iterations` is no integer of at least 1.
    """
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import functions as F

    train = as_spark_table(train, *PAIR)
    cores = train.sparkSession.sparkContext.defaultParallelism
    n_blocks = validation.need_positive(cores if blocks is None else blocks, "blocks")
    als = ALS(
        rank=validation.need_positive(factors, "factors"),
        maxIter=validation.need_positive(iterations, "iterations"),
        regParam=validation.need_number(regularization, "regularization"),
        alpha=validation.need_number(alpha, "alpha"),
        implicitPrefs=True,
        seed=validation.need_seed(seed),
        numUserBlocks=n_blocks,
        numItemBlocks=n_blocks,
        userCol="user_id",
        itemCol="movie_id",
        ratingCol="one",
    )
    try:
        return als.fit(train.select("user_id", "movie_id", F.lit(1.0).alias("one")))
    except (PySparkException, Py4JError) as error:
        raise DataError(f"Spark cannot fit ALS: {str(error).splitlines()[0]}.") from None


def recommend(model: ALSModel, train: DataFrame, k: int = 10) -> DataFrame:
    """Return the `k` best films of every user, excluding those in `train`.

    ``model.recommendForAllUsers`` does not exclude films. Here each worker gets the factors of all
    films, which are small, and ranks them for its share of the users.

    Parameters
    ----------
    model, train
        As :func:`fit_als` returned it, and what it was fitted on.
    k
        Number of films per user.

    Returns
    -------
    DataFrame
        ``user_id``, ``rank`` from 1, ``movie_id``. Ties are broken by the lower movie id. A user
        with fewer than `k` candidates has fewer rows.

    Raises
    ------
    DataError
        For a bad column, and when `k` is no integer of at least 1. Errors in a worker, such as a
        factor that is NaN, are raised as Spark's own errors.
    """
    from pyspark.sql import functions as F

    train = as_spark_table(train, *PAIR)
    k = validation.need_positive(k, "k")
    movie_ids, vectors = _as_arrays(model.itemFactors.orderBy("id").toArrow())
    seen = train.groupBy("user_id").agg(F.collect_set("movie_id").alias("seen"))
    users = model.userFactors.withColumnRenamed("id", "user_id").join(seen, "user_id")
    shared = train.sparkSession.sparkContext.broadcast((movie_ids, vectors))

    def rank(batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:  # runs in the workers
        for batch in batches:
            if batch.num_rows:
                yield _best_films(batch, *shared.value, k)

    with quiet_about_pandas():
        return users.mapInArrow(rank, schema="user_id int, rank int, movie_id int")


def evaluate(
    recommended: DataFrame, train: DataFrame, test: DataFrame, k: int | Iterable[int] = 10
) -> pd.Series:
    """Measure lists of recommendations as :func:`course_utils.evaluation.evaluate` does.

    The tables are collected to the driver, so they must fit in its memory.

    Parameters
    ----------
    recommended
        As :func:`recommend` returns it.
    train, test
        ``user_id`` and ``movie_id``, each pair once. Rows of `test` whose user or film is not in
        `train` are left out.
    k
        The cut-off, or several.

    Returns
    -------
    Series
        As ``evaluate(...).summary`` with its defaults.

    Raises
    ------
    DataError
        For a bad column or `k`, when no user has anything in the test set, and when a list holds a
        film twice, two films at one rank, or a film that is not in `train`.
    """
    cutoffs, lists = validation.need_cutoffs(k), _collected(recommended, "rank")
    ranks = validation.as_integers(lists["rank"], "rank")
    known, hidden = encode(_collected(train)), _collected(test)
    hidden = hidden[hidden["user_id"].isin(known.users) & hidden["movie_id"].isin(known.items)]
    if hidden.empty:
        raise DataError("None of the users of the training set has anything in the test set.")
    lists = lists.assign(rank=ranks)[ranks <= max(cutoffs)]
    rows, films = known.rows_of(lists["user_id"]), known.columns_of(lists["movie_id"])
    if lists.duplicated(["user_id", "rank"]).any() or lists["rank"].min() < 1:
        raise DataError("Each user's ranks must be numbered from 1, without repeats.")
    ids = np.full((len(known.users), max(cutoffs)), NOTHING)
    ids[rows, lists["rank"] - 1] = films
    relevant = encode(hidden, users=known.users, items=known.items).matrix
    return evaluation.evaluate(ids, known.matrix, relevant, cutoffs).summary


def _collected(table: DataFrame, *more: str) -> pd.DataFrame:
    need_frame(table, *PAIR, *more)
    return validation.as_table(table.select(*PAIR, *more).toArrow().to_pandas(), *PAIR)


def _best_films(
    users: RecordBatch, movie_ids: IntArray, vectors: FloatArray, k: int
) -> RecordBatch:
    """Return ``user_id``, ``rank`` and ``movie_id`` of the `k` best films of some users.

    `users` has ``user_id``, ``features`` (a vector of length d) and ``seen`` (a list of movie ids).
    `movie_ids`, shape (n_items,), ascend; `vectors`, shape (n_items, d), are their factors.
    """
    import pyarrow as pa

    user_ids, factors = _as_arrays(users)
    lists = users.column("seen")
    ends = lists.offsets.to_numpy()
    films = lists.flatten().to_numpy()
    columns = np.searchsorted(movie_ids, films).clip(max=len(movie_ids) - 1)
    known = (movie_ids[columns] == films).astype(np.float32)  # the model may not know a film
    shape = (len(user_ids), len(movie_ids))
    seen = sparse.csr_matrix((known, columns, ends - ends[0]), shape=shape)
    seen.eliminate_zeros()
    # One thread: other workers use the other cores.
    best = top_k_of_factors(factors, vectors, seen, k, backend="numpy", threads=1)
    row, rank = np.nonzero(best != NOTHING)
    found = {
        "user_id": user_ids[row],
        "rank": (rank + 1).astype(np.int32),
        "movie_id": movie_ids[best[row, rank]],
    }
    return pa.RecordBatch.from_pydict(found)


def _as_arrays(table: Table | RecordBatch) -> tuple[IntArray, FloatArray]:
    """Return the ids of a table, shape (n,), and its ``features``, shape (n, d)."""
    ids = table.column(0).to_numpy()
    features = table.column("features")
    if hasattr(features, "combine_chunks"):  # of a table, not of a batch
        features = features.combine_chunks()
    vectors = features.flatten().to_numpy(zero_copy_only=False).reshape(len(ids), -1)
    return ids.astype(np.int32), vectors.astype(np.float32)
