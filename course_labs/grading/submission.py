"""Grade one submission: run it in a sandbox, and judge there the plain data that come back."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_labs.checks.plain import read_plain, write_plain
from course_labs.checks.question import (
    Attempt,
    Plain,
    Question,
    Verdict,
    cases_of,
    judge,
    visible,
)
from course_labs.checks.registry import questions_of
from course_labs.grading.isolation import Limits, Protection
from course_labs.grading.notebook import (
    Submission,
    SubmissionError,
    reaches_into_checks,
    read_cells,
)
from course_labs.grading.sandbox import Ended, hand_over, run, workplace
from course_utils.errors import CourseError, DataError

RUNNER = Path(__file__).resolve().parent / "runner.py"
ATTEMPTS = 4  # what ends the process is left out the next time, so that the rest gets its points
LONGEST = 500  # characters of a sentence that comes back
MOST_JSON = 1_000_000


@dataclass
class Grade:
    """What a student gets, and why.

    ``problem`` is set when the notebook could not be run at all. ``notes`` are about single cells,
    for the student; ``attention`` is for the instructor.
    """

    student: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    attention: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def points(self) -> int:
        """The sum of all points."""
        return sum(verdict.points for verdict in self.verdicts.values())


def grade(
    submission: Submission, lab: str, seed: int, limits: Limits, hidden: Sequence[Path]
) -> Grade:
    """Return the grade of a submission. A student's code can fail, but not fail this.

    Parameters
    ----------
    submission
        Whose, and which file.
    lab
        Such as ``lab02``.
    seed
        Seed of the hidden inputs, the same for a whole class.
    limits
        What the notebook may use.
    hidden
        Folders that the notebook must not see, where the machine allows to hide them.
    """
    result = Grade(submission.student)
    questions = questions_of(lab)
    try:
        cells = read_cells(submission)
    except SubmissionError as error:
        result.problem = str(error)
        result.verdicts = {q.key: Verdict("not attempted", 0, "") for q in questions}
        return result
    if inside := reaches_into_checks(cells):
        result.attention.append(f"names the inside of the checks in cells {inside}")
    cases = {question.key: cases_of(question, seed) for question in questions}
    protection = Protection.choose(hidden)
    skip: dict[str, str] = {}
    for _ in range(ATTEMPTS):
        with workplace(protection) as folder:
            _lay_out(folder, lab, cells, cases, limits, list(skip))
            hand_over(folder, protection)
            ended = _run(folder, limits, protection)
            result.seconds += ended.seconds
            result.peak_bytes = max(result.peak_bytes, ended.peak_bytes)
            step = _last_step(folder)
            if step != "done" and step not in skip and len(skip) < ATTEMPTS - 1 and step:
                skip[step] = _why(ended)
                continue
            for question in questions:
                verdict = _verdict(folder, question, cases[question.key], skip, ended)
                result.verdicts[question.key] = verdict
            result.notes = _cell_notes(folder, skip)
            break
    return result


def try_out(lab: str, limits: Limits, hidden: Sequence[Path]) -> None:
    """Run a notebook without cells, which nothing but this machine can fail.

    Raises
    ------
    CourseError
        When it does not run to its end.
    """
    protection = Protection.choose(hidden)
    cases = {question.key: cases_of(question, 0) for question in questions_of(lab)}
    with workplace(protection) as folder:
        _lay_out(folder, lab, [], cases, limits, [])
        hand_over(folder, protection)
        ended = _run(folder, limits, protection)
        if _last_step(folder) != "done":
            said = (folder / "errors").read_text(encoding="utf-8", errors="replace").strip()
            raise CourseError(
                f"An empty notebook does not run here: {_why(ended)}. {said.splitlines()[-1:]} Is "
                f"{sys.executable} in a folder that every user may read, and are the limits fair?"
            )


def _run(folder: Path, limits: Limits, protection: Protection) -> Ended:
    extra = {"PYTHONPATH": str(RUNNER.parents[2])}
    return run([sys.executable, "-P", str(RUNNER)], folder, limits, protection, extra)


def _lay_out(
    folder: Path,
    lab: str,
    cells: Sequence[tuple[int, str]],
    cases: dict[str, Sequence[Plain]],
    limits: Limits,
    skip: list[str],
) -> None:
    """Write what the runner needs."""
    for name in ("inputs", "outputs"):
        (folder / name).mkdir()
    for key, inputs in cases.items():
        for n, case in enumerate(inputs):
            write_plain(folder / "inputs" / f"{key}-{n}.npz", visible(case))
    job = {
        "lab": lab,
        "cells": cells,
        "n_cases": {key: len(inputs) for key, inputs in cases.items()},
        "cell_seconds": limits.cell_seconds,
        "skip": skip,
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


def _verdict(
    folder: Path, question: Question, cases: Sequence[Plain], skip: dict[str, str], ended: Ended
) -> Verdict:
    """Return the verdict on what lies in the folder; none of it needs to be true."""
    if why := skip.get(f"question {question.key}"):
        return Verdict("wrong", 0, f"While `{question.answer}` ran on the test inputs, {why}.")
    says = _json(folder / "outputs" / f"{question.key}.json")
    if not isinstance(says, dict):
        why = _why(ended) if _last_step(folder) != "done" else "it gave no result"
        return Verdict("wrong", 0, f"`{question.answer}` was not reached: {why}.")
    if says.get("missing") is True:
        return Verdict(
            "not attempted", 0,
            f"There is no `{question.answer}` in your notebook: its cell is missing, or stopped.",
        )  # fmt: skip
    failure = says.get("failure")
    outputs: list[Plain] = []
    try:
        for n in range(len(cases)):
            path = folder / "outputs" / f"{question.key}-{n}.npz"
            if _is_file(path):
                outputs.append(read_plain(path))
    except DataError as error:
        return Verdict("wrong", 0, str(error))
    text = failure[:LONGEST] if isinstance(failure, str) else ""
    return judge(question, cases, Attempt(outputs, says.get("stub") is True, text))


def _why(ended: Ended) -> str:
    if ended.stopped:
        return f"{ended.stopped} and was stopped"
    if ended.status < 0:
        return f"Python was ended by signal {-ended.status}, as when memory runs out"
    return f"Python ended itself, with status {ended.status}, as `os._exit` does"


def _cell_notes(folder: Path, skip: dict[str, str]) -> list[str]:
    notes = [
        f"Cell {step.partition(' ')[2]}: when it ran, {why}. It was left out."
        for step, why in skip.items()
        if step.startswith("cell ")
    ]
    errors = _json(folder / "outputs" / "cells.json")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, list) and len(error) == 2 and isinstance(error[1], str):
            notes.append(f"Cell {str(error[0])[:6]}: {error[1][:LONGEST]}")
    return notes[:50]


def _last_step(folder: Path) -> str:
    """Return what the runner was doing when it ended, "" if nothing that makes sense."""
    path = folder / "progress"
    if not _is_file(path):
        return ""
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 200))
        lines = file.read().decode("utf-8", errors="replace").split("\n")
    return lines[-2] if len(lines) > 1 else ""


def _json(path: Path) -> Any:
    if not _is_file(path) or path.stat().st_size > MOST_JSON:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None


def _is_file(path: Path) -> bool:
    """Say whether this is a file in a folder of ours: no link, no pipe, nothing that blocks."""
    try:
        folders = stat.S_ISDIR(os.lstat(path.parent).st_mode)
        return folders and stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
