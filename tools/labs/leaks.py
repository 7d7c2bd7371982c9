"""Find text of solutions in what students get: a site, a bundle, a notebook.

A line of code or a sentence is secret if it occurs in a solution and in nothing public (lessons,
packages, the students' labs). Pages are compared without HTML tags, since syntax highlighting puts
each word into a tag. A search index contains words instead of lines; there, words are secret that
only solutions use.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools.labs.derive import LABS, SOLUTIONS, answers

SHORTEST = 12  # characters; shorter lines are ignored
TEXTS = {".html", ".ipynb", ".js", ".json", ".md", ".py", ".txt", ".xml", ".inv", ".toml", ""}
PUBLIC = ("notebooks/*.py", f"{LABS}/*.py", "course_*/**/*.py", "book/*.md")
TAG = re.compile(r"<[^>]*>")
SENTENCE_END = re.compile(r"(?<=[.?!:]) ")
WORD = re.compile(r"[a-z_]\w{5,}")
INDEX = "searchindex.js"


def secret_lines(root: Path) -> set[str]:
    """Return the lines, squeezed, that occur in a solution under `root` and in nothing public."""
    public = "\n".join(_squeeze(text) for text in _public(root))
    lines = {
        _squeeze(part)
        for path in sorted((root / SOLUTIONS).glob("*.py"))
        for line in answers(path.read_text(encoding="utf-8"))
        for part in SENTENCE_END.split(line)
    }
    return {line for line in lines if len(line) >= SHORTEST and line not in public}


def secret_words(root: Path) -> set[str]:
    """Return the lower-case words that occur in solutions and in nothing public."""
    public = "\n".join(_public(root)).lower()
    words = {
        word
        for path in sorted((root / SOLUTIONS).glob("*.py"))
        for line in answers(path.read_text(encoding="utf-8"))
        for word in WORD.findall(line.lower())
    }
    return {word for word in words if word not in public}


def leaks(place: Path, root: Path) -> list[str]:
    """Return a finding for each file in a folder or zip that contains a part of a solution.

    Parameters
    ----------
    place
        A folder, such as that of a built site, or a zip.
    root
        The course's root folder.
    """
    lines, words = secret_lines(root), secret_words(root)
    findings = []
    for name, text in _texts(place):
        seen = _squeeze(text)
        shown = next((line for line in sorted(lines) if line in seen), None)
        if shown is None and Path(name).name == INDEX:
            terms = set(WORD.findall(text.lower()))
            shown = next(iter(sorted(words & terms)), None)
        if shown is None and f"{Path(SOLUTIONS).name}/lab" in f"{name}\n{text}":
            shown = "the name of a solution"
        if shown is not None:
            findings.append(f"{name}: {shown}")
    return findings


def _public(root: Path) -> Iterator[str]:
    for pattern in PUBLIC:
        for path in sorted(root.glob(pattern)):
            yield path.read_text(encoding="utf-8")


def _texts(place: Path) -> Iterator[tuple[str, str]]:
    if place.is_file():
        with zipfile.ZipFile(place) as archive:
            for name in archive.namelist():
                if Path(name).suffix in TEXTS:
                    yield name, archive.read(name).decode("utf-8", errors="replace")
        return
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.suffix in TEXTS:
            name = path.relative_to(place).as_posix()
            yield name, path.read_text(encoding="utf-8", errors="replace")


def _squeeze(text: str) -> str:
    """Return a text without tags, escapes, quotes and whitespace, whatever its layout."""
    plain = html.unescape(TAG.sub("", text)) if "</" in text else text
    return re.sub(r"[\s\\\"'`*]+", "", plain)
