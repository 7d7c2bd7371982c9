"""`setup()` repeats itself, says what is in use, and refuses a release that does not exist."""

import os
import random
import sysconfig

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import course_utils
from course_utils.errors import DataError


def test_setup_makes_random_numbers_repeat(capsys):
    draws = []
    for _ in range(2):
        course_utils.setup(seed=7)
        draws.append((random.random(), np.random.rand()))  # noqa: NPY002
    assert draws[0] == draws[1]
    course_utils.setup(seed=8)
    assert random.random() != draws[0][0]


def test_setup_limits_blas_threads(capsys):
    course_utils.setup()
    import scipy.linalg  # noqa: F401 - a BLAS that is loaded later must not escape the limit

    blas = [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]
    assert blas
    assert set(blas) == {1}


def test_setup_says_versions_and_that_the_sample_is_simulated(capsys):
    course_utils.setup()
    said = capsys.readouterr().out
    assert f"numpy {np.__version__}" in said
    assert "dataset: sample (real film titles, simulated people and ratings)" in said


def test_setup_names_the_release_that_the_environment_asks_for(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "ml-1m")
    course_utils.setup()
    assert "dataset: ml-1m (real ratings from MovieLens)" in capsys.readouterr().out


def test_a_release_that_does_not_exist_is_refused_with_the_names_that_do(monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "ml-2m")
    with pytest.raises(
        DataError, match=r"no release called 'ml-2m'; choose one of sample, ml-100k"
    ):
        course_utils.setup()


def test_setup_puts_the_commands_of_this_python_on_the_path_once(monkeypatch, capsys):
    here = sysconfig.get_path("scripts")
    monkeypatch.setenv("PATH", os.pathsep.join(["/usr/bin", "/bin"]))
    course_utils.setup()
    course_utils.setup()
    assert os.environ["PATH"].split(os.pathsep) == [here, "/usr/bin", "/bin"]
