"""The machine on which the lessons run as on Colab: an interpreter, an archive, a clean shell."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools.notebooks.setup_cell import UserError

NOT_ON_COLAB = ("COURSE_", "PYTHON", "VIRTUAL_ENV", "MPL", "AWS_", "HF_", "TORCH_")


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


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
