"""Write what each lesson and lab takes, and two ways to spend a course on them, as tables.

The times are those that the notebooks state; the instructor guide includes the tables, so that no
sum on it is typed by hand. `make book` calls it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tools import ROOT
from tools.site import course_map
from tools.site.durations import minutes, said

TITLE = re.compile(r"(?m)^# # (.+)$")

# What is done together, and what is handed out to be done alone.
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
TWO_DAYS = (("02", "03", "04", "05", "06"), ("07", "lab02", "09", "10"))


class Unit(NamedTuple):
    """A lesson or lab: its title, its page from `book/`, and the minutes it takes.

    `page` is empty and the minutes are 0 where the notebook is not written yet.
    """

    title: str
    page: str = ""
    least: int = 0
    most: int = 0


def units(notebooks: Path) -> dict[str, Unit]:
    """Return the lessons of the map and the labs that are in `notebooks`: "01", …, "lab05"."""
    found = {
        lesson.number: Unit(lesson.title)
        for part in course_map.PARTS.values()
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
    """Return a row for each lesson and lab, and how long all of them take."""
    rows = [f"| {_link(name, unit)} | {_sum([unit])} |" for name, unit in known.items()]
    for what, is_lesson in (("all lessons", True), ("all labs", False)):
        total = _sum([unit for name, unit in known.items() if name.isdigit() is is_lesson])
        rows.append(f"| **{what}** | **{total}** |")
    return "\n".join(["| what | time |", "| --- | --- |", *rows, ""])


def ten_weeks_table(known: dict[str, Unit]) -> str:
    """Return a row for each week: what is done together and alone, and how long that takes."""
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
    """Return a row for each day: what is done, and how long that takes."""
    rows = ["| day | what | time |", "| --- | --- | --- |"]
    for day, names in enumerate(TWO_DAYS, start=1):
        what = "<br>".join(_link(name, known[name]) for name in names)
        rows.append(f"| {day} | {what} | {_sum([known[name] for name in names])} |")
    return "\n".join([*rows, ""])


TABLES = {"lessons": lessons_table, "ten_weeks": ten_weeks_table, "two_days": two_days_table}


def write(root: Path = ROOT) -> None:
    """Write the tables to where the instructor guide includes them from."""
    folder = root / "book" / "_generated"
    folder.mkdir(exist_ok=True)
    known = units(root / "notebooks")
    for name, table in TABLES.items():
        (folder / f"timetable_{name}.md").write_text(table(known), encoding="utf-8")


if __name__ == "__main__":
    write()
