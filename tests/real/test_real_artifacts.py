"""On real MovieLens a loaded model is worth exactly what the metrics saved with it say."""

import pandas as pd

from course_cloud import artifacts
from course_utils.evaluation import evaluate
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS, Hybrid, Popularity
from course_utils.splits import leave_last_out


def test_the_saved_metrics_are_those_of_the_loaded_model(release, tmp_path):
    ml = release("ml-latest-small")
    split = leave_last_out(to_implicit(ml.ratings), n_test=5, min_train=5)
    train = encode(split.train)
    test = encode(split.test, users=train.users, items=train.items).matrix
    model = Hybrid([ALS(factors=16, iterations=5)], cold_users=Popularity()).fit(train.matrix)
    summary = evaluate(model, train.matrix, test, progress=False).summary
    artifacts.save(
        tmp_path / "model", model=model, train=train, movies=ml.movies, metrics=summary,
        dataset=ml.name,
    )  # fmt: skip
    saved = artifacts.load(tmp_path / "model")
    again = evaluate(saved.model, saved.train.matrix, test, progress=False).summary
    pd.testing.assert_series_equal(again, saved.metrics, check_exact=True)
    pd.testing.assert_series_equal(saved.metrics, summary, check_exact=True)
    pd.testing.assert_frame_equal(saved.movies, ml.movies)
    assert saved.manifest.dataset == "ml-latest-small"
    assert saved.manifest.settings["models"] == ["ALS"]
    assert 0.02 < saved.metrics["recall@10"] < 0.2
