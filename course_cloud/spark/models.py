"""ALS in Spark, and the best films for everybody from its factors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from course_cloud.spark.sessions import quiet_about_pandas
from course_cloud.spark.tables import need_columns
from course_utils.validation import NOTHING, need_positive

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Table
    from pyspark.ml.recommendation import ALSModel
    from pyspark.sql import DataFrame

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]


def fit_als(
    train: DataFrame,
    factors: int = 64,
    regularization: float = 0.01,
    iterations: int = 10,
    alpha: float = 1.0,
    seed: int = 42,
    blocks: int | None = None,
) -> ALSModel:
    """Fit ``pyspark.ml.recommendation.ALS`` to positives.

    Parameters
    ----------
    train
        With columns ``user_id`` and ``movie_id``, each pair once.
    factors, iterations, alpha, seed
        As in :class:`course_utils.models.ALS`: the same objective, confidence 1 + α included.
    regularization
        λ, but Spark multiplies it with the number of positives of each user and of each film
        (Zhou et al. 2008, "weighted-λ-regularization"), where `implicit` takes it as it is.
    blocks
        Into how many parts users and films are each dealt; when left out, as many as Spark has
        cores. Another number gives other random vectors to start from.

    Returns
    -------
    ALSModel
        Its ``userFactors`` and ``itemFactors`` are DataFrames, spread over the workers. The users'
        are exact for the items' factors beside them.

    Raises
    ------
    DataError
        For a missing column, and when `factors` or `iterations` is no integer of at least 1.
    """
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import functions as F

    need_columns(train, "user_id", "movie_id")
    n_blocks = blocks or train.sparkSession.sparkContext.defaultParallelism
    als = ALS(
        rank=need_positive(factors, "factors"),
        maxIter=need_positive(iterations, "iterations"),
        regParam=regularization,
        alpha=alpha,
        implicitPrefs=True,
        seed=seed,
        numUserBlocks=n_blocks,
        numItemBlocks=n_blocks,
        userCol="user_id",
        itemCol="movie_id",
        ratingCol="one",
    )
    return als.fit(train.select("user_id", "movie_id", F.lit(1.0).alias("one")))


def recommend(model: ALSModel, train: DataFrame, k: int = 10) -> DataFrame:
    """Return the `k` best films of every user, those in `train` left out.

    ``model.recommendForAllUsers`` knows no seen films. Here each worker is sent the factors of
    all films, which are small, and does for its share of the users what
    :func:`course_utils.ranking.top_k_of_factors` does for all: exact, and no user's factors move.

    Parameters
    ----------
    model
        As :func:`fit_als` returns it.
    train
        What it was fitted on: ``user_id`` and ``movie_id``.
    k
        How many films for each.

    Returns
    -------
    DataFrame
        ``user_id``, ``rank`` from 1, ``movie_id``. Of equal scores the lowest film comes first;
        where a user has fewer than `k` films left, there are fewer rows.

    Raises
    ------
    DataError
        For a missing column, and when `k` is no integer of at least 1. What a worker raises, a
        factor that is NaN for one, arrives as Spark's own error.
    """
    from pyspark.sql import functions as F

    need_columns(train, "user_id", "movie_id")
    k = need_positive(k, "k")
    movie_ids, vectors = _as_arrays(model.itemFactors.orderBy("id").toArrow())
    seen = train.groupBy("user_id").agg(F.collect_set("movie_id").alias("seen"))
    users = model.userFactors.withColumnRenamed("id", "user_id").join(seen, "user_id")
    shared = train.sparkSession.sparkContext.broadcast((movie_ids, vectors))
    with quiet_about_pandas():
        return users.mapInArrow(_ranker(shared, k), schema="user_id int, rank int, movie_id int")


def _ranker(shared: Any, k: int) -> Callable[[Iterator[RecordBatch]], Iterator[RecordBatch]]:
    """Return what a worker does with each batch of its users."""

    def rank(batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
        for users in batches:
            if users.num_rows:
                movie_ids, vectors = shared.value
                yield _best_films(users, movie_ids, vectors, k)

    return rank


def _best_films(
    users: RecordBatch, movie_ids: IntArray, vectors: FloatArray, k: int
) -> RecordBatch:
    """Return ``user_id``, ``rank`` and ``movie_id`` of the best films of some users.

    Parameters
    ----------
    users
        ``user_id``, ``features``, a vector of length d, and ``seen``, a list of movie ids.
    movie_ids, vectors
        Of the films: ascending, shape (n_items,), and shape (n_items, d).
    k
        How many films for each.
    """
    import pyarrow as pa
    from scipy import sparse

    from course_utils.ranking import top_k_of_factors

    user_ids, factors = _as_arrays(users)
    lists = users.column("seen")
    ends = lists.offsets.to_numpy()
    columns = np.searchsorted(movie_ids, lists.flatten().to_numpy())
    ones = np.ones(len(columns), dtype=np.float32)
    seen = sparse.csr_matrix((ones, columns, ends - ends[0]), shape=(len(user_ids), len(movie_ids)))
    # One thread: the worker beside this one has the other core.
    best = top_k_of_factors(factors, vectors, seen, k, backend="numpy", threads=1)
    row, rank = np.nonzero(best != NOTHING)
    found = {
        "user_id": user_ids[row],
        "rank": (rank + 1).astype(np.int32),
        "movie_id": movie_ids[best[row, rank]],
    }
    return pa.RecordBatch.from_pydict(found)


def _as_arrays(table: Table | RecordBatch) -> tuple[IntArray, FloatArray]:
    """Return ids and vectors of a table whose vectors are lists, under ``features``."""
    ids = table.column(0).to_numpy()
    features = table.column("features")
    if hasattr(features, "combine_chunks"):  # of a table, not of a batch
        features = features.combine_chunks()
    vectors = features.flatten().to_numpy(zero_copy_only=False).reshape(len(ids), -1)
    return ids.astype(np.int32), vectors.astype(np.float32)
