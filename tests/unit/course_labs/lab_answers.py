"""Answers to lab questions: those of the solution notebook, and variations made from its text."""

import re
from importlib import import_module
from pathlib import Path

import jupytext

from course_labs.checks import session

SOLUTIONS = Path(__file__).resolve().parents[3] / "notebooks" / "solutions"


def definitions(lab):
    """Return the source of the cells of a solution that define something, and their imports."""
    (path,) = SOLUTIONS.glob(f"{lab}_*.py")
    cells = jupytext.read(path, fmt="py:percent").cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    modules = r"numpy|hashlib|json|scipy|course_utils\.ranking|course_cloud\.storage"
    needed = rf"(?m)^(?:import|from) (?:{modules})\b.*"
    imports = re.findall(needed, "\n".join(code))
    return "\n\n".join([*imports, *(cell for cell in code if "BEGIN SOLUTION" in cell)])


def solution_of(lab):
    """Return the source of a solution, with what the lab's answers need before it."""
    before = getattr(import_module(f"{lab}_answers"), "BEFORE", "")
    return f"{before}{definitions(lab)}"


def defined(source):
    """Return what a source defines, by name."""
    names = {}
    exec(source, names)
    return names


def verdict_on(name, answer):
    """Return the verdict that `check` shows."""
    return session.verdict_on(name, session.find_question(name), answer)


def changed(source, *replacements):
    """Return what a source defines once pieces of its text are replaced, each of which is there."""
    for old, new in replacements:
        assert old in source, old
        source = source.replace(old, new)
    return defined(source)
