"""Which films each person has seen: fame, taste, and series that pull people along.

Nobody chooses from ninety thousand films. A person comes across some, well-known ones more
often, and chooses among them; who rates much comes across all of a small catalogue. How many
films a person comes across grows with how many they rate, not with the catalogue, and so does
the time that it takes to simulate them.
"""

from decimal import Decimal
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tools.sample.chance import Chance, Ints, fixed, natural_log, times
from tools.sample.films import Films, buzz
from tools.sample.sittings import MOST_SITTINGS, Sittings, choose_sitting

Marks = npt.NDArray[np.bool_]

# Log-weight of films of fame 0, 10, ..., 100: steep at the bottom, where films are hardly found.
FAME = (-2.4, -0.6, 1.0, 2.2, 3.1, 3.95, 4.8, 5.55, 6.3, 6.95, 7.6)
CURIOSITY = fixed(0.82)  # log-weight of one unit of fit
SEQUEL = fixed(3.4)  # log-weight of a film whose series one has begun
# On later visits fashion counts so many times as much: the old favorites are rated already.
BACK_AGAIN = 7
GLANCES, EXTRA_GLANCES = 12, 400  # films come across per film rated, and on top of that
RARELY = 1 << 6  # how often a film of no fame is come across, among all weights

# One sort key holds a person, a weight and a position, so that no two are equal and every
# machine sorts them alike.
POSITION_BITS, WEIGHT_BITS = 21, 25
MIDDLE = 1 << (WEIGHT_BITS - 1)


def glances(activity: Ints, n_films: int) -> Ints:
    """Return how often each person comes across a film; `n_films` where they see the whole list."""
    return np.minimum(activity * GLANCES + EXTRA_GLANCES, n_films)


@lru_cache(maxsize=1)
def fame_tables() -> tuple[Ints, Ints]:
    """Return the log-weight, and how often people come across it, of a film of each fame.

    People come across films by the square root of their weight: tastes must have a choice.
    `Decimal` computes exponentials to the same last digit everywhere, `math` does not.
    """
    weights = []
    for fame in range(101):
        left, part = divmod(fame, 10)
        right = min(left + 1, len(FAME) - 1)
        weights.append(fixed(FAME[left]) + (fixed(FAME[right]) - fixed(FAME[left])) * part // 10)
    halves = [Decimal(weight - weights[0]) / (2 << 16) for weight in weights]
    often = [int(half.exp() * RARELY) for half in halves]
    return np.array(weights, dtype=np.int64), np.array(often, dtype=np.int64)


def fit(taste: Ints, films: Films, person: Ints, film: Ints) -> Ints:
    """Return how well films fit people, fixed point.

    Parameters
    ----------
    taste : Ints, shape (n_people, n_traits)
    films : Films
    person, film : Ints, shape (n,)
        Rows of `taste`, positions in `films`.

    Returns
    -------
    Ints, shape (n,)
        The taste for the six traits of a film together, scaled down.
    """
    flat = taste.ravel()
    start = person * taste.shape[1]
    total = np.zeros(len(person), dtype=np.int64)
    for column in films.traits.T:
        total += flat[start + column[film]]
    return total * 2 // 5  # six terms, partly shared


def seen(
    taste: Ints, activity: Ints, sittings: Sittings, films: Films, chance: Chance
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return who has seen what.

    Parameters
    ----------
    taste : Ints, shape (n_people * MOST_SITTINGS, n_traits)
        By person, then sitting.
    activity : Ints, shape (n_people,)
        How many films each person sees; no more than have appeared by their last sitting.
    sittings : Sittings
    films : Films
    chance : Chance

    Returns
    -------
    person, film : Ints, shape (n_ratings,)
        Positions, by person.
    fits, sitting : Ints, shape (n_ratings,)
        How well they fit, and the sitting in which they are rated.
    """
    weights, often = fame_tables()
    last = sittings.last()
    looks = glances(activity, len(films))
    person, film = considered(looks, often[films.fame], last, films, chance)
    if (np.bincount(person, minlength=len(activity)) < activity).any():
        # Somebody came across too little, as can happen in odd sizes: they look again, at all.
        short = np.bincount(person, minlength=len(activity)) < activity
        looks = np.where(short, len(films), looks)
        person, film = considered(looks, often[films.fame], last, films, chance)
    sitting = choose_sitting(person, films.appears[film], sittings, chance)
    fits = fit(taste, films, person * MOST_SITTINGS + sitting, film)
    weight = weights[films.fame][film] + times(fits, CURIOSITY) + chance.gumbel(len(film))
    now = buzz(films, film, sittings.start[person, sitting])
    weight += np.where(sitting > 0, BACK_AGAIN * now, now)
    weight += rarity(looks, often[films.fame], person, film)
    picked = chosen(person, film, weight, activity, films)
    return person[picked], film[picked], fits[picked], sitting[picked]


def considered(
    looks: Ints, often: Ints, last: Ints, films: Films, chance: Chance
) -> tuple[Ints, Ints]:
    """Return what people come across, by person, then film; nothing twice.

    The films lie on a line, each as long as it is often come across. The line is cut into as
    many equal parts as a person has looks, and each look falls somewhere into its part.
    """
    n = len(films)
    person = np.repeat(np.arange(len(looks)), looks)
    part = np.arange(len(person)) - np.repeat(np.cumsum(looks) - looks, looks)
    ends = np.cumsum(often)
    whole = int(ends[-1])
    spot = (part * whole + chance.below(whole, len(part))) // looks[person]
    film = np.where(looks[person] == n, part, np.searchsorted(ends, spot, side="right"))
    new = np.ones(len(film), dtype=np.bool_)
    new[1:] = (film[1:] != film[:-1]) | (part[1:] == 0)
    new &= films.appears[film] <= last[person]
    return person[new], film[new]


def rarity(looks: Ints, often: Ints, person: Ints, film: Ints) -> Ints:
    """Return the log-weight that makes up for how rarely people come across a film.

    With it, the films one may miss are chosen as if everybody had looked at everything.
    """
    # The chance to come across a film is looks * often / whole, or 1 if that is more.
    whole = natural_log(np.array([often.sum()]))
    missed = np.maximum(whole - natural_log(often)[film] - natural_log(looks)[person], 0)
    return np.where(looks[person] == len(often), 0, missed)


def chosen(person: Ints, film: Ints, weight: Ints, activity: Ints, films: Films) -> Ints:
    """Choose `activity` films per person: two thirds by weight, then with a pull to sequels."""
    series = films.series[film]
    begun = heaviest(person, weight, activity * 2 // 3)
    begun_series = np.zeros((len(activity), int(films.series.max(initial=0)) + 1), dtype=np.bool_)
    part_of_one = begun[series[begun] >= 0]
    begun_series[person[part_of_one], series[part_of_one]] = True
    follows = (series >= 0) & begun_series[person, series]
    weight = weight + SEQUEL * follows
    weight[begun] = MIDDLE  # what is already chosen stays chosen
    return heaviest(person, weight, activity)


def heaviest(person: Ints, weight: Ints, n: Ints) -> Ints:
    """Return the positions of the `n` heaviest entries of each person, in order of position."""
    lightness = np.clip(MIDDLE - weight, 0, (1 << WEIGHT_BITS) - 1)
    position = np.arange(len(person))
    key = (((person << WEIGHT_BITS) | lightness) << POSITION_BITS) | position
    key.sort()
    counts = np.bincount(person, minlength=len(n))
    rank = position - np.repeat(np.cumsum(counts) - counts, counts)
    best = rank < n[person]
    return np.sort(key[best] & ((1 << POSITION_BITS) - 1))
