"""Take the newest of all packages, execute the notebooks again, and report what changed.

python -m tools.upkeep.upgrade [--report FILE]

The pins are compiled by uv (`make pins UPGRADE=1`); `make notebooks` installs them and builds the
notebooks. What changed stays in the working tree, to be reviewed and committed. The report, in
Markdown, lists the pins that moved, and the outputs that changed as nbdime's `nbdiff` shows them.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils.errors import CourseError
from tools import ROOT
from tools.upkeep.checkout import git, refuse_changes

STEPS = (("make", "pins", "UPGRADE=1"), ("make", "notebooks"))
# Outputs only: nbdime's other parts are the sources, metadata, attachments and cell ids.
NBDIFF = ("-m", "nbdime", "diff", "--outputs", "--no-color", "HEAD", "--", "notebooks")
FAILURE = re.compile(
    r"(?m)^(?:notebooks/\S+: .*|The installation failed.*|make(?:\[\d+\])?: \*\*\* .*)$"
)


def pins_moved(before: str, after: str) -> list[tuple[str, str, str]]:
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


def run_steps(root: Path, steps: Sequence[Sequence[str]] = STEPS) -> list[str]:
    """Run the steps, showing their output; return the lines that say what failed.

    The first step that fails is the last one to run.
    """
    for step in steps:
        print(f"\n── {' '.join(step)} ──", flush=True)
        printed = []
        with subprocess.Popen(
            step,
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                printed.append(line)
        if process.returncode:
            lines = FAILURE.findall("".join(printed))
            return lines or [f"`{' '.join(step)}` failed; its output says why."]
    return []


def report(root: Path, failures: Sequence[str]) -> str:
    """Return in Markdown how the working tree differs from the last commit, in pins and outputs."""
    lines = ["## What did not work", "", *(f"- {line}" for line in failures), ""] * bool(failures)
    pins = pins_moved(
        git(root, "show", "HEAD:requirements.txt"), (root / "requirements.txt").read_text()
    )
    lines += [f"## Pins that changed: {len(pins)}", ""]
    if pins:
        lines += ["| package | before | after |", "| --- | --- | --- |"]
        lines += [f"| {name} | {was} | {now} |" for name, was, now in pins] + [""]
    done = subprocess.run(
        [sys.executable, *NBDIFF], cwd=root, capture_output=True, text=True, check=False
    )
    outputs = done.stdout.strip() or done.stderr.strip() or "None."
    fence = "`" * (3 + max(len(run) for run in re.findall("`*", outputs)))
    return "\n".join([*lines, "## Outputs that changed", "", f"{fence}diff", outputs, fence, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Upgrade, print the report, and return 1 if a step failed, else 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--force", action="store_true", help="despite uncommitted changes")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's root folder")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if not options.force:
            refuse_changes(root)
        failures = run_steps(root)
        text = report(root, failures)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{text}")
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
