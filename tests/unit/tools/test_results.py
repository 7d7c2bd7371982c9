"""The results page: every model of the package, one split for all, numbers that come out again."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

import course_utils
from course_utils import models
from course_utils.datasets import load_movielens
from course_utils.interactions import encode
from course_utils.splits import leave_last_out
from tools.notebooks import results

CHEAP = ("Random", "Popularity", "EASE")


def kept(dataset):
    """Return the committed numbers, a row for each model, and the text below them."""
    text = results.page(dataset).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    rows = {}
    for line in lines:
        model, *cells = line.strip("| ").split(" | ")
        rows[model.strip("`")] = [float(n) for cell in cells for n in re.findall(r"\d\.\d+", cell)]
    return pd.DataFrame(rows).T, text


def test_every_model_of_the_package_is_on_the_page():
    recommenders = {
        name
        for name in models.__all__
        if not inspect.isabstract(getattr(models, name)) and name != "Recommender"
    }
    assert set(results.MAKERS) == recommenders
    for dataset in ("sample", "ml-latest-small"):
        assert set(kept(dataset)[0].index) == recommenders


@pytest.mark.parametrize("dataset", ["sample", "ml-latest-small"])
def test_the_tables_are_of_this_version_and_this_protocol(dataset):
    numbers, text = kept(dataset)
    assert f"*{dataset}: " in text
    assert f"n_test={results.N_TEST}, min_train={results.MIN_TRAIN}, k={results.K}. " in text
    assert f"course-utils {course_utils.__version__}." in text
    mean, low, high = (numbers[column] for column in range(3))  # of the first metric
    assert ((low <= mean) & (mean <= high)).all()


@pytest.mark.parametrize("dataset", ["sample", "ml-latest-small"])
def test_the_order_that_the_page_speaks_of(dataset):
    recall = kept(dataset)[0][0]
    order = ["Random", "ContentModel", "Popularity", "ItemKNN", "ALS", "EASE"]
    assert recall[order].is_monotonic_increasing
    assert (recall["BiasedMF"] > recall["Popularity"]) == (dataset == "sample")


@pytest.fixture(scope="module")
def task():
    return results.task_of(load_movielens("sample"))


def test_the_committed_numbers_come_out_again(task):
    text = results.markdown(task, results.results(task, CHEAP))
    numbers, committed = kept("sample")
    assert text.splitlines()[-1] == committed.splitlines()[-1]  # dataset, sizes, protocol
    for model in CHEAP:
        (row,) = (line for line in text.splitlines() if f"`{model}`" in line)
        found = [float(n) for n in re.findall(r"\d\.\d+", row)]
        assert found == pytest.approx(numbers.loc[model].tolist(), abs=0.0011)


def test_the_stars_hold_what_was_rated_before_the_test_and_nothing_else():
    columns = ["user_id", "movie_id", "rating", "timestamp"]
    rows = [
        (1, 10, 5.0, 1),  # a positive to learn from
        (1, 11, 2.0, 2),  # disliked before the test: stars know it, positives do not
        (1, 12, 4.0, 3),  # held out
        (1, 13, 1.0, 4),  # disliked after the test has begun
        (2, 11, 4.0, 9),  # too few to be tested, so all of it is known
        (2, 13, 3.0, 9),
        (3, 13, 5.0, 1),
    ]
    ratings = pd.DataFrame(rows, columns=columns)
    split = leave_last_out(ratings[ratings["rating"] >= 4], n_test=1)
    train = encode(split.train)
    assert split.test["movie_id"].tolist() == [12]
    stars = results.stars_of(ratings, split.test, train)
    assert train.items.tolist() == [10, 11, 13]
    assert np.array_equal(stars.toarray(), [[5, 2, 0], [0, 4, 3], [0, 0, 5]])


def test_part_of_the_models_is_never_written_to_the_page(capsys):
    with pytest.raises(SystemExit):
        results.main(["EASE", "--write"])
    assert "leave the names out" in capsys.readouterr().err
