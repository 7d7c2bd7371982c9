"""Films beyond the catalogue: made up, and visibly so."""

import numpy as np

from tools.sample.catalogue import FIRST_YEAR, LAST_YEAR, Film
from tools.sample.chance import ONE, SHIFT, Chance, times

KNOWN = 60  # made-up films are like the catalogue's films of less fame than this
SINKING = (1 << 12, 1 << 15)  # beyond each number of made-up films, fame sinks once more
# What a made-up title is about, so that its words say something true of the film.
NOUNS = {
    "aliens": "Saucer", "animals": "Otter", "battle": "Trench", "courtship": "Bouquet",
    "disaster": "Flood", "family": "Cousins", "friends": "Roommates", "frontier": "Prairie",
    "ghosts": "Attic", "heist": "Vault", "journey": "Crossing", "justice": "Verdict",
    "killer": "Strangler", "machines": "Robot", "magic": "Wizard", "mind": "Dream",
    "mob": "Syndicate", "monsters": "Swamp Thing", "music": "Ballad", "outsiders": "Drifter",
    "past": "Heirloom", "police": "Precinct", "politics": "Senator", "showbiz": "Understudy",
    "space": "Orbit", "spies": "Cipher", "sport": "Playoff", "swords": "Duel",
    "time": "Pendulum", "youth": "Prom",
}  # fmt: skip


def enough_films(catalogue: list[Film], n: int, seed: int) -> list[Film]:
    """Return `n` films: some of the catalogue, or all of it and made-up ones."""
    if n <= len(catalogue):
        kept = np.argsort(Chance(seed, "fewer").raw(len(catalogue)), kind="stable")[:n]
        return [catalogue[i] for i in sorted(kept.tolist())]
    return [*catalogue, *invented(catalogue, n - len(catalogue), seed)]


def invented(catalogue: list[Film], n: int, seed: int) -> list[Film]:
    """Make up `n` films, each with the traits of a little-known film and a fame below it.

    A small site lists what many have heard of, a large one everything: the more films are made
    up, the deeper the fame of most of them sinks.
    """
    models = [film for film in catalogue if film.fame < KNOWN] or catalogue
    chance = Chance(seed, "invented")
    model = chance.below(len(models), n).tolist()
    shift = (chance.below(11, n) - 5).tolist()
    # The share is 1 for few films, even for some, and most often small for very many.
    share, sunk = chance.share(n), np.full(n, ONE)
    for limit in SINKING:
        if n > limit:
            sunk = times(sunk, share)
    films = []
    for number in range(n):
        like = models[model[number]]
        year = min(max(like.year + shift[number], FIRST_YEAR), LAST_YEAR)
        films.append(
            Film(
                title=f"Made-up {NOUNS[like.themes[0]]} {number + 1:05d}, The ({year})",
                year=year,
                genres=like.genres,
                series="",
                themes=like.themes,
                tone=like.tone,
                fame=max(like.fame * int(sunk[number]) >> SHIFT, 1),
                quality=like.quality,
            )
        )
    return films
