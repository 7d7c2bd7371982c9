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
# # A notebook that is wrong
#
# You are handed a notebook that runs to the end and is wrong. You find out why, with the checks that a professional runs, and then you catch five more mistakes that raise no error.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/07_wrong_notebook.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - put chance and popularity beside a score before you believe it;
# - question a model by its loss, by a film and a person you know, and by its shapes;
# - diagnose six silent mistakes, and say in which direction each bends the number;
# - write the one line that would have caught each of them.
#
# **What you need first**: [From ratings to interactions](03_interactions_and_splits.ipynb) and [Evaluating rankings](06_evaluating_rankings.ipynb), and what ALS is, from [lesson 05](05_als.ipynb).
#
# **How long it takes**: about 75 minutes.

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
# ## The notebook you are handed
#
# A classmate sends you four cells and asks for a second opinion before the deadline. Nothing is hidden: every line is here. Read them as a reviewer would. As everywhere in the course, the people of the embedded sample are simulated.

# %%
import numpy as np

from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit
from course_utils.splits import leave_last_out

ml = load_movielens()
positives = to_implicit(ml.ratings)
split = leave_last_out(positives, n_test=5, min_train=5)
train = encode(split.train)
test = encode(split.test, users=train.users, items=train.items)

# %%
from implicit.als import AlternatingLeastSquares

item_user = train.matrix.T.tocsr()  # implicit is trained on items × users
als = AlternatingLeastSquares(
    64, regularization=0.01, iterations=20, dtype=np.float64, random_state=42
)
als.fit(item_user, show_progress=False)


# %%
def films_for(row):
    seen = train.matrix[row].indices  # the library's own filter fails, so it is done by hand
    ids, _ = als.recommend(
        row, train.matrix[row], N=10 + len(seen), filter_already_liked_items=False
    )
    return ids[~np.isin(ids, seen)][:10]


# %%
people = np.flatnonzero(np.diff(test.matrix.indptr))[:500]  # the first 500, to save time


def recalls(films_for):
    return np.array([np.isin(test.matrix[row].indices, films_for(row)).mean() for row in people])


before = recalls(films_for)
print(f"Recall@10 = {before.mean():.4f}")

# %% [markdown]
# It runs to the end, without an error and without a warning. The notebook concludes:
#
# > *MovieLens is sparse, so a low recall was to be expected. Future work: more factors.*
#
# Stop here for a minute. What do you ask for first?
#
# <details><summary>Show what a reviewer asks for</summary>
#
# A number to hold this one against. "Low" means nothing until you know what chance gives, and what a list of the best-known films gives.
# </details>
#
# ## Check 1: chance and popularity
#
# What chance gives, you work out on paper. Somebody has seen 100 of 1,100 films. Draw 10 of the 1,000 others: a film that is held out is among them with a probability of 10 ÷ 1,000, so the recall to expect is 0.01. Now for each of these people:

# %%
n_liked = train.matrix.getnnz(axis=1)
chance = 10 / (len(train.items) - n_liked[people])
print(f"expected of chance: {chance.mean():.4f}")

# %% [markdown]
# And by drawing: lists at random, through the classmate's own `recalls`. A single draw says little, so draw twenty times.

# %%
rng = np.random.default_rng(42)


def by_chance(row):
    unseen = np.setdiff1d(np.arange(len(train.items)), train.matrix[row].indices)
    return rng.choice(unseen, 10, replace=False)


drawn = np.array([recalls(by_chance).mean() for _ in range(20)])
assert abs(drawn.mean() - chance.mean()) < 4 * drawn.std() / np.sqrt(20)
print(f"drawn: {drawn.mean():.4f}, from {drawn.min():.4f} to {drawn.max():.4f}")

# %% [markdown]
# Then the list that a poster at the cinema would show: the best-known films that a person has not seen.

# %%
best_known = np.argsort(-np.asarray(train.matrix.sum(axis=0)).ravel(), kind="stable")


def by_popularity(row):
    return best_known[~np.isin(best_known, train.matrix[row].indices)][:10]


popular = recalls(by_popularity)
print(
    f"chance {chance.mean():.4f}, the notebook {before.mean():.4f}, popularity {popular.mean():.4f}"
)

# %% [markdown]
# A model that learned from everybody's likes is nearly as bad as chance, and far worse than a list that is the same for all. So the excuse does not hold: the data are as sparse for popularity as for ALS.
#
# You have learned something else as well. Popularity went through the same split, the same test matrix and the same `recalls`, and came out well. These three are probably right. The mistake is in the model, or in how it is asked.
#
# ## Check 2: the loss
#
# Does the model learn at all? Fit once more, and keep the training loss of each iteration.

# %%
losses = []
again = AlternatingLeastSquares(
    64, regularization=0.01, iterations=20, random_state=42, calculate_training_loss=True
)
again.fit(
    item_user, show_progress=False, callback=lambda iteration, seconds, loss: losses.append(loss)
)
print("loss after 1, 5 and 20 iterations:", *(f"{losses[i]:.4f}" for i in (0, 4, 19)))

# %% [markdown]
# It falls, and flattens. The optimizer does its work, and more iterations are no remedy. The model has learned *something*. Is it what you think it is?
#
# ## Check 3: a film and a person you know
#
# Everybody knows what stands next to a film of the first *Star Wars* trilogy: the two others. Ask the model for the nearest films of one:

# %%
title = ml.movies.set_index("movie_id")["title"]


def names(columns):
    return [title[train.items[c]] if c < len(train.items) else "no such film" for c in columns]


def find(words):
    known = title[train.items]
    return train.columns_of(known.index[known.str.contains(words)]).tolist()


star_wars, *the_others = find("Star Wars.*1977|Empire Strikes Back|Return of the Jedi")
names(als.similar_items(star_wars, N=6)[0])

# %% [markdown]
# The film itself comes first, as it should, and neither of the two others is there. Now a person with a clear taste: among those who like at least 20 films, the one with the largest share of science fiction.

# %%
is_scifi = ml.movies.set_index("movie_id")["genres"].str.contains("Sci-Fi")[train.items]
share = train.matrix @ is_scifi.to_numpy() / np.maximum(n_liked, 1)
fan = people[np.argmax(np.where(n_liked[people] >= 20, share[people], 0))]
print(
    f"user {train.users[fan]} likes {n_liked[fan]} films, {share[fan]:.0%} of them science fiction"
)

# %% [markdown]
# Beside the list, put ten films that the person likes: the least known ones, because they say most about a taste.

# %%
import pandas as pd

history = best_known[np.isin(best_known, train.matrix[fan].indices)][-10:]
pd.DataFrame({"likes": names(history), "is recommended": names(films_for(fan))})

# %%
print(
    f"science fiction in the list: {np.isin(films_for(fan), np.flatnonzero(is_scifi)).mean():.0%}"
)

# %% [markdown]
# Ten lines tell you more than the score did: the list does not know the person. A mean over 500 people hides that; one person whom you look at does not.
#
# ## Check 4: the shapes
#
# The last check is the cheapest, and at work you would run it first. A factorization has one vector for each user and one for each item. Lay the numbers beside each other:

# %%
print("train           ", train.matrix.shape, "users × items")
print("als.user_factors", als.user_factors.shape)
print("als.item_factors", als.item_factors.shape)

# %% [markdown]
# There are as many "users" as there are films, and as many "items" as there are people. Which line of the notebook did that?
#
# <details><summary>Show the line</summary>
#
# <code>item_user = train.matrix.T.tocsr()</code>. Before version 0.5, <code>implicit</code> was trained on items × users, and many tutorials still say so. Today <code>fit</code> takes users × items, and a matrix has no label that says which way it lies.
# </details>
#
# So row 7 of `user_factors` is a film, and the notebook took it for a person. "Recommended" was column 12 of the people, and the notebook took it for a film. Both numbers exist, so nothing failed.
#
# Well, one thing did. The comment in `films_for` says so. Ask the library to filter, as it does by default:

# %%
try:
    for row in people:
        als.recommend(row, train.matrix[row], N=10)
    print("no error")
except IndexError as error:
    print("IndexError:", error)

# %% [markdown]
# Where there are more films than people, a film that somebody likes may have a number that no person has. The error was the mistake showing itself; the notebook went around it. With fewer films than people there is no error here, but one for the first person beyond the number of films, and the notebook stops at 500. A workaround that you cannot explain is a check that you switched off.
#
# ## The repair
#
# One line changes.

# %%
transposed = als
als = AlternatingLeastSquares(
    64, regularization=0.01, iterations=20, dtype=np.float64, random_state=42
)
als.fit(train.matrix, show_progress=False)
after = recalls(films_for)
print(f"Recall@10 = {after.mean():.4f}, before {before.mean():.4f}")

# %% mystnb={"image": {"alt": "Dot plot with 95% intervals of recall at 10. From top to bottom: chance near zero; the notebook as it was handed over, near zero as well; popularity far higher; the repaired notebook highest of all."}}
from course_utils import plots
from course_utils.evaluation import mean_and_interval

values = {
    "chance": chance,
    "before: transposed": before,
    "popularity": popular,
    "after: repaired": after,
}
mean, low, high = mean_and_interval(np.column_stack(list(values.values())))
table = pd.DataFrame({"mean": mean, "low": low, "high": high}, index=list(values))
axes = plots.before_and_after(table, "recall@10", "before: transposed", "after: repaired")

# %% [markdown]
# The repaired model is ahead of popularity; the broken one stands next to chance, which is computed rather than drawn and needs hardly any interval. Ask the other checks again:

# %%
names(als.similar_items(star_wars, N=6)[0])

# %%
pd.DataFrame({"likes": names(history), "is recommended": names(films_for(fan))})

# %%
print(
    f"science fiction in the list: {np.isin(films_for(fan), np.flatnonzero(is_scifi)).mean():.0%}"
)

# %% [markdown]
# The two others are there, and the list leans toward what the person likes. And the loss? Train the right way around, and compare with what you saw under check 2.

# %%
right_losses = []
again = AlternatingLeastSquares(
    64, regularization=0.01, iterations=20, random_state=42, calculate_training_loss=True
)
again.fit(
    train.matrix,
    show_progress=False,
    callback=lambda iteration, seconds, loss: right_losses.append(loss),
)
print(f"after 20 iterations: transposed {losses[-1]:.4f}, right {right_losses[-1]:.4f}")

# %% [markdown]
# As good as the same. ALS looks for vectors whose products come close to the matrix, and a matrix and its transpose are equally hard to come close to. So the loss could not tell you, and the broken model had learned all there is to learn, under the wrong names. Swap the names, and it is a good model:

# %%
from copy import copy

swapped = copy(transposed)
swapped.user_factors, swapped.item_factors = transposed.item_factors, transposed.user_factors
repaired, als = als, swapped
print(f"Recall@10 = {recalls(films_for).mean():.4f}, and nothing was trained")
als = repaired

# %% [markdown]
# ## Let the code say which way it lies
#
# A check that somebody has to remember is a check that somebody forgets. `evaluate` compares the factors with the matrix before it measures, and the course's `ALS` refuses the matrix if you tell it how many films there are.

# %%
from course_utils.errors import DataError
from course_utils.evaluation import evaluate
from course_utils.models import ALS

for attempt in (
    lambda: evaluate(transposed, train.matrix, test.matrix),
    lambda: ALS().fit(item_user, n_items=len(train.items)),
):
    try:
        attempt()
    except DataError as error:
        print(error)

# %% [markdown]
# From here on, `model` is the course's ALS, the right way around, and `popularity` is the course's as well. It agrees with the one that you built by hand.

# %%
from course_utils.models import Popularity

model = ALS(dtype=np.float64).fit(train.matrix, n_items=len(train.items))
popularity = Popularity().fit(train.matrix)
posters, _ = popularity.recommend(people, train.matrix[people], N=10)
assert (posters == [by_popularity(row) for row in people]).all()

honest = evaluate(model, train.matrix, test.matrix, progress=False)
print(f"recall@10 of ALS for everybody: {honest.summary['recall@10']:.3f}")

# %% [markdown]
# ## Five more that run
#
# Each of the next five mistakes runs without an error and prints a number. The model is the good one from above, or another one trained just as rightly; what is wrong is in the few lines you see. Before you unfold anything, say it aloud: is the number too high, too low, or about right? You collect what each mistake shows, and what is true.

# %%
scores = {"the matrix transposed": {"shown": before.mean(), "true": after.mean()}}

# %% [markdown]
# ### Mistake A

# %%
from course_utils import metrics

user_ids = np.unique(split.test["user_id"])[:500]
ids, _ = model.recommend(user_ids, train.matrix[user_ids], N=10)
relevant = test.matrix[train.rows_of(user_ids)]
shown = np.nanmean(metrics.recall(ids, relevant, k=10))
print(f"recall@10 = {shown:.3f}")

# %% [markdown]
# The model is good, and the number is not. What happened?
#
# <details><summary>Hint</summary>
#
# Which person does <code>train.matrix[7]</code> belong to? Look at the first values of <code>train.users</code>.
# </details>
#
# <details><summary>Diagnosis</summary>
#
# Ids are used as rows. Everybody gets the list of somebody else, a neighbor in the table, and is judged by their own films. The last line is right, which makes it worse: one half of the cell knows the difference.
# </details>
#
# The check is one line. Of these people, how many have their own row?

# %%
print(f"{(train.users[user_ids] == user_ids).mean():.0%} have their own row")

# %%
rows = train.rows_of(user_ids)
assert (train.users[rows] == user_ids).all()
ids, _ = model.recommend(rows, train.matrix[rows], N=10)
true = np.nanmean(metrics.recall(ids, relevant, k=10))
scores["A  ids used as rows"] = {"shown": shown, "true": true}
popular_ids, _ = popularity.recommend(rows, train.matrix[rows], N=10)
print(f"shown {shown:.3f}, true {true:.3f}")
print(f"popularity {np.nanmean(metrics.recall(popular_ids, relevant, k=10)):.3f}")

# %% [markdown]
# This one is more dangerous than the transposed matrix: somebody else's list is better than chance, since many people like the same films. A comparison with chance passes. The one with popularity does not.
#
# ### Mistake B

# %%
ids, _ = model.recommend(rows, train.matrix[rows], N=10, filter_already_liked_items=False)
shown = np.nanmean(metrics.recall(ids, relevant, k=10))
print(f"recall@10 = {shown:.3f}")

# %% [markdown]
# The rows are right this time.
#
# <details><summary>Hint</summary>
#
# Lay the list of one person beside that person's training films, as in check 3.
# </details>
#
# <details><summary>Diagnosis</summary>
#
# The model is told not to leave out what people have already. Those films have the highest scores of all, because the model was trained to give them high scores. They fill the list, and none of them can be in the test set.
# </details>
#
# One line counts which share of the recommended films the person has already:

# %%
in_train = np.take_along_axis(train.matrix[rows].toarray(), ids, axis=1)
print(f"{in_train.mean():.0%} of the recommended films are in the training set")

# %%
ids, _ = model.recommend(rows, train.matrix[rows], N=10)
assert not np.take_along_axis(train.matrix[rows].toarray(), ids, axis=1).any()
true = np.nanmean(metrics.recall(ids, relevant, k=10))
scores["B  seen films recommended"] = {"shown": shown, "true": true}
print(f"shown {shown:.3f}, true {true:.3f}")

# %% [markdown]
# The number is far too low. The same line can make one far too high: test on films that are in the training set, by mistake, and the model finds what it was given.

# %%
ids, _ = model.recommend(rows, train.matrix[rows], N=10, filter_already_liked_items=False)
on_train = np.nanmean(metrics.precision(ids, train.matrix[rows], k=10))
on_test = np.nanmean(metrics.precision(ids, relevant, k=10))
print(f"precision@10 on the training set {on_train:.2f}, on the test set {on_test:.2f}")

# %% [markdown]
# ### Mistake C

# %%
testable = positives[positives["user_id"].isin(split.test["user_id"])]
random_test = testable.sample(frac=1, random_state=42).groupby("user_id").head(5)
random_train = encode(positives.drop(random_test.index))


def recall_of(model, train, held_out):
    test = encode(held_out, users=train.users, items=train.items)
    model.fit(train.matrix)
    return evaluate(model, train.matrix, test.matrix, progress=False).summary["recall@10"]


shown = recall_of(ALS(dtype=np.float64), random_train, random_test)
print(f"recall@10 = {shown:.3f}")

# %% [markdown]
# The same people, five films each, the same model, and `evaluate` did the measuring.
#
# <details><summary>Hint</summary>
#
# What does the model know about a person at the moment it is tested? Look at the timestamps.
# </details>
#
# <details><summary>Diagnosis</summary>
#
# The five films are drawn at random, so a person's last films are in the training set, and earlier ones are tested: the future leaks into the past. And the test got easier, as lesson 03 showed, because a person's last films are rarer than their films at large.
# </details>
#
# The check is one line, and says how many people it concerns:

# %%
from course_utils.splits import Split, assert_no_leakage

assert_no_leakage(split)  # the honest one passes
try:
    assert_no_leakage(Split(positives.drop(random_test.index), positives[:0], random_test))
except DataError as error:
    print(error)

# %%
true = recall_of(ALS(dtype=np.float64), train, split.test)
scores["C  a random split"] = {"shown": shown, "true": true}
leads = pd.DataFrame(
    {
        "last five": [recall_of(Popularity(), train, split.test), true],
        "five at random": [recall_of(Popularity(), random_train, random_test), shown],
    },
    index=["popularity", "ALS"],
)
leads.loc["ALS ÷ popularity"] = leads.loc["ALS"] / leads.loc["popularity"]
leads.round(3)

# %% [markdown]
# Too high, and this time the yardstick moves as well. Popularity rises, too, so "it beats popularity" is no protection against a leak. Nor is the lead the same in both columns: a random split can change how two models compare, not only how good both look.
#
# ### Mistake D

# %%
ids, _ = model.recommend(people, train.matrix[people], N=10)
relevant = test.matrix[people]
hits = np.take_along_axis(relevant.toarray(), ids, axis=1) > 0


def average_precision(hits):
    ranks = np.flatnonzero(hits) + 1
    return np.mean(np.arange(1, len(ranks) + 1) / ranks) if len(ranks) else 0.0


shown = np.mean([average_precision(row) for row in hits])
print(f"MAP@10 = {shown:.3f}")

# %% [markdown]
# The precision at the rank of each hit, averaged: is that not what lesson 06 says?
#
# <details><summary>Hint</summary>
#
# Averaged over what? Say five films are held out. Compute by hand what somebody gets with one hit, at rank 1, and four films never found.
# </details>
#
# <details><summary>Diagnosis</summary>
#
# <code>np.mean</code> divides by the number of hits instead of the number of relevant films. What is missing costs nothing.
# </details>
#
# No check on the data can find this one. A list that you can judge by eye does:

# %%
one_hit, two_hits = np.zeros(10, dtype=bool), np.zeros(10, dtype=bool)
one_hit[0] = True
two_hits[[0, 9]] = True
print("one hit, four films missing:  ", average_precision(one_hit))
print("two hits, three films missing:", average_precision(two_hits))

# %% [markdown]
# One hit of five gets full marks, and who finds a second film is punished for it. Whatever a metric means, one more hit must never lower it.

# %%
by_hits = metrics.average_precision(ids, relevant, k=10, denominator="hits")
assert np.isclose(shown, by_hits.mean())  # the same mistake, made on purpose
true = metrics.average_precision(ids, relevant, k=10).mean()
scores["D  MAP divided by hits"] = {"shown": shown, "true": true}
print(f"shown {shown:.3f}, true {true:.3f}")

# %%
maps = {
    name: {
        divided: metrics.average_precision(lists, relevant, k=10, denominator=divided).mean()
        for divided in ("hits", "relevant")
    }
    for name, lists in {"popularity": posters, "ALS": ids}.items()
}
pd.DataFrame(maps).T.round(3)

# %% [markdown]
# Both numbers of the first column are several times too high. Lay one of them beside a number that somebody else computed rightly, and you find that popularity beats ALS.
#
# ### Mistake E
#
# The last one is common: fit the mapping from ids to rows first, then split. Popularity stands in for the model here, because it has no random start, and whatever changes is the mapping's doing.

# %%
early = encode(positives)  # rows and columns for everything there is
early_train = encode(split.train, users=early.users, items=early.items)
early_test = encode(split.test, users=early.users, items=early.items)
late = evaluate(popularity, train.matrix, test.matrix, progress=False)
too_early = evaluate(
    Popularity().fit(early_train.matrix), early_train.matrix, early_test.matrix, progress=False
)
pd.DataFrame(
    {
        "films": [len(train.items), len(early.items)],
        "test pairs": [test.matrix.nnz, early_test.matrix.nnz],
        "recall@10": [late.summary["recall@10"], too_early.summary["recall@10"]],
        "coverage@10": [late.summary["coverage@10"], too_early.summary["coverage@10"]],
    },
    index=["mapping of the training set", "mapping before the split"],
).round(4)

# %% [markdown]
# <details><summary>Hint</summary>
#
# How many positives does a column have in the training set, at least?
# </details>
#
# <details><summary>Diagnosis</summary>
#
# The catalogue now holds films that nobody has in the training set. They cannot be learned, and their test pairs are no longer dropped: each is a miss for every model, and the denominator of recall grows. Coverage is divided by a longer catalogue, too.
# </details>

# %%
empty = (early_train.matrix.getnnz(axis=0) == 0).sum()
assert (train.matrix.getnnz(axis=0) > 0).all()
print(f"{empty} of {len(early.items):,} films have nothing in the training set")

# %%
shown, true = (result.summary["recall@10"] for result in (too_early, late))
scores["E  early mapping"] = {"shown": shown, "true": true}
print(
    f"test pairs {early_test.matrix.nnz / test.matrix.nnz - 1:+.1%}, recall {shown / true - 1:+.1%}"
)

# %% [markdown]
# Be honest about the size: with this split, each person's last five, the score moves little. Few films turn up in the test set only, and recall loses about what they add to the test pairs.
#
# So when does it matter? When the split lets in newcomers. Cut once in time, for everybody, and compare again:

# %%
from course_utils.splits import global_time_split

by_date = global_time_split(positives)
date_train = encode(by_date.train)
date_test = encode(by_date.test, users=date_train.users, items=date_train.items)
all_train = encode(by_date.train, users=early.users, items=early.items)
all_test = encode(by_date.test, users=early.users, items=early.items)

# %%
rows_of_table = {}
for name, (past, future) in {
    "mapping of the training set": (date_train, date_test),
    "mapping before the split": (all_train, all_test),
}.items():
    found = {
        label: evaluate(m.fit(past.matrix), past.matrix, future.matrix, progress=False)
        for label, m in {"popularity": Popularity(), "ALS": ALS(dtype=np.float64)}.items()
    }
    tested = found["ALS"].per_user
    rows_of_table[name] = {
        "people tested": len(tested),
        "of them new": (tested["n_train"] == 0).sum(),
    } | {label: result.summary["recall@10"] for label, result in found.items()}
by_mapping = pd.DataFrame(rows_of_table).T.astype({"people tested": int, "of them new": int})
by_mapping.round(3)

# %% [markdown]
# About half of the people tested are new now: they have an empty row in training. Look at one of them, and at what ALS has to say:

# %%
strangers = (np.diff(all_train.matrix.indptr) == 0) & (np.diff(all_test.matrix.indptr) > 0)
print(f"{strangers.sum()} people are tested of whom the training set knows nothing")
one = np.flatnonzero(strangers)[:1]
ids, _ = ALS(dtype=np.float64).fit(all_train.matrix).recommend(one, all_train.matrix[one], N=5)
print("recommended to the first of them:", ids[0])

# %% [markdown]
# Nothing: −1 stands for no film, and each of these people counts as a 0. Popularity has something to say to newcomers. So the mapping decides which question is asked: ALS loses most of its score, and popularity does not.
#
# Neither row of the table is forbidden, and the first rests on few people. It says how well a model serves those whom it knows; the second counts newcomers, and a system that has nothing for them deserves its score. What is wrong is not to know which one you computed. `encode` prints what it drops for that reason.

# %%
scores["E  with a cut in time"] = {
    "shown": by_mapping.loc["mapping before the split", "ALS"],
    "true": by_mapping.loc["mapping of the training set", "ALS"],
}

# %% [markdown]
# ## How far off
#
# Lay them side by side. Each arrow starts at the true score, and ends where the mistake takes it.

# %% mystnb={"image": {"alt": "Chart of the factor by which each mistake makes a score too low or too high, on a logarithmic axis. The transposed matrix, ids used as rows and recommending seen films point far to the left, too low; the random split and the metric divided by hits point to the right, too high; the early mapping stays at one with the last five held out and points left with a cut in time."}}
far_off = pd.DataFrame(scores).T
axes = plots.how_far_off(far_off)

# %%
far_off.assign(factor=far_off["shown"] / far_off["true"]).round(3)

# %% [markdown]
# A mistake that makes a score too low annoys you until you find it. One that makes it too high gets published. So look hardest at the numbers that please you.
#
# ## One function that asks
#
# The checks of this page, in one call: shapes, no pair in train and test, nobody and nothing unknown, nothing seen recommended, ahead of chance, ahead of popularity, known neighbors.

# %%
from course_utils.evaluation import sanity_check

neighbors = {star_wars: the_others}
sanity_check(model, train.matrix, test.matrix, neighbors=neighbors)

# %% [markdown]
# Now the broken ones. The transposed model fails the first line, and is not asked for anything:

# %%
sanity_check(transposed, train.matrix, test.matrix, neighbors=neighbors)

# %% [markdown]
# Mistakes A and B, put into a recommender, and the matrices of mistake E. Which checks fail?


# %%
class Unfiltered:
    def recommend(self, userids, user_items, N=10):
        return model.recommend(userids, user_items, N, filter_already_liked_items=False)


class SomebodyElse:
    def recommend(self, userids, user_items, N=10):
        others = (np.asarray(userids) + 1) % len(train.users)
        return model.recommend(others, train.matrix[others], N)


for broken in (Unfiltered(), SomebodyElse()):
    print(type(broken).__name__, sanity_check(broken, train.matrix, test.matrix).failed)
early_model = ALS(dtype=np.float64).fit(early_train.matrix)
print("early mapping", sanity_check(early_model, early_train.matrix, early_test.matrix).failed)

# %% [markdown]
# Each is caught, two of them twice. Two other mistakes are beyond the function. It sees no times, so a random split passes: that is for `assert_no_leakage`. And it brings its own metric, so yours is not tested: that is for a list that you can judge by eye.
#
# | before you believe a score, ask | it catches |
# | --- | --- |
# | do the shapes of matrix and factors agree? | a transposed matrix |
# | does it beat chance, and does it beat popularity? | a transposed matrix, ids used as rows, seen films |
# | is the list of one person about that person? do known films have known neighbors? | a transposed matrix, ids used as rows |
# | `train.users[rows] == user_ids`? | ids used as rows |
# | is anything recommended that the person has? | a filter switched off |
# | is a pair in train and test? is anybody's future in their past? | a leak |
# | does each row and column that is tested have something in training? | a mapping fitted before the split |
# | does one more hit never lower the metric? does a perfect list, and no other, get 1? | a wrong denominator |

# %% [markdown]
# ## Check yourself
#
# **1. Your new model has recall@10 = 0.012, and chance has 0.010. The training loss falls nicely. What do you do first?**
#
# <details><summary>a) Train longer; the loss still falls.</summary>
#
# The loss says that the optimizer works, not that rows are people. On this page a worthless model and a good one had the same loss.
# </details>
#
# <details><summary>b) Print the shapes, and look at one person's list.</summary>
#
# Yes. A number next to chance is a mistake until shown otherwise, and these two checks take a minute.
# </details>
#
# <details><summary>c) Report it; it is above chance.</summary>
#
# Popularity is the yardstick. What is below it is not worth its electricity.
# </details>
#
# **2. A model beats chance and popularity, with intervals that do not touch. Which of these mistakes can still be in it?**
#
# <details><summary>a) The matrix is transposed.</summary>
#
# No. That falls to chance, or close to it.
# </details>
#
# <details><summary>b) The split is random, so the future leaks.</summary>
#
# Yes. A leak lifts the model and the yardsticks together. Only the timestamps show it.
# </details>
#
# <details><summary>c) Ids are used as rows.</summary>
#
# Hardly. On this page, other people's lists fell below popularity.
# </details>
#
# **3. The filter of a library raises an IndexError, and you filter by hand instead. What have you done?**
#
# <details><summary>a) Solved the problem.</summary>
#
# You have removed its symptom. The error said that a column of your matrix does not exist in the model.
# </details>
#
# <details><summary>b) Switched off a check that you did not know you had.</summary>
#
# Yes. First explain the error, then go around it if you still want to.
# </details>
#
# <details><summary>c) Found a bug of the library.</summary>
#
# That happens. It is the last explanation to try, not the first.
# </details>
#
# **4. Your metric gives 1.0 to a list with one hit at rank 1, and four relevant films are missing. Which metric is that?**
#
# <details><summary>a) Reciprocal rank, so it may be right.</summary>
#
# Yes, if that is what it is called. Reciprocal rank looks at the first hit only, and a second hit leaves it where it is.
# </details>
#
# <details><summary>b) Average precision.</summary>
#
# Divided by the relevant films it would be 0.2. It gives 1.0 only when it is divided by the hits.
# </details>
#
# <details><summary>c) Recall.</summary>
#
# Recall would be 0.2: one film of five.
# </details>

# %% [markdown]
# ## What you learned
#
# - Code that runs has passed the weakest test there is. A score means nothing until chance and popularity stand beside it.
# - The loss does not know what a row is. Shapes, a film you know and a person you know do.
# - Mistakes bend a number down or up; those that bend it up are the ones that survive.
# - Each mistake has a check of one line. `sanity_check` runs most of them, `assert_no_leakage` looks at the times, and a list judged by eye tests the metric.
# - An error that you go around is a check that you switch off.
#
# Before you go on, take the notebook of your own that has the best score, and put the questions of the table to it.
#
# Next: [Matrix factorization in PyTorch](08_matrix_factorization.ipynb) learns from stars, and has silent mistakes of its own.
