"""Put the labs and what they need into one zip for students.

    python -m tools.labs.bundle [FILE]      dist/labs.zip by default

The zip contains the labs, the lessons they refer to, the packages, the sample and a README. Before
it gets its name, it is searched for lines of solutions.
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from course_utils.errors import CourseError
from tools import ROOT
from tools.labs.derive import outdated
from tools.labs.leaks import leaks
from tools.notebooks.setup_cell import read_repository

FOLDER = "movielens-labs"
FILES = (
    "notebooks/*.ipynb",
    "notebooks/labs/*.ipynb",
    "course_*/**/*.py",
    "data/sample/*",
    "book/_generated/real/*",
    "book/images/colab.svg",
    "book/glossary.md",
    "pyproject.toml",
    "requirements.txt",
    "LICENSE*",
)
SAME_DAY = (2026, 1, 1, 0, 0, 0)  # so that equal contents give equal bytes

README = """\
# Labs of the course

In `notebooks/labs` are the labs, beside them the lessons they point to. You need Python 3.11, 3.12
or 3.13, and nothing else: the data come along.

```
python3 -m venv .venv
.venv/bin/pip install . jupyterlab
.venv/bin/jupyter lab notebooks/labs
```

On Windows, write `.venv\\Scripts\\` instead of `.venv/bin/`. A lab that needs more says so in its
first cells: `".[s3]"` or `".[bert]"` instead of `.` installs it. `requirements.txt` names the exact
versions the course was tested with, for `pip install -r requirements.txt`.

In each step, replace the `...` and run the cell with `check` below it. It says whether your answer
is right, and if not, where to look. Hand in the notebook, the file that ends in `.ipynb`.

The ratings in `data/sample` are simulated; its README says how.
"""


def bundle(target: Path, root: Path = ROOT) -> list[str]:
    """Write the zip and return the names in it.

    Raises
    ------
    CourseError
        If a lab differs from what its solution gives, there are no labs, or the zip would contain a
        solution.
    """
    findings = outdated(root, read_repository(root))
    if findings:
        raise CourseError(findings[0])
    paths = sorted({path for pattern in FILES for path in root.glob(pattern) if path.is_file()})
    if not any(path.parent.name == "labs" for path in paths):
        raise CourseError("There are no executed labs in notebooks/labs; run `make notebooks`.")
    contents = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    contents["README.md"] = README.encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(f"{FOLDER}/{name}", SAME_DAY), contents[name])
    if found := leaks(temporary, root):
        temporary.unlink()
        raise CourseError(f"The bundle would show a solution. {found[0]}")
    os.replace(temporary, target)
    return sorted(contents)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bundle; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "dist" / "labs.zip")
    target = parser.parse_args(arguments).file
    try:
        names = bundle(target)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target}: {len(names)} files, {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
