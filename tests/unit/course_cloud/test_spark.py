"""The pipeline on Spark gives what it gives on one machine: rows, factors, lists, metrics."""

import os
import stat
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from course_cloud import spark as on_spark
from course_cloud.spark import sessions
from course_utils import interactions, splits
from course_utils.errors import ClusterError, DataError
from course_utils.evaluation import evaluate

# Without what pays off on long jobs only.
QUICK = {
    "spark.driver.extraJavaOptions": "-Xss16m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
}
COLUMNS = ["user_id", "movie_id", "rating", "timestamp"]


@pytest.fixture(scope="module")
def spark():
    """Run one Spark for all tests here."""
    reason = on_spark.why_not()
    if reason:
        pytest.skip(reason)
    running = on_spark.session("local[2]", memory="1g", settings=QUICK)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ratings():
    """Return ratings with many equal timestamps, ids that are no positions, and short histories."""
    rng = np.random.default_rng(5)
    pairs = rng.permutation(np.flatnonzero(rng.random(40 * 60) < 0.3))
    table = pd.DataFrame(
        {
            "user_id": (pairs // 60 * 7 + 3).astype(np.int32),
            "movie_id": (pairs % 60 * 11 + 2).astype(np.int32),
            "rating": rng.integers(1, 6, len(pairs)).astype(np.float32),
            "timestamp": rng.integers(100, 106, len(pairs)).astype(np.int64),
        }
    )
    few = pd.DataFrame({"user_id": [900, 901, 901], "movie_id": [2, 13, 2]})
    few = few.assign(rating=5.0, timestamp=100).astype(dict(table.dtypes))
    return pd.concat([table, few], ignore_index=True)


@pytest.fixture(scope="module")
def split(ratings):
    """Return the course's own split of the positives."""
    return splits.leave_last_out(interactions.to_implicit(ratings), n_test=3, min_train=2)


@pytest.fixture(scope="module")
def tables(spark, split):
    """Return training and test set as Spark has them."""
    train, test = (on_spark.to_spark(spark, part) for part in (split.train, split.test))
    return train.cache(), test.cache()


@pytest.fixture(scope="module")
def fitted(tables):
    """Return a model of Spark's, and its lists as a table of pandas."""
    model = on_spark.fit_als(tables[0], factors=4, iterations=1, regularization=0.05, alpha=2.0)
    return model, as_table(on_spark.recommend(model, tables[0], k=10))


def as_table(frame):
    return frame.toArrow().to_pandas()


def vectors(factors):
    return {row["id"]: np.array(row["features"]) for row in factors.collect()}


def rows(table):
    return sorted(table[COLUMNS].itertuples(index=False, name=None))


# ---------------------------------------------------------------- the same rows


@pytest.mark.parametrize(
    ("counts", "ties"),
    [({"n_test": 2, "n_val": 1, "min_train": 3}, "order"), ({"n_test": 1}, "movie_id")],
)
def test_the_split_holds_out_the_same_rows(spark, ratings, counts, ties):
    positives = on_spark.to_implicit(on_spark.to_spark(spark, ratings))
    theirs = on_spark.leave_last_out(positives, **counts, ties=ties)
    ours = splits.leave_last_out(interactions.to_implicit(ratings), **counts, ties=ties)
    for part in ("train", "val", "test"):
        assert rows(as_table(getattr(theirs, part))) == rows(getattr(ours, part))


@pytest.mark.parametrize("n_files", [1, 2])
def test_ratings_from_parquet_keep_the_order_of_their_files(spark, ratings, tmp_path, n_files):
    for number, places in enumerate(np.array_split(np.arange(len(ratings)), n_files)):
        ratings.iloc[places].to_parquet(tmp_path / f"{number}.parquet", index=False)
    frame = on_spark.read_ratings(spark, str(tmp_path))
    pd.testing.assert_frame_equal(as_table(frame.orderBy("row"))[COLUMNS], ratings)


def test_ratings_that_are_not_there_or_not_ratings_are_refused(spark, ratings, tmp_path):
    with pytest.raises(DataError, match=r"There are no ratings at .*none\.parquet"):
        on_spark.read_ratings(spark, str(tmp_path / "none.parquet"))
    (tmp_path / "text.parquet").write_text("user_id,movie_id\n1,2\n")
    with pytest.raises(DataError, match="is not Parquet"):
        on_spark.read_ratings(spark, str(tmp_path / "text.parquet"))
    ratings.drop(columns="rating").to_parquet(tmp_path / "half.parquet")
    with pytest.raises(DataError, match="no column 'rating'"):
        on_spark.read_ratings(spark, str(tmp_path / "half.parquet"))


def test_an_s3_address_without_hadoop_aws_says_what_is_missing(spark):
    with pytest.raises(ClusterError, match=r"lacks the package hadoop-aws; .*session\(s3=True\)"):
        on_spark.read_ratings(spark, "s3a://bucket/ratings.parquet")


# ---------------------------------------------------------------- the same model, the same lists


def test_the_users_factors_solve_the_normal_equations_of_the_films(split, fitted):
    """Against NumPy: (QᵀQ + α Q_uᵀQ_u + λ n_u I) p_u = (1 + α) Σ q_i."""
    model, _ = fitted
    items, users = vectors(model.itemFactors), vectors(model.userFactors)
    every = np.stack(list(items.values()))
    history = split.train.groupby("user_id")["movie_id"].apply(list)
    assert set(users) == set(history.index)
    for user, films in history.items():
        own = np.stack([items[film] for film in films])
        left = every.T @ every + 2.0 * own.T @ own + 0.05 * len(films) * np.eye(4)
        assert np.allclose(users[user], np.linalg.solve(left, 3.0 * own.sum(axis=0)), atol=1e-5)


def test_the_lists_are_the_best_unseen_films_of_everybody(split, fitted):
    model, lists = fitted
    items, users = vectors(model.itemFactors), vectors(model.userFactors)
    seen = split.train.groupby("user_id")["movie_id"].apply(set)
    assert set(lists["user_id"]) == set(seen.index)
    for user, found in lists.sort_values("rank").groupby("user_id"):
        left = sorted(set(items) - seen[user])
        best = sorted(left, key=lambda film: -float(items[film] @ users[user]))[:10]
        assert found["movie_id"].tolist() == best
        assert found["rank"].tolist() == list(range(1, len(best) + 1))


def test_a_user_with_few_films_left_gets_a_shorter_list(spark):
    """One has all films but one, the other has one film."""
    table = pd.DataFrame({"user_id": [1, 1, 1, 2], "movie_id": [10, 20, 30, 40]})
    train = on_spark.to_spark(spark, table)
    lists = as_table(on_spark.recommend(on_spark.fit_als(train, factors=2, iterations=1), train, 5))
    assert lists.loc[lists["user_id"] == 1, "movie_id"].tolist() == [40]
    assert sorted(lists.loc[lists["user_id"] == 2, "movie_id"]) == [10, 20, 30]


# ---------------------------------------------------------------- the same metrics


class Given:
    """Recommends what it is given."""

    def __init__(self, lists):
        self.lists = lists

    def recommend(self, userids, user_items, N=10):
        return self.lists[userids, :N], np.zeros((len(userids), N))


def test_the_metrics_are_those_of_evaluate(spark, split, tables, fitted):
    """Some lists are short, one is missing, and films of the test set are unknown."""
    train = interactions.encode(split.train)
    test = interactions.encode(split.test, users=train.users, items=train.items)
    _, lists = fitted
    kept = (lists["user_id"] != 3) & ((lists["user_id"] != 10) | (lists["rank"] < 4))
    lists = lists[kept]
    ids = np.full((len(train.users), 10), -1)
    places = train.rows_of(lists["user_id"]), lists["rank"].to_numpy() - 1
    ids[places] = train.columns_of(lists["movie_id"])
    ours = evaluate(Given(ids), train.matrix, test.matrix, k=(3, 10), progress=False).summary
    theirs = on_spark.evaluate(on_spark.to_spark(spark, lists), *tables, k=(10, 3))
    assert ours["recall@10"] > 0
    pd.testing.assert_series_equal(theirs, ours, rtol=0, atol=1e-9)


def test_lists_of_nobody_measure_nothing(spark, split, tables, fitted):
    _, lists = fitted
    nobody = on_spark.to_spark(spark, lists).where("rank > 10")
    theirs = on_spark.evaluate(nobody, *tables, k=10)
    assert theirs["recall@10"] == theirs["ndcg@10"] == theirs["coverage@10"] == 0
    assert theirs[["popularity@10", "gini@10", "novelty@10", "personalization@10"]].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"movie_id": 20}, "holds item 1 twice"),
        ({"rank": 1}, "must be numbered from 1, without repeats"),
        ({"movie_id": 99}, "no movie 99 in this matrix"),
        ({"rank": 0}, "must be numbered from 1"),
    ],
)
def test_lists_that_cannot_be_right_are_refused(spark, change, message):
    train = pd.DataFrame({"user_id": [1, 2, 2, 3], "movie_id": [10, 20, 30, 40]})
    test = pd.DataFrame({"user_id": [1], "movie_id": [30]})
    lists = pd.DataFrame({"user_id": [1, 1], "movie_id": [20, 30], "rank": [1, 2]})
    lists.loc[1, list(change)] = list(change.values())
    tables = [on_spark.to_spark(spark, table) for table in (lists, train, test)]
    with pytest.raises(DataError, match=message):
        on_spark.evaluate(*tables)


def test_a_test_set_of_strangers_is_refused(spark, tables, fitted):
    strangers = on_spark.to_spark(spark, pd.DataFrame({"user_id": [5000], "movie_id": [2]}))
    with pytest.raises(DataError, match="anything in the test set"):
        on_spark.evaluate(on_spark.to_spark(spark, fitted[1]), tables[0], strangers)


NOON = datetime(2005, 4, 2, 12)  # 1112443200
KINDS = {  # type, value, and what is read of it: Unix seconds, an id, or part of the message
    ("timestamp", "bigint"): (1112443200, 1112443200),
    ("timestamp", "decimal(20,0)"): (Decimal(1112443200), 1112443200),
    ("timestamp", "double"): (1112443200.5, "holds 1.1124432005E9, but needs whole Unix seconds"),
    ("timestamp", "float"): (1112443200.0, "needs whole Unix seconds"),
    ("timestamp", "timestamp_ntz"): (NOON, 1112443200),
    ("timestamp", "timestamp"): (NOON.replace(tzinfo=timezone(timedelta(hours=9))), 1112410800),
    ("timestamp", "date"): (NOON.date(), 1112400000),
    ("timestamp", "string"): ("2005-04-02", "'timestamp' has the type string; cast it"),
    ("timestamp", "boolean"): (True, "has the type boolean"),
    ("timestamp", "int"): (-1, "holds -1, but needs whole Unix seconds"),
    ("timestamp", " bigint"): (1112443200000, "holds 1112443200000, but needs whole Unix seconds"),
    ("timestamp", "  bigint"): (None, "'timestamp' is missing in 1 rows"),
    ("timestamp", " timestamp_ntz"): (NOON.replace(microsecond=5), "needs whole Unix seconds"),
    ("user_id", "smallint"): (7, 7),
    ("user_id", "double"): (7.0, 7),
    ("user_id", " double"): (7.5, "holds 7.5, but needs ids, integers from 0 to 2147483647"),
    ("user_id", "  double"): (float("nan"), "holds NaN, but needs ids"),
    ("user_id", "bigint"): (2**31, "holds 2147483648, but needs ids"),
    ("user_id", "int"): (None, "'user_id' is missing in 1 rows"),
    ("user_id", " int"): (-7, "holds -7, but needs ids"),
    ("movie_id", "string"): ("7", r"type string; cast it: F.col\('movie_id'\).cast\('int'\)"),
    ("rating", "string"): ("4", r"type string; cast it: F.col\('rating'\).cast\('double'\)"),
}


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_ids_and_times_of_every_type_are_converted_or_refused(spark, kind):
    name, (value, expected) = kind[0], KINDS[kind]
    plain = {"user_id": 3, "movie_id": 5, "rating": 4.0, "timestamp": 60} | {name: value}
    types = {"user_id": "int", "movie_id": "int", "rating": "double", "timestamp": "bigint"}
    schema = ", ".join(f"{n} {t}" for n, t in (types | {name: kind[1].strip()}).items())
    table = spark.createDataFrame([tuple(plain.values())], schema)
    for call in (
        on_spark.to_implicit,
        on_spark.fit_als,
        lambda table: on_spark.recommend(None, table),
        lambda table: on_spark.leave_last_out(table, min_train=0, ties="movie_id").test,
    ):
        if isinstance(expected, str):
            with pytest.raises(DataError, match=expected):
                call(table)
    if not isinstance(expected, str):
        for read in (on_spark.to_implicit(table), call(table)):
            assert [row[name] for row in read.collect()] == [expected]


def test_columns_that_were_read_once_are_not_read_again(spark, ratings):
    positives = on_spark.to_implicit(on_spark.to_spark(spark, ratings))
    parts = on_spark.leave_last_out(positives)
    assert on_spark.tables.as_spark_table(parts.train, "user_id") is parts.train


def test_a_column_that_was_changed_after_it_was_read_is_read_again(spark, ratings):
    from pyspark.sql import functions as F

    positives = on_spark.to_implicit(on_spark.to_spark(spark, ratings))
    for name, change in (("user_id", F.col("user_id") * 0 - 7), ("timestamp", F.lit(10**12))):
        changed = positives.withColumn(name, change)
        with pytest.raises(DataError, match=f"'{name}' holds"):
            on_spark.leave_last_out(changed)


def test_films_that_the_model_does_not_know_hide_no_others(spark, tables, fitted):
    model, lists = fitted
    known = {row["id"] for row in model.itemFactors.collect()}
    more = [(3, film) for film in (min(known) - 1, min(known) + 1, max(known) + 1)]
    assert not known & {film for _, film in more}
    other = (
        tables[0]
        .select("user_id", "movie_id")
        .union(spark.createDataFrame(more, "user_id int, movie_id int"))
    )
    again = as_table(on_spark.recommend(model, other, k=10))
    order = ["user_id", "rank"]
    ours, theirs = (t.sort_values(order).reset_index(drop=True) for t in (lists, again))
    pd.testing.assert_frame_equal(theirs, ours)


@pytest.mark.parametrize("kind", ["damaged", "no Parquet"])
def test_a_folder_with_a_file_that_cannot_be_read_is_refused(spark, ratings, tmp_path, kind):
    ratings.to_parquet(tmp_path / "0.parquet")
    whole = (tmp_path / "0.parquet").read_bytes()
    bad = whole[:60] + bytes(len(whole) - 70) + whole[-10:] if kind == "damaged" else b"1,2,3,4"
    (tmp_path / "1.parquet").write_bytes(bad)
    with pytest.raises(DataError, match="is not Parquet, or damaged"):
        on_spark.read_ratings(spark, tmp_path)


def test_ratings_without_stars_are_no_positives(spark):
    stars = [float("nan"), None, 4.0, 3.5]
    table = spark.createDataFrame([(i, i, star) for i, star in enumerate(stars)],
                                  "user_id int, movie_id int, rating double")  # fmt: skip
    assert [row["user_id"] for row in on_spark.to_implicit(table).collect()] == [2]


def test_what_is_no_frame_of_spark_is_refused(spark, ratings, tmp_path):
    for call in (on_spark.to_implicit, on_spark.fit_als, on_spark.leave_last_out):
        with pytest.raises(DataError, match=r"a DataFrame of pandas; to_spark\(spark, table\)"):
            call(ratings)
    with pytest.raises(DataError, match=r"write s3a://bucket/r\.parquet"):
        on_spark.read_ratings(spark, "s3://bucket/r.parquet")
    nanoseconds = ratings.assign(timestamp=pd.to_datetime(ratings["timestamp"], unit="ns"))
    nanoseconds.to_parquet(tmp_path / "ns.parquet")
    with pytest.raises(DataError, match=r"times in nanoseconds, .*coerce_timestamps='us'"):
        on_spark.read_ratings(spark, tmp_path / "ns.parquet")


def test_a_missing_column_or_a_bad_number_is_refused(spark, tables):
    train, _ = tables
    for call, message in (
        (lambda: on_spark.to_implicit(train.drop("rating")), "no column 'rating'"),
        (lambda: on_spark.leave_last_out(train.drop("row")), "no column 'row'"),
        (
            lambda: on_spark.leave_last_out(train, n_test=-1),
            "n_test must be an integer of at least 0",
        ),
        (lambda: on_spark.leave_last_out(train, ties="random"), "ties must be one of"),
        (lambda: on_spark.fit_als(train, factors=0), "factors must be an integer of at least 1"),
        (lambda: on_spark.recommend(None, train, k=0), "k must be an integer of at least 1"),
        (lambda: on_spark.evaluate(train, train, train), "no column 'rank'"),
        (lambda: on_spark.to_spark(spark, pd.DataFrame({"user": [1]})), "no column 'user_id'"),
    ):
        with pytest.raises(DataError, match=message):
            call()


# ---------------------------------------------------------------- where Spark cannot run


def a_java_that_says(folder, version):
    """Put a program into `folder` that calls itself Java."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_a_machine_without_java_gets_one_sentence(monkeypatch, tmp_path):
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    reason = on_spark.why_not()
    assert reason.startswith("Spark runs on Java 17 or newer, and there is none here; install one")
    with pytest.raises(ClusterError, match="there is none here"):
        on_spark.session()


@pytest.mark.parametrize(("version", "number"), [("11.0.22", 11), ("1.8.0_392", 8)])
def test_an_old_java_is_named(monkeypatch, tmp_path, version, number):
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", a_java_that_says(tmp_path, version))
    assert f"finds {number};" in on_spark.why_not()


def test_a_new_java_is_fine_and_the_path_is_searched(monkeypatch, tmp_path):
    pytest.importorskip("pyspark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    folder = a_java_that_says(tmp_path, "21.0.1")
    monkeypatch.setenv("PATH", f"{folder}/bin{os.pathsep}{os.environ['PATH']}")
    assert on_spark.why_not() is None


def test_a_machine_without_pyspark_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(sessions, "find_spec", lambda name: None)
    assert on_spark.why_not().endswith("run: pip install 'course-utils[spark]'")


def test_the_variables_of_the_storage_reach_s3a_and_no_key_does(monkeypatch):
    pytest.importorskip("pyspark")
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "course:student",
        "AWS_SECRET_ACCESS_KEY": "not for the settings",
    }.items():
        monkeypatch.setenv(name, value)
    settings = sessions._s3_settings()
    assert settings["spark.hadoop.fs.s3a.endpoint"] == "http://127.0.0.1:9000"
    assert settings["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert settings["spark.hadoop.fs.s3a.endpoint.region"] == "eu-central-1"
    assert settings["spark.jars.packages"].startswith("org.apache.hadoop:hadoop-aws:3.")
    assert not [value for value in settings.values() if "student" in value or "not for" in value]


@pytest.mark.parametrize(
    ("error", "logged", "said"),
    [
        ("[JAVA_GATEWAY_EXITED] Java gateway process exited.",
         'Exception in thread "main" org.apache.spark.SparkException: Master must be yarn.\n\tat x',
         "Master must be yarn"),
        ("An error occurred while calling None.\n: org.apache.spark.SparkException: no such port\n",
         "WARN Utils: Exception: of no weight", "no such port"),
        ("nothing to say", "", "RuntimeError"),
    ],
)  # fmt: skip
def test_a_spark_that_does_not_start_says_why_and_where_to_read_on(tmp_path, error, logged, said):
    log = tmp_path / "spark.log"
    log.write_text(logged)
    assert sessions._last_words(log, RuntimeError(error)) == f"{said}. Its log is {log}."


def test_a_session_that_runs_is_returned_whatever_is_asked_for(spark):
    assert on_spark.session("spark://127.0.0.1:1") is spark


def test_the_column_index_of_a_film_is_its_place_among_the_ids():
    """What a worker builds from lists of ids is the matrix of who has what."""
    pa = pytest.importorskip("pyarrow")
    from course_cloud.spark.models import _best_films

    users = pa.RecordBatch.from_pydict(
        {
            "user_id": pa.array([7, 8], pa.int32()),
            "features": pa.array([[1.0, 0.0], [0.0, 1.0]], pa.list_(pa.float32())),
            "seen": pa.array([[30], [10, 20]], pa.list_(pa.int32())),
        }
    )
    movie_ids = np.array([10, 20, 30], dtype=np.int32)
    vectors = np.array([[0.1, 0.9], [0.5, 0.2], [0.9, 0.1]], dtype=np.float32)
    for batch, expected in (
        (users, [[7, 1, 20], [7, 2, 10], [8, 1, 30]]),
        (users.slice(1), [[8, 1, 30]]),  # a slice's offsets do not begin at 0
    ):
        found = _best_films(batch, movie_ids, vectors, k=2).to_pandas()
        assert found[["user_id", "rank", "movie_id"]].to_numpy().tolist() == expected
