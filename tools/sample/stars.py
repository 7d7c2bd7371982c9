"""How many stars a person gives to a film."""

import numpy as np

from sample.chance import Chance, Ints, fixed, times
from sample.exposure import BATCH, fit
from sample.films import Films
from sample.people import People

MEAN = fixed(2.49)  # stars for a film of average quality from a person without bias
QUALITY = fixed(0.0255)  # stars per point of quality
RENOWN = fixed(0.025)  # stars per point of fame
AVERAGE_QUALITY, AVERAGE_FAME = 65, 40
GENEROSITY = fixed(0.25)  # stars per standard deviation of personal bias
LIKING = fixed(0.44)  # stars per standard deviation of fit
MOOD = fixed(0.90)  # stars of noise
# What an opinion must reach for 2, 3, 4 and 5 stars: people give a 4 easily, a 1 or a 5 less so.
CUTS = tuple(fixed(cut) for cut in (1.68, 2.48, 3.44, 4.59))


def give_stars(person: Ints, film: Ints, people: People, films: Films, seed: int) -> Ints:
    """Return 1 to 5 stars per rating: the film, the person, how they fit, and chance."""
    chance = Chance(seed, "stars")
    opinion = MEAN + (films.quality[film] - AVERAGE_QUALITY) * QUALITY
    opinion += (films.fame[film] - AVERAGE_FAME) * RENOWN
    opinion += times(people.bias[person], GENEROSITY)
    opinion += times(fit_of(person, film, people, films), LIKING)
    opinion += times(chance.bell(len(person)), MOOD)
    return np.searchsorted(np.array(CUTS), opinion, side="right").astype(np.int64) + 1


def fit_of(person: Ints, film: Ints, people: People, films: Films) -> Ints:
    """Return the fit of each (person, film) pair; `person` must be sorted."""
    found = np.empty(len(person), dtype=np.int64)
    for first in range(0, len(people), BATCH):
        here = slice(*np.searchsorted(person, (first, first + BATCH)))
        table = fit(people, films, slice(first, first + BATCH))
        found[here] = table[person[here] - first, film[here]]
    return found
