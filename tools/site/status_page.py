"""Write the tables of the status page: versions, and every notebook with its size and its time.

`make book` calls it, so what is shown is of the build.
"""

from __future__ import annotations

import platform
from pathlib import Path

from course_utils.session import version_of
from tools import ROOT
from tools.labs.derive import SOLUTIONS
from tools.notebooks import run_times
from tools.notebooks.build import FOLDERS, dataset_in
from tools.notebooks.kernel import read_notebook

PACKAGES = (
    "course-utils", "numpy", "pandas", "scipy", "scikit-learn", "pyarrow", "implicit", "torch",
    "transformers", "boto3", "fastapi", "pyspark", "jupyter-book", "myst-nb", "nbval",
)  # fmt: skip


def versions_table() -> str:
    """Return the versions of Python and of what the course stands on, as they are installed."""
    rows = [f"| Python | {platform.python_version()} |"]
    rows += [f"| {name} | {version_of(name)} |" for name in PACKAGES]
    return "\n".join(["| what | version |", "| --- | --- |", *rows, ""])


def notebooks_table(root: Path = ROOT, solutions: bool = True) -> str:
    """Return a row for each executed notebook: dataset, cells, size, and time where one is kept.

    Parameters
    ----------
    root
        The course's root folder.
    solutions
        Whether the solutions of the labs have rows; the class edition has none.
    """
    times = run_times.read(root)
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


def _measured(times: dict[str, run_times.RunTime]) -> str:
    """Say on which machines and when the times were measured."""
    command = "`python -m tools.notebooks.build run --times`"
    if not times:
        return f"How long each takes on your machine: {command}, and build the site again."
    machines = "; ".join(sorted({time["machine"] for time in times.values()}))
    dates = sorted({time["date"] for time in times.values()})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return f"Seconds from {command}, two notebooks at a time, on {machines}, {when}."


def write(root: Path = ROOT, solutions: bool = True) -> None:
    """Write the tables to where the status page includes them from."""
    page = root / "book" / "_generated" / "status.md"
    page.parent.mkdir(exist_ok=True)
    text = f"## Notebooks\n\n{notebooks_table(root, solutions)}\n## Versions\n\n{versions_table()}"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
