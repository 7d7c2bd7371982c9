"""Make the course yours: replace its names (address, class bucket, title) everywhere.

    python -m tools.upkeep.adopt --repo https://github.com/you/course --bucket yours --title "Yours"

`make adopt REPO=… BUCKET=… TITLE=…` calls it. A name that is not given is kept. Setup cells and
Colab badges are updated in scripts and notebooks. No cell is executed, and outputs are kept, since
no output contains a name. The bucket is the one your students read (book/class-bucket.md); the
bucket that lesson 01 creates on its local server keeps its name.

All new texts are computed before the first file is written. Each file is replaced atomically, and
_config.yml, which holds the names, is the last. Repeat an interrupted run with --force.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from course_utils.errors import CourseError
from tools import ROOT
from tools.notebooks.build import find_scripts, lint, replace_file
from tools.notebooks.kernel import read_notebook, read_script, set_ids
from tools.notebooks.setup_cell import Repository, read_repository, render, setup_source
from tools.upkeep.checkout import git, refuse_changes
from tools.upkeep.names import CONFIG, Names, left_behind, read_names, renamed, validated


def plan(root: Path, old: Names, new: Names) -> dict[str, str]:
    """Return the new text of every file that changes, by its path from the root.

    A CourseError is raised if a notebook does not hold the cells of its script.
    """
    repository = Repository(new.url, read_repository(root).branch)
    texts = tracked_texts(root)
    changed = {name: renamed(name, text, old, new) for name, text in texts.items()}
    for script in find_scripts(root):
        name = script.relative_to(root).as_posix()
        notebook = script.with_suffix(".ipynb").relative_to(root).as_posix()
        before = texts.get(name, script.read_text(encoding="utf-8"))
        changed[name] = render(renamed(name, before, old, new), notebook, repository)
        changed[notebook] = with_sources(root, notebook, changed[name], old, new)
    changed[CONFIG] = changed.pop(CONFIG)
    return {name: text for name, text in changed.items() if text != texts.get(name)}


def with_sources(root: Path, name: str, script: str, old: Names, new: Names) -> str:
    """Return the notebook `name` with new names in its sources, and its outputs as they are.

    `script` is the new text of the script beside it. A CourseError is raised if the cells then
    differ from those of the script.
    """
    notebook, repository = read_notebook(root / name), read_repository(root)._replace(url=new.url)
    for cell in notebook.cells:
        cell.source = renamed(name, cell.source, old, new)
        if "setup" in cell.metadata.get(
            "tags", []
        ):  # its line breaks depend on the length of the address
            cell.source = setup_source(repository, cell.metadata.get("extra", ""))
    wanted = [(cell.cell_type, cell.source) for cell in read_script(script, name).cells]
    if [(cell.cell_type, cell.source) for cell in notebook.cells] != wanted:
        raise CourseError(f"{name}: not the cells of its script; run `make notebooks`, then adopt.")
    set_ids(notebook)
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text + "\n"


def tracked_texts(root: Path) -> dict[str, str]:
    """Return the content of every text file that git tracks, by its path from the root."""
    texts = {}
    for name in git(root, "ls-files", "-z").split("\0"):
        path = root / name
        if name and path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            try:
                texts[name] = content.decode("utf-8")
            except UnicodeDecodeError:
                continue  # a picture, or the sample's latin-1
    return texts


def adopt(root: Path, new: Names, *, dry_run: bool = False) -> int:
    """Give the course its new names, or say which files would change; return the exit status."""
    old = read_names(root)
    changes = plan(root, old, new)
    for name, text in changes.items():
        if not dry_run:
            replace_file(root / name, text)
        print(f"{'would change' if dry_run else 'changed'}  {name}")
    if not changes:
        print("Nothing to change: the course has these names already.")
    if dry_run:
        return 0
    for name, text in tracked_texts(root).items():
        for line in left_behind(text, old, new):
            print(f"look at  {name}:{line}: it says an old name, perhaps of something else")
    status = lint(root)
    if changes and not status:
        print("Look at `git diff`, run `make test`, and commit.")
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Adopt as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repo", help="https://github.com/owner/name")
    parser.add_argument("--bucket", help="the bucket of your class")
    parser.add_argument("--title", help="the title of your course")
    parser.add_argument("--dry-run", action="store_true", help="say what would change")
    parser.add_argument("--force", action="store_true", help="despite uncommitted changes")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's root folder")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    given = {"url": options.repo, "bucket": options.bucket, "title": options.title}
    given = {what: name for what, name in given.items() if name is not None}
    if not given:
        parser.error("say at least one of --repo, --bucket and --title")
    try:
        new = validated(read_names(root)._replace(**given))
        if not (options.force or options.dry_run):
            refuse_changes(root)
        return adopt(root, new, dry_run=options.dry_run)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
