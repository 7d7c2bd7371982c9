"""Inside the sandbox: run a notebook's cells, then its answers on the hidden inputs.

This is the only part of the grader that shares a process with a student's code, so its outputs are
not trusted: they are arrays, which the grader judges in another process, and sentences for the
student. It reads ``job.json`` and ``inputs/`` in the current folder and writes ``outputs/`` there;
the last line of ``progress`` says what it was doing when it ended.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import course_labs
from course_cloud.artifacts.npz import read_npz, write_npz
from course_labs import checks
from course_labs.checks import session
from course_labs.checks.attempts import attempted, explain, run_cases
from course_labs.checks.limits import TimeLimitError, within
from course_labs.checks.question import Attempt, Question

NOT_THERE = object()


def main() -> None:
    """Do the job that is described in the current folder."""
    here = Path.cwd()
    job = json.loads((here / "job.json").read_text(encoding="utf-8"))
    questions = session.questions_of(job["lab"])
    inputs = {
        question.key: [
            read_npz(here / "inputs" / f"{question.key}-{n}.npz")
            for n in range(job["n_cases"][question.key])
        ]
        for question in questions
    }
    checked: dict[str, Any] = {}

    def remember(name: str, answer: Any) -> None:
        checked[str(name).partition(".")[2]] = answer

    for module in (course_labs, checks, session):  # wherever a notebook imports them from
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
    """Run the cells in order, go on after each failure, and return the names they define."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    # No window here; and nobody reads tracebacks, whose colors are imports that a cell's time limit
    # could break off, for all cells after it.
    for name in ("enable_gui", "showtraceback", "showsyntaxerror", "showindentationerror"):
        setattr(shell, name, lambda *_, **__: None)
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
        (here / "outputs" / "cells.json").write_text(json.dumps(errors), encoding="utf-8")
    namespace: dict[str, Any] = shell.user_ns
    return namespace


def save(here: Path, question: Question, answer: Any, cases: Any) -> None:
    """Run an answer on the inputs of a question and write its outputs as plain data."""
    attempt = Attempt() if answer is NOT_THERE else run_cases(question, answer, cases)
    for n, outputs in enumerate(attempt.outputs):
        write_npz(here / "outputs" / f"{question.key}-{n}.npz", outputs, compressed=True)
    says = {
        "missing": answer is NOT_THERE,
        "stub": attempt.stub,
        "failure": attempt.failure,
    }
    (here / "outputs" / f"{question.key}.json").write_text(json.dumps(says), encoding="utf-8")


def note(here: Path, step: str) -> None:
    """Append a step to the progress, before it starts: it may end this process."""
    with (here / "progress").open("a", encoding="utf-8") as file:
        file.write(f"{step}\n")


if __name__ == "__main__":
    main()
