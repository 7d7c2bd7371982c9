"""Run every part of the test suite; end with a table of results and seconds."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tools import ROOT

PYTHON = sys.executable
LAST_LINES, MAX_WIDTH = 15, 200  # of a failed part, repeated at the end

# One worker more than cores, since some always wait for a kernel or a server. With worksteal an
# idle worker takes tests of another; with loadfile the cells of a notebook stay on one worker.
WORKERS = str((os.cpu_count() or 1) + 1)
PARALLEL = ["-n", WORKERS, "--dist", "worksteal"]
NOTEBOOKS = ["-n", WORKERS, "--dist", "loadfile"]

PARTS: dict[str, list[str]] = {
    "ruff": [PYTHON, "-m", "ruff", "check", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "mypy": [PYTHON, "-m", "mypy"],
    "secrets": [PYTHON, "-m", "tools.upkeep.secret_scan"],
    "unit": [PYTHON, "-m", "pytest", "-q", *PARALLEL, "tests/unit"],
    "oracles": [PYTHON, "-m", "pytest", "-q", "tests/oracles"],
    "doctest": [
        PYTHON, "-m", "pytest", "-q", "--doctest-modules", "course_utils", "course_cloud",
        "course_labs",
    ],
    "real": [PYTHON, "-m", "pytest", "-q", *PARALLEL, "tests/real"],
    "lint": [PYTHON, "-m", "tools.notebooks.build", "lint"],
    "nbval": [
        PYTHON, "-m", "pytest", "-q", *NOTEBOOKS, "--nbval", "--nbval-current-env",
        "--nbval-sanitize-with", "tests/nbval_sanitize.cfg", "notebooks",
    ],
}  # fmt: skip
# Run only when named: it needs a built site (`make book`).
PARTS_ON_DEMAND: dict[str, list[str]] = {
    "site": [PYTHON, "-m", "pytest", "-q", *PARALLEL, "tests/site"],
}
# Parts that start workers of their own run alone; of the others, two run at a time.
WHOLE_MACHINE = {"unit", "real", "nbval", "site"}


class Result(NamedTuple):
    """Exit code, seconds and output lines of a part."""

    code: int
    seconds: float
    lines: list[str]


def main(arguments: list[str] | None = None) -> int:
    """Run the parts named on the command line, or all but site; return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = ", ".join(PARTS | PARTS_ON_DEMAND)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {known}")
    chosen = parser.parse_args(arguments).parts or list(PARTS)
    unknown = [part for part in chosen if part not in PARTS | PARTS_ON_DEMAND]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; choose of {known}")

    results = run(chosen)
    print("\npart      result    seconds")
    for part, (code, seconds, _) in results.items():
        print(f"{part:9} {'FAILED' if code else 'passed':9} {seconds:6.1f}")
    for part, (code, _, lines) in results.items():
        if code:  # a reader of CI sees the end first
            last = (line[:MAX_WIDTH] for line in lines[-LAST_LINES:])
            print(f"\n── the last lines of {part} ──", *last, sep="\n")
    return sum(code != 0 for code, _, _ in results.values())


def run(parts: Sequence[str]) -> dict[str, Result]:
    """Run single-process parts two at a time, then the others one by one; return the results."""
    small = [part for part in parts if part not in WHOLE_MACHINE]
    results = {}
    if len(small) > 1:
        with ThreadPoolExecutor(2) as pool:
            for part, result in zip(small, pool.map(_run, small), strict=True):
                print(f"\n── {part} ──", *result.lines, sep="\n", flush=True)
                results[part] = result
    for part in (part for part in parts if part not in results):
        print(f"\n── {part} ──", flush=True)
        results[part] = _run(part, show=True)
    return {part: results[part] for part in parts}


def _run(part: str, show: bool = False) -> Result:
    """Run a part; with `show`, print its output line by line as it comes."""
    # The committed outputs come from the sample and the packaged encoder, so choices of this shell
    # are removed. The folder of real data is kept: tests/real reads it.
    chosen = ("COURSE_DATASET", "COURSE_ENCODERS")
    environment = {name: value for name, value in os.environ.items() if name not in chosen}
    lines = []
    start = time.monotonic()
    with subprocess.Popen(
        (PARTS | PARTS_ON_DEMAND)[part],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            if show:
                print(line, end="", flush=True)
            lines.append(line.rstrip())
    return Result(process.returncode, time.monotonic() - start, lines)


if __name__ == "__main__":
    sys.exit(main())
