"""Grading a class in which many things go wrong: each gets a fair grade, and nothing is left."""

import csv
import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hostile_notebooks import SLEEP, write_all

from course_labs.grading import grade
from course_labs.grading.sandbox import TEMPORARY, Limits, can_hide, weakness
from course_labs.grading.submission import RUNNER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
# An endless cell may take four times its seconds on a busy machine; `much` has two such cells.
SMALL = Limits(
    seconds=60, cell_seconds=3, memory=2 * 10**9, processes=12, file_bytes=20 * 10**6
)  # fmt: skip
KEY = "AKIA" + "EXAMPLE123456789"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")
FULL = {"q1": "2", "q2": "4", "q3": "4", "q4": "2"}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Grade the class once; return the folder of submissions, and that of grades."""
    folder = tmp_path_factory.mktemp("class")
    home, submissions = folder / "home", folder / "submissions"
    for path in (home / ".aws", submissions):
        path.mkdir(parents=True)
    home.chmod(0o700)
    (home / "credentials").write_text(f"aws_access_key_id = {KEY}\n")
    write_all(submissions, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", KEY)
        patch.setenv("HOME", str(home))
        patch.delenv("COURSE_DATASET", raising=False)
        grade.grade_all("lab02", submissions, folder / "grades", SMALL)
    return submissions, folder / "grades"


@pytest.fixture(scope="module")
def rows(graded):
    with (graded[1] / "grades.csv").open(encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def results(graded, student):
    return json.loads((graded[1] / student / "results.json").read_text(encoding="utf-8"))


def points(row):
    return {key: row[key] for key in FULL}


UNHARMED = ["ada", "colab", "renamed", "deaf", "processes", "daemon", "file", "exit", "much"]


@pytest.mark.parametrize("student", UNHARMED)
def test_what_goes_wrong_in_one_cell_costs_the_others_nothing(rows, student):
    assert points(rows[student]) == FULL, rows[student]
    assert rows[student]["points"] == rows[student]["of"] == "12"


@pytest.mark.parametrize(
    ("student", "note"),
    [
        ("much", "Cell 2: It took more than 3 s and was stopped."),
        ("much", "Cell 3: It took more than 3 s and was stopped."),
        ("much", "Cell 4: Your code stopped with MemoryError"),
        ("much", "Cell 5: Your code called exit()"),
        ("deaf", "Cell 2: when it ran, it took more than 60 s and was stopped."),
        ("processes", "Resource temporarily unavailable"),
        ("file", "File too large"),
        ("exit", "Cell 2: when it ran, Python ended itself, with status 0"),
    ],
)
def test_the_student_reads_what_happened(graded, student, note):
    assert note in results(graded, student)["output"]
    assert "Cells that did not run" in (graded[1] / student / "feedback.html").read_text()


def test_a_cell_without_trouble_is_not_mentioned(graded):
    assert results(graded, "ada")["output"] == ""
    assert "Cells that did not run" not in (graded[1] / "ada" / "feedback.html").read_text()


@pytest.mark.parametrize(
    ("student", "lost", "says"),
    [
        ("exit_inside", "q4", "Python ended itself"),
        ("slow_inside", "q1", "did not finish within"),
        ("stub", "q2", "Not attempted"),
        ("missing_cell", "q2", "There is no `most_similar` in your notebook"),
    ],
)
def test_one_answer_that_fails_costs_its_own_points(graded, rows, student, lost, says):
    wanted = FULL | {lost: "0"} | ({"q2": "0"} if student == "slow_inside" else {})
    assert points(rows[student]) == wanted  # most_similar calls similarity_to
    (test,) = [t for t in results(graded, student)["tests"] if t["name"].startswith(lost)]
    assert says in test["output"]


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        ("not_json", "it is not JSON"),
        ("r", "Your notebook is in R; this lab is in Python"),
        ("two", "You handed in 2 notebooks"),
    ],
)
def test_what_cannot_run_has_a_reason(graded, rows, student, reason):
    assert rows[student]["points"] == "0"
    assert reason in rows[student]["problem"]
    assert reason in (graded[1] / student / "feedback.html").read_text()


def test_forging_gains_nothing_and_is_noticed(graded, rows):
    assert points(rows["forged"]) == dict.fromkeys(FULL, "0")
    assert results(graded, "forged")["score"] == 0
    assert "inside of the checks" in rows["forged"]["attention"]
    assert rows["ada"]["attention"] == ""


def test_credentials_in_the_environment_are_out_of_reach(graded):
    assert "environment: key False" in results(graded, "much")["output"]


@needs_root
def test_homes_and_other_submissions_are_out_of_reach(graded):
    assert "files: key False, classmate False" in results(graded, "much")["output"]


@pytest.mark.skipif(os.geteuid() != 0 or not can_hide(), reason="only root who may mount can hide")
def test_solutions_are_out_of_reach(graded):
    assert "solutions: []" in results(graded, "much")["output"]


def test_what_is_not_kept_away_is_said(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert weakness().startswith("You are not root")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("course_labs.grading.sandbox.can_hide", lambda: False)
    assert weakness().startswith("This container may not mount")
    monkeypatch.setattr("course_labs.grading.sandbox.can_hide", lambda: True)
    assert weakness() == ""


def test_nothing_is_left(graded):
    """What another worker of pytest grades right now ends by itself; what a student left does not.

    Its sleep is the longer one.
    """
    running = [p for p in psutil.process_iter(["cmdline"]) if marked(p.info["cmdline"])]
    _, alive = psutil.wait_procs(running, timeout=180)
    assert not alive
    there = [path for folder in TEMPORARY for path in Path(folder).glob("left-by-a-student")]
    deadline = time.monotonic() + 60
    while (left := [path for path in there if path.exists()]) and time.monotonic() < deadline:
        time.sleep(1)
    if os.geteuid() == 0:
        assert left == []
    for path in left:
        path.unlink()


def marked(command):
    return bool({SLEEP, str(RUNNER)} & set(command or []))


def test_gradescope_finds_what_it_needs(graded):
    found = results(graded, "stub")
    assert found["score"] == sum(test["score"] for test in found["tests"]) == 8
    assert [test["max_score"] for test in found["tests"]] == [2, 4, 4, 2]
    assert {test["status"] for test in found["tests"]} == {"passed", "failed"}


def test_a_second_run_grades_what_has_changed_and_nothing_else(graded, tmp_path, capfd):
    submissions, grades = (shutil.copytree(folder, tmp_path / folder.name) for folder in graded)
    kept = (grades / "ada" / "results.json").stat().st_mtime_ns
    shutil.copy(submissions / "stub.ipynb", submissions / "r.ipynb")  # handed in again
    (grades / "stub" / "feedback.html").unlink()
    again = grade.grade_all("lab02", submissions, grades, SMALL)
    assert "2 to grade" in capfd.readouterr().out
    assert {g.student: g.points for g in again if g.student in ("r", "stub")} == {"r": 8, "stub": 8}
    assert (grades / "ada" / "results.json").stat().st_mtime_ns == kept
    grade.grade_all("lab02", submissions, grades, SMALL)
    assert "to grade" not in capfd.readouterr().out


def test_a_machine_that_cannot_run_notebooks_is_told_at_once(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ipynb").write_text("{}")
    arguments = ["lab02", "--from", str(tmp_path / "in"), "--to", str(tmp_path / "out")]
    assert grade.main([*arguments, "--memory-gb", "0.01"]) == 1
    assert "An empty notebook does not run here" in capsys.readouterr().err
    assert grade.main(["lab99", *arguments[1:]]) == 1
    assert "There is no lab or lesson 'lab99'" in capsys.readouterr().err
    assert grade.main(["lesson05", *arguments[1:]]) == 1
    assert "The exercises of lesson05 are not graded" in capsys.readouterr().err
    assert grade.main(["lab02", "--from", "nowhere", "--to", str(tmp_path / "out")]) == 1
    assert "There is no folder nowhere" in capsys.readouterr().err


def test_other_limits_are_another_grade():
    from course_labs.grading.submission import Submission

    of = [
        grade.fingerprint(Submission("a", None), "lab02", 1, replace(SMALL, seconds=n))
        for n in (1, 2)
    ]
    assert of[0] != of[1]
