"""What is in a piece of Markdown, HTML included: headings, links, anchors, directives."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt

HTML_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1>", re.DOTALL | re.IGNORECASE)
HTML_LINK = re.compile(r"<(?:img|a)\b[^>]*?\b(?:src|href)\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
HTML_ANCHOR = re.compile(r"<\w+\b[^>]*?\b(?:id|name)\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
MARKDOWN = MarkdownIt("commonmark").enable("table")


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
    """Yield where the links and images of a piece of Markdown lead, HTML ones included."""
    for block in MARKDOWN.parse(source):
        for token in (block, *(block.children or ())):
            if token.type in ("link_open", "image"):
                yield str(token.attrGet("href") or token.attrGet("src") or "")
            elif token.type.startswith("html_"):
                yield from map(html.unescape, HTML_LINK.findall(token.content))


def anchors(sources: Iterable[str]) -> set[str]:
    """Return what may follow the ``#`` in a link to a page made of these pieces of Markdown.

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
    """Return how each MyST directive in a piece of Markdown begins."""
    found = []
    for token in MARKDOWN.parse(source):
        if token.type == "fence":
            found += [token.info] if token.info.startswith("{") else []
        elif token.type in ("inline", "html_block"):
            found += re.findall(r"(?m)^\s*(:::+\s*\{.*)", token.content)
    return found
