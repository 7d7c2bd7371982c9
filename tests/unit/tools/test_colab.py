"""What the rehearsal of Colab is made of, without a virtual environment."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from course_utils.errors import CourseError
from tools.notebooks import colab, colab_list, kernel
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


FREEZE = """\
# what Colab prints
numpy==2.1.3
Pandas==2.2.3
scikit_learn==1.6.1
ipykernel==6.17.1
no-business-of-ours==1.0
torch @ https://example.org/torch-2.11.0%2Bcpu.whl
google-colab @ file:///dist/google_colab-1.0.0.tar.gz
-e git+https://example.org/a.git@main#egg=a
git+https://example.org/b.git
"""


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty folder in which the lists of packages are."""
    (tmp_path / "lists").mkdir()
    monkeypatch.setattr(colab_list, "FOLDER", tmp_path / "lists")
    return tmp_path / "lists"


def renew(source: Path) -> int:
    return colab.main([sys.executable, "--renew", str(source)])


def test_a_list_is_renewed_and_holds_only_what_the_course_touches(
    lists: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, here = tmp_path / "pip-freeze.txt", "{}.{}".format(*sys.version_info)
    for text in (FREEZE, f"\ufeff{FREEZE}".replace("\n", "\r\n")):
        source.write_text(text, encoding="utf-8", newline="")
        assert renew(source) == 0
        said = f"colab-{here}.txt: 4 of 5 packages; 4 without a version left out\n"
        assert capsys.readouterr().out == said
    pins = ["ipykernel==6.17.1", "numpy==2.1.3", "pandas==2.2.3", "scikit-learn==1.6.1"]
    header, command, *kept = (lists / f"colab-{here}.txt").read_text().splitlines()
    assert kept == colab_list.held("s3,serve", here) == pins
    assert header.startswith(f"# Colab's packages under Python {here}")
    assert f"python{here} --renew pip-freeze.txt" in command
    assert [path.name for path in lists.iterdir()] == [f"colab-{here}.txt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "does not name numpy and pandas and scikit-learn and ipykernel"),
        (FREEZE.replace("ipykernel==6.17.1\n", "").encode(), "does not name ipykernel"),
        (b"- numpy==2.1.3\n", "does not name numpy"),
        (b"Package Version\n------- -------\nnumpy 2.1.3\n", "line 1: 'Package Version' is not"),
        (b'[{"name": "numpy"}]', "line 1: '[{"),
        (b"\n<!DOCTYPE html>\n", "line 2: '<!DOCTYPE html>' is not name==version"),
        (b"numpy>=2.1\n", "line 1: 'numpy>=2.1' is not name==version"),
        (b"numpy\n", "line 1: 'numpy' is not"),
        (b"numpy==\n", "line 1: 'numpy==' is not"),
        (b"==2.1\n", "line 1: '==2.1' is not"),
        (b"numpy===2.1\n", "line 1: 'numpy===2.1' is not"),
        (b"numpy==2.*\n", "line 1: 'numpy==2.*' is not"),
        (b"numpy==2.1.\n", "line 1: 'numpy==2.1.' is not"),
        (b"numpy==2.1; python_version > 3\n", "line 1: 'numpy==2.1; python"),
        (b"numpy==2.1==2.2\n", "line 1: 'numpy==2.1==2.2' is not"),
        (b"num py==2.1\n", "line 1: 'num py==2.1' is not"),
        (b"numpy==2.1 --hash=sha256:0\n", "line 1: 'numpy==2.1 --hash"),
        (b"x" * 5000, f"line 1: '{'x' * 60}' is not"),
        (b"numpy==2.1.3\nNumPy==2.1.3\n", "line 2: numpy is there twice"),
        ("numpy==2.1.3\n".encode("utf-16"), "cannot be read as text"),
        (b"PK\x03\x04\xff\xfe", "cannot be read as text"),
        (None, "cannot be read as text"),
    ],
)
def test_what_is_no_list_is_refused_in_one_sentence_and_the_old_one_stays(
    lists: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes | None, said: str
) -> None:
    old = lists / "colab-{}.{}.txt".format(*sys.version_info)
    old.write_text("as before")
    source = tmp_path / "pip-freeze.txt"
    if text is None:
        source.mkdir()
    else:
        source.write_bytes(text)
    assert renew(source) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(str(source))
    assert said in sentence
    assert sentence.endswith("it should be what `pip freeze` prints on Colab.")
    assert [(path.name, path.read_text()) for path in lists.iterdir()] == [(old.name, "as before")]


def test_a_list_that_cannot_be_written_or_is_not_there_is_told(
    lists: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "pip-freeze.txt"
    source.write_text(FREEZE)
    with pytest.raises(
        CourseError, match=r"no colab-2\.7\.txt, only nothing; make it with --renew"
    ):
        colab_list.held("", "2.7")
    lists.rmdir()
    assert renew(source) == 1
    assert capsys.readouterr().err.endswith("cannot be written (No such file or directory).\n")


def test_what_is_touched_is_followed_from_package_to_package_and_extra_to_extra() -> None:
    plain, with_s3 = (colab_list.touched(extras, "3.13") for extras in ("", "s3"))
    assert {"numpy", "python-dateutil", "ipykernel", "debugpy", "tornado"} <= plain
    assert {"moto", "werkzeug", "py-partiql-parser"} <= with_s3 - plain  # the last by moto[s3]
    assert not {"torch", "pytest", "sphinx"} & with_s3


@pytest.mark.parametrize(("python", "numpy"), [("3.13", "2.1"), ("3.12", "2.0")])
def test_both_runtimes_are_known(python: str, numpy: str) -> None:
    everything = dict(pin.split("==") for pin in colab_list.held("s3,bert,serve,spark", python))
    assert everything["numpy"].startswith(numpy)
    assert everything.keys() >= {"pyspark", "fastapi", "transformers", "docutils", "debugpy"}
    assert "pyspark" not in dict(pin.split("==") for pin in colab_list.held("s3", python))


def test_a_kernel_is_told_to_say_nothing_of_its_debugger() -> None:
    source = "import os; print(os.environ['PYDEVD_DISABLE_FILE_VALIDATION'])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    job = kernel.Job("x", notebook, sys.executable, colab.clean(dict(os.environ)), 60)
    assert kernel.execute(job).error == ""
    assert [output.text for output in notebook.cells[0].outputs] == ["1\n"]


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
