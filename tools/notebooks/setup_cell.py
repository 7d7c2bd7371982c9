"""The setup cell and the Colab badge of every notebook, made from `_config.yml`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import yaml

from course_utils.errors import CourseError

SETUP_TEMPLATE = """\
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:  # on Colab, say
    course = {archive}
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)
    importlib.invalidate_caches()

import course_utils

course_utils.setup()"""

LINE_LENGTH = 100  # of pyproject.toml
BADGE_START = "[![Open in Colab]"
COLAB = "https://colab.research.google.com/github/{slug}/blob/{branch}/{path}"


class Repository(NamedTuple):
    """The address of the course on GitHub."""

    url: str
    branch: str

    @property
    def slug(self) -> str:
        """Owner and name, as in ``owner/name``."""
        return "/".join(self.url.split("/")[-2:])

    def opened_by(self, host: str, path: str) -> str:
        """Return the address at which a host, such as `COLAB`, opens a notebook of the course."""
        return host.format(url=self.url, slug=self.slug, branch=self.branch, path=path)


def read_repository(root: Path) -> Repository:
    """Read ``repository.url`` and ``repository.branch`` from ``_config.yml`` under `root`.

    A CourseError says what is wrong with the file, if it does not name them.
    """
    config = root / "_config.yml"
    try:
        repository = yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]
        url, branch = github_address(str(repository["url"])), str(repository["branch"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise CourseError(f"{config} should name repository.url and repository.branch.") from None
    if not url:
        raise CourseError(f"repository.url in {config} should be https://github.com/owner/name.")
    return Repository(url, branch)


def github_address(text: str) -> str:
    """Return an address as ``https://github.com/owner/name``; empty if it is not one of GitHub."""
    url = text.removesuffix("/").removesuffix(".git")
    return url if re.fullmatch(r"(?a)https://github\.com/[\w.-]+/[\w.-]*[\w-][\w.-]*", url) else ""


def setup_source(repository: Repository, extra: str = "") -> str:
    """Return the code of the setup cell, which installs the course with an extra or several.

    A lesson asks for extras in the metadata of its setup cell: ``# %% tags=["setup"] extra="s3"``.
    """
    archive = f"{repository.url}/archive/refs/heads/{repository.branch}.zip"
    archive = f"course-utils[{extra}] @ {archive}" if extra else archive
    return SETUP_TEMPLATE.format(archive=_wrapped(f'"{archive}"'))


def _wrapped(address: str) -> str:
    """Return the address as ruff formats it, which depends on its length."""
    if len(f"    course = {address}") <= LINE_LENGTH or len(f"        {address}") > LINE_LENGTH:
        return address
    return f"(\n        {address}\n    )"


def extra_of(script: str) -> str:
    """Return the extras that a script's setup cell asks for, or an empty string."""
    asked = re.search(r'(?m)^# %% .*\bextra="([\w,]+)"', script)
    return asked[1] if asked else ""


def badge(notebook: str, repository: Repository) -> str:
    """Return the line of Markdown that opens a notebook, a path from the root, in Colab."""
    image = Path(os.path.relpath("book/images/colab.svg", Path(notebook).parent)).as_posix()
    return f"{BADGE_START}({image})]({repository.opened_by(COLAB, notebook)})"


def render(script: str, notebook: str, repository: Repository) -> str:
    """Return a script with its Colab badge and its setup cell brought up to date.

    Nothing else changes. A script without a cell tagged ``setup`` is given none: the author
    chooses its place, and a lint rule asks for it. A CourseError refuses a script without a
    Markdown cell written as ``#`` comments to hold the badge. `notebook` is a path from the root.
    """
    header, *cells = re.split(r"(?m)^(?=# %%)", script)
    titles = [i for i, cell in enumerate(cells) if cell.startswith("# %% [markdown]")]
    if not titles or '"""' in cells[titles[0]]:
        raise CourseError(
            f'{notebook}: its script should start with a "# %% [markdown]" cell of # comments.'
        )
    cells[titles[0]] = _with_badge(cells[titles[0]], badge(notebook, repository))
    for i, cell in enumerate(cells):
        marker = cell.partition("\n")[0]
        if re.search(r'\btags=\[[^\]]*"setup"', marker):
            end = "\n\n" if i + 1 < len(cells) else "\n"
            cells[i] = f"{marker}\n{setup_source(repository, extra_of(marker))}{end}"
    return header + "".join(cells)


def _with_badge(cell: str, line: str) -> str:
    lines = cell.split("\n")
    for i, old in enumerate(lines):
        if BADGE_START in old:
            lines[i] = f"# {line}"
            return "\n".join(lines)
    body = cell.rstrip("\n# ")
    return f"{body}\n#\n# {line}\n\n"
