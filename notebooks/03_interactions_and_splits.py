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
# You turn a table of stars into the sparse user–item matrix that every recommender of the course learns from, and you split it into past and future without letting the future leak.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/03_interactions_and_splits.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - say what implicit feedback is, and choose a threshold for it;
# - go from ids to rows and back without mixing them up;
# - read a CSR matrix as the three arrays it is;
# - work out how much memory a matrix needs before you make it;
# - encode a test set so that its columns mean what the model's columns mean;
# - split by time, check for leaks, and say what a tie is worth.
#
# **What you need first**: [Loading MovieLens](02_loading_movielens.ipynb).
#
# **How long it takes**: about 60 minutes.

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
# A star rating is *explicit* feedback: somebody said how good a film was. Most systems get none of it. They see what people watched, bought or clicked, which is *implicit* feedback: a trace without an opinion. Because that is what you will meet at work, the course mostly learns from "this person liked this film", yes or unknown.
#
# Take four people and five films, few enough to check on paper. Their ids have gaps, as real ids do.

# %%
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
# The usual rule: four stars or more is a *positive*. By hand that is one comparison.

# %%
by_hand = toy[toy["rating"] >= 4].reset_index(drop=True)
by_hand

# %% [markdown]
# `to_implicit` does the same, never changes the table you give it, and refuses a threshold that nothing reaches.

# %%
from course_utils.interactions import encode, to_implicit

positives = to_implicit(toy, threshold=4.0)
assert positives.equals(by_hand)
assert len(toy) == 10  # unchanged

# %% [markdown]
# Be clear about what is lost. User 8 gave film 20 two stars, and user 8 never rated film 10. After the threshold both look the same: *unknown*. Many models for implicit feedback treat the unknown as "probably not", with little confidence.
#
# Where you put the threshold decides how much you learn from. Here is the release you loaded. As everywhere in the course, the people of the embedded sample are simulated.

# %%
from course_utils.datasets import load_movielens

ml = load_movielens()
for threshold in (3, 4, 5):
    liked = to_implicit(ml.ratings, threshold)
    people = liked["user_id"].nunique()
    print(f"{threshold} stars or more: {len(liked):,} positives of {people:,} people")

# %% mystnb={"image": {"alt": "Bar chart of the share of each rating; the ratings of four stars or more are drawn darker and labeled with their common share."}}
from course_utils import plots

axes = plots.rating_scale(ml.ratings, threshold=4.0)

# %% [markdown]
# The higher the threshold, the fewer the positives. A person can lose all of theirs, and then vanishes from the matrix. In the toy table that happens to user 21:

# %%
print("four stars:", to_implicit(toy, 4)["user_id"].unique())
print("five stars:", to_implicit(toy, 5)["user_id"].unique())

# %% [markdown]
# User 21 gave three stars and four, never five, and is not somebody who likes nothing. How many people of your release it happens to, you read off the counts above.
#
# ## Ids are not rows
#
# A matrix has rows 0, 1, 2, …; the ids are 3, 8, 21, 40. So you need two lookups: which id is in this row, and which row has this id. An array of the sorted ids gives both.

# %%
import numpy as np

users = np.unique(positives["user_id"])
items = np.unique(positives["movie_id"])
print("users", users)
print("items", items)

# %% [markdown]
# *Row to id* is indexing. *Id to row* is a search in a sorted array.

# %%
print("row 2 is user", users[2])
print("user 21 is in row", np.searchsorted(users, 21))

# %% [markdown]
# A search answers for ids that do not exist, too: it says where they would stand. There is no user 22, and row 3 is somebody else.

# %%
print("user 22 would be in row", np.searchsorted(users, 22), "which is user", users[3])

# %% [markdown]
# With the two lookups you build the matrix by hand: one row for each user, one column for each film, 1 where the user liked the film.

# %%
matrix_by_hand = np.zeros((len(users), len(items)), dtype=np.float32)
for row in positives.itertuples():
    matrix_by_hand[np.searchsorted(users, row.user_id), np.searchsorted(items, row.movie_id)] = 1
matrix_by_hand

# %% [markdown]
# `encode` does this for millions of rows, and returns the ids together with the matrix so that they cannot get lost.

# %%
tiny = encode(positives)
assert (tiny.matrix.toarray() == matrix_by_hand).all()
assert (tiny.users == users).all()
assert (tiny.items == items).all()
tiny

# %% [markdown]
# The mistake that everybody makes once is to use an id where a row belongs. Sometimes you are lucky and it fails:

# %%
try:
    tiny.matrix[21]
except IndexError as error:
    print("IndexError:", error)

# %% [markdown]
# More often the number fits, and you get somebody else's row without a word. `rows_of` and `columns_of` make the step visible, and refuse an id that the matrix does not have:

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
# ## A sparse matrix is three arrays
#
# Most cells are empty, so it pays to store only the others. *CSR*, compressed sparse rows, does so with three arrays:
#
# - `indices`: the columns of the stored cells, row after row;
# - `data`: their values, in the same order, here all 1;
# - `indptr`: where each row begins in these two, and, at its end, where the last one stops.

# %%
print("indices", tiny.matrix.indices)
print("data   ", tiny.matrix.data)
print("indptr ", tiny.matrix.indptr)

# %% mystnb={"image": {"alt": "The toy matrix of four users and five films drawn as a grid with its stored ones shaded by row; below it the arrays indices and data with one cell for each stored value in the shade of its row, and the array indptr with one more cell than there are rows."}}
rows = [f"user {user}" for user in tiny.users]
columns = [str(item) for item in tiny.items]
axes = plots.csr_anatomy(tiny.matrix, rows, columns)

# %% [markdown]
# Read one row off the picture: the second row runs from `indptr[1]` to `indptr[2]`, and `indices` holds its columns there. That is all a recommender does to find what somebody likes.

# %%
start, stop = tiny.matrix.indptr[1], tiny.matrix.indptr[2]
columns = tiny.matrix.indices[start:stop]
print(f"user {tiny.users[1]} likes films {tiny.items[columns]}")
assert tiny.items[columns].tolist() == positives.loc[positives["user_id"] == 8, "movie_id"].tolist()

# %% [markdown]
# Getting a row is a slice. Getting a *column* means looking through every row, which is why a matrix the wrong way around, films × users, is not only wrong but the slower way around. In this course rows are always users.
#
# ## Density and memory
#
# The *density* is the share of cells that are stored. Now the whole release:

# %%
positives = to_implicit(ml.ratings)
everything = encode(positives)
n_users, n_items = everything.matrix.shape
density = everything.matrix.nnz / (n_users * n_items)
print(everything)
print(
    f"density {density:.2%}: {n_users * n_items:,} cells, {everything.matrix.nnz:,} of them stored"
)

# %% [markdown]
# You can work out the memory of a matrix from its size alone. Dense, it takes 4 bytes for each cell. As CSR it takes 4 for each value, 4 for each column number, and 4 for each row and one more.

# %%
dense_mb = n_users * n_items * 4 / 1e6
csr_mb = (everything.matrix.nnz * (4 + 4) + (n_users + 1) * 4) / 1e6
arrays = (everything.matrix.data, everything.matrix.indices, everything.matrix.indptr)
assert csr_mb == sum(array.nbytes for array in arrays) / 1e6

# %% mystnb={"image": {"alt": "Horizontal bar chart of the megabytes of the matrix stored dense in eight-byte numbers, dense in four-byte numbers, and as CSR, which is the shortest bar by far."}}
sizes = {"dense, float64": 2 * dense_mb, "dense, float32": dense_mb, "CSR, float32": csr_mb}
axes = plots.memory_of(sizes)

# %% [markdown]
# On a small release both fit. The gap grows with the catalogue: of a larger one, everybody has seen a smaller share. Here is ml-32m, computed from the [size that GroupLens states](https://files.grouplens.org/datasets/movielens/ml-32m-README.html), as if every rating were a positive:

# %%
n_users, n_items, n_ratings = 200_948, 87_585, 32_000_204
print(f"dense, float32: {n_users * n_items * 4 / 1e9:,.0f} GB")
print(f"CSR,   float32: {(n_ratings * (4 + 4) + (n_users + 1) * 4) / 1e9:,.2f} GB")

# %% [markdown]
# ## A test set that holds unknown films
#
# A recommender learns from the past and is judged on the future. The most honest split cuts once in time, for everybody: the newest fifth of the positives is held out.

# %%
from course_utils.splits import global_time_split

by_date = global_time_split(positives, test_ratio=0.2)
past, future = by_date.train, by_date.test
by_date

# %% [markdown]
# People join, and films find their first admirers, so the future holds ids that the past has never seen:

# %%
new_users = set(future["user_id"]) - set(past["user_id"])
new_items = set(future["movie_id"]) - set(past["movie_id"])
print(f"{len(new_users):,} users and {len(new_items):,} films are new")

# %% [markdown]
# Encode each on its own, and the two matrices do not even have the same shape. Worse, a column means one film here and another one there:

# %%
train, test_alone = encode(past), encode(future)
print("train", train.matrix.shape, " test on its own", test_alone.matrix.shape)
print("column 100 is film", train.items[100], "in train and film", test_alone.items[100], "in test")

# %% [markdown]
# A model that recommends column 100 would be judged on another film. So give the test set the rows and columns of the training set. What cannot be placed is dropped, and `encode` says how much:

# %%
test = encode(future, users=train.users, items=train.items)
assert test.matrix.shape == train.matrix.shape
print(f"{test.dropped / len(future):.0%} of the future cannot be placed")

# %% [markdown]
# You did nothing wrong: most of the future *is* out of reach. Many people rate in one sitting, so a cut in time separates people rather than habits.
#
# Read the line that `encode` prints every time. It tells you what an evaluation is blind to: people the model has never met, and films it has never seen. A score says nothing about them, however good it is. Recommending for them is called the *cold-start problem*, and it needs something other than their past ratings.
#
# The toy example shows the same with numbers you can follow. User 99 and film 60 are new:

# %%
later = pd.DataFrame({"user_id": [3, 8, 99], "movie_id": [20, 60, 10]})
toy_test = encode(later, users=tiny.users, items=tiny.items)
toy_test.matrix.toarray()

# %% [markdown]
# ## Splitting person by person
#
# To ask "what will *this* person like next?", hold out the last positives of each person. Give the toy ratings a time, and do it by hand: sort by time, take the last row of each user.

# %%
timed = by_hand.assign(timestamp=[10, 20, 40, 30, 10, 50, 60])
last = timed.sort_values("timestamp", kind="stable").groupby("user_id").tail(1)
last.sort_values("user_id")

# %% [markdown]
# User 21 has one positive only. Hold it out and nothing is left to learn from, so `leave_last_out` keeps such users in the training set, and says how many there are.

# %%
from course_utils.splits import leave_last_out

split = leave_last_out(timed, n_test=1, min_train=1)
assert set(split.test["user_id"]) == set(last["user_id"]) - {21}
split

# %% [markdown]
# Now the whole release: the last five positives of everybody who keeps at least five. Compare what can be placed with the cut in time above.

# %%
split = leave_last_out(positives, n_test=5, min_train=5)
train = encode(split.train)
test = encode(split.test, users=train.users, items=train.items)
print(split)
print(f"{test.dropped / len(split.test):.1%} of the test set cannot be placed")

# %% [markdown]
# The price: one person's past may lie after another one's future, so a model may have learned from what one person liked in March when it predicts what another one liked in February. Both protocols are in use. Say which one a number comes from.
#
# ## What a random split does to a score
#
# You need a model to see what a split does to a score. Take the simplest: recommend the ten films with the most positives that a person does not have yet. The *recall@10* of a person is the share of their held-out films among the ten.


# %%
def recall_of_popularity(split):
    train = encode(split.train)
    test = encode(split.test, users=train.users, items=train.items)
    scores = np.tile(np.asarray(train.matrix.sum(axis=0)), (len(train.users), 1))
    scores[train.matrix.nonzero()] = -1  # nobody is recommended what they have
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    held_out = test.matrix.toarray()
    hits = np.take_along_axis(held_out, top, axis=1).sum(axis=1)
    has_test = held_out.sum(axis=1) > 0
    return (hits[has_test] / held_out.sum(axis=1)[has_test]).mean()


print(f"last five held out: recall@10 = {recall_of_popularity(split):.3f}")

# %% [markdown]
# Many tutorials hold out five positives at random instead. You get that split by giving every row a random time before you split. The model is the same, the people are the same:

# %%
rng = np.random.default_rng(42)
shuffled = positives.assign(timestamp=rng.permutation(len(positives)))
at_random = leave_last_out(shuffled, n_test=5, min_train=5)
print(f"five at random: recall@10 = {recall_of_popularity(at_random):.3f}")

# %% [markdown]
# The score rises, and no recommender got better. Two things changed. The test got easier: people meet the well-known films first, so their last films are rarer than films drawn at random. And the future leaks: a model that predicts what somebody liked in spring has been trained on what they liked in summer. In the world there is neither. How much it lifts a model that learns from a person's other films, [lesson 07](07_wrong_notebook.ipynb) measures.

# %%
in_train = split.train["movie_id"].value_counts()
for name, part in {"last five": split, "five at random": at_random}.items():
    known = part.test["movie_id"].map(in_train).mean()
    print(f"{name:15} a held-out film has {known:.0f} positives in training, on average")

# %% [markdown]
# `assert_no_leakage` checks that nobody's own future is in their past. It needs the real times back:

# %%
from course_utils.splits import Split, assert_no_leakage

assert_no_leakage(split)
assert_no_leakage(by_date)

with_times = [
    positives.loc[part.index] for part in (at_random.train, at_random.val, at_random.test)
]
try:
    assert_no_leakage(Split(*with_times))
except DataError as error:
    print(error)

# %% [markdown]
# ## The tie rule, as a number
#
# In the last lesson you counted the people who have several ratings at their last timestamp. For them, "the last positive" depends on a rule that most papers do not state: the order of the file, the movie id, or chance. Hold out one positive under each:

# %%
for ties in ("order", "movie_id", "random"):
    one = leave_last_out(positives, n_test=1, min_train=5, ties=ties, seed=42)
    print(f"ties by {ties:8}  recall@10 = {recall_of_popularity(one):.3f}")

# %% [markdown]
# Same data, same model, same metric. How far the numbers lie apart depends on the release: where a page of ratings is stored in an order that has to do with the films, the rule decides what is tested; in a file that is sorted by movie id, the first two rules are one. So `ties` is an argument here, and belongs in what you report.

# %% [markdown]
# ## Check yourself
#
# **1. `train.matrix[7]` gives you the films of …**
#
# <details><summary>a) user 7.</summary>
#
# Only if the user ids happen to be 0, 1, 2, … without a gap. 7 is a row here.
# </details>
#
# <details><summary>b) the user whose id is <code>train.users[7]</code>.</summary>
#
# Yes. A row number goes into <code>train.users</code> to give an id; an id goes into <code>rows_of</code> to give a row.
# </details>
#
# <details><summary>c) the seventh film.</summary>
#
# Rows are users. Films are columns.
# </details>
#
# **2. `indptr` of a CSR matrix is `[0, 2, 2, 5]`. How many values does the second row hold?**
#
# <details><summary>a) 0</summary>
#
# Yes. The second row runs from <code>indptr[1]</code> = 2 to <code>indptr[2]</code> = 2: it is empty.
# </details>
#
# <details><summary>b) 2</summary>
#
# That is the first row, from 0 to 2.
# </details>
#
# <details><summary>c) 3</summary>
#
# That is the third row, from 2 to 5.
# </details>
#
# **3. A paper holds out the last positive of each user and reports HR@10 = 0.31. You rerun its code and get 0.27. What do you look at first?**
#
# <details><summary>a) The random seed of the model.</summary>
#
# Later, perhaps. Popularity has no seed, and the tie rule alone can move its number.
# </details>
#
# <details><summary>b) How ties of the last timestamp are broken.</summary>
#
# Yes. In MovieLens many people share their last timestamp among several positives, and most papers do not say which one they test on.
# </details>
#
# <details><summary>c) The metric's denominator.</summary>
#
# With one held-out film per person there is only one way to divide. Whom the mean counts would be a better suspect.
# </details>
#
# **4. `encode(future)` without `users` and `items` runs without an error. Why is it wrong?**
#
# <details><summary>a) The matrix gets too large.</summary>
#
# It gets smaller, if anything: it has only the users and films of the test set.
# </details>
#
# <details><summary>b) Its columns are numbered anew, so they mean other films than the model's columns.</summary>
#
# Yes. The score that comes out is a score of another question. It is the same mistake as an id in place of a row, for a whole matrix.
# </details>
#
# <details><summary>c) The test set must not be encoded at all.</summary>
#
# It must be, with the rows and columns of the training set.
# </details>

# %% [markdown]
# ## What you learned
#
# - A threshold turns stars into positives; what is below it becomes unknown, not disliked.
# - Ids and rows are different numbers. Keep the arrays that lead from one to the other with the matrix.
# - CSR stores the ones of each row side by side; its memory follows the positives, not the cells.
# - Encode the test set with the training set's users and items, and read how much was dropped.
# - Split by time, state the protocol and the tie rule, and let `assert_no_leakage` check that nobody's own future is in their past.
#
# Next: [Baselines](04_baselines.ipynb) builds the models that every later one has to beat. The [data card](../book/data_card.md) tells you what the sample can and cannot show.
