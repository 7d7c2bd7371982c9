"""Correct the HTML of the references, which docutils 0.19 writes with one closing tag too many.

The AWS CLI, which lesson 01 uses, requires docutils below 0.20. Its ``previous_sibling`` returns
the last child as the sibling before the first, so a list of citations only is closed, not opened.
It also gives the entries the role doc-biblioentry, which DPUB-ARIA 1.1 deprecates, and which is not
allowed in a list.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def previous_sibling(node: nodes.Node) -> nodes.Node | None:
    """Return the sibling before this node, or None for the first."""
    place = node.parent.index(node) if node.parent else 0
    return node.parent[place - 1] if place else None


def listed(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    """Replace the role of citations by that of a list item."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, Any]:
    """Replace the method of docutils before any page is written."""
    nodes.Node.previous_sibling = previous_sibling
    app.connect("html-page-context", listed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
