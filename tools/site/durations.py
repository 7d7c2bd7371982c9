"""How long a lesson or lab takes, as its script states it."""

from __future__ import annotations

import re

STATED = re.compile(r"(?m)^# \*\*How long it takes\*\*: (?:about )?(.+?) (minutes|hours)\b")
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def minutes(script: str) -> tuple[int, int]:
    """Return the least and the most minutes that a script says it takes.

    Raises
    ------
    ValueError
        When it does not say so in the words of the lessons.

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
    """Write minutes as people say them, with a dash for none.

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
