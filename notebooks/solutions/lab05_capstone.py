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
# # Lab 5: Capstone · solution
#
# You build a hybrid of your own, face a test set that you never see, and report what it won in one figure and one honest limitation.
#
# [![Open in Colab](../../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/solutions/lab05_capstone.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - split data so that nothing of the future reaches the training, and state a baseline on it;
# - put the scores of two models on one scale, and serve newcomers and films that nobody has yet;
# - build a hybrid as a class that keeps to the protocol, whatever it is asked;
# - choose a weight without looking at the test, and report a gain with its interval and its limits.
#
# **What you need first**: [Evaluating rankings](../06_evaluating_rankings.ipynb), and lab 2. Lessons 09 and 10, on embeddings and hybrids, are what this lab puts together.
#
# **How long it takes**: about three hours.
#
# **How it works**: each step has a cell to complete, where it says `...`. The cell with `check` below it tells you whether your answer is right, and if not, what to look at. It calls your code with other numbers than the page shows. You may try as often as you like.

# %% tags=["setup"] extra="bert"
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:  # on Colab, say
    course = "course-utils[bert] @ https://github.com/your-org/movielens-course/archive/refs/heads/main.zip"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)
    importlib.invalidate_caches()

import course_utils

course_utils.setup()

# %% [markdown]
# ## The story
#
# A streaming service has one page to fill: ten films for whoever opens it. It has tried three models. Popularity shows everybody the same. Neighbors know what people have in common, and nothing about a film that arrived this morning. Content knows what films are about, and not which of two similar ones people love.
#
# You build the fourth, from the last two. The service then puts it in front of people whose choices you have not seen, and reads your report. So there are six steps: a baseline, a blend, a class, two rounds of the hidden test, and the report.
#
# First see why two scores cannot just be added. Here are one person's scores for four films: neighbors add up many similarities, content is a cosine.

# %%
import numpy as np

from course_labs import attempted, check, summary

toy_behavior = np.array([12.0, 10.0, 11.0, 0.0])  # nobody has the last film yet
toy_content = np.array([0.1, 0.5, 0.2, 0.6])
print("added:", toy_behavior + toy_content)

# %% [markdown]
# By hand: the sum ranks the films as behavior does, and the last one has no chance although content likes it best. Take off each model's mean and divide by its deviation, over the three films that both know, and content has a say:

# %%
z = [(x - x.mean()) / x.std() for x in (toy_behavior[:3], toy_content[:3])]
print("standardized and added:", (z[0] + z[1]).round(2))

# %% [markdown]
# ## Step 1: A split and a baseline (2 points)
#
# Write `baseline(ratings, n_test, k)`. `ratings` is a table with the columns `user_id`, `movie_id`, `rating` and `timestamp`, its rows in no order. Do the following, and return a dict of three plain numbers, `{"n_train": …, "n_test": …, "recall": …}`:
#
# - a positive is a rating of at least 4; hold out the last `n_test` positives of each person, and nothing of people with `n_test` or fewer;
# - rank films by how many people have them in the training part, of equally popular ones the lowest movie id first;
# - list for each person who is tested the `k` first films that they do not have in the training part;
# - `recall` is the mean over these people of the share of their held-out films in their list. A film that is new in the test part counts too: it was liked, and not found.
#
# <details><summary>Hint 1: the split</summary>
#
# `to_implicit` and `leave_last_out(…, n_test=n_test, min_train=1)` of lesson 03 do the first line.
# </details>
#
# <details><summary>Hint 2: the order</summary>
#
# A stable sort of counts that are already in the order of movie ids keeps the lowest id first: `counts.sort_index().sort_values(ascending=False, kind="stable")`.
# </details>

# %%
from course_utils.interactions import to_implicit
from course_utils.splits import leave_last_out


def baseline(ratings, n_test, k):
    """Return how many positives train and test, and popularity's recall@k, as plain numbers."""
    # BEGIN SOLUTION
    split = leave_last_out(to_implicit(ratings, threshold=4.0), n_test=n_test, min_train=1)
    counts = split.train["movie_id"].value_counts().sort_index()
    ranking = counts.sort_values(ascending=False, kind="stable").index
    has = split.train.groupby("user_id")["movie_id"].agg(set)
    recalls = []
    for user, films in split.test.groupby("user_id")["movie_id"]:
        listed = [film for film in ranking if film not in has[user]][:k]
        recalls.append(films.isin(listed).sum() / len(films))
    recall = float(np.mean(recalls))
    return {"n_train": len(split.train), "n_test": len(split.test), "recall": recall}
    # END SOLUTION


# %%
check("lab05.q1", baseline)

# %% [markdown] tags=["solution"]
# *Why it is right.* Counting happens after the split, on the training part alone, so nothing that is to be found has a vote. What is held out is the denominator, whether or not a model could know it: a model that cannot show new films should lose something by that.
#
# *What goes wrong most often.* Counting before splitting: the held-out films get a few votes each, and popularity looks better than it can be. Building the matrix from the films of the training part, which silently drops new films from the test.

# %% [markdown]
# Now on the course's data. In the sample the people are simulated; with `COURSE_DATASET=ml-latest-small` they are real.

# %%
from course_utils.datasets import load_movielens

ml = load_movielens()
if attempted(baseline):
    numbers = baseline(ml.ratings, n_test=5, k=10)
    print({name: round(value, 3) for name, value in numbers.items()})

# %% [markdown]
# ## Step 2: A blend for everybody (3 points)
#
# Write `blend(behavior, content, counts, seen, weight)`. The first two are tables of scores, people × films, of two models; `counts` says how many people have each film in training; `seen` is True where a person has seen a film. Return one table of scores:
#
# - **Standardize** each table row by row: take off the mean and divide by the deviation (`np.std`). Both are taken over the person's candidates, the films not seen; for behavior only over candidates with `counts` above 0, since it says nothing of the others. Where all these scores are alike, the result is 0.
# - **Warm films**, with `counts` above 0, get `weight` times behavior plus `1 - weight` times content.
# - **Cold films**, with `counts` 0, get the standardized content alone.
# - **Newcomers**, who have seen nothing, get the `counts` as scores.
# - What was **seen** gets −∞.
#
# <details><summary>Hint 1: a mean over some of a row</summary>
#
# `np.mean(scores, axis=1, keepdims=True, where=candidates)` takes a mask, and so does `np.std`.
# </details>
#
# <details><summary>Hint 2: all alike</summary>
#
# `np.where(deviation > 1e-9, deviation, 1)` is a safe divisor, and 0 divided by 1 is 0. For a deviation of zero, numbers that are alike may give some 1e-17 after rounding.
# </details>
#
# <details><summary>Hint 3: somebody without candidates</summary>
#
# They have nothing to be recommended. NumPy warns of a mean over nothing; their row is all −∞ in the end, so it does no harm. No case of the check has one.
# </details>


# %%
def blend(behavior, content, counts, seen, weight):
    """Return one table of scores for warm and cold films, regulars and newcomers."""
    # BEGIN SOLUTION
    candidates, warm = ~seen, counts > 0

    def standardized(scores, counting):
        mean = np.mean(scores, axis=1, keepdims=True, where=counting)
        deviation = np.std(scores, axis=1, keepdims=True, where=counting)
        safe = np.where(deviation > 1e-9, deviation, 1)
        return np.where(deviation > 1e-9, (scores - mean) / safe, 0)

    by_behavior = standardized(behavior, candidates & warm)
    by_content = standardized(content, candidates)
    scores = np.where(warm, weight * by_behavior + (1 - weight) * by_content, by_content)
    scores = np.where(seen.any(axis=1, keepdims=True), scores, counts)
    return np.where(seen, -np.inf, scores)
    # END SOLUTION


# %%
check("lab05.q2", blend)

# %% [markdown] tags=["solution"]
# *Why it is right.* A standardized score says how far a film stands out among this person's candidates, which means the same for both models. Three `np.where` then say who speaks for whom: both models for warm films, content for cold ones, popularity for people without a history.
#
# *What goes wrong most often.* A newcomer's row is all zeros, its deviation is 0, and 0 / 0 is NaN. The zeros of cold films stand in behavior's mean. The seen films stand in it too, and they have the highest scores of all.

# %% [markdown]
# The toy of the beginning, with one film more that this person has seen, and the list that comes of it:

# %%
from course_utils.ranking import top_k

if attempted(blend):
    toy_seen = np.array([[False, False, False, False, True]])
    toy_counts = np.array([9, 8, 4, 0, 7])
    rows = [np.append(toy_behavior, 30.0)[None], np.append(toy_content, 0.9)[None]]
    toy_scores = blend(*rows, toy_counts, toy_seen, weight=0.5)
    print(toy_scores.round(2), "→ columns", top_k(toy_scores, 5)[0])

# %% [markdown]
# ## Step 3: The class MyHybrid (2 points)
#
# Write the hybrid to the protocol of the course. `MyHybrid()` without arguments must work: it is what the hidden test calls.
#
# - `fit(train, vectors)` takes the sparse matrix of positives, people × films, and a table with a vector for each film, in the order of the columns. A film without a text has a vector of zeros.
# - `recommend(userids, user_items, N=10)` takes some people and *their* rows of films, sparse, in their order, and returns columns and scores, both of shape `(len(userids), N)`. No film that stands in the row is listed. The page must be full: a list has N films while there are as many that somebody has in training and this person has not, and where nothing is left it ends in −1 and −∞. Newcomers have numbers beyond the training matrix, and some have no film.
#
# How it works inside is yours. What is asked here is that it keeps to the rules: the same data give the same lists, and nothing that it is given is changed.
#
# <details><summary>Hint 1: behavior</summary>
#
# `ItemKNN(k=20, shrinkage=0).fit(train).similarity` holds the neighbors of lesson 04, one row for each film. `user_items @ similarity` is the table of scores, once `.toarray()` has made it dense.
# </details>
#
# <details><summary>Hint 2: content</summary>
#
# Divide each vector by its length, zeros by 1. The sum of the vectors of somebody's films, divided by its length too, is their profile; `profiles @ vectors.T` are cosines.
# </details>
#
# <details><summary>Hint 3: the lists</summary>
#
# `top_k(scores, N)` of lesson 06 respects N, and fills up with −1 and −∞.
# </details>

# %%
from course_utils.models import ItemKNN


class MyHybrid:
    """Blend neighbors and content.

    Parameters
    ----------
    weight
        Behavior's share of the blend.
    """

    def __init__(self, weight=0.6):
        self.weight = weight

    def fit(self, train, vectors):
        """Learn neighbors from behavior, and keep the vectors."""
        # BEGIN SOLUTION
        self.counts = np.asarray((train > 0).sum(axis=0)).ravel()
        self.neighbors = ItemKNN(k=20, shrinkage=0).fit(train).similarity
        self.vectors = self._unit(np.asarray(vectors, dtype=float))
        return self
        # END SOLUTION

    def recommend(self, userids, user_items, N=10):
        """Return columns and scores of the N best films of each person."""
        # BEGIN SOLUTION
        behavior = (user_items @ self.neighbors).toarray()
        content = self._unit(user_items @ self.vectors) @ self.vectors.T
        seen = user_items.toarray() > 0
        return top_k(blend(behavior, content, self.counts, seen, self.weight), N)

    def _unit(self, table):
        lengths = np.linalg.norm(table, axis=1, keepdims=True)
        return table / np.where(lengths > 0, lengths, 1)
        # END SOLUTION


# %%
check("lab05.q3", MyHybrid)

# %% [markdown] tags=["solution"]
# *Why it is right.* Everything comes from the rows that are given, never from `userids`, so a newcomer is a row like any other. Both divisions have a divisor that is never 0.
#
# *What goes wrong most often.* `train[userids]` in place of `user_items`, which fails for newcomers and is somebody else's row after a shuffle. `vectors /= lengths`, which changes the caller's table. `argsort(…)[:, :N]`, which is short when N is larger than the catalogue.

# %% [markdown]
# ## Steps 4 and 5: The hidden test (3 and 2 points)
#
# For the next two checks there is nothing to write. Each makes a small world: 400 people and 80 newcomers, half of whom have nothing yet; 240 films, of which 36 are new. Tastes have a part that the vectors tell and a part that only behavior tells. Your class gets what is known; what people came to like stays with the judge. The grader makes other worlds, and does not let your notebook's process have what it judges by.
#
# **Step 4** asks for recall@10 that beats popularity: the low end of a paired 95% interval must reach +0.03. Of the films that nobody has yet, you must find one for each twenty that content alone finds; and for people without a history at least half of what popularity finds.

# %%
check("lab05.q4", MyHybrid)

# %% [markdown]
# **Step 5** asks for more: the hybrid must beat both of its parts, content alone and neighbors alone, with paired intervals above 0. If it does not, think of what each part knows and the other does not. Change the default weight if you like; but a weight that you turn until a check is green is tuned on its test, and the grader has another one.

# %%
check("lab05.q5", MyHybrid)

# %% [markdown] tags=["solution"]
# *Why it is right.* Neighbors know the part of taste that no vector holds, content reaches the films that neighbors cannot, and newcomers without films get what most people like. A weight around one half does; the gain over the better part comes from cold films as much as from the blend.
#
# *What goes wrong most often.* Scores added as they come: the lists are those of the neighbors alone, and no cold film ever appears. Cold films on a scale of their own, so that they fill every list.

# %% [markdown]
# ## Step 6: A report that holds together (2 points)
#
# You have tried some weights. Write `report(validation, test, baseline, groups)`, which turns results into a report:
#
# - `validation` and `test` have the recall of each person, weights × people; `baseline` has popularity's on the test, one for each person; `groups` says of each person what kind they are.
#
# Return a dict of plain numbers and texts:
#
# - `chosen`: which weight, a row number, has the best mean on the **validation**;
# - `mean`, `low`, `high`: its mean gain over the baseline on the **test**, person by person, and the gain's 95% interval, by a formula or a bootstrap;
# - `group`, `number`: the group with the smallest mean gain, and that gain;
# - `limitation`: one sentence of at least 12 words for the readers of the report, which names the group and has the number in it, to two decimals or more.
#
# The check computes the numbers again. It does not judge your style.
#
# <details><summary>Hint 1: the interval</summary>
#
# The deviation of the *differences*, divided by the root of how many there are, is the standard error; 1.96 of them to each side make 95%. `mean_and_interval` of `course_utils.evaluation` does it by bootstrap.
# </details>
#
# <details><summary>Hint 2: the groups</summary>
#
# `pd.Series(gain).groupby(groups).mean()` has a number for each; `.idxmin()` names the smallest.
# </details>

# %%
import pandas as pd


def report(validation, test, baseline, groups):
    """Return what the hybrid won, how sure that is, and where it won least."""
    # BEGIN SOLUTION
    chosen = int(np.mean(validation, axis=1).argmax())
    gain = test[chosen] - baseline
    reach = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain))
    by_group = pd.Series(gain).groupby(np.asarray(groups)).mean()
    group, number = str(by_group.idxmin()), float(by_group.min())
    return {
        "chosen": chosen,
        "mean": float(gain.mean()),
        "low": float(gain.mean() - reach),
        "high": float(gain.mean() + reach),
        "group": group,
        "number": number,
        "limitation": (
            f"People in the group {group} gain least: their recall is {number:+.3f} beside "
            "popularity's, so do not promise them more than that."
        ),
    }
    # END SOLUTION


# %%
check("lab05.q6", report)

# %% [markdown] tags=["solution"]
# *Why it is right.* The weight is chosen before the test is looked at, so the test says what it would say of any model. The interval is one of differences between two models for the same person, in which it cancels out that some people are easy to serve. The sentence gets its number from the variable, so that it cannot be out of date.
#
# *What goes wrong most often.* `test.mean(axis=1).argmax()` reports the best of several tries on the test. The interval of the hybrid's own recall answers another question. A limitation without a number, "more data would help", limits nothing.

# %% [markdown]
# ## Your report on MovieLens
#
# Now all of it on the course's data. Each person's last five positives are the test, the five before the validation. One film in ten is made new: it is taken out of everybody's training and validation, and stays in the test where it is.

# %%
from course_utils.interactions import encode

split = leave_last_out(to_implicit(ml.ratings), n_test=5, n_val=5, min_train=5)
films = np.sort(ml.movies["movie_id"].to_numpy())
new = np.random.default_rng(5).choice(films, len(films) // 10, replace=False)
known = [part[~part["movie_id"].isin(new)] for part in (split.train, split.val)]
train = encode(known[0], items=films)
val, test = (encode(part, users=train.users, items=films) for part in (known[1], split.test))
print(f"{train.matrix.shape[0]:,} people, {len(films):,} films, of which {len(new):,} new")

# %% [markdown]
# The vectors are those of [lesson 09](../09_bert_embeddings.ipynb): title and genres, read by a small BERT. That takes some seconds the first time, and is kept on disk.

# %%
from course_utils.evaluation import evaluate
from course_utils.models import Popularity
from course_utils.text import encode_texts, movie_texts

weights = [0.2, 0.4, 0.6, 0.8, 1.0]
if attempted(MyHybrid):
    texts = movie_texts(ml.movies.set_index("movie_id", drop=False).loc[films])
    vectors = encode_texts(texts, progress=False)
    hybrids = [MyHybrid(weight) for weight in weights]
    for hybrid in hybrids:
        hybrid.fit(train.matrix, vectors)


def recall_of(model, hidden):
    result = evaluate(model, train.matrix, hidden.matrix, k=10, progress=False)
    return result.per_user["recall@10"]


# %% [markdown]
# Popularity is the baseline. People are grouped by how many positives they have in training.

# %%
if attempted(MyHybrid) and attempted(report):
    popularity = recall_of(Popularity().fit(train.matrix), test)
    people = popularity.index
    sizes = np.diff(train.matrix.indptr)[people]
    groups = np.select(
        [sizes < 20, sizes < 60], ["below 20 films", "20 to 59 films"], "60 films or more"
    )
    on_val, on_test = (
        np.stack([recall_of(hybrid, part).reindex(people).fillna(0) for hybrid in hybrids])
        for part in (val, test)
    )
    findings = report(on_val, on_test, popularity.to_numpy(), groups)
    neighbors = recall_of(ItemKNN(k=20, shrinkage=0).fit(train.matrix), test)
    print(f"recall@10: popularity {popularity.mean():.3f}, neighbors {neighbors.mean():.3f}")
    print(f"weight {weights[findings['chosen']]}, gain over popularity:")
    print(pd.Series(findings)[["mean", "low", "high"]].astype(float).round(3).to_string())
    print(findings["limitation"])

# %% [markdown]
# ## Your points

# %%
summary("lab05")

# %% [markdown]
# ## An open question
#
# No check answers this one; it is what the service reads. Write one page.
#
# *Show one figure that says what your hybrid wins and how sure you are, and name one limitation that would change a decision: who should not be served by it, or which films it harms. Support it by a number of your own that is not in the report above, with an interval.*
#
# The page is worth what it says, not how long it is:
#
# | what counts | what it asks for |
# | --- | --- |
# | the claim | one number with its interval, on data that chose nothing |
# | the figure | readable without the text: what, on whom, against which baseline |
# | the limitation | about your model and these data, with a number and an interval |
# | the decision | what you would do differently because of it |
#
# <details><summary>Where to start</summary>
#
# `models_with_intervals` in `course_utils.plots` draws a table with `mean`, `low` and `high` for each model, which `compare` of lesson 06 makes. For a limitation, look at new films alone: how many of those in the test are found, and does a weight that is best for recall show any? Or at another encoder, another split in time, another seed for which films are new.
# </details>

# %% [markdown] tags=["solution"]
# One way to begin: all models in one figure, then the films that nobody has yet.

# %% tags=["solution"] mystnb={"image": {"alt": "Recall at 10 of popularity, content, neighbors and the hybrid on the test, each a point with its 95 percent interval, the best on top."}}
from course_utils.evaluation import compare
from course_utils.models import ContentModel
from course_utils.plots import models_with_intervals

chosen = hybrids[findings["chosen"]]
models = {
    "popularity": Popularity().fit(train.matrix),
    "content": ContentModel(vectors).fit(train.matrix),
    "neighbors": ItemKNN(20, shrinkage=0).fit(train.matrix),
    "my hybrid": chosen,
}
table = compare(models, train.matrix, test.matrix, k=10, metrics=["recall"], progress=False)
axes = models_with_intervals(table.set_index("model"), "recall@10")

# %% tags=["solution"]
rows = people.to_numpy()
held_out = test.matrix[rows].toarray() > 0
held_out &= np.isin(films, new)
for name, model in models.items():
    ids, _ = model.recommend(rows, train.matrix[rows], N=10)
    found = np.take_along_axis(held_out, np.maximum(ids, 0), axis=1) & (ids >= 0)
    print(f"{name}: {found.sum()} of {held_out.sum()} new films found")

# %% [markdown] tags=["solution"]
# *What a good answer has.* The claim is the gain of step 6 with its interval, for the weight that the validation chose. The figure has intervals, names its metric and its people, and shows both parts beside the hybrid: if the hybrid is no better than neighbors alone, it says so. On the sample this hybrid is ahead of popularity, and nothing can be shown of a lead over neighbors alone: the interval of that difference, person by person, holds 0. The limitation is about a group or a kind of film, such as the new films above: the validation has none of them, so it cannot choose a weight that serves them, and the weight that looks best there may find almost none. It has a number with an interval, a bootstrap over people say. The decision follows from it: keep two places of ten for new films, or put new films into the validation as well.
#
# *How to grade it.* One point for each row of the table, half where the number is there and the interval is not. No point for a limitation that would hold for any model, such as "more data" or "a larger encoder".

# %% [markdown]
# ## What you learned
#
# - Count, tune and choose before the test is opened; afterwards, only report.
# - Scores of two models meet once each is standardized over the same person's candidates.
# - A film that nobody has and a person who has nothing need a rule of their own, and a test that contains them.
# - A gain is a difference for the same people, with an interval; a limitation is a number too.
#
# This was the last lab. [The glossary](../../book/glossary.md) has the words of the course, and [the data card](../../book/data_card.md) what the sample can and cannot tell you.
