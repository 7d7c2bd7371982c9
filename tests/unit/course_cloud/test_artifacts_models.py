"""Every model of the course answers after a round trip through a folder as it did before."""

import dataclasses
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import artifact_cases as cases
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from model_cases import same, some_matrix

from course_cloud import artifacts
from course_cloud.artifacts import manifest as manifests
from course_cloud.artifacts import npz
from course_utils.errors import ArtifactError, DataError
from course_utils.models import Popularity, Recommender


@pytest.mark.parametrize("name", cases.EVERY_MODEL)
def test_a_model_gives_the_same_answers_after_a_round_trip(name, tmp_path):
    model, matrix = cases.fitted(name)
    before = cases.answers(model, matrix)
    manifest = cases.save(tmp_path / "model", model, train=cases.interactions(matrix))
    saved = artifacts.load(tmp_path / "model")
    assert saved.manifest == manifest
    assert type(saved.model) is type(model)
    assert repr(saved.model) == repr(model)
    after = cases.answers(saved.model, matrix)
    assert len(before) == len(after) >= 5
    assert all(same(one, other) for one, other in zip(before, after, strict=True))


def test_what_comes_with_a_model_comes_back(tmp_path):
    train = dataclasses.replace(cases.interactions(), dropped=3)
    manifest = cases.save(tmp_path / "model", train=train, embeddings=cases.embeddings())
    saved = artifacts.load(tmp_path / "model")
    assert (saved.train.matrix != train.matrix).nnz == 0
    assert saved.train.matrix.dtype == np.float32
    assert saved.train.dropped == 3
    for name in ("users", "items"):
        found, expected = getattr(saved.train, name), getattr(train, name)
        assert found.dtype == expected.dtype
        assert (found == expected).all()
    pd.testing.assert_frame_equal(saved.movies, cases.movies())
    assert saved.metrics.name == "mean"
    assert saved.metrics["ndcg@10"] == 0.25
    assert np.isnan(saved.metrics["coverage@10"])
    assert (saved.embeddings.vectors == cases.embeddings().vectors).all()
    assert saved.embeddings.pooling == "mean"
    assert manifest.settings == {"half_life": None}
    assert (manifest.model, manifest.dataset) == ("Popularity", "sample")
    assert manifest.versions["numpy"] == np.__version__
    assert "run " + manifest.run_id in repr(saved)


def test_a_table_of_metrics_keeps_its_types_and_every_bit(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"model": ["ALS", "Größe"], "mean": rng.random(2), "p": [np.nan, 1e-300], "n": [3, 2**60]}
    )
    for metrics in (table, table.set_index("model"), table["mean"], None):
        cases.save(tmp_path / "model", metrics=metrics)
        found = artifacts.load(tmp_path / "model").metrics
        if isinstance(metrics, pd.DataFrame):
            pd.testing.assert_frame_equal(found, metrics, check_exact=True)
        elif metrics is None:
            assert found is None
        else:
            pd.testing.assert_series_equal(found, metrics, check_exact=True)


def test_a_trained_module_is_made_again_with_the_same_weights(tmp_path):
    model, matrix = cases.fitted("BiasedMF")
    cases.save(tmp_path / "model", model, train=cases.interactions(matrix))
    again = artifacts.load(tmp_path / "model").model
    pd.testing.assert_frame_equal(again.learning_curve, model.learning_curve)
    pairs = np.arange(cases.N_USERS)[:, None], np.arange(-1, cases.N_ITEMS)
    assert (again.predict(*pairs) == model.predict(*pairs)).all()
    for (name, one), (_, other) in zip(
        model.module.state_dict().items(), again.module.state_dict().items(), strict=True
    ):
        assert (one == other).all(), name


ASK = """
import sys
import numpy as np
from course_cloud import artifacts
for folder in sys.argv[1:]:
    saved = artifacts.load(folder)
    rows = np.arange(len(saved.train.users))
    np.save(folder + ".npy", saved.model.recommend(rows, saved.train.matrix)[0])
print(*sorted({"torch", "implicit", "sklearn", "boto3"} & {*sys.modules}))
"""


def test_a_fresh_process_gives_the_same_lists_without_what_only_fitting_needs(tmp_path):
    asked = {}
    for name in ("ALS", "BiasedMF", "FactorBridge", "TwoTower"):
        model, matrix = cases.fitted(name)
        folder = tmp_path / name
        cases.save(folder, model, train=cases.interactions(matrix))
        asked[str(folder)] = model.recommend(np.arange(cases.N_USERS), matrix)[0]
    run = subprocess.run([sys.executable, "-c", ASK, *asked], capture_output=True, text=True)
    assert (run.returncode, run.stdout.split()) == (0, []), run.stderr
    for folder, expected in asked.items():
        assert (np.load(f"{folder}.npy") == expected).all()


def test_the_commit_is_that_of_the_courses_code_and_of_no_other(tmp_path, monkeypatch):
    def git(*arguments):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    commit = manifests.git_commit.__wrapped__
    file = tmp_path / "manifest.py"
    file.touch()
    monkeypatch.setattr(manifests, "__file__", str(file))
    assert commit() is None
    git("init")
    git("commit", "--allow-empty", "-m", "somebody's thesis, with the course in its .venv")
    assert commit() is None
    told = {"vcs_info": {"commit_id": "c0ffee"}}
    pip = SimpleNamespace(read_text=lambda name: json.dumps(told))
    monkeypatch.setattr(manifests.metadata, "distribution", lambda name: pip)
    assert commit() == "c0ffee"
    git("add", ".")
    git("commit", "-m", "a checkout of the course")
    assert commit() == git("rev-parse", "HEAD")


arrays = st.sampled_from(["?", "i1", "u2", "<i4", "i8", "f2", "f4", "<f8"]).flatmap(
    lambda kind: npst.arrays(kind, npst.array_shapes(min_dims=0, min_side=0, max_side=4))
)


@given(arrays, st.booleans())
def test_any_array_comes_back_with_its_type_and_layout(array, turned):
    array = array.T if turned else array
    file = io.BytesIO()
    npz.write_npz(file, {"a": array, "none": array[..., :0] if array.ndim else array})
    file.seek(0)
    found = npz.read_npz(file)["a"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()
    assert found.flags.c_contiguous == array.flags.c_contiguous


@pytest.mark.parametrize("compressed", [False, True])
def test_numpy_is_given_nothing_but_arrays_of_numbers(monkeypatch, compressed):
    """NumPy 2.1, which Colab has, saves the option ``allow_pickle`` as one more array."""
    given = []
    for name in ("savez", "savez_compressed"):
        monkeypatch.setattr(np, name, lambda file, **arrays: given.append(arrays))
    npz.write_npz(io.BytesIO(), {"a": np.ones(2)}, compressed)
    assert [list(arrays) for arrays in given] == [["a"]]
    with pytest.raises(ValueError, match="would be pickled"):
        npz.write_npz(io.BytesIO(), {"a": np.array([{}])}, compressed)
    assert len(given) == 1


class Constant(Recommender):
    """A model of somebody's own."""

    learned = ("scores", "table")

    def __init__(self, level: float = 1.0) -> None:
        self.level = level

    def _fit(self, matrix):
        self.scores = np.arange(matrix.shape[1], dtype=np.float32) * self.level
        self.table = matrix.T.tocsr()

    def _scores(self, userids, history, recalculate):
        return np.tile(self.scores, (len(userids), 1))


class Silent(Constant):
    """It does not say what it learned."""


class Forgetful(Constant):
    learned = ("scores", "table", "bias")


class Full(Constant):
    learned = ("scores", "table", "cache")

    def _fit(self, matrix):
        super()._fit(matrix)
        self.cache = {"a": 1}


def test_a_model_of_ones_own_is_saved_when_it_says_what_it_learned(tmp_path):
    matrix = some_matrix()
    model = Constant(level=0.5).fit(matrix)
    cases.save(tmp_path / "own", model)
    with pytest.raises(ArtifactError, match=r"a Constant, .* load\(folder, classes="):
        artifacts.load(tmp_path / "own")
    again = artifacts.load(tmp_path / "own", classes=[Constant]).model
    assert (again.level, again.table.shape) == (0.5, (40, 30))
    rows = np.arange(cases.N_USERS)
    assert same(model.recommend(rows, matrix), again.recommend(rows, matrix))


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Silent(), "Silent does not say what it consists of.*learned = "),
        (Forgetful(), "Forgetful names 'bias' among what it learned and has no such"),
        (Full(), "Full keeps a dict in 'cache', which an artifact cannot hold"),
        (type("ALS", (Constant,), {"learned": ()})(), "This ALS is not the course's"),
    ],
)
def test_a_model_that_cannot_be_saved_says_what_to_implement(model, why, tmp_path):
    with pytest.raises(DataError, match=why):
        cases.save(tmp_path / "own", model.fit(some_matrix()))
    assert not any(tmp_path.iterdir())


def test_parts_that_do_not_belong_together_are_refused(tmp_path):
    other = cases.interactions(some_matrix(n_users=31))
    film = cases.movies().iloc[1:]
    twice = pd.concat([cases.movies(), film])
    for options, why in [
        ({"model": Popularity()}, "not fitted"),
        ({"model": object()}, "must be one of course_utils.models, .*; fit one"),
        ({"train": other.matrix}, "must be Interactions"),
        ({"train": other}, "fitted on 30 users × 40 items, and `train` has 31 × 40"),
        ({"movies": film}, "lacks 1 of the films that are recommended, movie 100"),
        ({"movies": twice}, "The movie ids of `movies` hold 101 twice"),
        ({"movies": film[["title"]]}, "columns 'movie_id' and 'title'"),
        ({"embeddings": cases.embeddings().vectors}, "must be Embeddings"),
        ({"metrics": {"ndcg@10": 1}}, "is a dict, and must be a Series or a DataFrame"),
        ({"metrics": pd.Series([np.inf])}, "infinity"),
        ({"dataset": None}, "`dataset` is a NoneType, and must be a text"),
        ({"metrics": pd.Series([1.0], index=[(1, 2)])}, "plain names"),
    ]:
        with pytest.raises(DataError, match=why):
            cases.save(tmp_path / "model", **options)
    assert not any(tmp_path.iterdir())
