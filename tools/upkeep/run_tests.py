"""Run every part of the test suite, and end with a table of what passed and how long it took."""

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
LAST_LINES, MAX_WIDTH = 15, 200  # of a part that failed, said again at the end

# One worker more than cores, for some always wait for a kernel or a server. One that has run out of
# tests takes some of another's; a notebook's cells, however, stay together.
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
    "checks": [PYTHON, "-m", "tools.notebooks.build", "check"],
    "nbval": [
        PYTHON, "-m", "pytest", "-q", *NOTEBOOKS, "--nbval", "--nbval-current-env",
        "--nbval-sanitize-with", "tests/nbval_sanitize.cfg", "notebooks",
    ],
}  # fmt: skip
# Asked for by name only: what looks at a site must have one, and `make book` builds it.
PARTS_ON_DEMAND: dict[str, list[str]] = {
    "site": [PYTHON, "-m", "pytest", "-q", *PARALLEL, "tests/site"],
}
# What starts workers of its own has the machine to itself; of the rest two parts run side by side.
WHOLE_MACHINE = {"unit", "real", "nbval", "site"}


class Result(NamedTuple):
    """How a part ended, the seconds it took, and what it said."""

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
    """Run parts, those of one process two at a time, the others after them; return the results."""
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
    """Run a part, showing what it says as it comes if asked to."""
    # The committed outputs are of the sample and of the packaged encoder, whatever this shell has
    # chosen. The folder of real data stays: tests/real looks there.
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
