"""What comes out of grading: grades.csv, Gradescope's results.json and a page for each student."""

from __future__ import annotations

import csv
import html
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course_labs.checks.cards import BOX, COLORS, MARKS, lesson_link
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
    """Write a student's results.json and feedback.html, the first one last.

    Parameters
    ----------
    folder
        The student's, made when it is missing.
    lab, questions
        What was asked.
    grade
        How it went.
    fingerprint
        Says what was graded, and with what; kept in results.json so that it is not done again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "feedback.html", feedback(lab, questions, grade))
    results = gradescope(questions, grade)
    results["extra_data"] = {"fingerprint": fingerprint, "grade": asdict(grade)}
    _replace(folder / "results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def read_grade(folder: Path, fingerprint: str) -> Grade | None:
    """Return the grade that lies in a student's folder, or None if it is of something else."""
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
    """Return what Gradescope reads, as its documentation of autograders defines it."""
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
        parts.append(_box("wrong", f"<strong>{_escape(grade.problem)}</strong>"))
    for question in questions:
        verdict = grade.verdicts[question.key]
        head = f"{MARKS[verdict.state]} {question.key}: {question.title}"
        line = f"<strong>{_escape(head)}</strong> · {verdict.points} of {question.points} points"
        title, _ = lesson_link(question.lesson)
        lesson = f"<br>Explained in {_escape(title)}." if verdict.state == "wrong" else ""
        parts.append(_box(verdict.state, f"{line}<br>{_escape(_sentence(verdict))}{lesson}"))
    if grade.notes:
        notes = "".join(f"<li>{_escape(note)}</li>" for note in grade.notes)
        parts.append(f"<h2>Cells that did not run to their end</h2><ul>{notes}</ul>")
    total = sum(question.points for question in questions)
    title = _escape(f"{lab}: {grade.student}")
    return PAGE.format(title=title, points=grade.points, total=total, body="\n".join(parts))


def write_grades(path: Path, questions: Sequence[Question], grades: Sequence[Grade]) -> None:
    """Write grades.csv: a row a student, points by question, and what went wrong."""
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
            # A spreadsheet runs what begins like this.
            name = f"'{name}" if name[:1] in "=+-@" else name
            row = [name, grade.points, total, *points, grade.problem, attention, *took]
            writer.writerow(row)
    os.replace(temporary, path)


def _sentence(verdict: Verdict) -> str:
    return verdict.says or verdict.state.capitalize() + "."


def _box(state: str, inside: str) -> str:
    return f'<div style="{BOX.format(COLORS[state])}">{inside}</div>'


def _escape(text: str) -> str:
    """Return a text as HTML; nothing that a student wrote is markup."""
    pieces = html.escape(text).split("`")
    if len(pieces) % 2 == 0:
        return "`".join(pieces)
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(pieces))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    # A lone surrogate in what a student raised is no reason to fail.
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    os.replace(temporary, path)
