"""Every function that takes a table, with every kind of time and id: converted, or one sentence."""

import importlib
import inspect
import pkgutil
from datetime import UTC, date, datetime
from decimal import Decimal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.axes import Axes

import course_utils
from course_utils import plots, splits
from course_utils.datasets import load_movielens
from course_utils.errors import DataError
from course_utils.interactions import Interactions, encode, to_implicit
from course_utils.splits import Split

N = 60
RNG = np.random.default_rng(20)
PLAIN = pd.DataFrame(
    {
        "user_id": np.repeat([3, 8, 21], N // 3),
        "movie_id": np.tile(np.arange(2, 2 + N // 3), 3),
        "rating": 4.5,
        "timestamp": 1_112_486_027 + 86_400 * RNG.permutation(N),
    }
)
SECONDS = PLAIN["timestamp"]
TIMES = pd.to_datetime(SECONDS, unit="s")
FIRST = PLAIN.index > 0  # all rows but one


def leak_check(table):
    """Return what is said of a split that tests on a row from the middle."""
    middle = table.index == N // 2
    with pytest.raises(DataError) as refused:
        splits.assert_no_leakage(Split(table[~middle], table.iloc[:0], table[middle]))
    if "later than the first" in str(refused.value):
        return str(refused.value)
    raise refused.value


FUNCTIONS = {
    "to_implicit": to_implicit,
    "encode": encode,
    "course_split": splits.course_split,
    "leave_last_out": lambda table: splits.leave_last_out(table, n_test=2, n_val=1),
    "ratio_split": splits.ratio_split,
    "global_time_split": splits.global_time_split,
    "cold_item_split": splits.cold_item_split,
    "k_core": splits.k_core,
    "assert_no_leakage": leak_check,
    "long_tail": plots.long_tail,
    "ratings_per_user": plots.ratings_per_user,
    "rating_scale": plots.rating_scale,
    "activity_over_time": plots.activity_over_time,
}
ARROW_CATEGORIES = pd.ArrowDtype(pa.dictionary(pa.int8(), pa.int64()))
SAME = None  # converted: the result is that of the plain table
MISSING = r"is missing in 1 of \d+ rows; drop those"
NOT_SECONDS = "needs Unix seconds of 1970 to 2242; "
NOT_IDS = "needs ids, from 0 to 2147483647; pd.factorize numbers them anew"
KINDS = {
    "timestamp": {
        "datetime64[s]": (TIMES.astype("datetime64[s]"), SAME),
        "datetime64[ns]": (TIMES.astype("datetime64[ns]"), SAME),
        "with a zone": (TIMES.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"), SAME),
        "Arrow's": (TIMES.astype("timestamp[us][pyarrow]"), SAME),
        "Python's": ([time.to_pydatetime() for time in TIMES], SAME),
        "categories": (TIMES.astype("category"), SAME),
        "ISO texts": (TIMES.astype(str), SAME),
        "ISO texts with a zone": (TIMES.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), SAME),
        "whole floats": (SECONDS.astype(float), SAME),
        "Int64": (SECONDS.astype("Int64"), SAME),
        "int64[pyarrow]": (SECONDS.astype("int64[pyarrow]"), SAME),
        "objects": (SECONDS.astype(object), SAME),
        "milliseconds": (SECONDS * 1000, NOT_SECONDS),
        "nanoseconds": (SECONDS * 10**9, NOT_SECONDS),
        "negative": (SECONDS.where(FIRST, -1), NOT_SECONDS),
        "the year 9999": (np.array(["9999-12-31"] * N, "datetime64[s]"), NOT_SECONDS),
        "fractions": (SECONDS + 0.5, r"holds \d+\.5, which is no integer"),
        "parts of seconds": (TIMES + pd.Timedelta("1ms"), "which is no whole second; cut it"),
        "float32": (SECONDS.astype(np.float32), "or rounded by float32"),
        "digits": (SECONDS.astype(str), r"holds '\d+', no integer; pd.to_datetime reads dates"),
        "American dates": (TIMES.dt.strftime("%m/%d/%Y"), r"holds '0[45]/\d+/2005', no integer"),
        "NaN": (SECONDS.where(FIRST), MISSING),
        "NaT": (TIMES.where(FIRST), MISSING),
        "NA": (SECONDS.astype("Int64").where(FIRST), MISSING),
        "empty texts": (TIMES.astype(str).where(FIRST, ""), MISSING),
        "texts and numbers": (SECONDS.astype(object).where(FIRST, "2005"), "holds '2005', no int"),
        "Booleans": (SECONDS > 0, "holds True, no integer"),
        "periods": (TIMES.dt.to_period("D"), r"holds Period\('2005"),
    },
    "user_id": {
        "whole floats": (PLAIN["user_id"].astype(float), SAME),
        "Int64": (PLAIN["user_id"].astype("Int64"), SAME),
        "uint8": (PLAIN["user_id"].astype(np.uint8), SAME),
        "int64[pyarrow]": (PLAIN["user_id"].astype("int64[pyarrow]"), SAME),
        "objects": (PLAIN["user_id"].astype(object), SAME),
        "categories": (PLAIN["user_id"].astype("category"), SAME),
        "fractions": (PLAIN["user_id"] + 0.5, "holds 3.5, which is no integer"),
        "negative": (-PLAIN["user_id"], f"holds -21, but {NOT_IDS}"),
        "above int32": (PLAIN["user_id"] + 2**31, f"holds 2147483669, but {NOT_IDS}"),
        "texts": (PLAIN["user_id"].astype(str), "holds '3', no integer; pd.factorize numbers"),
        "categories of texts": (PLAIN["user_id"].astype(str).astype("category"), "holds '3', no"),
        "Booleans": (PLAIN["user_id"] > 3, "holds False, no integer"),
        "nullable Booleans": ((PLAIN["user_id"] > 3).astype("boolean"), "holds False, no integer"),
        "float32 that rounds": (PLAIN["user_id"].astype(np.float32) + 2**24, "by float32; read"),
        "Arrow's categories": (
            PLAIN["user_id"].astype("category").astype(ARROW_CATEGORIES), SAME),
        "sparse": (PLAIN["user_id"].astype(pd.SparseDtype(int)), SAME),
        "decimals": ([Decimal(3)] * N, r"holds Decimal\('3'\), no integer"),
        "NaN": (PLAIN["user_id"].where(FIRST), MISSING),
        "NA": (PLAIN["user_id"].astype("Int64").where(FIRST), MISSING),
        "dates": (TIMES, "no integer"),
    },
    "rating": {
        "objects": (PLAIN["rating"].astype(object), SAME),
        "Float64": (PLAIN["rating"].astype("Float64"), SAME),
        "categories": (PLAIN["rating"].astype("category"), SAME),
        "texts": (PLAIN["rating"].astype(str), "holds '4.5', no number of stars; pd.to_numeric"),
        "infinity": (PLAIN["rating"].where(FIRST, np.inf), "holds inf, no number of stars"),
        "Booleans": (PLAIN["rating"] > 0, "holds True, no number of stars"),
    },
}  # fmt: skip
CELLS = [(f, column, kind) for f in FUNCTIONS for column in KINDS for kind in KINDS[column]]


def outcome(function, table):
    """Return the result of a function in a form that `==` compares."""
    result = FUNCTIONS[function](table)
    if isinstance(result, Split):
        parts = (result.train, result.val, result.test)
        return [part.index.tolist() for part in parts], result.cut, result.n_too_short
    if isinstance(result, Interactions):
        return result.matrix.toarray().tolist(), result.users.tolist(), result.items.tolist()
    if isinstance(result, pd.DataFrame):
        return result.astype(float).to_numpy().tolist()
    return [patch.get_height() for patch in result.patches] if isinstance(result, Axes) else result


@pytest.mark.parametrize(("function", "column", "kind"), CELLS)
def test_a_column_of_another_kind_is_converted_or_refused(function, column, kind):
    values, message = KINDS[column][kind]
    table = PLAIN.assign(**{column: values})
    before = table.copy()
    if message is not SAME:
        with pytest.raises(DataError, match=message) as refused:
            FUNCTIONS[function](table)
        assert f"Column {column!r}" in str(refused.value)
        assert "\n" not in str(refused.value)
    else:
        assert outcome(function, table) == outcome(function, PLAIN)
        plt.close("all")
    pd.testing.assert_frame_equal(table, before)


NO_TABLES = {
    "a whole release": (lambda: load_movielens("sample"), "MovieLens of course_utils; give ml.rat"),
    "a list": (lambda: [1, 2], "a list of builtins; give pd.DataFrame"),
    "nothing": (lambda: None, "a NoneType of builtins"),
    "one column": (lambda: PLAIN["user_id"], "a Series of pandas"),
    "an array": (lambda: PLAIN.to_numpy(), "a ndarray of numpy"),
    "Arrow": (lambda: pa.Table.from_pandas(PLAIN), r"a Table of pyarrow; give table.to_pandas\(\)"),
    "MovieLens' names": (
        lambda: PLAIN.set_axis(["userId", "movieId", "stars", "time"], axis=1),
        r"no column '(\w+)', only userId, movieId, stars, time; rename '(userId|movieId|stars|time"
        r")' to '\1'",
    ),
    "an index": (
        lambda: PLAIN.set_index([*PLAIN]),
        r"but an index of that name; table.reset_index\(\) makes it a column",
    ),
    "a column that is not needed doubled": (
        lambda: pd.concat([PLAIN, PLAIN[["rating"]]], axis=1),
        "'rating' twice; rename or drop",
    ),
    "doubled": (lambda: pd.concat([PLAIN, PLAIN], axis=1), "twice; rename or drop one"),
    "numbered": (lambda: PLAIN.set_axis(range(4), axis=1), "only 0, 1, 2, 3"),
}


@pytest.mark.parametrize("kind", NO_TABLES)
@pytest.mark.parametrize("function", sorted(FUNCTIONS.keys() - {"assert_no_leakage"}))
def test_what_is_no_table_with_the_columns_is_refused(function, kind):
    make, message = NO_TABLES[kind]
    with pytest.raises(DataError, match=message):
        FUNCTIONS[function](make())


def test_datetimes_of_one_moment_are_the_same_seconds():
    when = datetime(2005, 4, 2, 23, 53, 47, tzinfo=UTC)
    texts = ["2005-04-02 23:53:47", "2005-04-03T01:53:47+02:00", "2005-04-02T23:53:47Z"]
    table = PLAIN.head(3).assign(timestamp=texts)
    assert to_implicit(table)["timestamp"].tolist() == [when.timestamp()] * 3
    days = to_implicit(table.assign(timestamp=[date(2005, 4, 2)] * 3))["timestamp"]
    assert days.tolist() == [1_112_400_000] * 3


def test_no_function_that_takes_ratings_is_left_out():
    takers = set()
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        for name, function in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(function) and not name.startswith("_"):
                types = inspect.get_annotations(function)
                takers |= {name for table in ("ratings", "positives")
                           if "DataFrame" in str(types.get(table))}  # fmt: skip
    assert takers == FUNCTIONS.keys() - {"assert_no_leakage"}


def test_validation_comes_before_training_in_the_order_of_the_table():
    table = PLAIN.sort_values("timestamp")  # its index is no longer in order
    split = splits.leave_last_out(table, n_test=1, n_val=2)
    both = split.train_and_val.sort_values("timestamp", kind="stable")
    assert split.train_and_val["timestamp"].tolist() == both["timestamp"].tolist()


@pytest.mark.parametrize("draw", [plots.long_tail, plots.ratings_per_user, plots.rating_scale,
                                  plots.activity_over_time])  # fmt: skip
def test_a_table_without_rows_is_not_drawn(draw):
    with pytest.raises(DataError, match="nothing to draw"):
        draw(PLAIN.head(0))


def test_what_is_no_split_has_no_leaks():
    with pytest.raises(DataError, match="Give a Split, as leave_last_out returns it, not a tuple"):
        splits.assert_no_leakage((PLAIN, PLAIN, PLAIN))
