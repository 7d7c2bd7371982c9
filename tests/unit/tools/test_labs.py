"""From solutions to students' labs, and the search for what must not get out."""

import json
import shutil
import subprocess
import zipfile

import nbformat
import pytest

from course_utils.errors import CourseError
from tools.labs import bundle, derive
from tools.labs.leaks import leaks, secret_lines
from tools.notebooks.kernel import read_script, set_ids
from tools.notebooks.setup_cell import read_repository
from tools.site import build_book
from tools.site.build_book import without_solutions

SOLUTION = '''\
# %% [markdown]
# # Lab 9: Means · solution
#
# A promise.

# %%
def mean(values):
    """Return the mean."""
    # BEGIN SOLUTION
    total = sum(values)
    return total / len(values)
    # END SOLUTION


# %%
answer = mean([1, 2]) + 1  # SOLUTION

# %% [markdown] tags=["solution"]
# *Why it is right.* The sum is divided by how many there are.

# %% tags=["solution", "other"]
print("only in the solution")

# %% [markdown]
# What you learned.
'''
STUDENT = '''\
# %% [markdown]
# # Lab 9: Means
#
# A promise.

# %%
def mean(values):
    """Return the mean."""
    ...  # your code here


# %%
answer = ...  # your answer

# %% [markdown]
# What you learned.
'''


def ids_of(script):
    notebook = read_script(script, "x")
    set_ids(notebook)
    return [cell.id for cell in notebook.cells]


def test_answers_become_stubs_and_all_else_stays():
    assert derive.derive(SOLUTION, "x") == STUDENT


def test_cell_ids_do_not_depend_on_the_solution():
    another = SOLUTION.replace("total = sum(values)", "total = float(sum(values))")
    assert derive.derive(another, "x") == STUDENT
    of_solution, of_student = ids_of(SOLUTION), ids_of(STUDENT)
    assert of_student[-1] == of_solution[-1]  # an unchanged cell keeps its id
    assert len(set(of_student)) == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    # END SOLUTION\n", "", "the solution that begins after .* has no end"),
        ("    # BEGIN SOLUTION\n", "", "END SOLUTION without a beginning"),
        ("    total = ", "    # BEGIN SOLUTION\n    total = ", "begins inside"),
        ("+ 1  # SOLUTION", "+ 1  # the SOLUTION is", "marks nothing"),
        ("def mean", "# BEGIN SOLUTION of\ndef mean", "marks nothing"),
    ],
)
def test_a_mark_that_marks_nothing_is_told(old, new, message):
    assert old in SOLUTION
    with pytest.raises(CourseError, match=message):
        derive.derive(SOLUTION.replace(old, new), "x")


def test_a_solution_without_marks_is_told():
    with pytest.raises(CourseError, match="nothing is marked as a solution"):
        derive.derive(STUDENT, "x")


def test_the_committed_labs_are_what_their_solutions_give(repository_root):
    assert derive.outdated(repository_root, read_repository(repository_root)) == []


def test_an_edited_lab_and_an_orphan_are_found(tmp_path, repository_root):
    repository = read_repository(repository_root)
    (tmp_path / "notebooks/solutions").mkdir(parents=True)
    (tmp_path / "notebooks/solutions/lab09_means.py").write_text(SOLUTION)
    derive.write(tmp_path, repository)
    lab = tmp_path / "notebooks/labs/lab09_means.py"
    written = lab.stat().st_mtime_ns
    derive.write(tmp_path, repository)
    assert lab.stat().st_mtime_ns == written
    assert derive.outdated(tmp_path, repository) == []
    lab.write_text(lab.read_text() + "# more\n")
    lab.with_name("lab08_gone.py").touch()
    edited, orphan = derive.outdated(tmp_path, repository)
    assert edited.startswith("notebooks/labs/lab09_means.py: not what its solution gives")
    assert orphan.startswith("notebooks/labs/lab08_gone.py: no solution of this name")


def lab_notebooks(root):
    return sorted((root / "notebooks/labs").glob("*.ipynb"))


def test_every_check_of_an_unsolved_lab_says_not_attempted(repository_root):
    for path in lab_notebooks(repository_root):
        notebook = nbformat.read(path, as_version=4)
        checks = [c for c in notebook.cells if c.cell_type == "code" and "check(" in c.source]
        assert checks, path
        for cell in checks:
            (output,) = cell.outputs
            assert ": not attempted · " in output["data"]["text/plain"]
            assert ": not attempted<" in output["data"]["text/html"]


def test_every_check_of_a_solved_lab_says_right(repository_root):
    for path in sorted((repository_root / "notebooks/solutions").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        shown = [
            output["data"]["text/plain"]
            for cell in notebook.cells
            if cell.cell_type == "code" and "check(" in cell.source
            for output in cell.outputs
        ]
        assert shown
        assert all(": right · " in text for text in shown)


def test_labs_show_no_line_of_a_solution(repository_root, tmp_path):
    for path in lab_notebooks(repository_root):
        shutil.copy(path, tmp_path)
    assert list(tmp_path.iterdir())
    assert leaks(tmp_path, repository_root) == []


def planted_line(root):
    """Return a line of code as a solution has it, with its blanks."""
    (solution,) = (root / "notebooks/solutions").glob("lab02_*.py")
    lines = [line.strip() for line in solution.read_text().splitlines()]
    return next(line for line in lines if line.startswith("products ="))


def test_secret_lines_are_the_solutions_own(repository_root):
    secret = secret_lines(repository_root)
    assert any(line.startswith("products=(stars.T@") for line in secret)
    assert not any("importnumpy" in line for line in secret)
    assert len(secret) > 20


@pytest.mark.parametrize("form", ["page", "source", "zip", "index", "prose", "link"])
def test_a_planted_line_is_found(form, tmp_path, repository_root):
    line = planted_line(repository_root)
    assert leaks(tmp_path, repository_root) == []
    place = tmp_path
    if form == "page":  # as a highlighter colors it
        words = " ".join(f'<span class="n">{word}</span>' for word in line.split(" "))
        (tmp_path / "a.html").write_text(f"<pre>{words}</pre>")
    elif form == "source":
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"if x:\n    {line}")])
        nbformat.write(notebook, tmp_path / "a.ipynb")
    elif form == "zip":
        place = tmp_path / "b.zip"
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("a.ipynb", json.dumps({"cells": [{"source": [line]}]}))
    elif form == "index":
        (tmp_path / "searchindex.js").write_text('Search.setIndex({"terms":{"_only_nearest":1}})')
    elif form == "prose":
        (tmp_path / "a.html").write_text(
            "<p><em>What goes wrong most often.</em> Dividing by one length only, or by none, "
            "lets films with many ratings win. And more.</p>"
        )
    else:
        (tmp_path / "a.html").write_text('<a href="../solutions/lab02_neighbors.html">?</a>')
    (finding,) = leaks(place, repository_root)
    assert finding.startswith("searchindex.js: _only" if form == "index" else "a.")


def test_the_class_edition_lists_no_solution():
    contents = {
        "root": "book/welcome",
        "parts": [
            {"caption": "Labs", "chapters": [{"file": "notebooks/labs/lab02_x"}]},
            {"caption": "Solutions", "chapters": [{"file": "notebooks/solutions/lab02_x"}]},
        ],
    }
    assert without_solutions(contents) == {**contents, "parts": contents["parts"][:1]}


def test_every_lab_and_solution_is_in_the_table_of_contents(repository_root):
    contents = (repository_root / "_toc.yml").read_text()
    for path in lab_notebooks(repository_root):
        assert f"notebooks/labs/{path.stem}\n" in contents
        assert f"notebooks/solutions/{path.stem}\n" in contents


def test_the_bundle_holds_what_students_need_and_no_solution(tmp_path, repository_root):
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    names = bundle.bundle(first)
    for name in (
        "README.md",
        "requirements.txt",
        "pyproject.toml",
        "notebooks/labs/lab02_neighbors.ipynb",
        "notebooks/03_interactions_and_splits.ipynb",
        "course_labs/checks/lab02/neighbors.py",
        "data/sample/ratings.dat",
    ):
        assert name in names
    assert not [name for name in names if "solutions" in name or name.startswith("tests")]
    assert leaks(first, repository_root) == []
    bundle.bundle(second)
    assert first.read_bytes() == second.read_bytes()


def test_a_bundle_with_a_solution_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "FILES", (*bundle.FILES, "notebooks/solutions/*.ipynb"))
    with pytest.raises(CourseError, match="The bundle would show a solution"):
        bundle.bundle(tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("edition", "status"), [("class", 1), ("self-study", 0)])
def test_a_class_edition_that_shows_a_solution_is_no_edition(
    edition, status, tmp_path, monkeypatch, capsys, repository_root
):
    asked = []

    def build(command, **_):
        asked.append(command)
        site.mkdir(parents=True)
        (site / "index.html").write_text(f"<p>{planted_line(repository_root)}</p>")
        return subprocess.CompletedProcess(command, 0)

    site = tmp_path / "_build" / "html"
    monkeypatch.setattr(build_book, "SITE", site)
    monkeypatch.setattr(build_book, "ROOT", tmp_path)
    monkeypatch.setattr(build_book, "leaks", lambda place, root: leaks(place, repository_root))
    monkeypatch.setattr(build_book.syllabus, "write", lambda: None)
    monkeypatch.setattr(build_book.subprocess, "run", build)
    shutil.copy(repository_root / "_toc.yml", tmp_path)
    assert build_book.main(["--edition", edition]) == status
    said = capsys.readouterr()
    if edition == "class":
        assert "shows parts of solutions:\n  index.html: " in said.err
        contents = tmp_path / "_build" / "toc_class.yml"
        assert "--toc" in asked[0]
        assert "labs/lab02" in contents.read_text()
        assert "solutions" not in contents.read_text().lower()
    else:
        assert "--toc" not in asked[0]
