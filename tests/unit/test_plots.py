"""The figures show the numbers they are given; how they look is checked by eye, in the book."""

import matplotlib as mpl
import pandas as pd
import pytest

from course_utils import plots
from course_utils.interactions import encode


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("Agg")
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def ratings():
    # film 1 has six ratings, films 2 to 5 one each; users 1 to 5 have two each
    movies = [1, 1, 1, 1, 1, 1, 2, 3, 4, 5]
    users = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]
    stars = [5, 4, 4, 3, 1, 5, 4, 4, 2, 5]
    return pd.DataFrame(
        {"user_id": users, "movie_id": movies, "rating": stars, "timestamp": 946684800}
    )


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_long_tail_marks_the_share_of_the_top_films(ratings):
    axes = plots.long_tail(ratings, top=0.2)
    assert texts(axes) == ["20% of the films\nhold 60% of the ratings"]


def test_ratings_per_user_counts_everybody_once_and_marks_the_median(ratings):
    axes = plots.ratings_per_user(ratings)
    assert sum(bar.get_height() for bar in axes.patches) == 6
    assert texts(axes) == ["median 2"]


def test_rating_scale_shows_shares_and_the_share_of_positives(ratings):
    axes = plots.rating_scale(ratings, threshold=4)
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.1, 0.1, 0.1, 0.4, 0.3])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3", "4", "5"]
    assert "dark: 4 stars or more, 70%" in texts(axes)


def test_activity_shows_months_without_ratings_too(ratings):
    axes = plots.activity_over_time(ratings.assign(timestamp=[946684800] * 6 + [951868800] * 4))
    assert [bar.get_height() for bar in axes.patches] == [6, 0, 4]


def test_csr_anatomy_shows_the_three_arrays():
    table = pd.DataFrame({"user_id": [3, 3, 8], "movie_id": [10, 30, 20]})
    matrix = encode(table).matrix
    axes = plots.csr_anatomy(matrix, ["user 3", "user 8"], ["10", "20", "30"])
    shown = texts(axes)
    for name, values in {"indices": "021", "data": "111", "indptr": "023"}.items():
        start = shown.index(name) + 1
        assert "".join(shown[start : start + 3]) == values


def test_memory_of_labels_each_bar():
    axes = plots.memory_of({"dense": 1234.5, "CSR": 0.4})
    assert {"1,234.5 MB", "0.4 MB"} <= set(texts(axes))


def test_drawing_changes_no_setting_of_the_readers_notebook(ratings):
    before = dict(mpl.rcParams)
    plots.long_tail(ratings)
    plots.csr_anatomy(encode(ratings).matrix, [], [])
    assert dict(mpl.rcParams) == before


def test_metric_against_k_draws_a_line_for_each_model():
    curves = pd.DataFrame({"a": [0.1, 0.2], "b": [0.3, 0.4]}, index=[1, 10])
    axes = plots.metric_against_k(curves, "recall@k")
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0.1, 0.2], [0.3, 0.4]]
    assert len({(line.get_linestyle(), line.get_marker()) for line in axes.lines}) == 2


def test_models_in_a_plane_labels_each_point():
    table = pd.DataFrame({"coverage": [0.1, 0.5], "recall": [0.2, 0.1]}, index=["a", "b"])
    axes = plots.models_in_a_plane(table, "coverage", "recall")
    assert texts(axes) == ["a", "b"]


def test_models_with_intervals_puts_the_best_on_top():
    table = pd.DataFrame(
        {"mean": [0.3, 0.1], "low": [0.2, 0.05], "high": [0.5, 0.15]}, index=["good", "bad"]
    )
    axes = plots.models_with_intervals(table, "recall@10")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bad", "good"]


def test_exposure_curves_are_lorenz_curves():
    axes = plots.exposure_curves({"one film only": [0, 0, 0, 8], "all alike": [2, 2, 2, 2]})
    _, concentrated, even = axes.lines
    assert concentrated.get_ydata().tolist() == [0, 0, 0, 0, 1]
    assert even.get_ydata().tolist() == [0, 0.25, 0.5, 0.75, 1]
