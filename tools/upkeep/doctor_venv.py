"""What the doctor asks of .venv and of the notebooks, without importing either's tools."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.upkeep.doctor_machine import Finding

MAKE = "`make book` or `make test` makes it"
# Run by the Python of .venv, from the course's root. Markers are read by packaging, which many
# packages need and .venv has. What the course itself says of a setting is passed on.
PROBE = r"""
import importlib.metadata, importlib.util, json, pathlib, re, sys
from packaging.requirements import Requirement

wrong = []
for line in pathlib.Path("requirements.txt").read_text().splitlines():
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
torch = importlib.util.find_spec("torch")
version = pathlib.Path(torch.origin).with_name("version.py") if torch and torch.origin else None
build = re.search(r"(?m)^cuda\b.*= *'(.+)'", version.read_text()) if version else None
said = {
    "python": sys.version.split()[0],
    "wrong": wrong,
    "course": found.origin if found else None,
    "torch": importlib.metadata.version("torch") if torch else None,
    "cuda": build[1] if build else None,
}
if found:
    from course_utils.errors import CourseError

    def complaint(module, function):
        try:
            getattr(importlib.import_module(module), function)()
        except CourseError as error:
            return str(error)
        except ImportError:
            return None  # a package is missing: that is said above

    said["dataset"] = complaint("course_utils.datasets.loader", "requested_name")
    said["bucket"] = complaint("course_cloud.storage.addresses", "course_bucket")
print(json.dumps(said))
"""


def probe(root: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what the Python in .venv says of itself; ``{}`` without .venv, or what went wrong."""
    python = root / ".venv/bin/python"
    if not os.path.lexists(str(python)):
        return {}
    try:
        done = subprocess.run(
            [str(python), "-c", PROBE], cwd=root, env=dict(environment),
            capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        last = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        return {"broken": last}


def findings(root: Path, said: Mapping[str, Any]) -> list[Finding]:
    """Check that .venv is this course's, and holds what requirements.txt pins."""
    if not said:
        return [Finding("note", ".venv", f"not there; {MAKE}")]
    if "broken" in said:
        again = f"does not work ({said['broken']}); delete .venv, then {MAKE}"
        return [Finding("problem", ".venv", again)]
    found = [Finding("ok", ".venv", f"Python {said['python']}")]
    wrong = said["wrong"]
    if not (root / ".venv/.ready").is_file():
        found[0] = Finding("note", ".venv", f"was not finished; {MAKE}")
    if wrong:
        name, there, pinned = wrong[0]
        first = f"{name} is {there or 'missing'} where {pinned} is pinned"
        says = f"{len(wrong)} packages are not those of requirements.txt ({first});"
        found.append(Finding("problem", "pins", f"{says} delete .venv/.ready, then {MAKE}"))
    else:
        found.append(Finding("ok", "pins", "as in requirements.txt"))
    course = said["course"]
    if not course or root.resolve() not in Path(course).resolve().parents:
        where = f"comes from {Path(course).parent}" if course else "is not installed"
        says = (
            f"{where}, not from this checkout; delete .venv/.ready, then {MAKE}; unset PYTHONPATH"
        )
        found.append(Finding("problem", "package", f"course_utils {says}"))
    if said["torch"]:
        build = f"built for CUDA {said['cuda']}" if said["cuda"] else "built for a CPU"
        found.append(Finding("ok", "PyTorch", f"{said['torch']}, {build}"))
    return found


def notebooks(root: Path) -> Finding:
    """Check that scripts and notebooks are in pairs, and that both changed or neither."""
    about = "notebooks"
    pairs: dict[str, list[Path]] = {}
    for path in (root / about).rglob("*"):
        if path.suffix in (".py", ".ipynb") and ".ipynb_checkpoints" not in path.parts:
            pairs.setdefault(str(path.with_suffix("")), []).append(path)
    for paths in pairs.values():
        if len(paths) == 1:
            says = (
                f"{paths[0].name} is alone; `make notebooks` pairs a script, a notebook needs one"
            )
            return Finding("problem", about, says)
    command = ["git", "-C", str(root), "status", "--porcelain", "-z", "--", about]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return Finding("note", about, "this is no git checkout: what changed cannot be told")
    changes = {line[3:]: line[:2] for line in done.stdout.split("\0") if line[2:3] == " "}
    for name, state in changes.items():
        if "U" in state or state in ("AA", "DD"):
            says = f"{name} is in a merge; settle its script, then `make notebooks`"
            return Finding("problem", about, says)
        if name.endswith(".py") and f"{name[:-3]}.ipynb" not in changes:
            says = f"{name} changed and its notebook did not; `make notebooks`"
            return Finding("note", about, says)
        if name.endswith(".ipynb") and f"{name[:-6]}.py" not in changes:
            says = f"{name} changed and its script did not; `git restore` it, or edit the script"
            return Finding("note", about, says)
    return Finding("ok", about, f"{len(pairs)} pairs")
