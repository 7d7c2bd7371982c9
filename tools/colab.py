"""Run the lessons as Colab would: nothing there but what Colab holds, then the setup cell.

python tools/colab.py [INTERPRETER]    python3.12 unless told otherwise
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from notebook_kernel import execute
from setup_cell import Repository, UserError, read_repository, setup_source

from notebooks import PROCESSES, ROOT, copies, dataset_in

# What Colab holds already, as far as an installation may clash with it, and its kernel. A package
# that lessons import and pyproject.toml leaves to Colab (torch, say) belongs here too.
HELD = ("numpy==2.0.2", "pandas==2.2.2", "ipykernel")
NOT_ON_COLAB = ("COURSE_", "PYTHON", "VIRTUAL_ENV", "MPL", "AWS_", "HF_", "TORCH_")
NO_PIP = """\
import subprocess

run = subprocess.run

def refuse_pip(*arguments, **options):
    if "pip" in str(arguments):  # NumPy's tests, which SciPy imports, start lscpu
        raise SystemExit(f"the setup cell starts {arguments} again")
    return run(*arguments, **options)

subprocess.run = refuse_pip
"""


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Table:
    """Rows printed as they come; remembers whether one was a failure."""

    def __init__(self) -> None:
        self.failed = False
        print(f"{'step':48} {'seconds':>7}  result", flush=True)

    def row(self, step: str, seconds: float, result: str, error: str = "") -> None:
        """Print one row, and below it what went wrong."""
        self.failed |= bool(error)
        print(f"{step:48} {seconds:7.1f}  {'FAILED' if error else result}", flush=True)
        if error:
            print(error, file=sys.stderr, flush=True)


def find_python(name: str) -> str:
    """Return the path of a Python that starts.

    Parameters
    ----------
    name : str
        A path, or a name as in ``python3.12``, looked for on PATH and then among the versions
        that pyenv has installed, whichever of them is active.

    Raises
    ------
    UserError
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
    raise UserError(
        f"There is no working {name} here; install it, or name another, "
        "as in `make colab COLAB_PYTHON=python3.13`."
    )


def clean(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment without what would not be there on Colab."""
    kept = {k: v for k, v in environment.items() if not k.startswith(NOT_ON_COLAB)}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def moved(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return a sentence for each package that an installation has changed or removed."""
    return [
        f"{name} {version} became {after[name]}; loosen its requirement in pyproject.toml."
        if name in after
        else f"{name} {version} was removed; find out what replaces it."
        for name, version in before.items()
        if after.get(name) != version
    ]


def archive(files: Sequence[str], root: Path, target: Path, top: str) -> None:
    """Write the archive that GitHub would offer: a zip that holds one folder, called `top`."""
    target.parent.mkdir(parents=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in files:
            if (root / name).is_file():  # git also lists what is deleted but not committed
                packed.write(root / name, f"{top}/{name}")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine only; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run(command: Sequence[str], environment: dict[str, str], timeout: float = 1800) -> str:
    """Run a command in an empty folder; return what it prints.

    Raises
    ------
    UserError
        If it fails or takes too long; the message ends with the last lines it wrote.
    """
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                command, cwd=empty, env=environment, capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"{command[0]} took more than {timeout} s.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "is ignored" not in line]
        what = " ".join([Path(command[0]).name, *command[1:3]]).partition("\n")[0]
        raise UserError("\n".join([f"{what}: ended with an error:", *lines[-20:]]))
    return done.stdout


def packages(python: str, environment: dict[str, str]) -> dict[str, str]:
    """Return name and version of each package that an interpreter holds."""
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    return {p["name"]: p["version"] for p in json.loads(run(command, environment))}


def install(folder: Path, interpreter: str, environment: dict[str, str], table: Table) -> str:
    """Make what Colab offers, then let the setup cell install the course; return its Python."""
    python, start = str(folder / "venv/bin/python"), time.perf_counter()
    run([interpreter, "-m", "venv", str(folder / "venv")], environment)
    run([python, "-m", "pip", "install", "--quiet", *HELD], environment)
    before = packages(python, environment)
    table.row("a machine like Colab's", time.perf_counter() - start, summary(before))

    repository, listing = read_repository(ROOT), ["git", "-C", str(ROOT), "ls-files", "-coz"]
    files = run([*listing, "--exclude-standard"], environment).split("\0")
    path = folder / f"web/archive/refs/heads/{repository.branch}.zip"
    archive(files, ROOT, path, f"course-{repository.branch}")
    start = time.perf_counter()
    with served(folder / "web") as address:
        here = setup_source(Repository(address, repository.branch))
        printed = run([python, "-c", here], environment)
    seconds, after = time.perf_counter() - start, packages(python, environment)
    error = "\n".join(moved(before, after))
    if "dataset: sample" not in printed:
        error += f"\nThe setup cell should say that the sample is in use, not\n{printed}"
    table.row("setup cell, which installs", seconds, summary(after), error)
    new = [f"{name} {version}" for name, version in after.items() if name not in before]
    print(textwrap.fill(f"new: {', '.join(new)}", 100, initial_indent="  ", subsequent_indent="  "))

    start = time.perf_counter()
    run([python, "-c", NO_PIP + setup_source(repository)], environment)
    table.row("setup cell again", time.perf_counter() - start, "starts no pip")
    return python


def summary(held: dict[str, str]) -> str:
    """Say how many packages there are, and which versions of those that Colab pins."""
    pinned = [pin.partition("=")[0] for pin in HELD]
    return f"{len(held)} packages, with " + ", ".join(f"{x} {held.get(x, '-')}" for x in pinned)


def lessons(folder: Path, python: str, environment: dict[str, str], table: Table) -> None:
    """Execute every lesson with a kernel, and as a plain script."""
    names = [path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*.py")]
    jobs = copies(ROOT, names, python, environment)
    with ProcessPoolExecutor(PROCESSES) as pool:
        for job, _, seconds, error in pool.map(execute, jobs):
            table.row(job.name, seconds, f"kernel, dataset {dataset_in(job.notebook)}", error)
    for job in jobs:
        if any("raises-exception" in cell.metadata.get("tags", []) for cell in job.notebook.cells):
            table.row(job.name, 0, "plain script, left out as an error is meant")
            continue
        script = folder / job.name
        script.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / job.name, script)
        start, error = time.perf_counter(), ""
        try:
            run([python, str(script)], {**environment, "MPLBACKEND": "Agg"})
        except UserError as failure:
            error = str(failure)
        table.row(job.name, time.perf_counter() - start, "plain script", error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse Colab; return the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("interpreter", nargs="?", default="python3.12", help="a name or a path")
    options = parser.parse_args(arguments)
    environment = clean(dict(os.environ))
    try:
        interpreter = find_python(options.interpreter)
        with tempfile.TemporaryDirectory(prefix="colab-") as temporary:
            folder, table = Path(temporary), Table()
            environment["TMPDIR"] = tempfile.mkdtemp(dir=folder)  # pip leaves files if interrupted
            python = install(folder, interpreter, environment, table)
            home = tempfile.mkdtemp(dir=folder)
            away = {"HOME": home, "XDG_CACHE_HOME": f"{home}/.cache"}
            lessons(folder, python, environment | away, table)
        return 1 if table.failed else 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left behind.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
