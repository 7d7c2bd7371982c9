"""How many films each person rates: as many in all as asked for, to the last one."""

import numpy as np

from tools.sample.chance import ONE, SHIFT, Chance, Ints, natural_log

LEAST = 20  # ratings per person, as in MovieLens
# Ratings per person at the 0th, 5th, 10th, ..., 95th percentile of a site of middling size.
PERCENTILES = (
    20, 22, 24, 27, 30, 34, 39, 44, 50, 58, 67, 78, 92, 110, 130, 155, 182, 214, 256, 315,
)  # fmt: skip
# Above them: each step of the exponential distribution multiplies the number by this much, so
# that the more people there are, the further the keenest of them go.
TAIL = 128  # percent
TAIL_STEPS = 24


def activities(n: int, n_films: int, n_ratings: int, seed: int) -> Ints:
    """Draw how many films each person rates.

    Parameters
    ----------
    n, n_films, n_ratings : int
        What there is, and what the result adds up to; `sizes.Size` has validated that it can.
    seed : int

    Returns
    -------
    Ints, shape (n,)
        At least `LEAST` each and at most `n_films`.
    """
    base = drawn_activity(n, Chance(seed, "activity"))
    # Nobody goes through a whole catalogue unless there are more ratings than that allows.
    most = n_films * 3 // 5
    if n_ratings > n * max(most * 2 // 3, LEAST):
        most = n_films
    most = max(most, LEAST)
    low, high = 0, 1
    while stretched(base, high, most).sum() < n_ratings:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if stretched(base, middle, most).sum() <= n_ratings:
            low = middle
        else:
            high = middle
    rated = stretched(base, low, most)
    # One more step would be too much (or just right): the first few take it.
    room = np.cumsum(stretched(base, high, most) - rated)
    missing = n_ratings - int(rated.sum())
    more = np.diff(np.minimum(room, missing), prepend=0)
    return rated + more


def drawn_activity(n: int, chance: Chance) -> Ints:
    """Draw numbers by straight lines between the percentiles, and beyond the last along a tail.

    One person is drawn from each n-th of the distribution, so that few people follow it too.
    """
    table = np.array([*PERCENTILES, PERCENTILES[-1]], dtype=np.int64)
    place = np.argsort(chance.raw(n), kind="stable")
    position = (place * ONE + chance.share(n)) * len(PERCENTILES) // n
    left, part = position >> SHIFT, position & (ONE - 1)
    low = table[left] << SHIFT
    body = low + (table[left + 1] - table[left]) * part
    heights = [PERCENTILES[-1] << SHIFT]
    for _ in range(TAIL_STEPS):
        heights.append(heights[-1] * TAIL // 100)
    tail = np.array(heights, dtype=np.int64)
    beyond = natural_log(np.array([ONE])) - natural_log(ONE - part)  # exponential in the tail
    beyond = np.minimum(beyond, (TAIL_STEPS - 1) << SHIFT)
    step, part = beyond >> SHIFT, beyond & (ONE - 1)
    above = tail[step] + (((tail[step + 1] - tail[step]) >> 8) * part >> 8)
    drawn: Ints = np.where(left == len(PERCENTILES) - 1, above, body)
    return drawn


def stretched(base: Ints, factor: int, most: int) -> Ints:
    """Return whole numbers from `LEAST` to `most`: what goes beyond `LEAST`, times `factor`."""
    beyond = np.minimum(base - LEAST * ONE, (1 << 62) // max(factor, 1))
    rated: Ints = np.minimum(LEAST + ((beyond * factor) >> (2 * SHIFT)), most)
    return rated
