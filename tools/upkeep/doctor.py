"""Say what is wrong with this machine and cannot be read off an error: `make doctor`.

One line for each thing: `ok`, a `note`, or a `problem`, and then the exit status is 1. Errors of
the course say themselves what to do; this looks for what ends in a confusing one: an unsuitable
Python, no room on the disk or in memory, a .venv that is broken, incomplete or of other versions
than requirements.txt, and a course_utils that is imported from elsewhere.

It needs no .venv, since that may be what is wrong: only the standard library is used, by any Python
from 3.8 on. Nothing is changed and no network is used.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tools import ROOT

GIB = 2**30
VENV_BYTES = 4 * GIB  # what .venv takes, PyTorch and Spark included
WORK_BYTES = 1 * GIB  # the site, caches and temporary files
MEMORY_BYTES = 4 * GIB  # two notebooks at a time, each of 1 GB at most, and the rest of the machine
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
MAKE = "`make book` or `make test` makes it"
# Run by the Python of .venv. `packaging`, which evaluates the markers, is there: pytest needs it.
PROBE = r"""
import importlib.metadata, importlib.util, json, pathlib, sys
from packaging.requirements import Requirement

wrong = []
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    if line.strip() and not line.lstrip().startswith(("#", "-")):
        pin = Requirement(line)
        try:
            there = importlib.metadata.version(pin.name)
        except importlib.metadata.PackageNotFoundError:
            there = None
        if not pin.marker or pin.marker.evaluate():
            if there is None or not pin.specifier.contains(there, prereleases=True):
                wrong.append([pin.name, there, str(pin.specifier)])
found = importlib.util.find_spec("course_utils")
course = found.origin if found else None
print(json.dumps({"python": sys.version.split()[0], "wrong": wrong, "course": course}))
"""


class Finding(NamedTuple):
    """A line of the report: ok, note or problem; about what; the state, and what to do."""

    level: str
    about: str
    says: str


def python(system: str, version: tuple[int, ...], has_venv: bool, can_venv: bool) -> Finding:
    """Judge the Python that makes .venv, and the system it runs on."""
    said = ".".join(map(str, version))
    if system != "posix":
        return Finding("problem", "Python", "Windows is not supported; use WSL: book/setup.md.")
    if not (3, 11) <= version <= (3, 13):
        advice = f"{said} cannot make .venv; name one of 3.11 to 3.13: make book PYTHON=python3.12"
        return Finding("note" if has_venv else "problem", "Python", advice)
    if not can_venv:
        advice = f"{said} lacks venv; on Debian and Ubuntu: apt install python3-venv"
        return Finding("note" if has_venv else "problem", "Python", advice)
    return Finding("ok", "Python", said)


def disk(root: Path, has_venv: bool) -> Finding:
    """Judge whether there is room for .venv, or for work where .venv is there already."""
    free = shutil.disk_usage(str(root)).free
    needed = WORK_BYTES if has_venv else VENV_BYTES + WORK_BYTES
    says = f"{free / GIB:.1f} GB free"
    if free < needed:
        return Finding("problem", "disk", f"{says}; make room, {needed / GIB:.0f} GB are needed")
    return Finding("ok", "disk", says)


def memory() -> Finding:
    """Judge whether there is memory for two notebooks at a time, or a container allows less."""
    usable = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in LIMITS:
        try:
            usable = min(usable, float(Path(file).read_text()))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    says = f"{usable / GIB:.1f} GB"
    if usable < MEMORY_BYTES:
        return Finding("note", "memory", f"{says}: open one notebook at a time, close browsers")
    return Finding("ok", "memory", says)


def probe(root: Path) -> dict[str, Any]:
    """Return what the Python in .venv says of itself; ``{}`` without .venv, or what went wrong."""
    venv = root / ".venv/bin/python"
    if not os.path.lexists(str(venv)):
        return {}
    try:
        done = subprocess.run(
            [str(venv), "-c", PROBE, str(root / "requirements.txt")],
            cwd=os.sep,  # not the checkout, from where course_utils is importable without .venv
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        last = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        return {"broken": last}


def environment(root: Path, said: dict[str, Any]) -> list[Finding]:
    """Judge whether .venv works, is this course's, and holds what requirements.txt pins.

    Parameters
    ----------
    root : Path
        The course's root folder.
    said : dict
        What `probe` returned.
    """
    if not said:
        return [Finding("note", ".venv", f"not there; {MAKE}")]
    if "broken" in said:
        again = f"does not work ({said['broken']}); delete .venv, then {MAKE}"
        return [Finding("problem", ".venv", again)]
    found = [Finding("ok", ".venv", f"Python {said['python']}")]
    if not (root / ".venv/.ready").is_file():
        found[0] = Finding("note", ".venv", f"was not finished; {MAKE}")
    if said["wrong"]:
        name, there, pinned = said["wrong"][0]
        first = f"{name} is {there or 'missing'} where {pinned} is pinned"
        says = f"{len(said['wrong'])} packages are not those of requirements.txt ({first});"
        found.append(Finding("problem", "pins", f"{says} delete .venv/.ready, then {MAKE}"))
    course = said["course"]
    if not course or root.resolve() not in Path(course).resolve().parents:
        where = f"comes from {Path(course).parent}" if course else "is not installed"
        says = f"course_utils {where}, not from this checkout; delete .venv/.ready, then {MAKE};"
        found.append(Finding("problem", "package", f"{says} unset PYTHONPATH"))
    return found


def main(root: Path = ROOT) -> int:
    """Print what is found; return 1 if anything is a problem, else 0."""
    has_venv = (root / ".venv/.ready").is_file()
    can_venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    found = [python(os.name, sys.version_info[:2], has_venv, can_venv)]
    if os.name == "posix":
        found += [disk(root, has_venv), memory(), *environment(root, probe(root))]
    for finding in found:
        print("{:8} {:8} {}".format(*finding))
    return 1 if any(finding.level == "problem" for finding in found) else 0


if __name__ == "__main__":
    sys.exit(main())
