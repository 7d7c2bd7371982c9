"""Search in titles: every word of the query begins a word of the title."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class Titles:
    """Titles, ready to be searched.

    Parameters
    ----------
    titles
        Texts, n of them.
    weights
        Which come first when several match, shape (n,): the largest.
    """

    def __init__(self, titles: Sequence[str], weights: npt.ArrayLike) -> None:
        order = np.argsort(-np.asarray(weights), kind="stable")
        self._folded = [(int(place), f" {' '.join(_words(titles[place]))}") for place in order]

    def find(self, query: str, n: int) -> list[int]:
        """Return the places of at most `n` titles, none for a query without letter or digit.

        Examples
        --------
        >>> titles = Titles(["Le Fabuleux Destin d'Amélie (2001)", "Alien (1979)"], [3, 9])
        >>> titles.find("amelie dest", 5)
        [0]
        """
        wanted = [f" {word}" for word in _words(query)]
        found: list[int] = []
        for place, title in self._folded if wanted else ():
            if all(word in title for word in wanted):
                found.append(place)
                if len(found) == n:
                    break
        return found


def _words(text: str) -> list[str]:
    """Return the words of a text in small letters, without accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (" " if not letter.isalnum() else letter for letter in plain
            if not unicodedata.combining(letter))  # fmt: skip
    return "".join(kept).split()
