"""Git commands on a checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

from course_utils.errors import CourseError


def git(root: Path, *arguments: str) -> str:
    """Return what a git command prints.

    Raises
    ------
    CourseError
        If git fails: `root` is no checkout, say, or has no such commit.
    """
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        raise CourseError("There is no git here; install it.") from None
    if done.returncode:
        why = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise CourseError(f"git {arguments[0]} failed in {root}: {why[0] if why else '?'}")
    return done.stdout.decode("utf-8", errors="surrogateescape")


def refuse_changes(root: Path) -> None:
    """Raise a `CourseError` if there are uncommitted changes."""
    changes = git(root, "status", "--porcelain").splitlines()
    if changes:
        raise CourseError(
            f"{changes[0][3:]} has changes that are not committed; commit them first, so that "
            "`git diff` shows what this command did and nothing else, or add --force."
        )
