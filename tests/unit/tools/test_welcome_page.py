"""What the welcome page and shared links show: pictures out of notebooks, icons, a card."""

import base64
import io
import re
import shutil
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from PIL import Image

from course_utils.errors import CourseError
from tools.site import images, lesson_cards, syllabus

BLUE = (0x1F, 0x4E, 0x79)
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><rect x="4" y="4" width="88" '
    'height="88" rx="14" fill="#1f4e79"/><g fill="none" stroke="#ffffff" stroke-width="12">'
    '<rect x="30" y="30" width="36" height="36"/></g></svg>'
)
MAP = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 424" role="img" aria-label="Films '
    'of &quot;two&quot; kinds" onpointermove="film=1;"><rect width="480" height="424"/>'
    + "".join(
        f'<path d="M0,-5L5,4H-5Z" transform="translate({x},13)" fill="#c8501e" fill-opacity=".8" '
        f'data-film="Alien (1979)" data-x="{x}" data-y="13"/>'
        for x in (10, 200, 470)
    )
    + "</svg>"
)
TABLE = (
    '<div><style scoped>td {}</style><table border="1" class="dataframe"><thead><tr style="">'
    "<th></th><th>title</th><th>score</th></tr></thead><tbody>"
    + "".join(f"<tr><th>{n}</th><td>Film {n} &amp; co</td><td>0.{n}</td></tr>" for n in range(9))
    + "</tbody></table></div>"
)


def png(width=857, height=512):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def notebook(tmp_path):
    def write(*shown, source="plots.figure(x)", alt="Bars"):
        cell = nbformat.v4.new_code_cell(source, id="a")
        cell.metadata["mystnb"] = {"image": {"alt": alt}}
        cell.outputs = [
            nbformat.v4.new_output("stream", text=data)
            if isinstance(data, str)
            else nbformat.v4.new_output("display_data", data=data)
            for data in shown
        ]
        path = tmp_path / "05_als.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        return path

    return write


def test_a_figure_is_made_small_and_keeps_its_description(notebook):
    shown = lesson_cards.picture(notebook({"image/png": png()}), "plots.figure(")
    assert (shown.kind, shown.alt) == ("png", "Bars")
    image = Image.open(io.BytesIO(shown.content))
    assert image.size == (shown.width, shown.height) == (660, 394)
    assert len(shown.content) < lesson_cards.MOST_BYTES


def test_a_map_of_films_loses_what_answers_and_no_film(notebook):
    shown = lesson_cards.picture(notebook({"text/html": MAP}), "plots.figure(")
    assert (shown.alt, shown.width, shown.height) == ('Films of "two" kinds', 480, 424)
    text = shown.content.decode()
    assert not re.search("onpointer|data-|Alien", text)
    drawing = ElementTree.fromstring(text)
    marks = drawing.findall(f".//{images.SVG}use")
    assert [mark.get("x") for mark in marks] == ["10", "200", "470"]
    assert text.count("<path") == 1


def test_a_table_comes_without_its_index_and_with_its_first_rows(notebook):
    text = lesson_cards.picture(notebook({"text/html": TABLE}), "plots.figure(", rows=2).content
    rows = re.findall("<tr>(.*?)</tr>", text.decode())
    assert rows == [
        "<th>title</th><th>score</th>",
        "<td>Film 0 &amp; co</td><td>0.0</td>",
        "<td>Film 1 &amp; co</td><td>0.1</td>",
    ]


def test_printed_text_is_shown_as_text(notebook):
    shown = lesson_cards.picture(notebook("a <b>\n"), "plots.figure(")
    assert shown.content == b"<pre>a &lt;b&gt;</pre>"


@pytest.mark.parametrize(
    ("shown", "source", "says"),
    [
        ([], "plots.figure(", "shows nothing to take"),
        (["text"], "plots.other(", "0 cells hold"),
        (["x" * 40_000], "plots.figure(", "carries 30000 at most"),
        ([{"text/html": "<svg></svg>"}], "plots.figure(", "needs an aria-label"),
    ],
)
def test_what_is_no_picture_is_said_in_a_sentence(notebook, shown, source, says):
    with pytest.raises(CourseError, match=says):
        lesson_cards.picture(notebook(*shown), source)


def test_every_lesson_has_a_card_with_a_picture_that_is_described(repository_root):
    page, files = lesson_cards.cards(repository_root)
    cards = page.split("<li>")[1:]
    lessons = [lesson for part in syllabus.PARTS.values() for lesson in part]
    assert len(cards) == len(lessons)
    for card, lesson in zip(cards, lessons, strict=True):
        assert f'href="../notebooks/{lesson.notebook}.html">' in card
        assert len(re.search(r'(?:alt|aria-label)="([^"]*)"', card)[1]) > 20
        assert bool(re.search(r"<em>\d+ (min|h).*</em>", card)) == lesson.number.isdigit()
    addresses = re.findall(r'src="../_static/pictures/([^"]+)"', page)
    assert addresses == list(files)
    assert page.count('loading="lazy"') == len(files) > 6


@pytest.mark.parametrize("kind", ["png", "html"])
def test_titles_and_descriptions_may_hold_any_character(kind):
    lesson = syllabus.Lesson("01", 'S3 & <b>"', "01_s3", "")
    choice = lesson_cards.Choice("", builds='Read & <b>"', shows='Rows & <b>"')
    shown = lesson_cards.Picture('Bars & <b>"', kind, b"", 1, 1)
    card = lesson_cards._card(lesson, choice, shown, "")
    said = {"png": "Bars", "html": "Rows"}[kind]
    assert f'="{said} &amp; &lt;b&gt;&quot;"' in card
    assert "S3 &amp; &lt;b&gt;" in card
    assert "Read &amp; &lt;b&gt;" in card
    assert "<b>" not in card


def test_a_course_without_a_lesson_has_no_card_of_it(tmp_path, repository_root):
    (tmp_path / "notebooks").mkdir()
    for suffix in (".py", ".ipynb"):
        shutil.copy(repository_root / f"notebooks/05_als{suffix}", tmp_path / "notebooks")
    page, files = lesson_cards.cards(tmp_path)
    assert page.count("<li>") == 1
    assert list(files) == ["05.svg"]


def test_an_icon_is_the_logo():
    image = images.icon(LOGO, 32)
    assert image.size == (32, 32)
    assert image.getpixel((0, 0))[3] == 0
    for place, color in {(5, 16): BLUE, (16, 16): BLUE, (12, 16): (255, 255, 255)}.items():
        assert image.getpixel(place)[:3] == pytest.approx(color, abs=8)


def test_a_logo_that_is_no_rectangles_is_refused():
    with pytest.raises(CourseError, match="<rect>"):
        images.icon(LOGO.replace("</svg>", '<circle r="3"/></svg>'), 32)


@pytest.mark.parametrize("title", ["RS", "A course of ordinary length", "word " * 60])
def test_a_title_of_any_length_stays_on_its_half_of_the_card(title):
    card = images.social_card(title, "", MAP, images.icon(LOGO, 96))
    assert card.size == (1200, 630)
    background = card.getpixel((5, 5))
    right = {card.getpixel((x, y)) for x in range(605, 630) for y in range(630)}
    assert right == {background}
    below = {card.getpixel((x, y)) for x in range(630) for y in range(480, 630)}
    assert below == {background}


def test_the_card_shows_title_and_films():
    icon = images.icon(LOGO, 96)
    one, other = (images.social_card(t, "", MAP, icon) for t in ("One", "Another"))
    assert one.crop((0, 180, 620, 500)).tobytes() != other.crop((0, 180, 620, 500)).tobytes()
    assert one.getpixel((640 + 10 + 200, 75 + 25 + 13)) == pytest.approx((0xC8, 0x50, 0x1E), abs=8)
