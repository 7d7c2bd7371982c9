"""The status page: what is installed, and every notebook with its cells and its time."""

import json
import platform

import nbformat
import pytest

from tools.notebooks import build
from tools.notebooks.kernel import Job, Outcome
from tools.site import page_tables

CODE = {"cell_type": "code", "execution_count": 1, "source": ""}
SAYS = {"output_type": "stream", "name": "stdout", "text": "numpy 2\ndataset: sample (simulated)\n"}
SETUP = CODE | {"metadata": {"tags": ["setup"]}, "outputs": [SAYS]}
TIMING = CODE | {"metadata": {"tags": ["nbval-ignore-output"]}, "outputs": []}
PROSE = {"cell_type": "markdown", "metadata": {}, "source": ""}
NOTEBOOK = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [SETUP, TIMING, PROSE]}


@pytest.fixture
def root(tmp_path):
    for name in ("01_first", "labs/lab01_buckets", "solutions/lab01_buckets"):
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(NOTEBOOK, separators=(",", ":")))
    return tmp_path


def row(table, name):
    (found,) = (line for line in table.splitlines() if f"[{name}]" in line)
    return [cell.strip() for cell in found.strip("|").split("|")][1:]


def test_a_notebook_has_its_dataset_cells_and_time(root):
    build.record_times(root, {"notebooks/01_first.py": 12.34})
    table = page_tables.notebooks_table(root)
    assert row(table, "01_first") == ["sample", "2", "1", "0", "12"]
    assert row(table, "labs/lab01_buckets")[-1] == "–"
    assert platform.machine() in table
    assert build.read_times(root)["notebooks/01_first"]["date"] in table


def test_a_time_is_renewed_alone(root):
    build.record_times(root, {"notebooks/01_first.py": 5, "notebooks/b.py": 7})
    build.record_times(root, {"notebooks/01_first.py": 6})
    times = build.read_times(root)
    assert {name: time["seconds"] for name, time in times.items()} == {
        "notebooks/01_first": 6,
        "notebooks/b": 7,
    }


def test_the_class_edition_names_no_solution(root):
    assert "solutions" in page_tables.notebooks_table(root)
    assert "solutions" not in page_tables.notebooks_table(root, solutions=False)


def test_without_times_there_is_no_column_of_dashes(root):
    table = page_tables.notebooks_table(root)
    assert row(table, "01_first") == ["sample", "2", "1", "0"]
    assert "| seconds |" not in table


def test_a_run_keeps_the_times_of_what_ran_through_on_the_sample(root, monkeypatch):
    def outcome(name, dataset, error=""):
        notebook = nbformat.v4.new_notebook(cells=[setup_cell(dataset)])
        return Outcome(Job(f"notebooks/{name}.py", notebook, "python", {}, 1), "", 3.21, error)

    ran = [outcome("a", "sample"), outcome("b", "ml-1m"), outcome("c", "sample", "it failed")]
    monkeypatch.setattr(build, "copies", lambda *_: [])
    monkeypatch.setattr(build, "_execute_all", lambda _: iter(ran))
    assert build.run(root, [], times=True) == 1
    assert {name: time["seconds"] for name, time in build.read_times(root).items()} == {
        "notebooks/a": 3.2
    }


def setup_cell(dataset):
    output = nbformat.v4.new_output("stream", text=f"dataset: {dataset} (of some kind)\n")
    return nbformat.v4.new_code_cell("x", metadata={"tags": ["setup"]}, outputs=[output])


def test_what_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(page_tables, "PACKAGES", ("numpy", "no-such-package"))
    table = page_tables.versions_table()
    assert f"| Python | {platform.python_version()} |" in table
    assert "| no-such-package | not installed |" in table


def test_kept_times_are_of_notebooks_that_exist(repository_root):
    for name in build.read_times(repository_root):
        assert (repository_root / f"{name}.py").is_file(), name
