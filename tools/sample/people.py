"""The simulated people: who they are, what they like, how much they rate."""

from dataclasses import dataclass

import numpy as np

from tools.sample.chance import SHIFT, Chance, Ints, fixed, times
from tools.sample.films import END, START, STYLES, TRAITS
from tools.sample.sittings import MOST_SITTINGS

AGES = (1, 18, 25, 35, 45, 50, 56)  # ML-1M's codes: the first year of each age group
AGE_WEIGHTS = (4, 18, 35, 20, 9, 8, 6)
STUDENT, PUPIL, RETIRED = 4, 10, 13  # among ML-1M's occupation codes 0 to 20
OCCUPATION_WEIGHTS = (12, 9, 5, 3, 0, 2, 4, 11, 1, 2, 0, 2, 6, 0, 5, 3, 4, 9, 1, 1, 5)
ZIP_CODES = 99  # 00001 to 00099: visibly made up

# Broad tastes that several traits share. One number per person and broad taste makes people who
# like one space film like the next, and a space battle, and a robot: what a neighborhood method
# or a factor model can find.
BROAD_TASTES: dict[str, dict[str, float]] = {
    "adventure": {
        "theme:space": 1.2, "theme:aliens": 1.0, "theme:machines": 0.8, "theme:time": 0.8,
        "theme:battle": 0.5, "theme:swords": 0.6, "theme:disaster": 0.5, "theme:spies": 0.5,
        "tone:epic": 0.8, "theme:courtship": -0.4, "kind:Sci-Fi": 0.8, "kind:Action": 0.6,
        "kind:Adventure": 0.5,
    },
    "chills": {
        "theme:monsters": 1.0, "theme:ghosts": 1.0, "theme:killer": 0.9, "tone:dark": 0.4,
        "tone:tense": 0.4, "tone:warm": -0.4, "theme:aliens": 0.3, "kind:Horror": 1.2,
    },
    "crime": {
        "theme:mob": 1.2, "theme:heist": 0.9, "theme:police": 0.8, "theme:killer": 0.4,
        "theme:justice": 0.6, "tone:tense": 0.5, "tone:dark": 0.5, "theme:magic": -0.4,
        "kind:Crime": 0.9, "kind:Film-Noir": 0.5,
    },
    "hearts": {
        "theme:courtship": 1.2, "theme:family": 0.6, "theme:past": 0.6, "tone:warm": 0.7,
        "theme:battle": -0.4, "theme:aliens": -0.4, "theme:friends": 0.3, "kind:Romance": 0.9,
    },
    "childhood": {
        "theme:animals": 1.1, "theme:magic": 1.1, "theme:music": 0.9, "theme:family": 0.4,
        "theme:journey": 0.4, "tone:warm": 0.5, "tone:dark": -0.4, "kind:Children's": 1.5,
        "kind:Animation": 1.2, "kind:Musical": 0.6,
    },
    "laughs": {
        "tone:funny": 1.3, "theme:youth": 0.6, "theme:friends": 0.4, "theme:sport": 0.5,
        "theme:past": -0.4, "era:1980": 0.4, "kind:Comedy": 0.8,
    },
    "festival": {
        "tone:quirky": 0.8, "theme:outsiders": 0.7, "theme:mind": 0.6, "theme:politics": 0.5,
        "theme:showbiz": 0.5, "theme:disaster": -0.5, "tone:epic": -0.4, "kind:Documentary": 0.6,
        "kind:Drama": 0.3,
    },
    "classics": {
        "era:1920": 1.3, "era:1946": 1.3, "era:1967": 0.7, "era:1992": -0.6, "era:1980": -0.3,
        "theme:frontier": 0.5, "theme:past": 0.4, "kind:Western": 0.5, "kind:Film-Noir": 0.6,
    },
}  # fmt: skip
OWN_TASTE = 1.5  # spread of a person's own taste for each trait; that of a broad taste is 1
# By how much a broad taste differs from the first day of the period to the last.
NEWCOMERS = {"adventure": -0.8, "classics": -0.6, "festival": -0.6, "hearts": 0.8,
             "childhood": 0.8, "laughs": 0.6}  # fmt: skip
WALK = fixed(0.4)  # how far a broad taste moves from one sitting to the next


@dataclass(frozen=True)
class People:
    """One row per person.

    Attributes
    ----------
    gender, age, occupation, zip_code : Ints, shape (n_people,)
        `gender` is 1 for F; `age` is a position in `AGES`.
    taste : Ints, shape (n_people, n_traits)
        Liking of each trait, fixed point, mean about 0.
    moves : Ints, shape (n_people, MOST_SITTINGS, n_broad_tastes)
        How far the broad tastes have moved by each sitting, fixed point.
    style : Ints, shape (n_people, STYLES)
        What people see in a film's style, fixed point, mean about 0.
    bias, activity : Ints, shape (n_people,)
        How generous a person is, fixed point, and how many films they rate.
    """

    gender: Ints
    age: Ints
    occupation: Ints
    zip_code: Ints
    taste: Ints
    moves: Ints
    style: Ints
    bias: Ints
    activity: Ints

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.gender)


def build_people(activity: Ints, joined: Ints, seed: int) -> People:
    """Draw the people who rate `activity` films and come first at the second `joined`."""
    n = len(activity)
    chance = Chance(seed, "people")
    gender = (chance.below(1000, n) < 283).astype(np.int64)
    age = chance.pick(AGE_WEIGHTS, n)
    return People(
        gender=gender,
        age=age,
        occupation=occupations(age, chance),
        zip_code=1 + chance.below(ZIP_CODES, n),
        taste=tastes(gender, age, joined, Chance(seed, "tastes")),
        moves=moves(n, Chance(seed, "moves")),
        style=Chance(seed, "opinions").bell(n, STYLES),
        bias=chance.bell(n),
        activity=activity,
    )


def occupations(age: Ints, chance: Chance) -> Ints:
    """Draw occupations: minors are pupils, many young adults study, the oldest often retired."""
    n = len(age)
    drawn = chance.pick(OCCUPATION_WEIGHTS, n)
    coin = chance.below(100, n)
    drawn = np.where((age == 1) & (coin < 55), STUDENT, drawn)
    drawn = np.where((age == 6) & (coin < 40), RETIRED, drawn)
    return np.where(age == 0, PUPIL, drawn)


def tastes(gender: Ints, age: Ints, joined: Ints, chance: Chance) -> Ints:
    """Draw what each person likes: broad tastes, and a taste of their own for every trait.

    Those who join late differ a little from the first ones. Demographics move a broad taste by a
    fraction of its spread, so that groups overlap almost entirely and nobody can be read off
    their age.
    """
    n = len(gender)
    broad = chance.bell(n, len(BROAD_TASTES))
    names = list(BROAD_TASTES)
    years = age - 2  # 0 is 25-34, the most common group
    broad[:, names.index("classics")] += years * fixed(0.2)
    broad[:, names.index("laughs")] -= years * fixed(0.1)
    broad[:, names.index("hearts")] += gender * fixed(0.3)
    broad[:, names.index("adventure")] -= gender * fixed(0.3)
    late = (joined - START) * 1024 // (END - START) - 512
    for name, shift in NEWCOMERS.items():
        broad[:, names.index(name)] += late * fixed(shift) // 1024
    return times(chance.bell(n, len(TRAITS)), fixed(OWN_TASTE)) + by_trait(broad)


def moves(n: int, chance: Chance) -> Ints:
    """Draw how far each person's broad tastes have moved by each sitting: a random walk."""
    steps = times(chance.bell(n, MOST_SITTINGS, len(BROAD_TASTES)), WALK)
    steps[:, 0] = 0
    return np.cumsum(steps, axis=1)


def by_trait(broad: Ints) -> Ints:
    """Return what broad tastes, in the last axis, mean for each trait."""
    loadings = np.zeros((len(BROAD_TASTES), len(TRAITS)), dtype=np.int64)
    for row, of_traits in zip(loadings, BROAD_TASTES.values(), strict=True):
        for trait, loading in of_traits.items():
            row[TRAITS.index(trait)] = fixed(loading)
    return (broad @ loadings) >> SHIFT
