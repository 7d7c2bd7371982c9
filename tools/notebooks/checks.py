"""What must hold for every notebook: each check returns one line per finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tools.notebooks.kernel import ANSI, REBUILD, read_notebook, read_script
from tools.notebooks.markdown import anchors, directives, headings, links
from tools.notebooks.setup_cell import BADGE_START, Repository, UserError, badge, setup_source
from tools.upkeep.secret_patterns import secrets_in

MAX_BYTES = 1_500_000
MIN_ALT = 20
BINARY = {"image/png", "image/jpeg"}
FIGURES = {*BINARY, "image/svg+xml"}

MACHINE_PATH = re.compile(
    r"(?<![\w.~-])/(?:home|work|Users|root|tmp)/[\w.]+"
    r"|\b[C-Z]:\\(?:\\\w|[A-Za-mo-qsu-z]\w)"  # C:\Users, but not the "\n" of "K:\n"
)
ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]{6,}")


@dataclass(frozen=True)
class Page:
    """A notebook, the script beside it, and where both belong.

    ``path`` is the notebook's, under ``root``; both are absolute.
    """

    root: Path
    path: Path
    notebook: Any
    script: Any
    repository: Repository

    @property
    def name(self) -> str:
        """The notebook's path from the root."""
        return self.path.relative_to(self.root).as_posix()


def check_pair(page: Page) -> list[str]:
    """Script and notebook hold the same cells with the same tags and metadata."""
    ours, theirs = page.notebook.cells, page.script.cells
    if len(ours) != len(theirs):
        return [f"{len(ours)} cells, but {len(theirs)} in its script; {REBUILD}"]
    return [
        f"cell {n}: not the cell in its script; {REBUILD}"
        for n, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)
        if any(a[key] != b[key] for key in ("cell_type", "source", "metadata"))
    ]


def check_executed(page: Page) -> list[str]:
    """Every code cell was executed, in order, in one go."""
    counts = [(n, c.execution_count) for n, c in _code(page) if c.source.strip()]
    return [
        f"cell {n}: execution count {count} instead of {wanted}; {REBUILD}"
        for wanted, (n, count) in enumerate(counts, 1)
        if count != wanted
    ]


def check_no_errors(page: Page) -> list[str]:
    """No cell ended in an error, unless it is tagged raises-exception."""
    return [
        f"cell {n}: ends in {output.ename}; mend it, or tag it raises-exception"
        for n, cell in _code(page)
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]


def check_setup_cell(page: Page) -> list[str]:
    """There is one setup cell, and it is the one every notebook has."""
    found = [(n, c) for n, c in _code(page) if "setup" in c.metadata.get("tags", [])]
    if len(found) != 1:
        return [f'{len(found)} setup cells; write one code cell as # %% tags=["setup"]']
    n, cell = found[0]
    wanted = setup_source(page.repository, cell.metadata.get("extra", ""))
    return [] if cell.source == wanted else [f"cell {n}: an outdated setup cell; {REBUILD}"]


def check_alt_text(page: Page) -> list[str]:
    """Every figure says in words what it shows."""
    findings = []
    for n, cell in _code(page):
        alt = str(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""))
        if len(alt.strip()) < MIN_ALT and any(
            FIGURES & set(o.get("data", {})) for o in cell.outputs
        ):
            advice = 'write # %% mystnb={"image": {"alt": "what it shows"}}'
            findings.append(
                f"cell {n}: a figure without alt text of {MIN_ALT} characters; {advice}"
            )
    return findings


def check_headings(page: Page) -> list[str]:
    """There is one h1, the title, and no level is skipped below it."""
    findings, last = [], 0
    for n, cell in _markdown(page):
        for level, text in headings(cell.source):
            if (level == 1) != (last == 0):
                findings.append(f"cell {n}: h{level} '{text}'; have one h1, before all else")
            elif level > last + 1:
                findings.append(f"cell {n}: h{level} '{text}' after h{last}; use h{last + 1}")
            last = level
    return findings or ([] if last else ["no title; start with a # heading"])


def check_machine_paths(page: Page) -> list[str]:
    """No path of somebody's machine shows."""
    return [
        f"cell {n}: {found[0]} is of one machine; use a relative path, or mend the warning"
        for n, text in _texts(page)
        for found in MACHINE_PATH.finditer(text)
    ]


def check_credentials(page: Page) -> list[str]:
    """Nothing has the shape of a credential; the finding does not repeat it."""
    return [
        f"cell {n}: what looks like {found.kind}; read it from the environment, revoke it"
        for n, text in _texts(page)
        for found in secrets_in(text)
    ]


def check_no_nbval_comments(page: Page) -> list[str]:
    """Instructions to nbval are tags, which students do not see."""
    return [
        f"cell {n}: an NBVAL_ comment; use a tag such as nbval-ignore-output"
        for n, cell in enumerate(page.notebook.cells, 1)
        if "NBVAL_" in cell.source
    ]


def check_links(page: Page) -> list[str]:
    """Every internal link and image leads to a file of the repository, and to a heading in it."""
    findings = []
    for n, cell in _markdown(page):
        for link in links(cell.source):
            target, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE):
                continue
            file = (page.path.parent / target).resolve() if target else page.path
            if not (file.is_file() and file.is_relative_to(page.root.resolve())):
                findings.append(f"cell {n}: {link} leads to no file; mend the relative link")
            elif anchor and anchor not in anchors(_markdown_of(file)):
                findings.append(f"cell {n}: {link} leads to no heading; mend what follows the #")
    return findings


def check_badge(page: Page) -> list[str]:
    """One Colab badge stands below the title and opens this very notebook."""
    wanted, cells = badge(page.name, page.repository), _markdown(page)
    lines = [line for _, cell in cells for line in cell.source.split("\n")]
    badges = [line for line in lines if BADGE_START in line]
    fine = badges == [wanted] and wanted in cells[0][1].source.split("\n")
    return [] if fine else [f"no Colab badge for this very notebook below its title; {REBUILD}"]


def check_size(page: Page) -> list[str]:
    """No notebook is too large for Colab, GitHub or a slow line."""
    size = page.path.stat().st_size
    advice = "draw fewer or smaller figures"
    return [] if size < MAX_BYTES else [f"{size / 1e6:.1f} MB, over {MAX_BYTES / 1e6}; {advice}"]


def check_no_directives(page: Page) -> list[str]:
    """Markdown is what Colab and GitHub show as well as the book does."""
    return [
        f'cell {n}: the MyST directive {text}; use HTML, say <div class="admonition note">'
        for n, cell in _markdown(page)
        for text in directives(cell.source)
    ]


def check_no_addresses(page: Page) -> list[str]:
    """No output shows a memory address, which differs in every run."""
    return [
        f"cell {n}: a memory address in its output; assign the value, as in lines = ax.plot(x)"
        for n, text in _texts(page, sources=False)
        if ADDRESS.search(text)
    ]


def check_no_semicolons(page: Page) -> list[str]:
    """No cell hides its value with a semicolon: nbval shows it all the same, and fails."""
    return [
        f"cell {n}: ends in ;, which nbval ignores; assign the value, as in lines = ax.plot(x)"
        for n, cell in _code(page)
        if cell.source.rstrip().endswith(";")
    ]


CHECKS: tuple[Callable[[Page], list[str]], ...] = (
    check_pair, check_executed, check_no_errors, check_setup_cell, check_alt_text, check_headings,
    check_machine_paths, check_credentials, check_no_nbval_comments, check_links, check_badge,
    check_size, check_no_directives, check_no_addresses, check_no_semicolons,
)  # fmt: skip


def check_script(root: Path, script: Path, repository: Repository) -> list[str]:
    """Return the findings of all checks on a script and its notebook, with the file's name."""
    path = script.with_suffix(".ipynb")
    name = path.relative_to(root).as_posix()
    if not path.is_file():
        return [f"{name}: missing; {REBUILD}"]
    try:
        source = read_script(script.read_text(encoding="utf-8"), name)
        page = Page(root, path, read_notebook(path), source, repository)
    except UserError as error:
        return [str(error)]
    return [f"{name}: {finding}" for check in CHECKS for finding in check(page)]


def _code(page: Page) -> list[tuple[int, Any]]:
    return [(n, c) for n, c in enumerate(page.notebook.cells, 1) if c.cell_type == "code"]


def _markdown(page: Page) -> list[tuple[int, Any]]:
    return [(n, c) for n, c in enumerate(page.notebook.cells, 1) if c.cell_type == "markdown"]


def _texts(page: Page, *, sources: bool = True) -> Iterator[tuple[int, str]]:
    for n, cell in enumerate(page.notebook.cells, 1):
        if sources:
            yield n, cell.source
        for output in cell.get("outputs", []):
            texts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
            texts += [v for kind, v in output.get("data", {}).items() if kind not in BINARY]
            yield n, ANSI.sub("", "\n".join(map(str, texts)))


def _markdown_of(file: Path) -> list[str]:
    """Return the Markdown in a notebook or Markdown file, and none of any other."""
    if file.suffix == ".ipynb":
        return [c.source for c in read_notebook(file).cells if c.cell_type == "markdown"]
    return [file.read_text(encoding="utf-8")] if file.suffix == ".md" else []
