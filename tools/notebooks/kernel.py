"""Read notebooks from scripts or files, execute them, and make the result reproducible."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from course_utils.errors import CourseError

REBUILD = "run `make notebooks`"
PRIVATE_METADATA = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
OVERWRITTEN = re.compile(r"(?m)^.*\r(?=[^\n])")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}

# Settings of Kaggle: it disables the internet by default, and the setup cell needs it.
KAGGLE = {
    "accelerator": "none",
    "isGpuEnabled": False,
    "isInternetEnabled": True,
    "language": "python",
    "sourceType": "notebook",
    "dataSources": [],
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


def read_script(text: str, name: str) -> Any:
    """Return the notebook of a py:percent script, without outputs, or raise a CourseError."""
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # jupytext lets through whatever its parsers raise
        raise CourseError(f"{name}: jupytext cannot read its script ({_line(error)}).") from None
    for cell in notebook.cells:
        for key in PRIVATE_METADATA & set(cell.metadata):
            del cell.metadata[key]
    return notebook


def read_notebook(path: Path) -> Any:
    """Return the content of a notebook file; raise a CourseError if it is not a notebook."""
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # bad JSON, bad encoding, not a notebook
        raise CourseError(f"{path}: not a notebook ({_line(error)}); {REBUILD}") from None


def execute(job: Job) -> Outcome:
    """Execute a notebook with a fresh kernel in an empty folder, as on Colab."""
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
            own = {"IPYTHONDIR": str(ipython), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # no warnings
            client.execute(env={**job.environment, **own}, cleanup_kc=True)
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
    """Set the id of every cell to a hash of its type and source, which is reproducible.

    An unchanged cell keeps its id when it moves. Repeated cells get a number at the end.
    """
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def normalise(notebook: Any) -> None:
    """Remove from an executed notebook what differs between runs and machines."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = merge_streams(cell.outputs)
    notebook.metadata.pop("widgets", None)
    pairing = {"formats": "ipynb,py:percent"}
    notebook.metadata.update(
        kernelspec=KERNEL, language_info=LANGUAGE, jupytext=pairing, kaggle=KAGGLE
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5


def merge_streams(outputs: Sequence[Any]) -> list[Any]:
    """Merge neighboring stream outputs, stdout before stderr, since their order varies.

    Text overwritten by a carriage return (progress bars) is removed, as in nbval.
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


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
