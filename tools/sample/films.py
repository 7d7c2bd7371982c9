"""Films as arrays: what each film is made of, its number, and when it appears."""

from dataclasses import dataclass

import numpy as np

from tools.sample.catalogue import LAST_YEAR, THEMES, TONES, Film
from tools.sample.chance import Chance, Ints

ERAS = ((1920, 1945), (1946, 1966), (1967, 1979), (1980, 1991), (1992, 2000))
DAY = 86_400
START = 956_707_200  # 26 April 2000, 00:00 UTC
END = 1_046_390_400  # 28 February 2003, 00:00 UTC

# The kind of a film is the first of these among its genres: what people would call it.
KINDS = (
    "Children's", "Animation", "Horror", "Western", "Film-Noir", "Documentary", "Musical", "War",
    "Sci-Fi", "Mystery", "Crime", "Romance", "Fantasy", "Adventure", "Action", "Thriller",
    "Comedy", "Drama",
)  # fmt: skip
# A trait is anything a person can have a taste for; the order below numbers them.
TRAITS = (
    *(f"theme:{theme}" for theme in THEMES),
    *(f"tone:{tone}" for tone in TONES),
    *(f"era:{first}" for first, _ in ERAS),
    *(f"kind:{kind}" for kind in KINDS),
)
TRAIT_NUMBER = {trait: number for number, trait in enumerate(TRAITS)}


@dataclass(frozen=True)
class Films:
    """One row per film, in order of `movie_id`.

    Attributes
    ----------
    movie_id, fame, quality, appears : Ints, shape (n_films,)
        `fame` and `quality` run from 1 to 100; `appears` is the second from which a film can
        be rated.
    series : Ints, shape (n_films,)
        A number per series, -1 for a film without one.
    traits : Ints, shape (n_films, 6)
        Positions in `TRAITS`: three themes (a film with two repeats its first), tone, era, kind.
    facts : list of Film
    """

    movie_id: Ints
    fame: Ints
    quality: Ints
    appears: Ints
    series: Ints
    traits: Ints
    facts: list[Film]

    def __len__(self) -> int:
        """Return the number of films."""
        return len(self.facts)


def build_films(facts: list[Film], seed: int, most_late: int | None = None) -> Films:
    """Give every film a number, and decide when each appears.

    Parameters
    ----------
    facts : list of Film
    seed : int
    most_late : int, optional
        At most so many films appear after the start; if None, there is no limit.
    """
    chance = Chance(seed, "films")
    appears = appearance(facts, chance)
    late = np.cumsum(appears > START)
    if most_late is not None:
        appears = np.where(late > most_late, START, appears)
    # Numbers say nothing about fame, and films that appear later have higher ones, as on a
    # real site. They have gaps, so that nobody can mistake a number for a row.
    order = np.lexsort((chance.below(1 << 30, len(facts)), appears))
    facts = [facts[i] for i in order]
    slugs = {slug: i for i, slug in enumerate(sorted({film.series for film in facts} - {""}))}
    return Films(
        movie_id=np.cumsum(1 + chance.below(7, len(facts))),
        fame=np.array([film.fame for film in facts], dtype=np.int64),
        quality=np.array([film.quality for film in facts], dtype=np.int64),
        appears=appears[order],
        series=np.array([slugs.get(film.series, -1) for film in facts], dtype=np.int64),
        traits=np.array([traits_of(film) for film in facts], dtype=np.int64),
        facts=facts,
    )


def appearance(facts: list[Film], chance: Chance) -> Ints:
    """Return the second each film appears: most at the start, some long after it.

    Films of the last year appear during the first months, as they come out. A few older ones,
    never the most famous, are added to the site later on: the cold start of the course.
    """
    n = len(facts)
    new = np.array([film.year == LAST_YEAR for film in facts])
    famous = np.array([film.fame > 70 for film in facts])
    added = (chance.below(25, n) == 0) & ~famous
    release = START + chance.below(300 * DAY, n)
    addition = START + 300 * DAY + chance.below(600 * DAY, n)
    return np.where(new, release, np.where(added, addition, START))


def traits_of(film: Film) -> list[int]:
    """Return the six trait numbers of a film."""
    themes = [*film.themes, film.themes[0]][:3]
    era = next(first for first, last in ERAS if first <= film.year <= last)
    kind = next(kind for kind in KINDS if kind in film.genres)
    names = [*(f"theme:{theme}" for theme in themes), f"tone:{film.tone}", f"era:{era}"]
    names.append(f"kind:{kind}")
    return [TRAIT_NUMBER[name] for name in names]
