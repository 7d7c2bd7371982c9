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
# # Hybrids and cold start
#
# You serve people of whom little is known and films that nobody has rated, you let several models work together, and you test all of it so that the result can be believed.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/10_hybrids.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - find out from how many likes on a personal model is worth more than popularity;
# - hold out whole films, and say which of two questions an evaluation on them answers;
# - blend two models, choose the weight, and report it honestly when it does not help;
# - give a new film factors by way of its words;
# - check what a language model says about films before anybody sees it.
#
# **What you need first**: [Baselines](04_baselines.ipynb), [Evaluating rankings](06_evaluating_rankings.ipynb), and lesson 09, BERT embeddings.
#
# **How long it takes**: about 90 minutes.

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
# ## Two kinds of cold
#
# Every model so far learned from who likes what. A person who has just signed up has no row in that matrix, and a film that has just come out has an empty column. Both are called *cold start*, and they ask for different remedies: for the new person you know the films, and for the new film you know the people.
#
# As everywhere in the course, the people of the embedded sample are simulated. Its films are real: titles, years and genres.

# %%
import numpy as np
import pandas as pd

from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit

ml = load_movielens()
positives = to_implicit(ml.ratings).sort_values("timestamp", kind="stable")
everything = encode(positives)
print(everything)

# %% [markdown]
# How many are cold, or nearly? Count who has fewer than five.

# %%
per_user, per_film = (np.diff(m.indptr) for m in (everything.matrix, everything.matrix.tocsc()))
never = len(ml.movies) - len(everything.items)
print(f"people with fewer than 5 likes: {(per_user < 5).mean():.0%}")
print(f"films with fewer than 5 likes: {(per_film < 5).mean():.0%}, and {never:,} have none")

# %% [markdown]
# MovieLens keeps only people with twenty ratings or more, and the sample imitates that, so cold people are rare here. In a shop they may be most of the visitors. You have to make them yourself.
#
# ## A new person
#
# Take a third of the people out, whole rows of the matrix. The models never see them; they come later, as newcomers.

# %%
rng = np.random.default_rng(42)
people = np.unique(positives["user_id"])
apart = rng.choice(people, len(people) // 3, replace=False)
is_new = positives["user_id"].isin(apart)
known = encode(positives[~is_new])
print(known)

# %% [markdown]
# Number each newcomer's likes in the order of time, 0 the first. Keep those with at least 25: the first 20 are what a model may be told, and the five after them are what it has to find.

# %%
theirs = positives[is_new & positives["movie_id"].isin(known.items)].copy()
theirs["place"] = theirs.groupby("user_id").cumcount()
theirs = theirs[theirs.groupby("user_id")["place"].transform("max") >= 24]
newcomers = theirs["user_id"].unique()


def likes(chosen):
    return encode(theirs[chosen], users=newcomers, items=known.items).matrix


hidden = likes(theirs["place"].between(20, 24))
print(f"{len(newcomers)} newcomers, {hidden.nnz} films to find")

# %% [markdown]
# Now *truncate*: tell the models the first $m$ likes only, and let $m$ grow. Everything else must stay as it is, or you would measure something else. So the five films to find are the same for every $m$, and so are the candidates: none of the first twenty is shown, told or not.

# %%
rows = len(known.users) + np.arange(len(newcomers))  # rows that no model has seen
first_20 = likes(theirs["place"] < 20)
has = first_20.toarray() > 0


def ten_films(model, told):
    ids, _ = model.recommend(rows, told, N=30)
    out = (ids >= 0) & np.take_along_axis(has, np.maximum(ids, 0), axis=1)
    return np.take_along_axis(ids, np.argsort(out, axis=1, kind="stable")[:, :10], axis=1)


# %% [markdown]
# Three models of the earlier lessons. `EASE` scores any history. `ALS` has no vector for a newcomer, so it works one out from the history, with the films held fixed.

# %%
from course_utils import metrics
from course_utils.models import ALS, EASE, Popularity

popularity = Popularity().fit(known.matrix)
ease = EASE(l2=250).fit(known.matrix)
als = ALS(32, 0.01, alpha=1, dtype="float64").fit(known.matrix)

steps = [0, 1, 2, 3, 5, 8, 12, 20]
found = {
    name: {
        m: metrics.recall(ten_films(model, likes(theirs["place"] < m)), hidden, k=10) for m in steps
    }
    for name, model in {"popularity": popularity, "EASE": ease, "ALS": als}.items()
}
pd.DataFrame(found).map(np.mean).round(3)

# %% [markdown]
# The first row is honest: with no likes, EASE and ALS know nothing and show nothing. Popularity is the same in every row, since it does not listen.
#
# One number per cell hides how sure it is. `mean_and_interval` is the bootstrap of [lesson 06](06_evaluating_rankings.ipynb).

# %% mystnb={"image": {"alt": "Line chart of recall at 10 against the number of likes a model is told, from 0 to 20, with shaded intervals. Popularity is level; EASE and ALS start at zero and rise above it."}}
from course_utils import plots
from course_utils.evaluation import mean_and_interval


def with_intervals(values):
    """Return means and intervals, a row for each name."""
    mean, low, high = mean_and_interval(np.column_stack(list(values.values())))
    return pd.DataFrame({"mean": mean, "low": low, "high": high}, index=list(values))


curves = {name: with_intervals(by_m) for name, by_m in found.items()}
axes = plots.score_by_history(curves, "recall@10")

# %% [markdown]
# Look for the place where a line crosses popularity. The bands are wide, as there are few newcomers, so the place is known roughly only.
#
# The five films to find come after the twentieth like, so at the left the models look far ahead. With another test you would get another curve; what carries over is its shape.
#
# ## Switching
#
# The simplest hybrid has no new idea in it: below some number of likes show what is popular, from there on ask the personal model. The number is a setting, so one half of the newcomers chooses it and the other half judges it.

# %%
choosing = np.arange(len(newcomers)) % 2 == 0
gain = [(found["EASE"][m] - found["popularity"][m])[choosing].mean() for m in steps]
ahead = np.logical_and.accumulate(np.array(gain[::-1]) > 0)[::-1]
switch = steps[int(ahead.argmax())] if ahead.any() else steps[-1]
print(f"EASE from {switch} likes on")

# %% [markdown]
# `Hybrid` switches for you: `cold_users` is the model that serves those with fewer than `min_items`. One like below the switch it answers as popularity does, and at the switch as EASE.

# %%
from course_utils.models import Hybrid

switching = Hybrid([EASE(l2=250)], cold_users=Popularity(), min_items=switch).fit(known.matrix)
for told, model in ((switch - 1, popularity), (switch, ease)):
    history = likes(theirs["place"] < told)
    assert (ten_films(switching, history) == ten_films(model, history)).all()

# %% [markdown]
# For the test, let each newcomer of the other half arrive twenty-one times, with 0 to 20 likes, and take the mean for each.


# %%
def on_arrival(model):
    lists = [ten_films(model, likes(theirs["place"] < told)) for told in range(21)]
    return np.mean([metrics.recall(ids, hidden, k=10)[~choosing] for ids in lists], axis=0)


judged = {
    name: on_arrival(model)
    for name, model in {"popularity": popularity, "EASE": ease, "switching": switching}.items()
}
judged["switching − EASE"] = judged["switching"] - judged["EASE"]
with_intervals(judged).round(3)

# %% [markdown]
# The last row is the difference person by person. Where its interval is above 0, switching is better than EASE alone; where it holds 0, you keep it for another reason: with no likes at all, EASE shows an empty page. Popularity alone does about as well for these newcomers: compare its row with that of switching.
#
# ## A new film
#
# Now the other kind. Nobody has the film, so there is nothing to count. Can any of the models recommend it?
#
# The splits of the earlier lessons hardly show it: nearly every film held out of one person's likes has other fans in the training set. Here the films have to be held out *whole*: all likes of a film, everybody's, leave the training set. Five people and six films, two of which are to be new:

# %% mystnb={"image": {"alt": "A small table of five people and six films with a 1 where a person likes a film. Two of the six columns are shaded, and a question mark stands in them where a like is held out."}}
toy = np.array(
    [[1, 1, 0, 0, 1, 0], [1, 0, 0, 1, 1, 0], [0, 1, 1, 0, 0, 1], [0, 0, 1, 0, 0, 1], [1, 0, 1, 1, 0, 0]]
)  # fmt: skip
toy_films = ["Alien", "Aliens", "Ghost", "Matrix", "Gattaca", "Emma"]
axes = plots.whole_films_held_out(toy, {4, 5}, ["Ann", "Ben", "Cem", "Dia", "Eva"], toy_films)

# %% [markdown]
# By hand, a boolean for each column, and a column that is held out is empty afterwards:

# %%
from scipy import sparse

is_cold = np.array([False, False, False, False, True, True])
toy_train = sparse.csr_matrix(np.where(is_cold, 0, toy))
toy_test = sparse.csr_matrix(np.where(is_cold, toy, 0))
assert (toy_train + toy_test != sparse.csr_matrix(toy)).nnz == 0
np.asarray(toy_train.sum(axis=0)).ravel()

# %% [markdown]
# `cold_item_split` draws the films and divides the table. Two things are easy to get wrong afterwards. The matrix needs a *column* for the cold films, or no model can name them. And their likes must be gone from *everything* that is learned, not only from the matrix you look at.

# %%
from course_utils.splits import cold_item_split

split = cold_item_split(positives, share=0.2, seed=42)
items = np.unique(positives["movie_id"])
train = encode(split.train, items=items)
test = encode(split.test, users=train.users, items=items)
cold_films = train.columns_of(np.unique(split.test["movie_id"]))
assert train.matrix[:, cold_films].nnz == 0
print(f"{len(cold_films)} cold films of {len(items):,}, {test.matrix.nnz:,} likes to find")

# %% [markdown]
# Ask each collaborative model for ten *cold* films, and count what comes back. `items` says which columns are candidates.

# %%
from course_utils.models import ItemKNN

tested = np.flatnonzero(np.diff(test.matrix.indptr))
history, relevant = train.matrix[tested], test.matrix[tested]
collaborative = {
    "item-kNN": ItemKNN(k=200, shrinkage=0),
    "EASE": EASE(l2=250),
    "ALS": ALS(32, 0.01, alpha=1, dtype="float64"),
}
offered = {
    name: (model.fit(train.matrix).recommend(tested, history, items=cold_films)[0] >= 0).sum()
    for name, model in collaborative.items()
}
pd.Series(offered, name="cold films offered")

# %% [markdown]
# None, to nobody. No tuning changes that: an empty column has no similarity, no weight and no factor. And popularity?

# %%
ids, scores = Popularity().fit(train.matrix).recommend(0, train.matrix[0], items=cold_films)
print("columns", ids, "scores", scores)

# %% [markdown]
# It offers ten, all with a score of 0: the lowest columns, because ties go to the lowest. That is no opinion but an accident of the numbering. Where ids follow age, as in MovieLens, the accident prefers old films, and old films in MovieLens are the better known ones, so it may even score well. Hence chance is the baseline here, and not popularity.
#
# ## What the words know
#
# A new film has a title, a year and genres from its first day. [Lesson 09](09_bert_embeddings.ipynb) turned them into vectors. Encode all films, and let `Embeddings` remember whose they are.

# %%
from course_utils.text import Embeddings, encode_texts, movie_texts

texts = movie_texts(ml.movies)
vectors = encode_texts(texts, "all-MiniLM-L6-v2", progress=False)
films = Embeddings(vectors, ml.movies["movie_id"].to_numpy(), "all-MiniLM-L6-v2", "mean")
print(films)

# %% [markdown]
# `ContentModel` adds up the vectors of what you like and ranks by cosine. For one person, by hand:

# %%
from course_utils.models import ContentModel

unit = films.aligned(items).vectors  # in the order of the columns, of length 1
profile = unit[history[0].indices].sum(axis=0)
cosines = unit[cold_films] @ profile / np.linalg.norm(profile)
content = ContentModel(films, items).fit(train.matrix)
ids, scores = content.recommend(tested[0], history[0], N=10, items=cold_films)
assert np.allclose(scores, -np.sort(-cosines)[:10], atol=1e-5)

# %%
titles = ml.movies.set_index("movie_id")["title"]
n_fans = np.diff(train.matrix.tocsc().indptr)
likes_of_first = history[0].indices
rare = likes_of_first[np.argsort(n_fans[likes_of_first], kind="stable")]
pd.DataFrame(
    {
        "likes": titles[items[rare[:8]]].to_numpy(),
        "is shown": titles[items[ids[:8]]].to_numpy(),
    }
)

# %% [markdown]
# On the left are the eight least known films that the person likes. Whether the right column fits them, you can judge by eye; whether it fits people in general, the test set says.
#
# ## Two questions
#
# There are two ways to ask for ten films, and they answer two questions.
#
# - *Only cold films are candidates.* You have a shelf "new this week" and must fill it for each person. Does the model know which new film is for whom?
# - *All films are candidates.* There is one list. Does a new film find its way into it, past films that many people like?
#
# Put chance beside both, and a `Hybrid` that scores warm films by EASE and cold ones by content. `center=True` subtracts the mean of all films' vectors first, so that what all texts have in common does not count.

# %%
from course_utils.models import Random

words = ContentModel(films, items, center=True)
models = {
    "random": Random(seed=42),
    "content": content,
    "content, centered": words,
    "EASE": collaborative["EASE"],
    "EASE + content for cold": Hybrid([EASE(l2=250)], cold_items=words, min_users=1),
}
for model in models.values():
    model.fit(train.matrix)


def lists(model, candidates=None):
    return model.recommend(tested, history, N=10, items=candidates)[0]


on_shelf = {name: lists(model, cold_films) for name, model in models.items()}
in_one_list = {name: lists(model) for name, model in models.items()}

# %% mystnb={"image": {"alt": "Dot plot with intervals of recall at 10 among cold films. EASE stands at zero, random a little above it, and the models that read the words clearly higher."}}
shelf = {name: metrics.recall(ids, relevant, k=10) for name, ids in on_shelf.items()}
axes = plots.models_with_intervals(with_intervals(shelf), "recall@10 on cold films")

# %%
against = {name: shelf[name] - shelf["random"] for name in ("content", "content, centered")}
print(f"expected of chance: {10 / len(cold_films):.3f}, drawn: {shelf['random'].mean():.3f}")
with_intervals(against).round(3)

# %% [markdown]
# The table has each person's recall less that of chance. An interval above 0 says that the words know something about taste. On the shelf, the hybrid is its content model.
#
# The simulated people of the sample have tastes for themes, eras and kinds of film, as its [data card](../book/data_card.md) says, and words can reach those. What real people do, you see with `COURSE_DATASET=ml-latest-small`.
#
# Do not hold these recalls against those at the top of the page: there the candidates were all films, and here they are a fifth of them. A number belongs to its candidates, as it belongs to its split.
#
# Now the second question. There is one more way to give new films a chance: *reserve* places for them, here the last two of the ten.

# %%
reserved = np.hstack([in_one_list["EASE"][:, :8], on_shelf["content, centered"][:, :2]])
in_one_list["EASE, 2 places for cold"] = reserved

# %% [markdown]
# *Places* is the share of all the places in the lists that goes to cold films; their share of the catalogue is what you would give them blindly.

# %%
cold_share = np.isin(np.arange(len(items)), cold_films)
pd.DataFrame(
    {
        "recall, all films": {
            name: metrics.recall(ids, relevant, k=10).mean() for name, ids in in_one_list.items()
        },
        "places": {
            name: cold_share[ids[ids >= 0]].mean() if (ids >= 0).any() else 0.0
            for name, ids in in_one_list.items()
        },
    }
).round(3)

# %% [markdown]
# The same models as in the figure, and other numbers. EASE fills its list without a single cold film. The hybrid has standardized both kinds of score, and yet hardly a cold film gets through. Why? Standardizing gives scores one mean and one spread, and not one shape. How many standard deviations above the mean is the best candidate of each person?


# %%
def best_z(model, candidates):
    ids, scores = model.recommend(tested, history, N=len(candidates), items=candidates)
    scores = np.where(ids >= 0, scores, np.nan)
    return np.nanmean((scores[:, 0] - np.nanmean(scores, axis=1)) / np.nanstd(scores, axis=1))


warm_films = np.setdiff1d(np.arange(len(items)), cold_films)
print(f"EASE, warm films: {best_z(models['EASE'], warm_films):.1f}")
print(f"content, cold films: {best_z(words, cold_films):.1f}")

# %% [markdown]
# EASE is sure of a few films and indifferent to the rest, so its best stand far out; cosines are spread evenly, and theirs do not. Reserved places need no common scale. Each of them takes a place from a film that EASE would have shown, and whether that is worth it depends on the shop: somebody has to see a new film first, or it stays new forever.
#
# So never write "recall on cold items" without the candidates. The first question has fewer candidates and gives the larger number.
#
# <div class="admonition note">
# <p class="admonition-title">Films drawn at random are not new films</p>
# <p>The cold films here are of all years, and some have many fans, whom the split has hidden. Real newcomers resemble each other more. When you have release dates, hold out the newest films instead, and train on what was liked before.</p>
# </div>
#
# ## Blending, on paper
#
# A switch asks one model or the other. A *blend* asks both, everywhere. EASE gives sums of weights and content gives cosines, so the scores cannot be added as they are: whoever has the larger numbers would decide alone. Standardize first. Take one person with five candidates:

# %%
ease_scores = np.array([0.9, 0.7, 0.4, 0.1, 0.1])
word_scores = np.array([0.32, 0.37, 0.30, 0.38, 0.29])


def standardize(scores):
    return (scores - scores.mean()) / scores.std()


w = 0.5
blended = (1 - w) * standardize(ease_scores) + w * standardize(word_scores)
pd.DataFrame(
    {
        "EASE": standardize(ease_scores),
        "words": standardize(word_scores),
        "half and half": blended,
    }
).round(2)

# %% [markdown]
# After standardizing, 1 means "one standard deviation better than this person's other candidates" for both models, and the weight means what it says. Film 1 is second in both columns, and first in the blend.
#
# `Hybrid` does it for everybody at once, over each person's own candidates. A small matrix shows that it is the same:

# %%
toy_likes = sparse.csr_matrix(toy)
toy_words = ContentModel([[1, 0.1], [0.9, 0.2], [0, 1], [0.8, 0.5], [0.7, 0.3], [0.1, 0.9]])
hybrid = Hybrid([Popularity(), toy_words], weights=[1 - w, w]).fit(toy_likes)
ids, scores = hybrid.recommend(0, toy_likes[0], N=3)

candidates = np.flatnonzero(toy[0] == 0)  # of Ann
profile = toy_words.vectors[toy[0] == 1].sum(axis=0)
cosines = toy_words.vectors[candidates] @ profile / np.linalg.norm(profile)
counts = toy.sum(axis=0)[candidates]
by_hand = (1 - w) * standardize(counts) + w * standardize(cosines)
assert np.allclose(scores, -np.sort(-by_hand), atol=1e-5)
print([toy_films[i] for i in ids], scores.round(2))

# %% [markdown]
# ## Blending, judged
#
# Does it help people who have a history, on films that have fans? That is the ordinary task, so the ordinary split: the last five likes to judge by, the five before to choose the weight. The hybrid is fitted once. A weight is only used when it recommends, so it can be changed afterwards.

# %%
from course_utils.evaluation import evaluate
from course_utils.splits import leave_last_out

by_time = leave_last_out(positives, n_test=5, n_val=5, min_train=5)
past = encode(by_time.train)
val = encode(by_time.val, users=past.users, items=past.items)


def blend_of(interactions):
    words = ContentModel(films, interactions.items, center=True)
    return Hybrid([EASE(l2=250), words], weights=[0.5, 0.5]).fit(interactions.matrix)


def at_weight(blend, weight, interactions, held_out):
    blend.weights = [1 - weight, weight]
    return evaluate(blend, interactions.matrix, held_out.matrix, k=10, progress=False)


# %%
blend = blend_of(past)
weights = [0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1]
curve = pd.Series({w: at_weight(blend, w, past, val).summary["recall@10"] for w in weights})
chosen = curve.idxmax()
curve.round(3)

# %% mystnb={"image": {"alt": "Line chart of validation recall at 10 against the weight of the content model, from EASE alone at weight 0 to content alone at weight 1. The right end is far lower than the left, and a diamond marks the chosen weight."}}
axes = plots.score_by_weight(curve, chosen, ("EASE", "content"), "recall@10, validation")

# %% [markdown]
# The chosen weight is the best of eight on these people, and the best of eight is partly luck. So it is not reported. It goes to the test set, once, with everything before the test to learn from.

# %%
before = encode(pd.concat([by_time.train, by_time.val]))
final = encode(by_time.test, users=before.users, items=before.items)
blend = blend_of(before)
results = {"EASE": at_weight(blend, 0, before, final)}
results["content"] = at_weight(blend, 1, before, final)
results["blend"] = at_weight(blend, chosen, before, final)

# %%
from course_utils.evaluation import compare

table = compare(results, baseline="EASE", metrics=["recall@10", "ndcg@10"])
columns = ["model", "metric", "mean", "difference", "difference_low", "difference_high"]
print(f"weight {chosen:g}")
table[columns].round(3).astype(object).fillna("–")

# %% [markdown]
# Read the rows of the blend. If an interval of its difference holds 0, then on these data the words add nothing that can be shown to what EASE knows from likes, and this is what you write. If it is above 0, the words help; say by how much. If the chosen weight is 0, the blend is EASE, and validation has told you to leave the words out.
#
# It is a common outcome that a blend which reads well gains little. Where a film has many fans, their likes say more about it than its title. The words matter where likes are missing, and that is what the cold films have shown.
#
# ## A bridge from words to factors
#
# Content and ALS can also meet inside the model. ALS describes each film by a vector of factors, which a new film lacks. But from the films that have both, one can *learn* how factors follow from words, and predict them for the new film. A person's vector stays as it is, and scores are dot products as before. [Gantner and others](https://doi.org/10.1109/ICDM.2010.129) mapped attributes to factors in this way.
#
# *Ridge regression* is linear regression with a brake. With the words' vectors as rows of $E$ and the factors as rows of $Q$, both less their means,
#
# $$W = (E^\top E + \lambda I)^{-1} E^\top Q$$
#
# Four films with two numbers each from their words, and one factor that ALS found:

# %%
E = np.array([[1.0, 0.0], [0.8, 0.2], [0.1, 0.9], [0.0, 1.0]])
Q = np.array([[0.9], [0.8], [-0.3], [-0.6]])
new_film = np.array([[0.7, 0.4]])


def ridge(E, Q, l2):
    e, q = E.mean(axis=0), Q.mean(axis=0)
    W = np.linalg.solve((E - e).T @ (E - e) + l2 * np.eye(E.shape[1]), (E - e).T @ (Q - q))
    return lambda new: (new - e) @ W + q


print("predicted:", *(f"λ={l2}: {ridge(E, Q, l2)(new_film).item():.2f}" for l2 in (0.01, 1, 100)))

# %% [markdown]
# The new film's words are near those of the first two, and so is its factor. The larger λ, the closer the prediction to the mean of all films, here 0.20. `FactorBridge` fits its model, then scikit-learn's `Ridge` from embeddings to factors. On the cold split of above, its predictions are those of the three lines:

# %%
from course_utils.models import FactorBridge

bridge = FactorBridge(ALS(32, 0.01, alpha=1, dtype="float64"), films, items, l2=1, min_users=5)
bridge.fit(train.matrix)
warm = ~bridge.bridged
learned = ridge(bridge.vectors[warm], bridge.model.item_factors[warm], 1)
assert np.allclose(bridge.item_factors[cold_films], learned(bridge.vectors[cold_films]), atol=1e-4)

# %% [markdown]
# ## Are the predicted factors any good?
#
# Look at the factors themselves before you look at recall. For once, let ALS learn from all films, the cold ones too, so that there are true factors to compare with. The bridge learns from the others only. Then take the cosine of the predicted and the true vector of each held-out film with at least 20 fans.
#
# A cosine needs a yardstick too. One is the mean of all factors, the same guess for every film. The other is what the bridge predicts for *another* film, drawn at random.

# %%
full = ALS(32, 0.01, alpha=1, dtype="float64").fit(everything.matrix)
fans = np.diff(everything.matrix.tocsc().indptr)
judge = cold_films[fans[cold_films] >= 20]
learn = np.setdiff1d(np.flatnonzero(fans >= 5), cold_films)
predict = ridge(unit[learn], full.item_factors[learn], 1)


def cosine(a, b):
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


true = full.item_factors[judge]
mean = np.tile(full.item_factors[learn].mean(axis=0), (len(judge), 1))
groups = {
    "its own words": cosine(predict(unit[judge]), true),
    "another film's words": cosine(predict(unit[rng.permutation(judge)]), true),
    "mean of all factors": cosine(mean, true),
}
pd.Series({name: np.median(values) for name, values in groups.items()}).round(2)

# %% mystnb={"image": {"alt": "Three horizontal box plots of the cosine between predicted and true factors of held-out films: predicted from the film's own words, from another film's words, and the mean of all factors. The first box lies furthest to the right and is wide."}}
axes = plots.cosines_in_groups(groups, "cosine with the true factors")

# %% [markdown]
# A part of each cosine comes free, because all films point somewhat into the direction of their mean. What the words add is the distance between the first box and the others. The first is wide: for some films the words tell much, for others little.
#
# One look more at the order of things. This figure used an ALS that has seen the held-out films, which is fine for looking at factors, and would be leakage in a recall. The next cell goes back to the bridge that was trained without them. Its λ is chosen the way all settings are: hold out other films, from the training part.

# %%
inner = cold_item_split(split.train, share=0.2, seed=7)
inner_train = encode(inner.train, items=items)
inner_test = encode(inner.test, users=inner_train.users, items=items)
inner_cold = inner_train.columns_of(np.unique(inner.test["movie_id"]))


def on_inner(l2):
    model = FactorBridge(ALS(32, 0.01, alpha=1, dtype="float64"), films, items, l2=l2).fit(
        inner_train.matrix
    )
    rows = np.flatnonzero(np.diff(inner_test.matrix.indptr))
    ids, _ = model.recommend(rows, inner_train.matrix[rows], N=10, items=inner_cold)
    return metrics.recall(ids, inner_test.matrix[rows], k=10).mean()


by_l2 = pd.Series({l2: on_inner(l2) for l2 in (0.1, 1, 10, 100)})
by_l2.round(3)

# %%
bridge = FactorBridge(ALS(32, 0.01, alpha=1, dtype="float64"), films, items, l2=by_l2.idxmax())
on_shelf["bridge"] = lists(bridge.fit(train.matrix), cold_films)
shelf["bridge"] = metrics.recall(on_shelf["bridge"], relevant, k=10)
chart = {name: shelf[name] for name in ("random", "content", "content, centered", "bridge")}

# %% mystnb={"image": {"alt": "Dot plot with intervals of recall at 10 among cold films for random, content, centered content and the bridge. Random is lowest, content is above it, and centered content and the bridge are far to the right, close together."}}
axes = plots.models_with_intervals(with_intervals(chart), "recall@10 on cold films")

# %%
with_intervals({"bridge − content, centered": shelf["bridge"] - shelf["content, centered"]}).round(
    3
)

# %% [markdown]
# Both read the same words. The bridge has also learned from likes *which* of their directions matter to people, where the cosine counts all alike. The last row says whether that shows.
#
# ## More words: ask a language model?
#
# A title and genres are few words. A large language model (LLM) could write more: a description, tags, a reason why somebody might like it. Tags can be embedded with the title; reasons can be shown. It costs money, it is not the same twice, and it makes things up with a straight face. So treat it like a supplier whose goods you inspect.
#
# Movie ids differ between releases, so the prompt numbers the films, and the answer must repeat number, title and year.

# %%
wanted = [
    "Hunt for Red October, The (1990)", "Crimson Tide (1995)", "Groundhog Day (1993)",
    "Run Lola Run (Lola rennt) (1998)", "Truman Show, The (1998)", "Pleasantville (1998)",
    "Jaws (1975)", "Apollo 13 (1995)",
]  # fmt: skip
in_release = set(ml.movies["title"])  # older releases lack some
asked = {n: title for n, title in enumerate(wanted, 1) if title in in_release}

PROMPT = """You write catalogue entries for a film recommender. For each numbered film return one
JSON object with: n and title as given; year; description, one sentence without names of people;
tags, 2 to 5 lowercase phrases about story, place and mood; reason, who might like it.
Say only what a viewer could know on the day the film came out: no awards, no sequels, no fame.
If you do not know a film, leave it out. Return a JSON list and nothing else.

"""
prompt = PROMPT + "\n".join(f"{n}. {title}" for n, title in asked.items())
print(prompt)

# %% [markdown]
# <div class="admonition warning">
# <p class="admonition-title">Not the output of a run</p>
# <p>The answer below is an example written for this course, in the form in which an LLM would return it. No model was called. Its mistakes were put in on purpose; they are of kinds that real answers have.</p>
# </div>
#
# With a real answer you would do the same: keep it in a file beside the prompt, the model's name and the date, and read the file from then on. Asking again costs again, and gives something else. A name made from the prompt keeps the answers of two prompts apart:

# %%
import hashlib

print(f"enrichment-{hashlib.sha256(prompt.encode()).hexdigest()[:12]}.json")

# %%
ANSWER = """[
{"n": 1, "title": "Hunt for Red October, The (1990)", "year": 1990,
 "description": "A captain steers a silent submarine toward the other side, and nobody knows why.",
 "tags": ["submarine", "cold war", "cat and mouse", "defection"],
 "reason": "You like clever adversaries more than explosions."},
{"n": 2, "title": "Crimson Tide (1995)", "year": 1995,
 "description": "Two officers of a submarine fight over an order that arrived only in part.",
 "tags": ["submarine", "mutiny", "nuclear threat", "chain of command"],
 "reason": "You like arguments in which both sides have a point."},
{"n": 3, "title": "Groundhog Day (1993)", "year": 1993,
 "description": "A weatherman in a small town in Ohio wakes up to the same day again and again.",
 "tags": ["time loop", "small town", "winter", "second chances"],
 "reason": "You like comedies that think."},
{"n": 4, "title": "Run Lola Run (Lola rennt) (1998)", "year": 1998,
 "description": "A woman has twenty minutes to find a fortune, and gets more than one try.",
 "tags": ["time loop", "race against the clock", "berlin", "second chances"],
 "reason": "You like films that move."},
{"n": 5, "title": "Truman Show, The (1998)", "year": 1998,
 "description": "A man finds out that the town he lives in is made for an audience.",
 "tags": ["television", "artificial world", "escape", "foresaw reality tv"],
 "reason": "You like satire with a heart."},
{"n": 6, "title": "Pleasantville (1998)", "year": 1998,
 "description": "Two teenagers land in an old television series and bring color into it.",
 "tags": ["television", "artificial world", "coming of age", "nostalgia"],
 "reason": "You like an idea that is followed to its end."},
{"n": 7, "title": "Jaws (1975)", "year": 1975,
 "description": "A shark hunts bathers, and three men go out to hunt it.",
 "tags": ["shark", "beach town", "summer", "oscar winner"],
 "reason": "You like fear that builds slowly."},
{"n": 8, "title": "Apollo 13 (1995)", "year": 1994,
 "description": "Three astronauts try to come home in a damaged ship.",
 "tags": ["space", "survival", "teamwork"],
 "reason": "You like problems solved under pressure."},
{"n": 12, "title": "Silent Harbor (1997)", "year": 1997,
 "description": "A diver searches a sunken ferry for the truth about her brother.",
 "tags": ["diving", "family secret", "coast"],
 "reason": "You like quiet thrillers."}
]"""

# %%
import json

records = json.loads(ANSWER)
print(f"{len(asked)} films asked for, {len(records)} records")

# %% [markdown]
# ## What to check before you trust it
#
# First what a program can check. A number that was not asked for, a title that does not belong to its number, and a year that the catalogue does not have: each is refused, and none is repaired by guessing.

# %%
year_of = ml.movies.set_index("title")["year"]


def fault(record):
    title = asked.get(record["n"])
    if title is None:
        return "refused: nobody asked for this number"
    if record["title"] != title:
        return f"refused: this number is {title}"
    if record["year"] != year_of[title]:
        return f"refused: the catalogue says {year_of[title]}"
    return "accepted"


verdicts = {record["title"]: fault(record) for record in records}
accepted = [record for record in records if fault(record) == "accepted"]
pd.Series(verdicts)

# %% [markdown]
# The last film does not exist. A model that is asked for a list likes to return a long one, and an id that happens to exist would have been worse: its tags would have landed on another film. A check on ids alone does not find that, hence the title and the year.
#
# Second, *later knowledge*. The prompt forbade it, and that is not enough. Whatever tells of fame or of the time after the release is dropped:

# %%
LATER = ("oscar", "award", "sequel", "classic", "cult", "foresaw", "influential", "box office")
later = {
    record["title"]: [tag for tag in record["tags"] if any(word in tag for word in LATER)]
    for record in accepted
}
tags = {
    record["title"]: [tag for tag in record["tags"] if tag not in later[record["title"]]]
    for record in accepted
}
{title: found for title, found in later.items() if found}

# %% [markdown]
# Such a tag is *leakage*: on the day a film comes out nobody can write it, and in an offline test it tells the model which cold films became famous. A list of words catches what it lists. The model itself has read about these films after they were known, so even an innocent description may lean on it. An offline test with cold films flatters an LLM, and only films that came out after it was trained are a fair test. The same holds, to a lesser degree, for the encoder of this page: it, too, was trained on texts that are younger than these films.
#
# Third, what no program here can check: whether it is *true*. Read the descriptions again. One has a wrong fact that passed both checks.
#
# <details><summary>Show the wrong fact</summary>
#
# <em>Groundhog Day</em> plays in Punxsutawney, and that is in Pennsylvania, not in Ohio. It reads as well as a true sentence. Have a person check a random sample, and report the share of wrong ones before you show anything.
# </details>
#
# Fourth, *bias*. An LLM knows much about films in English and little about others, so the well-known get rich tags and the rest get clichés or nothing. Count accepted records and tags by decade, language and popularity before you use them, as you would look at exposure in a recommender.
#
# ## What it costs
#
# Providers charge by token, with one price for what you send and another for what comes back. A token is about four characters of English. The prices here are assumptions, not quotes: put in those of your provider.


# %%
def cost(n_films, sent, returned, price_in, price_out, per_token=4.0):
    """Return what it costs; characters per film, prices per million tokens."""
    return n_films * (sent * price_in + returned * price_out) / per_token / 1e6


sent = len(prompt) / len(asked)  # with its share of the instructions
returned = len(ANSWER) / len(records)
for n_films in (len(ml.movies), 1_000_000):
    total = cost(n_films, sent, returned, price_in=1.0, price_out=5.0)
    print(f"{n_films:>9,} films: {total:>8.2f} (at 1 and 5 per million tokens)")

# %% [markdown]
# For a catalogue of films the model is cheap, and each new version of the prompt costs as much again. The dear part is not in the formula: people who check.
#
# ## Do the tags change anything?
#
# Add the accepted tags to the texts of their films, and encode those again. All other films keep their vectors.

# %%
place = {title: list(ml.movies["title"]).index(title) for title in tags}
enriched_texts = [f"{texts[place[title]]} {', '.join(tags[title])}" for title in tags]
enriched = vectors.copy()
enriched[list(place.values())] = encode_texts(enriched_texts, "all-MiniLM-L6-v2", progress=False)
print(enriched_texts[0])


# %%
def nearest(vectors, row):
    cosines = vectors @ vectors[row]
    cosines[row] = -1
    return ml.movies["title"].iloc[int(cosines.argmax())]


pd.DataFrame(
    {
        "title and genres": {title: nearest(vectors, row) for title, row in place.items()},
        "with tags": {title: nearest(enriched, row) for title, row in place.items()},
    }
)

# %% [markdown]
# Look at which neighbors changed, and whether for the better: some of these may surprise you. Is it the meaning of the tags, or just that these texts now look alike, longer and with commas? Count separately: pairs that share a tag, and pairs that share none.

# %%
from itertools import combinations

pairs = pd.DataFrame(
    {
        "shares a tag": bool(set(tags[a]) & set(tags[b])),
        "before": vectors[place[a]] @ vectors[place[b]],
        "after": enriched[place[a]] @ enriched[place[b]],
    }
    for a, b in combinations(tags, 2)
)
pairs.groupby("shares a tag").mean().assign(pairs=pairs["shares a tag"].value_counts()).round(2)

# %% [markdown]
# Compare how the two rows changed. What happens to pairs that share no tag is the work of the form, and only what the pairs with a common tag gain beyond that is the work of their meaning. The form alone moves films, so enrich all of them or none.
#
# A handful of films shows how to look; it does not show that recommendations get better. For that you would enrich the whole catalogue, and run the evaluation on cold films from above, once with tags and once without, with the later knowledge out.
#
# ## Check yourself
#
# **1. You report recall@10 = 0.31 on cold films for your content model. Your colleague has 0.02 for theirs, on the same split. Who is better?**
#
# <details><summary>a) You, by far.</summary>
#
# Perhaps you let only cold films be candidates, and your colleague all films. The same lists give both kinds of number.
# </details>
#
# <details><summary>b) You cannot tell before you know the candidates.</summary>
#
# Yes. And then put chance beside each: with few candidates, chance scores well.
# </details>
#
# <details><summary>c) Your colleague, whose task is harder.</summary>
#
# It may be harder. That does not make the model better, or worse.
# </details>
#
# **2. To make films cold, somebody trains ALS on everything, and then sets the factors of the held-out films to zero. What is wrong?**
#
# <details><summary>a) Nothing: the factors are gone.</summary>
#
# Those of the films, yes. Those of the people have been learned with the likes in question, and lean toward them.
# </details>
#
# <details><summary>b) The people's factors still know about the held-out likes.</summary>
#
# Yes. Held-out likes must leave before anything is learned.
# </details>
#
# <details><summary>c) ALS cannot handle zeros.</summary>
#
# It can: an item that nobody has gets zeros by itself.
# </details>
#
# **3. A blend with weight 0.1 has the best recall on validation. On the test, its difference from EASE is 0.002, with an interval from −0.003 to 0.007. What do you write?**
#
# <details><summary>a) The blend improves recall by 0.002.</summary>
#
# The interval holds 0, so other people like these might as well show a loss.
# </details>
#
# <details><summary>b) No difference from EASE could be shown; it is at most small.</summary>
#
# Yes, and that is a result. It tells the next person where not to look.
# </details>
#
# <details><summary>c) I try weights 0.05 and 0.15 on the test, too.</summary>
#
# Then the test set chooses, and there is nothing left to judge by.
# </details>
#
# **4. An LLM's answer has a movie id that exists in your catalogue, and tags that fit another film. Which check finds it?**
#
# <details><summary>a) Whether the id exists.</summary>
#
# It does exist; that is what makes it dangerous.
# </details>
#
# <details><summary>b) Whether id, title and year belong together.</summary>
#
# Yes, when the title in the answer is that of the other film. If the title is right and the tags are not, only a reader finds it.
# </details>
#
# <details><summary>c) Whether the JSON can be parsed.</summary>
#
# Nonsense can be perfect JSON.
# </details>

# %% [markdown]
# ## What you learned
#
# - New people get what is popular until a curve over known likes says that the personal model is better.
# - New films are invisible to whatever learns from likes alone. To test on them, hold out whole films, before anything is learned.
# - Only cold candidates, or all: two questions. Say which, and put chance beside it.
# - Standardize before you blend, choose the weight on validation, judge once, and report a blend that does not help.
# - Ridge regression carries words over to factors, so that a new film fits into a trained model.
# - What a language model writes is inspected like any supply: ids, years, later knowledge, facts, bias, cost.
#
# Next: the labs. [Lab 5](labs/lab05_capstone.ipynb) asks for a hybrid of your own, and tests it on people you have never seen. [From notebook to service](11_service.ipynb) puts a model behind a service that people can ask.
