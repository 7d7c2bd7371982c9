"""Every link within the book leads somewhere. Needs the built book, and no browser."""

import re
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml

from tools.site.server import SITE

COLAB = "https://colab.research.google.com/github/"


class Read(NamedTuple):
    """What a page holds: where its links go, and what they may lead to."""

    links: list[str]
    anchors: list[str]


class Reader(HTMLParser):
    """Collects a page's links and anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.read = Read([], [])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to, and what it is called; a base links to nothing itself."""
        if tag == "base":
            return
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.read.links.append(value)
            elif name == "id" and value:
                self.read.anchors.append(value)


@cache
def read(path: Path) -> Read:
    """Return what a page holds; the 404 page may stand at any address and is read all the same."""
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.read


def broken(site: Path, name: str) -> list[str]:
    """Return the links of a page that lead to no file or no anchor of the site."""
    return [link for link in read(site / name).links if not leads_somewhere(site, name, link)]


def leads_somewhere(site: Path, name: str, link: str) -> bool:
    parts = urlsplit(urljoin(f"/{name}", link))
    if parts.scheme or parts.netloc:
        return True  # another host's, which `make links` asks
    path = site / unquote(parts.path).lstrip("/")
    if path.is_dir():
        path = path / "index.html"
    if not path.is_file():
        return False
    fragment = unquote(parts.fragment)
    return not fragment or path.suffix != ".html" or fragment in read(path).anchors


def test_every_link_leads_to_a_page_and_an_anchor(name: str, book: list[str]) -> None:
    assert broken(SITE, name) == []


def test_no_page_has_two_anchors_of_one_name(name: str, book: list[str]) -> None:
    anchors = read(SITE / name).anchors
    # the theme's own: its page for searches has a field, and so has the pop-up of every page
    # https://github.com/pydata/pydata-sphinx-theme/issues/254
    theirs = {"search-input"} if name == "search.html" else set()
    assert {anchor for anchor in anchors if anchors.count(anchor) > 1} == theirs


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "there.html").write_text('<p id="part">')
    (tmp_path / "sub" / "page.html").write_text(
        '<a href="../there.html#part"><a href="../there.html#other"><a href="#self"><a id="self">'
        '<a href="gone.html"><img src="../gone.png"><a href="https://one.org/#x"><a href="..#x">'
    )
    wrong = ["../there.html#other", "gone.html", "../gone.png", "..#x"]
    assert broken(tmp_path, "sub/page.html") == wrong


@pytest.fixture(scope="module")
def colab_links(book: list[str]) -> dict[str, list[str]]:
    """Return the links to Colab, a list for each page that has any."""
    found = {name: [x for x in read(SITE / name).links if x.startswith(COLAB)] for name in book}
    return {name: links for name, links in found.items() if links}


def test_every_colab_link_opens_a_notebook_of_the_branch(
    colab_links: dict[str, list[str]], repository_root: Path
) -> None:
    config = yaml.safe_load((repository_root / "_config.yml").read_text())["repository"]
    address = re.sub(r"^https://github\.com/", "", config["url"])
    start = f"{COLAB}{address}/blob/{config['branch']}/"
    listed = subprocess.run(
        ["git", "ls-files", "*.ipynb"], cwd=repository_root, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    there = {start + path for path in listed.stdout.splitlines()}
    assert {link for links in colab_links.values() for link in links} - there == set()


def test_every_notebooks_page_opens_itself_in_colab(
    colab_links: dict[str, list[str]], book: list[str]
) -> None:
    for name in (page for page in book if page.startswith("notebooks/")):
        own = name.replace(".html", ".ipynb")
        assert any(link.endswith(f"/{own}") for link in colab_links.get(name, [])), name
