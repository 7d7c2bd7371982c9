"""What the course takes: durations as the notebooks state them, and syllabi that keep the order."""

import re

import pytest

from tools.site import syllabus

SYLLABI = {
    "ten weeks": [name for week in syllabus.TEN_WEEKS for half in week for name in half],
    "two days": [name for day in syllabus.TWO_DAYS for name in day],
}


@pytest.fixture(scope="module")
def scripts(repository_root):
    """Return the scripts of lessons and labs by number: 01, …, lab05."""
    notebooks = repository_root / "notebooks"
    paths = [*notebooks.glob("[0-9]*.py"), *notebooks.glob("labs/lab*.py")]
    return {path.stem.partition("_")[0]: path.read_text(encoding="utf-8") for path in paths}


def needed(script):
    """Return the lessons that a script links as needed first."""
    (line,) = re.findall(r"\*\*What you need first\*\*: (.+)", script)
    sentences = [part for part in line.split(". ") if "can wait" not in part]
    return set(re.findall(r"\((?:\.\./)?(\d\d)_", " ".join(sentences)))


def test_every_lesson_and_lab_says_how_long_it_takes(repository_root, scripts):
    known = syllabus.units(repository_root / "notebooks")
    assert scripts
    assert all(known[name].most >= known[name].least > 0 for name in scripts)


@pytest.mark.parametrize("plan", SYLLABI)
def test_nothing_comes_before_what_it_needs(plan, scripts):
    order = SYLLABI[plan]
    assert len(order) == len(set(order))
    for place, name in enumerate(order):
        assert needed(scripts.get(name, "**What you need first**: nothing")) <= {*order[:place]}


def test_ten_weeks_hold_every_lesson_and_lab(repository_root):
    assert {*SYLLABI["ten weeks"]} == {*syllabus.units(repository_root / "notebooks")}


def test_a_day_is_no_longer_than_a_day(repository_root):
    known = syllabus.units(repository_root / "notebooks")
    for day in syllabus.TWO_DAYS:
        assert sum(known[name].most for name in day) <= 6.5 * 60


def test_a_lesson_that_is_not_written_yet_has_no_link_and_no_time(tmp_path):
    (tmp_path / "04_baselines.py").write_text("# # Low\n# **How long it takes**: 90 minutes.\n")
    table = syllabus.lessons_table(syllabus.units(tmp_path))
    assert "| [04 Low](../notebooks/04_baselines.ipynb) | 90 min |" in table
    assert "| 05 ALS (planned) | – |" in table
    assert "| **all lessons** | **90 min** |" in table


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("about 75 minutes.", (75, 75)),
        ("about two hours.", (120, 120)),
        ("two to three hours.", (120, 180)),
        ("about two and a half hours, and an evening for the essay.", (150, 150)),
    ],
)
def test_durations_are_read_as_they_are_written(words, expected):
    assert syllabus.minutes(f"# **How long it takes**: {words}") == expected


@pytest.mark.parametrize("words", ["a while.", "several hours."])
def test_a_duration_that_is_none_is_refused(words):
    with pytest.raises(ValueError, match=r"no line|no number"):
        syllabus.minutes(f"# **How long it takes**: {words}")
