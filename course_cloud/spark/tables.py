"""Ratings, positives and hold-out as DataFrames of Spark, with the course's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from course_utils.errors import ClusterError, DataError
from course_utils.validation import need_choice, need_table_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

RATINGS = {"user_id": "int", "movie_id": "int", "rating": "float", "timestamp": "bigint"}
S3A = "org.apache.hadoop.fs.s3a.S3AFileSystem"  # class of the package hadoop-aws
ROW = "row"  # position of a rating in its file; a DataFrame has no order


class Parts(NamedTuple):
    """A partition of a table of interactions."""

    train: DataFrame
    val: DataFrame
    test: DataFrame


def to_spark(spark: SparkSession, ratings: pd.DataFrame) -> DataFrame:
    """Convert a table of the course to a DataFrame of Spark.

    Parameters
    ----------
    ratings
        Columns ``user_id`` and ``movie_id``, and any others.

    Returns
    -------
    DataFrame
        The same columns, and ``row``, the position of each row in the table.

    Raises
    ------
    DataError
        For a missing column.
    """
    import pyarrow as pa

    need_table_columns(ratings, "user_id", "movie_id")
    placed = ratings.assign(**{ROW: np.arange(len(ratings))})
    return spark.createDataFrame(pa.Table.from_pandas(placed, preserve_index=False))


def read_ratings(spark: SparkSession, path: str) -> DataFrame:
    """Read ratings from a Parquet file, or a folder of such files.

    Parameters
    ----------
    path
        A path that every worker can read, or an address such as
        ``"s3a://bucket/ratings.parquet"``.

    Returns
    -------
    DataFrame
        Columns ``user_id``, ``movie_id``, ``rating``, ``timestamp``, and ``row``, which orders the
        rows by file and by position in the file. It is lazy.

    Raises
    ------
    ClusterError
        For an ``s3a://`` address when the session lacks hadoop-aws.
    DataError
        When there is nothing at `path`, it is not Parquet, or a column is missing.
    """
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
    from pyspark.errors import AnalysisException, PySparkException
    from pyspark.sql import functions as F

    if path.startswith("s3a://"):
        try:
            spark._jvm.java.lang.Class.forName(S3A)  # type: ignore[union-attr]
        except Py4JJavaError:
            raise ClusterError(
                f"This Spark cannot read {path}: it lacks the package hadoop-aws; stop it, and "
                "start it with session(s3=True), which fetches the package."
            ) from None
    try:
        table = spark.read.parquet(path)
    except AnalysisException as error:
        said = str(error).splitlines()[0][:160].rstrip(".")
        raise DataError(f"There are no ratings at {path} ({said}).") from None
    except (PySparkException, Py4JJavaError):
        raise DataError(f"{path} is not Parquet, or damaged; write it again.") from None
    need_table_columns(table, *RATINGS)
    place = ["_metadata.file_path"] if len(table.inputFiles()) > 1 else []
    row: Any = F.struct(*place, "_metadata.row_index") if place else F.col("_metadata.row_index")
    columns = [F.col(name).cast(kind) for name, kind in RATINGS.items()]
    return table.select(*columns, row.alias(ROW))


def to_implicit(ratings: DataFrame, threshold: float = 4.0) -> DataFrame:
    """Return the positives: the rows with ``rating >= threshold``.

    Parameters
    ----------
    ratings
        With a column ``rating``, in stars.
    threshold
        Lowest rating of a positive.

    Raises
    ------
    DataError
        When there is no column ``rating``.
    """
    need_table_columns(ratings, "rating")
    return ratings.where(ratings["rating"] >= threshold)


def leave_last_out(
    positives: DataFrame, n_test: int = 1, n_val: int = 0, min_train: int = 1, ties: str = "order"
) -> Parts:
    """Hold out the last interactions of each user, as :func:`course_utils.splits.leave_last_out`.

    Parameters
    ----------
    positives
        Columns ``user_id``, ``movie_id`` and ``timestamp``.
    n_test, n_val, min_train
        As in :func:`course_utils.splits.leave_last_out`.
    ties
        Order of equal timestamps: ``"order"`` is file order and needs the column ``row``;
        ``"movie_id"`` is ascending movie id. There is no ``"random"``: the draw would depend on the
        partition of a row.

    Returns
    -------
    Parts
        Lazy: each part sorts the interactions again unless it is cached.

    Raises
    ------
    DataError
        For a missing column, a count that is no whole number of 0 or more, and unknown `ties`.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    for name, count in {"n_test": n_test, "n_val": n_val, "min_train": min_train}.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise DataError(f"{name} must be a whole number of 0 or more, and is {count!r}.")
    tie = {"order": ROW, "movie_id": "movie_id"}[need_choice(ties, "ties", "order", "movie_id")]
    need_table_columns(positives, "user_id", "movie_id", "timestamp", tie)

    of_user = Window.partitionBy("user_id")
    latest_first = of_user.orderBy(F.desc("timestamp"), F.desc(tie))
    enough = F.col("of_all") >= n_test + n_val + min_train
    last: Column = F.col("from_end")
    placed = positives.select(
        "*",
        F.row_number().over(latest_first).alias("from_end"),
        F.count("*").over(of_user).alias("of_all"),
    )
    parts = (
        ~enough | (last > n_test + n_val),
        enough & (last > n_test) & (last <= n_test + n_val),
        enough & (last <= n_test),
    )
    return Parts(*(placed.where(rows).select(*positives.columns) for rows in parts))
