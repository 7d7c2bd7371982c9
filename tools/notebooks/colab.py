"""Run the notebooks as on Colab: an environment with Colab's packages, then the setup cell.

    python -m tools.notebooks.colab [INTERPRETER [NOTEBOOK ...]]
    python -m tools.notebooks.colab INTERPRETER --renew pip-freeze.txt

The defaults are Python 3.13, which Colab has, and all notebooks. Python 3.12 is the runtime before.
What Colab holds is listed in colab-3.13.txt and colab-3.12.txt; `!pip freeze > pip-freeze.txt` in a
cell on Colab makes what --renew takes.
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
from tools.notebooks.colab_list import SHOWN, held, renew
from tools.notebooks.kernel import execute
from tools.notebooks.setup_cell import Repository, extra_of, read_repository, setup_source

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
    """Return the path of a working Python, given by a path or a name as in ``python3.13``.

    A name is searched for on PATH and then among all versions that pyenv has installed.
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
        "as in `make colab COLAB_PYTHON=python3.12`."
    )


def python_version(interpreter: str) -> str:
    """Return the version of a Python, as in ``3.13``."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return run([interpreter, "-c", code], dict(os.environ)).strip()


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
    """Run a command in an empty folder; return what it prints, or raise a CourseError."""
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
    pins: Sequence[str],
) -> tuple[str, dict[str, str]]:
    """Make an environment like Colab's and run the setup cell; return its Python and packages."""
    python, start = str(folder / "venv/bin/python"), time.perf_counter()
    run([interpreter, "-m", "venv", str(folder / "venv")], environment)
    run([python, "-m", "pip", "install", "--quiet", "--no-compile", *pins], environment)
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
    table.row("setup cell, which installs", seconds, f"{summary(after)}; none moved", error)
    new = [f"{name} {version}" for name, version in after.items() if name not in before]
    print(textwrap.fill(f"new: {', '.join(new)}", 100, initial_indent="  ", subsequent_indent="  "))

    start = time.perf_counter()
    run([python, "-c", NO_PIP + setup_source(repository, extra)], environment)
    table.row("setup cell again", time.perf_counter() - start, "starts no pip")
    return python, before


def summary(found: dict[str, str]) -> str:
    """Return the number of packages, and the versions of a few."""
    return f"{len(found)} packages, with " + ", ".join(f"{x} {found.get(x, '-')}" for x in SHOWN)


def by_extra(names: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the paths of the scripts, from the root, grouped by the extra they ask for."""
    groups: dict[str, list[str]] = {}
    for path in find_scripts(ROOT, names):
        extra = extra_of(path.read_text(encoding="utf-8"))
        groups.setdefault(extra, []).append(path.relative_to(ROOT).as_posix())
    return groups


def lessons(
    python: str, environment: dict[str, str], table: Table, names: list[str], up_to_torch: bool
) -> None:
    """Execute notebooks, or only up to the cell that needs torch, with a setup cell without it."""
    jobs = copies(ROOT, names, python, environment)
    for cell in (cell for job in jobs if up_to_torch for cell in job.notebook.cells):
        if "setup" in cell.metadata.get("tags", []):
            cell.source = setup_source(read_repository(ROOT))
    with ProcessPoolExecutor(PROCESSES) as pool:
        for job, _, seconds, error in pool.map(execute, jobs):
            result, reached = f"dataset {dataset_in(job.notebook)}", re.search(r"cell (\d+)", error)
            if up_to_torch and reached and NO_TORCH.search(error.splitlines()[-1]):
                cells = f"cell {reached[1]} of {len(job.notebook.cells)}"
                result, error = f"up to {cells}, which needs torch; see --with-torch", ""
            table.row(job.name, seconds, result, error)


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
        asked = "" if without else extra
        pins = held(asked, python_version(interpreter))
        pins += [torch] if NEEDS_TORCH in asked else []
        python, before = install(folder, interpreter, own, table, asked, pins)
        home = tempfile.mkdtemp(dir=folder)
        away = own | {"HOME": home, "XDG_CACHE_HOME": f"{home}/.cache"}
        lessons(python, away, table, names, without)
        error = "\n".join(moved(before, packages(python, own)))
        table.row("what the notebooks install", 0, "none moved", error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse Colab; return the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("interpreter", nargs="?", default="python3.13", help="a name or a path")
    parser.add_argument("names", nargs="*", help="of notebooks, as 02 or lab03; else all of them")
    parser.add_argument("--with-torch", action="store_true", help="install torch, as Colab has it")
    parser.add_argument("--renew", metavar="FILE", help="write the list of packages; - is stdin")
    options = parser.parse_intermixed_args(arguments)
    environment = clean(dict(os.environ))
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    torch = re.findall(r"(?m)^torch==\S+", pins)[0] if options.with_torch else ""
    try:
        interpreter = find_python(options.interpreter)
        if options.renew:
            source = Path("/dev/stdin" if options.renew == "-" else options.renew)
            print(renew(source, ",".join(filter(None, by_extra())), python_version(interpreter)))
            return 0
        table = Table()
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
