"""Write formulas as MathML, which browsers render natively and screen readers read.

MathJax would add 350 kB of script and fonts to every page with a formula, and render it late. A
formula that cannot be converted is a warning, and warnings end the build.

Many machines have no font for mathematics, and without one browsers put an index beside its letter
instead of below. So the site includes a subset of STIX Two Math, which ziamath contains.
"""

from __future__ import annotations

import html
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from small_font import keep_signs
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
CONVERTER = LatexToMathML(annotation=True, fancy_error=False)  # a copied formula is TeX again

FORMULA = re.compile(r"<math.*?</math>", re.DOTALL)
NOT_SHOWN = re.compile(r"<annotation.*?</annotation>|<[^>]*>", re.DOTALL)
ROOT = re.compile(r"<m(?:sqrt|root)\b")  # the browser draws the root sign, which is in no text
# Browsers show a single letter in mathematical italic: first letter and its code point.
SLANTED = {"a": 0x1D44E, "A": 0x1D434, "α": 0x1D6FC, "Α": 0x1D6E2}


def as_mathml(tex: str, node: nodes.Node, display: bool) -> str:
    """Return a formula as MathML; an empty string, with a warning, if that fails."""
    try:
        return str(CONVERTER.convert_with_local_state(tex, displaystyle=display))
    except LatexError as error:
        logger.warning("a formula is not MathML: %s in %r", error, tex, location=node)
        return ""


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(f"{as_mathml(node.astext(), node, display=False)}</span>")
    raise nodes.SkipNode


def visit_display(self: Any, node: nodes.math_block) -> None:
    """Write a display formula, with its number if it has one."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(f"{as_mathml(node.astext(), node, display=True)}</div>\n")
    raise nodes.SkipNode


def signs_of(text: str) -> set[str]:
    """Return the characters in the formulas of a page, upright and italic."""
    found = {
        sign
        for formula in FORMULA.findall(text)
        for sign in html.unescape(NOT_SHOWN.sub("", formula))
        if not sign.isspace()
    }
    roots = {"√"} if ROOT.search(text) else set()
    return found | {slanted(sign) for sign in found} | roots


def slanted(sign: str) -> str:
    """Return a letter in mathematical italic; other characters unchanged."""
    if sign == "h":
        return "ℎ"
    for first, there in SLANTED.items():
        if 0 <= ord(sign) - ord(first) < 26:
            return chr(there + ord(sign) - ord(first))
    return sign


def bring_font(app: Sphinx, failure: Exception | None) -> None:
    """Write the font for the formulas of the site or the PDF; course.css refers to it."""
    if failure or app.builder.name not in ("html", "singlehtml"):
        return
    pages = [page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html")]
    signs = set().union(*map(signs_of, pages))
    package = find_spec("ziamath")
    if not signs or package is None or package.origin is None:
        return
    whole = Path(package.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
    target = Path(app.outdir) / "_static" / "math.woff"
    keep_signs(whole, signs, target, layout_features=["ssty", "dtls"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer that ``html_math_renderer: mathml`` selects."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.connect("build-finished", bring_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
