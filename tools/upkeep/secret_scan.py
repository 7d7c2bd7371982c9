"""Look for credentials in every file of the repository, including notebook outputs.

    python -m tools.upkeep.secret_scan [FILE …]

Without files, every file is scanned that git tracks or would add. Each finding is one line: the
place, the kind, and the value masked. The exit status is 1 if there is any finding.

**Patterns.** The groups of each pattern in `PATTERNS` are the secret part. A finding shows only
what stands before it in the match (a prefix such as ``hf_``, a name such as ``password =``).

**Made-up values.** Lessons need values that look like credentials and are not. One passes only
if the value itself says so (`MADE_UP`): it contains "not-a-real", "made-up", "example" (as the keys
in AWS's documentation do) or "your-", or it is a placeholder: ``<…>``, ``{name}``, ``$NAME``,
``…``, ``***``, ``xxxxxx``. A comment beside the value excuses nothing, and no file is left out.

Own code rather than detect-secrets 1.5.0: that names no cell of a notebook, joins no split string,
and excuses findings in a baseline file, whereas here the value itself must say that it is made up.

Limits: the working tree is scanned, not git's history; every file is read as text. A secret is
recognized by its shape or by the name before it, so a random password in a variable called ``x`` is
missed, and so is an encrypted or compressed one.
"""

from __future__ import annotations

import argparse
import base64
import html
import re
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ROOT

ADVICE = "revoke it, take it out, read it from the environment"
COLOR = re.compile(r"\x1b\[[0-9;]*m")

# The name of a secret in code, configuration or a table; the separator between name and value; and
# the value, quoted, or unquoted and too long for a word.
NAME = (
    r"(?i:(?:secret|secret[_ -]?(?:access[_ -]?)?key|client[_-]?secret|passw(?:or)?d|passphrase"
    r"|api[_-]?key|(?:session|security|access|auth|refresh|api|bearer)[_-]?token))"
)
BETWEEN = r"[\"'\]`]*(?:\s*:\s*\w[\w. |]*(?==))?\s*(?:[:=|]|=>)\s*"
VALUE = r"(?:[\"'](?P<secret>[^\"'\s]{10,})[\"']|(?P<bare>[A-Za-z0-9/+_.~-]{32,}={0,2}))"
# As in setenv("PASSWORD", "…"). A list of names looks the same, so the value must contain a digit
# and must not look like SUCH_NAME2.
NEXT = (
    r"[\"'],\s*[\"'](?P<next>(?![A-Za-z]+(?:_[A-Za-z\d]+)+[\"'])"
    r"(?=[^\"'\s]*\d)(?=[^\"'\s]*[A-Za-z])[^\"'\s]{12,})[\"']"
)

# A pattern is tried only if the lower-case text contains one of the kind's words.
WORDS = {
    "an AWS access key id": ("akia", "asia", "aroa", "aida", "abia", "acca"),
    "an AWS session token": ("iqojb3jpz2lu", "zxivyxdz"),
    "a presigned URL": ("x-amz-", "awsaccesskeyid", "signature", "temp_url_sig", "sig"),
    "a private key": ("private key", "putty-user-key"),
    "a Hugging Face token": ("hf_", "api_org_"),
    "a GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "a GitLab or PyPI token": ("glpat-", "pypi-"),
    "an OpenAI or Anthropic key": ("sk-",),
    "a Slack token": ("xox", "hooks.slack.com"),
    "a Google key": ("aiza", "ya29.", "gocspx-"),
    "a Stripe, Databricks or SendGrid key": ("k_live_", "k_test_", "whsec_", "dapi", "sg."),
    "an Azure or Kaggle key": ("key", "kgat_"),
    "a JSON web token": (".eyj",),
    "a password in a URL": ("://",),
    "a .netrc entry": ("machine",),
    "an authorization header": ("authorization",),
    "a secret": ("secret", "passw", "passphrase", "key", "token"),
    "a secret in a table": ("secret", "token"),
}
PATTERNS: dict[str, re.Pattern[str]] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "an AWS access key id": (
            r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)(?P<secret>[A-Z0-9]{16})"
            r"(?![A-Za-z0-9])"
        ),
        "an AWS session token": (
            r"(?<![A-Za-z0-9])(?:IQoJb3JpZ2lu|F[wQ]o[GD]ZXIvYXdz)(?P<secret>[A-Za-z0-9/+%]{50,})"
        ),
        "a presigned URL": (
            r"(?i:\bX-Amz-(?:Signature|Credential|Security-Token)|[?&;](?:AWSAccessKeyId"
            r"|Signature|temp_url_sig|sig))(?:=|%3D)(?P<secret>[\w%/+.~-]{8,})"
        ),
        "a private key": r"-{5}BEGIN [A-Z0-9 ]*PRIVATE KEY(?P<secret>)|PuTTY-User-Key-File-\d: ",
        "a Hugging Face token": r"\b(?:hf_|api_org_)(?P<secret>[A-Za-z0-9]{20,})",
        "a GitHub token": (
            r"\b(?:gh[pousr]_(?P<secret>[A-Za-z0-9]{30,})|github_pat_(?P<bare>\w{20,}))"
        ),
        "a GitLab or PyPI token": r"\b(?:glpat-|pypi-AgEI)(?P<secret>[\w-]{20,})",
        "an OpenAI or Anthropic key": (
            r"\bsk-(?=[\w-]*\d)(?=[\w-]*[A-Z])(?P<secret>[A-Za-z0-9_-]{20,})"
        ),
        "a Slack token": (
            r"\bxox[abeoprs]-(?P<secret>[A-Za-z0-9-]{10,})"
            r"|hooks\.slack\.com/services/(?P<bare>T\w+/B\w+/\w{16,})"
        ),
        "a Google key": (r"\b(?:AIza(?P<secret>[\w-]{35})|(?:ya29\.|GOCSPX-)(?P<bare>[\w-]{20,}))"),
        "a Stripe, Databricks or SendGrid key": (
            r"\b(?:[rs]k_(?:live|test)_|whsec_)(?P<secret>[A-Za-z0-9+/]{16,})"
            r"|\bdapi(?P<bare>[0-9a-f]{32})|\bSG\.(?P<next>[\w-]{16,}\.[\w-]{16,})"
        ),
        # Kaggle's file holds {"username": …, "key": …}.
        "an Azure or Kaggle key": (
            f"(?i:(?:account|storage|shared_?access)_?key){BETWEEN}[\"']?(?P<secret>[\\w+/]{{40,}}=)"
            f"|(?i:\\b(?:kaggle_)?key){BETWEEN}[\"']?(?P<bare>[0-9a-f]{{32}})(?!\\w)"
            r"|\bKGAT_(?P<next>\w{20,})"
        ),
        "a JSON web token": r"\beyJ(?P<secret>[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})",
        "a password in a URL": (
            r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>{}]*:(?P<secret>[^\s/:@\"'<>]{3,})@[\w\[]"
        ),
        "a .netrc entry": (r"\bmachine\s+[\w.-]+\s+login\s+\S+\s+password\s+(?P<secret>[^\s\"']+)"),
        "an authorization header": (
            r"(?i:authorization[\"']?\s*[:=,]\s*[\"']?(?:bearer|basic|token))\s+"
            r"(?P<secret>[\w.~+/-]{16,}=*)"
        ),
        "a secret": f"{NAME}(?:{BETWEEN}{VALUE}|{NEXT})",
        # As pandas prints a table of credentials: only blanks between name and value.
        "a secret in a table": (
            r"(?i:secret|token)\w*\s+(?P<secret>(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)"
            r"[A-Za-z0-9/+]{40,}={0,2})(?![\w/+])"
        ),
    }.items()
}

MADE_UP = re.compile(
    r"(?i)not[-_]an?[-_]real|made[-_]up|example|your[-_]|x{6,}"
    r"|\*{3,}|\.{3}|…|<[^<>]+>|\{[^{}]*\}|^\$[\w({]+|^%\(?\w*\)?s$"
)

# String concatenation and line continuation: "AKIA" "…", "AKIA" + "…", backslash at the line end.
SPLIT = re.compile(r"[\"'][\s+\\]*[rbfuRBFU]{0,2}[\"']|\\\r?\n[ \t]*")
TAG = re.compile(r"<[^<>]*>")
# In a data: URL, and as a notebook keeps outputs and attachments: alone, or after its MIME type.
BASE64 = re.compile(r"(?:;base64,|\A(?:[\w.+-]+/[\w.+-]+: ')?)([A-Za-z0-9+/\s]{16,}={0,2})")


@dataclass(frozen=True)
class Secret:
    """A finding: the kind of credential, its line number (from 1), and a masked excerpt."""

    kind: str
    line: int
    excerpt: str


def secrets_in(text: str) -> list[Secret]:
    """Return the credentials found in a text, ordered by line, one per line and kind.

    The text is searched as it is, with split strings joined, without its HTML tags, and with its
    base64 decoded.
    """
    found = {(secret.line, secret.kind): secret for secret in _readings(text)}
    # A finding by the value's own shape takes precedence over one by the name before it.
    shaped = {line for line, kind in found if not kind.startswith("a secret")}
    return sorted(
        (s for s in found.values() if s.line not in shaped or not s.kind.startswith("a secret")),
        key=lambda secret: secret.line,
    )


def _readings(text: str) -> Iterator[Secret]:
    yield from _matches(text)
    if SPLIT.search(text):
        yield from _matches_after(SPLIT, "", text)
    if TAG.search(text):
        yield from _matches_after(TAG, " ", html.unescape(text))
    for packed in BASE64.finditer(text):
        letters = "".join(packed[1].split())
        inside = _decoded(base64.b64decode(letters[: len(letters) // 4 * 4]))
        line = text.count("\n", 0, packed.start()) + 1
        yield from (Secret(secret.kind, line, secret.excerpt) for secret in secrets_in(inside))


def _decoded(content: bytes) -> str:
    """Return bytes as text; without zeros, UTF-16 reads as UTF-8 where it is ASCII."""
    return content.replace(b"\0", b"").decode("utf-8", errors="replace")


def _matches_after(cut: re.Pattern[str], instead: str, text: str) -> Iterator[Secret]:
    """Yield the secrets of a text with matches of ``cut`` replaced, on their original lines."""
    kept, starts, lines, end, length = [], [0], [1], 0, 0
    for match in cut.finditer(text):
        kept += [text[end : match.start()], instead]
        length += match.start() - end + len(instead)
        end = match.end()
        # The line number in the old text is that in the new one plus the newlines cut before it.
        starts.append(length)
        lines.append(lines[-1] + match[0].count("\n"))
    joined = "".join([*kept, text[end:]])
    for secret, start in _found(joined):
        cut_lines = lines[bisect_right(starts, start) - 1] - 1
        yield Secret(secret.kind, secret.line + cut_lines, secret.excerpt)


def _matches(text: str) -> Iterator[Secret]:
    return (secret for secret, _ in _found(text))


def _found(text: str) -> Iterator[tuple[Secret, int]]:
    lower = text.lower()
    for kind, pattern in PATTERNS.items():
        if not any(word in lower for word in WORDS[kind]):
            continue
        for match in pattern.finditer(text):
            # Every group is named for the secret part; exactly one took part in the match.
            value, start = next(
                ((value, match.start(name)) for name, value in match.groupdict().items() if value),
                ("", match.end()),
            )
            if value and MADE_UP.search(value):
                continue
            shown = " ".join(text[match.start() : start].split())[-60:]
            line = text.count("\n", 0, match.start()) + 1
            yield Secret(kind, line, f"{shown}{'*' * 8}"), match.start()


def scan_file(path: Path, name: str) -> list[str]:
    """Return one line per credential in a file: the place, the kind and the masked excerpt."""
    text = _decoded(path.read_bytes())
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
        If ``root`` is not a git checkout.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if listing.returncode:
        raise ValueError(f"{root} is no git checkout; name the files to look at instead")
    names = sorted(set(listing.stdout.decode("utf-8", errors="surrogateescape").split("\0")))
    return [name for name in names if name and (root / name).is_file()]


def cell_texts(cell: Any) -> Iterator[tuple[str, str]]:
    """Yield all texts of a notebook cell, each with the name of its place, "source" for example.

    The texts of an output are its stream, every representation of its data (including HTML and
    base64), its metadata and its error. ANSI colors are removed.
    """
    yield "source", _text(cell.get("source", ""))
    for place, value in (("metadata", cell.get("metadata")), ("file", cell.get("attachments"))):
        yield from ((place, text) for text in _strings(value))
    for output in cell.get("outputs", []):
        yield from (("output", COLOR.sub("", text)) for text in _strings(output))


def _notebook_texts(text: str) -> list[tuple[str, str]] | None:
    """Return the texts of a notebook with their places, or None if it is not a valid notebook."""
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
    """Yield the strings in a JSON value; lists of lines are joined, keys go with their text."""
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
