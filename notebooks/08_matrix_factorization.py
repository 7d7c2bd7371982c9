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
# # Matrix factorization in PyTorch
#
# You predict stars with a model of four parts, write its training loop yourself, and learn to mistrust a falling loss.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/08_matrix_factorization.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - write a factorization with bare tensors, and check one gradient on paper;
# - turn it into an `nn.Module` and train it in mini-batches;
# - stop training where validation says so;
# - tell a model that predicts stars well from one that recommends well;
# - find four mistakes that homework notebooks make, each with a check of one line.
#
# **What you need first**: [From ratings to interactions](03_interactions_and_splits.ipynb), and tensors: what `loss.backward()` does.
#
# **How long it takes**: about 75 minutes.

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
# ## A rating is a sum of four parts
#
# The lessons before this one learned from "liked, or unknown". This one learns from the stars themselves, *explicit* feedback. The model:
#
# $$\hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i$$
#
# - $\mu$ is the mean of all ratings;
# - $b_u$ says how much more than others user $u$ gives, $b_i$ how much more than others film $i$ gets;
# - $p_u \cdot q_i$ is what is left for taste: two short vectors of *factors*, and their dot product.
#
# Take somebody who is strict and likes what this film has a lot of:

# %%
import numpy as np

mean, user_bias, item_bias = 3.5, -0.4, 0.6
p_u, q_i = np.array([1.0, -0.5]), np.array([0.8, 0.2])
taste = p_u @ q_i
print(
    f"{mean} {user_bias} + {item_bias} + {taste:.1f} = {mean + user_bias + item_bias + taste:.1f}"
)

# %% mystnb={"image": {"alt": "Waterfall chart of one predicted rating: the mean, then a bar to the left for the strict user, a bar to the right for the well-liked film and one for taste, and the sum as a dark bar."}}
from course_utils import plots

axes = plots.rating_parts({"mean": mean, "user": user_bias, "film": item_bias, "taste": taste})

# %% [markdown]
# ## Bare parameters and ten lines
#
# Four people and four films, twelve ratings. The first two people like the first two films, the others the last two. Three tensors hold everything: who, what, how many stars.

# %%
import torch

torch.set_num_threads(1)  # sums then run in one order, and printed numbers repeat

users = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
items = torch.tensor([0, 1, 3, 0, 1, 2, 1, 2, 3, 0, 2, 3])
stars = torch.tensor([5.0, 4, 1, 4, 5, 2, 1, 5, 4, 2, 4, 5])
mean = stars.mean()

# %% [markdown]
# The parameters are tensors with `requires_grad`. Biases start at 0. Factors must not: where $p_u$ and $q_i$ are both 0, neither has a gradient, and nothing ever moves. So they start small and random. For one question of taste, one factor is enough.

# %%
generator = torch.Generator().manual_seed(42)
b_u, b_i = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
p = (0.1 * torch.randn(4, 1, generator=generator)).requires_grad_()
q = (0.1 * torch.randn(4, 1, generator=generator)).requires_grad_()


def predict():
    return mean + b_u[users] + b_i[items] + (p[users] * q[items]).sum(dim=1)


# %% [markdown]
# Before you let `backward` loose, check it once. The loss is the mean of the squared errors, so its derivative by the bias of user 0 is $\frac{2}{n}$ times the sum of that user's errors, and by $p_0$ it is the same sum with each error times $q_i$.

# %%
loss = ((predict() - stars) ** 2).mean()
loss.backward()
errors = (predict() - stars).detach()
mine = users == 0
by_hand = 2 / len(stars) * errors[mine].sum()
assert torch.isclose(b_u.grad[0], by_hand)
assert torch.allclose(p.grad[0], 2 / len(stars) * errors[mine] @ q[items[mine]].detach())
print(f"derivative by the bias of user 0: {by_hand:.3f}")

# %% [markdown]
# It agrees. Now the loop, ten lines. A step goes against the gradient, and the gradient is thrown away afterwards, since `backward` *adds* to what is there.

# %%
parameters = [b_u, b_i, p, q]
for part in parameters:
    part.grad = None
for step in range(301):
    loss = ((predict() - stars) ** 2).mean()
    if step % 100 == 0:
        print(f"step {step:3d}: RMSE {loss.sqrt():.2f}")
    loss.backward()
    with torch.no_grad():
        for part in parameters:
            part -= 0.1 * part.grad
            part.grad = None

# %% [markdown]
# Nobody told the loop about tastes. Look at the factors:

# %%
print("people", p.detach().ravel().numpy().round(1))
print("films ", q.detach().ravel().numpy().round(1))
signs = p.sign() @ q.sign().T
assert (signs[:2] == torch.tensor([1, 1, -1, -1])).all()
assert (signs[2:] == torch.tensor([-1, -1, 1, 1])).all()

# %% [markdown]
# The first two people and the first two films have one sign, the others the other one. Equal signs multiply to something above 0, so people are drawn to the films of their own side. Which side is called positive is chance: turn all signs around, and every prediction stays.
#
# A small error on twelve ratings, with sixteen parameters, is no achievement. Keep that in mind for later.
#
# ## The same as a module
#
# Nobody wants to carry four tensors around. An `nn.Module` owns its parameters, so that an optimizer finds them, `state_dict()` saves them, and `.to("cuda")` moves them. The course has one; given your parameters, it gives your predictions.

# %%
from course_utils.models.biased_mf_module import BiasedMFModule

module = BiasedMFModule(n_users=4, n_items=4, factors=1, mean=float(mean))
names = ["user_bias", "item_bias", "user_factors", "item_factors"]
module.load_state_dict({"mean": mean} | dict(zip(names, parameters, strict=True)))
assert torch.allclose(module(users, items), predict())
{name: tuple(part.shape) for name, part in module.state_dict().items()}

# %% [markdown]
# `mean` is in the list, although it is not learned: it is a *buffer*, which is saved with the rest and given to no optimizer. `module.train()` and `module.eval()` mean what they mean everywhere in PyTorch: they switch a mode, and train nothing.
#
# ## Real films, many ratings
#
# Now the release you loaded. As everywhere in the course, the people of the embedded sample are simulated. Of each person, hold out the last five ratings as a test and the five before them for validation.

# %%
from course_utils.datasets import load_movielens
from course_utils.interactions import encode
from course_utils.splits import leave_last_out

ml = load_movielens()
split = leave_last_out(ml.ratings, n_test=5, n_val=5, min_train=10)
train = encode(split.train)
print(split)

# %% [markdown]
# `encode` keeps *who has what* and writes a 1. For stars you write the ratings into the same rows and columns. Films that the training set does not know are left out.

# %%
from scipy import sparse


def as_stars(table):
    known = table[table["movie_id"].isin(train.items)]
    cells = train.rows_of(known["user_id"]), train.columns_of(known["movie_id"])
    return sparse.csr_matrix((known["rating"], cells), shape=train.matrix.shape)


ratings, validation, test = (as_stars(part) for part in (split.train, split.val, split.test))
print(f"{ratings.nnz:,} to train on, {validation.nnz:,} to validate, {test.nnz:,} to test")

# %% [markdown]
# `BiasedMF` makes the module and trains it with Adam, a mini-batch at a time: here a fiftieth of the ratings for each step. A gradient from a part of the ratings points about where the whole one points, and costs a part of it.
#
# ## Why the training loss alone says nothing
#
# First without any regularization, and for as long as it likes:

# %%
from course_utils.models import BiasedMF

free = BiasedMF(l2_biases=0, l2_factors=0, epochs=15, patience=15)
free.fit(ratings, validation)
free.learning_curve.round(2).loc[[1, 2, 5, 10, 15]]

# %% mystnb={"image": {"alt": "Line chart of the error after each epoch without regularization. The training error falls all the way; the validation error turns early and rises, and a thin line marks its lowest point."}}
axes = plots.learning_curves(free.learning_curve, free.best_epoch)

# %% [markdown]
# The training error falls and falls. The validation error turns after an epoch or a few, and from there on every step makes the model worse for ratings it has not seen: it learns by heart. Nothing in the lower curve tells you. A report with a training loss in it, and no other, has reported nothing.
#
# Two remedies, and both belong together. *Regularization* makes large parameters cost something: $\lambda$ times their squares is added to the squared errors. *Early stopping* watches the validation error, waits for a few epochs without a new best, and goes back to the best weights.

# %%
model = BiasedMF(epochs=40).fit(ratings, validation)
biases = BiasedMF(factors=0, epochs=40).fit(ratings, validation)
lowest = model.learning_curve["validation"].min()
print(f"stopped after {len(model.learning_curve)} epochs, back to epoch {model.best_epoch}")
print(
    f"validation RMSE {lowest:.2f}; without regularization, at its best, {free.learning_curve['validation'].min():.2f}"
)
assert lowest < free.learning_curve["validation"].min()

# %% [markdown]
# The test set has not been touched so far. It answers one question, once: how far off are the predictions on average, in stars?

# %%
import pandas as pd


def rmse(predicted, matrix):
    return float(np.sqrt(np.mean((predicted - matrix.tocoo().data) ** 2)))


pairs = test.tocoo()
errors = {
    "the mean for everybody": rmse(np.full(test.nnz, ratings.data.mean()), test),
    "biases alone": rmse(biases.predict(pairs.row, pairs.col), test),
    "biases and factors": rmse(model.predict(pairs.row, pairs.col), test),
}
pd.Series(errors, name="test RMSE").round(2).to_frame()

# %% [markdown]
# Read the steps between the rows. The large one is the first: some people are generous, some films are good, and two biases know that. What taste adds for the last ratings of people is much smaller, and in other data it may vanish. So never report a factorization without the biases beside it.
#
# ## RMSE is not ranking
#
# You want to recommend. Is the model with the lowest error the one with the best list? Put a stranger beside it: item-kNN with five neighbors for each film, about as good in [lesson 04](04_baselines.ipynb) as any number. It never sees a star and only knows who rated what. To give it an RMSE as well, bend its scores into stars with a straight line, fitted on the validation ratings.

# %%
from course_utils.models import ItemKNN

knn = ItemKNN(k=5, shrinkage=0).fit(train.matrix)
scores = (train.matrix @ knn.similarity).toarray()
held_out = validation.tocoo()
line = np.polyfit(scores[held_out.row, held_out.col], held_out.data, deg=1)
errors["item-kNN"] = rmse(np.polyval(line, scores[pairs.row, pairs.col]), test)

# %% [markdown]
# Now the lists. A film of the test set counts as relevant when it got four stars or more, and all three models choose from what a person has not rated yet.

# %%
from course_utils.evaluation import evaluate

relevant = (test >= 4).astype(np.float32)
lists = {"biases alone": biases, "biases and factors": model, "item-kNN": knn}
table = pd.DataFrame(
    {
        name: evaluate(recommender, train.matrix, relevant, k=10, progress=False).summary[
            ["recall@10", "ndcg@10"]
        ]
        for name, recommender in lists.items()
    }
).T
table.insert(0, "RMSE", pd.Series(errors))
assert table["RMSE"].idxmax() == table["recall@10"].idxmax() == "item-kNN"
table.round(2)

# %% [markdown]
# The last is now the first. Item-kNN misses the stars by far more, and finds more of the films that people went on to like.
#
# The reason is in the data. RMSE is measured on films that somebody *chose* to watch and rate. A list is chosen from all films, most of which a person would never pick up. Which films people pick up is a signal of its own, the strongest there is, and a model that is trained on the ratings given never sees it: an obscure film with three happy viewers looks wonderful to it.
#
# So choose the metric by the task. If you show stars beside a film, RMSE is right. If you show a list, measure the list.
#
# ## What goes wrong in homework
#
# Four mistakes that run without an error. For each: what it does, and the line that catches it.
#
# ### Id maps inverted
#
# A dictionary from column to film where one from film to column belongs. Looking an id up in it does not fail. It finds something whenever the id happens to be the number of a column.

# %%
film_in_column = dict(enumerate(train.items))  # column → film
column_of = {film: column for column, film in film_in_column.items()}  # film → column
known = split.test[split.test["movie_id"].isin(train.items)]
inverted = known["movie_id"].map(film_in_column)
usable = inverted.lt(len(train.items))
print(
    f"{inverted.notna().mean():.0%} of the lookups find something, {usable.mean():.0%} a number that is a column"
)

# %%
some = known[usable]
rows, actual = train.rows_of(some["user_id"]), some["rating"].to_numpy()
for name, columns in {
    "right": some["movie_id"].map(column_of),
    "inverted": inverted[usable].astype(int),
}.items():
    error = model.predict(rows, columns.to_numpy()) - actual
    print(f"{name:8} RMSE {np.sqrt(np.mean(error**2)):.2f}")

# %% [markdown]
# The inverted map predicts for other films. The number is worse and still looks like an RMSE. The check is a round trip: from id to column and back is where you started.

# %%
sampled = known["movie_id"].to_numpy()
assert (train.items[[column_of[film] for film in sampled]] == sampled).all()
assert not (inverted == sampled).all()  # the wrong map does not pass

# %% [markdown]
# ### Films recommended that were seen
#
# Predicted stars are highest for films that somebody loved, and those they have rated already. Sort all films by predicted stars and you recommend the past.

# %%
everybody = np.arange(len(train.users))
unfiltered, _ = model.recommend(everybody, ratings, N=10, filter_already_liked_items=False)
filtered, _ = model.recommend(everybody, ratings, N=10)
seen = ratings.toarray() > 0
print(f"seen, unfiltered: {np.take_along_axis(seen, unfiltered, axis=1).mean():.0%} of the lists")
assert not np.take_along_axis(seen, filtered, axis=1).any()

# %% [markdown]
# The last line is the check. Note what it does to a score: a film that was seen in training cannot stand in the test set, so each of those places is lost, and recall falls for no visible reason.
#
# ### The mean, learned
#
# Leave out $\mu$, or start it at 0 and let the biases find it. The loop below is the one inside `BiasedMF`, on two modules that differ in the mean alone.

# %%
from course_utils.models.biased_mf_module import as_tensors
from course_utils.models.biased_mf_module import train as fit_module

tensors, held_out_tensors = (
    as_tensors(part, torch.device("cpu")) for part in (ratings, validation)
)


def start_from(mean):
    generator = torch.Generator().manual_seed(42)
    module = BiasedMFModule(*ratings.shape, factors=10, mean=mean, generator=generator)
    groups = module.parameter_groups((3.0, 3.0), (12.0, 12.0), n_ratings=ratings.nnz)
    optimizer = torch.optim.Adam(groups, lr=0.01)
    curve, _ = fit_module(
        module, optimizer, tensors, held_out_tensors,
        epochs=6, batch_size=2000, patience=6, generator=generator,
    )  # fmt: skip
    return module, [epoch.validation for epoch in curve]


known_mean, known_curve = start_from(float(ratings.data.mean()))
learned_mean, learned_curve = start_from(0.0)
pd.DataFrame(
    {"mean known": known_curve, "mean learned": learned_curve}, index=range(1, 7)
).rename_axis("epoch").round(1)

# %% [markdown]
# It is slow: the first epochs go into finding a number that one line of NumPy knows. And it is biased: regularization now pulls every prediction toward 0 stars instead of toward the mean. You see it where little is known. For somebody new, $\mu + b_i$ is all there is:

# %%
for name, module in {"mean known": known_mean, "mean learned": learned_mean}.items():
    newcomer = (module.mean + module.item_bias).mean().item()
    print(f"{name}: {newcomer:.1f} stars for a newcomer, over all films")
assert abs(known_mean.mean.item() - ratings.data.mean()) < 1e-3

# %% [markdown]
# What stood in for the mean went mostly into the biases and factors of users, and a newcomer has none. The check: what the model predicts where it knows nothing must be about the mean of the ratings.
#
# ### Regularization that changes with the batch
#
# The squared errors are summed over the mini-batch, the penalty over all parameters, and both are added up. It looks like the formula in the book. But the penalty is now paid once for each step, and a smaller batch means more steps for the same ratings. Learn the biases of films alone, with two sizes of batch:

# %%
from course_utils.models.biased_mf_module import batches

mu = float(ratings.data.mean())


def learn_biases(batch_size, cost):
    b = torch.zeros(len(train.items), requires_grad=True)
    optimizer = torch.optim.Adam([b], lr=0.02)
    generator = torch.Generator().manual_seed(42)
    for _ in range(12):
        for batch in batches(tensors, batch_size, generator):
            optimizer.zero_grad()
            cost(mu + b[batch.items] - batch.stars, b).backward()
            optimizer.step()
    return b.detach().std().item()


# %%
costs = {
    "summed, not scaled": lambda error, b: (error**2).sum() + (b**2).sum(),
    "mean, scaled by n": lambda error, b: (error**2).mean() + 10 * (b**2).sum() / ratings.nnz,
}
spread = pd.DataFrame(
    {name: {size: learn_biases(size, cost) for size in (500, 8000)} for name, cost in costs.items()}
).rename_axis("batch size")
spread.round(1)

# %% [markdown]
# The numbers are the spread of the learned biases. In the first column, another batch size is another model: with the small batch the penalty has crushed the biases. In the second, the error is a mean over the batch, which estimates the mean over all ratings, and the penalty is divided by the number of ratings, so that both are parts of one and the same formula. The batch size is then a matter of speed. The check:

# %%
ratio = spread.loc[500] / spread.loc[8000]
assert abs(ratio["mean, scaled by n"] - 1) < 0.1
assert abs(ratio["summed, not scaled"] - 1) > 0.2

# %% [markdown]
# `BiasedMF` does the second, and hands the penalty to Adam as weight decay, with a λ for each part.
#
# ## Check yourself
#
# **1. The training loss has halved since yesterday's model. What do you know?**
#
# <details><summary>a) The new model is better.</summary>
#
# You have seen a training error fall while the model got worse for everything it had not seen.
# </details>
#
# <details><summary>b) Nothing about new ratings.</summary>
#
# Yes. Ask for the validation error of both, on the same held-out ratings.
# </details>
#
# <details><summary>c) It needs more epochs.</summary>
#
# It may need fewer. Only the validation error can tell.
# </details>
#
# **2. Your model has an RMSE a little below that of the biases alone. May you use it for a list of ten films?**
#
# <details><summary>a) Yes, a lower error means better recommendations.</summary>
#
# On this page the model with the highest error had the best lists.
# </details>
#
# <details><summary>b) Only after comparing recall or NDCG with popularity and item-kNN.</summary>
#
# Yes. A list is judged as a list, beside simple models.
# </details>
#
# <details><summary>c) No, factorization cannot rank.</summary>
#
# It can, when it is trained on what people choose: ALS in [lesson 05](05_als.ipynb) is a factorization, too.
# </details>
#
# **3. You double the batch size, and the best λ changes. What is the likely reason?**
#
# <details><summary>a) Large batches need more regularization.</summary>
#
# The best λ belongs to the data. It has nothing to do with how the data is cut.
# </details>
#
# <details><summary>b) Errors are summed over the batch, and the penalty is not scaled to it.</summary>
#
# Yes. Take the mean of the errors, and divide the penalty by the number of ratings.
# </details>
#
# <details><summary>c) The seed.</summary>
#
# Another seed moves the result a little, and not in one direction.
# </details>

# %% [markdown]
# ## What you learned
#
# - A predicted rating is a mean, two biases and a dot product; a loop of ten lines learns it, and a module keeps it together.
# - The biases alone predict a lot, so report them beside every factorization.
# - The training loss alone says nothing. Validate, stop early, regularize.
# - RMSE judges predicted stars, not lists.
# - Check round trips of ids, films already seen, the prediction for a newcomer, and that the batch size is a matter of speed.
#
# Next: films have words as well as ratings, and [BERT embeddings](09_bert_embeddings.ipynb) turns them into vectors. To see this page on real ratings, set `COURSE_DATASET=ml-latest-small`.
