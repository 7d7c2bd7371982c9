"""Build, lint and run the notebooks. The script beside each notebook is its source.

python -m tools.notebooks.build build [NAME ...]    scripts to executed notebooks, then lint
python -m tools.notebooks.build lint                lint all notebooks
python -m tools.notebooks.build run [NAME ...]      execute copies, on any dataset, with any Python
python -m tools.notebooks.build run --times         and keep how long each took, for the status page
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from course_utils.errors import CourseError
from tools import ROOT
from tools.labs import derive
from tools.notebooks.kernel import Job, Outcome, execute, read_script
from tools.notebooks.lint import lint_script
from tools.notebooks.setup_cell import read_repository, render

FOLDERS = ("notebooks", "notebooks/labs", "notebooks/solutions")
PROCESSES = 2
TIMES = Path("notebooks") / "times.json"  # how long each notebook took, when, on what machine
NOT_FOR_BUILD = {
    "COURSE_DATASET", "COURSE_DATA_DIR", "COURSE_ENCODERS", "COURSE_RECORD", "MPLBACKEND",
}  # fmt: skip


def find_scripts(root: Path, names: Sequence[str] = ()) -> list[Path]:
    """Return the scripts of the notebooks called `names`, or of all; a CourseError if none is.

    A name is ``02_loading``, its beginning (``02``), or the path of the script or notebook.
    """
    scripts = [path for folder in FOLDERS for path in sorted((root / folder).glob("*.py"))]
    if not scripts:
        raise CourseError(f"There are no scripts (*.py) in {root / 'notebooks'}.")
    stems = {path: path.with_suffix("").as_posix() for path in scripts}
    chosen = set()
    for name in names:
        end = "/" + Path(name).with_suffix("").as_posix()
        found = {p for p, stem in stems.items() if stem.endswith(end)}
        found = found or {p for p in scripts if p.name.startswith(name)}
        if not found:
            known = ", ".join(path.stem for path in scripts)
            raise CourseError(f"No notebook is called {name}; there are {known}.")
        chosen |= found
    return [path for path in scripts if path in chosen or not names]


def build(root: Path, names: Sequence[str], timeout: int = 600) -> int:
    """Make the notebooks from their scripts, execute them, and lint them.

    A notebook is replaced only once all its cells have run. Returns the exit status.
    """
    repository = read_repository(root)
    derive.write(root, repository)
    environment = {k: v for k, v in os.environ.items() if k not in NOT_FOR_BUILD}
    environment["PYTHONHASHSEED"] = "0"
    jobs = []
    for script in find_scripts(root, names):
        name = script.relative_to(root).with_suffix(".ipynb").as_posix()
        text = render(script.read_text(encoding="utf-8"), name, repository)
        replace_file(script, text)
        jobs.append(Job(name, read_script(text, name), sys.executable, environment, timeout))
    failed = False
    for outcome in _execute_all(jobs):
        failed |= bool(outcome.error)
        path = root / outcome.job.name
        if not outcome.error and not same_but_for_timings(path, outcome.text):
            replace_file(path, outcome.text)
    return 1 if failed else lint(root, names)


def lint(root: Path, names: Sequence[str] = ()) -> int:
    """Print the findings of all lint rules; return 1 if there are any, else 0."""
    repository, scripts = read_repository(root), find_scripts(root, names)
    findings = [line for path in scripts for line in lint_script(root, path, repository)]
    findings += derive.outdated(root, repository)
    for notebook in () if names else (p for f in FOLDERS for p in (root / f).glob("*.ipynb")):
        if notebook.with_suffix(".py") not in scripts:
            findings.append(
                f"{notebook.relative_to(root)}: no script beside it; write it, or remove this"
            )
    for line in findings:
        print(line)
    print(f"{len(scripts)} notebooks checked, {len(findings)} findings")
    return 1 if findings else 0


def run(
    root: Path,
    names: Sequence[str],
    python: str = sys.executable,
    timeout: int = 600,
    times: bool = False,
) -> int:
    """Execute copies of the notebooks in the caller's environment, and discard the outputs.

    The parameters are those of `copies`. With `times`, the run times of notebooks that succeeded on
    the sample are recorded. Returns the exit status.
    """
    environment = dict(os.environ)
    if folder := environment.get("COURSE_DATA_DIR"):
        environment["COURSE_DATA_DIR"] = os.path.abspath(folder)
    jobs = copies(root, names, python, environment, timeout)
    outcomes = list(_execute_all(jobs))
    if times:
        good = [
            o for o in outcomes if not o.error and dataset_in(o.job.notebook) in ("sample", "-")
        ]
        record_times(root, {outcome.job.name: outcome.seconds for outcome in good})
    return 1 if any(outcome.error for outcome in outcomes) else 0


class RunTime(TypedDict):
    """The run time of one notebook, measured with two notebooks running at a time."""

    seconds: float
    date: str
    machine: str


def record_times(root: Path, ran: Mapping[str, float]) -> None:
    """Update the recorded run times, seconds by script; those of the others are kept."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    date = datetime.now(UTC).date().isoformat()
    times = read_times(root)
    for script, seconds in ran.items():
        name = Path(script).with_suffix("").as_posix()
        times[name] = RunTime(seconds=round(seconds, 1), date=date, machine=machine)
    text = json.dumps(dict(sorted(times.items())), indent=1)
    (root / TIMES).write_text(f"{text}\n", encoding="utf-8")


def read_times(root: Path) -> dict[str, RunTime]:
    """Return recorded run times by notebook, as in ``notebooks/02_loading``; empty without any."""
    path = root / TIMES
    if not path.is_file():
        return {}
    times: dict[str, RunTime] = json.loads(path.read_text(encoding="utf-8"))
    return times


def copies(
    root: Path, names: Sequence[str], python: str, environment: dict[str, str], timeout: int = 600
) -> list[Job]:
    """Return a job for each notebook, made from its script; `find_scripts` says what a name is.

    The interpreter `python` needs ipykernel, else there is a CourseError, and what the notebooks
    import. A cell may take `timeout` seconds.
    """
    python = os.path.abspath(python)  # not resolved: a virtual environment's python is a link
    probe = [python, "-c", "import ipykernel"]
    if not os.access(python, os.X_OK) or subprocess.run(probe, capture_output=True).returncode:
        raise CourseError(f"{python} is no Python with ipykernel; install ipykernel there.")
    jobs = []
    for script in find_scripts(root, names):
        name = script.relative_to(root).as_posix()
        notebook = read_script(script.read_text(encoding="utf-8"), name)
        jobs.append(Job(name, notebook, python, environment, timeout))
    return jobs


def _execute_all(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Execute two notebooks at a time; print a table and the errors; yield outcomes in order."""
    print(f"{'notebook':44} {'cells':>5} {'seconds':>8} {'kB':>6}  dataset", flush=True)
    with ProcessPoolExecutor(PROCESSES) as pool:
        for outcome in pool.map(execute, jobs):
            job, text, seconds, error = outcome
            size, cells = len(text.encode()) / 1000, len(job.notebook.cells)
            row = f"{job.name:44} {cells:5} {seconds:8.1f} {size:6.0f}  {dataset_in(job.notebook)}"
            print(error or row, file=sys.stderr if error else sys.stdout, flush=True)
            yield outcome


def dataset_in(notebook: Any) -> str:
    """Return the dataset that an executed setup cell has printed, or ``-``."""
    for cell in notebook.cells:
        if "setup" in cell.metadata.get("tags", []):
            printed = "".join(o.get("text", "") for o in cell.get("outputs", []))
            if found := re.search(r"(?m)^dataset: (\S+)", printed):
                return found[1]
    return "-"


def same_but_for_timings(path: Path, text: str) -> bool:
    """Tell whether a notebook file differs from `text` only in cells tagged nbval-ignore-output.

    Such a file is not rewritten, so that timings, which differ in every run, make no commit.
    """

    def stable(notebook: str) -> Any:
        content = json.loads(notebook)
        for cell in content["cells"]:
            if "nbval-ignore-output" in cell["metadata"].get("tags", []):
                cell["outputs"] = []
        return content

    try:
        return bool(stable(path.read_text(encoding="utf-8")) == stable(text))
    except (OSError, ValueError, LookupError, AttributeError):
        return False  # there is none yet, or it is broken


def replace_file(path: Path, text: str) -> None:
    """Replace a file in one step, unless it already holds this text."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    if path.is_file():
        shutil.copymode(path, temporary)
    os.replace(temporary, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's root folder")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("names", nargs="*", metavar="NAME", help="02, 02_loading or a path")
    shared.add_argument("--timeout", type=int, default=600, help="seconds a cell may take")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", parents=[shared])
    commands.add_parser("lint")
    runner = commands.add_parser("run", parents=[shared])
    runner.add_argument("--python", default=sys.executable, help="the interpreter to use")
    runner.add_argument("--times", action="store_true", help="keep how long each takes")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if options.command == "lint":
            return lint(root)
        if options.command == "run":
            return run(root, options.names, options.python, options.timeout, options.times)
        return build(root, options.names, options.timeout)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; notebooks not listed above are as they were.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
