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
# # Lab 4: Matrix factorization in PyTorch
#
# You predict the stars that somebody will give, first with bare tensors and then with a module, train it so that it knows when to stop, and turn it into a list.
#
# [![Open in Colab](../../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/labs/lab04_factorization.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - predict stars for a batch of pairs, in a form that can learn;
# - take one step of the training by hand, with a penalty that does not depend on the batch;
# - write an `nn.Module` with the right parameters, and none too many;
# - write a training loop that stops early and keeps the best weights;
# - turn predicted stars into a list of films that somebody has not seen;
# - argue, with numbers, what the text of films could add.
#
# **What you need first**: [Matrix factorization in PyTorch](../08_matrix_factorization.ipynb).
#
# **How long it takes**: about two and a half hours, and an evening for the essay.
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
# A film club shows two numbers beside each film on its website: what members gave on average, and what *you* would give it. The second number comes from a notebook that a former member left behind. It has four bare tensors in it, a loop that runs for a fixed number of epochs, and nobody dares to touch it. You rewrite it, a step at a time.
#
# The model is that of lesson 08:
#
# $$\hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i$$
#
# Here are three people, four films and two factors:

# %%
import numpy as np
import pandas as pd
import torch
from torch import nn

from course_labs import attempted, check, summary

torch.set_num_threads(1)  # sums then run in one order, and printed numbers repeat
toy_mean = 3.5
b_u = torch.tensor([0.2, -0.4, 0.1])
b_i = torch.tensor([0.3, -0.1, 0.0, 0.4])
p = torch.tensor([[1.0, -0.5], [0.0, 1.0], [-1.0, 1.0]])
q = torch.tensor([[0.4, 0.6], [0.3, 0.2], [-0.5, 0.5], [1.2, -0.6]])
toy = (b_u, b_i, p, q)

# %% [markdown]
# By hand: the first person and the first film have $p_0 \cdot q_0 = 1 \cdot 0.4 - 0.5 \cdot 0.6$.

# %%
print(f"{toy_mean} + 0.2 + 0.3 + {0.4 - 0.3:.1f} = {toy_mean + 0.2 + 0.3 + 0.4 - 0.3:.1f}")

# %% [markdown]
# ## Step 1: Stars from bare parameters (2 points)
#
# Write `predict(mean, parameters, rows, columns)`. `parameters` is the tuple `(b_u, b_i, p, q)`. `rows` and `columns` are tensors of the same length: the first row belongs to the first column, the second to the second, and so on. Return a tensor with one number for each pair.
#
# So for the pairs (0, 0) and (2, 3) of the toy, `predict` returns 4.1 and 2.2. It changes none of what it is given, and leaves the numbers as they are, even above 5. A gradient must be able to pass through it, so stay with tensors.
#
# <details><summary>Hint 1: many users at once</summary>
#
# `b_u[rows]` is a tensor with the bias of each pair's user, and `p[rows]` a table with the vector of each pair's user in a row.
# </details>
#
# <details><summary>Hint 2: one dot product for each pair</summary>
#
# `p[rows] @ q[columns].T` multiplies everybody with everything. Multiply the two tables number by number, and add up each row.
# </details>


# %%
def predict(mean, parameters, rows, columns):
    """Return the predicted stars of each pair, shape (len(rows),)."""
    ...  # your code here


# %%
check("lab04.q1", predict)

# %%
if attempted(predict):
    print(predict(toy_mean, toy, torch.tensor([0, 2]), torch.tensor([0, 3])))

# %% [markdown]
# ## Step 2: One step of the training (3 points)
#
# Write `train_step(mean, parameters, batch, n_ratings, l2, learning_rate)`. It takes one step of gradient descent, changes the four tensors in `parameters` in place, and returns the loss as it was before the step.
#
# The batch $B$ is a tuple of rows, columns and stars. The loss is
#
# $$L = \frac{1}{|B|} \sum_{(u, i) \in B} (\hat r_{ui} - r_{ui})^2 + \frac{\lambda}{n} \sum_\theta \theta^2$$
#
# with $\lambda$ = `l2` and $n$ = `n_ratings`, the number of *all* ratings that are trained on. The second sum is over every number in all four tensors, whether the batch has that user or not. Each parameter then moves against its gradient, by `learning_rate` times the gradient. The four tensors have `requires_grad` set.
#
# `check` takes two steps in a row, with batches of different size.
#
# <details><summary>Hint 1: the order of things</summary>
#
# Compute the loss, call `backward` on it, move each part against its `grad`, and leave no gradient behind.
# </details>
#
# <details><summary>Hint 2: PyTorch complains about a leaf variable</summary>
#
# The move itself must not be recorded. That is what `with torch.no_grad():` is for.
# </details>
#
# <details><summary>Hint 3: why divide by n?</summary>
#
# The mean over the batch estimates the mean over all ratings. The formula in the book adds the penalty once to the *sum* over all ratings; divide that whole formula by their number.
# </details>


# %%
def train_step(mean, parameters, batch, n_ratings, l2, learning_rate):
    """Take one step of gradient descent in place, and return the loss before it."""
    ...  # your code here


# %%
check("lab04.q2", train_step)

# %% [markdown]
# Six ratings of the toy's people, a hundred steps. The loss must fall; where it ends depends on $\lambda$.

# %%
toy_batch = (
    torch.tensor([0, 0, 1, 1, 2, 2]),
    torch.tensor([0, 2, 0, 1, 2, 3]),
    torch.tensor([5.0, 2.0, 3.0, 3.5, 4.5, 1.0]),
)
if attempted(predict) and attempted(train_step):
    learned = tuple(part.clone().requires_grad_() for part in toy)
    losses = [train_step(toy_mean, learned, toy_batch, 6, 0.01, 0.1) for _ in range(100)]
    print(f"loss {float(losses[0]):.2f} before the first step, {float(losses[-1]):.2f} at the end")

# %% [markdown]
# ## Step 3: The module (3 points)
#
# Write `Factorization(n_users, n_items, factors, mean)`, an `nn.Module`. It has exactly four parameters:
#
# | name | shape | at first |
# | --- | --- | --- |
# | `user_bias` | (n_users,) | 0 |
# | `item_bias` | (n_items,) | 0 |
# | `user_factors` | (n_users, factors) | small and random |
# | `item_factors` | (n_items, factors) | small and random |
#
# "Small" means that before training no prediction is a whole star off the mean. The mean itself is not learned. It is a *buffer* called `mean`, one number that is saved with the parameters. `forward(rows, columns)` predicts what your `predict` does.
#
# <details><summary>Hint 1: parameters and buffers</summary>
#
# `nn.Parameter(tensor)` as an attribute is found by optimizers. `self.register_buffer(name, tensor)` is saved by `state_dict` and found by no optimizer.
# </details>
#
# <details><summary>Hint 2: the first line</summary>
#
# `super().__init__()` comes before any attribute.
# </details>


# %%
class Factorization(nn.Module):
    """Predict stars from a mean, two biases and the dot product of two vectors."""

    def __init__(self, n_users, n_items, factors, mean):
        """Make four parameters, and a buffer for the mean."""
        ...  # your code here

    def forward(self, rows, columns):
        """Return the predicted stars of each pair, shape (len(rows),)."""
        ...  # your code here


# %%
check("lab04.q3", Factorization)

# %% [markdown]
# ## Step 4: A loop that stops early (4 points)
#
# Write `fit(module, optimizer, batches, validation, epochs, patience)`. `batches` is a list of tuples (rows, columns, stars), and `validation` is one such tuple. In each epoch, go through the batches in order, with one step for each, down the mean of the squared errors. The penalty is in the optimizer already. Then measure the RMSE on all validation ratings, in stars.
#
# Stop when `patience` epochs in a row have brought no new lowest RMSE, or after `epochs` of them. Return the list of the RMSEs, one for each epoch that ran. At the end the module has the weights of its best epoch, and is in evaluation mode.
#
# Your loop works with any module. The one in `check` has a part that behaves differently while training, as dropout does, so it must be in training mode when it learns and in evaluation mode when it is measured. Its error rises for a while, falls again and rises again.
#
# <details><summary>Hint 1: an epoch</summary>
#
# Switch to training mode; for each batch: prediction, loss, `zero_grad`, `backward`, `step`. Switch to evaluation mode; measure without a gradient.
# </details>
#
# <details><summary>Hint 2: keeping the best weights</summary>
#
# `module.state_dict()` does not copy. It hands out the tensors themselves, and they go on learning.
# </details>
#
# <details><summary>Hint 3: counting</summary>
#
# Remember the number of the best epoch. The epochs without a new best since then are the difference.
# </details>


# %%
def fit(module, optimizer, batches, validation, epochs, patience):
    """Train with early stopping, and return the validation RMSE after each epoch."""
    ...  # your code here


# %%
check("lab04.q4", fit)

# %% [markdown]
# Now the club. In the sample the people are simulated; with `COURSE_DATASET=ml-latest-small` they are real. Of each member, the last five ratings are the test and the five before them are for validation.

# %%
from course_utils.datasets import load_movielens
from course_utils.interactions import encode
from course_utils.splits import leave_last_out

ml = load_movielens()
split = leave_last_out(ml.ratings, n_test=5, n_val=5, min_train=10)
train = encode(split.train)


def as_batch(table):
    """Return rows, columns and stars of the ratings whose film the training set knows."""
    known = table[table["movie_id"].isin(train.items)]
    places = train.rows_of(known["user_id"]), train.columns_of(known["movie_id"])
    stars = known["rating"].to_numpy(dtype="float32")
    return *(torch.as_tensor(place, dtype=torch.int64) for place in places), torch.tensor(stars)


ratings, validation, test = (as_batch(part) for part in (split.train, split.val, split.test))
n_ratings, mean = len(ratings[2]), ratings[2].mean().item()
order = torch.randperm(n_ratings, generator=torch.Generator().manual_seed(42))
batches = list(zip(*(part[order].split(2000) for part in ratings), strict=True))
print(f"{n_ratings:,} ratings to train on, in {len(batches)} batches; their mean is {mean:.2f}")

# %% [markdown]
# Adam has a penalty of its own, `weight_decay`, whose gradient is `weight_decay` times $\theta$. That of your penalty in step 2 is $2 \lambda \theta / n$, so `2 * l2 / n_ratings` is the weight decay that means the same. The batches stay the same in each epoch here; dealt anew each time they would do a little better.


# %%
def trained(factors, l2=10.0):
    """Return a module that your loop has trained, and its curve."""
    torch.manual_seed(42)
    module = Factorization(len(train.users), len(train.items), factors, mean)
    decay = 2 * l2 / n_ratings
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01, weight_decay=decay)
    return module, fit(module, optimizer, batches, validation, epochs=30, patience=3)


def rmse(predicted, stars):
    return float(((predicted - stars) ** 2).mean().sqrt())


solved = attempted(Factorization) and attempted(fit)
if solved:
    (model, curve), (biases, _) = trained(factors=20), trained(factors=0)
    print(f"{len(curve)} epochs; lowest validation RMSE {min(curve):.2f} stars")

# %% [markdown]
# The test set answers once. Lay the biases alone beside the whole model, as always.

# %%
if solved:
    with torch.no_grad():
        errors = {
            "the mean for everybody": rmse(torch.tensor(mean), test[2]),
            "biases alone": rmse(biases(*test[:2]), test[2]),
            "biases and factors": rmse(model(*test[:2]), test[2]),
        }
    print(pd.Series(errors, name="test RMSE").round(2).to_frame())

# %% [markdown]
# Do not be disappointed if the factors add little here, or nothing. The biases are most of what can be said of somebody's next ratings, and one $\lambda$ for all four tensors is a compromise: lesson 08 gives biases and factors one each.
#
# ## Step 5: The best films not seen (3 points)
#
# Write `best_films(module, users, items, user_ids, seen, k)`. The website knows ids, and the module rows and columns.
#
# - `users` holds the user id of each row, `items` the movie id of each column, both ascending;
# - `user_ids` is a list of the people to recommend for, all of them in `users`;
# - `seen` is a dict: for each of these user ids an array of the movie ids they have seen. Some of those films are new, and the module does not know them.
#
# Return `ids` and `stars`, each of shape `(len(user_ids), k)`: the movie ids of the `k` films with the most predicted stars that the person has not seen, best first, and these stars. Predict in evaluation mode. Where fewer than `k` films are left, the row ends in id −1 and −∞ stars. Change nothing of what you are given.
#
# With the toy's parameters in a module, user ids 7, 8 and 9, movie ids 10, 20, 30 and 40, and user 7 who has seen the films 10 and 20, `best_films(…, [7], …, k=3)` is `[[40, 30, -1]]` with the stars `[[5.6, 2.95, -inf]]`.
#
# <details><summary>Hint 1: from ids to places</summary>
#
# For ids that are all there, `np.searchsorted(users, user_ids)` gives rows. For ids that may be missing, `np.isin(items, films)` marks the columns of those that are there.
# </details>
#
# <details><summary>Hint 2: all films for one person</summary>
#
# `module` wants pairs. `torch.arange(len(items))` has all columns, and `torch.full_like` makes a row number of the same length.
# </details>
#
# <details><summary>Hint 3: the k best</summary>
#
# `course_utils.ranking.top_k(scores, k)` returns columns and scores of the k best of each row of a NumPy table, never takes what is −∞, and fills up with −1 and −∞.
# </details>

# %%
from course_utils.ranking import top_k


def best_films(module, users, items, user_ids, seen, k=10):
    """Return ids and stars of the k best films that each person has not seen."""
    ...  # your code here


# %%
check("lab04.q5", best_films)

# %% [markdown]
# What would the website show to a member? Beside each film, how many people have rated it in the training set.

# %%
counts = split.train["movie_id"].value_counts()
titles = ml.movies.set_index("movie_id")["title"]
member = int(train.users[0])
if solved and attempted(best_films):
    history = split.train.loc[split.train["user_id"] == member, "movie_id"].to_numpy()
    ids, stars = best_films(model, train.users, train.items, [member], {member: history}, k=5)
    for film, predicted in zip(ids[0], stars[0], strict=True):
        print(f"{predicted:.1f}  {titles[film]} ({counts[film]} ratings)")

# %% [markdown]
# These are the stars that the member would give *after* watching the film. Whether they would ever pick it up is another question, which this model was never asked; lesson 08 shows what that does to a list.
#
# ## Your points

# %%
summary("lab04")

# %% [markdown]
# ## An open question: the essay
#
# A factorization knows a film by who has rated it, and by nothing else. How well does it know those that few have rated? Here is the test error once more, by how many ratings a film has in the training set:

# %%
if solved:
    with torch.no_grad():
        table = pd.DataFrame({"biases alone": biases(*test[:2]), "with factors": model(*test[:2])})
    table = table.sub(test[2].numpy(), axis=0) ** 2
    rated = counts.reindex(train.items).to_numpy()[test[1].numpy()]
    groups = pd.cut(rated, [0, 9, 49, np.inf], labels=["1 to 9", "10 to 49", "50 and more"])
    table = table.groupby(groups, observed=True).agg(["mean", "size"])
    means = table.xs("mean", axis=1, level=1) ** 0.5
    print(means.round(2).assign(ratings=table.xs("size", axis=1, level=1).iloc[:, 0]))

# %% [markdown]
# The last column says how many test ratings stand behind a row. And this is what is known of such a film besides its ratings, as lesson 09 hands it to an encoder:

# %%
from course_utils.text import movie_texts

rare = ml.movies[ml.movies["movie_id"].isin(counts.index[counts < 10])].head(3)
unknown = ~split.test["movie_id"].isin(train.items)
print(*movie_texts(rare), sep="\n")
print(f"{unknown.sum()} of {len(unknown):,} test ratings are of films that nobody had rated before")

# %% [markdown]
# Write an essay of 700 to 1,000 words. No check answers it; your instructor reads it.
#
# *How could the text of the films, and an open language model, improve this model? Would you build it for the club?*
#
# It should say
#
# 1. **what for**: which predictions would gain, and which would not, with at least two numbers of your own from this notebook;
# 2. **how**: where the text enters the formula $\hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i$, as an equation, with what is learned and what is fixed;
# 3. **with which model**: one open language model by name, with its license, its size, and what it costs to run for all films of the club, once and for each new one;
# 4. **how you would know**: the split, the metric, what it is compared with, and which result would make you give the idea up;
# 5. **what could go wrong**: at least two things, one of them about what the language model may have read before.
#
# <details><summary>Where to start</summary>
#
# Take a film with three ratings. What does the model believe about it, and why? Then lessons 09 and 10: an encoder gives each film a vector, and a hybrid mixes two models. A language model can also *write*: a summary, a list of themes, a description of somebody's taste.
# </details>
#
# <details><summary>If you use a language model to write</summary>
#
# Say so, and for what. It cannot know the numbers of your notebook, and it does not tell you when it invents a license. Both are what the essay is judged by.
# </details>

# %% [markdown]
# ## What you learned
#
# - A prediction is a sum of four terms, each of shape (n,); a matrix in its place breaks nothing but the result.
# - The penalty is scaled by all ratings, the error by the batch; then the batch size is a matter of speed.
# - Parameters are learned, buffers are known, and `state_dict()` holds both, but copies neither.
# - A training loop decides by the validation error, in evaluation mode, and goes back to the best weights.
# - Predicted stars become a list once what was seen is out of it, and it is no good list yet.
#
# Next: [Evaluating rankings](../06_evaluating_rankings.ipynb) judges your list as a list.
