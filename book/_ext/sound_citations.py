"""Mend the HTML of the references, which docutils 0.19 writes with one closing tag too many.

The AWS CLI, which lesson 01 uses, asks for docutils below 0.20. Its ``previous_sibling`` takes the
last child for the one before the first, so a list that is all citations is closed, not opened.
And it gives the entries of that list the role doc-biblioentry, which is out of use since ARIA in
DPUB 1.1, and which no list may hold.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def previous_sibling(node: nodes.Node) -> nodes.Node | None:
    """Return the node before this one, None for the first."""
    place = node.parent.index(node) if node.parent else 0
    return node.parent[place - 1] if place else None


def listed(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    """Make the entries of a list of citations items of that list."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, Any]:
    """Put the right one in place before any page is written."""
    nodes.Node.previous_sibling = previous_sibling
    app.connect("html-page-context", listed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
