"""The reports of grading: grades.csv, Gradescope's results.json and a page for each student."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course_labs.checks.cards import BOX, COLORS, MARKS, as_html, lesson_link
from course_labs.checks.question import Question, Verdict
from course_labs.grading.submission import Grade

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em;
  color: #22303c; background: #fff; }}
code {{ background: #eef1f4; padding: 0 .2em; overflow-wrap: anywhere; }}
</style>
<h1>{title}</h1>
<p><strong>{points} of {total} points</strong></p>
{body}
</html>
"""


def write_reports(
    folder: Path, lab: str, questions: Sequence[Question], grade: Grade, fingerprint: str
) -> None:
    """Write a student's feedback.html, then results.json.

    Parameters
    ----------
    folder
        The student's folder, created when it is missing.
    lab, questions
        The lab and its questions.
    grade
        The student's grade.
    fingerprint
        Digest of what the grade depends on, kept in results.json so that it is not graded again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "feedback.html", feedback(lab, questions, grade))
    results = gradescope(questions, grade)
    results["extra_data"] = {"fingerprint": fingerprint, "grade": asdict(grade)}
    _replace(folder / "results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def read_grade(folder: Path, fingerprint: str) -> Grade | None:
    """Return the grade in a student's folder, None when its fingerprint is another one."""
    try:
        kept = json.loads((folder / "results.json").read_text(encoding="utf-8"))["extra_data"]
        if kept["fingerprint"] != fingerprint or not (folder / "feedback.html").is_file():
            return None
        fields = kept["grade"]
        verdicts = {key: Verdict(**value) for key, value in fields.pop("verdicts").items()}
        return Grade(verdicts=verdicts, **fields)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none yet, or one that was edited


def gradescope(questions: Sequence[Question], grade: Grade) -> dict[str, Any]:
    """Return a grade in the format that Gradescope's documentation of autograders defines."""
    tests = [
        {
            "name": f"{question.key}: {question.title}",
            "number": question.key.removeprefix("q"),
            "score": verdict.points,
            "max_score": question.points,
            "status": "passed" if verdict.state == "right" else "failed",
            "output": _sentence(verdict),
            "visibility": "visible",
        }
        for question in questions
        for verdict in [grade.verdicts[question.key]]
    ]
    return {
        "score": grade.points,
        "execution_time": round(grade.seconds),
        "output": "\n".join([grade.problem, *grade.notes] if grade.problem else grade.notes),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def feedback(lab: str, questions: Sequence[Question], grade: Grade) -> str:
    """Return the page a student reads."""
    parts = []
    if grade.problem:
        parts.append(_box("wrong", f"<strong>{as_html(grade.problem)}</strong>"))
    for question in questions:
        verdict = grade.verdicts[question.key]
        head = f"{MARKS[verdict.state]} {question.key}: {question.title}"
        line = f"<strong>{as_html(head)}</strong> · {verdict.points} of {question.points} points"
        title, _ = lesson_link(question.lesson)
        lesson = f"<br>Explained in {as_html(title)}." if verdict.state == "wrong" else ""
        parts.append(_box(verdict.state, f"{line}<br>{as_html(_sentence(verdict))}{lesson}"))
    if grade.notes:
        notes = "".join(f"<li>{as_html(note)}</li>" for note in grade.notes)
        parts.append(f"<h2>Cells that did not run to their end</h2><ul>{notes}</ul>")
    total = sum(question.points for question in questions)
    title = as_html(f"{lab}: {grade.student}")
    return PAGE.format(title=title, points=grade.points, total=total, body="\n".join(parts))


def write_grades(path: Path, questions: Sequence[Question], grades: Sequence[Grade]) -> None:
    """Write grades.csv: a row for each student, points by question, and problems."""
    columns = [question.key for question in questions]
    temporary = path.with_name(f".{path.name}")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        header = ["student", "points", "of", *columns, "problem", "attention", "seconds", "peak_mb"]
        writer.writerow(header)
        total = sum(question.points for question in questions)
        for grade in sorted(grades, key=lambda grade: grade.student):
            points = [grade.verdicts[key].points for key in columns]
            attention = "; ".join(grade.attention)
            took = [f"{grade.seconds:.1f}", f"{grade.peak_bytes / 1e6:.0f}"]
            name = grade.student
            # A spreadsheet would evaluate a name that begins like a formula.
            name = f"'{name}" if name[:1] in "=+-@" else name
            row = [name, grade.points, total, *points, grade.problem, attention, *took]
            writer.writerow(row)
    os.replace(temporary, path)


def _sentence(verdict: Verdict) -> str:
    return verdict.says or verdict.state.capitalize() + "."


def _box(state: str, inside: str) -> str:
    return f'<div style="{BOX.format(COLORS[state])}">{inside}</div>'


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    # A student's error message may hold a lone surrogate, which UTF-8 cannot encode.
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    os.replace(temporary, path)
