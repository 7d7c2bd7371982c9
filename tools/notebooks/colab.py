"""Run the notebooks as on Colab: an environment with Colab's packages, then the setup cell.

    python -m tools.notebooks.colab [INTERPRETER [NOTEBOOK ...]]

The defaults are Python 3.12 and all notebooks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from course_utils.errors import CourseError
from tools import ROOT
from tools.notebooks.build import PROCESSES, copies, dataset_in, find_scripts
from tools.notebooks.kernel import Job, execute
from tools.notebooks.setup_cell import Repository, extra_of, read_repository, setup_source

# The packages of Colab that an installation could conflict with, and the kernel.
HELD = ("numpy==2.0.2", "pandas==2.2.2", "scikit-learn==1.6.1", "ipykernel")
HELD_TOO = ("python-dateutil==2.9.0.post0",)  # awscli refuses newer ones
# Colab holds torch as well. Here pip might find only a build with gigabytes of CUDA, so without
# --with-torch a notebook that needs torch is run up to the cell that imports it.
NEEDS_TORCH = "bert"
NO_TORCH = re.compile(r"(?i)\btorch|\[bert\]|transformers")
NO_PIP = """\
import subprocess

run = subprocess.run

def refuse_pip(*arguments, **options):
    if "pip" in str(arguments):  # NumPy's tests, which SciPy imports, start lscpu
        raise SystemExit(f"the setup cell starts {arguments} again")
    return run(*arguments, **options)

subprocess.run = refuse_pip
"""
NOT_ON_COLAB = ("COURSE_", "PYTHON", "VIRTUAL_ENV", "MPL", "AWS_", "HF_", "TORCH_")


def find_python(name: str) -> str:
    """Return the path of a working Python.

    Parameters
    ----------
    name : str
        A path, or a name as in ``python3.12``, which is searched for on PATH and then among all
        versions that pyenv has installed.

    Raises
    ------
    CourseError
        If there is none.
    """
    candidates = [shutil.which(name)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    if version := re.fullmatch(r"python(3\.\d+)", name):
        found = pyenv.glob(f"versions/{version[1]}.*/bin/python")
        order = {path: [int(n) for n in re.findall(r"\d+", path.parts[-3])] for path in found}
        candidates += map(str, sorted(order, key=lambda path: order[path], reverse=True))
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            probe = subprocess.run([candidate, "-c", "import venv"], capture_output=True)
            if not probe.returncode:
                return os.path.abspath(candidate)
    raise CourseError(
        f"There is no working {name} here; install it, or name another, "
        "as in `make colab COLAB_PYTHON=python3.13`."
    )


def clean(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment without the variables that Colab does not set."""
    kept = {k: v for k, v in environment.items() if not k.startswith(NOT_ON_COLAB)}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def moved(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return a sentence for each package that an installation changed or removed."""
    return [
        f"{name} {version} became {after[name]}; loosen its requirement in pyproject.toml."
        if name in after
        else f"{name} {version} was removed; find out what replaces it."
        for name, version in before.items()
        if after.get(name) != version
    ]


def archive(files: Sequence[str], root: Path, target: Path, top: str) -> None:
    """Write the archive that GitHub would offer: a zip of one folder, called `top`."""
    target.parent.mkdir(parents=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in files:
            if (root / name).is_file():  # git also lists what is deleted but not committed
                packed.write(root / name, f"{top}/{name}")


def run(command: Sequence[str], environment: dict[str, str], timeout: float = 1800) -> str:
    """Run a command in an empty folder; return what it prints.

    Raises
    ------
    CourseError
        If it fails or takes too long; the message ends with the last lines it wrote.
    """
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                command, cwd=empty, env=environment, capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            raise CourseError(f"{command[0]} took more than {timeout} s.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "is ignored" not in line]
        what = " ".join([Path(command[0]).name, *command[1:3]]).partition("\n")[0]
        raise CourseError("\n".join([f"{what}: ended with an error:", *lines[-20:]]))
    return done.stdout


def packages(python: str, environment: dict[str, str]) -> dict[str, str]:
    """Return name and version of each package that an interpreter holds."""
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    return {p["name"]: p["version"] for p in json.loads(run(command, environment))}


class Table:
    """A table printed row by row; `failed` tells whether one row was a failure."""

    def __init__(self) -> None:
        self.failed = False
        print(f"{'step':48} {'seconds':>7}  result", flush=True)

    def row(self, step: str, seconds: float, result: str, error: str = "") -> None:
        """Print one row, and the error below it."""
        self.failed |= bool(error)
        print(f"{step:48} {seconds:7.1f}  {'FAILED' if error else result}", flush=True)
        if error:
            print(error, file=sys.stderr, flush=True)


def install(
    folder: Path,
    interpreter: str,
    environment: dict[str, str],
    table: Table,
    extra: str,
    held: Sequence[str] = HELD,
) -> str:
    """Make an environment like Colab's, run the setup cell in it, and return its Python."""
    python, start = str(folder / "venv/bin/python"), time.perf_counter()
    run([interpreter, "-m", "venv", str(folder / "venv")], environment)
    run([python, "-m", "pip", "install", "--quiet", *held, *HELD_TOO], environment)
    before = packages(python, environment)
    table.row("a machine like Colab's", time.perf_counter() - start, summary(before))

    repository, listing = read_repository(ROOT), ["git", "-C", str(ROOT), "ls-files", "-coz"]
    files = run([*listing, "--exclude-standard"], environment).split("\0")
    path = folder / f"web/archive/refs/heads/{repository.branch}.zip"
    archive(files, ROOT, path, f"course-{repository.branch}")
    start = time.perf_counter()
    here = setup_source(Repository((folder / "web").as_uri(), repository.branch), extra)
    printed = run([python, "-c", here], environment)
    seconds, after = time.perf_counter() - start, packages(python, environment)
    error = "\n".join(moved(before, after))
    if "dataset: sample" not in printed:
        error += f"\nThe setup cell should say that the sample is in use, not\n{printed}"
    table.row("setup cell, which installs", seconds, summary(after), error)
    new = [f"{name} {version}" for name, version in after.items() if name not in before]
    print(textwrap.fill(f"new: {', '.join(new)}", 100, initial_indent="  ", subsequent_indent="  "))

    start = time.perf_counter()
    run([python, "-c", NO_PIP + setup_source(repository, extra)], environment)
    table.row("setup cell again", time.perf_counter() - start, "starts no pip")
    return python


def summary(held: dict[str, str]) -> str:
    """Return the number of packages, and the versions of those that Colab pins."""
    pinned = [pin.partition("=")[0] for pin in HELD]
    return f"{len(held)} packages, with " + ", ".join(f"{x} {held.get(x, '-')}" for x in pinned)


def by_extra(names: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the paths of the scripts, from the root, grouped by the extra they ask for."""
    groups: dict[str, list[str]] = {}
    for path in find_scripts(ROOT, names):
        extra = extra_of(path.read_text(encoding="utf-8"))
        groups.setdefault(extra, []).append(path.relative_to(ROOT).as_posix())
    return groups


def lessons(
    folder: Path, python: str, environment: dict[str, str], table: Table, names: list[str]
) -> None:
    """Execute notebooks with a kernel, and as plain scripts."""
    jobs = copies(ROOT, names, python, environment)
    with ProcessPoolExecutor(PROCESSES) as pool:
        for job, _, seconds, error in pool.map(execute, jobs):
            table.row(job.name, seconds, f"kernel, dataset {dataset_in(job.notebook)}", error)
    for job in jobs:
        if any("raises-exception" in cell.metadata.get("tags", []) for cell in job.notebook.cells):
            table.row(job.name, 0, "plain script, left out as an error is meant")
            continue
        script = folder / job.name
        script.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / job.name, script)
        start, error = time.perf_counter(), ""
        try:
            run([python, str(script)], {**environment, "MPLBACKEND": "Agg"})
        except CourseError as failure:
            error = str(failure)
        table.row(job.name, time.perf_counter() - start, "plain script", error)


def up_to_torch(python: str, environment: dict[str, str], table: Table, names: list[str]) -> None:
    """Execute notebooks up to the cell that needs torch, with a setup cell that lacks it."""
    here = setup_source(read_repository(ROOT))
    jobs = [_with_setup(job, here) for job in copies(ROOT, names, python, environment)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        for job, _, seconds, error in pool.map(execute, jobs):
            reached, cells = re.search(r"cell (\d+)", error), len(job.notebook.cells)
            if reached and NO_TORCH.search(error.splitlines()[-1]):
                result = f"up to cell {reached[1]} of {cells}, which needs torch; see --with-torch"
                table.row(job.name, seconds, result)
            else:
                table.row(job.name, seconds, "kernel, needs no torch", error)


def _with_setup(job: Job, source: str) -> Job:
    for cell in job.notebook.cells:
        if "setup" in cell.metadata.get("tags", []):
            cell.source = source
    return job


def rehearse(
    extra: str,
    names: list[str],
    interpreter: str,
    environment: dict[str, str],
    table: Table,
    torch: str,
) -> None:
    """Run the notebooks that ask for one extra, in an environment of their own."""
    print(f"\n{', '.join(Path(name).stem for name in names)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="colab-") as temporary:
        folder = Path(temporary)
        own = environment | {"TMPDIR": tempfile.mkdtemp(dir=folder)}  # pip leaves files behind
        without = extra == NEEDS_TORCH and not torch
        held = (*HELD, torch) if extra == NEEDS_TORCH and torch else HELD
        python = install(folder, interpreter, own, table, "" if without else extra, held)
        home = tempfile.mkdtemp(dir=folder)
        away = own | {"HOME": home, "XDG_CACHE_HOME": f"{home}/.cache"}
        if without:
            up_to_torch(python, away, table, names)
        else:
            lessons(folder, python, away, table, names)


def pinned(package: str) -> str:
    """Return a line of requirements.txt, such as ``torch==2.13.0``."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line.split(" ")[0] for line in lines if line.startswith(f"{package}=="))


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse Colab; return the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("interpreter", nargs="?", default="python3.12", help="a name or a path")
    parser.add_argument("names", nargs="*", help="of notebooks, as 02 or lab03; else all of them")
    parser.add_argument("--with-torch", action="store_true", help="install torch, as Colab has it")
    options = parser.parse_intermixed_args(arguments)
    environment, torch = clean(dict(os.environ)), pinned("torch") if options.with_torch else ""
    try:
        interpreter, table = find_python(options.interpreter), Table()
        for extra, names in by_extra(options.names).items():
            rehearse(extra, names, interpreter, environment, table, torch)
        return 1 if table.failed else 0
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left behind.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
