"""Ask whether the external links of the course still lead somewhere.

python -m tools.site.links           in all Markdown and notebooks that git tracks, the bibliography
                                and CITATION.cff
python -m tools.site.links FILE …    in these

One line a link that is broken, has moved, or answers too unclearly to say; the exit status is 1 if
any is broken. A workflow runs it every week; `make test` does not, since other people's servers
should not decide whether a change is good.

Limits: a page that is there and says "not found" counts as found, and what follows a # is not
looked for. Of a DOI only doi.org is asked, as publishers turn programs away. Addresses of this
course are left out: the notebook checks see to them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from tools import ROOT
from tools.notebooks.markdown import MARKDOWN, links
from tools.notebooks.setup_cell import UserError, read_repository
from tools.upkeep.checkout import CheckoutError, git

PATTERNS = ("*.md", "*.ipynb", "*.bib", "CITATION.cff")
NOBODYS = re.compile(r"127\.0\.0\.1|localhost|.*\.example|(.*\.)?example\.(org|com|net)")
DOI = re.compile(r"(?im)^\s*doi\s*[=:]\s*[{\"']?(10\.[^\s}\"',]+)")
URL = re.compile(r"(?im)^\s*url\s*[=:]\s*[{\"']?(https?://[^\s}\"',]+)")
HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; a course's weekly link check)"}
UNCLEAR = {401, 403, 405, 406, 408, 425, 429}  # it may well be there for a person with a browser
HOSTS = 8  # asked at a time
TRIES = 3


class Answer(NamedTuple):
    """What became of a link: fine, moved, unclear or broken; and why."""

    link: str
    verdict: str
    why: str


def links_of(path: Path) -> set[str]:
    """Return the external links in a Markdown file, a notebook, a bibliography or CITATION.cff."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        found = {link for cell in cells for link in _in_markdown("".join(cell["source"]))}
    elif path.suffix == ".md":
        found = set(_in_markdown(text))
    else:
        found = {f"https://doi.org/{doi}" for doi in DOI.findall(text)} | {*URL.findall(text)}
    return {link.partition("#")[0] for link in found if _is_external(link)}


def _in_markdown(source: str) -> Iterator[str]:
    """Yield the links of Markdown, those inside of MyST directives included."""
    yield from links(source)
    for token in MARKDOWN.parse(source):
        if token.type == "fence" and token.info.startswith("{"):
            yield from _in_markdown(token.content)


def _is_external(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return True  # so that it is found broken
    return parts.scheme in ("http", "https") and not NOBODYS.fullmatch(parts.hostname or "")


def ask(link: str, *, pause: float = 2.0, timeout: float = 20.0) -> Answer:
    """Ask for one link, again after a pause where that may help.

    Parameters
    ----------
    link : str
        The address.
    pause : float
        Seconds before a second try; twice as many before a third.
    timeout : float
        Seconds in which a server should begin to answer.
    """
    answer = Answer(link, "unclear", "it was not asked")
    for attempt in range(TRIES):
        time.sleep(pause * attempt)
        answer = _ask_once(link, timeout)
        if answer.verdict in ("fine", "moved") or answer.why in ("404", "410"):
            break
    return answer


def _ask_once(link: str, timeout: float) -> Answer:
    is_doi = urlsplit(link).hostname == "doi.org"
    try:
        # stream: the page itself is not fetched
        with requests.get(
            link, headers=HEADERS, timeout=timeout, stream=True, allow_redirects=not is_doi
        ) as response:
            status, end = response.status_code, response.url
            for_ever = [r for r in response.history if r.status_code in (301, 308)]
    except requests.exceptions.SSLError:
        return Answer(link, "broken", "its TLS certificate is not valid")
    except requests.Timeout:
        return Answer(link, "unclear", f"no answer in {timeout:g} s")
    except requests.RequestException as error:
        return Answer(link, "broken", type(error).__name__)
    if status in UNCLEAR or status >= 500:
        return Answer(link, "unclear", str(status))
    if status >= 400:
        return Answer(link, "broken", str(status))
    if for_ever and end.rstrip("/") != link.rstrip("/"):
        return Answer(link, "moved", f"to {end}")
    return Answer(link, "fine", str(status))


def ask_all(found: Iterable[str], *, pause: float = 2.0) -> list[Answer]:
    """Ask for all links, several servers at a time and each of them one link after the other."""
    hosts: dict[str, list[str]] = {}
    for link in sorted(found):
        hosts.setdefault(link.split("/")[2], []).append(link)

    def ask_host(its_links: list[str]) -> list[Answer]:
        answers = []
        for n, link in enumerate(its_links):
            time.sleep(pause / 2 if n else 0)
            answers.append(ask(link, pause=pause))
        return answers

    with ThreadPoolExecutor(HOSTS) as pool:
        return [answer for answers in pool.map(ask_host, hosts.values()) for answer in answers]


def where(root: Path, names: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return each external link and the files it is in, those of the course itself left out.

    Parameters
    ----------
    root : Path
        The course's root folder.
    names : sequence of str
        The files to look in, from there; all that git tracks when left out.
    """
    own = re.compile(rf"(?i){re.escape(read_repository(root).slug)}(?![\w-])")
    names = names or git(root, "ls-files", "-z", "--", *PATTERNS).split("\0")
    found: dict[str, list[str]] = {}
    for name in filter(None, names):
        for link in links_of(root / name):
            if not own.search(link):
                found.setdefault(link, []).append(name)
    return found


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, *, pause: float = 2.0) -> int:
    """Print what is not fine; return 1 if anything is broken, else 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help="look in these files only")
    names = parser.parse_args(arguments).files
    try:
        places = where(root, names)
    except (UserError, CheckoutError) as error:
        print(error, file=sys.stderr)
        return 1
    answers = ask_all(places, pause=pause)
    for link, verdict, why in sorted(answers, key=lambda answer: answer.verdict):
        if verdict != "fine":
            print(f"{verdict:8} {link} ({why}) in {', '.join(sorted(places[link]))}")
    broken = sum(answer.verdict == "broken" for answer in answers)
    print(f"{len(answers)} links, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
