# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From ratings to interactions
#
# You turn a table of stars into the sparse user–item matrix that every recommender of the course learns from, and you split it so that the future does not leak into the past.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/03_interactions_and_splits.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - choose a threshold for implicit feedback, and say what it throws away;
# - go from ids to rows and back, and read a CSR matrix as three arrays;
# - encode a test set so that its columns mean what the model's columns mean;
# - split by the course's protocol, and measure what a random split, the future of other users and a tie rule do to a score.
#
# **What you need first**: [Loading MovieLens](02_loading_movielens.ipynb).
#
# **How long it takes**: about 90 minutes.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:  # on Colab, say
    course = "https://github.com/your-org/movielens-course/archive/refs/heads/main.zip"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)
    importlib.invalidate_caches()

import course_utils

course_utils.setup()

# %% [markdown]
# ## From stars to likes
#
# A star rating is *explicit* feedback: somebody said how good a film was. Most systems see only what people watched, bought or clicked. That is *implicit* feedback: a trace without an opinion. The course mostly learns from "this user likes this film: yes, or unknown".
#
# Here are four users and five films. Their ids have gaps, as real ids do.

# %%
import numpy as np
import pandas as pd

toy = pd.DataFrame(
    {
        "user_id": [3, 3, 8, 8, 8, 21, 21, 40, 40, 40],
        "movie_id": [10, 34, 20, 34, 50, 10, 47, 10, 20, 50],
        "rating": [5, 4, 2, 4, 5, 3, 4, 4, 5, 1],
    }
)
toy.pivot(index="user_id", columns="movie_id", values="rating").astype("Int64")

# %% [markdown]
# The usual rule calls four stars or more a *positive*. `to_implicit` applies it and leaves its input as it is.

# %%
from course_utils.interactions import encode, to_implicit

by_hand = toy[toy["rating"] >= 4].reset_index(drop=True)
positives = to_implicit(toy, threshold=4.0)
assert positives.equals(by_hand)
positives

# %% [markdown]
# The threshold throws something away. User 8 gave film 20 two stars and never rated film 10; now both are *unknown*. Its height decides how much is left to learn from. As everywhere in the course, the ratings of the embedded sample are simulated.

# %%
from course_utils.datasets import load_movielens

ml = load_movielens()
for threshold in (3, 4, 5):
    liked = to_implicit(ml.ratings, threshold)
    print(
        f"{threshold} stars or more: {len(liked):,} positives, {liked['user_id'].nunique()} users"
    )

# %% mystnb={"image": {"alt": "Bar chart of the share of each rating; the ratings of four stars or more are drawn darker and labeled with their common share."}}
from course_utils import plots

axes = plots.rating_scale(ml.ratings, threshold=4.0)

# %% [markdown]
# Five stars instead of four keep 24,532 of the 57,770 positives, and every user.
#
# ## Ids are not rows
#
# A matrix has rows 0, 1, 2, …; the ids are 3, 8, 21, 40. An array of the sorted ids leads both ways: *row to id* by indexing, *id to row* by a search.

# %%
users, items = np.unique(positives["user_id"]), np.unique(positives["movie_id"])
print("row 2 is user", users[2], "and user 21 is in row", np.searchsorted(users, 21))
print("user 22 would be in row", np.searchsorted(users, 22), "which is user", users[3])

# %% [markdown]
# The second line shows the trap: a search also answers for an id that does not exist. User 22 is nobody, and row 3 belongs to user 40.

# %%
matrix_by_hand = np.zeros((len(users), len(items)), dtype=np.float32)
for row in positives.itertuples():
    matrix_by_hand[np.searchsorted(users, row.user_id), np.searchsorted(items, row.movie_id)] = 1

tiny = encode(positives)
assert (tiny.matrix.toarray() == matrix_by_hand).all()
assert (tiny.users == users).all() and (tiny.items == items).all()
tiny

# %% [markdown]
# `encode` builds the same matrix for millions of rows and keeps the ids with it. Using an id where a row belongs is a common mistake, and it rarely raises an error: row 3 exists, and it is user 40's. `rows_of` makes the step visible and refuses an unknown id.

# %%
from course_utils.errors import DataError

row = tiny.rows_of(3)
print("user 3 is in row", row, "and likes", tiny.items[tiny.matrix[row].indices])
print("row 3 is user", tiny.users[3], "and likes", tiny.items[tiny.matrix[3].indices])
try:
    tiny.rows_of(2)
except DataError as error:
    print("rows_of(2):", error)

# %% [markdown]
# ### Your turn: rows of ids
#
# Write `rows_of(ids, wanted)`. `ids` holds the id of each row, ascending. Return the row of each wanted id, and −1 where the matrix does not have that id.


# %%
from course_labs import check


def rows_of(ids, wanted):
    """Return the row of each wanted id, -1 for an unknown one."""
    ...


check("lesson03.a", rows_of)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def rows_of(ids, wanted):
#     rows = np.searchsorted(ids, wanted)
#     rows = np.minimum(rows, len(ids) - 1)
#     return np.where(ids[rows] == wanted, rows, -1)
# ```
#
# An id above the largest one gets the position `len(ids)`, which is no row; `np.minimum` brings it back.
# </details>
#
# ## A sparse matrix is three arrays
#
# Most cells are empty, so it pays to store only the others. *CSR*, compressed sparse rows, uses three arrays: `indices` holds the columns of the stored cells, row after row; `data` holds their values, here all 1; `indptr` says where each row begins, and at its end where the last row stops.

# %% mystnb={"image": {"alt": "The toy matrix of four users and five films drawn as a grid with its stored ones shaded by row; below it the arrays indices and data with one cell for each stored value in the shade of its row, and the array indptr with one more cell than there are rows."}}
axes = plots.csr_anatomy(
    tiny.matrix, [f"user {user}" for user in tiny.users], [str(item) for item in tiny.items]
)

# %% [markdown]
# The second row runs from `indptr[1]` to `indptr[2]`, and `indices` holds its columns there:

# %%
start, stop = tiny.matrix.indptr[1], tiny.matrix.indptr[2]
columns = tiny.matrix.indices[start:stop]
assert tiny.items[columns].tolist() == positives.loc[positives["user_id"] == 8, "movie_id"].tolist()
print(f"user {tiny.users[1]}: cells {start} to {stop}, films {tiny.items[columns]}")

# %% [markdown]
# Getting a row is a slice; getting a column means looking through every row. Rows are always users.
#
# ### Your turn: what two users share
#
# Write `in_common(indptr, indices, a, b)`: the columns stored in both row `a` and row `b`, ascending.


# %%
def in_common(indptr, indices, a, b):
    """Return the columns stored in both rows of a CSR matrix."""
    ...


check("lesson03.b", in_common)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def in_common(indptr, indices, a, b):
#     first = indices[indptr[a] : indptr[a + 1]]
#     second = indices[indptr[b] : indptr[b + 1]]
#     return np.intersect1d(first, second)
# ```
# </details>
#
# ## Density and memory
#
# The *density* is the share of cells that are stored. Stored dense in `float32`, a matrix takes 4 bytes a cell. As CSR it takes 4 bytes for each value, 4 for its column, and 4 for each of the `n_users` + 1 cells of `indptr`.

# %%
positives = to_implicit(ml.ratings)
everything = encode(positives)
matrix, (n_users, n_items) = everything.matrix, everything.matrix.shape
csr_mb = (matrix.nnz * (4 + 4) + (n_users + 1) * 4) / 1e6
arrays = (matrix.data, matrix.indices, matrix.indptr)
assert csr_mb == sum(array.nbytes for array in arrays) / 1e6
print(
    f"{n_users:,} × {n_items:,} cells, {matrix.nnz:,} stored: {matrix.nnz / n_users / n_items:.1%}"
)
print(f"dense {n_users * n_items * 4 / 1e6:.1f} MB, CSR {csr_mb:.1f} MB")

# %% [markdown]
# At 4.7 % density CSR takes a tenth of the memory. In a larger catalogue each user has seen a smaller share, so the gap grows. This is ml-32m, computed from [the size that GroupLens states](https://files.grouplens.org/datasets/movielens/ml-32m-README.html), as if every rating were a positive:

# %%
n_users, n_items, n_ratings = 200_948, 87_585, 32_000_204
print(
    f"dense {n_users * n_items * 4 / 1e9:,.0f} GB, CSR {(n_ratings * 8 + n_users * 4) / 1e9:.2f} GB"
)

# %% [markdown]
# ## A test set that holds unknown films
#
# A recommender learns from the past and is judged on the future. Cut once in time for everybody, and hold out the newest fifth of the positives:

# %%
from course_utils.splits import global_time_split

by_date = global_time_split(positives, test_ratio=0.2)
past, future = by_date.train, by_date.test
new_users = set(future["user_id"]) - set(past["user_id"])
new_items = set(future["movie_id"]) - set(past["movie_id"])
print(f"{len(new_users):,} users and {len(new_items):,} films of the future are new")

# %% [markdown]
# Encoded alone, the future gets columns of its own, and one column number means two films:

# %%
train, test_alone = encode(past), encode(future)
print("train", train.matrix.shape, " test on its own", test_alone.matrix.shape)
print("column 100 is film", train.items[100], "in train and film", test_alone.items[100], "in test")

# %% [markdown]
# So give the test set the rows and columns of the training set.

# %%
test = encode(future, users=train.users, items=train.items)
assert test.matrix.shape == train.matrix.shape
print(f"{test.dropped / len(future):.0%} of the future cannot be placed")

# %% [markdown]
# 79 % of this future belongs to users or films without a past. No score says anything about them. Recommending for them is the *cold-start problem*, the subject of [lesson 10](10_hybrids.ipynb).
#
# ## The course's split
#
# To ask "what will this user like next?", hold out each user's last positives. By hand on the toy ratings, with a time for each:

# %%
from course_utils.splits import leave_last_out

timed = by_hand.assign(timestamp=[10, 20, 40, 30, 10, 50, 60])
last = timed.sort_values("timestamp", kind="stable").groupby("user_id").tail(1)
split = leave_last_out(timed, n_test=1, min_train=1)
assert set(split.test["user_id"]) == set(last["user_id"]) - {21}
split

# %% [markdown]
# User 21 has a single positive and nothing to learn from without it, so it stays in the training set.
#
# Lessons 04 to 07 and 09 use one protocol. A user's last five positives are the *test*, the five before them the *validation* set, on which settings are chosen. The chosen model is fitted again on training and validation together, and the test is opened once on each page, after all settings are fixed. Users with fewer than 15 positives are only learned from.

# %%
from course_utils.splits import course_split

split = course_split(positives)
known = encode(split.train_and_val)
test = encode(split.test, users=known.users, items=known.items)
print(split)
print(f"{test.dropped / len(split.test):.1%} of the test cannot be placed")

# %% [markdown]
# ### Your turn: the last n of each user
#
# Write `is_last(user_ids, times, n)`: for each row of a table, whether it is among the last `n` of its user. Of equal times, the row further down counts as later.


# %%
def is_last(user_ids, times, n):
    """Return for each row whether it is among the last n of its user."""
    ...


check("lesson03.c", is_last)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def is_last(user_ids, times, n):
#     order = np.lexsort((np.arange(len(times)), times, user_ids))
#     table = pd.DataFrame({"user": np.asarray(user_ids)[order]}, index=order)
#     last = table.groupby("user").tail(n).index
#     return np.isin(np.arange(len(times)), last)
# ```
#
# `lexsort` sorts by its last key first: by user, then by time, then by the row's position, which decides ties.
# </details>
#
# ## What a random split does to a score
#
# Many notebooks hold out a random share of each user's ratings. The score then rises for two reasons, and they can be told apart. Either the random films are easier to find, because more users like them, or the model gains from knowing what came *after* the film it has to find.
#
# A third test separates the two: for each of a user's last five films, take an earlier film of the same user that about as many users like. Its films are as popular as the last five, but the model now sees what the user liked after each of them. If that helped, this test would score higher than the last five; the rest of the rise is easier films.


# %%
def earlier_and_as_well_known(split):
    """Return, for each held-out film, an earlier one of the same user with about as many likes."""
    likes = split.train_and_val["movie_id"].value_counts()
    earlier = split.train_and_val["movie_id"].map(likes)
    rows_of_user = split.train_and_val.groupby("user_id").groups
    picked = []
    for user, films in split.test.groupby("user_id")["movie_id"]:
        mine = earlier[rows_of_user[user]]
        for count in films.map(likes).fillna(0):
            picked.append((mine - count).abs().idxmin())
            mine = mine.drop(picked[-1])
    return positives.loc[picked]


at_random = positives[positives["user_id"].isin(split.test["user_id"])].groupby("user_id")
tests = {
    "the last five": split.test,
    "five earlier, as well known": earlier_and_as_well_known(split),
    "five at random": at_random.sample(5, random_state=42),
}

# %% [markdown]
# Two instruments measure each test, both from [lesson 04](04_baselines.ipynb): *popularity* recommends the ten best-liked films that a user does not have, and *EASE* learns from each user's other films. *Recall@10* is the share of a user's held-out films among the ten recommended ones. Brackets: how far a mean could be off with other users (95 %; see [lesson 06](06_evaluating_rankings.ipynb)).

# %%
from course_utils.evaluation import beside_real, evaluate, mean_and_interval
from course_utils.models import EASE, Popularity


def matrix_of(table):
    """Return a matrix with a row and a column for everything there is, so that nothing drops."""
    return encode(table, users=everything.users, items=everything.items).matrix


def recall_on(test, model):
    train = matrix_of(positives.drop(test.index))
    result = evaluate(model.fit(train), train, matrix_of(test), progress=False)
    return result.per_user["recall@10"]


rises = {}
for name, model in {"popularity": Popularity(), "EASE": EASE()}.items():
    of_users = pd.DataFrame({name_of: recall_on(films, model) for name_of, films in tests.items()})
    gain = of_users["five earlier, as well known"] - of_users["the last five"]
    mean, low, high = (x.item() for x in mean_and_interval(gain.to_numpy()[:, None]))
    rises[name] = of_users.mean().map("{:.3f}".format).to_dict()
    rises[name]["second row − first"] = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"
beside_real("lesson03.random_split", pd.DataFrame(rises))

# %% [markdown]
# For popularity the whole rise, from 0.090 to 0.180, is an easier test: on films as well known as the last five it scores 0.087, no more. EASE gains twice. It rises from 0.152 to 0.196 on equally well known films, because it now knows what the user liked after each of them, also on the same day. The easier test lifts it further, to 0.296. On real ratings EASE rises the same way, from 0.082 to 0.127 and to 0.201; popularity even falls by 0.006 on the second test.
#
# `assert_no_leakage` finds such a split by its timestamps:

# %%
from course_utils.splits import Split, assert_no_leakage

assert_no_leakage(split)
try:
    random_test = tests["five at random"]
    assert_no_leakage(Split(positives.drop(random_test.index), positives.head(0), random_test))
except DataError as error:
    print(error)

# %% [markdown]
# ## The future of other users
#
# The course's split keeps each user's own future out of their past, but not the future of others: what one user liked in March helps to predict what another liked in February. How much is that worth? Cut once in time, test on the next ten likes of users with a past, and train twice: on everybody's past, or on that plus the future of the *other* users.


# %%
def gains_from_others(model, share):
    """Return, per tested user, recall@10 from the past alone and with the others' future."""
    before = positives["timestamp"] < positives["timestamp"].quantile(share)
    past, later = matrix_of(positives[before]), matrix_of(positives[~before])
    future = positives[~before].sort_values("timestamp", kind="stable")
    test = matrix_of(future.groupby("user_id").head(10))
    tested = np.flatnonzero((np.diff(past.indptr) >= 5) & (np.diff(test.indptr) > 0))
    alone, with_others = [], []
    for half in (tested[::2], tested[1::2]):  # each half learns from what all others did later
        is_other = np.ones((len(everything.users), 1))
        is_other[half] = 0
        more = (past + later.multiply(is_other)).tocsr()
        theirs = test.multiply(1 - is_other).tocsr()
        for train, found in ((past, alone), (more, with_others)):
            result = evaluate(model.fit(train), train, theirs, progress=False)
            found.append(result.per_user["recall@10"])
    return pd.DataFrame({"past": pd.concat(alone), "others": pd.concat(with_others)})


# %%
leaks = {}
for name, model in {"popularity": Popularity(), "EASE": EASE()}.items():
    every = pd.concat([gains_from_others(model, share) for share in (0.5, 0.6, 0.7, 0.8)])
    users_mean = every.groupby(level=0).mean()
    mean, low, high = mean_and_interval(
        users_mean.assign(gain=users_mean["others"] - users_mean["past"])
    )
    leaks[name] = {
        "past alone": f"{mean[0]:.3f}", "and others' future": f"{mean[1]:.3f}",
        "gain": f"{mean[2]:+.3f} [{low[2]:+.3f}, {high[2]:+.3f}]", "users": len(users_mean),
    }  # fmt: skip
beside_real("lesson03.others_future", pd.DataFrame(leaks).T)

# %% [markdown]
# Popularity gains 0.009 and EASE 0.015, and neither interval holds 0. For popularity the sample plants a reason: films come into fashion and go out. EASE also has more likes to learn from; the table cannot tell the two apart. On real ml-latest-small popularity gains as much; only 61 of its users can be tested, too few to tell whether EASE gains. On ml-100k, measured for this course at the same cuts, popularity's score rose by 15 to 65 % of itself and that of EASE by 15 to 24 %. [Lesson 06](06_evaluating_rankings.ipynb) asks whether the *order* of models survives a cut in time.
#
# ## The tie rule, as a number
#
# Lesson 02 counted the users who gave several ratings at their last timestamp. For them "the last positive" depends on a rule that most papers leave out: the order of the file, the movie id, or chance. Here one positive is held out under each rule, under chance with twenty seeds, and popularity is judged by its *hit rate*, the share of users whose film it finds.


# %%
def hit_rate(**rule):
    one = leave_last_out(positives, n_test=1, min_train=14, **rule)
    train = matrix_of(one.train)
    model = Popularity().fit(train)
    return evaluate(model, train, matrix_of(one.test), progress=False).summary["hit_rate@10"]


by_chance = [hit_rate(ties="random", seed=seed) for seed in range(20)]
rules = {
    "order of the file": hit_rate(ties="order"),
    "movie id": hit_rate(ties="movie_id"),
    "chance, lowest of 20": min(by_chance),
    "chance, mean of 20": np.mean(by_chance),
    "chance, highest of 20": max(by_chance),
}
beside_real("lesson03.ties", pd.Series(rules, name="hit_rate@10").round(3))

# %% [markdown]
# File order gives 0.057, and chance gives between 0.067 and 0.080 from the same model. The sample plants this, too: people there rate a page of films best-known first, so the last of a tie is a little-known film. In ml-latest-small each user's ties are sorted by movie id, so the first two rows agree, and chance moves the score from 0.038 to 0.045. `ties` is therefore an argument of each split, and part of what a paper must report.

# %% [markdown]
# ## Check yourself
#
# **1. `indptr` of a CSR matrix is `[0, 2, 2, 5]`. How many values does the second row hold?**
#
# <details class="right"><summary>a) 0</summary>
#
# Yes. The second row runs from <code>indptr[1]</code> = 2 to <code>indptr[2]</code> = 2: it is empty.
# </details>
#
# <details><summary>b) 2</summary>
#
# That is the first row, which runs from 0 to 2.
# </details>
#
# <details><summary>c) 3</summary>
#
# That is the third row, which runs from 2 to 5.
# </details>
#
# **2. A matrix of 10,000 users and 5,000 films stores 1,000,000 ones. About how many times larger is it dense than as CSR, both in `float32`?**
#
# <details><summary>a) 50 times</summary>
#
# That is one over the density; CSR also stores a column number with each value.
# </details>
#
# <details><summary>b) 10 times</summary>
#
# CSR takes 8 bytes for each stored value, 8 MB in all.
# </details>
#
# <details class="right"><summary>c) 25 times</summary>
#
# Yes. Dense: 50 million cells × 4 bytes = 200 MB. CSR: a million × 8 bytes, and 0.04 MB for the rows: 8 MB.
# </details>
#
# **3. You replace five random positives of each user by the last five. Popularity's recall falls by half. What has happened?**
#
# <details><summary>a) A leak of the users' own futures was closed, which popularity had profited from.</summary>
#
# On films as well known as the last five, popularity scored no higher although it knew what came later.
# </details>
#
# <details class="right"><summary>b) The test got harder: users' last films are less famous than their films at large.</summary>
#
# Yes. That is what the middle row of the table isolates, and for popularity it explains the whole change.
# </details>
#
# <details><summary>c) The model got worse, because it has fewer positives to learn from.</summary>
#
# Both splits hold out five positives of the same users, so the training sets are of the same size.
# </details>
#
# **4. `encode(future)` without `users` and `items` runs without an error. Why is it wrong?**
#
# <details><summary>a) The test matrix must not be encoded at all.</summary>
#
# It must be, with the rows and columns of the training set.
# </details>
#
# <details class="right"><summary>b) Its columns are numbered anew, so they mean other films than the model's columns.</summary>
#
# Yes. Column 100 is another film there.
# </details>
#
# <details><summary>c) It drops users whom the training set does not know.</summary>
#
# The opposite: given <code>users</code> and <code>items</code> it drops them.
# </details>

# %% [markdown]
# ## What you learned
#
# - A threshold turns stars into positives; what is below it becomes unknown, not disliked.
# - Ids and rows are different numbers: keep the arrays that lead from one to the other, and encode the test with the training set's users and items.
# - CSR stores 8 bytes a positive; at 4.7 % density that is a tenth of the dense matrix.
# - The course's split tests on each user's last five positives and chooses on the five before.
# - A random split lifts popularity from 0.090 to 0.180 by an easier test alone, and EASE from 0.152 to 0.296 by that and by knowing what came later; other users' future is worth 0.009 and 0.015.
#
# Next: [Baselines](04_baselines.ipynb) builds the models that every later one has to beat. The [data card](../book/data_card.md) says what the sample can and cannot show.
