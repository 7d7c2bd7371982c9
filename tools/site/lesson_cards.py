"""Make the cards of the welcome page: for each lesson a picture from its notebook.

`make book` calls it. A picture is the figure, table or text that one cell of the executed notebook
showed, so it cannot disagree with the lesson. The build stops if that cell is gone or shows nothing
of the kind.
"""

from __future__ import annotations

import base64
import html
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from course_utils.errors import CourseError
from tools import ROOT
from tools.notebooks.kernel import read_notebook
from tools.site import syllabus
from tools.site.syllabus import Lesson, minutes, said

GENERATED = Path("book", "_generated")
PICTURES = "pictures"  # within the folder of generated static files
WIDTH = 660  # twice what a card is wide
MOST_BYTES = 30_000
MARK = re.compile(
    r'<path d="([^"]+)" transform="translate\(([^,]+),([^)]+)\)" fill="([^"]+)"([^>]*?)/>'
)
# Handlers and data that make a map of films interactive; the picture is static.
HANDLERS = re.compile(r' (?:on|data-)[a-z]+="[^"]*"')


class Choice(NamedTuple):
    """What a card shows: the cell with this piece of code, and what is built in the lesson.

    `shows` describes a table or text; a figure has alt text of its own.
    """

    source: str
    builds: str
    shows: str = ""


CHOICES = {
    "01": Choice(
        "plots.bytes_moved(", "Put a data set into a bucket, and read it back for fewer bytes."
    ),
    "02": Choice("plots.long_tail(", "Load any MovieLens, check it, and see the shapes it has."),
    "03": Choice("plots.csr_anatomy(", "Turn stars into a sparse matrix and an honest test set."),
    "04": Choice(
        "plots.because_you_watched(", "Recommend from neighbors, and say because of which films."
    ),
    "05": Choice("plots.film_map(", "Factor a matrix, and let films of a kind find each other."),
    "06": Choice(
        "plots.models_with_intervals(", "Measure what a list is worth, and know when to believe it."
    ),
    "07": Choice("plots.how_far_off(", "Find mistakes that raise no error, by asking checks."),
    "08": Choice("plots.learning_curves(", "Train a model in PyTorch, and stop where it is best."),
    "09": Choice(
        'search("submarine thriller"',
        "Turn words into vectors, and ask a catalogue in plain language.",
        "Films found for the words “submarine thriller”",
    ),
    "10": Choice(
        "plots.gain_by_history(", "Recommend to newcomers, and films that nobody has rated."
    ),
    "11": Choice(
        'json={"liked": liked, "n": 3}',
        "Put a model behind an address, let a gate decide what follows, and roll back.",
        "What the service answers to an unknown user and to three films that a new one likes",
    ),
    "12": Choice(
        "plots.recall_and_latency(", "Retrieve and re-rank among very many, and see if Spark pays."
    ),
    "Labs": Choice(
        'check("lab01.q1"',
        "Labs that say at once whether an answer is right, and if not, where to look.",
        "What a lab says before you begin",
    ),
}


class Picture(NamedTuple):
    """The output of a cell: bytes for a file, or HTML for the page."""

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
        A piece of code that occurs in exactly one cell.
    rows : int, optional
        Rows of a table to keep.

    Raises
    ------
    CourseError
        If not exactly one cell contains that code, or its output is no picture or too large.
    """
    shown = _shown(cell_with(notebook, source), rows)
    if shown is None:
        raise CourseError(f"{notebook.name}: the cell with {source!r} shows nothing to take.")
    if len(shown.content) > MOST_BYTES:
        raise CourseError(
            f"{notebook.name}: the picture of {source!r} has {len(shown.content)} bytes, "
            f"and the welcome page carries {MOST_BYTES} at most."
        )
    return shown


def cell_with(notebook: Path, source: str) -> Any:
    """Return the one code cell of a notebook that contains a piece of code.

    Raises
    ------
    CourseError
        If there is not exactly one.
    """
    cells = [cell for cell in read_notebook(notebook).cells if cell.cell_type == "code"]
    found = [cell for cell in cells if source in cell.source]
    if len(found) != 1:
        raise CourseError(
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
    """Return a figure scaled to the width of a card, with 48 colors."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    width, height = image.size
    file = io.BytesIO()
    image.quantize(48, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return Picture(alt, "png", file.getvalue(), width, height)


def _drawing(svg: str) -> Picture:
    """Return a static map of films that defines each kind of mark once."""
    name = re.search(r'aria-label="([^"]*)"', svg)
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    if name is None or box is None:
        raise CourseError("A drawing needs an aria-label, and a viewBox from 0 0.")
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
    """Return the first rows of a pandas table, without style and index."""
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


def cards(root: Path = ROOT) -> tuple[str, dict[str, bytes]]:
    """Return the cards as HTML, and the pictures they show by their file names.

    Parameters
    ----------
    root
        The course's root folder.

    Raises
    ------
    CourseError
        If a notebook no longer shows what its card is to show.
    """
    files: dict[str, bytes] = {}
    items = []
    for lesson in (lesson for part in syllabus.PARTS.values() for lesson in part):
        path = root / "notebooks" / f"{lesson.notebook}.ipynb"
        if path.exists():
            choice = CHOICES[lesson.number]
            shown = picture(path, choice.source)
            if shown.kind != "html":
                files[f"{lesson.number}.{shown.kind}"] = shown.content
            items.append(_card(lesson, choice, shown, _time(lesson, path)))
    return f'<ul class="lesson-cards">{"".join(items)}</ul>\n', files


def _time(lesson: Lesson, path: Path) -> str:
    if not lesson.number.isdigit():
        return ""
    return said(*minutes(path.with_suffix(".py").read_text(encoding="utf-8")))


def _card(lesson: Lesson, choice: Choice, shown: Picture, time: str) -> str:
    """Return one card: the title is the link, and the style stretches it over the whole card."""
    if shown.kind == "html":
        seen = (
            f'<div class="lesson-output" role="img" aria-label="{html.escape(choice.shows)}">'
            f"{shown.content.decode()}</div>"
        )
    else:
        seen = (
            f'<img src="../_static/{PICTURES}/{lesson.number}.{shown.kind}" loading="lazy" '
            f'alt="{html.escape(shown.alt)}" width="{shown.width}" height="{shown.height}">'
        )
    return (
        f'<li>{seen}<p class="lesson-title"><span>{lesson.number}</span> '
        f'<a href="../notebooks/{lesson.notebook}.html">{html.escape(lesson.title)}</a></p>'
        f"<p>{html.escape(choice.builds)}{f' <em>{time}</em>' if time else ''}</p></li>"
    )


def write(root: Path = ROOT) -> None:
    """Write the cards and their pictures into the folder of generated files."""
    page, files = cards(root)
    folder = root / GENERATED / "static" / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (root / GENERATED / "lesson_cards.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
