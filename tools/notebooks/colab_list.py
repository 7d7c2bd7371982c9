"""The packages that Colab holds, of those that the course touches: a list for each Python."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from course_utils.errors import CourseError
from tools import ROOT
from tools.notebooks.build import replace_file

FOLDER = ROOT / "tools/notebooks"
SHOWN = ("numpy", "pandas", "scikit-learn", "ipykernel")  # no list is without them
NO_PIN = re.compile(r"-|[\w.-]+ @ \S|\w+\+\w+://")  # an option, or an address for a version
WANTED = "it should be what `pip freeze` prints on Colab"
HEADER = """\
# Colab's packages under Python {python}, of those that the course touches; renewed on {date} by
# python -m tools.notebooks.colab python{python} --renew pip-freeze.txt
"""


def read_pins(path: Path) -> tuple[dict[str, str], int]:
    """Return the version of each package in a list, and how many packages have none.

    A CourseError names the file and the line that is not ``name==version``.
    """
    pins: dict[str, str] = {}
    left_out = 0
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read as text ({error}); {WANTED}.") from None
    for number, line in enumerate(map(str.strip, lines), 1):
        if NO_PIN.match(line):
            left_out += 1
        elif line and not line.startswith("#"):
            try:
                name, version = line.split("==")
                name, _ = canonicalize_name(name, validate=True), Version(version)
            except ValueError:
                what = f"{line[:60]!r} is not name==version"
                raise CourseError(f"{path}, line {number}: {what}; {WANTED}.") from None
            if name in pins:
                raise CourseError(f"{path}, line {number}: {name} is there twice; {WANTED}.")
            pins[name] = version
    if missing := [name for name in SHOWN if name not in pins]:
        raise CourseError(f"{path} does not name {' and '.join(missing)}; {WANTED}.")
    return pins, left_out


def touched(extras: str, python: str) -> set[str]:
    """Return the names of what the course with these extras needs, as installed here.

    They are followed from package to package.
    """
    needs = {canonicalize_name(d.name): d.requires or [] for d in metadata.distributions()}
    asked = (f"course-utils[{extras}]", "ipykernel", "awscli")  # which lesson 01 installs by itself
    todo = [Requirement(line) for line in asked]
    found: set[tuple[str, str]] = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        for pair in {(name, extra) for extra in ("", *requirement.extras)} - found:
            found.add(pair)
            here = {"extra": pair[1], "python_version": python}
            lines = map(Requirement, needs.get(name, []))
            todo += [line for line in lines if not line.marker or line.marker.evaluate(here)]
    return {name for name, _ in found}


def held(extras: str, python: str) -> list[str]:
    """Return pins, such as ``numpy==2.1.3``, of what Colab holds of the packages in `touched`."""
    path = FOLDER / f"colab-{python}.txt"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("colab-*.txt"))) or "nothing"
        raise CourseError(f"There is no {path.name}, only {known}; make it with --renew.")
    names, (pins, _) = touched(extras, python), read_pins(path)
    return [f"{name}=={version}" for name, version in pins.items() if name in names]


def renew(source: Path, extras: str, python: str) -> str:
    """Write the list of one Python from what `pip freeze` printed there; say what it holds."""
    names, (pins, left_out) = touched(extras, python), read_pins(source)
    kept = [f"{name}=={pins[name]}\n" for name in sorted(names & pins.keys())]
    header = HEADER.format(python=python, date=datetime.now(UTC).date())
    path = FOLDER / f"colab-{python}.txt"
    try:
        replace_file(path, header + "".join(kept))
    except OSError as error:
        raise CourseError(f"{path} cannot be written ({error.strerror}).") from None
    return (
        f"{path.name}: {len(kept)} of {len(pins)} packages; {left_out} without a version left out"
    )
