"""Write the setup page's table of where each notebook opens without a machine of your own.

`make book` calls it, so the links name the repository of _config.yml and the notebooks there are.
"""

from __future__ import annotations

import re
from pathlib import Path

from tools import ROOT
from tools.labs.derive import SOLUTIONS
from tools.notebooks.build import find_scripts
from tools.notebooks.setup_cell import COLAB, extra_of, read_repository

# Kaggle, like Colab, reads the notebook from GitHub; Binder builds the whole repository.
KAGGLE = "https://kaggle.com/kernels/welcome?src={url}/blob/{branch}/{path}"
BINDER = "https://mybinder.org/v2/gh/{slug}/{branch}?labpath={path}"


def table(root: Path = ROOT) -> str:
    """Return in Markdown a row for each lesson and lab, with its links.

    Binder has one only where .binder/requirements.txt holds all that the notebook asks for.

    Parameters
    ----------
    root
        The course's root folder.
    """
    repository, there = read_repository(root), binder_extras(root)
    rows = ["| notebook | Colab | Kaggle | Binder |", "| --- | --- | --- | --- |"]
    for script in find_scripts(root):
        path = script.relative_to(root).with_suffix(".ipynb").as_posix()
        if path.startswith(SOLUTIONS):
            continue
        asked = set(filter(None, extra_of(script.read_text(encoding="utf-8")).split(",")))
        hosts = (COLAB, KAGGLE, BINDER) if asked <= there else (COLAB, KAGGLE)
        links = [f"[open]({repository.opened_by(host, path)})" for host in hosts]
        cells = [f"[](../{path})", *links, *["–"] * (3 - len(links))]  # of no text: its title
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def binder_extras(root: Path) -> set[str]:
    """Return the extras of pyproject.toml that Binder installs with the course."""
    text = (root / ".binder" / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(r"(?m)^\.\[(.+)\]$", text)
    return set(found[1].split(",")) if found else set()


def write(root: Path = ROOT) -> None:
    """Write the table to where the setup page includes it from."""
    page = root / "book" / "_generated" / "launch.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(table(root), encoding="utf-8")


if __name__ == "__main__":
    write()
