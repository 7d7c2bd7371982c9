"""Take a picture out of an executed notebook: the figure, table or text that one cell showed.

A picture is of what a notebook printed, so it cannot disagree with it; a cell that is gone, or
shows nothing of the kind, stops the build.
"""

from __future__ import annotations

import base64
import html
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from tools.notebooks.kernel import read_notebook
from tools.notebooks.setup_cell import UserError

WIDTH = 660  # twice what a card is wide
MOST_BYTES = 30_000
MARK = re.compile(
    r'<path d="([^"]+)" transform="translate\(([^,]+),([^)]+)\)" fill="([^"]+)"([^>]*?)/>'
)
# What makes a map of films answer the pointer; its picture does not.
HANDLERS = re.compile(r' (?:on|data-)[a-z]+="[^"]*"')


class Picture(NamedTuple):
    """What a cell showed: bytes to keep in a file, or HTML to stand on the page."""

    alt: str
    kind: str  # png, svg or html
    content: bytes
    width: int = 0
    height: int = 0


def picture(notebook: Path, source: str, rows: int = 4) -> Picture:
    """Return the picture of the one cell of a notebook that holds `source`.

    Parameters
    ----------
    notebook : Path
        An executed notebook.
    source : str
        A piece of the code of one cell, and of no other.
    rows : int, optional
        How many rows of a table are taken.

    Raises
    ------
    UserError
        If no cell holds that code, several do, or what it showed is no picture or one too heavy.
    """
    shown = _shown(cell_with(notebook, source), rows)
    if shown is None:
        raise UserError(f"{notebook.name}: the cell with {source!r} shows nothing to take.")
    if len(shown.content) > MOST_BYTES:
        raise UserError(
            f"{notebook.name}: the picture of {source!r} has {len(shown.content)} bytes, "
            f"and the welcome page carries {MOST_BYTES} at most."
        )
    return shown


def cell_with(notebook: Path, source: str) -> Any:
    """Return the one code cell of a notebook that holds a piece of code.

    Raises
    ------
    UserError
        If there is none, or several.
    """
    cells = [cell for cell in read_notebook(notebook).cells if cell.cell_type == "code"]
    found = [cell for cell in cells if source in cell.source]
    if len(found) != 1:
        raise UserError(
            f"{notebook.name}: {len(found)} cells hold {source!r}, and the welcome page wants the "
            "picture of one; name another in tools/site/lesson_cards.py."
        )
    return found[0]


def _shown(cell: Any, rows: int) -> Picture | None:
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            return _small(base64.b64decode(data["image/png"]), alt)
        page = data.get("text/html", "")
        if page.startswith("<svg"):
            return _drawing(page)
        if "<table" in page:
            return Picture("", "html", _table(page, rows).encode())
        if page.startswith("<div style="):  # a card of a check
            return Picture("", "html", page.encode())
        if output.output_type == "stream":
            return Picture("", "html", f"<pre>{html.escape(output.text.strip())}</pre>".encode())
    return None


def _small(png: bytes, alt: str) -> Picture:
    """Return a figure no wider than a card needs, in as many colors as it needs."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    width, height = image.size
    file = io.BytesIO()
    image.quantize(48, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return Picture(alt, "png", file.getvalue(), width, height)


def _drawing(svg: str) -> Picture:
    """Return a map of films that does not answer the pointer, each kind of mark written once."""
    name = re.search(r'aria-label="([^"]*)"', svg)
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    if name is None or box is None:
        raise UserError("A drawing needs an aria-label, and a viewBox from 0 0.")
    kinds: dict[tuple[str, str, str], str] = {}

    def use(mark: re.Match[str]) -> str:
        shape, x, y, color, rest = mark.groups()
        kind = kinds.setdefault((shape, color, rest), f"m{len(kinds)}")
        return f'<use href="#{kind}" x="{x}" y="{y}"/>'

    svg = MARK.sub(use, HANDLERS.sub("", svg))
    marks = "".join(
        f'<path id="{kind}" d="{shape}" fill="{color}"{rest}/>'
        for (shape, color, rest), kind in kinds.items()
    )
    svg = svg.replace("<rect", f"<defs>{marks}</defs><rect", 1)
    return Picture(html.unescape(name[1]), "svg", svg.encode(), int(box[1]), int(box[2]))


def _table(page: str, rows: int) -> str:
    """Return the first rows of a table of pandas, without its style and its index."""
    table = page[page.index("<table") : page.index("</table>")]
    head, _, body = table.partition("<tbody>")
    lines = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.S) for line in body.split("<tr>")]
    names = re.findall(r"<th[^>]*>(.*?)</th>", head, re.S)[1:]
    shown = [names, *[cells[1:] for cells in lines if cells][:rows]]
    cells = [
        "".join(f"<{tag}>{cell}</{tag}>" for cell in line)
        for tag, line in zip(["th", *["td"] * rows], shown, strict=False)
    ]
    return f"<table><tr>{'</tr><tr>'.join(cells)}</tr></table>"
