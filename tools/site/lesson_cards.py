"""Draw the cards of the welcome page: for each lesson a picture out of its notebook.

`make book` calls it, so what the cards show is what the lessons printed.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import NamedTuple

from tools import ROOT
from tools.site import course_map
from tools.site.durations import minutes, said
from tools.site.pictures import Picture, picture

GENERATED = Path("book", "_generated")
PICTURES = "pictures"  # within the folder of generated static files


class Choice(NamedTuple):
    """What a card shows: a piece of the code of one cell, and what is built there.

    `shows` says what a table or a text is; a figure brings its own description.
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
        "plots.models_in_a_plane(", "Measure what a list is worth, and know when to believe it."
    ),
    "07": Choice("plots.how_far_off(", "Find mistakes that raise no error, by asking checks."),
    "08": Choice("plots.learning_curves(", "Train a model in PyTorch, and stop where it is best."),
    "09": Choice(
        '"submarine thriller", films, ml.movies, n=6',
        "Turn words into vectors, and ask a catalogue in plain language.",
        "Films found for the words “submarine thriller”",
    ),
    "10": Choice(
        "plots.score_by_history(", "Recommend to newcomers, and films that nobody has rated."
    ),
    "11": Choice(
        'json={"liked": liked.tolist()',
        "Put a model behind an address, exchange it, and roll it back.",
        "What the service answers to three films that somebody likes",
    ),
    "12": Choice(
        "plots.seconds_by_size(totals", "Run the course in Spark, and see when one machine will do."
    ),
    "Labs": Choice(
        'check("lab01.q1"',
        "Labs that say at once whether an answer is right, and if not, where to look.",
        "What a lab says before you begin",
    ),
}


def cards(root: Path = ROOT) -> tuple[str, dict[str, bytes]]:
    """Return the cards as HTML, and the pictures they show by their file names.

    Parameters
    ----------
    root
        The course's root folder.

    Raises
    ------
    UserError
        If a notebook no longer shows what its card is to show.
    """
    files: dict[str, bytes] = {}
    items = []
    for lesson in (lesson for part in course_map.PARTS.values() for lesson in part):
        path = root / "notebooks" / f"{lesson.notebook}.ipynb"
        if path.exists():
            choice = CHOICES[lesson.number]
            shown = picture(path, choice.source)
            if shown.kind != "html":
                files[f"{lesson.number}.{shown.kind}"] = shown.content
            items.append(_card(lesson, choice, shown, _time(lesson, path)))
    return f'<ul class="lesson-cards">{"".join(items)}</ul>\n', files


def _time(lesson: course_map.Lesson, path: Path) -> str:
    if not lesson.number.isdigit():
        return ""
    return said(*minutes(path.with_suffix(".py").read_text(encoding="utf-8")))


def _card(lesson: course_map.Lesson, choice: Choice, shown: Picture, time: str) -> str:
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
    """Write cards and pictures to where the welcome page finds them."""
    page, files = cards(root)
    folder = root / GENERATED / "static" / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (root / GENERATED / "lesson_cards.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
