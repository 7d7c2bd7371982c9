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
# # Evaluating rankings
#
# You turn "these ten films look good" into numbers that a reviewer would trust, and you learn when a difference between two of them is real.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/06_evaluating_rankings.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - compute recall, precision, reciprocal rank, average precision and NDCG on paper;
# - say why two libraries give one list different scores;
# - put an interval around a score, and test a difference;
# - see what accuracy does not: coverage, popularity, who gets shown;
# - refuse an evaluation with sampled negatives.
#
# **What you need first**: [From ratings to interactions](03_interactions_and_splits.ipynb), and the models of [Baselines](04_baselines.ipynb) and [ALS](05_als.ipynb).
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
# ## One user, five films
#
# A recommender shows one person a list of five films, best first. The films are columns of the user–item matrix, so they have numbers. Three films are *relevant*: the person liked them later. Two of those are in the list.

# %%
import numpy as np

recommended = [7, 1, 3, 0, 4]
relevant = {1, 4, 6}
hits = np.array([item in relevant for item in recommended])
hits

# %% [markdown]
# Every metric is a way to turn this row of hits into one number. The simplest only count:
#
# - *recall@5*: which share of the relevant films is in the list?
# - *precision@5*: which share of the list is relevant?
# - *hit rate@5*: is there any hit at all?

# %%
recall, precision, hit_rate = hits.sum() / len(relevant), hits.sum() / 5, float(hits.any())
print(f"recall {recall:.4f}, precision {precision:.4f}, hit rate {hit_rate:.0f}")

# %% [markdown]
# The others care where the hits are. The *reciprocal rank* is 1 divided by the rank of the first hit. *Average precision* takes the precision at the rank of each hit, adds them up, and divides by the number of relevant films, so that a film which is missing counts as a zero.

# %%
ranks = np.flatnonzero(hits) + 1
reciprocal_rank = 1 / ranks[0]
average_precision = sum((i + 1) / rank for i, rank in enumerate(ranks)) / len(relevant)
print(
    f"ranks {ranks}, reciprocal rank {reciprocal_rank:.4f}, average precision {average_precision:.4f}"
)

# %% [markdown]
# *NDCG* gives a hit at rank $r$ the weight $1 / \log_2(r + 1)$: 1 at the top, 0.63 at rank 2, and ever less below. The sum is divided by the best sum there could be, with as many relevant films at the top as fit.

# %%
weights = 1 / np.log2(np.arange(1, 6) + 1)
ndcg = (hits * weights).sum() / weights[: len(relevant)].sum()
print(f"weights {weights.round(2)}, NDCG {ndcg:.4f}")

# %% [markdown]
# `course_utils.metrics` does the same for all users at once. It takes a table of item columns, one row for each user, and the test matrix.

# %%
from scipy import sparse

from course_utils import metrics

ids = np.array([recommended])
test_matrix = sparse.csr_matrix(([1, 1, 1], ([0, 0, 0], sorted(relevant))), shape=(1, 8))

assert np.isclose(metrics.recall(ids, test_matrix, k=5)[0], recall)
assert np.isclose(metrics.precision(ids, test_matrix, k=5)[0], precision)
assert np.isclose(metrics.reciprocal_rank(ids, test_matrix, k=5)[0], reciprocal_rank)
assert np.isclose(metrics.average_precision(ids, test_matrix, k=5)[0], average_precision)
assert np.isclose(metrics.ndcg(ids, test_matrix, k=5)[0], ndcg)

# %% [markdown]
# ## One list, several scores
#
# Libraries share the names of these metrics, not their definitions. Take four users and lists of five films:
#
# - user 0 has 8 relevant films, and hits at ranks 1 and 3;
# - user 1 has 2 relevant films, and a hit at rank 2;
# - user 2 has 1 relevant film, and no hit;
# - user 3 has 1 relevant film, and got no list at all, which is written as −1.

# %%
lists = np.array([[0, 90, 1, 91, 92], [90, 10, 91, 92, 93], [90, 91, 92, 93, 94], [-1] * 5])
liked = [(0, item) for item in range(8)] + [(1, 10), (1, 11), (2, 20), (3, 30)]
users, items = np.array(liked).T
truth = sparse.csr_matrix((np.ones(len(liked)), (users, items)), shape=(4, 100))

# %% [markdown]
# Each row of the next table is an honest definition, and each of its choices is the default of some library. What changes is what a sum is divided by, and whether user 3 counts.

# %%
import pandas as pd

definitions = {
    "the course, ranx": {},
    "user 3 left out (pytrec_eval's mean)": {"missing_users": "skip"},
    "divided by min(n, k)": {"recall_denominator": "min", "map_denominator": "min"},
    "both": {"recall_denominator": "min", "map_denominator": "min", "missing_users": "skip"},
    "ideal list always k long": {"ideal": "k"},
}
scores = {
    name: metrics.ranking_metrics(lists, truth, 5, ["precision", "recall", "map", "ndcg"], **choice)
    for name, choice in definitions.items()
}
pd.DataFrame(
    {name: {m: np.nanmean(v) for m, v in score.items()} for name, score in scores.items()}
).T.round(4)

# %% [markdown]
# Nothing was recommended better in one row than in another. Recall and NDCG move by more than a half, and a table that takes its numbers from two papers compares two definitions. So do three things: compute all models of a comparison with one library, say which definition it is, and never copy a competitor's number.
#
# The course divides as trec_eval does, counts a user without a list as 0, and makes every choice an argument.
#
# ## Four models
#
# Now real lists. As everywhere in the course, the people of the embedded sample are simulated. Hold out the last five positives of everybody who keeps at least five.

# %%
from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit
from course_utils.splits import leave_last_out

ml = load_movielens()
split = leave_last_out(to_implicit(ml.ratings), n_test=5, min_train=5)
train = encode(split.train)
test = encode(split.test, users=train.users, items=train.items)
print(split)

# %% [markdown]
# A recommender, in this course and in `implicit`, has two methods: `fit(user_items)`, and `recommend(userids, user_items, N)`, which returns the columns of N items for each user and their scores. The four to be judged are old acquaintances: chance, popularity and item-kNN from [lesson 04](04_baselines.ipynb), ALS from [lesson 05](05_als.ipynb). Their settings are the usual ones of papers and libraries; none of them is tuned here. ALS computes in `float64`, so that rounding on another processor hardly ever changes a list.

# %%
from course_utils.models import ALS, ItemKNN, Popularity, Random


def fit_models(user_items):
    models = {
        "random": Random(seed=42),
        "popularity": Popularity(),
        "item-kNN": ItemKNN(k=200),
        "ALS": ALS(factors=64, regularization=0.01, iterations=20, dtype=np.float64),
    }
    return {name: model.fit(user_items) for name, model in models.items()}


models = fit_models(train.matrix)

# %% [markdown]
# `evaluate` asks a model for the lists of all users who have something in the test set, and measures them. Several cut-offs cost one pass.

# %%
from course_utils.evaluation import evaluate

results = {
    name: evaluate(model, train.matrix, test.matrix, k=(1, 5, 10, 20), progress=False)
    for name, model in models.items()
}
ranking = ["recall@10", "precision@10", "hit_rate@10", "mrr@10", "map@10", "ndcg@10"]
pd.DataFrame({name: result.summary[ranking] for name, result in results.items()}).T.round(3)

# %% [markdown]
# Read the first two rows before the others. Random says what chance gives, and popularity what a poster at the cinema gives. A model is worth its trouble by its distance from the second, not from zero.
#
# Recall grows with the length of the list, so a recall without its k says nothing.

# %% mystnb={"image": {"alt": "Line chart of recall against the cut-off k for random, popularity, item-kNN and ALS. All lines rise with k; random stays near zero, then come popularity, item-kNN and, highest, ALS."}}
from course_utils import plots

curves = pd.DataFrame(
    {name: [result.summary[f"recall@{k}"] for k in result.k] for name, result in results.items()},
    index=results["ALS"].k,
)
axes = plots.metric_against_k(curves, "recall")

# %% [markdown]
# ## When is a difference real?
#
# Each score is a mean over people, and other people would have given another mean. The *bootstrap* shows how different: draw as many people as there are, with replacement, take the mean, and do it a thousand times. The middle 95% of the means are an interval. It speaks of other people like these only: the fitted model and the split stay fixed, so another seed or another cut in time is not in it.

# %%
rng = np.random.default_rng(42)
values = results["ALS"].per_user["recall@10"].to_numpy()
means = [rng.choice(values, len(values)).mean() for _ in range(1000)]
low, high = np.quantile(means, [0.025, 0.975])
print(f"recall@10 of ALS: {values.mean():.3f}, 95% interval {low:.3f} to {high:.3f}")

# %% [markdown]
# Two intervals that overlap do not mean that two models are equal. Both judge the *same people*, some of whom are easy for everybody. Take the difference person by person, and what is easy or hard for both drops out. `compare` does it for every metric, tests it with a paired t-test, and corrects the p-values for the number of tests in the table, after Holm.

# %%
from course_utils.evaluation import compare, readable

table = compare(
    results, baseline="popularity", metrics=["recall@10", "ndcg@10"], n_boot=1000, seed=42
)
readable(table)

# %% [markdown]
# A star marks a difference from the baseline, better or worse, with a corrected p-value below 0.05. A small p-value says that a mean difference this large would be rare if there were none. How large it is, you read from the difference and its interval:

# %%
columns = ["model", "difference", "difference_low", "difference_high"]
tested = table[(table["metric"] == "recall@10") & table["p_holm"].notna()]
tested[columns].round(3).assign(
    p=tested["p_holm"].map(lambda p: f"{p:.3f}" if p >= 0.001 else "< 0.001")
)

# %% [markdown]
# The intervals are of 95% each and not corrected. Only comparisons with popularity are tested here; for ALS against item-kNN, make item-kNN the baseline.
#
# In a figure, each model has its mean and its interval:

# %% mystnb={"image": {"alt": "Dot plot with intervals of recall at 10 for the four models. Random is near zero; popularity follows at a clear distance, then item-kNN, and ALS is highest."}}
recalls = table[table["metric"] == "recall@10"].set_index("model")
axes = plots.models_with_intervals(recalls, "recall@10")

# %% [markdown]
# ## Sampled negatives mislead
#
# Many papers save time: instead of ranking all films, they rank the held-out film among 100 films drawn at random, and report the share of people for whom it is among the first ten. Nobody has to choose from 100 random films. What does it do to a comparison?
#
# You can compute it exactly. If the held-out film is at rank $r$ of $m$ candidates, then $r - 1$ of the other $m - 1$ are better, and how many of them are among 100 drawn ones follows the hypergeometric distribution.

# %%
from scipy.stats import hypergeom

from course_utils.evaluation import recommend_all

one = leave_last_out(to_implicit(ml.ratings), n_test=1, min_train=9)
one_train = encode(one.train)
one_test = encode(one.test, users=one_train.users, items=one_train.items)
tested = np.flatnonzero(np.diff(one_test.matrix.indptr))
held_out = one_test.matrix[tested].indices


def hit_rates(model):
    ranked = recommend_all(model, one_train.matrix, tested, k=len(one_train.items), progress=False)
    found = ranked == held_out[:, None]
    candidates = len(one_train.items) - np.diff(one_train.matrix.indptr)[tested]
    rank = np.where(found.any(axis=1), np.argmax(found, axis=1) + 1, candidates)
    among_100 = hypergeom.cdf(9, candidates - 1, rank - 1, 100)
    return {"all films": (rank <= 10).mean(), "100 sampled": among_100.mean()}


# %%
one_models = fit_models(one_train.matrix)
sampled = pd.DataFrame({name: hit_rates(model) for name, model in one_models.items()}).T
sampled["flattered"] = sampled["100 sampled"] / sampled["all films"]
for column in ("all films", "100 sampled"):
    sampled[f"÷ popularity, {column}"] = sampled[column] / sampled.loc["popularity", column]
sampled.round(3)

# %% [markdown]
# The numbers in the second column are several times those in the first, and the worst model is flattered most (the third column, in times). The last two columns show what becomes of a lead: counted in multiples of popularity, it shrinks. The reason is that most of 100 films drawn at random are films that hardly anybody knows. How often is a film at rank 60 of a thousand among the first ten then?

# %%
print(f"{hypergeom.cdf(9, 999, 59, 100):.0%} of the time")

# %% [markdown]
# Here the order of the models survives. It need not: [Krichene and Rendle](https://doi.org/10.1145/3394486.3403226) show cases where it turns around. Do not sample. This page ranked everything, for every model, while you read.
#
# ## Beyond accuracy
#
# A system that shows everybody the same ten films can have a good recall, and fail. `evaluate` measures what recall does not see:
#
# - *coverage*: which share of the catalogue is recommended to anybody?
# - *popularity*: how many people have a recommended film, on average?
# - *novelty*: how surprising is a film, in bits? One that half of the people know has 1 bit, one that a quarter knows has 2.
# - *personalization*: how different are the lists of two people?

# %%
beyond = ["coverage@10", "popularity@10", "novelty@10", "personalization@10"]
pd.DataFrame({name: result.summary[beyond] for name, result in results.items()}).T.round(3)

# %% mystnb={"image": {"alt": "Scatter plot of recall at 10 against coverage at 10 with a labeled point for each model. Random covers most and recalls least; popularity and item-kNN cover almost nothing; ALS lies between in coverage and highest in recall."}}
summaries = pd.DataFrame({name: result.summary for name, result in results.items()}).T
axes = plots.models_in_a_plane(summaries, "coverage@10", "recall@10")

# %% [markdown]
# No model is best at both. Random covers most and finds next to nothing; popularity finds something for some, with the same few films.
#
# Who gets shown at all? Sort the films from the least shown to the most shown, and add up. If all were shown alike, the curve would be the diagonal. The further it sags, the fewer films have the places among themselves.

# %% mystnb={"image": {"alt": "Lorenz curves of how often films are recommended, one for each model, below the diagonal of equal exposure. Popularity and item-kNN hug the lower right corner; ALS sags deeply; random is nearest to the diagonal."}}
shown = {
    name: np.bincount(result.recommended[:, :10].ravel(), minlength=len(train.items))
    for name, result in results.items()
}
axes = plots.exposure_curves(shown)

# %% [markdown]
# ## For whom does it work?
#
# A mean over people hides who they are. Split them by how much the model knew about each:

# %%
from course_utils.evaluation import by_activity

readable(by_activity(results["ALS"], edges=(10, 50), metrics=["recall@10", "ndcg@10"]))

# %% [markdown]
# Warm users score lowest: they have the obvious films already, and what is left to find is rarer. Look at how many people a row stands for before you read an order into the others; a small group has a wide interval.

# %%
groups = by_activity(results["ALS"], edges=(10, 50), metrics=["recall@10"])
groups[["users", "n_train", "n_users"]]

# %% [markdown]
# Compare such rows before you call a model good for everybody.
#
# ## Offline is not online
#
# Every number on this page is about the past. A film that somebody never came across could not be rated, so the test set is shaped by whatever people found before; a recommender that finds better films gets no credit for them. That is why teams use offline numbers to throw out bad ideas, and an experiment with real people to choose among good ones.
#
# ## Check yourself
#
# **1. Model A has recall@10 = 0.21 in one paper, model B has 0.28 in another, on the same release. Which one is better?**
#
# <details><summary>a) B, by a third.</summary>
#
# You have seen the same lists move by more than that from one definition to another.
# </details>
#
# <details><summary>b) You cannot tell.</summary>
#
# Yes. Split, tie rule, threshold, denominator and users without a list may all differ. Run both with one evaluator on one split.
# </details>
#
# <details><summary>c) A, because smaller numbers are more honest.</summary>
#
# Small numbers can come from a mistake, too. [Lesson 07](07_wrong_notebook.ipynb) shows one.
# </details>
#
# **2. The intervals of two models overlap. What follows?**
#
# <details><summary>a) The models are equally good.</summary>
#
# No. The intervals ignore that both were judged on the same people.
# </details>
#
# <details><summary>b) Nothing yet; look at the paired difference.</summary>
#
# Yes. The difference person by person has an interval of its own, and whether that holds 0 is the question.
# </details>
#
# <details><summary>c) You need more models.</summary>
#
# More people would help. More models only mean more tests, and more chances to be fooled.
# </details>
#
# **3. With 100 sampled negatives your model has HR@10 = 0.70. Among all films it has 0.12. Which number do you report?**
#
# <details><summary>a) 0.70, as most papers do.</summary>
#
# It answers a question nobody has, and it makes a weak model look nearly as good as a strong one.
# </details>
#
# <details><summary>b) 0.12.</summary>
#
# Yes. It is what a person would see who looks at the first ten of the whole catalogue.
# </details>
#
# <details><summary>c) The mean of the two.</summary>
#
# A mean of a right and a misleading number is misleading.
# </details>

# %% [markdown]
# ## What you learned
#
# - Each metric is a small formula on a row of hits. Libraries differ in what they divide by, and in whom they count.
# - Compare models with one evaluator on one split, say which definitions it uses, and put random and popularity beside them.
# - Put an interval on a score, and test differences person by person.
# - Rank the whole catalogue; sampled negatives flatter, and unequally.
# - Look at coverage, popularity and exposure before you call a model good.
#
# Next: [A notebook that is wrong](07_wrong_notebook.ipynb) runs without an error, and the number it prints is worthless. You find out why.
