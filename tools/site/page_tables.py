"""Tables about the notebooks, for two pages: where each one opens, and its size and run time.

`make book` calls it, so the setup page links the repository that _config.yml names, and the status
page shows the versions and the notebooks of the build.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path

from course_utils.session import version_of
from tools import ROOT
from tools.labs.derive import SOLUTIONS
from tools.notebooks.build import FOLDERS, RunTime, dataset_in, find_scripts, read_times
from tools.notebooks.kernel import read_notebook
from tools.notebooks.setup_cell import COLAB, extra_of, read_repository

PACKAGES = (
    "course-utils", "numpy", "pandas", "scipy", "scikit-learn", "pyarrow", "implicit", "torch",
    "transformers", "boto3", "fastapi", "pyspark", "jupyter-book", "myst-nb", "nbval",
)  # fmt: skip
# Kaggle, like Colab, reads the notebook from GitHub; Binder builds the whole repository.
KAGGLE = "https://kaggle.com/kernels/welcome?src={url}/blob/{branch}/{path}"
BINDER = "https://mybinder.org/v2/gh/{slug}/{branch}?labpath={path}"


def versions_table() -> str:
    """Return a table of the installed versions of Python and the main packages."""
    rows = [f"| Python | {platform.python_version()} |"]
    rows += [f"| {name} | {version_of(name)} |" for name in PACKAGES]
    return "\n".join(["| what | version |", "| --- | --- |", *rows, ""])


def notebooks_table(root: Path = ROOT, solutions: bool = True) -> str:
    """Return a table of the executed notebooks: dataset, cells, size, and run time if recorded.

    Parameters
    ----------
    root
        The course's root folder.
    solutions
        Whether to include solutions of labs; the class edition has none.
    """
    times = read_times(root)
    rows = [("notebook", "dataset", "code cells", "compared", "kB", "seconds")]
    rows.append(("---", "---", "--:", "--:", "--:", "--:"))
    for folder in FOLDERS:
        if folder == SOLUTIONS and not solutions:
            continue
        for path in sorted((root / folder).glob("*.ipynb")):
            name = path.relative_to(root).with_suffix("").as_posix()
            notebook = read_notebook(path)
            tags = [c.metadata.get("tags", []) for c in notebook.cells if c.cell_type == "code"]
            compared = sum("nbval-ignore-output" not in of_cell for of_cell in tags)
            seconds = f"{times[name]['seconds']:.0f}" if name in times else "–"
            link = f"[{name.removeprefix('notebooks/')}](../{name}.ipynb)"
            size = f"{path.stat().st_size / 1000:.0f}"
            rows.append((link, dataset_in(notebook), str(len(tags)), str(compared), size, seconds))
    shown = [f"| {' | '.join(row if times else row[:-1])} |" for row in rows]
    return "\n".join([*shown, "", _measured(times), ""])


def _measured(times: dict[str, RunTime]) -> str:
    """Return on which machines and when the times were measured."""
    command = "`python -m tools.notebooks.build run --times`"
    if not times:
        return f"How long each takes on your machine: {command}, and build the site again."
    machines = "; ".join(sorted({time["machine"] for time in times.values()}))
    dates = sorted({time["date"] for time in times.values()})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return f"Seconds from {command}, two notebooks at a time, on {machines}, {when}."


def launch_table(root: Path = ROOT) -> str:
    """Return a Markdown table of links that open each lesson and lab on Colab, Kaggle and Binder.

    A notebook has a link to Binder if .binder/requirements.txt contains the extras it asks for.

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
        cells = [
            f"[](../{path})",
            *links,
            *["–"] * (3 - len(links)),
        ]  # empty text: Sphinx fills in the title
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def binder_extras(root: Path) -> set[str]:
    """Return the extras of pyproject.toml that Binder installs with the course."""
    text = (root / ".binder" / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(r"(?m)^\.\[(.+)\]$", text)
    return set(found[1].split(",")) if found else set()


def write(root: Path = ROOT, solutions: bool = True) -> None:
    """Write the tables to where the setup page and the status page include them from."""
    folder = root / "book" / "_generated"
    folder.mkdir(exist_ok=True)
    (folder / "launch.md").write_text(launch_table(root), encoding="utf-8")
    text = f"## Notebooks\n\n{notebooks_table(root, solutions)}\n## Versions\n\n{versions_table()}"
    (folder / "status.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
