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
# You turn "these ten films look good" into numbers that a reviewer would trust, and you find out what the numbers cannot say.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/06_evaluating_rankings.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - compute recall, precision, reciprocal rank, average precision and NDCG on paper, and say why libraries disagree;
# - test a difference, and say how many users it takes to see it;
# - tell luck from progress;
# - show what sampled candidates, a cut in time and selective ratings do to the order of models.
#
# **What you need first**: [From ratings to interactions](03_interactions_and_splits.ipynb), and the models of [Baselines](04_baselines.ipynb) and [ALS](05_als.ipynb).
#
# **How long it takes**: about 120 minutes.

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
# A recommender shows one user a list of five films, best first. Three films are *relevant*, because the user liked them later. Two of these are in the list, at ranks 2 and 5.

# %%
import numpy as np
import pandas as pd
from scipy import sparse

recommended, relevant = [7, 1, 3, 0, 4], {1, 4, 6}
hits = np.array([item in relevant for item in recommended])
print(hits.astype(int))

# %% [markdown]
# Every metric turns this row into one number. *Recall* divides the hits by the relevant films, *precision* by the length of the list. The *reciprocal rank* is 1 over the rank of the first hit. *Average precision* adds up the precision at the rank of each hit and divides by the relevant films, so that a missing film counts as zero. *NDCG* gives a hit at rank $r$ the weight $1 / \log_2(r + 1)$ and divides the sum by the best sum possible, all relevant films on top.

# %%
ranks = np.flatnonzero(hits) + 1
weights = 1 / np.log2(np.arange(1, 6) + 1)
by_hand = {
    "recall": hits.sum() / len(relevant),
    "precision": hits.sum() / 5,
    "mrr": 1 / ranks[0],
    "map": sum((i + 1) / rank for i, rank in enumerate(ranks)) / len(relevant),
    "ndcg": (hits * weights).sum() / weights[: len(relevant)].sum(),
}
print({name: round(float(value), 3) for name, value in by_hand.items()})

# %%
from course_utils import metrics

truth = sparse.csr_matrix(([1, 1, 1], ([0, 0, 0], sorted(relevant))), shape=(1, 8))
found = metrics.ranking_metrics(np.array([recommended]), truth, 5, list(by_hand))
assert all(np.isclose(found[f"{name}@5"][0], value) for name, value in by_hand.items())

# %% [markdown]
# ### Your turn: average precision
#
# Write `average_precision(hits, n_relevant)` for a list of zeros and ones, best rank first, of a user with `n_relevant` relevant films.


# %%
from course_labs import check


def average_precision(hits, n_relevant):
    """Return the average precision of one list."""
    ...


check("lesson06.a", average_precision)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def average_precision(hits, n_relevant):
#     hits = np.asarray(hits)
#     precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
#     return (precision * hits).sum() / n_relevant
# ```
#
# `cumsum` counts the hits down to each rank; only ranks with a hit are added up.
# </details>
#
# ## One list, several scores
#
# Libraries share these names, not the definitions. Take four users: user 0 has 8 relevant films and hits at ranks 1 and 3; user 1 has 2, and a hit at rank 2; user 2 has 1, and no hit; user 3 has 1, and got no list at all, written as −1.

# %%
lists = np.array([[0, 90, 1, 91, 92], [90, 10, 91, 92, 93], [90, 91, 92, 93, 94], [-1] * 5])
liked = [(0, item) for item in range(8)] + [(1, 10), (1, 11), (2, 20), (3, 30)]
truth = sparse.csr_matrix((np.ones(len(liked)), np.array(liked).T), shape=(4, 100))

definitions = {
    "the course, ranx": {},
    "user 3 left out (pytrec_eval's mean)": {"missing_users": "skip"},
    "divided by min(n, k)": {"recall_denominator": "min", "map_denominator": "min"},
    "both (LensKit's recall)": {
        "recall_denominator": "min",
        "map_denominator": "min",
        "missing_users": "skip",
    },
    "ideal list always k long": {"ideal": "k"},
}
names = ["precision", "recall", "map", "ndcg"]
scores = {
    said: {
        m.removesuffix("@5"): np.nanmean(v)
        for m, v in metrics.ranking_metrics(lists, truth, 5, names, **choice).items()
    }
    for said, choice in definitions.items()
}
scores["implicit: all hits ÷ Σ min(n, k)"] = {"precision": 3 / (5 + 2 + 1 + 1)}
pd.DataFrame(scores).T.round(3)

# %% [markdown]
# The same lists have a recall between 0.188 and 0.300 and a "precision" between 0.15 and 0.33; that of `implicit` divides the hits of all users by the most they could have. Compute all models of a comparison with one library, and name the definition.
#
# ## Five models on validation
#
# This page works on the validation set and opens the test in the last section. All models have the course's settings; the ratings of the embedded sample are simulated.

# %%
from course_utils.datasets import load_movielens
from course_utils.evaluation import beside_real, board, compare, evaluate
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS, EASE, ItemKNN, Popularity, Random
from course_utils.splits import course_split

ml = load_movielens()
positives = to_implicit(ml.ratings)
split = course_split(positives)
train = encode(split.train)
val = encode(split.val, users=train.users, items=train.items)


def fit_models(matrix):
    models = {
        "ALS": ALS(dtype="float64"),
        "EASE": EASE(),
        "item-kNN": ItemKNN(),
        "popularity": Popularity(),
    }
    return {name: model.fit(matrix) for name, model in models.items()} | {
        "random": Random(seed=42).fit(matrix)
    }


models = fit_models(train.matrix)
results = {
    name: evaluate(model, train.matrix, val.matrix, k=(1, 5, 10, 20), progress=False)
    for name, model in models.items()
}

# %% mystnb={"image": {"alt": "Line chart of recall against the cut-off k for five models. All lines rise with k. From the top: ALS, EASE, item-kNN, popularity, and random near zero; the distances between the first four grow with k."}}
from course_utils import plots

curves = pd.DataFrame(
    {name: [result.summary[f"recall@{k}"] for k in result.k] for name, result in results.items()},
    index=results["ALS"].k,
)
axes = plots.metric_against_k(curves, "recall")

# %% [markdown]
# Recall grows with k, so state the k.
#
# ## When is a difference real?
#
# A score is a mean over users, and other users would have given another one. The *bootstrap* shows how different: draw as many users as there are, with replacement, take the mean, repeat. Their middle 95 % are an interval.

# %%
rng = np.random.default_rng(42)
of_users = {name: result.per_user["recall@10"].to_numpy() for name, result in results.items()}
for name in ("ALS", "EASE"):
    means = [rng.choice(of_users[name], len(of_users[name])).mean() for _ in range(1000)]
    print(
        f"{name:5} {of_users[name].mean():.3f}, 95% interval {np.quantile(means, 0.025):.3f} to {np.quantile(means, 0.975):.3f}"
    )

# %% [markdown]
# The two intervals overlap, and that decides nothing: both judge the *same* users, some of whom are easy for every model. Take the difference user by user, and what is easy or hard for both drops out. `compare` does so. Its p-value says how rare such a mean difference would be if there were none (a paired t-test), and Holm's correction raises it for the number of tests in the table.

# %%
on_validation = compare(results, baseline="EASE", metrics=["recall@10"]).set_index("model")
apart = of_users["ALS"] - of_users["EASE"]
print(f"ALS − EASE {apart.mean():+.3f}, p (Holm) {on_validation.loc['ALS', 'p_holm']:.3f}")
print(
    f"better for {(apart > 0).mean():.0%} of the users, worse for {(apart < 0).mean():.0%}, equal for {(apart == 0).mean():.0%}"
)
beside_real("lesson06.validation", board(results))

# %% [markdown]
# ALS is ahead of EASE by 0.009, with an interval above 0. A significant difference need not be a large one: 71 % of the users see no change, 16 % gain and 13 % lose. And on real ratings the order is not decided.
#
# The spread of the paired differences also says what a test set *can* show. To find a true difference $\delta$ in 80 % of such experiments at the 5 % level takes about $n = (1.96 + 0.84)^2 \, s^2 / \delta^2$ users, where $s$ is the standard deviation of the differences.
#
# ### Your turn: how many users?
#
# Write `users_needed(differences, effect)` with this formula, rounded up to a whole number.


# %%
def users_needed(differences, effect):
    """Return the number of users that it takes to find a difference of this size."""
    ...


check("lesson06.b", users_needed)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def users_needed(differences, effect):
#     spread = np.std(differences, ddof=1)
#     return int(np.ceil((1.96 + 0.84) ** 2 * spread**2 / effect**2))
# ```
# </details>

# %%
spread = apart.std(ddof=1)
needed = {
    f"{effect}": int(np.ceil(2.8**2 * spread**2 / effect**2))
    for effect in (0.02, 0.01, 0.005, 0.001)
}
beside_real("lesson06.power", pd.Series(needed | {"users here": len(apart)}, name="users"))

# %% [markdown]
# Between these two models a difference of 0.01 takes 1,188 users; with 951 it is found less often, and the lead of 0.009 is among the finds. To look for 0.005 takes 4,749 users, for 0.001 118,705.
#
# ## Luck of the seed, luck of the search
#
# ALS starts from random factors. Ten seeds:

# %%
seeds = [
    evaluate(
        ALS(seed=seed, dtype="float64").fit(train.matrix), train.matrix, val.matrix, progress=False
    ).summary["recall@10"]
    for seed in range(10)
]
luck = {
    "lowest of ten seeds": min(seeds), "highest": max(seeds), "standard deviation over seeds": np.std(seeds, ddof=1),
    "standard error of ALS − EASE": apart.std(ddof=1) / len(apart) ** 0.5,
}  # fmt: skip
beside_real("lesson06.seeds", pd.Series(luck, name="recall@10").round(4))

# %% [markdown]
# The standard deviation over seeds is 0.0008, a fifth of the standard error of the difference from EASE; on real ratings it is a third, and the ten seeds span more than that difference. Report the spread over seeds beside the interval over users.
#
# A search picks the best of many noisy numbers, so the winner's own number is too high, and a larger budget looks better. Fit 24 settings of ALS. Choose the best of $n$ random ones on a random half of the users, and look at the same setting on the other half:

# %%
import itertools

settings = list(itertools.product((16, 32, 64), (0.01, 1, 10, 30), (1, 3)))  # factors, λ, α
tried = []
for factors, l2, alpha in settings:
    model = ALS(factors, l2, iterations=10, alpha=alpha, dtype="float64").fit(train.matrix)
    result = evaluate(model, train.matrix, val.matrix, progress=False)
    tried.append(result.per_user["recall@10"].to_numpy())
tried = np.array(tried)


def best_of(n, rng):
    """Return recall@10 of the best of n settings, on the half that chose it and on the other."""
    some = tried[rng.choice(len(tried), n, replace=False)]
    half = rng.permutation(some.shape[1]) < some.shape[1] // 2
    best = some[:, half].mean(axis=1).argmax()
    return some[best, half].mean(), some[best, ~half].mean()


rng = np.random.default_rng(42)
budgets = {n: np.mean([best_of(n, rng) for _ in range(400)], axis=0) for n in (1, 2, 5, 24)}
search = pd.DataFrame(budgets, index=["where it was chosen", "on other users"]).T
search.index = [f"best of {n}" for n in search.index]
library = ALS(factors=100, regularization=0.01, iterations=15, alpha=0, dtype="float64")
search.loc["the library's defaults"] = evaluate(
    library.fit(train.matrix), train.matrix, val.matrix, progress=False
).summary["recall@10"]
beside_real("lesson06.budget", search.round(3))

# %% [markdown]
# The winner of 24 has 0.204 where it was chosen and 0.202 on other users; on real ratings 0.095 and 0.088. The last row is a warning about budgets. On the sample, ALS with `implicit`'s default settings has 0.111 and loses to a tuned item-kNN (0.153), while the tuned ALS has 0.204: such a comparison says who tuned ([Ferrari Dacrema and others](https://doi.org/10.1145/3298689.3347058)). On real ratings the defaults have 0.093 here and fall behind on the test of lesson 05.
#
# ## Sampled candidates turn the order around
#
# Some papers rank the held-out film among 100 films drawn at random instead of all. If the film is at rank $r$ of $n$ candidates, $r - 1$ of the other $n - 1$ are better, and how many of those are among the 100 is hypergeometric: no drawing is needed. The means are over held-out films.

# %%
from scipy.stats import hypergeom

from course_utils.evaluation import recommend_all

users = np.flatnonzero(np.diff(val.matrix.indptr))
of_user = np.repeat(np.arange(len(users)), np.diff(val.matrix.indptr)[users])
film = val.matrix[users].indices
n_candidates = len(train.items) - np.diff(train.matrix.indptr)[users][of_user]


def ranks_of(model):
    """Return the rank of each held-out film among all candidates; last where it is not listed."""
    ranked = recommend_all(model, train.matrix, users, k=len(train.items), progress=False)
    found = ranked[of_user] == film[:, None]
    return np.where(found.any(axis=1), found.argmax(axis=1) + 1, n_candidates)


ranks = {name: ranks_of(model) for name, model in models.items()}
hit_rates = pd.DataFrame(
    {
        name: {
            "all candidates": (rank <= 10).mean(),
            "100 sampled": hypergeom.cdf(9, n_candidates - 1, rank - 1, 100).mean(),
            "share with a score": (rank < n_candidates).mean(),
        }
        for name, rank in ranks.items()
    }
).T
beside_real("lesson06.sampled", hit_rates.round(3))

# %% [markdown]
# Among all candidates item-kNN beats popularity, 0.153 to 0.132. Among 100 sampled ones popularity wins, 0.570 to 0.382, on real ratings as well. The table says why: item-kNN gives a score to only 39 % of the held-out films, and the others count as last. On real ratings EASE leads ALS among all films, 0.101 to 0.097, and ALS leads among 100, 0.770 to 0.704. [Krichene and Rendle](https://doi.org/10.1145/3394486.3403226) predicted such reversals.
#
# ### Your turn: dilution
#
# A held-out film is at rank `rank` of `n` candidates. Write `expected_rank(rank, n, m)`: the rank to expect among `m` candidates drawn at random from the others.


# %%
def expected_rank(rank, n, m):
    """Return the expected rank of a film among m sampled candidates."""
    ...


check("lesson06.c", expected_rank)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def expected_rank(rank, n, m):
#     return 1 + m * (rank - 1) / (n - 1)
# ```
#
# Of the other `n − 1` candidates, `rank − 1` are better, so each drawn one is better with that share.
# </details>
#
# How often is a film at rank $r$ of 1,000 among the first ten then?

# %%
print({r: f"{hypergeom.cdf(9, 999, r - 1, 100):.2f}" for r in (10, 50, 100, 150, 300)})

# %% [markdown]
# Rank 50 is nearly always a hit among 100, and rank 100 in almost half of the cases. So the sampled metric asks whether a film is in the upper tenth of the catalogue, not whether it is in the list.


# %% [markdown]
# ## What nobody rated
#
# A test set holds what users chose to watch, and they do not choose at random. Ratings are *missing not at random*. MovieLens cannot show what that does, since nobody knows what users think of films they never rated. The sample's simulated people can be asked, so this section always uses the sample.

# %%
from course_utils.world import load_world

sample = load_movielens("sample")
of_sample = course_split(to_implicit(sample.ratings))
learned = encode(of_sample.train)
hidden = encode(of_sample.val, users=learned.users, items=learned.items)
world = load_world()
utility = world.utility(learned.users)[:, np.searchsorted(world.items, learned.items)]
is_held = hidden.matrix.toarray() > 0
would_like = (utility >= 4) & (learned.matrix.toarray() == 0)  # expected stars of unseen films
asked = np.flatnonzero(is_held.any(axis=1))
held, liked = is_held[asked], would_like[asked]
fans = np.diff(learned.matrix.tocsc().indptr)
tenth = pd.qcut(pd.Series(fans).rank(method="first"), 10, labels=False).to_numpy()
seen = {
    f"tenth {t + 1} of 10, from the least liked": {
        "liked films that are held out": f"{(held & liked)[:, tenth == t].sum() / liked[:, tenth == t].sum():.1%}",
        "expected stars": f"{utility[:, tenth == t].mean():.2f}",
    }
    for t in (2, 4, 6, 8, 9)
}
pd.DataFrame(seen).T

# %%
weight = 1 / np.maximum(fans, 1)  # as if the chance to be rated followed popularity
rows = {}
for name, model in fit_models(learned.matrix).items():
    ids = evaluate(model, learned.matrix, hidden.matrix, progress=False).recommended
    shown = np.zeros(held.shape, dtype=bool)
    user, slot = np.nonzero(ids >= 0)
    shown[user, ids[user, slot]] = True
    rows[name] = {
        "recall@10": ((shown & held).sum(axis=1) / held.sum(axis=1)).mean(),
        "weighted by 1 / popularity": ((shown & held) @ weight).sum() / (held @ weight).sum(),
        "had every liked film the same chance": (
            (shown & liked).sum(axis=1) / np.maximum(liked.sum(axis=1), 1)
        ).mean(),
        "liked, of ten": (shown & liked).sum(axis=1).mean(),
    }
truth = pd.DataFrame(rows).T
(truth / truth.loc["ALS"]).round(2)

# %% [markdown]
# Of the films that a user would give four stars or more (planted, and known only here), validation holds 6.4 % in the most-liked tenth and 0.8 % in the third from the bottom. In the second table each column is divided by its value for ALS. Popularity has 65 % of ALS's recall. Had every liked film the same chance to be held out, it would have 81 %; of its ten films, users would like 87 % as many. Dividing each hit by its film's popularity, a common estimate of the *propensity* to be rated, makes it worse: 44 %. Popular films are also better liked (the expected stars), and the weight takes that for a bias. How to estimate propensities: [Schnabel and others](https://proceedings.mlr.press/v48/schnabel16.html).
#
# ## One line through time
#
# Lesson 03 showed that a user-by-user split lets models learn from other users' future. Does the *order* of models depend on it? Cut once in time at four places, train on the past, and test on the next ten likes of users with at least five before the cut. A user who is tested at several cuts counts with the mean.

# %%
later = {name: [] for name in models}
for share in (0.5, 0.6, 0.7, 0.8):
    before = positives["timestamp"] < positives["timestamp"].quantile(share)
    past = encode(positives[before])
    future = positives[
        ~before & positives["user_id"].isin(past.users) & positives["movie_id"].isin(past.items)
    ]
    ten = future.sort_values("timestamp", kind="stable").groupby("user_id").head(10)
    hidden = encode(ten, users=past.users, items=past.items).matrix
    warm = np.flatnonzero((np.diff(past.matrix.indptr) >= 5) & (np.diff(hidden.indptr) > 0))
    for name, model in fit_models(past.matrix).items():
        found = evaluate(model, past.matrix, hidden, users=warm, progress=False).per_user[
            "recall@10"
        ]
        later[name].append(found.set_axis(past.users[found.index]))
cut = pd.DataFrame(
    {name: pd.concat(parts).groupby(level=0).mean() for name, parts in later.items()}
)

# %%
from course_utils.evaluation import mean_and_interval

last_five = pd.DataFrame({name: result.per_user["recall@10"] for name, result in results.items()})
last_five.index = train.users[last_five.index]
both = cut.index.intersection(last_five.index)
timeline = {}
for split_by, recalls in {"last five": last_five.loc[both], "cuts in time": cut.loc[both]}.items():
    mean, low, high = mean_and_interval(recalls.sub(recalls["EASE"], axis=0))
    apart_by = [f"{m:+.3f} [{a:+.3f}, {b:+.3f}]" for m, a, b in zip(mean, low, high, strict=True)]
    timeline[f"{split_by}: recall@10"] = recalls.mean().map("{:.3f}".format)
    timeline[f"{split_by}: − EASE"] = pd.Series(apart_by, recalls.columns)
print(f"{len(both)} users are in both tests")
beside_real("lesson06.timeline", pd.DataFrame(timeline))

# %% [markdown]
# The two columns of differences hold the same users. Popularity is 0.104 behind EASE by each user's last five and 0.055 behind under cuts in time, with intervals apart. The two tests hold other films, so the table does not say why. ALS and EASE cannot be told apart by these 193 users in either test. On real ratings the intervals are too wide to say the same.
#
# ## The board
#
# The board of lessons 04 and 05, now with chance and intervals. Nothing on this page has used the test, and it is opened in this section only.

# %%
known = encode(split.train_and_val)
test = encode(split.test, users=known.users, items=known.items)
final = {
    name: evaluate(model, known.matrix, test.matrix, progress=False)
    for name, model in fit_models(known.matrix).items()
}
beside_real("lesson06.board", board(final))

# %% mystnb={"image": {"alt": "Dot plot with 95% intervals of recall at 10 on the test for five models, the best on top: ALS, EASE, item-kNN, popularity, and random near zero. The intervals of ALS and EASE overlap."}}
intervals = compare(final, metrics=["recall@10"]).set_index("model")
axes = plots.models_with_intervals(intervals, "recall@10")

# %% [markdown]
# On the sample the order of validation holds. On real ratings EASE is first, and its distance from ALS is not certain. None of these numbers says what users would do with other lists; that takes an experiment with users.

# %% [markdown]
# ## Check yourself
#
# **1. A user has 4 relevant films. The list of five has hits at ranks 1 and 4. What is its average precision at 5?**
#
# <details><summary>a) 0.75</summary>
#
# That is (1/1 + 2/4) / 2, divided by the hits.
# </details>
#
# <details class="right"><summary>b) 0.375</summary>
#
# Yes: (1/1 + 2/4) / 4; missing films count as zeros.
# </details>
#
# <details><summary>c) 0.40</summary>
#
# That is precision: 2 hits in 5 slots, whatever their ranks.
# </details>
#
# **2. The intervals of two models overlap. What follows?**
#
# <details><summary>a) The models are equally good.</summary>
#
# No. Both intervals hold the spread of users, which the models share.
# </details>
#
# <details><summary>b) Their difference is not significant.</summary>
#
# Those of ALS and EASE overlap here, and their paired difference is above 0.
# </details>
#
# <details class="right"><summary>c) Nothing; look at the difference user by user.</summary>
#
# Yes. It has an interval of its own, and whether that holds 0 is the question.
# </details>
#
# **3. The paired differences of two models have a standard deviation of 0.2. About how many users does it take to find a true difference of 0.01?**
#
# <details class="right"><summary>a) 3,100</summary>
#
# Yes: 2.8² × 0.2² / 0.01² = 7.84 × 400 = 3,136.
# </details>
#
# <details><summary>b) 400</summary>
#
# That is 0.2² / 0.01², without the factor 2.8².
# </details>
#
# <details><summary>c) 56</summary>
#
# 2.8 × 20 = 56 has to be squared.
# </details>
#
# **4. You try 24 settings of your model, and for the baseline the one setting that a tutorial uses. Your model wins by 0.02. What is wrong?**
#
# <details><summary>a) Nothing, as long as the settings were chosen on the validation set.</summary>
#
# Your own number is then honest, and the baseline's is still not its best.
# </details>
#
# <details class="right"><summary>b) The comparison is one of budgets: give the baseline 24 trials as well.</summary>
#
# Yes. On this page ALS loses or wins against item-kNN by its settings alone.
# </details>
#
# <details><summary>c) 24 trials are too few for a search.</summary>
#
# More trials for one side make it less fair.
# </details>
#
# **5. With 100 sampled candidates model A beats B; among all candidates B beats A. How can that be?**
#
# <details><summary>a) One of the two computations is wrong.</summary>
#
# Both can be right; on this page two models change places.
# </details>
#
# <details><summary>b) Chance: with other samples the order would be the same as among all.</summary>
#
# The numbers of this page are expectations over all samples.
# </details>
#
# <details class="right"><summary>c) Among 100, rank 50 of 1,000 nearly always counts as a hit, so A needs no good top of the list.</summary>
#
# Yes. The metric over all candidates rewards the first ten ranks, the sampled one the upper tenth.
# </details>

# %% [markdown]
# ## What you learned
#
# - The same lists have a recall from 0.188 to 0.300 by definition alone: use one library, and name the definition.
# - Differences are taken user by user. ALS leads EASE by 0.009 here, for 16 % of the users against 13 %; to look for 0.005 takes 4,749 users.
# - Give every model the same budget: with the library's defaults, ALS falls from 0.204 to 0.111 on the sample.
# - 100 sampled candidates let popularity beat item-kNN; rank all films.
# - Under cuts in time popularity is half as far behind EASE, and what nobody rated hides part of what popularity can do.
#
# Next: [A notebook that is wrong](07_wrong_notebook.ipynb) runs without an error, and the number it prints is worthless. You find out why.

# %% [markdown]
# ## Going further
#
# Nothing later depends on these two sections.
#
# ### Correcting a sampled metric
#
# Krichene and Rendle also give a correction: find, for each sampled rank, the value whose expectation comes nearest to the metric over all ranks, by least squares with a small penalty $\gamma$ on variance.


# %%
def corrected(rank, n, k=10, m=100, gamma=0.1):
    """Estimate the share of ranks up to k among n candidates from ranks among m sampled ones."""
    from scipy.stats import binom

    p = binom.pmf(np.arange(m + 1), m, (np.arange(n)[:, None]) / (n - 1)) / n**0.5
    wanted = (np.arange(1, n + 1) <= k) / n**0.5
    spread = np.diag((p / n**0.5).sum(axis=0))
    value = np.linalg.solve((1 - gamma) * p.T @ p + gamma * spread, p.T @ wanted)
    better = (rank - 1) / (n_candidates - 1)
    return (binom.pmf(np.arange(m + 1), m, better[:, None]) @ value).mean()  # over all samples


n = int(np.median(n_candidates))
estimate = {name: corrected(rank, n) for name, rank in ranks.items()}
hit_rates["corrected"] = pd.Series(estimate)
beside_real(
    "lesson06.corrected", hit_rates[["all candidates", "100 sampled", "corrected"]].round(3)
)

# %% [markdown]
# On the sample the correction restores the order, with values near those over all candidates: 0.190 for 0.204. On real ratings it puts item-kNN above popularity again, but it is about a quarter too low and does not tell ALS from EASE. Ranking everything is simpler.
#
# ### Beyond accuracy
#
# A system that shows everybody the same ten films can have a good recall. *Coverage* is the share of the catalogue that is recommended to anybody, *novelty* how rare a film is, in bits (one that half of the users like has 1 bit, a quarter 2), and *personalization* how different the lists of two users are.

# %%
beyond = ["recall@10", "coverage@10", "novelty@10", "personalization@10"]
beside_real(
    "lesson06.beyond", pd.DataFrame({n: r.summary[beyond] for n, r in results.items()}).T.round(2)
)

# %% mystnb={"image": {"alt": "Lorenz curves of how often films are recommended, one for each model, below the diagonal of equal exposure. Random is near the diagonal; EASE and ALS sag deeply, item-kNN more, and popularity hugs the lower right corner."}}
axes = plots.exposure_curves({name: result.exposure() for name, result in results.items()})

# %% [markdown]
# Popularity recommends 6 % of the films to anybody; the two best models reach 20 and 21 %. The deeper a curve sags, the fewer films share the slots.

# %%
from course_utils.evaluation import by_activity, readable

readable(by_activity(results["ALS"], edges=(20, 50), metrics=["recall@10", "ndcg@10"]))

# %% [markdown]
# A mean hides groups: users with fewer than 20 positives in training get 0.220, those with 50 and more 0.187.
