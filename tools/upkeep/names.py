"""The names of a course (address, title, class bucket), and how to replace them in a text.

_config.yml defines them. A name is replaced only where the text around it shows that it is one: an
address after ``github.com/``, for example, or a bucket after ``s3://``. So a bucket called ``data``
does not change sentences about data.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import yaml

from course_cloud.storage.addresses import need_bucket_name
from course_utils.errors import CourseError
from tools.notebooks.setup_cell import github_address, read_repository

CONFIG = "_config.yml"
# What stands before owner/name in an address: GitHub itself, its raw files, Colab and nbviewer,
# Binder, Codespaces.
BEFORE_SLUG = r"(?:github\.com/(?:repos/)?|githubusercontent\.com/|/github/|/gh/|codespaces\.new/)"
BEFORE_BUCKET = r"(?:\bBUCKET=|\"Bucket\": \"|\bs3://|\barn:aws:s3:::)"


class Names(NamedTuple):
    """The names of a course: its address on GitHub, its class bucket, its title."""

    url: str
    bucket: str
    title: str

    @property
    def owner(self) -> str:
        """The owner of the repository."""
        return self.url.split("/")[-2]

    @property
    def name(self) -> str:
        """The repository's name, without its owner."""
        return self.url.split("/")[-1]

    @property
    def site(self) -> str:
        """Where GitHub Pages serves it, without ``https://``."""
        return f"{self.owner.lower()}.github.io/{self.name}"


def read_names(root: Path) -> Names:
    """Read the names from ``_config.yml`` under `root`.

    Raises
    ------
    CourseError
        If a name is missing from the file or not valid.
    """
    url = read_repository(root).url
    config = yaml.safe_load((root / CONFIG).read_text(encoding="utf-8"))
    try:
        return validated(Names(url, str(config["class_bucket"]), str(config["title"])))
    except KeyError as missing:
        raise CourseError(f"{root / CONFIG} should name {missing.args[0]}.") from None


def validated(names: Names) -> Names:
    """Return the names with the address in its canonical form.

    Raises
    ------
    CourseError
        If the address is not GitHub's, the bucket's name breaks S3's rules, or the title is empty
        or has more than one line.
    """
    url, title = github_address(names.url), names.title.strip()
    if not url:
        raise CourseError(
            f"{names.url!r} is no repository on GitHub; write https://github.com/owner/name."
        )
    need_bucket_name(names.bucket)
    if not title or not title.isprintable():
        raise CourseError(f"The title {names.title!r} should be one line of text, and not empty.")
    return Names(url, names.bucket, title)


def renamed(path: str, text: str, old: Names, new: Names) -> str:
    """Return the text of a file with the old names replaced by the new ones.

    Parameters
    ----------
    path : str
        The file's path from the root; it decides where the title is replaced.
    text : str
        The content of the file.
    old, new : Names
        The present names of the course, and the new ones.
    """
    slug = re.escape(f"{old.owner}/{old.name}")
    address = rf"({BEFORE_SLUG}){slug}(?![\w-]|\.(?!git\b)\w)"
    text = re.sub(address, rf"\g<1>{new.owner}/{new.name}", text)
    text = re.sub(rf"\b{re.escape(old.site)}(?![\w-])", new.site, text)
    bucket = rf"({BEFORE_BUCKET}){re.escape(old.bucket)}(?![\w-]|\.\w)"
    text = re.sub(bucket, rf"\g<1>{new.bucket}", text)
    if path == CONFIG:
        text = _with_value(text, "class_bucket", old.bucket, new.bucket)
    if path in (CONFIG, "CITATION.cff"):
        text = _with_value(text, "title", old.title, new.title)
    if path == "README.md":
        title = rf"(?m)\A# {re.escape(old.title)}$"
        text = re.sub(title, lambda _: f"# {new.title}", text)
    return text


def left_behind(text: str, old: Names, new: Names) -> list[int]:
    """Return the numbers of the lines that still contain an old name, in any context.

    A name that has not changed is skipped, and so is one that is part of the new name.
    """
    pairs = [(old.owner, new.owner), (old.name, new.name)]
    pairs += [(old.bucket, new.bucket), (old.title, new.title)]
    gone = [re.escape(before) for before, after in pairs if before.lower() not in after.lower()]
    if not gone:
        return []
    pattern = re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(gone)})(?![\w-])")
    return [n for n, line in enumerate(text.split("\n"), 1) if pattern.search(line)]


def _with_value(text: str, key: str, old: str, new: str) -> str:
    """Return YAML with `old` replaced by `new` in the value of a top-level key."""

    def replaced(line: re.Match[str]) -> str:
        value = str(yaml.safe_load(line[2])).replace(old, new)
        return line[1] + _as_yaml(value)

    return text if old == new else re.sub(rf"(?m)^({key}: +)(.+)$", replaced, text, count=1)


def _as_yaml(value: str) -> str:
    """Return a text as a YAML scalar, quoted only where YAML would read it as another value."""
    try:
        plain = yaml.safe_load(f"key: {value}") == {"key": value}
    except yaml.YAMLError:
        plain = False
    return value if plain else json.dumps(value, ensure_ascii=False)
