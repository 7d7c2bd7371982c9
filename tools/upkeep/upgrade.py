"""Take the newest of all packages, execute everything again, and show what became different.

python -m tools.upkeep.upgrade [--report FILE]      all of it, in some minutes
python -m tools.upkeep.upgrade --compare [COMMIT]   the report alone: the working tree against it

The pins are compiled (`make pins UPGRADE=1`), installed, and the notebooks built with them (`make
notebooks`). What changed stays in the working tree, to be looked at and committed; the report, in
Markdown, lists the pins and, cell by cell, the outputs. An output is another one where nbval would
say so: tests/nbval_sanitize.cfg is taken out of both, cells that nbval ignores are left out, and
pictures are not compared. Only the standard library is used here, as .venv changes meanwhile.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.upkeep.checkout import CheckoutError, git, refuse_changes

SANITIZE = "tests/nbval_sanitize.cfg"
STEPS = (("make", "pins", "UPGRADE=1"), ("make", "notebooks"))
FAILURE = re.compile(
    r"(?m)^(?:notebooks/\S+: .*|The installation failed.*|make(?:\[\d+\])?: \*\*\* .*)$"
)
MAX_LINES, MAX_WIDTH = 8, 110  # of one cell's difference


def pins_changed(before: str, after: str) -> list[tuple[str, str, str]]:
    """Return name, old and new version of each package whose pin changed.

    Parameters
    ----------
    before, after : str
        The texts of two requirements.txt. A package that one of them lacks has version ``-``
        there; one that is pinned for some systems only has its condition in its name.
    """
    old, new = _pins(before), _pins(after)
    pairs = [(name, old.get(name, "-"), new.get(name, "-")) for name in sorted({*old, *new})]
    return [(name, was, now) for name, was, now in pairs if was != now]


def _pins(requirements: str) -> dict[str, str]:
    found = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)(?: *; *(.+))?$", requirements)
    return {f"{name} ({when})" if when else name: version for name, version, when in found}


def sanitizers(config: str) -> list[tuple[re.Pattern[str], str]]:
    """Return the patterns of nbval's sanitize file, each with what it is replaced by."""
    pairs = re.findall(r"(?m)^regex: (.*)\nreplace: (.*)$", config)
    return [(re.compile(pattern), replacement) for pattern, replacement in pairs]


def outputs_changed(
    before: str, after: str, sanitize: Sequence[tuple[re.Pattern[str], str]] = ()
) -> Iterator[tuple[int, str, list[str]]]:
    """Yield number, first line of code and difference of each cell with another output.

    Parameters
    ----------
    before, after : str
        The texts of two notebooks; cells with the same id belong together.
    sanitize : sequence of (pattern, str)
        What does not count as a difference.
    """
    old = {cell["id"]: cell for cell in _cells(before)}
    for number, cell in enumerate(_cells(after), 1):
        was = old.get(cell["id"])
        if cell["cell_type"] != "code" or was is None or _ignored(cell):
            continue
        for kind in ("text/plain", "text/html"):  # of a table, the one that reads better
            texts = [_text(c, kind, sanitize) for c in (was, cell)]
            if texts[0] != texts[1]:
                source = "".join(cell["source"]).strip()
                yield number, source.partition("\n")[0], _difference(*texts)
                break


def _cells(notebook: str) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook)["cells"]
    return cells


def _ignored(cell: dict[str, Any]) -> bool:
    return "nbval-ignore-output" in cell["metadata"].get("tags", [])


def _text(cell: dict[str, Any], kind: str, sanitize: Sequence[tuple[re.Pattern[str], str]]) -> str:
    """Return what a cell prints, raises and shows; of what it shows, one kind."""
    texts = []
    for output in cell.get("outputs", []):
        shown = output.get("data", {}).get(kind, "")
        name = f"{output['ename']}: {output['evalue']}" if "ename" in output else ""
        texts += ["".join(output.get("text", "")), "".join(shown), name]
    whole = "\n".join(text.rstrip("\n") for text in texts if text)
    for pattern, replacement in sanitize:
        whole = pattern.sub(replacement, whole)
    return whole


def _difference(before: str, after: str) -> list[str]:
    """Return the lines that only one of the two has, with - and + before them, not too many."""
    lines = difflib.ndiff(before.split("\n"), after.split("\n"))
    found = [line for line in lines if line.startswith(("-", "+"))]
    short = [line if len(line) <= MAX_WIDTH else f"{line[:MAX_WIDTH]}…" for line in found]
    left = len(short) - MAX_LINES
    return short if left <= 0 else [*short[:MAX_LINES], f"… and {left} lines more"]


def report(root: Path, commit: str, failures: Sequence[str] = ()) -> str:
    """Return in Markdown how the working tree differs from a commit, in pins and in outputs.

    Parameters
    ----------
    root : Path
        The course's root folder.
    commit : str
        What it is compared with.
    failures : sequence of str
        What went wrong on the way, if anything did.

    Raises
    ------
    CheckoutError
        If there is no such commit.
    """
    lines = ["## What did not work", "", *(f"- {line}" for line in failures), ""] * bool(failures)
    pins = pins_changed(
        git(root, "show", f"{commit}:requirements.txt"), (root / "requirements.txt").read_text()
    )
    lines += [f"## Pins that changed: {len(pins)}", ""]
    if pins:
        lines += ["| package | before | after |", "| --- | --- | --- |"]
        lines += [f"| {name} | {was} | {now} |" for name, was, now in pins] + [""]
    cells = list(_all_outputs(root, commit))
    lines += [f"## Cells whose output changed: {len(cells)}", ""]
    for name, number, source, difference in cells:
        fence = "`" * (3 + max(len(run) for run in re.findall(r"`*", "\n".join(difference))))
        code = source.replace("`", "'")
        lines += [
            f"**{name}**, cell {number}, `{code}`",
            "",
            f"{fence}diff",
            *difference,
            fence,
            "",
        ]
    return "\n".join(lines)


def _all_outputs(root: Path, commit: str) -> Iterator[tuple[str, int, str, list[str]]]:
    config = root / SANITIZE
    sanitize = sanitizers(config.read_text(encoding="utf-8")) if config.is_file() else []
    changed = git(root, "diff", "--name-only", "-z", "--diff-filter=M", commit, "--", "notebooks")
    for name in sorted(changed.split("\0")):
        if name.endswith(".ipynb"):
            before, after = git(root, "show", f"{commit}:{name}"), root / name
            for cell in outputs_changed(before, after.read_text(encoding="utf-8"), sanitize):
                yield (name, *cell)


def run_steps(root: Path, steps: Sequence[Sequence[str]] = STEPS) -> list[str]:
    """Run the steps, showing what they say; return the lines that say what failed.

    The first step that fails is the last one.
    """
    for step in steps:
        print(f"\n── {' '.join(step)} ──", flush=True)
        said = []
        with subprocess.Popen(
            step, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process:  # fmt: skip
            for line in process.stdout or ():
                print(line, end="", flush=True)
                said.append(line)
        if process.returncode:
            lines = FAILURE.findall("".join(said))
            return lines or [f"`{' '.join(step)}` failed; its output says why."]
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """Upgrade, or compare, as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--compare", nargs="?", const="HEAD", metavar="COMMIT", help="report only")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--force", action="store_true", help="despite uncommitted changes")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's root folder")
    options = parser.parse_args(arguments)
    root, failures = options.root.resolve(), []
    try:
        if not options.compare:
            if not options.force:
                refuse_changes(root)
            failures = run_steps(root)
        text = report(root, options.compare or "HEAD", failures)
    except CheckoutError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{text}")
    if options.report:
        options.report.write_text(text + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
