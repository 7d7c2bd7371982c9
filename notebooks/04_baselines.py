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
# # Baselines
#
# You build the models that every later one has to beat: what most people like, what goes with the films somebody likes, and a linear model in eight lines.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/04_baselines.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - compute recall@10 by hand, and say what a score is worth;
# - recommend to somebody of whom nothing is known;
# - work out on paper how similar two films are, recommend with it, and tell people why;
# - say why two lists of similar films differ;
# - fit EASE, and rank all of these models on one figure.
#
# **What you need first**: [From ratings to interactions](03_interactions_and_splits.ipynb).
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
# ## Compared with what?
#
# A colleague says: "My recommender has a recall@10 of 0.15." Is that good? The number alone cannot tell you. It depends on how many films there are, on who is tested, and on how easy their films are to guess. What you need is the score of something that takes no effort, for the same people and the same films: a *baseline*.
#
# Set up the contest first. As everywhere in the course, the people of the embedded sample are simulated. Hold out the last ten positives of everybody who has at least fifteen: five to try things out on, the *validation* set, and the last five to judge by at the end, once, the *test* set.

# %%
from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit
from course_utils.splits import leave_last_out

ml = load_movielens()
positives = to_implicit(ml.ratings)
split = leave_last_out(positives, n_test=5, n_val=5, min_train=5)
train = encode(split.train)
val = encode(split.val, users=train.users, items=train.items)
print(split)
print(train)

# %% [markdown]
# Now the least effort there is: show everybody what most people like. Add up each column of the matrix, and sort. The sort is *stable*, so that films with equally many likes stay in the order of their columns, and everybody gets the same list.

# %%
import numpy as np
import pandas as pd

titles = ml.movies.set_index("movie_id")["title"].loc[train.items].to_numpy()
likes = np.asarray(train.matrix.sum(axis=0)).ravel().astype(int)
most_liked = np.argsort(-likes, kind="stable")
pd.DataFrame({"film": titles[most_liked[:10]], "likes": likes[most_liked[:10]]})

# %% [markdown]
# ## Recall@10 by hand
#
# Nobody needs to be shown what they have. So a person's list is the ten most liked films less those of their own.


# %%
def popular_list(row):
    has = train.matrix[row].indices
    return most_liked[~np.isin(most_liked, has)][:10]


# %% [markdown]
# Take one person, the first for whom the list finds something, and see which of the ten are among the films held out for validation.

# %%
tested = np.flatnonzero(np.diff(val.matrix.indptr))  # rows with something held out
row = next(row for row in tested if np.isin(popular_list(row), val.matrix[row].indices).any())
found = np.isin(popular_list(row), val.matrix[row].indices)
pd.DataFrame({"film": titles[popular_list(row)], "held out": np.where(found, "yes", "")})

# %%
held_out = val.matrix[row].indices
print(
    f"{found.sum()} of {len(held_out)} held-out films: recall@10 = {found.sum() / len(held_out):.2f}"
)

# %% [markdown]
# That is all there is to *recall@10*: of the films that the person went on to like, which share is among the ten you showed? Do it for everybody, and take the mean. `metrics.recall` does the same for a whole table of lists.

# %%
from course_utils import metrics

lists = np.array([popular_list(row) for row in tested])
by_hand = [
    np.isin(columns, val.matrix[row].indices).sum() / val.matrix[row].nnz
    for row, columns in zip(tested, lists, strict=True)
]
assert np.allclose(by_hand, metrics.recall(lists, val.matrix[tested], k=10))
print(f"the most liked films: recall@10 = {np.mean(by_hand):.3f}")

# %% [markdown]
# And chance? Draw ten films at random from those a person does not have, and each held-out film is among them with a probability of 10 divided by the number of candidates. No experiment is needed.

# %%
candidates = len(train.items) - np.diff(train.matrix.indptr)[tested]
print(f"ten films at random: recall@10 = {(10 / candidates).mean():.3f}")

# %% [markdown]
# Neither list knows anything about anybody, and yet one of them scores many times what the other does. So a comparison with chance flatters every model. What a model has learned about *people* is its distance from the most liked films, and your colleague's 0.15 means nothing until you know that score on the same split.
#
# ## Popularity as a model
#
# Every model of the course has two methods, and `implicit`, which you meet in the next lesson, has the same two. `fit(user_items)` learns from the matrix. `recommend(userids, user_items[userids], N)` returns columns and scores, a row for each user.

# %%
from course_utils.models import Popularity

popularity = Popularity().fit(train.matrix)
ids, scores = popularity.recommend(tested, train.matrix[tested], N=10)
assert (ids == lists).all()

# %% [markdown]
# Now somebody signs up. Their row is not in the matrix, and their history is empty.

# %%
from scipy import sparse

newcomer = len(train.users)  # the first row that there is not
nothing = sparse.csr_matrix((1, len(train.items)))
ids, scores = popularity.recommend(newcomer, nothing, N=10)
assert (ids == most_liked[:10]).all()
titles[ids[:3]]

# %% [markdown]
# A newcomer gets the list from the top of the page. The personal models of this lesson have nothing to say here, as you will see, so popularity is kept as a *fallback*: whoever is unknown gets what everybody likes, until there is a history to learn from.
#
# ## What was popular, or what is?
#
# A count forgets nothing. A *half-life* lets it: with a half-life of 30 days, a like that is 30 days older than the newest counts one half, one that is 60 days older a quarter, and so on.
#
# Whom to test it on? Newcomers, because they are the ones who get this list. Cut the positives once in time, and take the people who appear after the cut only.

# %%
from course_utils.splits import global_time_split

by_date = global_time_split(positives, test_ratio=0.2)
past = encode(by_date.train)
arriving = by_date.test[~by_date.test["user_id"].isin(past.users)]
newcomers = encode(arriving, users=arriving["user_id"].unique(), items=past.items)
print(newcomers)

# %% [markdown]
# By hand it is one line. `Popularity` wants to know when each like was made, in a second matrix of the same shape.

# %%
days_old = (by_date.train["timestamp"].max() - by_date.train["timestamp"]) / 86_400
columns = past.columns_of(by_date.train["movie_id"])
by_hand = np.bincount(columns, weights=0.5 ** (days_old / 30))

rows = past.rows_of(by_date.train["user_id"])
times = sparse.csr_matrix((by_date.train["timestamp"], (rows, columns)), shape=past.matrix.shape)
recent = Popularity(half_life=30).fit(past.matrix, timestamps=times)
assert np.allclose(recent.popularity, by_hand)

# %% [markdown]
# How many of the ten films that a newcomer is shown do they come to like? Try several half-lives, and none.


# %%
def liked_of_ten(model):
    ids, _ = model.recommend(0, sparse.csr_matrix((1, len(past.items))), N=10)
    return newcomers.matrix[:, ids].sum(axis=1).mean()


half_lives = [3, 7, 14, 30, 90, 365, 1460]
scores = {
    days: liked_of_ten(Popularity(half_life=days).fit(past.matrix, times)) for days in half_lives
}
forever = liked_of_ten(Popularity().fit(past.matrix))
print(f"nothing forgotten: {forever:.2f} of 10")

# %% mystnb={"image": {"alt": "Line chart of how many of ten popular films newcomers like, against the half-life of popularity in days, beside a dashed line for popularity that forgets nothing. The curve starts well below that line at three days, lies above it from two weeks to a year, and is back on it at four years."}}
from course_utils import plots

axes = plots.score_by_half_life(pd.Series(scores), forever, "liked, of ten films")

# %% [markdown]
# Read the figure from both ends. On the left, a few days of likes are too few to tell what is popular. Toward the right, ever less is forgotten, and the curve nears the dashed line.
#
# Whether it rises above the line in between depends on the world. In the sample it does: films go in and out of fashion there, as its [data card](../book/data_card.md) says, so newcomers like more of what was popular in the last few months than of what was popular all along. What real people gain by it, you see when you run this page with `COURSE_DATASET=ml-latest-small` and look at this figure again.
#
# ## Neighbors on paper
#
# Popularity treats all people alike. The oldest personal idea is *people who liked this also liked that*. Take five people and six films, few enough for paper:

# %%
people = ["Ann", "Ben", "Cem", "Dia", "Eva"]
films = ["Alien", "Aliens", "Matrix", "Titanic", "Ghost", "Emma"]
toy = np.array(
    [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1],
        [0, 0, 0, 1, 1, 0],
    ]
)
pd.DataFrame(toy, people, films)

# %% [markdown]
# Two films are similar when the same people like them. Count the people who like both, and divide by how well liked each is, so that a famous film is not similar to everything. With $n_i$ people who like film $i$ and $n_{ij}$ who like both $i$ and $j$,
#
# $$s_{ij} = \frac{n_{ij}}{\sqrt{n_i \, n_j}}$$
#
# is the *cosine* of the two columns: 1 when the same people like both, 0 when nobody does. One cell of it:

# %%
alien, matrix = toy[:, 0], toy[:, 2]
both = (alien * matrix).sum()
print(f"{both} like both; {alien.sum()} like Alien, {matrix.sum()} like Matrix")
print(f"cosine {both / np.sqrt(alien.sum() * matrix.sum()):.2f}")

# %% [markdown]
# All the other cells are made the same way:

# %%
similarity = np.zeros((6, 6))
for i in range(6):
    for j in range(6):
        both = (toy[:, i] * toy[:, j]).sum()
        similarity[i, j] = both / np.sqrt(toy[:, i].sum() * toy[:, j].sum())

# %% mystnb={"image": {"alt": "Two small tables, one below the other, with the same six films as columns. Above, five people and a 1 where a person likes a film. Below, the cosine of each pair of films: 1.00 for Alien and Aliens, 0.67 for each of them with Matrix, and empty where nobody likes both."}}
axes = plots.matrix_and_similarity(toy, similarity, people, films)

# %% [markdown]
# Check a cell or two on paper. Alien and Aliens have the same three fans, hence 1.00. Ghost shares nobody with them, hence nothing.
#
# Now recommend to Ben, who likes Alien and Aliens. The score of a film is the sum of its similarities to the films that Ben has:

# %%
ben = toy[1]
ben_scores = ben @ similarity
pd.Series(ben_scores, films).round(2)[ben == 0]

# %% [markdown]
# Matrix comes first, Titanic second. Ghost and Emma have a score of 0, which does not say that Ben would dislike them: nothing at all is known, so an honest model does not recommend them. `ItemKNN` does the same, and writes −1 where it has no film to offer.

# %%
from course_utils.models import ItemKNN

toy_matrix = sparse.csr_matrix(toy)
ids, scores = ItemKNN(k=5).fit(toy_matrix).recommend(1, toy_matrix[1], N=4)
assert np.allclose(scores[:2], ben_scores[[2, 3]])
print("columns", ids, "scores", scores.round(2))

# %% [markdown]
# ## Neighbors in the data
#
# The double loop is slow for a thousand films. One product of matrices counts all the $n_{ij}$ at once, with the $n_i$ on its diagonal. It is called the *Gram matrix*, and you will meet it again below.

# %%
together = (train.matrix.T @ train.matrix).toarray()
fans = together.diagonal()
norms = np.sqrt(np.outer(fans, fans))
cosine = together / norms

knn = ItemKNN(k=200).fit(train.matrix)
ids, scores = knn.similar_items(np.arange(len(train.items)), N=10)
largest = -np.sort(-cosine, axis=1)[:, :10]
assert np.allclose(np.where(ids >= 0, scores, 0), largest, atol=1e-5)

# %% [markdown]
# By hand and with the package, the ten largest cosines of each film agree. A film is its own nearest neighbor, so leave the first one out when you look at some well-known films:


# %%
def column_of(title):
    return int(np.flatnonzero(titles == title)[0])


def neighbors(model, title, n):
    ids, _ = model.similar_items(column_of(title), N=n + 1)
    return titles[ids[1:]]


known = ["Toy Story (1995)", "Alien (1979)", "Godfather, The (1972)"]
pd.DataFrame({title: neighbors(knn, title, 6) for title in known}, index=range(1, 7))

# %% [markdown]
# Sequels and kindred films are there, found without a word about what a film is about. Then look for films that are there only because nearly everybody likes them: dividing by $\sqrt{n_i \, n_j}$ holds the famous back, but not altogether.
#
# ## Because you watched
#
# A score of item-kNN is a sum over a person's films, so you can say where it comes from. Take somebody with a short history, and the film that the model likes best for them.

# %%
row = next(row for row in tested if train.matrix[row].nnz <= 12)
history = train.matrix[row]
ids, scores = knn.recommend(row, history, N=3)
print("likes:", *titles[history.indices], sep="\n  ")
print("is shown:", *titles[ids], sep="\n  ")

# %%
watched, parts = knn.explain(row, history, ids[0], N=history.nnz)
watched, parts = watched[watched >= 0], parts[watched >= 0]
assert np.isclose(parts.sum(), scores[0], rtol=1e-5)
print(f"{len(parts)} films add up to the score {scores[0]:.2f}")

# %% mystnb={"image": {"alt": "Horizontal bar chart of the films of a person's history and what each adds to the score of the recommended film, longest on top; no single bar makes up most of the score."}}
axes = plots.because_you_watched(pd.Series(parts, index=titles[watched]), titles[ids[0]])

# %% [markdown]
# "Because you watched" names the first bar. It is true, and it is not the whole truth: compare the length of that bar with the whole score.
#
# And the newcomer? Nothing watched, nothing to add up:

# %%
ids, scores = knn.recommend(newcomer, nothing, N=10)
shown = np.where(ids >= 0, ids, popularity.recommend(newcomer, nothing, N=10)[0])
print(ids)
print(titles[shown[:3]])

# %% [markdown]
# The second line is the fallback at work. Here no item of the list came from the neighbors, so popularity filled all ten places.
#
# ## One fan in common
#
# Which films of the release are most similar of all?

# %%
alike = np.argwhere(np.triu(cosine > 0.9999, k=1))
single = fans[alike[:, 0]] == 1
print(f"{len(alike):,} pairs with a cosine of 1; in {single.mean():.0%} each film has a single fan")

# %% [markdown]
# In all of them one person liked both, and nobody else liked either. That is chance, and the cosine calls it perfect. *Shrinkage* adds a constant to the denominator, $n_{ij} / (\sqrt{n_i \, n_j} + h)$. With $h = 20$ a pair with its one fan in common falls from 1 to 1/21, and a pair with all of 300 fans in common only to 300/320.

# %%
shrunk = together / (norms + 20)
np.fill_diagonal(shrunk, 0)
nearest_only = ItemKNN(k=1, shrinkage=20).fit(train.matrix).similarity
assert np.allclose(nearest_only.max(axis=1).toarray().ravel(), shrunk.max(axis=1))

i, j = np.unravel_index(shrunk.argmax(), shrunk.shape)
print(f"{titles[i]} and {titles[j]}: {shrunk[i, j]:.2f}")

# %% [markdown]
# The list of similar films gets more trustworthy. Do the recommendations get better, too? And how many neighbors of each film should count, the $k$ of item-kNN? The validation set can tell. `evaluate` asks a model for everybody's lists and measures them.

# %%
from course_utils.evaluation import evaluate


def on_validation(model, metric="recall@10"):
    return evaluate(model, train.matrix, val.matrix, k=10, progress=False).summary[metric]


ks, shrinkages = [1, 2, 5, 20, 100, 1000], [0, 20, 100]
curves = pd.DataFrame(
    {h: [on_validation(ItemKNN(k, h).fit(train.matrix)) for k in ks] for h in shrinkages},
    index=ks,
)
shrinkage = curves.max().idxmax()
k = curves[shrinkage].idxmax()
print(f"best on validation: {k} neighbors, shrinkage {shrinkage}")

# %% mystnb={"image": {"alt": "Line chart of recall at 10 on the validation set against the number of neighbors, one line each for shrinkage 0, 20 and 100. Each line is lowest at one neighbor, near its highest at five, and about level beyond."}}
axes = plots.recall_by_neighbors(curves, "recall@10")

# %% [markdown]
# One neighbor is too few, and from five on the lines are about level. Why do more not help? See whom they bring in:

# %%
for n in (1, 5, 1000):
    liked_by = on_validation(ItemKNN(n).fit(train.matrix), "popularity@10")
    print(f"{n:4} neighbors: a recommended film is liked by {liked_by:.0f} people, on average")

# %% [markdown]
# With all of them every film speaks for every other, and the votes go to famous films, which are a little akin to everything. Many neighbors bring you back toward popularity.
#
# A moderate shrinkage helps most at the left end, where a film with a few fans would spend its only neighbor on chance. To the right it changes little, since a single shared fan adds next to nothing to a sum over a whole history. Do not make much of a small lead; [lesson 06](06_evaluating_rankings.ipynb) shows how to tell one from noise.
#
# ## Stars instead of likes
#
# Many exercise sheets compute similar films from the *stars*: take the matrix of ratings, films as rows, and ask scikit-learn for nearest neighbors by cosine. It runs, and the lists look fine. But what do they mean? Three people have rated two films:

# %%
loved = np.array([5, 5, 4])
hated = np.array([1, 1, 1])
cosine_of_stars = loved @ hated / np.sqrt((loved @ loved) * (hated @ hated))
print(f"cosine of the stars: {cosine_of_stars:.3f}")

# %% [markdown]
# Everybody loved the one and hated the other, and the cosine calls them nearly the same film. It multiplies the stars and adds up, and all stars are positive: a single star, too, adds to the similarity. Only an empty cell, which counts 0, adds nothing. So the cosine of stars mostly asks *who has rated both*.
#
# As likes, the second film has no fan, so the two share nobody. Or subtract from each person's stars that person's mean, so that a dislike gets a minus sign (the *adjusted cosine* of [Sarwar and others](https://doi.org/10.1145/371920.372071)):

# %%
means = (loved + hated) / 2
above, below = loved - means, hated - means
print(f"adjusted: {above @ below / np.sqrt((above @ above) * (below @ below)):.3f}")

# %% [markdown]
# Now the data: all ratings of the training films, low ones too, but none that is held out.


# %%
def star_matrix(known, hidden):
    pairs, out = (
        pd.MultiIndex.from_frame(t[["user_id", "movie_id"]]) for t in (ml.ratings, hidden)
    )
    rated = ml.ratings[~pairs.isin(out)]
    rated = rated[rated["user_id"].isin(known.users) & rated["movie_id"].isin(known.items)]
    cells = known.rows_of(rated["user_id"]), known.columns_of(rated["movie_id"])
    return sparse.csr_matrix((rated["rating"], cells), shape=known.matrix.shape)


stars = star_matrix(train, hidden=pd.concat([split.val, split.test]))
print(f"{stars.nnz:,} ratings, {train.matrix.nnz:,} likes")

# %% [markdown]
# The way of the exercise sheets, and `ItemKNN` on the same matrix:

# %%
from sklearn.neighbors import NearestNeighbors

batman = column_of("Batman (1989)")
nearest = NearestNeighbors(metric="cosine", algorithm="brute", n_neighbors=11).fit(stars.T)
distances, _ = nearest.kneighbors(stars.T[[batman]])

knn_stars = ItemKNN(k=200).fit(stars)
ids, scores = knn_stars.similar_items(batman, N=11)
assert np.allclose(scores, 1 - distances[0], atol=1e-5)

# %% [markdown]
# Scikit-learn gives a distance, 1 less the cosine; otherwise they agree. Now put the neighbors by stars beside those by likes, each with the mean stars that people gave it.

# %%
mean_stars = np.asarray(stars.sum(axis=0)).ravel() / np.maximum(stars.getnnz(axis=0), 1)


def with_stars(model, title, n=8):
    ids, _ = model.similar_items(column_of(title), N=n + 1)
    return [f"{titles[i]}, {mean_stars[i]:.1f}" for i in ids[1:]]


pd.DataFrame(
    {
        "by stars": with_stars(knn_stars, "Batman (1989)"),
        "by likes": with_stars(knn, "Batman (1989)"),
    },
    index=range(1, 9),
)

# %% [markdown]
# By stars you find what the *same people saw*, a sequel that few of them enjoyed included. By likes you find what the same people *liked*. Is Batman an exception?

# %% mystnb={"image": {"alt": "Dumbbell chart of the mean stars of the ten nearest neighbors of eight well-known films, once by stars and once by likes. For nearly all of them the neighbors by likes are rated as high or higher."}}
well_known = [
    "Batman (1989)", "Jurassic Park (1993)", "Star Wars: Episode IV - A New Hope (1977)",
    "Jaws (1975)", "Alien (1979)", "Lion King, The (1994)", "Toy Story (1995)",
    "Matrix, The (1999)",
]  # fmt: skip
well_known = [title for title in well_known if title in titles]  # older releases lack some
mean_of = {
    name: [
        mean_stars[model.similar_items(column_of(title), N=11)[0][1:]].mean()
        for title in well_known
    ]
    for name, model in {"by stars": knn_stars, "by likes": knn}.items()
}
axes = plots.stars_of_neighbors(pd.DataFrame(mean_of, index=well_known))

# %%
famous = most_liked[:100]
by_stars, by_likes = (model.similar_items(famous, N=11)[0][:, 1:] for model in (knn_stars, knn))
shared = [len(set(a) & set(b)) for a, b in zip(by_stars, by_likes, strict=True)]
print(f"100 most liked films: {np.mean(shared):.1f} of 10 neighbors are in both lists")
print(
    f"mean stars of the neighbors: {mean_stars[by_stars].mean():.2f} by stars, {mean_stars[by_likes].mean():.2f} by likes"
)

# %% [markdown]
# Neither list is wrong. One answers *what else did these people see?*, the other *what else did they like?* Choose by what the page is for, and do not call the first one a list of films that somebody will enjoy.
#
# That does not settle which of the two recommends better. There are more ratings than likes to learn from, and the history that the similarities are added up for holds likes only. So both enter the contest, and the number of neighbors is chosen for stars, too:

# %%
star_recalls = pd.Series({n: on_validation(ItemKNN(n).fit(stars)) for n in ks})
k_stars = star_recalls.idxmax()
star_recalls.round(3)

# %% [markdown]
# ## EASE in eight lines
#
# Item-kNN has a flaw that you can see on paper. Ben's score for Matrix counted Alien and Aliens, two thirds each, although the two are always liked together. They are one piece of evidence, and it was counted twice. Somebody who likes three films of a series gets whatever is near it three times over.
#
# *EASE* ([Steck 2019](https://doi.org/10.1145/3308558.3313710)) asks for all weights at once. Predict each column of the matrix from all the other columns, as in a linear regression, and find the weights $B$ with the smallest error:
#
# $$\min_B \; \lVert R - RB \rVert^2 + \lambda \lVert B \rVert^2 \quad \text{with} \quad B_{ii} = 0$$
#
# The zero diagonal keeps a film from predicting itself, and $\lambda$ keeps the weights small. There is no training loop: with $P = (R^\top R + \lambda I)^{-1}$, the Gram matrix again, the answer is $B_{ij} = -P_{ij} / P_{jj}$.


# %%
def fit_ease(user_items, l2):
    gram = (user_items.T @ user_items).toarray().astype(np.float64)
    regularized = gram + l2 * np.eye(len(gram))
    inverse = np.linalg.inv(regularized)
    weights = -inverse / np.diag(inverse)  # row i, column j: divided by P_jj
    np.fill_diagonal(weights, 0)
    return weights


# %% [markdown]
# The eighth line recommends: `scores = history @ weights`, as in item-kNN. On paper first. What counts for Matrix, with Aliens in the data and without?

# %%
with_aliens = fit_ease(toy_matrix, l2=1)
without = fit_ease(toy_matrix[:, [0, 2, 3, 4, 5]], l2=1)
print(f"Alien {with_aliens[0, 2]:.2f} and Aliens {with_aliens[1, 2]:.2f} to Matrix")
print(f"Alien {without[0, 1]:.2f} to Matrix, when there is no Aliens")

# %% [markdown]
# The two share the weight, half and half, and together they count about as much as one film alone.
#
# Now the release. `EASE` computes in `float32`, 4 bytes for a weight instead of 8, and agrees with the eight lines:

# %%
from course_utils.models import EASE

weights = fit_ease(train.matrix, l2=250)
ease = EASE(l2=250).fit(train.matrix)
assert np.allclose(ease.weights, weights, atol=1e-4)
print(f"{(weights < 0).mean():.0%} of the weights are negative")

# %% [markdown]
# A negative weight says: whoever has this film is *less* likely to like that one, everything else being equal. No cosine of likes can say so. See what else changes, for a film that you met above:

# %% mystnb={"image": {"alt": "Paired horizontal bars for the ten films with the largest cosine to The Godfather. Its sequel has the longest cosine, and the others are all of similar length; of the EASE weights that of the sequel is long and the others short."}}
film = column_of("Godfather, The (1972)")
near = knn.similar_items(film, N=11)[0][1:]
table = pd.DataFrame({"cosine": cosine[near, film], "EASE": weights[near, film]}, titles[near])
axes = plots.weights_beside(table, titles[film])

# %% [markdown]
# Behind the sequel the cosines differ little. EASE keeps what says something of its own, here the sequel, and takes away from the famous films that everybody likes anyway. A score is still a sum over a history, so `explain` works for EASE, too.
#
# The size of $\lambda$ is chosen as before, on the validation set:

# %%
recalls = pd.Series({l2: on_validation(EASE(l2).fit(train.matrix)) for l2 in (50, 250, 1000)})
l2 = recalls.idxmax()
recalls.round(3)

# %% [markdown]
# ## All of them, once
#
# The settings are chosen. Now let each model learn from everything before the test set, validation included, and judge it once.

# %%
from course_utils.models import Random

before = encode(pd.concat([split.train, split.val]))
test = encode(split.test, users=before.users, items=before.items)
models = {
    "random": Random(seed=42).fit(before.matrix),
    "popularity": Popularity().fit(before.matrix),
    "item-kNN on stars": ItemKNN(k_stars).fit(star_matrix(before, hidden=split.test)),
    "item-kNN on likes": ItemKNN(k, shrinkage).fit(before.matrix),
    "EASE": EASE(l2).fit(before.matrix),
}

# %% [markdown]
# `compare` lays them side by side for the same people, and gives each mean an interval: how far could it be off, had other people like these been asked? [Lesson 06](06_evaluating_rankings.ipynb) takes it apart.

# %%
from course_utils.evaluation import compare

results = {
    name: evaluate(model, before.matrix, test.matrix, k=10, progress=False)
    for name, model in models.items()
}
table = compare(results, baseline="popularity", metrics=["recall@10"]).set_index("model")

# %% mystnb={"image": {"alt": "Dot plot with intervals of recall at 10 for random, popularity, item-kNN on stars, item-kNN on likes and EASE, the best on top. Random lies near zero, far below all the others."}}
axes = plots.models_with_intervals(table, "recall@10")

# %% [markdown]
# Measure every dot from popularity, not from zero. This is how far from popularity each is, person by person, with its interval:

# %%
lead = table[["mean", "difference", "difference_low", "difference_high"]]
lead.round(3).astype(object).fillna("–")

# %% [markdown]
# Popularity scored otherwise on validation, at the top of this page. Nothing is wrong: other films were held out there, and a score belongs to its split.
#
# Where the interval of a difference holds 0, the model has not shown that it learned anything personal, however good its recall looks. EASE, with its one setting and no training loop, is the mark for everything that follows: a deep model that does not reach it has not earned its keep, and [more than one published model](https://doi.org/10.1145/3298689.3347058) does not reach its baselines.
#
# Recall is not everything. Which share of the films does each model show to anybody at all?

# %%
pd.Series({name: result.summary["coverage@10"] for name, result in results.items()}).round(2)

# %% [markdown]
# Popularity shows the same few films to everybody. A shop with thousands of films wants more than that, and this, too, is a reason to go on.
#
# ## Check yourself
#
# **1. A paper reports recall@10 = 0.20 for its new model, and no baseline. You run popularity on the same split: 0.19. What do you conclude?**
#
# <details><summary>a) The model is good: it finds a fifth of the films.</summary>
#
# So does a list that is the same for everybody, nearly.
# </details>
#
# <details><summary>b) The model may have learned next to nothing about people.</summary>
#
# Yes. What counts is the distance from popularity, and whether it is more than noise.
# </details>
#
# <details><summary>c) Popularity was computed wrongly; a baseline cannot be that good.</summary>
#
# Check it, of course. But on films, where a few are liked by very many, popularity often is that good.
# </details>
#
# **2. Film A has 4 fans, film B has 9, and 3 people like both. What is their cosine?**
#
# <details><summary>a) 0.33</summary>
#
# That is 3 / 9: the share of B's fans who like A. It depends on which of the two you ask about; the cosine does not.
# </details>
#
# <details><summary>b) 0.50</summary>
#
# Yes: 3 / √(4 · 9) = 3 / 6.
# </details>
#
# <details><summary>c) 0.75</summary>
#
# That is 3 / 4: the share of A's fans who like B.
# </details>
#
# **3. A new user opens your app. Item-kNN returns −1 ten times. What do you show?**
#
# <details><summary>a) The film in column −1.</summary>
#
# NumPy would give you one, the last of the catalogue, without a word. −1 means "no film"; check for it before you look up titles.
# </details>
#
# <details><summary>b) What is popular.</summary>
#
# Yes, the fallback, perhaps with a half-life. It is a sensible guess for somebody of whom nothing is known.
# </details>
#
# <details><summary>c) An empty page, until there is a history.</summary>
#
# Then nobody finds anything to like, and there never is one.
# </details>
#
# **4. On your page of similar films, the nearest neighbor of a much-loved film is its sequel, which most people rated one or two stars. What happened?**
#
# <details><summary>a) A bug: a film that people dislike cannot be similar to one that they love.</summary>
#
# By the cosine of stars it can. One star is a positive number, and adds to the similarity of all that the same person has rated.
# </details>
#
# <details><summary>b) The similarity was computed from stars, and the same people have seen both.</summary>
#
# Yes. If the page promises films that somebody will enjoy, compute it from likes, or from stars less each person's mean.
# </details>
#
# <details><summary>c) There is too little shrinkage.</summary>
#
# Shrinkage holds back films with few ratings. A famous sequel has many.
# </details>

# %% [markdown]
# ## What you learned
#
# - A score means something beside a baseline for the same people. Chance is too easy to beat; popularity is the one to beat.
# - Popularity serves people of whom nothing is known; a half-life lets it forget, where that helps.
# - Item-kNN adds up similarities to a person's films, so it can say why; shrinkage keeps chance out of lists of similar films.
# - From stars, similar means seen by the same people; from likes, liked by them.
# - EASE weighs all films at once, so that it counts no evidence twice, and it takes eight lines.
#
# Next: [ALS](05_als.ipynb) describes people and films by a few numbers each.
