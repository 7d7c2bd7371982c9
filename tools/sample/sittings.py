"""When people sit down to rate, and the second of every rating."""

from dataclasses import dataclass

import numpy as np

from tools.sample.chance import SHIFT, Chance, Ints, fixed, times
from tools.sample.films import DAY, END, START, Films

MOST_SITTINGS = 6
ONE_SITTING = 69  # percent of people who come exactly once
SAME_SECOND = fixed(0.45)  # share of ratings sent together with the one before, as on one page
# Order: people rate list by list. How often a film is met on each of `Films.shelves`:
SHELVINGS = (20, 2, 2, 1)
SHELF_FAME = fixed(0.015)  # how much earlier a list comes per point of fame of its best-known film
FAMOUS_FIRST = fixed(0.5)  # how much one point of fame moves a film up its list
GAP = fixed(14.0)  # mean number of seconds between two pages, beyond the least of two


@dataclass(frozen=True)
class Sittings:
    """When each person comes.

    Attributes
    ----------
    start : Ints, shape (n_people, MOST_SITTINGS)
        The first second of each sitting, in order of time; the first `count` of a row are real.
    count : Ints, shape (n_people,)
    """

    start: Ints
    count: Ints

    def __getitem__(self, rows: slice) -> "Sittings":
        """Return the sittings of some people."""
        return Sittings(start=self.start[rows], count=self.count[rows])

    def last(self) -> Ints:
        """Return the start of each person's last sitting."""
        return self.start[np.arange(len(self.count)), self.count - 1]


def build_sittings(n: int, seed: int) -> Sittings:
    """Draw when each person joins and comes back: most never, the others once to five times."""
    chance = Chance(seed, "sittings")
    joined = START + times(chance.share(n), (END - START) * 9 // 10)
    # Squaring a share between 0 and 1 makes small ones common: most come back soon.
    share = chance.share(n, MOST_SITTINGS)
    back = times(share, share)
    start = joined[:, None] + DAY // 2 + times(back, (END - DAY - joined)[:, None])
    start[:, 0] = joined
    count = np.where(chance.below(100, n) < ONE_SITTING, 1, 2 + chance.below(5, n))
    unused = np.arange(MOST_SITTINGS) >= count[:, None]
    start = np.sort(np.where(unused, END, start), axis=1)
    return Sittings(start=start, count=count)


def rating_times(
    person: Ints, film: Ints, sitting: Ints, films: Films, sittings: Sittings, chance: Chance
) -> tuple[Ints, Ints, Ints]:
    """Return when each rating is given; `person` must be sorted.

    Returns
    -------
    seconds : Ints, shape (n_ratings,)
        Unix time.
    page : Ints, shape (n_ratings,)
        A number per page; the ratings of a page are sent together, in one second.
    turn : Ints, shape (n_ratings,)
        The place of each rating when all are put in order of person, time and page.
    """
    n = len(person)
    order = list_by_list(person, film, sitting, films, chance)
    group = (person * MOST_SITTINGS + sitting)[order]
    first = np.ones(n, dtype=np.bool_)
    first[1:] = group[1:] != group[:-1]
    same_page = (chance.share(n) < SAME_SECOND) & ~first
    wait = 2 + (times(chance.exponential(n), GAP) >> SHIFT)
    elapsed = np.cumsum(np.where(first | same_page, 0, wait))
    since_start = elapsed - np.repeat(elapsed[first], np.diff(np.append(np.flatnonzero(first), n)))
    seconds, page, turn = (np.empty(n, dtype=np.int64) for _ in range(3))
    seconds[order] = sittings.start[person, sitting][order] + since_start
    page[order] = np.cumsum(~same_page) - 1
    # On a page stands the best known first, and so it was stored.
    order = order[np.lexsort((-films.fame[film[order]], page[order]))]
    turn[order] = np.arange(n)
    return seconds, page, turn


def list_by_list(person: Ints, film: Ints, sitting: Ints, films: Films, chance: Chance) -> Ints:
    """Return the order in which people rate: one list of the site after the other.

    Lists with well-known films come early, and well-known films stand first in each. In every
    second sitting the lists come the other way around: a person goes on where they stopped.
    """
    shelf = films.shelves[film, chance.pick(SHELVINGS, len(film))]
    best_known = np.zeros((int(person.max()) + 1, int(films.shelves.max()) + 1), dtype=np.int64)
    np.maximum.at(best_known, (person, shelf), films.fame[film])
    place = (chance.gumbel(*best_known.shape) + best_known * SHELF_FAME)[person, shelf]
    place = np.where(sitting % 2 == 0, -place, place)
    within = films.fame[film] * FAMOUS_FIRST + chance.gumbel(len(film))
    return np.lexsort((-within, shelf, place, sitting, person))


def choose_sitting(person: Ints, appears: Ints, sittings: Sittings, chance: Chance) -> Ints:
    """Return the sitting of each rating: early ones more often; the last if the film is late."""
    share = chance.share(len(person))
    chosen = times(times(share, share), sittings.count[person] << SHIFT) >> SHIFT
    too_early = sittings.start[person, chosen] < appears
    return np.where(too_early, sittings.count[person] - 1, chosen)
