"""How many stars a person gives to a film."""

import numpy as np

from tools.sample.chance import Chance, Ints, fixed, times
from tools.sample.films import Films

MEAN = fixed(2.53)  # stars for a film of the quality and fame below, from a person without bias
QUALITY = fixed(0.0221)  # stars per point of quality
RENOWN = fixed(0.0285)  # stars per point of fame
REFERENCE_QUALITY, REFERENCE_FAME = 65, 40
OBSCURE = 8  # below this fame, less fame takes no more stars away
GENEROSITY = fixed(0.28)  # stars per standard deviation of personal bias
LIKING = fixed(0.38)  # stars per unit of fit
STYLE = fixed(0.21)  # stars per standard deviation of each style
BUZZ = fixed(0.2)  # stars per unit of the log-weight that a fashion adds
MOOD = fixed(0.70)  # stars of noise
# What an opinion must reach for 2, 3, 4 and 5 stars: people give a 4 easily, a 1 or a 5 less so.
CUTS = tuple(fixed(cut) for cut in (1.68, 2.48, 3.44, 4.59))


def give_stars(
    bias: Ints, film: Ints, fits: Ints, style: Ints, now: Ints, films: Films, chance: Chance
) -> Ints:
    """Return 1 to 5 stars per rating: the film, the person, how they fit, and chance.

    Parameters
    ----------
    bias, film, fits, style, now : Ints, shape (n_ratings,)
        The generosity of the person, the position of the film, how well they fit, what the
        person sees in its style, and its fashion at the time.
    films : Films
    chance : Chance
    """
    opinion = opinion_of(films)[film] + times(bias, GENEROSITY)
    opinion += times(fits, LIKING)
    opinion += times(style, STYLE)
    opinion += times(now, BUZZ)
    opinion += times(chance.bell(len(film)), MOOD)
    return np.searchsorted(np.array(CUTS), opinion, side="right").astype(np.int64) + 1


def opinion_of(films: Films) -> Ints:
    """Return what people think of each film on average, in stars, fixed point."""
    renown: Ints = (np.maximum(films.fame, OBSCURE) - REFERENCE_FAME) * RENOWN
    return MEAN + (films.quality - REFERENCE_QUALITY) * QUALITY + renown
