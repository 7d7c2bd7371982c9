"""Lesson 02: parse a line of movies.dat, count ratings that change sides, count sessions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain, Question

HOUR, DAY = 3600, 86_400
NO_YEAR = -9999  # stands for None in arrays of integers
FORMS = ("{0}, The ({y})", "{0}: {1} ({y})", "{n}: {0} ({y})", "{0}: {1}", "{0} ({n}) {1}",
         "{0} {n}", "{0} (12)", "{0} (Noir)")  # fmt: skip
WORDS, GENRES = ("Amélie", "Señor", "Überfall", "Crème"), ("Drama|War", "Comedy", "War|Sci-Fi")
FIELDS = ("ids", "titles", "genres", "years")


def make_lines(rng: np.random.Generator) -> list[Plain]:
    """Return lines of a movies.dat: titles with colons, accents, other numbers, and no year."""
    rows = []
    for form in FORMS * 3:
        one, two = rng.permutation(WORDS)[:2]
        year = int(rng.integers(1920, 2000)) if "{y}" in form else NO_YEAR
        title = form.format(one, two, y=year, n=rng.integers(2001, 2500))
        rows.append((int(rng.integers(10, 4000)), title, str(rng.choice(GENRES)), year))
    columns = zip(FIELDS, zip(*rows, strict=True), strict=True)
    hidden = {f"hidden_{name}": np.array(column) for name, column in columns}
    return [{"lines": np.array(["::".join(map(str, row[:3])) for row in rows]), **hidden}]


def ask_lines(answer: Any, case: Plain) -> Outputs:
    """Call ``parse_movie(line)`` for each line."""
    rows = [answer(str(line).encode("latin-1")) for line in case["lines"]]
    if not all(isinstance(row, tuple | list) and len(row) == 4 for row in rows):
        raise AnswerError("Return four values: id, title, genres, year.")
    ids, titles, genres, years = zip(*rows, strict=True)
    if not all(isinstance(some, list | tuple) for some in genres):
        raise AnswerError("Return the genres as a list: split them at `|`.")
    if any("|" in str(genre) for some in genres for genre in some):
        raise AnswerError("A genre still holds a `|`: split the genres there.")
    joined, known = ["|".join(g) for g in genres], [NO_YEAR if y is None else y for y in years]
    return {"ids": ids, "titles": titles, "genres": joined, "years": known}


def judge_lines(case: Plain, outputs: Plain) -> str:
    """Compare ids, titles, genres and years exactly."""
    for name in FIELDS:
        got, wanted = outputs[name], case[f"hidden_{name}"]
        if got.dtype.kind != wanted.dtype.kind:
            return f"The {name} should be integers: convert each with `int`."
        if (wrong := np.flatnonzero(got != wanted)).size:
            return f"The {name} are wrong for the line {case['lines'][wrong[0]]}."
    return ""


MISTAKES_A = (
    Mistake("The file is not UTF-8. Decode with latin-1, as above.", raises="UnicodeDecodeError"),
    Mistake(
        "A title without a year stops your function: return None where no year is found.",
        raises="NoneType|invalid literal for int",
    ),
    Mistake(
        "Titles are cut at their own colon. Split at `::` only.",
        lambda case, out: ":" not in "".join(out["titles"].tolist()),
    ),
    Mistake(
        "A title that does not end in a year in parentheses gets None, not 0 or another number.",
        lambda case, out: (
            out["years"].dtype.kind == "i"
            and bool((out["years"] != NO_YEAR)[case["hidden_years"] == NO_YEAR].any())
        ),
    ),
)


def make_cuts(rng: np.random.Generator) -> list[Plain]:
    """Return timestamps around a cut, some of them exactly at it, and a time zone."""
    cases = []
    for hours in (9, -5, 3):
        cut = int(rng.integers(11_000, 12_000)) * DAY
        near = cut + rng.integers(-3 * DAY, 3 * DAY, size=200)
        times = rng.permutation([*near, *[cut] * int(rng.integers(5, 9)), cut - hours * HOUR])
        cases.append({"timestamps": times, "cut": np.array(cut), "hours": np.array(hours)})
    return cases


def _sides(case: Plain, shift: int = HOUR, strict: int = 0) -> int:
    times, cut = case["timestamps"], case["cut"] + strict
    return int(((times >= cut) != (times + case["hours"] * shift >= cut)).sum())


def _dates(case: Plain) -> int:
    days = [(case["timestamps"] + h * HOUR) // DAY for h in (0, case["hours"])]
    return int((days[0] != days[1]).sum())


def make_sessions(rng: np.random.Generator) -> list[Plain]:
    """Return shuffled timestamps: of a user with one rating, of users with several sessions."""
    cases = [{"timestamps": rng.integers(10**9, size=1)}]
    for _ in range(3):
        gaps = rng.permutation([*rng.integers(900, size=20), HOUR, *[HOUR + 1] * 3, DAY, DAY])
        times = rng.integers(10**9) + np.cumsum(gaps)
        cases.append({"timestamps": rng.permutation(times)})
    return cases


def _sessions(case: Plain, longest: int = HOUR, in_order: bool = True) -> int:
    times = np.sort(case["timestamps"]) if in_order else case["timestamps"]
    return 1 + int((np.diff(times) > longest).sum())


def _judge(right: Callable[[Plain], int], case: Plain, outputs: Plain) -> str:
    got, wanted = outputs["count"].item(), right(case)
    if 0 < got < min(wanted, 1):
        return "This is a share. Count with `sum`, not `mean`."
    return "" if got == wanted else f"The count should be {wanted}, and yours is {got}."


def _is(count: Callable[[Plain], int], case: Plain, outputs: Plain) -> bool:
    return bool(outputs["count"] == count(case))


WRONG_B: dict[str, Callable[[Plain], int]] = {
    "You count ratings with another date; most stay on their side. Compare with the cut.": _dates,
    "Where clocks are ahead they show a later time: add the hours.": lambda c: _sides(c, -HOUR),
    "Timestamps are seconds, and an hour has 3,600 of them.": lambda c: _sides(c, 1),
    "Midnight belongs to the new day: compare with `>=`.": lambda c: _sides(c, strict=1),
}
WRONG_C: dict[str, Callable[[Plain], int]] = {
    "You count the long gaps. One long gap makes two sessions: add 1.": lambda c: _sessions(c) - 1,
    "Timestamps come in any order: sort them first.": lambda c: _sessions(c, in_order=False),
    "A gap of exactly 3,600 seconds ends no session: use `>`.": lambda c: _sessions(c, HOUR - 1),
    "Compare neighbors in time, not days.": lambda c: len({t // DAY for t in c["timestamps"]}),
}
QUESTIONS = (
    Question(
        "a", "Parse a line", 0, "parse_movie", "", make_lines, ask_lines, judge_lines, MISTAKES_A
    ),
    Question(
        "b", "Ratings that change sides", 0, "changed_sides", "", make_cuts,
        lambda f, case: {"count": f(case["timestamps"], int(case["cut"]), int(case["hours"]))},
        partial(_judge, _sides), [Mistake(hint, partial(_is, n)) for hint, n in WRONG_B.items()],
    ),
    Question(
        "c", "Count the sessions", 0, "count_sessions", "", make_sessions,
        lambda f, case: {"count": f(case["timestamps"])}, partial(_judge, _sessions),
        [Mistake(hint, partial(_is, n)) for hint, n in WRONG_C.items()],
    ),
)  # fmt: skip
