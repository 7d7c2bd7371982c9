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
# # ALS
#
# You build the matrix factorization that most recommenders for implicit feedback are measured against, on paper first, then in twenty-odd lines, then with the library.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/05_als.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - write down what ALS minimizes, with preference and confidence;
# - solve one half-step by hand, and turn half-steps into an algorithm;
# - recommend, find similar films, and explain a recommendation;
# - say what each argument does, and whether a search for better ones was worth anything;
# - see whom the model serves, and what it shows too often.
#
# **What you need first**: [From ratings to interactions](03_interactions_and_splits.ipynb), and what a popularity baseline and recall@10 are (lesson 04).
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
# ## Preference and confidence
#
# Three people, five films. A number $r_{ui}$ says how often person $u$ has watched film $i$; most cells are 0.

# %%
import numpy as np

R = np.array([[3, 1, 0, 0, 0], [1, 0, 2, 0, 0], [0, 0, 0, 1, 1]])
n_users, n_items = R.shape

# %% [markdown]
# A 0 is not a dislike. It may be a film that the person never came across. [Hu, Koren and Volinsky](https://doi.org/10.1109/ICDM.2008.22) take each cell apart into two numbers:
#
# - the *preference* $b_{ui}$ is 1 where there is an interaction and 0 where there is none;
# - the *confidence* $c_{ui} = 1 + \alpha r_{ui}$ says how much to believe it: little where there is nothing, more with every time the film was watched.

# %%
alpha = 2.0
B = (R > 0).astype(float)
C = 1 + alpha * R
C

# %% [markdown]
# Every cell counts, the empty ones with a confidence of 1. That is the heart of it: a model that learned from the ones alone could answer 1 everywhere and be right.
#
# Now give each person a vector $p_u$ and each film a vector $q_i$ of the same few *factors*, and let their dot product $p_u \cdot q_i$ stand for the preference. What ALS minimizes is
#
# $$\sum_{u,i} c_{ui} \, (b_{ui} - p_u \cdot q_i)^2 \; + \; \lambda \Big( \sum_u \|p_u\|^2 + \sum_i \|q_i\|^2 \Big).$$
#
# The first sum wants the dot products near the preferences, most where the confidence is high. The second, *regularization*, wants short vectors. (The paper writes $p_{ui}$, $x_u$ and $y_i$ for $b_{ui}$, $p_u$ and $q_i$.)

# %%
regularization = 0.1


def objective(P, Q):
    error = (C * (B - P @ Q.T) ** 2).sum()
    return error + regularization * ((P**2).sum() + (Q**2).sum())


# %% [markdown]
# Take two factors. Say that somebody knows the films already: the first three are of one kind, the last two of another. With vectors of zeros for the people, each interaction is missed in full:

# %%
Q = np.array([[1.0, 0.1], [0.8, 0.2], [0.9, 0.0], [0.1, 1.0], [0.0, 0.9]])
print(f"all the confidence on interactions: {(C * B).sum():.0f}")
print(f"objective with people of zeros: {objective(np.zeros((n_users, 2)), Q):.3f}")

# %% [markdown]
# ## One half-step by hand
#
# In both vectors at once the objective is a hard problem. With the films held fixed it is an easy one: what is left for each person is a least-squares fit with weights, a *ridge regression*. Set its derivative to zero, and with $C_u$ the diagonal matrix of the person's confidences you get
#
# $$p_u = (Q^\top C_u \, Q + \lambda I)^{-1} \; Q^\top C_u \, b_u.$$
#
# For the first person, that is a system of two equations:

# %%
left = Q.T @ np.diag(C[0]) @ Q + regularization * np.eye(2)
right = Q.T @ np.diag(C[0]) @ B[0]
print(left.round(2), right.round(2), np.linalg.solve(left, right).round(3), sep="\n\n")

# %% [markdown]
# Do it for all three people, and the half-step is done. The objective has fallen as far as it can while the films stay where they are.

# %%
P = np.zeros((n_users, 2))
for u in range(n_users):
    left = Q.T @ np.diag(C[u]) @ Q + regularization * np.eye(2)
    P[u] = np.linalg.solve(left, Q.T @ np.diag(C[u]) @ B[u])

print(P.round(3))
print(f"objective: {objective(P, Q):.3f}")

# %% [markdown]
# `implicit`, the library that most people use, has the same half-step. It reads the confidences as the values of the matrix, and takes 1 wherever nothing is stored.

# %%
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

library = AlternatingLeastSquares(factors=2, regularization=regularization, dtype=np.float64)
library.item_factors = Q
theirs = library.recalculate_user(np.arange(n_users), sparse.csr_matrix(C * B))
assert np.allclose(theirs, P)

# %% [markdown]
# Look at the scores. The third person has watched the last two films, and comes out high there and near 0 elsewhere:

# %%
(P @ Q.T).round(2)

# %% [markdown]
# Matrices of many sizes are easier to compare by a mean. `mean_loss` is the objective divided by the sum of all confidences, which is how `implicit` reports it, too.

# %%
from course_utils.models.als import confidence_of, mean_loss

toy = sparse.csr_matrix(R, dtype=np.float32)
loss = mean_loss(P, Q, confidence_of(toy, alpha), regularization)
assert np.isclose(loss, objective(P, Q) / C.sum())

# %% [markdown]
# ## The whole of it
#
# Hold the films, solve for the people. Hold the people, solve for the films. Repeat: *alternating least squares*. Neither half-step can raise the objective, so it settles.
#
# Two things make it work on real matrices. Rows are solved one by one, so the memory stays small. And most confidences are 1, so $Q^\top C_u Q$ is $Q^\top Q$, the same for everybody, and a correction over the few films of this person.


# %%
def half_step(fixed, has, alpha, regularization):
    """Solve for a vector for each row of `has`, with the other side's vectors held fixed."""
    same_for_all = fixed.T @ fixed + regularization * np.eye(fixed.shape[1])
    solved = np.zeros((has.shape[0], fixed.shape[1]))
    for row in range(has.shape[0]):
        part = slice(has.indptr[row], has.indptr[row + 1])
        vectors, confidence = fixed[has.indices[part]], 1 + alpha * has.data[part]
        left = same_for_all + (vectors.T * (confidence - 1)) @ vectors
        solved[row] = np.linalg.solve(left, vectors.T @ confidence)
    return solved


def als(has, factors, regularization, iterations, alpha, seed):
    """Return vectors of users and items, and the loss after each iteration."""
    rng = np.random.default_rng(seed)
    users, items = (0.01 * rng.random((n, factors)) for n in has.shape)
    columns, losses = has.T.tocsr(), []
    for _ in range(iterations):
        users = half_step(items, has, alpha, regularization)
        items = half_step(users, columns, alpha, regularization)
        losses.append(mean_loss(users, items, confidence_of(has, alpha), regularization))
    return users, items, losses


# %% [markdown]
# Try the half-step on the toy matrix first:

# %%
assert np.allclose(half_step(Q, toy, alpha, regularization), P)

# %% [markdown]
# Now the release you loaded. As everywhere in the course, the people of the embedded sample are simulated. Of everybody who has enough, the last five positives are for the test, the one before them is for validation, and at least five stay.

# %%
from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit
from course_utils.splits import leave_last_out

ml = load_movielens()
split = leave_last_out(to_implicit(ml.ratings), n_test=5, n_val=1, min_train=5)
train = encode(split.train)
validation = encode(split.val, users=train.users, items=train.items)
test = encode(split.test, users=train.users, items=train.items)
print(train)

# %% [markdown]
# Here $r_{ui}$ is 1 for a positive, so a film that somebody likes has the confidence $1 + \alpha$. Your lines and the library's exact solver start from the same random numbers:

# %%
users, items, losses = als(
    train.matrix, factors=16, regularization=0.01, iterations=10, alpha=1.0, seed=42
)
exact = AlternatingLeastSquares(
    factors=16, regularization=0.01, iterations=10, alpha=2.0, random_state=42,
    use_cg=False, calculate_training_loss=True, dtype=np.float64,
)  # fmt: skip
their_losses = []
exact.fit(
    train.matrix, show_progress=False, callback=lambda step, time, loss: their_losses.append(loss)
)

# %% [markdown]
# You see `alpha=1.0` above and `alpha=2.0` below. `implicit` multiplies what is stored by its `alpha` and adds no 1, so on a matrix of ones its `alpha` *is* the confidence, $1 + \alpha$ in the formula. Its default of 1 gives a film that you like no more weight than one you have never heard of.
#
# Do both agree, in the objective and in the ranking?

# %%
from course_utils.ranking import top_k

everybody = np.arange(len(train.users))
scores = users @ items.T
scores[train.matrix.nonzero()] = -np.inf  # what people have is not recommended
by_hand, _ = top_k(scores, 10)
their_lists, _ = exact.recommend(everybody, train.matrix, N=10)

assert np.allclose(losses, their_losses, rtol=1e-5)
print(f"loss {losses[-1]:.4f} and {their_losses[-1]:.4f}")
print(f"{(by_hand == their_lists).mean():.1%} of all places hold the same film")

# %% [markdown]
# ## The model
#
# `course_utils.models.ALS` wraps `implicit` to the protocol of the course: it takes $\alpha$ as in the formula, checks what you give it, and never pads a list with films you know. Like `implicit` by default, it does not solve each system to the end, but takes three steps of the *conjugate gradient* method from where the vector was before ([Takács, Pilászy and Tikk](https://doi.org/10.1145/2043932.2043987)). That is faster, and after a few turns it makes hardly a difference.

# %%
from course_utils.models import ALS

steps = range(1, 11)
of_library = [
    ALS(factors=16, iterations=n, dtype="float64").fit(train.matrix).loss(train.matrix)
    for n in steps
]
assert np.isclose(of_library[-1], losses[-1], rtol=0.03)

# %% mystnb={"image": {"alt": "Line chart of the loss against the iteration, by hand and by the library. Both lines fall steeply over the first few iterations, meet, and become flat."}}
from course_utils import plots

axes = plots.loss_by_iteration({"by hand, solved": losses, "ALS, three steps": of_library})

# %% [markdown]
# `float64` is there so that what this page prints does not depend on how your processor rounds. For real work `float32`, the default, is as good and twice as small.
#
# These settings stay with us for a while:

# %%
settings = {"factors": 32, "regularization": 0.01, "iterations": 10, "alpha": 1.0}
model = ALS(**settings, dtype="float64").fit(train.matrix, n_items=len(train.items))
model

# %% [markdown]
# `n_items` is a safety belt. Nothing in a matrix says which way it lies, and a model that is fitted on films × people answers without an error, and uselessly. Say how many films there are, and the mistake cannot pass:

# %%
from course_utils.errors import DataError

try:
    ALS(**settings).fit(train.matrix.T, n_items=len(train.items))
except DataError as error:
    print(error)

# %% [markdown]
# ## Ten films for one person
#
# Take somebody with a history of middle length. On the left the last ten films they liked, on the right the ten that ALS recommends, marked where the film is among the five they liked later.

# %%
import pandas as pd

film = ml.movies.set_index("movie_id").loc[train.items, "title"].to_numpy()  # of each column
n_liked = np.diff(train.matrix.indptr)
person = int(np.argsort(n_liked, kind="stable")[len(n_liked) // 2])
ids, scores = model.recommend(person, train.matrix[person], N=10)

# %%
mine = split.train[split.train["user_id"] == train.users[person]]
recent = mine.sort_values("timestamp", kind="stable")["movie_id"].tail(10)
later = test.matrix[person].indices
pd.DataFrame(
    {
        "liked, latest first": film[train.columns_of(recent)][::-1],
        "recommended": film[ids],
        "score": scores.round(2),
        "liked later": np.where(np.isin(ids, later), "yes", ""),
    }
)

# %% [markdown]
# A score near 1 says "as if you had it already". It is no probability, and no number of stars. Do not be surprised by few marks in the last column, or none: a good film that this person never came across counts as a miss.
#
# One promise a recommender must keep: it never shows a film that the person has. Check it for everybody, not for one.

# %%
lists, _ = model.recommend(everybody, train.matrix, N=10)
assert not (train.matrix[everybody[:, None], lists].toarray()).any()
assert (lists >= 0).all()

# %% [markdown]
# ## Why this film?
#
# With the films held fixed, $p_u$ is a linear function of what the person has. So a score is a sum, with one part for each film of the history:
#
# $$p_u \cdot q_i = \sum_{j \in \text{history}} c_{uj} \; q_i^\top W_u \, q_j, \qquad W_u = (Q^\top C_u \, Q + \lambda I)^{-1}.$$
#
# `explain` returns the parts. All of them add up to the score of a vector worked out anew, with `recalculate_user=True`; the vector that fitting left is older by half a turn.

# %%
history = train.matrix[person]
liked, parts = model.explain(person, history, ids[0], N=history.nnz)
fresh = model.recommend(person, history, items=[ids[0]], recalculate_user=True)[1][0]
assert np.isclose(parts.sum(), fresh, atol=1e-5)
print(f"{film[ids[0]]}: {fresh:.2f} from {history.nnz} films")

# %% mystnb={"image": {"alt": "Bar chart of what the eight films of the person's history that contribute most add to the score of the first recommendation; the bars get shorter from top to bottom."}}
axes = plots.contribution_bars(film[liked[:8]], parts[:8], fresh)

# %% [markdown]
# A part can be negative, too: a film of the history can speak against another one. "Because you watched" shows the top of such a list, and is honest only where the top carries the score.
#
# ## Somebody new
#
# A person who was not there when the model was fitted needs no fitting. One half-step from their history gives their vector.

# %%
likes = ["Toy Story (1995)", "Lion King, The (1994)", "Aladdin (1992)"]
newcomer = sparse.csr_matrix(np.isin(film, likes)[None, :].astype(np.float32))
ids_new, _ = model.recommend(len(train.users), newcomer, N=5)
list(film[ids_new])

# %%
by_hand = half_step(model.item_factors, newcomer, settings["alpha"], settings["regularization"])
scores = by_hand @ model.item_factors.T
scores[newcomer.nonzero()] = -np.inf
assert film[top_k(scores, 5)[0][0]].tolist() == film[ids_new].tolist()

# %% [markdown]
# The other side has no such way out: a *film* that nobody has liked yet has a vector of zeros, and ALS recommends it to nobody. That is *cold start*, and [lesson 10](10_hybrids.ipynb) is about it.
#
# ## Similar films
#
# Two films are similar when their vectors point the same way, so the measure is the cosine. Nothing but who likes what went into it: no title, no genre. An odd neighbor is often a film with a handful of likes, whose vector is made of those few people.

# %%
known = ["Toy Story (1995)", "Alien (1979)", "Godfather, The (1972)"]
columns = [int(np.flatnonzero(film == title)[0]) for title in known]
neighbors, cosines = model.similar_items(columns, N=6)
pd.DataFrame(film[neighbors[:, 1:]].T, columns=known)

# %% [markdown]
# A map shows all at once. Take the 300 films with the most likes, and let *t-SNE* lay them out in two dimensions so that films with a small angle between them come to lie side by side. Only the neighborhood means something; the axes do not, nor do distances between far corners. Marks tell genres, which the model has never seen. Point at a film, or touch it, to read its title.

# %%
popular = np.argsort(-np.diff(train.matrix.tocsc().indptr), kind="stable")[:300]
genres = ml.movies.set_index("movie_id").loc[train.items, "genres"].str.split("|")
telling = ["Children's", "Children", "Horror", "Sci-Fi", "Crime", "Romance"]
group = [next((g for g in telling if g in genres.iloc[i]), "other") for i in popular]

# %% tags=["nbval-ignore-output"]
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

with threadpool_limits(1):  # 300 films are too few for threads to help
    layout = TSNE(metric="cosine", perplexity=20, init="pca", random_state=42)
    points = layout.fit_transform(model.item_factors[popular])
named = np.flatnonzero(np.isin(film[popular], known)).tolist()
plots.film_map(points, film[popular], group, title="Films by their ALS factors", named=named)

# %% [markdown]
# If marks of one kind lie together, people who like one film of that kind tend to like others. In the simulated sample such taste was put in, and comes out clearly. Real people are less tidy, and on a map of theirs the kinds mix.
#
# ## Four arguments
#
# What do the arguments do? Vary one, keep the others, and measure on the *validation* set. The test set stays closed until the end.


# %%
from course_utils.evaluation import evaluate


def validated(**arguments):
    candidate = ALS(**(settings | arguments), dtype="float64").fit(train.matrix)
    result = evaluate(candidate, train.matrix, validation.matrix, k=10, progress=False)
    recall = result.per_user["recall@10"]
    return {"mean": recall.mean(), "error": recall.sem(), "loss": candidate.loss(train.matrix)}


def sweep(argument, values):
    return pd.DataFrame([validated(**{argument: value}) for value in values], index=values)


# %% [markdown]
# The large mark is the value that the other sweeps keep.
#
# **Factors**: how much the vectors can say. The table has the loss as well.

# %% mystnb={"image": {"alt": "Line chart of validation recall at 10 with standard errors against the number of factors, from 4 to 128. Recall rises at first and then stops rising or falls."}}
factors = sweep("factors", [4, 8, 16, 32, 64, 128])
axes = plots.argument_sweep(factors, "factors", chosen=settings["factors"])
factors.round(3).T

# %% [markdown]
# More factors always lower the loss on what the model has seen. Recall on what it has not seen does not follow for long. Look for the point from which it gains less than the length of a bar, or falls: from there on, the factors learn by heart.
#
# The bars are standard errors. With one validation film a person, each of them is a yes or a no, and the mean of so few is uncertain. Keep their length in mind for the rest of this page.
#
# **Regularization**: how short the vectors are kept.

# %% mystnb={"image": {"alt": "Line chart of validation recall at 10 with standard errors against the regularization, from 0.01 to 100. The line is flat within its errors over most of the range and falls at the right end."}}
axes = plots.argument_sweep(
    sweep("regularization", [0.01, 0.1, 1, 10, 100]), "regularization λ", chosen=0.01
)

# %% [markdown]
# Over several powers of ten hardly anything happens, because $\lambda$ stands beside sums over hundreds of films and people. Then it crushes the vectors.
#
# **Alpha**: how much more a like counts than an empty cell.

# %% mystnb={"image": {"alt": "Line chart of validation recall at 10 with standard errors against alpha, from 0 to 30. The line changes little at first and is lower at the right end."}}
axes = plots.argument_sweep(sweep("alpha", [0, 1, 3, 10, 30]), "confidence α", chosen=1)

# %% [markdown]
# The paper found $\alpha = 40$ good, for how often people had watched television shows. Here a like is a like, once, and a large $\alpha$ spends the factors on repeating what people have. Is the right end of your figure any better than the left? A value from a paper is a value for its data.
#
# **Iterations**: how often the two sides take turns.

# %% mystnb={"image": {"alt": "Line chart of validation recall at 10 with standard errors against the number of iterations, from 1 to 20. Recall rises steeply over the first five iterations, and changes by about a standard error afterwards."}}
axes = plots.argument_sweep(sweep("iterations", [1, 2, 5, 10, 20]), "iterations", chosen=10)

# %% [markdown]
# One turn is too few; after a handful, more turns gain less than the length of a bar.
#
# ## For whom does it work?
#
# Before you search for better numbers, look at whom the ones you have are made of. Here are ALS and the popularity baseline on the test set, for people with little and with much history.

# %%
from course_utils.evaluation import by_activity
from course_utils.models import ItemKNN, Popularity

genre_matrix = sparse.csr_matrix(genres.str.join("|").str.get_dummies("|").to_numpy())
models = {
    "popularity": Popularity().fit(train.matrix),
    "item-kNN": ItemKNN(k=200).fit(train.matrix),
    "ALS": model,
}
results = {
    name: evaluate(m, train.matrix, test.matrix, k=10, genres=genre_matrix, progress=False)
    for name, m in models.items()
}

# %% mystnb={"image": {"alt": "Dot plot of recall at 10 with intervals for three groups of people by the number of their positives, popularity and ALS side by side. ALS lies above popularity, clearly so for all but the group with least history, and the group with most history lies lowest."}}
groups = {
    name: by_activity(results[name], edges=(10, 50), metrics=["recall"])
    for name in ("popularity", "ALS")
}
axes = plots.recall_by_activity(groups)

# %% [markdown]
# Those with the longest histories score lowest, with both models. They have the obvious films already, and what they like next is rarer. It does not mean that the model knows them less.
#
# ## What does it show too often?
#
# Accuracy aside, what kind of list is it? The films in the lists are liked by so many people on average; a film that people like themselves, by so many:

# %%
counts = np.diff(train.matrix.tocsc().indptr)
print(f"likes of a liked film, on average: {counts[train.matrix.indices].mean():.0f}")
beyond = ["popularity@10", "coverage@10", "genre_diversity@10", "calibration@10"]
pd.DataFrame({name: result.summary[beyond] for name, result in results.items()}).T.round(3)

# %% [markdown]
# Every model here recommends films more popular than those that people like. That is *popularity bias*: what many like is safe to recommend. *Genre diversity* is the number of different genres in a list, divided by all mentions of a genre; *calibration* is how far the genres of the list are from those of the history, 0 when they match. A list can be accurate and still show one side of somebody.
#
# Sort the films from least liked to most liked, and cut them into tenths. How are the likes spread, and how are the places in the lists?

# %% mystnb={"image": {"alt": "Line chart over tenths of the films from least to most liked: the share of likes rises towards the last tenth, and the shares of the places that ALS and popularity give are far more concentrated in the last tenth."}}
shown = {name: results[name].exposure() for name in ("ALS", "popularity")}
axes = plots.popularity_bias(counts, {"likes": counts} | shown)

# %% [markdown]
# ## Tuning, and an honest end
#
# *Optuna* tries settings, and looks where the earlier ones did well. Fifteen trials, each judged by recall@10 on the validation set:


# %%
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def trial_recall(trial):
    return validated(
        factors=trial.suggest_categorical("factors", [8, 16, 32, 64]),
        regularization=trial.suggest_float("regularization", 0.01, 30, log=True),
        alpha=trial.suggest_float("alpha", 0, 10),
    )["mean"]


study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=42))
study.optimize(trial_recall, n_trials=15)
print({name: round(value, 2) for name, value in study.best_params.items()})

# %% mystnb={"image": {"alt": "Dot plot of the validation recall at 10 of fifteen trials in their order, with a band of one standard error around the best and a dashed line for the settings before the search. Several trials and the dashed line lie in or near the band."}}
before = validated()
values = [trial.value for trial in study.trials]
axes = plots.search_trials(values, before["error"], start=before["mean"])

# %% [markdown]
# Look at the band before you believe the winner. It is the best of fifteen numbers that each carry an error as long as half the band, so it was chosen for its luck as well as for its settings.
#
# Now open the test set, once, for two models: the settings this page has used all along, and the winner.

# %%
from course_utils.evaluation import compare, readable

tuned = ALS(**(settings | study.best_params), dtype="float64").fit(train.matrix)
final = compare(
    {"before": model, "tuned": tuned}, train.matrix, test.matrix,
    baseline="before", metrics=["recall@10", "ndcg@10"], progress=False,
)  # fmt: skip
readable(final)

# %%
row = final[(final["model"] == "tuned") & (final["metric"] == "recall@10")].iloc[0]
low, high = row["difference_low"], row["difference_high"]
print(f"gain on validation {max(values) - before['mean']:+.3f}")
print(f"gain on test       {row['difference']:+.3f}, 95% interval {low:+.3f} to {high:+.3f}")
print("the interval holds 0" if low <= 0 <= high else "the interval does not hold 0")

# %% [markdown]
# Report the second line, whatever it says.
#
# - *The interval holds 0*: the search has found settings that are about as good, not better ones. The number on validation is what looking fifteen times at a noisy number gives. This is a result, and you keep the simpler or cheaper of the two.
# - *It lies above 0*: the search helped, by about so much, for people like these.
# - *It lies below 0*: the winner was lucky on the validation set. Do not go back and search until the test set agrees; then it is a validation set, and you have no test set any more.
#
# What would make the search worth more is not more trials. It is a validation set with more than one film a person.
#
# ## Check yourself
#
# **1. Why does ALS look at the empty cells at all?**
#
# <details><summary>a) They are dislikes.</summary>
#
# Nobody knows that. They count with the lowest confidence there is.
# </details>
#
# <details><summary>b) Without them, a score of 1 everywhere would be a perfect answer.</summary>
#
# Yes. The empty cells are what the model has to tell the likes from.
# </details>
#
# <details><summary>c) Because the matrix would not be sparse otherwise.</summary>
#
# The matrix stays sparse. The empty cells enter through $Q^\top Q$, which is computed once for everybody.
# </details>
#
# **2. A colleague uses `implicit` with its default `alpha=1` on a matrix of ones. What confidence does a like have?**
#
# <details><summary>a) 2, as $1 + \alpha r$ says.</summary>
#
# That is the formula of the paper, and `ALS(alpha=1)` of this course. `implicit` adds no 1.
# </details>
#
# <details><summary>b) 1, as much as an empty cell.</summary>
#
# Yes. It is no mistake, and works well on some data. But it is not what the paper means by $\alpha = 1$.
# </details>
#
# **3. Somebody signs up and likes four films. What do you do?**
#
# <details><summary>a) Fit the model again.</summary>
#
# In the end, to learn from them. To serve them now, you need not.
# </details>
#
# <details><summary>b) Work out their vector from the four films, with the films' vectors as they are.</summary>
#
# Yes. It is one half-step for one row, a matter of milliseconds.
# </details>
#
# <details><summary>c) Give them the vector of the most similar person.</summary>
#
# You would have to find that person first, and their taste is theirs.
# </details>
#
# **4. The search gains 0.02 on validation, and on the test set the interval of the gain is −0.01 to 0.01. What do you write?**
#
# <details><summary>a) Recall improved by 0.02.</summary>
#
# That number was picked because it was large.
# </details>
#
# <details><summary>b) Tuning made no difference that this test set can show.</summary>
#
# Yes, with the interval beside it, so that a reader sees how small a gain could have hidden.
# </details>
#
# <details><summary>c) Nothing; you try another fifty settings first.</summary>
#
# And the test set would choose among them. After that it measures nothing.
# </details>

# %% [markdown]
# ## What you learned
#
# - ALS fits dot products to preferences over all cells, weighted by confidence; each half-step is a small least-squares problem with an exact answer.
# - Written out it is some twenty lines, and they agree with the library. Read what a library's `alpha` multiplies before you compare.
# - A new person needs one half-step, a recommendation is a sum over the history, and similar films point the same way.
# - More factors lower the loss forever, and help only for a while. Most arguments do little; look at the standard error first.
# - The test set is opened once. It says whether a search found more than noise, and either answer is a result.
#
# Next: [Evaluating rankings](06_evaluating_rankings.ipynb) takes apart the metrics you have only used here.
