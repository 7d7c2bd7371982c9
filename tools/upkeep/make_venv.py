"""Make .venv with everything the book and the tests need. Uses the standard library only.

The pins of requirements.txt exist for Python 3.11 to 3.13, so .venv is made with one of these. The
package itself has no upper bound.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import venv

from tools import ROOT

FOLDER = ROOT / ".venv"
READY = FOLDER / ".ready"


def main() -> int:
    """Create the environment when it is missing, then install the pinned requirements into it."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        print(
            f"The course needs Python 3.11, 3.12 or 3.13, and {sys.executable} is "
            f"{sys.version.split()[0]}; name another one, as in `make book PYTHON=python3.12`.",
            file=sys.stderr,
        )
        return 1
    python = FOLDER / "bin" / "python"
    if not python.exists():
        print(f"Making .venv with Python {sys.version.split()[0]} …", flush=True)
        try:
            venv.create(FOLDER, with_pip=True, clear=FOLDER.exists())
        except (subprocess.CalledProcessError, ModuleNotFoundError):
            shutil.rmtree(FOLDER, ignore_errors=True)
            print(
                "Python could not make a virtual environment; on Debian and Ubuntu, "
                "`apt install python3-venv` and try again.",
                file=sys.stderr,
            )
            return 1
    print("Installing requirements.txt and the course into .venv (a minute or two) …", flush=True)
    start = time.monotonic()
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The pip bundled with Python is often years old, and slow with many packages.
    subprocess.run([*install, "--upgrade", "pip"], cwd=ROOT, check=False)
    # Pins and package are installed together, so the resolver has no choice and cannot backtrack.
    # --no-compile: most modules are never imported, and Python compiles the others on import.
    everything = ["--no-compile", "-r", "requirements.txt", "-e", "."]
    done = subprocess.run([*install, *everything], cwd=ROOT, check=False)
    if done.returncode:
        print("The installation failed; pip says why above.", file=sys.stderr)
        return 1
    READY.touch()
    print(f"Installed in {time.monotonic() - start:.0f} s.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
