"""The lessons of the course: their parts and durations, the map, and two syllabi.

`make book` writes the map into the welcome page and the tables into the instructor guide.
Durations are those that the notebooks state, so no sum is typed by hand.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import NamedTuple

from tools import ROOT

TITLE = re.compile(r"(?m)^# # (.+)$")
STATED = re.compile(r"(?m)^# \*\*How long it takes\*\*: (?:about )?(.+?) (minutes|hours)\b")
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


class Lesson(NamedTuple):
    """A lesson on the map: number, title, notebook (without suffix) and subject."""

    number: str
    title: str
    notebook: str
    about: str


PARTS: dict[str, list[Lesson]] = {
    "Data": [
        Lesson("01", "Object storage with S3", "01_object_storage", "buckets, keys, credentials"),
        Lesson("02", "Loading MovieLens", "02_loading_movielens", "formats, checks, first figures"),
        Lesson("03", "From ratings to interactions", "03_interactions_and_splits", "rows, splits"),
    ],
    "Learning from behavior": [
        Lesson("04", "Baselines", "04_baselines", "popularity, neighbors, EASE"),
        Lesson("05", "ALS", "05_als", "factors from implicit feedback"),
        Lesson("06", "Evaluating rankings", "06_evaluating_rankings", "recall, NDCG, uncertainty"),
        Lesson("07", "A notebook that is wrong", "07_wrong_notebook", "find the silent mistake"),
    ],
    "Learning from words": [
        Lesson("08", "Matrix factorization in PyTorch", "08_matrix_factorization", "from scratch"),
        Lesson("09", "BERT embeddings", "09_bert_embeddings", "titles and genres as vectors"),
        Lesson("10", "Hybrids and cold start", "10_hybrids", "new people, new films"),
    ],
    "In the world": [
        Lesson("11", "From notebook to service", "11_service", "save, serve, roll back"),
        Lesson(
            "12", "When one machine is not enough", "12_scaling_out", "retrieve, re-rank; Spark"
        ),
        Lesson("Labs", "Five labs that answer back", "labs/lab01_bucket", "your turn"),
    ],
}

# For each week: what is done together in class, and what is handed out.
TEN_WEEKS = (
    (("01", "02"), ("lab01",)),
    (("03", "04"), ()),
    (("05",), ()),
    (("06",), ("lab02",)),
    (("07",), ()),
    (("08",), ("lab04",)),
    (("09",), ("lab03",)),
    (("10",), ("lab05",)),
    (("11",), ()),
    (("12",), ()),
)
TWO_DAYS = (("02", "03", "04", "05"), ("06", "07", "09", "10"))


def minutes(script: str) -> tuple[int, int]:
    """Return the least and the most minutes that a script says it takes.

    Raises
    ------
    ValueError
        If the script has no such line, or the line has another form.

    Examples
    --------
    >>> minutes("# **How long it takes**: about 75 minutes.")
    (75, 75)
    >>> minutes("# **How long it takes**: two and a half to three hours.")
    (150, 180)
    """
    found = STATED.search(script)
    if not found:
        raise ValueError("There is no line '**How long it takes**: … minutes', or hours.")
    unit = 60 if found[2] == "hours" else 1
    ends = [round(_number(words) * unit) for words in found[1].split(" to ")]
    return ends[0], ends[-1]


def _number(words: str) -> float:
    if words.isdigit():
        return int(words)
    whole = words.removesuffix(" and a half")
    if whole not in NUMBERS:
        raise ValueError(f"{words!r} is no number that a duration is stated in.")
    return NUMBERS[whole] + (0.5 if whole != words else 0)


def said(least: int, most: int) -> str:
    """Return a range of minutes in words, or a dash for zero.

    Examples
    --------
    >>> said(75, 75), said(120, 180), said(345, 345), said(0, 0)
    ('75 min', '2 h to 3 h', '5 h 45 min', '–')
    """
    return " to ".join(dict.fromkeys(map(_said, (least, most)))) if most else "–"


def _said(total: int) -> str:
    hours, rest = divmod(total, 60)
    if total < 120:
        return f"{total} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def course_map(notebooks: Path) -> str:
    """Return the map of the course as HTML: a box for each lesson, linked if its notebook exists.

    Parameters
    ----------
    notebooks
        The folder of the lessons.
    """
    parts = [
        f'<li><p class="course-map-part">{html.escape(part)}</p><ol>'
        + "".join(_box(lesson, notebooks) for lesson in lessons)
        + "</ol></li>"
        for part, lessons in PARTS.items()
    ]
    return f'<ol class="course-map" aria-label="Map of the course">{"".join(parts)}</ol>\n'


def _box(lesson: Lesson, notebooks: Path) -> str:
    inside = (
        f'<span class="course-map-number">{lesson.number}</span> '
        f"<strong>{html.escape(lesson.title)}</strong><br>{html.escape(lesson.about)}"
    )
    if lesson.number.isdigit() and (script := notebooks / f"{lesson.notebook}.py").exists():
        inside += f"<br>{said(*minutes(script.read_text(encoding='utf-8')))}"
    if (notebooks / f"{lesson.notebook}.ipynb").exists():
        return f'<li class="ready"><a href="../notebooks/{lesson.notebook}.html">{inside}</a></li>'
    return f'<li class="planned"><span>{inside}<br><em>planned</em></span></li>'


class Unit(NamedTuple):
    """A lesson or lab: its title, its page from `book/`, and the minutes it takes.

    For a notebook that does not exist yet, `page` is empty and the minutes are 0.
    """

    title: str
    page: str = ""
    least: int = 0
    most: int = 0


def units(notebooks: Path) -> dict[str, Unit]:
    """Return the lessons of the map and the labs in `notebooks` by name: "01", …, "lab05"."""
    found = {
        lesson.number: Unit(lesson.title)
        for part in PARTS.values()
        for lesson in part
        if lesson.number.isdigit()
    }
    for path in sorted([*notebooks.glob("[0-9]*.py"), *notebooks.glob("labs/lab*.py")]):
        script = path.read_text(encoding="utf-8")
        title = TITLE.search(script)
        page = "../notebooks/" + path.relative_to(notebooks).with_suffix(".ipynb").as_posix()
        name = path.stem.partition("_")[0]
        found[name] = Unit(title[1] if title else path.stem, page, *minutes(script))
    return found


def _sum(several: list[Unit]) -> str:
    return said(sum(u.least for u in several), sum(u.most for u in several))


def _link(name: str, unit: Unit) -> str:
    text = f"{name} {unit.title}" if name.isdigit() else unit.title
    return f"[{text}]({unit.page})" if unit.page else f"{text} (planned)"


def lessons_table(known: dict[str, Unit]) -> str:
    """Return a table of lessons and labs with their durations and the sums."""
    rows = [f"| {_link(name, unit)} | {_sum([unit])} |" for name, unit in known.items()]
    for what, is_lesson in (("all lessons", True), ("all labs", False)):
        total = _sum([unit for name, unit in known.items() if name.isdigit() is is_lesson])
        rows.append(f"| **{what}** | **{total}** |")
    return "\n".join(["| what | time |", "| --- | --- |", *rows, ""])


def ten_weeks_table(known: dict[str, Unit]) -> str:
    """Return a table of the ten weeks: lessons, labs handed out, and durations."""
    rows = ["| week | together | time | handed out | time |", "| --- | --- | --- | --- | --- |"]
    for week, halves in enumerate(TEN_WEEKS, start=1):
        cells = [
            cell
            for names in halves
            for cell in (
                "<br>".join(_link(name, known[name]) for name in names) or "–",
                _sum([known[name] for name in names]),
            )
        ]
        rows.append(f"| {week} | {' | '.join(cells)} |")
    sums = [_sum([known[name] for week in TEN_WEEKS for name in week[half]]) for half in (0, 1)]
    return "\n".join([*rows, f"| **all** | | **{sums[0]}** | | **{sums[1]}** |", ""])


def two_days_table(known: dict[str, Unit]) -> str:
    """Return a table of the two days: lessons, labs and durations."""
    rows = ["| day | what | time |", "| --- | --- | --- |"]
    for day, names in enumerate(TWO_DAYS, start=1):
        what = "<br>".join(_link(name, known[name]) for name in names)
        rows.append(f"| {day} | {what} | {_sum([known[name] for name in names])} |")
    return "\n".join([*rows, ""])


TABLES = {"lessons": lessons_table, "ten_weeks": ten_weeks_table, "two_days": two_days_table}


def write(root: Path = ROOT) -> None:
    """Write the map and the tables to where the pages include them from."""
    folder = root / "book" / "_generated"
    folder.mkdir(exist_ok=True)
    (folder / "course_map.html").write_text(course_map(root / "notebooks"), encoding="utf-8")
    known = units(root / "notebooks")
    for name, table in TABLES.items():
        (folder / f"timetable_{name}.md").write_text(table(known), encoding="utf-8")


if __name__ == "__main__":
    write()
