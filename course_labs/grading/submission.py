"""A submission: found, read without trusting it, run in a sandbox and judged by plain data."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_cloud.artifacts.npz import read_npz, write_npz
from course_labs.checks.question import Attempt, Plain, Question, Verdict, cases_of, judge, visible
from course_labs.checks.session import questions_of
from course_labs.grading.sandbox import Ended, Limits, Protection, hand_over, run, workplace
from course_utils.errors import CourseError, DataError

RUNNER = Path(__file__).resolve().parent / "runner.py"
ATTEMPTS = 4  # a step that ends the process is left out of the next run, so that others count
LONGEST = 500  # characters of a sentence from the runner
MOST_JSON = 1_000_000  # bytes
MOST_BYTES = 50_000_000  # of a notebook, and of the arrays of one output
REACHES_IN = re.compile(
    r"course_labs\.checks\.\w|checks\.(?:lab\d|attempts|limits|question|ranked|session)"
)


class SubmissionError(Exception):
    """Why a submission cannot be run, in a sentence for the student."""


@dataclass(frozen=True)
class Submission:
    """A student and the file handed in; ``problem`` says why it is not clear which file."""

    student: str
    path: Path | None
    problem: str = ""


def find_submissions(folder: Path) -> list[Submission]:
    """Return the submissions in a folder, by student.

    A file ``ada.ipynb`` belongs to ada, and so does the only notebook in a folder ``ada/``, which
    is how platforms export submissions.

    Raises
    ------
    CourseError
        When there is no such folder, nothing in it, or two submissions of one name.
    """
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}; name the one with the submissions.")
    found = [_submission(path) for path in sorted(folder.iterdir()) if path.name[0] not in "._"]
    if not found:
        raise CourseError(f"There is nothing in {folder}; put one notebook for each student there.")
    names = [submission.student for submission in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise CourseError(f"Two submissions in {folder} are called {twice[0]!r}; rename one.")
    return found


def _submission(path: Path) -> Submission:
    if not path.is_dir():
        return Submission(path.stem, path)
    notebooks = sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    if len(notebooks) == 1:
        return Submission(path.name, notebooks[0])
    files = sorted(p for p in path.rglob("*") if p.is_file())
    if not notebooks and len(files) == 1:
        return Submission(path.name, files[0])
    what = f"{len(notebooks)} notebooks" if notebooks else "no notebook"
    return Submission(path.name, None, f"You handed in {what}; hand in one .ipynb file.")


def read_cells(submission: Submission) -> list[tuple[int, str]]:
    """Return the code cells of a submission, each with its number among all cells, from 1.

    A notebook whose metadata name no language counts as Python.

    Raises
    ------
    SubmissionError
        When it is no notebook, or not in Python.
    """
    if submission.path is None:
        raise SubmissionError(submission.problem)
    notebook = _content(submission.path)
    language = _language(notebook)
    if language and language.lower() not in ("python", "python3", "ipython"):
        raise SubmissionError(
            f"Your notebook is in {language}; this lab is in Python. In Colab, choose Runtime, "
            "Change runtime type, Python 3."
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise SubmissionError(
            "Your file has no cells that can be read; open it in Jupyter or Colab, save it as a "
            "notebook, and hand in that."
        )
    return [
        (n, source)
        for n, cell in enumerate(cells, 1)
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
        if isinstance(source := _text(cell.get("source")), str) and source.strip()
    ]


def reaches_into_checks(cells: Sequence[tuple[int, str]]) -> list[int]:
    """Return the numbers of the cells that name internals of the checks, for a person to read."""
    return [n for n, source in cells if REACHES_IN.search(source)]


def _content(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SubmissionError(
                f"Your notebook is larger than {MOST_BYTES / 1e6:.0f} MB; clear its outputs."
            )
        notebook = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise SubmissionError(
            "Your file is no notebook: it is not JSON. Hand in the .ipynb file as Jupyter or "
            "Colab saves it, not a PDF, a page or a script under that name."
        ) from None
    except OSError as error:
        raise SubmissionError(f"Your file cannot be read ({error.strerror}).") from None
    if not isinstance(notebook, dict):
        raise SubmissionError("Your file is JSON, but no notebook; hand in the .ipynb file.")
    return notebook


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata")
    for key, name in (
        ("kernelspec", "language"),
        ("language_info", "name"),
        ("kernelspec", "name"),
    ):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        value = part.get(name) if isinstance(part, dict) else None
        if isinstance(value, str) and value:
            return "python" if name == "name" and value.startswith("python") else value
    return ""


def _text(source: Any) -> Any:
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source


@dataclass
class Grade:
    """The verdicts on a submission.

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
    """Return the grade of a submission, whatever its code does.

    Parameters
    ----------
    submission
        The student and the file.
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
    """Run a notebook without cells: if that fails, the machine or the limits are the reason.

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
    """Write the job and its inputs for the runner."""
    for name in ("inputs", "outputs"):
        (folder / name).mkdir()
    for key, inputs in cases.items():
        for n, case in enumerate(inputs):
            write_npz(folder / "inputs" / f"{key}-{n}.npz", visible(case))
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
    """Return the verdict on the outputs in the folder, which the student's code may have forged."""
    if why := skip.get(f"question {question.key}"):
        return Verdict("wrong", 0, f"While `{question.answer}` ran on the test inputs, {why}.")
    says = _json(folder / "outputs" / f"{question.key}.json")
    if not isinstance(says, dict):
        why = _why(ended) if _last_step(folder) != "done" else "it gave no result"
        return Verdict("wrong", 0, f"`{question.answer}` was not reached: {why}.")
    if says.get("missing") is True:
        why = f"There is no `{question.answer}` in your notebook: its cell is missing, or stopped."
        return Verdict("not attempted", 0, why)
    failure = says.get("failure")
    outputs: list[Plain] = []
    try:
        for n in range(len(cases)):
            path = folder / "outputs" / f"{question.key}-{n}.npz"
            if _is_file(path):
                outputs.append(read_npz(path, MOST_BYTES, "The outputs"))
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
    """Return the last line of the runner's progress, "" when there is none."""
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
    """Say whether this is a regular file in a real folder: no link and no pipe."""
    try:
        folders = stat.S_ISDIR(os.lstat(path.parent).st_mode)
        return folders and stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
