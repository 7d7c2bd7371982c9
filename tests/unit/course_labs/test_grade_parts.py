"""The grader's parts: submissions read, files not trusted, reports that show text only."""

import csv
import json
import os
import re

import nbformat
import pytest

from course_labs.checks.question import Verdict
from course_labs.checks.session import questions_of
from course_labs.grading.report import feedback, gradescope, read_grade, write_grades, write_reports
from course_labs.grading.sandbox import Limits, Protection, environment, folders_to_hide
from course_labs.grading.submission import (
    Grade,
    Submission,
    SubmissionError,
    _is_file,
    _json,
    find_submissions,
    reaches_into_checks,
    read_cells,
)
from course_utils.errors import CourseError

QUESTIONS = questions_of("lab02")


def cells_of(content, path):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_cells(Submission("ada", path))


def test_submissions_are_files_or_folders(tmp_path):
    (tmp_path / "ada.ipynb").touch()
    (tmp_path / ".DS_Store").touch()
    for name in ("bob/lab/x.ipynb", "bob/.ipynb_checkpoints/x.ipynb", "eve/x.pdf", "joe/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "joe/more.txt").touch()
    found = {s.student: s for s in find_submissions(tmp_path)}
    assert found["ada"].path == tmp_path / "ada.ipynb"
    assert found["bob"].path == tmp_path / "bob/lab/x.ipynb"
    assert found["eve"].path == tmp_path / "eve/x.pdf"
    assert found["joe"].problem == "You handed in no notebook; hand in one .ipynb file."
    assert len(found) == 4
    (tmp_path / "ada.txt").touch()
    with pytest.raises(CourseError, match=r"Two submissions in .* are called 'ada'"):
        find_submissions(tmp_path)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(CourseError, match="There is nothing in"):
        find_submissions(tmp_path)


def test_code_cells_keep_their_numbers(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "source": ["a = 1\n", "a"]},
        {"cell_type": "code", "source": "  "},
        {"cell_type": "code", "source": None},
        {"cell_type": "code"},
        "no cell",
        {"cell_type": "code", "source": "b", "outputs": "nonsense"},
    ]
    assert cells_of({"cells": cells}, tmp_path / "a.ipynb") == [(2, "a = 1\na"), (7, "b")]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        None,
        {"kernelspec": None, "language_info": 3},
        {"kernelspec": {"name": "python3"}},
        {"kernelspec": {"name": "my-env", "language": "python"}},
        {"kernelspec": {"name": "conda", "display_name": "R"}, "language_info": {"name": "python"}},
    ],
)  # fmt: skip
def test_metadata_that_names_no_other_language_is_python(metadata, tmp_path):
    assert cells_of({"cells": [], "metadata": metadata}, tmp_path / "a.ipynb") == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "it is not JSON"),
        ("[" * 200_000, "it is not JSON"),
        ("[1, 2]", "no notebook"),
        ({"worksheets": [], "nbformat": 3}, "no cells that can be read"),
        ({"cells": {}}, "no cells that can be read"),
        ({"cells": [], "metadata": {"language_info": {"name": "julia"}}}, "is in julia"),
    ],
)
def test_what_is_no_python_notebook_has_a_reason(content, says, tmp_path):
    with pytest.raises(SubmissionError, match=re.escape(says)):
        cells_of(content, tmp_path / "a.ipynb")


def test_a_byte_order_mark_and_a_real_notebook_are_fine(tmp_path):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    assert cells_of("\ufeff" + nbformat.writes(made), tmp_path / "a.ipynb") == [(1, "x = 1")]


def test_too_large_a_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("course_labs.grading.submission.MOST_BYTES", 10)
    with pytest.raises(SubmissionError, match="clear its outputs"):
        cells_of("x" * 11, tmp_path / "a.ipynb")


def test_who_names_the_inside_of_the_checks_is_noticed():
    cells = [
        (1, "from course_labs.checks import check, summary\nimport course_labs.checks"),
        (2, "from course_labs.checks.lab02.data import cosines"),
        (3, "import course_labs.checks as c\nc.lab02"),
        (4, "import course_labs\ncourse_labs.checks.session"),
    ]
    assert reaches_into_checks(cells) == [2, 4]


def test_only_harmless_variables_are_passed_on(tmp_path, monkeypatch):
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("COURSE_DATA_DIR", "somewhere")
    passed = environment(tmp_path)
    assert "made-up" not in passed.values()
    assert passed["HOME"] == str(tmp_path / "home")
    assert os.path.isabs(passed["COURSE_DATA_DIR"])


def test_the_course_and_its_interpreter_are_never_hidden(repository_root, tmp_path):
    hidden = folders_to_hide(tmp_path, tmp_path / "missing")
    assert tmp_path.resolve() in hidden
    assert repository_root / "tests" in hidden
    assert repository_root / "notebooks" in hidden
    assert not {
        repository_root / name for name in ("course_utils", "course_cloud", "course_labs", "data")
    } & {*hidden}


def test_only_root_gets_another_user(monkeypatch, tmp_path):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert Protection.choose([tmp_path]) == Protection(None, ())
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert Protection.choose([tmp_path]).uid >= 61200


def test_links_pipes_and_large_files_are_not_read(tmp_path):
    inside = tmp_path / "outputs"
    inside.mkdir()
    (inside / "a.json").write_text("[1]")
    assert _json(inside / "a.json") == [1]
    (inside / "link.json").symlink_to(inside / "a.json")
    os.mkfifo(inside / "pipe.json")
    (inside / "large.json").write_text(" " * 1_000_001)
    (inside / "deep.json").write_text("[" * 200_000)
    for name in ("link", "pipe", "large", "deep", "missing"):
        assert _json(inside / f"{name}.json") is None
    (tmp_path / "linked").symlink_to(inside)
    assert not _is_file(tmp_path / "linked" / "a.json")


def a_grade(student="ada", says="<script>alert(1)</script> `x < 1`"):
    verdicts = {q.key: Verdict("right", q.points, "") for q in QUESTIONS}
    verdicts["q2"] = Verdict("wrong", 0, says)
    notes = ["Cell 2: <img src=x onerror=alert(1)> \ud800"]
    return Grade(student, verdicts, "", notes, [], 2.5, 10**8)


def test_nothing_a_student_wrote_is_markup():
    page = feedback("lab02", QUESTIONS, a_grade("<b>eve</b>"))
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>eve" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <code>x &lt; 1</code>" in page
    assert "8 of 12 points" in page
    assert "Explained in lesson 03" in page


def test_reports_are_kept_for_the_same_submission_only(tmp_path):
    write_reports(tmp_path / "ada", "lab02", QUESTIONS, a_grade(), "mark")
    kept = read_grade(tmp_path / "ada", "mark")
    assert kept.verdicts == a_grade().verdicts
    assert kept.points == 8
    assert read_grade(tmp_path / "ada", "another") is None
    assert read_grade(tmp_path / "bob", "mark") is None
    (tmp_path / "ada" / "results.json").write_text('{"extra_data": 3}')
    assert read_grade(tmp_path / "ada", "mark") is None


def test_gradescope_gets_a_score_and_a_status_for_each_question():
    found = gradescope(QUESTIONS, a_grade())
    assert found["score"] == 8
    assert [t["status"] for t in found["tests"]] == ["passed", "failed", "passed", "passed"]
    assert json.loads(json.dumps(found)) == found


def test_a_spreadsheet_runs_no_name(tmp_path):
    write_grades(tmp_path / "g.csv", QUESTIONS, [a_grade("=cmd()"), a_grade("ada, b")])
    with (tmp_path / "g.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["'=cmd()", "ada, b"]
    assert [row["points"] for row in rows] == ["8", "8"]
    assert rows[0]["q2"] == "0"


def test_limits_have_room_for_an_honest_notebook():
    usual = Limits()
    assert usual.cell_seconds < usual.seconds
    assert usual.file_bytes < usual.folder_bytes
