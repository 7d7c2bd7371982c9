"""Link the first use of each glossary term on every lesson and lab to its definition.

Only prose is searched: no headings, code, formulas, links, tables, or outputs of cells. Terms that
the course also uses in an everyday sense are linked only on pages where they are meant technically.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

PAGES = "notebooks/*"
# These terms are meant technically on the given pages, and as everyday words on others.
ONLY_ON: dict[str, tuple[str, ...]] = {
    "bias": ("notebooks/08*", "*/lab04*"),
    "confidence": ("notebooks/05*",),
    "epoch": ("notebooks/08*", "*/lab04*"),
    "index": ("notebooks/12*",),
    "key": ("notebooks/01*", "*/lab01*"),
    "preference": ("notebooks/05*",),
    "shuffle": ("notebooks/12*",),
    "token": ("notebooks/09*", "notebooks/10*", "*/lab03*"),
}
# Phrases in which a term means something else.
NOT_IN = ("type a key",)
SKIPPED = (
    nodes.title, nodes.rubric, nodes.reference, nodes.pending, nodes.literal, nodes.literal_block,
    nodes.math, nodes.math_block, nodes.raw, nodes.table, nodes.caption, nodes.Invisible,
    addnodes.pending_xref, nodes.footnote_reference, nodes.citation_reference, nodes.image,
)  # fmt: skip


def pattern(term: str) -> str:
    """Return a regular expression for a term, with its plural and with numbers for its k.

    Examples
    --------
    >>> bool(re.fullmatch(pattern("recall@k"), "Recall@10")), pattern("density")
    (True, '(?i:densit(?:y|ies))')
    >>> bool(re.fullmatch(pattern("EASE"), "ease")), pattern("positives")
    (False, '(?i:positives)')
    """
    base, at, _ = term.removesuffix(" k").partition("@")
    escaped = re.escape(base).replace("–", "[-–]")
    acronym = len(re.findall(r"[A-Z]", base)) > 1
    if at:
        # "Recall" alone is an everyday word; "NDCG" and "hit rate" are not.
        escaped += r"@(?:k|\d+)" if base.isalpha() and not acronym else r"(?:@(?:k|\d+))?"
    elif re.search("[^aeiou]y$", base):
        escaped = escaped[:-1] + "(?:y|ies)"
    elif escaped.endswith("ix"):
        escaped = escaped[:-2] + "(?:ix|ices)"
    elif escaped[-1] in "sxh":
        escaped += "" if term.endswith("s") and not term.endswith("as") else "(?:es)?"
    else:
        escaped += "s?"
    return f"(?:{escaped})" if acronym else f"(?i:{escaped})"


class Words:
    """The terms of a glossary, found in text."""

    def __init__(self, terms: Iterable[str], not_in: Iterable[str] = NOT_IN) -> None:
        longest_first = sorted(terms, key=len, reverse=True)
        self.terms = dict(enumerate(longest_first))
        other = "|".join([*not_in, r"(?!)"])
        known = "|".join(f"(?P<t{n}>{pattern(term)})" for n, term in self.terms.items())
        self.found = re.compile(rf"(?<![\w@-])(?:(?i:{other})|{known})(?![\w@]|-\w)")

    def first(self, text: str, wanted: set[str]) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and term of the first use of each term in `wanted`; remove it there."""
        for match in self.found.finditer(text):
            term = self.terms[int(match.lastgroup[1:])] if match.lastgroup else ""
            if term in wanted:
                wanted.remove(term)
                yield match.start(), match.end(), term


def prose(node: nodes.Node) -> Iterator[nodes.Text]:
    """Yield the text nodes of a page that are prose."""
    if isinstance(node, nodes.Text):
        yield node
    elif not isinstance(node, SKIPPED) and "cell" not in getattr(node, "attributes", {}).get(
        "classes", []
    ):
        for child in list(node.children):
            yield from prose(child)


def link_page(page: nodes.Node, words: Words, wanted: set[str], make_link: Any) -> None:
    """Put links into the text of a page.

    Parameters
    ----------
    page
        The page; it is modified.
    words, wanted
        The glossary, and the terms that may be linked on this page.
    make_link
        Function of a term and the text used for it; returns the link.
    """
    for text in list(prose(page)):
        plain, pieces, done = text.astext(), [], 0
        for start, end, term in words.first(plain, wanted):
            pieces += [nodes.Text(plain[done:start]), make_link(term, plain[start:end])]
            done = end
        if pieces:
            text.parent.replace(
                text, [p for p in [*pieces, nodes.Text(plain[done:])] if p.astext()]
            )


def link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link the terms of a page, or of each page within a single-page book."""
    entries = {
        name: place
        for (kind, name), place in app.env.get_domain("std").objects.items()
        if kind == "term"
    }
    words = Words(entries)
    parts = list(doctree.findall(addnodes.start_of_file))
    for part, name in [(p, p["docname"]) for p in parts] or [(doctree, page)]:

        def link(term: str, shown: str) -> nodes.reference:
            to, label = entries[term]
            inner = nodes.inline(shown, shown, classes=["glossary-link"])
            return make_refnode(app.builder, page, to, label, inner)

        if fnmatch(name, PAGES):
            allowed = {
                t for t in entries if any(fnmatch(name, p) for p in ONLY_ON.get(t, (PAGES,)))
            }
            link_page(part, words, allowed, link)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the point where everything else on a page is resolved."""
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
