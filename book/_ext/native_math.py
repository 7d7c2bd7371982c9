"""Write formulas as MathML, which browsers draw themselves and screen readers read.

MathJax would send 350 kB of script and fonts to every page with a formula, and draw it late. A
formula that cannot be converted is a warning, and so ends the build.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
CONVERTER = LatexToMathML(annotation=True, fancy_error=False)  # a copied formula is TeX again


def as_mathml(tex: str, node: nodes.Node, display: bool) -> str:
    """Return a formula as MathML, or as it was written when that fails."""
    try:
        return str(CONVERTER.convert_with_local_state(tex, displaystyle=display))
    except LatexError as error:
        logger.warning("a formula is not MathML: %s in %r", error, tex, location=node)
        return ""


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write a formula that stands in a sentence."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(f"{as_mathml(node.astext(), node, display=False)}</span>")
    raise nodes.SkipNode


def visit_display(self: Any, node: nodes.math_block) -> None:
    """Write a formula that stands alone, with its number where it has one."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(f"{as_mathml(node.astext(), node, display=True)}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Offer the renderer; the configuration chooses it by ``html_math_renderer: mathml``."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
