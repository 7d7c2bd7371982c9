"""What a model was made with: versions of libraries, and the commit of the course's code."""

from __future__ import annotations

import json
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from course_utils.session import version_of

LIBRARIES = ("course-utils", "implicit", "numpy", "pandas", "scipy", "torch")
SECONDS = 5.0  # that git may take


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries; none is loaded for it."""
    return {"python": platform.python_version()} | {name: version_of(name) for name in LIBRARIES}


@cache  # the code that runs is that of the commit where it was loaded
def git_commit() -> str | None:
    """Return the commit of the course's code, or None where nobody knows.

    A checkout knows its own; what pip installed from a repository, pip wrote down. A package
    that lies in somebody else's repository, in a virtual environment say, is not of its commit.
    """
    here = Path(__file__).resolve().parent
    if _git(here, "ls-files", "--error-unmatch", Path(__file__).name):
        return _git(here, "rev-parse", "HEAD")
    try:
        installed = metadata.distribution("course-utils").read_text("direct_url.json")
        commit = json.loads(installed or "{}").get("vcs_info", {}).get("commit_id")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    return str(commit) if commit else None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True, text=True, timeout=SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
