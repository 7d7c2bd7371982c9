"""The results page: every model of the package, one split for all, numbers that come out again."""

import inspect
import json
import re

import numpy as np
import pandas as pd
import pytest

import course_utils
from course_utils import models
from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit
from course_utils.splits import leave_last_out
from tools.notebooks import results, settings

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
    assert f"course-utils {course_utils.__version__}." in text
    mean, low, high = (numbers[column] for column in range(3))  # of the first metric
    assert ((low <= mean) & (mean <= high)).all()


@pytest.mark.parametrize("dataset", ["sample", "ml-latest-small"])
def test_the_order_that_the_page_speaks_of(dataset):
    recall = kept(dataset)[0][0]
    last = ["EASE", "ALS"] if dataset == "sample" else ["ALS", "EASE"]
    order = ["Random", "ContentModel", "Popularity", "ItemKNN", *last]
    assert recall[order].is_monotonic_increasing


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
    positives = to_implicit(ratings)  # whose index is another than that of the ratings
    split = leave_last_out(positives, n_test=1)
    train = encode(split.train)
    assert split.test["movie_id"].tolist() == [12]
    stars = results.stars_of(ratings, split.test, train)
    assert train.items.tolist() == [10, 11, 13]
    assert np.array_equal(stars.toarray(), [[5, 2, 0], [0, 4, 3], [0, 0, 5]])


def test_part_of_the_models_is_never_written_to_the_page(capsys):
    with pytest.raises(SystemExit):
        results.main(["EASE", "--write"])
    assert "leave the names out" in capsys.readouterr().err


def test_the_defaults_are_the_settings_that_the_search_has_found():
    lines = settings.PAGE.read_text(encoding="utf-8").splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in lines]
    assert [row[0].strip("`") for row in rows] == list(settings.GRIDS)
    for name, tried, said, *_ in rows:
        model = getattr(models, name.strip("`"))
        defaults = {n: p.default for n, p in inspect.signature(model).parameters.items()}
        assert int(tried) == len(settings.settings_of(name.strip("`")))
        for part in said.split(", "):
            argument, value = part.rsplit(" ", 1)
            assert defaults[argument] == float(value)


def test_the_setting_that_serves_both_data_sets_is_chosen(monkeypatch):
    found = {"sample": [[0.1], [0.2], [0.19]], "ml-latest-small": [[0.1], [0.05], [0.09]]}
    monkeypatch.setattr(settings, "recalls", lambda dataset, _: np.repeat(found[dataset], 4, 1))
    monkeypatch.setitem(settings.GRIDS, "EASE", {"l2": (1, 2, 3)})
    name, tried, said, here, best, apart, *_ = settings.chosen(settings.DATASETS, "EASE")
    assert (name, tried, said, here, best) == ("`EASE`", "3", "l2 3", "0.190", "l2 2: 0.200")
    assert apart == "-0.010 ± 0.000"


def test_every_real_table_of_a_lesson_is_committed_and_no_other(repository_root):
    scripts = (repository_root / "notebooks").glob("*.py")
    text = "".join(script.read_text(encoding="utf-8") for script in scripts)
    asked = set(re.findall(r'beside_real\(\s*"(.+?)"', text))
    assert {path.stem for path in results.REAL.glob("*.json")} == asked


def test_changed_real_numbers_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "REAL", tmp_path / "kept")
    for folder, value in (("kept", 0.1), ("found", 0.1015), ("wrong", 0.11)):
        (tmp_path / folder).mkdir()
        table = {"columns": ["x"], "index": ["EASE"], "data": [[value]]}
        (tmp_path / folder / "lesson04.a.json").write_text(json.dumps(table))
    (tmp_path / "wrong" / "lesson04.b.json").write_text("{}")
    assert results.changed(tmp_path / "found") == []
    lost, otherwise = results.changed(tmp_path / "wrong")
    assert lost == "lesson04.b.json: only in one of the two"
    assert otherwise == "lesson04.a.json: its numbers have changed"
