"""Build, check and run the notebooks; the scripts beside them are the source.

python tools/notebooks.py build [NAME ...]    scripts to executed notebooks, then all checks
python tools/notebooks.py check               all checks over all notebooks
python tools/notebooks.py run [NAME ...]      execute copies, on any dataset, with any Python
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from notebook_checks import ANSI, check_script, read_script
from setup_cell import UserError, read_repository, render

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("notebooks", "notebooks/labs", "notebooks/solutions")
PROCESSES = 2
OVERWRITTEN = re.compile(r"(?m)^.*\r(?=[^\n])")
NOT_FOR_BUILD = {"COURSE_DATASET", "COURSE_DATA_DIR", "MPLBACKEND"}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


class Job(NamedTuple):
    """A notebook to execute, and how."""

    name: str  # its path from the root
    notebook: Any
    python: str
    environment: dict[str, str]
    timeout: int


class Outcome(NamedTuple):
    """An executed notebook as text, or why there is none."""

    job: Job
    text: str
    seconds: float
    error: str


def find_scripts(root: Path, names: Sequence[str] = ()) -> list[Path]:
    """Return the scripts of the notebooks called `names`, or of all of them.

    Parameters
    ----------
    root : Path
        The course's root folder.
    names : sequence of str
        ``02_loading``, its beginning (``02``), or the path of the script or notebook.

    Raises
    ------
    UserError
        If there are no notebooks at all, or none of that name.
    """
    scripts = [path for folder in FOLDERS for path in sorted((root / folder).glob("*.py"))]
    if not scripts:
        raise UserError(f"There are no scripts (*.py) in {root / 'notebooks'}.")
    stems = {path: path.with_suffix("").as_posix() for path in scripts}
    chosen = set()
    for name in names:
        end = "/" + Path(name).with_suffix("").as_posix()
        found = {p for p, stem in stems.items() if stem.endswith(end)}
        found = found or {p for p in scripts if p.name.startswith(name)}
        if not found:
            known = ", ".join(path.stem for path in scripts)
            raise UserError(f"No notebook is called {name}; there are {known}.")
        chosen |= found
    return [path for path in scripts if path in chosen or not names]


def build(root: Path, names: Sequence[str], timeout: int = 600) -> int:
    """Make the notebooks from their scripts, execute them, and check them.

    A notebook is replaced only once all its cells have run. Returns the exit status.
    """
    repository = read_repository(root)
    environment = {k: v for k, v in os.environ.items() if k not in NOT_FOR_BUILD}
    environment["PYTHONHASHSEED"] = "0"
    jobs = []
    for script in find_scripts(root, names):
        name = script.relative_to(root).with_suffix(".ipynb").as_posix()
        text = render(script.read_text(encoding="utf-8"), name, repository)
        _write(script, text)
        jobs.append(Job(name, read_script(text, name), sys.executable, environment, timeout))
    failed = False
    for outcome in _execute_all(jobs):
        failed |= bool(outcome.error)
        path = root / outcome.job.name
        if not outcome.error and not same_but_for_timings(path, outcome.text):
            _write(path, outcome.text)
    return 1 if failed else check(root, names)


def check(root: Path, names: Sequence[str] = ()) -> int:
    """Print what is wrong with the notebooks; return 1 if anything is, else 0."""
    repository, scripts = read_repository(root), find_scripts(root, names)
    findings = [line for path in scripts for line in check_script(root, path, repository)]
    for notebook in () if names else (p for f in FOLDERS for p in (root / f).glob("*.ipynb")):
        if notebook.with_suffix(".py") not in scripts:
            findings.append(
                f"{notebook.relative_to(root)}: no script beside it; write it, or remove this"
            )
    for line in findings:
        print(line)
    print(f"{len(scripts)} notebooks checked, {len(findings)} findings")
    return 1 if findings else 0


def run(root: Path, names: Sequence[str], python: str = sys.executable, timeout: int = 600) -> int:
    """Execute copies of the notebooks in the caller's environment; keep nothing.

    Parameters
    ----------
    root, names
        As for `find_scripts`.
    python : str
        The interpreter to run them with; it needs ipykernel and what the notebooks import.
    timeout : int
        Seconds a cell may take.
    """
    python = os.path.abspath(python)  # not resolved: a virtual environment's python is a link
    probe = [python, "-c", "import ipykernel"]
    if not os.access(python, os.X_OK) or subprocess.run(probe, capture_output=True).returncode:
        raise UserError(f"{python} is no Python with ipykernel; install ipykernel there.")
    environment = dict(os.environ)
    if folder := environment.get("COURSE_DATA_DIR"):
        environment["COURSE_DATA_DIR"] = os.path.abspath(folder)
    jobs = []
    for script in find_scripts(root, names):
        name = script.relative_to(root).as_posix()
        notebook = read_script(script.read_text(encoding="utf-8"), name)
        jobs.append(Job(name, notebook, python, environment, timeout))
    errors = [outcome.error for outcome in _execute_all(jobs)]
    return 1 if any(errors) else 0


def _execute_all(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Execute two notebooks at a time; print a table and what goes wrong; yield in order."""
    print(f"{'notebook':44} {'cells':>5} {'seconds':>8} {'kB':>6}  dataset", flush=True)
    with ProcessPoolExecutor(PROCESSES) as pool:
        for outcome in pool.map(execute, jobs):
            job, text, seconds, error = outcome
            size, cells = len(text.encode()) / 1000, len(job.notebook.cells)
            row = f"{job.name:44} {cells:5} {seconds:8.1f} {size:6.0f}  {_dataset(outcome)}"
            print(error or row, file=sys.stderr if error else sys.stdout, flush=True)
            yield outcome


def execute(job: Job) -> Outcome:
    """Execute a script as a notebook: a fresh kernel in an empty folder, as on Colab."""
    notebook = job.notebook
    set_ids(notebook)
    error, position, start = "", 0, time.perf_counter()

    def remember(cell: Any, cell_index: int) -> None:
        nonlocal position
        position = cell_index

    with tempfile.TemporaryDirectory() as folder:
        specs, home, ipython = (Path(folder) / name for name in ("specs", "home", "ipython"))
        for path in (specs / "python3", home, ipython):
            path.mkdir(parents=True)
        argv = [job.python, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=50"]
        spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
        (specs / "python3" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(specs)]),
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=job.timeout,
            record_timing=False,
            on_cell_start=remember,
            resources={"metadata": {"path": str(home)}},
        )
        try:
            client.execute(env={**job.environment, "IPYTHONDIR": str(ipython)}, cleanup_kc=True)
        except CellExecutionError as failure:
            error = f"{failure.ename}: {ANSI.sub('', failure.evalue).strip()}"
        except CellTimeoutError:
            error = f"took more than {job.timeout} s; make it faster, or allow it more (--timeout)"
        except (DeadKernelError, RuntimeError) as failure:
            error = f"its kernel died ({failure})"
    seconds = time.perf_counter() - start
    if error:
        cell = notebook.cells[position]
        first = re.search(r"(?m)^[^#\s].*", cell.source)
        error = f"{job.name}: cell {position + 1}, `{first[0] if first else cell.source}`: {error}"
    normalise(notebook)
    text = nbformat.writes(notebook) + "\n"  # type: ignore[no-untyped-call]
    return Outcome(job, text, seconds, error)


def set_ids(notebook: Any) -> None:
    """Give every cell an id made from its kind and source, so that everybody gets the same one.

    An unchanged cell keeps its id wherever it moves; of equal cells, later ones get a number.
    """
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def normalise(notebook: Any) -> None:
    """Drop from an executed notebook what differs between runs and machines."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = merge_streams(cell.outputs)
    notebook.metadata.pop("widgets", None)
    pairing = {"formats": "ipynb,py:percent"}
    notebook.metadata.update(kernelspec=KERNEL, language_info=LANGUAGE, jupytext=pairing)
    notebook.nbformat, notebook.nbformat_minor = 4, 5


def merge_streams(outputs: Sequence[Any]) -> list[Any]:
    """Merge neighbouring stream outputs, stdout before stderr, as the order of pieces varies.

    What a carriage return overwrites (progress bars) is dropped, as nbval does.
    """
    merged: list[Any] = []
    for is_stream, group in itertools.groupby(outputs, lambda o: o.output_type == "stream"):
        if not is_stream:
            merged.extend(group)
            continue
        streams: dict[str, Any] = {}
        for output in group:
            if output.name in streams:
                streams[output.name].text += output.text
            else:
                streams[output.name] = output
        for name in sorted(streams, reverse=True):
            streams[name].text = OVERWRITTEN.sub("", streams[name].text)
            merged.append(streams[name])
    return merged


def _dataset(outcome: Outcome) -> str:
    """Return the dataset that the setup cell says is in use."""
    found = re.search(r"dataset: ([\w.-]+)", outcome.text)
    return found[1] if found else "-"


def same_but_for_timings(path: Path, text: str) -> bool:
    """Tell whether a notebook file differs from `text` in nbval-ignore-output cells at most.

    Then the file stays: a timing that is different every time is no reason for a commit.
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


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, unless it already holds this text."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
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
    commands.add_parser("check")
    runner = commands.add_parser("run", parents=[shared])
    runner.add_argument("--python", default=sys.executable, help="the interpreter to use")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if options.command == "check":
            return check(root)
        if options.command == "run":
            return run(root, options.names, options.python, options.timeout)
        return build(root, options.names, options.timeout)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; notebooks not listed above are as they were.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
