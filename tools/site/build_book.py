"""Build the site into _build/html from the executed notebooks. Warnings are errors.

python -m tools.site.build_book                  the self-study edition, solutions at its end
python -m tools.site.build_book --edition class  without solutions, which is verified
python -m tools.site.build_book --links          no site: ask whether the external links work
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from course_utils.errors import CourseError
from tools import ROOT
from tools.labs.derive import SOLUTIONS
from tools.labs.leaks import leaks
from tools.site import images, lesson_cards, page_tables, syllabus

SITE = ROOT / "_build" / "html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site or ask for its links; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edition", choices=["self-study", "class"], default="self-study")
    parser.add_argument("--links", action="store_true", help="run Sphinx's linkcheck builder")
    options = parser.parse_args(arguments)
    try:
        return ask_links(ROOT) if options.links else build(options.edition)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1


def ask_links(root: Path) -> int:
    """Ask for every external link of the book; return 1 if one is broken or times out, else 0."""
    linkcheck = ("--builder", "custom", "--custom-builder", "linkcheck")
    status = jupyter_book(root, "self-study", *linkcheck)
    print("All results are in _build/linkcheck/output.txt.")
    return min(status, 1)


def build(edition: str) -> int:
    """Build an edition of the site into an empty folder; return the exit status."""
    start = time.monotonic()
    shutil.rmtree(ROOT / "_build", ignore_errors=True)  # a stale page is worse than a slow build
    print(f"Building the book, {edition} edition …", flush=True)
    status = jupyter_book(ROOT, edition)
    if status == 0 and not (SITE / "index.html").exists():
        print("jupyter-book said nothing and built nothing.", file=sys.stderr)
        return 1
    if status:
        print("The book was not built; the warnings above say where to look.", file=sys.stderr)
        return 1
    if edition == "class" and (found := leaks(SITE, ROOT)):
        print("The class edition shows parts of solutions:", *found, sep="\n  ", file=sys.stderr)
        return 1
    print(f"Built in {time.monotonic() - start:.0f} s. Open {SITE.relative_to(ROOT)}/index.html")
    return 0


def jupyter_book(root: Path, edition: str, *options: str) -> int:
    """Run jupyter-book on an edition, with warnings as errors; return the exit status.

    Raises
    ------
    CourseError
        If a generated part cannot be made.
    """
    write_parts(solutions=edition != "class")
    # --keep-going reports every warning before it fails, not the first only.
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", ".", *options]
    if edition == "class":
        command += ["--toc", str(write_class_contents(root))]
    command += ["-W", "--keep-going", "-q"]
    return subprocess.run(command, cwd=root, check=False).returncode


def write_parts(solutions: bool) -> None:
    """Write the generated parts: text that pages include, icons and pictures."""
    syllabus.write()
    lesson_cards.write()
    images.write()
    page_tables.write(solutions=solutions)


def write_class_contents(root: Path) -> Path:
    """Write the table of contents without solutions to a file in _build; return its path."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    path = root / "_build" / "toc_class.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(without_solutions(contents), sort_keys=False), encoding="utf-8")
    return path


def without_solutions(contents: dict[str, Any]) -> dict[str, Any]:
    """Return a table of contents without solutions, and without parts left empty."""
    parts = []
    for part in contents["parts"]:
        chapters = [c for c in part["chapters"] if not c["file"].startswith(f"{SOLUTIONS}/")]
        if chapters:
            parts.append({**part, "chapters": chapters})
    return {**contents, "parts": parts}


if __name__ == "__main__":
    sys.exit(main())
