"""The map of films: well-formed, within its frame, and refusing what it cannot draw."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.errors import DataError
from course_utils.plots import film_map

TITLES = ["Alien (1979)", 'Who\'s "Who" & Co <1>', "Toy Story (1995)"]


def test_the_map_is_sound_xml_and_holds_every_title() -> None:
    drawn = film_map([[0, 0], [1, 5], [2, -5]], TITLES, ["Horror", "other", "Animation"], title="T")
    svg = ElementTree.fromstring(drawn._repr_html_())
    films = {node.get("data-film"): node for node in svg.iter() if node.get("data-film")}
    assert set(films) == set(TITLES)
    for node in films.values():
        assert 0 <= float(node.get("data-x")) <= 480
        assert 0 <= float(node.get("data-y")) <= 424
    assert svg.get("aria-label") == "T: 3 films, marked by Animation, Horror"
    assert len({films[title].get("d") for title in TITLES}) == 3
    assert repr(drawn).startswith("<map of films. T: 3 films")


def test_only_the_five_largest_groups_have_a_mark_of_their_own() -> None:
    groups = [*"aabbccddeef"]
    drawn = film_map(np.arange(22).reshape(11, 2), ["x"] * 11, groups, title="T")
    assert drawn.summary.endswith("marked by a, b, c, d, e>")


def test_named_films_stand_on_the_map() -> None:
    drawn = film_map([[0, 0], [1, 5], [2, -5]], TITLES, ["other"] * 3, title="T", named=[2])
    texts = [node.text for node in ElementTree.fromstring(drawn.svg).iter() if node.text]
    assert "Toy Story (1995)" in texts
    assert "Alien (1979)" not in texts


def test_it_needs_no_network_and_no_script_element() -> None:
    svg = film_map([[0, 0]], ["x"], ["other"], title="T").svg
    assert "<script" not in svg
    assert re.findall(r"https?://[^\s\"']+", svg) == ["http://www.w3.org/2000/svg"]  # the namespace


@pytest.mark.parametrize(
    ("points", "titles", "said"),
    [
        ([[0, np.nan]], ["x"], "two finite coordinates"),
        ([[0, 1, 2]], ["x"], r"not shape \(1, 3\)"),
        ([[0, 1]], ["x", "y"], "1 points, 2 titles"),
    ],
)
def test_what_cannot_be_drawn_is_refused(points: list, titles: list, said: str) -> None:
    with pytest.raises(DataError, match=said):
        film_map(points, titles, ["other"], title="T")
