"""Derive the student's version of each lab, in notebooks/labs, from its solution.

python -m tools.labs.derive            write the scripts of all labs
python -m tools.labs.derive --check    say which are not what their solutions give

A solution is a lesson's script with three kinds of marks:

* ``# BEGIN SOLUTION`` and ``# END SOLUTION`` around lines of code: the student gets ``...``,
  indented like the mark;
* ``# SOLUTION`` at the end of an assignment, ``x = 3  # SOLUTION``: the student gets ``x = ...``;
* the tag ``solution`` on a cell, ``# %% [markdown] tags=["solution"]``: the student does not get
  the cell. Reasoning and common mistakes are such cells.

The title of a solution ends in ``· solution``; the student's title does not. Put the whole body of
a function between the marks, so that only the ``...`` remains: a check then recognizes that it was
not attempted. A cell that uses an answer asks ``if attempted(answer):`` first, since the student's
notebook must run from top to bottom before anything is solved.

`tools.notebooks.build` derives the scripts before it builds, and reports one that was edited.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from course_utils.errors import CourseError
from tools import ROOT
from tools.notebooks.setup_cell import Repository, read_repository, render

SOLUTIONS, LABS = "notebooks/solutions", "notebooks/labs"
STUB = "...  # your code here"
TITLE_END = " · solution"

BEGIN = re.compile(r"^( *)# BEGIN SOLUTION *$")
END = re.compile(r"^ *# END SOLUTION *$")
ASSIGNMENT = re.compile(r"^( *[\w.\[\]\"', ]+ = ).+# SOLUTION *$")
TAGGED = re.compile(r'^# %%.*\btags=\[[^\]]*"solution"')


def derive(solution: str, name: str) -> str:
    """Return the student's script.

    Parameters
    ----------
    solution
        A py:percent script with the marks above.
    name
        The name to use in messages.

    Raises
    ------
    CourseError
        If a mark has no partner, a mark is misplaced, or there is no mark.
    """
    header, *cells = _cells(solution)
    kept = [cell for cell in cells if not TAGGED.match(cell)]
    written = [_without_answers(cell, name) for cell in kept]
    if written == kept:
        raise CourseError(f"{name}: nothing is marked as a solution; see tools/labs/derive.py.")
    script = header + "".join(written).rstrip() + "\n"
    left = re.search(r"(?m)^.*\b(?:BEGIN|END)? ?SOLUTION\b.*$", script)
    if left:
        raise CourseError(f"{name}: `{left[0].strip()}` marks nothing; see tools/labs/derive.py.")
    return re.sub(rf"(?m)^(# # .*){re.escape(TITLE_END)}$", r"\1", script, count=1)


def answers(solution: str) -> list[str]:
    """Return the lines of a solution that students must not see, in order, stripped.

    These are lines between the marks, marked assignments, and cells tagged ``solution``.
    """
    lines: list[str] = []
    for cell in _cells(solution)[1:]:
        if TAGGED.match(cell):
            lines += [line.removeprefix("#").strip() for line in cell.split("\n")[1:]]
            continue
        inside = False
        for line in cell.split("\n"):
            if inside and not END.match(line):
                lines.append(line.strip())
            inside = bool(BEGIN.match(line)) or (inside and not END.match(line))
            if ASSIGNMENT.match(line):
                lines.append(line.partition("# SOLUTION")[0].strip())
    return [line for line in lines if line]


def derived(root: Path, repository: Repository) -> Iterator[tuple[Path, str]]:
    """Yield the path of each student's script under `root`, and what it should be."""
    for solution in sorted((root / SOLUTIONS).glob("*.py")):
        target = root / LABS / solution.name
        name = target.relative_to(root).with_suffix(".ipynb").as_posix()
        script = derive(solution.read_text(encoding="utf-8"), solution.name)
        yield target, render(script, name, repository)


def outdated(root: Path, repository: Repository) -> list[str]:
    """Return a finding for each student's script that differs from what its solution gives."""
    wanted = dict(derived(root, repository))
    findings = [
        f"{path.relative_to(root)}: not what its solution gives; run `make notebooks`"
        for path, script in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != script
    ]
    orphans = [path for path in sorted((root / LABS).glob("*.py")) if path not in wanted]
    return findings + [
        f"{path.relative_to(root)}: no solution of this name; write it, or remove this"
        for path in orphans
    ]


def write(root: Path, repository: Repository) -> None:
    """Write the students' scripts under `root`; up-to-date ones are not touched."""
    for path, script in derived(root, repository):
        if not path.is_file() or path.read_text(encoding="utf-8") != script:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(script, encoding="utf-8")


def _cells(script: str) -> list[str]:
    """Return the header and the cells of a script, each with its marker."""
    return re.split(r"(?m)^(?=# %%)", script)


def _without_answers(cell: str, name: str) -> str:
    lines: list[str] = []
    begun = ""
    for line in cell.split("\n"):
        if begin := BEGIN.match(line):
            if begun:
                raise CourseError(
                    f"{name}: a solution begins inside `{begun}`; end that one first."
                )
            begun = lines[-1].strip() if lines else "a cell"
            lines.append(begin[1] + STUB)
        elif END.match(line):
            if not begun:
                raise CourseError(f"{name}: END SOLUTION without a beginning, after `{lines[-1]}`.")
            begun = ""
        elif not begun:
            lines.append(ASSIGNMENT.sub(r"\1...  # your answer", line))
    if begun:
        raise CourseError(f"{name}: the solution that begins after `{begun}` has no end.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the labs, or compare them with their solutions; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, list differences")
    options = parser.parse_args(arguments)
    try:
        repository = read_repository(root)
        if not options.check:
            write(root, repository)
        findings = outdated(root, repository)
    except CourseError as error:
        findings = [str(error)]
    print(*findings, sep="\n", end="\n" if findings else "")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
