"""Inside the sandbox: run a notebook's cells, then its answers on the hidden inputs.

This is the only part of the grader that shares a process with a student's code, so nobody believes
what it says: its outputs are arrays, which the grader judges elsewhere, and the rest is what a
student reads. It works in the current folder: ``job.json`` and ``inputs/`` are there, ``outputs/``
is what it leaves, and ``progress`` ends with what it was doing when it ended.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import course_labs.checks as checks
from course_labs.checks import session
from course_labs.checks.attempts import attempted, run_cases
from course_labs.checks.failures import explain
from course_labs.checks.limits import TimeLimitError, within
from course_labs.checks.plain import read_plain, write_plain
from course_labs.checks.question import Attempt, Question
from course_labs.checks.registry import questions_of

NOT_THERE = object()


def main() -> None:
    """Do the job that lies in the current folder."""
    here = Path.cwd()
    job = json.loads((here / "job.json").read_text(encoding="utf-8"))
    questions = questions_of(job["lab"])
    inputs = {
        question.key: [
            read_plain(here / "inputs" / f"{question.key}-{n}.npz")
            for n in range(job["n_cases"][question.key])
        ]
        for question in questions
    }
    checked: dict[str, Any] = {}

    def remember(name: str, answer: Any) -> None:
        checked[str(name).partition(".")[2]] = answer

    for module in (checks, session):
        module.check = remember  # type: ignore[attr-defined]
        module.summary = lambda lab: None  # type: ignore[attr-defined]
    os.chdir(here / "home")
    namespace = run_cells(here, job)
    for question in questions:
        if question.key in job["skip"]:
            continue
        note(here, f"question {question.key}")
        answer = checked.get(question.key, NOT_THERE)
        if answer is NOT_THERE or not attempted(answer):
            answer = namespace.get(question.answer, answer)
        save(here, question, answer, inputs[question.key])
    note(here, "done")


def run_cells(here: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Run the cells one after another, whatever each does; return what they define."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.enable_gui = lambda gui=None: None  # type: ignore[method-assign]  # no window here
    errors = []
    for n, source in job["cells"]:
        if f"cell {n}" in job["skip"]:
            continue
        note(here, f"cell {n}")
        try:
            result = within(job["cell_seconds"], shell.run_cell, source)
            error = result.error_before_exec or result.error_in_exec
        except TimeLimitError as late:
            error = late
        if isinstance(error, TimeLimitError):
            errors.append((n, f"It took more than {job['cell_seconds']:g} s and was stopped."))
        elif error is not None:
            errors.append((n, explain(error)))
        write_json(here / "outputs" / "cells.json", errors)
    namespace: dict[str, Any] = shell.user_ns
    return namespace


def save(here: Path, question: Question, answer: Any, cases: Any) -> None:
    """Run an answer on the inputs of a question and leave what came out as plain data."""
    attempt = Attempt() if answer is NOT_THERE else run_cases(question, answer, cases)
    for n, outputs in enumerate(attempt.outputs):
        write_plain(here / "outputs" / f"{question.key}-{n}.npz", dict(outputs))
    says = {
        "missing": answer is NOT_THERE,
        "stub": attempt.stub,
        "failure": attempt.failure,
        "n_outputs": len(attempt.outputs),
    }
    write_json(here / "outputs" / f"{question.key}.json", says)


def note(here: Path, step: str) -> None:
    """Say what is being done, in case this process does not live to tell."""
    with (here / "progress").open("a", encoding="utf-8") as file:
        file.write(f"{step}\n")


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON."""
    path.write_text(json.dumps(value), encoding="utf-8")


if __name__ == "__main__":
    main()
