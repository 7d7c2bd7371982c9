"""Look for credentials in every file of the repository, the outputs of notebooks included.

    python -m tools.upkeep.secret_scan [FILE …]

Without files: all that git tracks, and all that it would add. One line a finding says where, what
kind, and shows the value masked; the exit status is 1 if there is any. What counts as a credential,
and how a made-up one says that it is, stands in tools/upkeep/secret_patterns.py.

Own code rather than detect-secrets 1.5.0 (2024): that one reads a notebook as raw JSON lines, so it
can name no cell and joins no split string, knows no presigned link, and excuses findings by a
baseline file, where this course wants the value itself to say that it is made up.

Limits: the working tree is read, not git's history; a file is read as text, whatever it is.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.upkeep.secret_patterns import Secret, secrets_in

ADVICE = "revoke it, take it out, read it from the environment"
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def scan_file(path: Path, name: str) -> list[str]:
    """Return one line for each credential in a file: where, what kind, and its masked excerpt."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    places = _notebook_texts(text) if path.suffix == ".ipynb" else None
    if places is None:
        return [f"{name}:{found.line}: {_say(found)}" for found in secrets_in(text)]
    return [
        f"{name}: {place}, line {found.line}: {_say(found)}"
        for place, part in places
        for found in secrets_in(part)
    ]


def repository_files(root: Path) -> list[str]:
    """Return the names of all files that git tracks or would add.

    Raises
    ------
    ValueError
        Where ``root`` is no git checkout.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if listing.returncode:
        raise ValueError(f"{root} is no git checkout; name the files to look at instead")
    names = sorted(set(listing.stdout.decode("utf-8", errors="surrogateescape").split("\0")))
    return [name for name in names if name and (root / name).is_file()]


def cell_texts(cell: Any) -> Iterator[tuple[str, str]]:
    """Yield all texts of a notebook's cell, each with "source", "output" or another place's name.

    An output's texts are its stream, every representation of its data (HTML and base64 too), its
    metadata, and its error; colors are taken out.
    """
    yield "source", _text(cell.get("source", ""))
    for place, value in (("metadata", cell.get("metadata")), ("file", cell.get("attachments"))):
        yield from ((place, text) for text in _strings(value))
    for output in cell.get("outputs", []):
        yield from (("output", COLOR.sub("", text)) for text in _strings(output))


def _notebook_texts(text: str) -> list[tuple[str, str]] | None:
    """Return a notebook's texts with their places, or None if it is to be read as any file."""
    import json

    try:
        notebook = json.loads(text)
        cells = notebook["cells"]
        texts = [("metadata", part) for part in _strings(notebook.get("metadata"))]
        for n, cell in enumerate(cells, 1):
            texts += [(f"cell {n}, {place}", part) for place, part in cell_texts(cell)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return texts


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value; a list of lines is one text, a name goes with its text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if all(isinstance(part, str) for part in value):
            yield _text(value)
        else:
            for part in value:
                yield from _strings(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            plain = isinstance(part, str) and "\n" not in part
            yield from [f"{key}: '{part}'"] if plain else _strings(part)


def _text(source: str | Sequence[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _say(found: Secret) -> str:
    return f"what looks like {found.kind}: {found.excerpt} – {ADVICE}"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Scan the named files, or the repository; return 1 if anything was found, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help="instead of the whole repository")
    chosen = parser.parse_args(arguments).files
    try:
        names = chosen or repository_files(root)
        findings = [line for name in names for line in scan_file(root / name, name)]
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for line in findings:
        print(line)
    print(f"{len(names)} files, {len(findings) or 'no'} credentials", file=sys.stderr)
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
