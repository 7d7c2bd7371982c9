"""Ratings, positives and hold-out as DataFrames of Spark, with the course's columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from course_utils import validation
from course_utils.errors import ClusterError, DataError
from course_utils.validation import IDS, TIME

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

RATINGS = ("user_id", "movie_id", "rating", "timestamp")
TYPES = {"user_id": "integer", "movie_id": "integer", "timestamp": "long"}
NUMBERS = ("byte", "short", "integer", "long", "float", "double", "decimal")
CHECKED = {"checked by the course": True}  # metadata of a column
DATES = ("timestamp", "timestamp_ntz", "date")
S3A = "org.apache.hadoop.fs.s3a.S3AFileSystem"  # class of the package hadoop-aws
ROW = "row"  # position of a rating in its file; a DataFrame has no order


class Parts(NamedTuple):
    """A partition of a table of interactions."""

    train: DataFrame
    val: DataFrame
    test: DataFrame


def to_spark(spark: SparkSession, ratings: pd.DataFrame) -> DataFrame:
    """Convert a table with ``user_id``, ``movie_id`` and any other columns to a DataFrame of Spark.

    Its column ``row`` is the position of each row in the table. A DataError is raised for a missing
    column, and for ids and times that cannot be converted.
    """
    import pyarrow as pa

    ratings = validation.as_table(ratings, *IDS)
    placed = ratings.assign(**{ROW: np.arange(len(ratings))})
    made = spark.createDataFrame(pa.Table.from_pandas(placed, preserve_index=False))
    return as_spark_table(made, *IDS)


def read_ratings(spark: SparkSession, path: str) -> DataFrame:
    """Read ratings from a Parquet file, or a folder of such files.

    Parameters
    ----------
    path
        What every worker can read, for example ``"s3a://bucket/ratings.parquet"``.

    Returns
    -------
    DataFrame
        Columns ``user_id``, ``movie_id``, ``rating``, ``timestamp``, and ``row``, which orders the
        rows by file and by position in the file.

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

    path = str(path)
    if path.startswith(("s3://", "s3n://")):
        raise DataError(f"Spark reads S3 by another scheme; write s3a://{path.split('//', 1)[1]}.")
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
        place = ["_metadata.file_path"] if len(table.inputFiles()) > 1 else []
        index = "_metadata.row_index"
        row: Any = F.struct(*place, index) if place else F.col(index)
        validation.need_table_columns(table, *RATINGS)
        return as_spark_table(table.select(*RATINGS, row.alias(ROW)), *RATINGS)
    except (PySparkException, Py4JJavaError) as error:
        said = str(error).splitlines()[0][:160].rstrip(".")
        if "NANOS" in said:
            why = f"{path} has times in nanoseconds, which Spark does not read; write them as "
            raise DataError(why + "to_parquet(..., coerce_timestamps='us').") from None
        if isinstance(error, AnalysisException):
            raise DataError(f"There are no ratings at {path} ({said}).") from None
        raise DataError(f"{path} is not Parquet, or damaged; write it again.") from None


def to_implicit(ratings: DataFrame, threshold: float = 4.0) -> DataFrame:
    """Return the positives: the rows with ``rating >= threshold``.

    Rows without stars (missing, NaN, infinite) are none. A DataError is raised when there is no
    column ``rating``, or it holds no numbers.
    """
    threshold = validation.need_number(threshold, "threshold")
    ratings = as_spark_table(ratings, "rating")
    stars = ratings["rating"]
    return ratings.where(stars >= threshold).where(stars < float("inf"))  # NaN is above infinity


def as_spark_table(table: DataFrame, *names: str) -> DataFrame:
    """Return a DataFrame whose ids and times are integers; see `course_utils.validation.as_table`.

    One job reads the columns, unless their metadata tell that this was done. A DataError refuses
    what is no DataFrame of Spark, lacks a column, or cannot be converted; stars must be numbers.
    """
    from pyspark.sql import functions as F

    need_frame(table, *names)
    numbers = {}
    for field in table.schema:
        name, kind = field.name, field.dataType.typeName()
        if name in RATINGS and kind not in (*NUMBERS, *(DATES if name == TIME else ())):
            to = {"rating": "double", TIME: "timestamp"}.get(name, "int")
            way = f"cast it: F.col({name!r}).cast({to!r})"
            raise DataError(f"Column {name!r} has the type {kind}; {way}.")
        if name in TYPES and (field.nullable or CHECKED.items() - field.metadata.items()):
            numbers[name] = _number(name, kind)
    if numbers:
        _need_whole(table, numbers)
    for name, number in numbers.items():
        whole = F.coalesce(number.try_cast("bigint"), F.lit(0)).cast(TYPES[name])  # no null is left
        table = table.withColumn(name, whole).withMetadata(name, CHECKED)
    return table


def need_frame(table: Any, *names: str) -> None:
    """Raise a DataError for what is no DataFrame of Spark, or lacks one of the columns."""
    from pyspark.sql import DataFrame

    if not isinstance(table, DataFrame):
        what = f"a {type(table).__name__} of {type(table).__module__.partition('.')[0]}"
        way = "to_spark(spark, table) makes one of a pandas table"
        raise DataError(f"A DataFrame of Spark is needed, and this is {what}; {way}.")
    validation.need_table_columns(table, *names)


def _number(name: str, kind: str) -> Column:
    """Return a column as numbers: datetimes as Unix seconds, with UTC where they have no zone."""
    from pyspark.sql import functions as F

    column = F.col(name)
    if kind == "date":
        return F.unix_date(column) * 86_400
    if kind == "timestamp_ntz":
        column = F.to_timestamp(F.concat(column.cast("string"), F.lit("Z")))
    if kind == "float":
        return F.when(F.abs(column) < 2**24, column)  # from there on rounded
    return F.unix_micros(column) / 1e6 if kind in DATES else column


def _need_whole(table: DataFrame, numbers: Mapping[str, Column]) -> None:
    """Refuse columns with missing values, or with what is no id or no Unix second, in one job."""
    from pyspark.sql import functions as F

    faults = []
    for name, number in numbers.items():
        column, whole = F.col(name), number.try_cast("bigint")
        right = (whole == number) & whole.between(
            0, validation.LATEST if name == TIME else validation.LARGEST_ID
        )
        wrong = F.when(column.isNotNull() & ~F.coalesce(right, F.lit(False)), column.cast("string"))
        faults += [F.count_if(column.isNull()), F.first(wrong, ignorenulls=True)]
    found = tuple(table.agg(*faults).first() or ())
    for name, missing, wrong in zip(numbers, found[::2], found[1::2], strict=True):
        if missing:
            raise DataError(f"Column {name!r} is missing in {missing:,} rows; drop those.")
        if wrong is not None:
            need = (
                "whole Unix seconds"
                if name == TIME
                else f"ids, integers from 0 to {validation.LARGEST_ID}"
            )
            raise DataError(f"Column {name!r} holds {wrong}, but needs {need}.")


def leave_last_out(
    positives: DataFrame, n_test: int = 1, n_val: int = 0, min_train: int = 1, ties: str = "order"
) -> Parts:
    """Hold out the last interactions of each user, as :func:`course_utils.splits.leave_last_out`.

    Parameters
    ----------
    positives
        Columns ``user_id``, ``movie_id`` and ``timestamp``.
    n_test, n_val, min_train
        As there.
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
        For a bad column, a count that is no integer of 0 or more, and unknown `ties`.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    for name, count in {"n_test": n_test, "n_val": n_val, "min_train": min_train}.items():
        validation.need_integer(count, name, 0)
    tie = {"order": ROW, "movie_id": "movie_id"}[
        validation.need_choice(ties, "ties", "order", "movie_id")
    ]
    positives = as_spark_table(positives, *IDS, TIME, tie)

    of_user = Window.partitionBy("user_id")
    latest_first = of_user.orderBy(F.desc("timestamp"), F.desc(tie))
    enough = F.col("_of_all") >= n_test + n_val + min_train
    last: Column = F.col("_from_end")
    placed = positives.select(
        "*",
        F.row_number().over(latest_first).alias("_from_end"),
        F.count("*").over(of_user).alias("_of_all"),
    )
    parts = (
        ~enough | (last > n_test + n_val),
        enough & (last > n_test) & (last <= n_test + n_val),
        enough & (last <= n_test),
    )
    return Parts(*(placed.where(rows).drop("_from_end", "_of_all") for rows in parts))
