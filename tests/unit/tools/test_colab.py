"""What the rehearsal of Colab is made of, without a virtual environment."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from course_utils.errors import CourseError
from tools.notebooks import colab
from tools.notebooks.setup_cell import Repository, setup_source


def make_python(path: Path, status: int = 0) -> str:
    """Write what ends with this status, like a Python that works or one that does not."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


def test_a_python_is_found_by_path_or_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = make_python(tmp_path / "bin/python3.12")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert colab.find_python(here) == colab.find_python("python3.12") == here
    with pytest.raises(CourseError, match=r"no working python3\.1 here"):
        colab.find_python("python3.1")


def test_the_newest_of_pyenv_stands_in_for_a_shim_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_python(tmp_path / "shims/python3.12", status=127)
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(CourseError, match="no working"):
        colab.find_python("python3.12")
    found = [
        make_python(tmp_path / f"versions/3.{n}/bin/python") for n in ("12.9", "12.10", "13.0")
    ]
    assert colab.find_python("python3.12") == found[1]


def test_the_environment_is_not_the_callers() -> None:
    ours = {"COURSE_DATASET": "ml-1m", "PYTHONPATH": "x", "MPLBACKEND": "Agg", "PIP_CERT": "y"}
    assert set(colab.clean(ours)) == {"PIP_CERT", "NO_PROXY", "no_proxy"}


def test_what_moved_is_told_and_what_is_new_is_not() -> None:
    before = {"numpy": "2.0.2", "pandas": "2.2.2", "tornado": "6.6"}
    assert colab.moved(before, {**before, "scipy": "1.18"}) == []
    assert colab.moved(before, {"numpy": "2.4.0", "pandas": "2.2.2"}) == [
        "numpy 2.0.2 became 2.4.0; loosen its requirement in pyproject.toml.",
        "tornado 6.6 was removed; find out what replaces it.",
    ]
    assert colab.summary({"numpy": "2.0.2", "scipy": "1.18"}) == (
        "2 packages, with numpy 2.0.2, pandas -, scikit-learn -, ipykernel -"
    )


def test_every_notebook_is_rehearsed_once_with_the_extra_it_asks_for(repository_root: Path) -> None:
    groups = colab.by_extra()
    scripts = (repository_root / "notebooks").rglob("*.py")
    assert sorted(name for names in groups.values() for name in names) == sorted(
        p.relative_to(repository_root).as_posix() for p in scripts
    )
    assert "notebooks/02_loading_movielens.py" in groups[""]
    assert "notebooks/labs/lab04_factorization.py" in groups["bert"]
    assert colab.by_extra(["lab02"]) == {
        "": ["notebooks/labs/lab02_neighbors.py", "notebooks/solutions/lab02_neighbors.py"]
    }


def test_the_archive_is_where_the_setup_cell_looks(tmp_path: Path) -> None:
    (tmp_path / "course/data").mkdir(parents=True)
    (tmp_path / "course/data/é.txt").write_text("x")
    path = tmp_path / "web/archive/refs/heads/a/b.zip"
    colab.archive(["data/é.txt", "deleted.txt"], tmp_path / "course", path, "top")
    assert path.as_uri() in setup_source(Repository((tmp_path / "web").as_uri(), "a/b"))
    with zipfile.ZipFile(path) as packed:
        assert packed.namelist() == ["top/data/é.txt"]


def test_commands_run_in_an_empty_folder_and_failures_are_told() -> None:
    environment = dict(os.environ)
    assert (
        colab.run([sys.executable, "-c", "import os; print(os.listdir())"], environment) == "[]\n"
    )
    with pytest.raises(CourseError, match=r"(?s)python\S* -c 1/0: ended .*ZeroDivisionError"):
        colab.run([sys.executable, "-c", "1/0"], environment)
    with pytest.raises(CourseError, match=r"took more than 0\.1 s"):
        colab.run([sys.executable, "-c", "while True: pass"], environment, 0.1)


def test_a_setup_cell_that_starts_pip_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", subprocess.run)  # so that it comes back
    source = setup_source(Repository("https://github.com/some-org/some-course", "main"))
    forgetful = source.replace("course_utils", "no_such_package")
    with pytest.raises(SystemExit, match=r"starts .*pip.* again"):
        exec(colab.NO_PIP + forgetful, {})
    exec(colab.NO_PIP + source, {})


def test_a_failed_row_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    table = colab.Table()
    table.row("a step", 1.25, "fine")
    assert not table.failed
    table.row("another", 2, "fine", "It broke.")
    table.row("a third", 3, "fine")
    assert table.failed
    shown = capsys.readouterr()
    assert [line.split()[-1] for line in shown.out.splitlines()] == [
        "result",
        "fine",
        "FAILED",
        "fine",
    ]
    assert shown.err == "It broke.\n"
