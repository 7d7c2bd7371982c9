"""A submission: found, and read without trusting it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError

MOST_BYTES = 50_000_000
REACHES_IN = re.compile(r"course_labs\.checks\.\w|checks\.(?:lab\d|session|question|registry)")


class SubmissionError(Exception):
    """Why a submission cannot be run, in a sentence for the student."""


@dataclass(frozen=True)
class Submission:
    """Who handed in which file; ``problem`` says why it is not clear which."""

    student: str
    path: Path | None
    problem: str = ""


def find_submissions(folder: Path) -> list[Submission]:
    """Return the submissions in a folder, by student.

    A file ``ada.ipynb`` is ada's; a folder ``ada/`` with one notebook in it, as platforms export
    them, is ada's too.

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
    """Return the code cells of a submission with their numbers, from 1, among all its cells.

    Anything that names a language must name Python; other metadata, Colab's too, says nothing.

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
    """Return the cells that name the inside of the checks, for a person to look at."""
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
