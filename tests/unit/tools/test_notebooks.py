"""Building, running and checking notebooks, on a tiny one and on the repository's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest

from course_utils.errors import CourseError
from tools.notebooks import build
from tools.notebooks.kernel import merge_streams, set_ids
from tools.notebooks.lint import lint_script
from tools.notebooks.setup_cell import read_repository

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
    """Return the root of a course of two equal notebooks, built."""
    root = tmp_path_factory.mktemp("course")
    (root / "notebooks").mkdir()
    (root / "book/images").mkdir(parents=True)
    (root / "book/images/colab.svg").touch()
    (root / "_config.yml").write_text(CONFIG)
    for name in ("01_tiny", "02_tiny"):
        (root / f"notebooks/{name}.py").write_text(SCRIPT)
    built = tool(root, "build", COURSE_DATASET="no-such-release")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "2 notebooks checked, 0 findings" in built.stdout
    return root


class Rebuilt(NamedTuple):
    """A second build, before which 01 lost its notebook, 02 was edited and 03, wrong, was added."""

    root: Path
    before: dict[str, bytes]
    process: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def rebuilt(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Rebuilt:
    """Build a copy of the course again, after some changes."""
    root = tmp_path_factory.mktemp("again") / "course"
    shutil.copytree(course, root)
    before = {path.name: path.read_bytes() for path in (root / "notebooks").glob("*.ipynb")}
    first, edited, failing = (root / f"notebooks/{x}" for x in ("01_tiny", "02_tiny", "03_wrong"))
    first.with_suffix(".ipynb").unlink()
    script = edited.with_suffix(".py")
    script.write_text(SCRIPT.replace("# %%\nimport os", "# %%\n1 + 2\n\n# %%\nimport os"))
    os.utime(script, (0, 0))
    failing.with_suffix(".py").write_text(
        "# %% [markdown]\n# # Wrong\n\n# %%\n# a comment\nx = absent\n"
    )
    failing.with_suffix(".ipynb").write_bytes(before["02_tiny.ipynb"])
    return Rebuilt(root, before, tool(root, "build"))


def tool(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command-line tool as make does."""
    command = [sys.executable, "-m", "tools.notebooks.build", "--root", str(root), *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def cells_of(root: Path, name: str = "01_tiny") -> list[Any]:
    """Return the cells of a notebook."""
    cells: list[Any] = nbformat.read(root / f"notebooks/{name}.ipynb", as_version=4).cells
    return cells


def test_the_course_has_no_findings(repository_root: Path) -> None:
    scripts = build.find_scripts(repository_root)  # raises if there are none
    repository = read_repository(repository_root)
    assert [f for path in scripts for f in lint_script(repository_root, path, repository)] == []


def test_build_executes_in_an_empty_folder_without_the_callers_dataset(course: Path) -> None:
    assert cells_of(course)[3].outputs[0].text == "[] None\n"
    assert [c.execution_count for c in cells_of(course)[1:]] == [1, 2, 3, 4]
    assert "image/png" in cells_of(course)[2].outputs[0].data


def test_a_second_build_gives_the_same_bytes(rebuilt: Rebuilt) -> None:
    again = rebuilt.root / "notebooks/01_tiny.ipynb"
    assert again.read_bytes() == rebuilt.before["01_tiny.ipynb"]


def test_the_script_is_the_source_even_if_older_and_ids_are_kept(
    course: Path, rebuilt: Rebuilt
) -> None:
    cells = cells_of(rebuilt.root, "02_tiny")
    assert cells[3].source == "1 + 2"
    kept = [cell.id for i, cell in enumerate(cells) if i != 3]
    assert kept == [cell.id for cell in cells_of(course, "02_tiny")]


def test_a_failing_cell_leaves_the_notebook_and_says_where(rebuilt: Rebuilt) -> None:
    assert rebuilt.process.returncode == 1
    wanted = (
        "notebooks/03_wrong.ipynb: cell 2, `x = absent`: NameError: name 'absent' is not defined"
    )
    # On a busy machine a kernel that is told to stop may complain there as well.
    assert wanted in rebuilt.process.stderr.splitlines()
    assert "nbclient" not in rebuilt.process.stderr
    folder = rebuilt.root / "notebooks"
    assert (folder / "03_wrong.ipynb").read_bytes() == rebuilt.before["02_tiny.ipynb"]
    wanted_files = {
        f"{x}{end}" for x in ("01_tiny", "02_tiny", "03_wrong") for end in (".py", ".ipynb")
    }
    assert {path.name for path in folder.iterdir()} == wanted_files


def test_run_passes_the_callers_environment_and_writes_nothing(course: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in course.rglob("*")}
    environment = {"COURSE_DATASET": "ml-latest-small", "COURSE_DATA_DIR": "../shared/data"}
    ran = tool(course, "run", "01", "--python", sys.executable, **environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[-1] == "ml-latest-small"
    assert {path: path.stat().st_mtime_ns for path in course.rglob("*")} == before


@pytest.mark.parametrize(
    ("printed", "tags", "wanted"),
    [
        ("seed 42\ndataset: ml-latest-small (real ratings)\n", ["setup"], "ml-latest-small"),
        ("dataset: sample\n", [], "-"),
        ("no dataset: sample\n", ["setup"], "-"),
    ],
)
def test_the_dataset_is_the_one_that_the_setup_cell_prints(
    printed: str, tags: list[str], wanted: str
) -> None:
    outputs = [nbformat.v4.new_output("stream", text=printed)]
    text = nbformat.v4.new_markdown_cell("dataset: ml-1m", metadata={"tags": ["setup"]})
    code = nbformat.v4.new_code_cell("x", metadata={"tags": tags}, outputs=outputs)
    assert build.dataset_in(nbformat.v4.new_notebook(cells=[text, code])) == wanted


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
        scripts = build.find_scripts(tmp_path, names)
        return [path.relative_to(tmp_path / "notebooks").as_posix() for path in scripts]

    assert len(found()) == 4
    assert found("03", "notebooks/02_x.ipynb") == ["02_x.py", "03_y.py"]
    assert found("lab01_z") == ["labs/lab01_z.py", "solutions/lab01_z.py"]
    assert found("labs/lab01_z.py") == ["labs/lab01_z.py"]
    with pytest.raises(CourseError, match="No notebook is called 09"):
        found("09")


def test_no_notebooks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "_config.yml").write_text(CONFIG)
    assert build.main(["--root", str(tmp_path), "lint"]) == 1
    with pytest.raises(CourseError, match="There are no scripts"):
        build.find_scripts(tmp_path)


def test_a_notebook_without_a_script_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_x.py").write_text("# %%\n1\n")
    (tmp_path / "notebooks/02_x.ipynb").write_text(json.dumps({}))
    assert build.main(["--root", str(tmp_path), "lint"]) == 1
    assert "notebooks/02_x.ipynb: no script beside it" in capsys.readouterr().out


def test_equal_cells_get_different_ids() -> None:
    cells = [nbformat.v4.new_code_cell("x") for _ in range(3)]
    set_ids(nbformat.v4.new_notebook(cells=cells))
    first = cells[0].id
    assert [cell.id for cell in cells] == [first, f"{first}-2", f"{first}-3"]


def test_streams_are_merged_in_a_fixed_order() -> None:
    pieces = [("stdout", "a\n"), ("stderr", "0%\r50%\r100%"), ("stdout", "b\n"), ("stderr", "\n")]
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    outputs.append(nbformat.v4.new_output("display_data", data={"text/plain": "x"}))
    outputs.append(nbformat.v4.new_output("stream", name="stdout", text="c\n"))
    merged = merge_streams(outputs)
    assert [o.get("text") for o in merged] == ["a\nb\n", "100%\n", None, "c\n"]


def test_another_timing_alone_does_not_change_the_file(tmp_path: Path) -> None:
    def text(printed: str, tags: list[str]) -> str:
        outputs = [nbformat.v4.new_output("stream", text=printed)]
        cell = nbformat.v4.new_code_cell("f()", id="x", metadata={"tags": tags}, outputs=outputs)
        return str(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])))

    unstable, path = ["nbval-ignore-output"], tmp_path / "x.ipynb"
    assert not build.same_but_for_timings(path, text("1 s", unstable))
    path.write_text(text("1 s", unstable))
    assert build.same_but_for_timings(path, text("2 s", unstable))
    assert not build.same_but_for_timings(path, text("2 s", []))
    path.write_text(text("1 s", []))
    assert not build.same_but_for_timings(path, text("2 s", []))
