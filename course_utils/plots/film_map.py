"""An interactive map of films: lessons 05 and 09."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from course_utils.errors import DataError
from course_utils.plots.style import ACCENT, DARK, INK, MIDDLE, SOFT

WIDTH, HEIGHT, MARGIN, LEGEND = 480, 400, 16, 24  # units of the drawing; the page scales it
FONT = "font-family:sans-serif;font-size:13px"
OTHER = "other"
# Each group has a shape as well as a color, so that groups differ in gray too.
MARKS = (
    (ACCENT, "M0,-5L5,4H-5Z"),
    (DARK, "M-4,-4H4V4H-4Z"),
    ("#7a5c99", "M0,-6L5,0L0,6L-5,0Z"),
    ("#2e7d5b", "M-6,-2H-2V-6H2V-2H6V2H2V6H-2V2H-6Z"),
    (MIDDLE, "M-5,-4H5L0,5Z"),
)
OTHER_MARK = (SOFT, "M-2.5,0A2.5,2.5 0 1,0 2.5,0A2.5,2.5 0 1,0 -2.5,0Z")
# Shows the title of the film nearest to the pointer, within 24 units. One attribute, without a
# script element or a library, works in the book, in Jupyter and in Colab, and offline.
NEAREST = (
    "const p=new DOMPoint(event.clientX,event.clientY)"
    ".matrixTransform(this.getScreenCTM().inverse()),t=this.lastElementChild;"
    "let best=576,film=null;"
    "for(const m of this.querySelectorAll('[data-film]')){"
    "const d=(m.dataset.x-p.x)**2+(m.dataset.y-p.y)**2;if(d<best){best=d;film=m}}"
    "t.textContent=film?film.dataset.film:'';"
    "if(film){const r=film.dataset.x>240;t.setAttribute('x',+film.dataset.x+(r?-9:9));"
    "t.setAttribute('y',Math.max(14,film.dataset.y-9));"
    "t.setAttribute('text-anchor',r?'end':'start')}"
)


class FilmMap(NamedTuple):
    """An SVG drawing, which notebooks and the book display."""

    svg: str
    summary: str

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return self.summary


def film_map(
    points: npt.ArrayLike,
    titles: Sequence[str],
    groups: Sequence[str],
    *,
    title: str,
    named: Sequence[int] = (),
) -> FilmMap:
    """Draw films as points; the one nearest to the pointer shows its title.

    Parameters
    ----------
    points
        Shape (n, 2). Both axes are stretched to fill the drawing, so neighborhoods have a meaning
        and distances have little.
    titles
        Titles of the films, in the order of `points`.
    groups
        Group of each film, such as its genre. The five largest groups get a mark of their own;
        ``"other"`` and the rest share a small gray dot.
    title
        Subject of the map, also for screen readers.
    named
        Positions of films whose titles are always shown.

    Raises
    ------
    DataError
        When the lengths differ, or a coordinate is not finite.
    """
    xy = np.asarray(points, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all():
        raise DataError(f"A map needs two finite coordinates for each film, not shape {xy.shape}.")
    if not len(xy) == len(titles) == len(groups):
        raise DataError(
            f"A map needs a title and a group for each film; there are {len(xy)} points, "
            f"{len(titles)} titles and {len(groups)} groups."
        )
    places = _fit(xy)
    marks = _marks(groups)
    films = sorted(range(len(xy)), key=lambda film: groups[film] in marks)  # gray dots below
    body = "".join(_film(places[i], titles[i], *marks.get(groups[i], OTHER_MARK)) for i in films)
    names = "".join(_name(places[i], titles[i]) for i in named)
    nearest = html.escape(NEAREST)
    summary = f"{title}: {len(xy)} films" + (f", marked by {', '.join(marks)}" if marks else "")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + LEGEND}" '
        f'role="img" aria-label="{html.escape(summary)}" '
        f'style="width:100%;max-width:720px;background:white;touch-action:pan-y" '
        f'onpointermove="{nearest}" onpointerdown="{nearest}">'
        f'<rect width="{WIDTH}" height="{HEIGHT + LEGEND}" fill="white"/>'
        f"{_legend(marks)}{body}{names}"
        f'<text style="{FONT};font-weight:bold;paint-order:stroke;pointer-events:none" '
        f'fill="{INK}" stroke="white" stroke-width="5"></text></svg>'
    )
    return FilmMap(svg, f"<map of films. {summary}>")


def _fit(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = (xy.min(axis=0), xy.max(axis=0)) if len(xy) else (np.zeros(2), np.ones(2))
    share = (xy - low) / np.where(high > low, high - low, 1)
    room = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN])
    places: npt.NDArray[np.float64] = np.round(MARGIN + share * room + [0, LEGEND], 1)
    return places


def _marks(groups: Sequence[str]) -> dict[str, tuple[str, str]]:
    names, counts = np.unique([name for name in groups if name != OTHER], return_counts=True)
    most = [str(name) for name in names[np.argsort(-counts, kind="stable")]]
    return dict(zip(most, MARKS, strict=False))


def _film(place: npt.NDArray[np.float64], title: str, color: str, shape: str) -> str:
    x, y = place
    return (
        f'<path d="{shape}" transform="translate({x:g},{y:g})" fill="{color}" fill-opacity=".8" '
        f'data-film="{html.escape(title)}" data-x="{x:g}" data-y="{y:g}"/>'
    )


def _name(place: npt.NDArray[np.float64], title: str) -> str:
    right = place[0] > WIDTH / 2
    return (
        f'<text x="{place[0] + (-8 if right else 8):g}" y="{place[1] + 4:g}" fill="{INK}" '
        f'stroke="white" stroke-width="3" style="{FONT};font-size:11px;paint-order:stroke" '
        f'text-anchor="{"end" if right else "start"}">{html.escape(title)}</text>'
    )


def _legend(marks: dict[str, tuple[str, str]]) -> str:
    shown = {**marks, OTHER: OTHER_MARK}
    step = (WIDTH - MARGIN) / len(shown)
    return "".join(
        f'<path d="{shape}" transform="translate({MARGIN + i * step:g},13)" fill="{color}"/>'
        f'<text x="{MARGIN + 9 + i * step:g}" y="17" fill="{INK}" style="{FONT};font-size:12px">'
        f"{html.escape(name)}</text>"
        for i, (name, (color, shape)) in enumerate(shown.items())
    )
