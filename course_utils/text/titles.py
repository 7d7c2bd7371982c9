"""The text of a film for an encoder: its title, with articles in front, and its genres."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from course_utils.errors import DataError
from course_utils.validation import as_table

# MovieLens writes "Matrix, The". Only articles may move, in the languages of the titles: the last
# word of "I, Robot" or "Love, Simon" is none.
_ARTICLES = (
    "The|A|An|Da|Der|Die|Das|Den|Det|De|Ein|Eine|En|Et|El|Los|Las|Un|Una|Une|Uno|Le|La|Les|L'|Il|"
    "Lo|I|Gli|O|Os|As"
)
# A name is the title itself or another one in parentheses, "(a.k.a. Gates of Hell, The)".
_NAME = re.compile(rf"(^|\((?:a\.?k\.?a\.? )?)([^()]+), ({_ARTICLES})(?=\s*(?:\(|\)|$))")


def restore_articles(title: str) -> str:
    """Move articles back to the front of a title and of the other names in its parentheses.

    A title, as MovieLens publishes it, without an article behind a comma stays as it is.

    Examples
    --------
    >>> restore_articles("City of Lost Children, The (Cité des enfants perdus, La) (1995)")
    'The City of Lost Children (La Cité des enfants perdus) (1995)'
    >>> restore_articles("Avventura, L' (Adventure, The) (1960)")
    "L'Avventura (The Adventure) (1960)"
    """
    return _NAME.sub(_article_first, title.strip())


def movie_texts(movies: pd.DataFrame) -> list[str]:
    """Return the text of each film for an encoder: title and genres.

    Parameters
    ----------
    movies
        A table with the columns ``title`` and ``genres``, as MovieLens publishes them.

    Returns
    -------
    list of str
        One text for each row, in the order of the rows: the title with its articles in front, then
        ``[SEP]``, the token that BERT puts between two pieces of text, then the genres. A film
        without genres has its title alone. A ``[SEP]`` in a title becomes ``SEP``.

    Raises
    ------
    DataError
        When a column is missing, or a film has no title.

    Examples
    --------
    >>> matrix = {"movie_id": [2571], "title": ["Matrix, The (1999)"], "genres": ["Action|Sci-Fi"]}
    >>> movie_texts(pd.DataFrame(matrix))
    ['The Matrix (1999) [SEP] Action Sci-Fi']
    """
    movies = as_table(movies, "title", "genres")
    for row, title in enumerate(movies["title"]):
        if not isinstance(title, str) or not title.strip():
            raise DataError(
                f"{_who(movies, row)} has no title, but {title!r}; drop such rows, or give them a "
                "title."
            )
    kinds = [_kinds(genres, movies, row) for row, genres in enumerate(movies["genres"])]
    names = [restore_articles(title).replace("[SEP]", "SEP") for title in movies["title"]]
    return [f"{a} [SEP] {b}" if b else a for a, b in zip(names, kinds, strict=True)]


def _kinds(genres: Any, movies: pd.DataFrame, row: int) -> str:
    """Return genres separated by blanks: of "Action|Comedy", of a list, or of nothing."""
    listed = isinstance(genres, list | tuple | np.ndarray)
    if not listed and (pd.isna(genres) or genres == "(no genres listed)"):
        return ""
    names = genres.split("|") if isinstance(genres, str) else [*genres] if listed else [genres]
    if any(not isinstance(name, str) or name.startswith("[") for name in names):  # "['Action']"
        raise DataError(
            f"{_who(movies, row)} has the genres {genres!r}; give a text such as 'Action|Comedy', "
            "or a list of texts."
        )
    return " ".join(names).strip()


def _who(movies: pd.DataFrame, row: int) -> str:
    return f"Movie {movies['movie_id'].iloc[row]}" if "movie_id" in movies else f"Row {row}"


def _article_first(name: re.Match[str]) -> str:
    before, rest, article = name.groups()
    return f"{before}{article}{'' if article.endswith(chr(39)) else ' '}{rest}"
