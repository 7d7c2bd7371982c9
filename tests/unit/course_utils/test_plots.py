"""The figures show the numbers they are given; how they look is checked by eye, in the book."""

import matplotlib as mpl
import pandas as pd
import pytest

from course_utils import plots
from course_utils.errors import DataError
from course_utils.interactions import encode

pytestmark = pytest.mark.usefixtures("no_window")


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


def test_bytes_moved_labels_each_bar():
    axes = plots.bytes_moved({"CSV": 2.301, "Parquet": 0.0958})
    assert {"2.30 MB", "0.10 MB"} <= set(texts(axes))


def test_monthly_bill_stacks_the_parts_and_writes_their_sum():
    costs = pd.DataFrame({"storage": [0.5, 1.0], "reads": [0.25, 0.0]}, index=["a", "b"])
    axes = plots.monthly_bill(costs)
    assert [text.strip() for text in texts(axes)] == ["0.75", "1.00"]
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [
        (0, 0.5), (0, 1.0), (0.5, 0.25), (1.0, 0.0),
    ]  # fmt: skip


def test_before_and_after_labels_each_score_and_sets_two_off():
    table = pd.DataFrame(
        {"mean": [0.1, 0.01, 0.2], "low": [0.05, 0.0, 0.1], "high": [0.2, 0.02, 0.3]},
        index=["popularity", "before", "after"],
    )
    axes = plots.before_and_after(table, "recall@10", "before", "after")
    assert texts(axes) == ["0.100", "0.010", "0.200"]
    colors = [container.lines[0].get_color() for container in axes.containers]
    assert len(set(colors)) == 3
    segments = [container.lines[2][0].get_segments()[0] for container in axes.containers]
    reach = [(segment[0][0], segment[1][0]) for segment in segments]
    assert reach == [pytest.approx(pair) for pair in ((0.05, 0.2), (0.0, 0.02), (0.1, 0.3))]
    with pytest.raises(DataError, match="There is no row 'later', only popularity, before, after"):
        plots.before_and_after(table, "recall@10", "before", "later")


def test_how_far_off_draws_factors_from_one():
    scores = pd.DataFrame({"shown": [0.01, 0.6, 0.2], "mended": [0.2, 0.2, 0.2]}, index=list("abc"))
    axes = plots.how_far_off(scores)
    assert texts(axes) == ["× 0.05", "× 3.00", "× 1.00"]
    stems = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2][1:]
    assert [list(stem) for stem in stems] == [[1, pytest.approx(x)] for x in (0.05, 3, 1)]
    low, high = axes.get_xlim()
    assert low < 0.05 < 3 < high
    with pytest.raises(DataError, match="no place on a logarithmic axis"):
        plots.how_far_off(scores.assign(shown=0.0))


def test_rating_parts_add_up_to_the_prediction():
    axes = plots.rating_parts({"mean": 3.5, "user": -0.5, "item": 0.75})
    assert texts(axes) == ["3.50", "-0.50", "+0.75", "3.75"]
    assert [bar.get_x() for bar in axes.patches] == [0, 3.5, 3.0, 0]
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "prediction"


def test_learning_curves_mark_the_best_epoch():
    free = pd.DataFrame({"train": [1.0, 0.8, 0.6], "validation": [1.0, 0.9, 0.95]}, [1, 2, 3])
    axes = plots.learning_curves({"λ = 0": free, "λ = 3": free * 0.9})
    drawn = [line.get_ydata() for line in axes.lines]
    assert [list(line) for line in drawn[:2]] == [[1, 0.9, 0.95], [1, 0.8, 0.6]]
    assert axes.lines[2].get_xdata() == [2]
    labels = [label.get_text() for label in axes.get_legend().get_texts()]
    assert labels[:2] == ["λ = 0, validation", "λ = 0, training"]
    assert texts(axes) == ["epoch 2", "epoch 2"]
