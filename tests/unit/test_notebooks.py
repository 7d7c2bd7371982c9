"""Building, running and checking notebooks, on a tiny one and on the repository's own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebook_checks import check_script
from setup_cell import UserError, read_repository

import notebooks

SCRIPT = """\
# %% [markdown]
# # Tiny
#
# A promise.

# %% tags=["setup"]

# %% mystnb={"image": {"alt": "A line that rises from zero to two"}}
import matplotlib.pyplot as plt

lines = plt.plot([0, 1, 2])

# %%
import os

print(os.listdir("."), os.environ.get("COURSE_DATASET"))

# %%
1 + 1
"""
CONFIG = "repository:\n  url: https://github.com/some-org/some-course\n  branch: main\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of a course of one notebook, built."""
    root = tmp_path_factory.mktemp("course")
    (root / "notebooks").mkdir()
    (root / "book/images").mkdir(parents=True)
    (root / "book/images/colab.svg").touch()
    (root / "_config.yml").write_text(CONFIG)
    (root / "notebooks/01_tiny.py").write_text(SCRIPT)
    built = tool(root, "build", COURSE_DATASET="no-such-release")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "1 notebooks checked, 0 findings" in built.stdout
    return root


def tool(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command-line tool as make does."""
    command = [sys.executable, notebooks.__file__, "--root", str(root), *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def cells_of(root: Path) -> list[Any]:
    """Return the cells of the tiny notebook."""
    cells: list[Any] = nbformat.read(root / "notebooks/01_tiny.ipynb", as_version=4).cells
    return cells


def test_the_course_has_no_findings(repository_root: Path) -> None:
    scripts = notebooks.find_scripts(repository_root)  # raises if there are none
    repository = read_repository(repository_root)
    assert [f for path in scripts for f in check_script(repository_root, path, repository)] == []


def test_build_executes_in_an_empty_folder_without_the_callers_dataset(course: Path) -> None:
    assert cells_of(course)[3].outputs[0].text == "[] None\n"
    assert [c.execution_count for c in cells_of(course)[1:]] == [1, 2, 3, 4]
    assert "image/png" in cells_of(course)[2].outputs[0].data


def test_a_second_build_gives_the_same_bytes(course: Path) -> None:
    notebook = course / "notebooks/01_tiny.ipynb"
    before = notebook.read_bytes()
    notebook.unlink()
    assert tool(course, "build").returncode == 0
    assert notebook.read_bytes() == before


def test_the_script_is_the_source_even_if_older_and_ids_are_kept(course: Path) -> None:
    script, notebook = course / "notebooks/01_tiny.py", course / "notebooks/01_tiny.ipynb"
    text, before = script.read_text(), notebook.read_bytes()
    ids = [cell.id for cell in cells_of(course)]
    new = "# %%\n1 + 2\n"
    script.write_text(text.replace("# %%\nimport os", f"{new}\n# %%\nimport os"))
    os.utime(script, (0, 0))
    try:
        assert tool(course, "build", "01").returncode == 0
        cells = cells_of(course)
        assert cells[3].source == "1 + 2"
        assert [cell.id for i, cell in enumerate(cells) if i != 3] == ids
    finally:
        script.write_text(text)
        notebook.write_bytes(before)


def test_a_failing_cell_leaves_the_notebook_and_says_where(course: Path) -> None:
    script, notebook = course / "notebooks/01_tiny.py", course / "notebooks/01_tiny.ipynb"
    text, before = script.read_text(), notebook.read_bytes()
    script.write_text(f"{text}\n# %%\n# a comment\nx = absent\n")
    try:
        built = tool(course, "build")
    finally:
        script.write_text(text)
    assert built.returncode == 1
    wanted = (
        "notebooks/01_tiny.ipynb: cell 6, `x = absent`: NameError: name 'absent' is not defined"
    )
    assert built.stderr.strip() == wanted
    assert notebook.read_bytes() == before
    assert {path.name for path in notebook.parent.iterdir()} == {script.name, notebook.name}


def test_run_passes_the_callers_environment_and_writes_nothing(course: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in course.rglob("*")}
    ran = tool(course, "run", "--python", sys.executable, COURSE_DATASET="sample")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[-1] == "sample"
    assert {path: path.stat().st_mtime_ns for path in course.rglob("*")} == before


def test_slow_and_failing_cells_are_told_in_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_slow.py").write_text("# %%\nimport time\n\ntime.sleep(60)\n")
    failing = "# %%\nimport os\n\nraise ValueError(os.environ['COURSE_DATASET'])\n"
    (tmp_path / "notebooks/02_wrong.py").write_text(failing)
    ran = tool(tmp_path, "run", "--timeout", "1", COURSE_DATASET="no-such-release")
    assert ran.returncode == 1
    slow, wrong = ran.stderr.splitlines()
    assert slow.startswith("notebooks/01_slow.py: cell 1, `import time`: took more than 1 s")
    assert wrong == "notebooks/02_wrong.py: cell 1, `import os`: ValueError: no-such-release"


def test_nbval_is_strict_about_all_but_versions_and_timings(
    tmp_path: Path, repository_root: Path
) -> None:
    shown = {
        "numpy 2.4.6 · Python 3.11.7": "numpy 2.5.0 · Python 3.12.1",
        "took 0.12 s": "took 3 s",
        "recall 0.12": "recall 0.13",
        "dataset: sample": "dataset: ml-1m",
    }
    cells = []
    for printed, stored in shown.items():
        outputs = [nbformat.v4.new_output("stream", text=f"{stored}\n")]
        cells.append(nbformat.v4.new_code_cell(f"print({printed!r})", outputs=outputs))
        cells[-1].execution_count = len(cells)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "x.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-v",
        "-c",
        os.devnull,
    ]
    sanitize = str(repository_root / "tests/nbval_sanitize.cfg")
    command += ["-p", "no:cacheprovider", "--nbval-sanitize-with", sanitize, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    results = [w for w in done.stdout.split() if w in ("PASSED", "FAILED")][:4]
    assert results == ["PASSED", "PASSED", "FAILED", "FAILED"], done.stdout


def test_names_may_be_numbers_stems_or_paths(tmp_path: Path) -> None:
    for name in ("02_x", "03_y", "labs/lab01_z", "solutions/lab01_z"):
        path = tmp_path / "notebooks" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def found(*names: str) -> list[str]:
        scripts = notebooks.find_scripts(tmp_path, names)
        return [path.relative_to(tmp_path / "notebooks").as_posix() for path in scripts]

    assert len(found()) == 4
    assert found("03", "notebooks/02_x.ipynb") == ["02_x.py", "03_y.py"]
    assert found("lab01_z") == ["labs/lab01_z.py", "solutions/lab01_z.py"]
    assert found("labs/lab01_z.py") == ["labs/lab01_z.py"]
    with pytest.raises(UserError, match="No notebook is called 09"):
        found("09")


def test_no_notebooks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "_config.yml").write_text(CONFIG)
    assert notebooks.main(["--root", str(tmp_path), "check"]) == 1
    with pytest.raises(UserError, match="There are no scripts"):
        notebooks.find_scripts(tmp_path)


def test_a_notebook_without_a_script_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_x.py").write_text("# %%\n1\n")
    (tmp_path / "notebooks/02_x.ipynb").write_text(json.dumps({}))
    assert notebooks.main(["--root", str(tmp_path), "check"]) == 1
    assert "notebooks/02_x.ipynb: no script beside it" in capsys.readouterr().out


def test_equal_cells_get_different_ids() -> None:
    cells = [nbformat.v4.new_code_cell("x") for _ in range(3)]
    notebooks.set_ids(nbformat.v4.new_notebook(cells=cells))
    first = cells[0].id
    assert [cell.id for cell in cells] == [first, f"{first}-2", f"{first}-3"]


def test_streams_are_merged_in_a_fixed_order() -> None:
    pieces = [("stdout", "a\n"), ("stderr", "0%\r50%\r100%"), ("stdout", "b\n"), ("stderr", "\n")]
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    outputs.append(nbformat.v4.new_output("display_data", data={"text/plain": "x"}))
    outputs.append(nbformat.v4.new_output("stream", name="stdout", text="c\n"))
    merged = notebooks.merge_streams(outputs)
    assert [o.get("text") for o in merged] == ["a\nb\n", "100%\n", None, "c\n"]


def test_another_timing_alone_does_not_change_the_file(tmp_path: Path) -> None:
    def text(printed: str, tags: list[str]) -> str:
        outputs = [nbformat.v4.new_output("stream", text=printed)]
        cell = nbformat.v4.new_code_cell("f()", id="x", metadata={"tags": tags}, outputs=outputs)
        return str(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])))

    unstable, path = ["nbval-ignore-output"], tmp_path / "x.ipynb"
    assert not notebooks.same_but_for_timings(path, text("1 s", unstable))
    path.write_text(text("1 s", unstable))
    assert notebooks.same_but_for_timings(path, text("2 s", unstable))
    assert not notebooks.same_but_for_timings(path, text("2 s", []))
    path.write_text(text("1 s", []))
    assert not notebooks.same_but_for_timings(path, text("2 s", []))
