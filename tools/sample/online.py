"""Let the people of the world answer: the reward of each model over twenty days.

    python -m tools.sample.online [--seed 42] [--days 20]

A model learns once, from the likes of the sample, and ranks all films for everybody. Every day
each person is shown the ten best films that they have not seen. The reward of a day is the number
of films on the list that a person opens and gives four stars or more. All models meet the same
people, days and luck. The truth ranks by `World.utility` of day 1: about the best there is.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from course_utils.evaluation import mean_and_interval
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS, EASE, ItemKNN, Popularity, Random, Recommender
from course_utils.world import World, load_world
from tools.sample.findings import last_five
from tools.sample.make import make_sample

K = 10
# The settings that `findings.last_five` chooses most often on validation.
MODELS: dict[str, Recommender] = {
    "random": Random(),
    "popularity": Popularity(),
    "item-kNN": ItemKNN(k=200, shrinkage=0.0),
    "EASE": EASE(250.0),
    "ALS": ALS(16, 1.0, iterations=15, alpha=1.0),
}

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def ranking(world: World, model: Recommender) -> Ids:
    """Return movie ids, shape (n_users, n_items): every film for everybody, best first.

    Films that a model leaves out come last, by id, so that no list runs short.
    """
    likes = encode(to_implicit(world.history()), world.users, world.items).matrix
    n_users, n_items = likes.shape
    rows = np.arange(n_users)
    ids, _ = model.fit(likes).recommend(
        rows, likes[rows], N=n_items, filter_already_liked_items=False
    )
    place = np.full((n_users, n_items + 1), n_items)  # the last column takes the ids of -1
    np.put_along_axis(place, ids, np.arange(n_items)[None], axis=1)
    return world.items[np.argsort(place[:, :n_items], axis=1, kind="stable")].astype(np.int64)


def rewards(world: World, ranked: Ids, days: int, seed: int) -> Floats:
    """Return the mean reward of a day per person, shape (n_users,)."""
    seen = {user: set(films) for user, films in world.history().groupby("user_id")["movie_id"]}
    total = np.zeros(len(world.users))
    for day in range(1, days + 1):
        lists = np.array(
            [
                [film for film in row.tolist() if film not in seen[user]][:K]
                for user, row in zip(world.users.tolist(), ranked, strict=True)
            ]
        )
        answers = world.respond(world.users, lists, day, seed)
        total += (answers.stars >= 4).sum(axis=1)  # NaN, not opened, is not
        world = world.after(answers)
        for user, films, opened in zip(world.users.tolist(), lists, answers.opened, strict=True):
            seen[user].update(films[opened].tolist())
    return total / days


def main() -> None:
    """Print the reward of each model, and the order offline beside the order online."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=42, help="of the sample and of the answers")
    parser.add_argument("--days", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, threadpool_limits(1, user_api="blas"):
        make_sample(Path(home) / "ml-1m", seed=options.seed)
        world = load_world(Path(home) / "ml-1m")
        ranked = {name: ranking(world, model) for name, model in MODELS.items()}
        best = np.argsort(-world.utility(world.users), axis=1)
        ranked["truth"] = world.items[best].astype(np.int64)
        online = {n: rewards(world, r, options.days, options.seed) for n, r in ranked.items()}
        offline = last_five(to_implicit(world.history()))
    mean, low, high = mean_and_interval(np.column_stack(list(online.values())))
    print("| policy | films opened and liked per list of ten, 95 % over people |")
    print("|---|---|")
    for n in np.argsort(mean):
        print(f"| {list(online)[n]} | {mean[n]:.3f} ({low[n]:.3f}–{high[n]:.3f}) |")
    by_offline = sorted(offline, key=lambda name: offline[name].mean())
    print("offline, recall@10 on the last five likes:", " < ".join(by_offline))
    known = [n for n in np.array(list(online))[np.argsort(mean)] if n not in ("random", "truth")]
    print("online, liked per list:", " < ".join(known))


if __name__ == "__main__":
    main()
