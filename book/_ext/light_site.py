"""Remove what no page uses from the built site: most of the bytes of a first visit.

The theme includes the two thousand icons of Font Awesome twice, as a script of 540 kB and as fonts
of 300 kB, and uses a dozen. The script is removed; the fonts and their style sheet are reduced to
the icons in use. PNG figures are reduced to 256 colors, which is enough for lines and bars.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from PIL import Image
from small_font import keep_signs
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
AWESOME = re.compile(
    r'<link rel="preload" as="font"[^>]*fontawesome[^>]*>\s*'
    r'|<script src="[^"]*fontawesome[^"]*all\.min\.js[^"]*"></script>\s*'
)
RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"([^"]*)"\}')
FACE = re.compile(r"@font-face\{[^}]*\}")
FACES = {"fa-solid-900": "6 Free", "fa-regular-400": "6 Free", "fa-brands-400": "6 Brands"}
PRIVATE = range(0xE000, 0xF900)  # the private use area, where fonts have icons


def lighten(app: Sphinx, failure: Exception | None) -> None:
    """Reduce the site after the build."""
    if failure or app.builder.name != "html":
        return
    site = Path(app.outdir)
    pages = [page for page in site.rglob("*.html") if "_static" not in page.parts]
    without_icon_script(pages)
    for sheet in site.glob("_static/vendor/fontawesome/*/css/all.min.css"):
        keep_icons(sheet, used_icons(site, pages))
    for figure in site.glob("_images/*.png"):
        fewer_colors(figure)


def without_icon_script(pages: list[Path]) -> None:
    """Remove the icons' script and the preloading of their fonts from every page."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        lighter, found = AWESOME.subn("", text)
        if found:
            page.write_text(lighter, encoding="utf-8")
        elif "fontawesome" in text:
            logger.warning("%s: the theme loads its icons in a new way", page.name)


def used_icons(site: Path, pages: list[Path]) -> set[str]:
    """Return the names of icons on pages, as in ``fa-bars``, and characters of icons in styles."""
    named = {name for page in pages for name in re.findall(r"\bfa-[\w-]+", page.read_text("utf-8"))}
    styles = [sheet.read_text("utf-8") for sheet in site.glob("_static/**/*.css")
              if "fontawesome" not in sheet.parts]  # fmt: skip
    written = {sign for style in styles for sign in style if ord(sign) in PRIVATE}
    escaped = {code for style in styles for code in re.findall(r'"\\(f[0-9a-f]{3})"', style)}
    return named | written | {chr(int(code, 16)) for code in escaped}


def keep_icons(sheet: Path, used: set[str]) -> None:
    """Reduce the style sheet and the fonts beside it to the icons in use."""
    style = sheet.read_text(encoding="utf-8")
    kept = {sign for sign in used if len(sign) == 1}
    rules = []
    for rule in RULE.finditer(style):
        names = set(re.findall(r"\.(fa-[\w-]+):before", rule[1])) & used
        if names:
            rules.append(rule[0])
            kept.add(_sign(rule[2]))
    style = FACE.sub("", RULE.sub("", style))
    fonts = sheet.parents[1] / "webfonts"
    faces = [_face(fonts, name, family, kept) for name, family in FACES.items()]
    sheet.write_text("".join([style, *rules, *faces]), encoding="utf-8")
    for font in [*fonts.glob("*.ttf"), *fonts.glob("*.woff2")]:
        font.unlink()


def _sign(content: str) -> str:
    return chr(int(content[1:], 16)) if content.startswith("\\") else content


def _face(fonts: Path, name: str, family: str, signs: set[str]) -> str:
    """Write a font with these characters only; return the CSS rules that load it."""
    keep_signs(fonts / f"{name}.ttf", signs, fonts / f"{name}.woff", notdef_outline=True)
    weight = name.rpartition("-")[2]
    source = f'url(../webfonts/{name}.woff) format("woff")'
    families = [f"Font Awesome {family}", f"Font Awesome {family.replace('6', '5')}"]
    return "".join(
        f'@font-face{{font-display:block;font-family:"{of}";font-weight:{weight};src:{source}}}'
        for of in families
    )


def fewer_colors(figure: Path) -> None:
    """Rewrite a figure with 256 colors if that makes it smaller."""
    with Image.open(figure) as picture:
        if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
            picture = picture.convert("RGB")
        if picture.mode != "RGB":
            return
        packed = io.BytesIO()
        few = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(packed, "PNG", optimize=True)
    if packed.tell() < figure.stat().st_size:
        figure.write_bytes(packed.getvalue())


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the end of the build."""
    app.connect("build-finished", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
