"""Draw the map of the course as HTML: a box for each lesson, solid when its notebook exists."""

from __future__ import annotations

import html
from pathlib import Path
from typing import NamedTuple

from tools import ROOT
from tools.site.durations import minutes, said


class Lesson(NamedTuple):
    """A lesson on the map: its number, title, notebook (without suffix) and what it is about."""

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
        Lesson("12", "When one machine is not enough", "12_scaling_out", "Spark, and when not to"),
        Lesson("Labs", "Five labs that answer back", "labs/lab01_bucket", "your turn"),
    ],
}


def course_map(notebooks: Path) -> str:
    """Return the map, with links to the lessons that are in `notebooks`.

    Parameters
    ----------
    notebooks
        The folder that holds the lessons.
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


def write(root: Path = ROOT) -> None:
    """Write the map to where the welcome page includes it from."""
    target = root / "book" / "_generated" / "course_map.html"
    target.parent.mkdir(exist_ok=True)
    target.write_text(course_map(root / "notebooks"), encoding="utf-8")


if __name__ == "__main__":
    write()
