"""Cards that show a verdict, or the points of a lab, as plain text and as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from course_labs.checks.question import Question, Verdict

MARKS = {"right": "✓", "wrong": "✗", "not attempted": "○"}
COLORS = {"right": "#1f7a4d", "wrong": "#b3431a", "not attempted": "#66727f"}
BAR = 20  # blocks of the bar in plain text
BOX = (
    "border:1px solid {0};border-left:6px solid {0};border-radius:4px;padding:.5em .8em;"
    "margin:.3em 0;background:#fff;color:#22303c;max-width:46em"
)
CODE = ' style="color:inherit;background:none"'  # a card is white in a dark theme too


@dataclass(frozen=True)
class Card:
    """Plain text and HTML; a notebook chooses which to show."""

    text: str
    markup: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.markup


def verdict_card(name: str, question: Question, verdict: Verdict) -> Card:
    """Return the card of the verdict on one question, such as ``lab02.q1`` or ``lesson05.a``."""
    head = f"{MARKS[verdict.state]} {name}: {verdict.state}"
    points = f" · {verdict.points} of {question.points} points" if question.points else ""
    lines = [f"{head} · {question.title}{points}"]
    parts = [
        f'<strong style="color:{COLORS[verdict.state]}">{html.escape(head)}</strong> · '
        f"{html.escape(question.title)}{points}"
    ]
    says = verdict.says
    if verdict.state == "not attempted" and not says:
        says = f"Replace the `...` of `{question.answer}`, then run this again."
    if says:
        lines.append(f"  {says}")
        parts.append(as_html(says, CODE))
    if verdict.state == "wrong" and question.lesson:
        title, link = lesson_link(question.lesson)
        lines.append(f"  Explained in {title}.")
        parts.append(
            f'Explained in <a style="color:#1f4e79" href="../{link}">{html.escape(title)}</a>.'
        )
    box = BOX.format(COLORS[verdict.state])
    return Card("\n".join(lines), f'<div style="{box}">{"<br>".join(parts)}</div>')


def summary_card(
    lab: str, questions: Sequence[Question], verdicts: Sequence[Verdict | None]
) -> Card:
    """Return the card of a lab: a bar of the points so far, and a line for each question."""
    earned = sum(verdict.points for verdict in verdicts if verdict)
    total = sum(question.points for question in questions)
    full = round(BAR * earned / (total or 1))
    head = f"{lab}: {earned} of {total} points"
    lines = [f"{head}  {'█' * full}{'░' * (BAR - full)}"]
    rows = []
    for question, verdict in zip(questions, verdicts, strict=True):
        state = verdict.state if verdict else "not attempted"
        mine = verdict.points if verdict else 0
        line = f"{MARKS[state]} {question.key}  {question.title}: {mine} of {question.points}"
        lines.append(f"  {line}")
        rows.append(f'<span style="color:{COLORS[state]}">{html.escape(line)}</span>')
    bar = (
        f'<div role="img" aria-label="{head}" style="background:#dde3e9;border-radius:4px;'
        f'height:1em;max-width:24em"><div style="background:{COLORS["right"]};border-radius:4px;'
        f'height:1em;width:{100 * earned / (total or 1):.0f}%"></div></div>'
    )
    body = "<br>".join(rows)
    box = BOX.format(COLORS["not attempted"])
    markup = f'<div style="{box}"><strong>{head}</strong>{bar}{body}</div>'
    return Card("\n".join(lines), markup)


def lesson_link(lesson: str) -> tuple[str, str]:
    """Return the title of a lesson and the link to it, from ``03_x#some-heading``."""
    notebook, _, anchor = lesson.partition("#")
    title = f"lesson {notebook[:2]}"
    if anchor:
        title += f", “{anchor.replace('-', ' ').capitalize()}”"
    return title, f"{notebook}.ipynb" + (f"#{anchor}" if anchor else "")


def as_html(text: str, style: str = "") -> str:
    """Return a text as HTML without markup, except that backquotes become code."""
    return re.sub(r"`([^`]+)`", rf"<code{style}>\1</code>", html.escape(text, quote=False))
