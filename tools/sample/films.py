"""Films as arrays: what each film is made of, its number, and when it appears."""

from dataclasses import dataclass

import numpy as np

from tools.sample.catalogue import LAST_YEAR, THEMES, TONES, Film
from tools.sample.chance import ONE, Chance, Ints, fixed, times

ERAS = ((1920, 1945), (1946, 1966), (1967, 1979), (1980, 1991), (1992, 2000))
DAY = 86_400
# Drift: how often a film is chosen rises to a peak and falls again.
FASHION = 400  # days from nothing to the peak of a fashion, and from there to nothing
BEYOND = 150  # days before the start and after the end in which peaks still lie
HYPE = fixed(0.68)  # log-weight at the peak of an old film, on average
NEWNESS = fixed(0.5)  # log-weight at the peak of a film that appeared after the start
RELEASES = 500  # days over which the films of the last year appear
ADDED = 6  # one in so many of the other films is added to the site later on
STYLES = 2  # what nobody wrote down of a film, and what people see in it
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
    peak, hype : Ints, shape (n_films,)
        The second at which most people talk about a film, and how much more often they then
        choose it, as a log-weight in fixed point.
    shelves : Ints, shape (n_films, 4)
        The lists of the site on which a film stands, widest last.
    style : Ints, shape (n_films, STYLES)
        What counts for its stars beside its traits, fixed point.
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
    peak: Ints
    hype: Ints
    shelves: Ints
    style: Ints
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
    fame = np.array([film.fame for film in facts], dtype=np.int64)
    appears = appearance(facts, fame, chance)
    late = np.cumsum(appears > START)
    if most_late is not None:
        appears = np.where(late > most_late, START, appears)
    # Numbers say nothing about fame, and films that appear later have higher ones, as on a
    # real site. They have gaps, so that nobody can mistake a number for a row.
    order = np.lexsort((chance.below(1 << 30, len(facts)), appears))
    # By the order of the catalogue, which is the same for every seed.
    at, high = (spread(fame, fixed(step))[order] for step in (0.75488, 0.56984))
    facts = [facts[i] for i in order]
    slugs = {slug: i for i, slug in enumerate(sorted({film.series for film in facts} - {""}))}
    appears = appears[order]
    return Films(
        movie_id=np.cumsum(1 + chance.below(7, len(facts))),
        fame=fame[order],
        quality=np.array([film.quality for film in facts], dtype=np.int64),
        appears=appears,
        series=np.array([slugs.get(film.series, -1) for film in facts], dtype=np.int64),
        traits=np.array([traits_of(film) for film in facts], dtype=np.int64),
        peak=peaks(appears, at, Chance(seed, "fashion")),
        hype=np.where(appears > START, NEWNESS, times(high, 2 * HYPE)),
        shelves=shelves(facts),
        style=Chance(seed, "style").bell(len(facts), STYLES),
        facts=facts,
    )


def appearance(facts: list[Film], fame: Ints, chance: Chance) -> Ints:
    """Return the second each film appears: most at the start, some long after it.

    Films of the last year appear one by one, as they come out. Some older ones, famous or not,
    are added to the site later on: the cold start of the course.
    """
    n = len(facts)
    new = np.array([film.year == LAST_YEAR for film in facts])
    added = spread(fame, fixed(0.61803), ONE // 10) * ADDED < ONE
    release = START + chance.below(RELEASES * DAY, n)
    addition = START + 300 * DAY + chance.below(600 * DAY, n)
    return np.where(new, release, np.where(added, addition, START))


def spread(fame: Ints, step: int, first: int = ONE // 2) -> Ints:
    """Return shares in [0, 1) that are even among films of like fame, however few.

    Multiples of an irrational number, here `step`, modulo 1. With random shares, the half dozen
    best-known films would decide how much drift a seed has.
    """
    rank = np.empty(len(fame), dtype=np.int64)
    rank[np.argsort(-fame, kind="stable")] = np.arange(len(fame))
    return (rank * step + first) % ONE


def peaks(appears: Ints, share: Ints, chance: Chance) -> Ints:
    """Return when each film is most talked about: a new one soon, an old one at any time."""
    soon = appears + chance.below(120 * DAY, len(appears))
    days = (END - START) // DAY + 2 * BEYOND
    anytime = START - BEYOND * DAY + times(share, days) * DAY
    return np.where(appears > START, soon, anytime)


def buzz(films: Films, film: Ints, seconds: Ints) -> Ints:
    """Return what a film's fashion adds to its log-weight at some second, fixed point."""
    away = abs(seconds - films.peak[film]) // DAY
    return times(films.hype[film], np.maximum(FASHION - away, 0) * ONE // FASHION)


def shelves(facts: list[Film]) -> Ints:
    """Return the numbers of each film's lists: series, kind and era, kind and theme, all films.

    A film without a series stands on the list of its kind and era instead.
    """
    names = []
    for film in facts:
        kind = next(kind for kind in KINDS if kind in film.genres)
        era = next(first for first, last in ERAS if first <= film.year <= last)
        of_era = f"{kind} {era}"
        names.append([film.series or of_era, of_era, f"{kind} {film.themes[0]}", "all"])
    number = {name: i for i, name in enumerate(sorted({n for row in names for n in row}))}
    return np.array([[number[name] for name in row] for row in names], dtype=np.int64)


def traits_of(film: Film) -> list[int]:
    """Return the six trait numbers of a film."""
    themes = [*film.themes, film.themes[0]][:3]
    era = next(first for first, last in ERAS if first <= film.year <= last)
    kind = next(kind for kind in KINDS if kind in film.genres)
    names = [*(f"theme:{theme}" for theme in themes), f"tone:{film.tone}", f"era:{era}"]
    names.append(f"kind:{kind}")
    return [TRAIT_NUMBER[name] for name in names]
