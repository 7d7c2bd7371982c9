"""Lint rules for notebooks. Each rule returns one line per finding, and says what to do."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt

from course_utils.errors import CourseError
from tools.notebooks.kernel import ANSI, REBUILD, read_notebook, read_script
from tools.notebooks.setup_cell import BADGE_START, Repository, badge, setup_source
from tools.upkeep.secret_scan import secrets_in

MAX_BYTES = 1_500_000
MIN_ALT = 20
BINARY = {"image/png", "image/jpeg"}
FIGURES = {*BINARY, "image/svg+xml"}

MACHINE_PATH = re.compile(
    r"(?<![\w.~-])/(?:home|work|Users|root|tmp)/[\w.]+"
    r"|\b[C-Z]:\\(?:\\\w|[A-Za-mo-qsu-z]\w)"  # C:\Users, but not the "\n" of "K:\n"
)
ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]{6,}")

HTML_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1>", re.DOTALL | re.IGNORECASE)
HTML_LINK = re.compile(r"<(?:img|a)\b[^>]*?\b(?:src|href)\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
HTML_ANCHOR = re.compile(r"<\w+\b[^>]*?\b(?:id|name)\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
MARKDOWN = MarkdownIt("commonmark").enable("table")


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


def rule_pair(page: Page) -> list[str]:
    """Script and notebook have the same cells with the same tags and metadata."""
    ours, theirs = page.notebook.cells, page.script.cells
    if len(ours) != len(theirs):
        return [f"{len(ours)} cells, but {len(theirs)} in its script; {REBUILD}"]
    return [
        f"cell {n}: not the cell in its script; {REBUILD}"
        for n, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)
        if any(a[key] != b[key] for key in ("cell_type", "source", "metadata"))
    ]


def rule_executed(page: Page) -> list[str]:
    """Every code cell was executed, in order, in one go."""
    counts = [(n, c.execution_count) for n, c in _code(page) if c.source.strip()]
    return [
        f"cell {n}: execution count {count} instead of {wanted}; {REBUILD}"
        for wanted, (n, count) in enumerate(counts, 1)
        if count != wanted
    ]


def rule_no_errors(page: Page) -> list[str]:
    """No cell ended in an error, unless it is tagged raises-exception."""
    return [
        f"cell {n}: ends in {output.ename}; mend it, or tag it raises-exception"
        for n, cell in _code(page)
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]


def rule_setup_cell(page: Page) -> list[str]:
    """There is one setup cell, and it is the one every notebook has."""
    found = [(n, c) for n, c in _code(page) if "setup" in c.metadata.get("tags", [])]
    if len(found) != 1:
        return [f'{len(found)} setup cells; write one code cell as # %% tags=["setup"]']
    n, cell = found[0]
    wanted = setup_source(page.repository, cell.metadata.get("extra", ""))
    return [] if cell.source == wanted else [f"cell {n}: an outdated setup cell; {REBUILD}"]


def rule_alt_text(page: Page) -> list[str]:
    """Every figure has alt text."""
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


def rule_headings(page: Page) -> list[str]:
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


def rule_machine_paths(page: Page) -> list[str]:
    """No source or output contains an absolute path of one machine."""
    return [
        f"cell {n}: {found[0]} is of one machine; use a relative path, or mend the warning"
        for n, text in _texts(page)
        for found in MACHINE_PATH.finditer(text)
    ]


def rule_credentials(page: Page) -> list[str]:
    """Nothing looks like a credential; the finding does not repeat it."""
    return [
        f"cell {n}: what looks like {found.kind}; read it from the environment, revoke it"
        for n, text in _texts(page)
        for found in secrets_in(text)
    ]


def rule_no_nbval_comments(page: Page) -> list[str]:
    """Instructions to nbval are tags, which students do not see."""
    return [
        f"cell {n}: an NBVAL_ comment; use a tag such as nbval-ignore-output"
        for n, cell in enumerate(page.notebook.cells, 1)
        if "NBVAL_" in cell.source
    ]


def rule_links(page: Page) -> list[str]:
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


def rule_badge(page: Page) -> list[str]:
    """One Colab badge stands below the title and opens this very notebook."""
    wanted, cells = badge(page.name, page.repository), _markdown(page)
    lines = [line for _, cell in cells for line in cell.source.split("\n")]
    badges = [line for line in lines if BADGE_START in line]
    fine = badges == [wanted] and wanted in cells[0][1].source.split("\n")
    return [] if fine else [f"no Colab badge for this very notebook below its title; {REBUILD}"]


def rule_size(page: Page) -> list[str]:
    """No notebook is too large for Colab, GitHub or a slow connection."""
    size = page.path.stat().st_size
    advice = "draw fewer or smaller figures"
    return [] if size < MAX_BYTES else [f"{size / 1e6:.1f} MB, over {MAX_BYTES / 1e6}; {advice}"]


def rule_no_directives(page: Page) -> list[str]:
    """Markdown cells use no MyST directives, which Colab and GitHub do not render."""
    return [
        f'cell {n}: the MyST directive {text}; use HTML, say <div class="admonition note">'
        for n, cell in _markdown(page)
        for text in directives(cell.source)
    ]


def rule_no_addresses(page: Page) -> list[str]:
    """No output contains a memory address, which differs in every run."""
    return [
        f"cell {n}: a memory address in its output; assign the value, as in lines = ax.plot(x)"
        for n, text in _texts(page, sources=False)
        if ADDRESS.search(text)
    ]


def rule_no_semicolons(page: Page) -> list[str]:
    """No cell hides its value with a semicolon: nbval shows it all the same, and fails."""
    return [
        f"cell {n}: ends in ;, which nbval ignores; assign the value, as in lines = ax.plot(x)"
        for n, cell in _code(page)
        if cell.source.rstrip().endswith(";")
    ]


RULES: tuple[Callable[[Page], list[str]], ...] = (
    rule_pair, rule_executed, rule_no_errors, rule_setup_cell, rule_alt_text, rule_headings,
    rule_machine_paths, rule_credentials, rule_no_nbval_comments, rule_links, rule_badge,
    rule_size, rule_no_directives, rule_no_addresses, rule_no_semicolons,
)  # fmt: skip


def lint_script(root: Path, script: Path, repository: Repository) -> list[str]:
    """Return the findings of all rules on a script and its notebook, with the file's name."""
    path = script.with_suffix(".ipynb")
    name = path.relative_to(root).as_posix()
    if not path.is_file():
        return [f"{name}: missing; {REBUILD}"]
    try:
        source = read_script(script.read_text(encoding="utf-8"), name)
        page = Page(root, path, read_notebook(path), source, repository)
    except CourseError as error:
        return [str(error)]
    return [f"{name}: {finding}" for rule in RULES for finding in rule(page)]


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
    """Return the Markdown of a notebook or Markdown file; an empty list for other files."""
    if file.suffix == ".ipynb":
        return [c.source for c in read_notebook(file).cells if c.cell_type == "markdown"]
    return [file.read_text(encoding="utf-8")] if file.suffix == ".md" else []


def headings(source: str) -> list[tuple[int, str]]:
    """Return level and plain text of each heading in a piece of Markdown, HTML included."""
    tokens, found = MARKDOWN.parse(source), []
    for token, inline in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and inline is not None:
            parts = [c.content for c in inline.children or () if c.type in ("text", "code_inline")]
            found.append((int(token.tag[1]), "".join(parts)))
        elif token.type == "html_block":
            for level, text in HTML_HEADING.findall(re.sub(r"(?s)<!--.*?-->", "", token.content)):
                found.append((int(level), html.unescape(re.sub("<[^>]*>", "", text))))
    return found


def links(source: str) -> Iterator[str]:
    """Yield the targets of links and images in a piece of Markdown, HTML included."""
    for block in MARKDOWN.parse(source):
        for token in (block, *(block.children or ())):
            if token.type in ("link_open", "image"):
                yield str(token.attrGet("href") or token.attrGet("src") or "")
            elif token.type.startswith("html_"):
                yield from map(html.unescape, HTML_LINK.findall(token.content))


def anchors(sources: Iterable[str]) -> set[str]:
    """Return the anchors of a page made of these pieces of Markdown.

    Slugs are those of GitHub and MyST: a repeated heading gets ``-1``, ``-2`` and so on.
    """
    found: set[str] = set()
    for source in sources:
        found |= {*HTML_ANCHOR.findall(source), *re.findall(r"(?m)^\((\S+)\)=$", source)}
        for _, text in headings(source):
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            repeated = (f"{slug}-{i}" for i in itertools.count(1))
            found.add(next(s for s in itertools.chain([slug], repeated) if s not in found))
    return found


def directives(source: str) -> list[str]:
    """Return the first line of each MyST directive in a piece of Markdown."""
    found = []
    for token in MARKDOWN.parse(source):
        if token.type == "fence":
            found += [token.info] if token.info.startswith("{") else []
        elif token.type in ("inline", "html_block"):
            found += re.findall(r"(?m)^\s*(:::+\s*\{.*)", token.content)
    return found
