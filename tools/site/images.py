"""Draw the icons of the site, and the social card that is shown when a link is shared.

The icons show the logo, the card shows the title of `_config.yml` and the map of films of lesson
05. `make book` calls it, so a course with another title or logo gets its own.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import yaml
from PIL import Image, ImageDraw, ImageFont

from course_utils.errors import CourseError
from tools import ROOT
from tools.site import syllabus
from tools.site.lesson_cards import cell_with

SVG = "{http://www.w3.org/2000/svg}"
ICONS = {"icon-32.png": 32, "icon-180.png": 180}  # for browsers without SVG; for home screens
CARD = (1200, 630)  # the size that Open Graph recommends
BACKGROUND, PALE, WHITE = "#1f4e79", "#bcd7ee", "#ffffff"
FILM = re.compile(r'fill="(#\w+)"[^>]*data-film="[^"]*" data-x="([^"]+)" data-y="([^"]+)"')


def icon(logo: str, size: int, over: int = 8) -> Image.Image:
    """Return the logo as an image of `size` by `size` pixels with transparent corners.

    Parameters
    ----------
    logo : str
        An SVG of rectangles; those in a group take its fill and stroke.
    size : int
        Pixels of a side.
    over : int, optional
        Oversampling factor, for smooth edges.

    Raises
    ------
    CourseError
        If the logo contains other shapes.
    """
    root = ElementTree.fromstring(logo)
    scale = size * over / float(root.attrib["viewBox"].split()[2])
    image = Image.new("RGBA", (size * over, size * over))
    pen = ImageDraw.Draw(image)
    for group in [root, *root.findall(f"{SVG}g")]:
        for shape in group:
            if shape.tag not in (f"{SVG}rect", f"{SVG}g"):
                raise CourseError("The icons are drawn of a logo of <rect>; this one has others.")
            if shape.tag == f"{SVG}rect":
                look = {**group.attrib, **shape.attrib}
                x, y, width, height, radius = (
                    float(look.get(name, 0)) * scale for name in ("x", "y", "width", "height", "rx")
                )
                fill, line = (look.get(name, "none") for name in ("fill", "stroke"))
                pen.rounded_rectangle(
                    (x, y, x + width, y + height),
                    radius,
                    fill=None if fill == "none" else fill,
                    outline=None if line == "none" else line,
                    width=round(float(look.get("stroke-width", 1)) * scale),
                )
    return image.resize((size, size), Image.Resampling.LANCZOS)


def social_card(title: str, below: str, drawing: str, logo: Image.Image) -> Image.Image:
    """Return the card: logo, title and a line below it, beside the films of a map.

    Parameters
    ----------
    title, below : str
        Text of the card; a long title gets a smaller font.
    drawing : str
        A map of films, as `course_utils.plots.film_map` draws it.
    logo : Image.Image
        About a tenth of the card's width.
    """
    over = 2
    card = Image.new("RGB", (CARD[0] * over, CARD[1] * over), BACKGROUND)
    pen = ImageDraw.Draw(card)
    left, top, right, bottom = 640 * over, 75 * over, 1140 * over, 555 * over
    pen.rounded_rectangle((left, top, right, bottom), 20 * over, fill=WHITE)
    for color, x, y in FILM.findall(drawing):
        across = left + (10 + float(x)) * over
        down = top + (25 + float(y)) * over
        radius = 6 * over
        pen.ellipse((across - radius, down - radius, across + radius, down + radius), fill=color)
    card = card.resize(CARD, Image.Resampling.LANCZOS)
    card.paste(logo, (48, 75), logo)  # its cells begin where the text does
    pen = ImageDraw.Draw(card)
    text, font = _fitted(title, 540, 270)
    pen.multiline_text((60, 205), text, WHITE, font, spacing=12)
    pen.text((60, 520), below, PALE, _font("DejaVuSans.ttf", 28))
    return card


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def _fitted(text: str, width: int, height: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return a text broken into lines, and the largest font in which it fits into a box."""
    for size in range(64, 15, -2):
        font = _font("DejaVuSans-Bold.ttf", size)
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and font.getlength(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        if max(map(font.getlength, lines)) <= width and len(lines) * (size + 16) <= height:
            break
    return "\n".join(lines), font


def write(root: Path = ROOT) -> None:
    """Write icons and card into the folder of generated static files."""
    folder = root / "book" / "_generated" / "static"
    folder.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    logo = (root / config["logo"]).read_text(encoding="utf-8")
    for name, size in ICONS.items():
        icon(logo, size).save(folder / name, optimize=True)
    notebook = root / "notebooks" / "05_als.ipynb"
    drawing = cell_with(notebook, "plots.film_map(").outputs[0].data["text/html"]
    lessons = [lesson for part in syllabus.PARTS.values() for lesson in part]
    labs = len([*(root / "notebooks" / "labs").glob("lab*.ipynb")])
    below = f"{sum(lesson.number.isdigit() for lesson in lessons)} lessons, {labs} labs"
    card = social_card(config["title"], below, drawing, icon(logo, 96))
    file = io.BytesIO()
    card.quantize(128, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    (folder / "social_card.png").write_bytes(file.getvalue())


if __name__ == "__main__":
    write()
