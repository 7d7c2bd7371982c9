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
# # Lab 3: ALS and BERT
#
# You recommend films by what their titles say, lay that beside popularity and ALS, try other encoders, and say which differences are real.
#
# [![Open in Colab](../../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/labs/lab03_als_and_bert.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - turn the films that somebody has seen into a vector, and the vector into a list;
# - write a content model as a class, to the protocol of the course;
# - evaluate it beside other models, user by user;
# - say whether one encoder is better than another, or whether you cannot tell.
#
# **What you need first**: [ALS](../05_als.ipynb), [Evaluating rankings](../06_evaluating_rankings.ipynb), and [BERT embeddings](../09_bert_embeddings.ipynb).
#
# **How long it takes**: two to three hours.
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
# The cinema of lab 2 has a new program director. Every week she books films that nobody has rated yet, and the letter to the members never mentions one: a recommender that lives on ratings does not know they exist. "But they have titles and genres," she says, "and BERT can read. Why do we need ratings at all?"
#
# You are to find out. You build a recommender that reads, and ask it the question that every new model must answer: compared with what, and is the difference real?
#
# Suppose an encoder has read four titles and returned a vector for each. Here they have two dimensions, so that you can draw them.

# %%
import numpy as np

from course_labs import attempted, check, summary

toy_vectors = np.array([[3.0, 4.0], [0.0, 2.0], [10.0, 0.0], [0.8, 0.6]])  # a film is a row
toy_seen = np.array([0, 1])  # what somebody has seen

# %% [markdown]
# By hand: divided by their lengths, 5 and 2, the films that were seen are $(0.6, 0.8)$ and $(0, 1)$. Their mean is the user vector, $(0.3, 0.9)$. Film 2, divided by its length, is $(1, 0)$, and film 3 has the length 1 already.

# %%
user_vector = np.array([0.3, 0.9])
print(f"film 2: {user_vector @ [1, 0]:.2f}   film 3: {user_vector @ [0.8, 0.6]:.2f}")

# %% [markdown]
# ## Step 1: Recommend to one person (3 points)
#
# Write `recommend(vectors, seen, N)`. `vectors` has a row for each film, of any length; `seen` lists the rows of the films that somebody has seen.
#
# - Divide each film's vector by its length.
# - The *user vector* is the mean of those of the films seen.
# - The score of a film is the product of the user vector with the film's. So it is the mean of its cosines with the films seen.
#
# Return `ids` and `scores` of the N best films, best first, each of shape `(N,)`. Films that were seen are left out. Where fewer than N are left, the list ends in id −1 and score −∞; for somebody who has seen nothing, it holds nothing else. So `recommend(toy_vectors, toy_seen, N=2)` is `[3, 2]` and, rounded, `[0.78, 0.30]`.
#
# <details><summary>Hint 1: lengths</summary>
#
# `np.linalg.norm(vectors, axis=1, keepdims=True)` has one length for each row, and the right shape to divide by. Dividing with `/=` would change the array of whoever calls you.
# </details>
#
# <details><summary>Hint 2: the N best</summary>
#
# `course_utils.ranking.top_k(scores, k)` takes a table, a row for each user, and fills up with −1 and −∞. It never takes what has the score −∞, so that is what to give a film that must not be listed. `scores[None]` makes a table of one row.
# </details>
#
# <details><summary>Hint 3: nothing seen</summary>
#
# The mean of no rows is NaN. Deal with `len(seen) == 0` before you take it.
# </details>

# %%
from course_utils.ranking import top_k


def recommend(vectors, seen, N=10):
    """Return rows and scores of the N films most like those that were seen, shape (N,) each."""
    ...  # your code here


# %%
check("lab03.q1", recommend)

# %% [markdown]
# On the toy example film 3 should come before film 2, although film 2 has the longest vector of all:

# %%
if attempted(recommend):
    print(*recommend(toy_vectors, toy_seen, N=2))

# %% [markdown]
# ## Step 2: The class BertContentModel (4 points)
#
# Now real titles and a real encoder. `movie_texts` writes title and genres as one line, and the packaged MiniLM, a small BERT, turns it into a vector. It needs no network; the first time it takes a while, then the vectors come from a cache.

# %%
from course_utils.datasets import load_movielens
from course_utils.text import Embeddings, encode_texts, movie_texts

ml = load_movielens()
texts = movie_texts(ml.movies)
vectors = encode_texts(texts, "all-MiniLM-L6-v2", pooling="mean", progress=False)
embeddings = Embeddings(vectors, ml.movies["movie_id"], "all-MiniLM-L6-v2", "mean")
embeddings

# %% [markdown]
# For the members, hold out the last five positives of everybody, as in lesson 06. In the sample the people are simulated; the titles are real.

# %%
from course_utils.interactions import encode, to_implicit
from course_utils.splits import leave_last_out

split = leave_last_out(to_implicit(ml.ratings), n_test=5, min_train=5)
train = encode(split.train)
test = encode(split.test, users=train.users, items=train.items)

# %% [markdown]
# `embeddings` has a row for each film of the release, in the order of its file. The matrix has a column for each film that somebody has liked in training, and `train.items` says which.
#
# Write the class to the protocol of the course:
#
# - `BertContentModel(embeddings, items)` keeps a vector for each *column*; `items` holds the movie id of each.
# - `fit(user_items)` is there already: there is nothing to learn from other people.
# - `recommend(userids, user_items, N)` takes some users and *their* rows of the matrix. It returns columns and scores, each of shape `(len(userids), N)`, with the user vector, the score and the ends of the lists as in step 1.
#
# Also somebody whose row number is beyond the matrix is served: all that counts is the history in `user_items`.
#
# <details><summary>Hint 1: which row is which column?</summary>
#
# `embeddings.aligned(items).vectors` has a row for each of `items`, in their order.
# </details>
#
# <details><summary>Hint 2: all user vectors at once</summary>
#
# `user_items @ vectors` adds up, for each user, the vectors of their films. `user_items.getnnz(axis=1)` says how many they are; mind those who have none.
# </details>
#
# <details><summary>Hint 3: what was seen</summary>
#
# `scores[user_items.nonzero()] = -np.inf`, before the best are chosen. A row of somebody without history can be set to −∞ as a whole.
# </details>


# %%
class BertContentModel:
    """Recommend films whose texts are like those of the films that somebody has seen.

    Parameters
    ----------
    embeddings
        Of at least the films in `items`, in any order.
    items
        The movie id of each column of the matrix.
    """

    def __init__(self, embeddings, items):
        ...  # your code here

    def fit(self, user_items):
        """Learn nothing from other people, and return itself."""
        return self

    def recommend(self, userids, user_items, N=10):
        """Return columns and scores of the N best films of each user."""
        ...  # your code here


# %%
check("lab03.q2", BertContentModel)

# %% [markdown]
# The course's `ContentModel` divides by the length of the user vector as well, which changes the scores of a user but not their order. So your lists should be its lists.

# %%
from course_utils.models import ALS, ContentModel, Popularity

titles = ml.movies.set_index("movie_id")["title"]
if attempted(BertContentModel):
    people = np.arange(100)
    mine = BertContentModel(embeddings, train.items).fit(train.matrix)
    ids, _ = mine.recommend(people, train.matrix[people], N=10)
    theirs = ContentModel(embeddings, train.items).fit(train.matrix)
    their_ids, _ = theirs.recommend(people, train.matrix[people], N=10)
    print(f"{(ids == their_ids).mean():.0%} of the places hold the same film")
    print("Liked:\n   " + "\n   ".join(titles[train.items[train.matrix[0].indices[:5]]]))
    print("Recommended:\n   " + "\n   ".join(titles[train.items[ids[0, :5]]]))

# %% [markdown]
# ## Step 3: Recall, user by user (2 points)
#
# Is it any good? Compared with what? Write `recall_per_user(models, train, test, k)`. `models` is a dictionary of models by name. Fit each on `train`, evaluate it with the course's `evaluate`, and return a DataFrame with a column for each model, named as in the dictionary, and a row for each evaluated user: their recall@k.
#
# <details><summary>Hint: where are the users?</summary>
#
# `evaluate(model, train, test, k=k, progress=False)` returns an object. Its `summary` has the means; its `per_user` is a DataFrame with a row for each user and columns such as `recall@10`.
# </details>

# %%
import pandas as pd

from course_utils.evaluation import evaluate


def recall_per_user(models, train, test, k=10):
    """Return the recall@k of each user, with a column for each model."""
    ...  # your code here


# %%
check("lab03.q3", recall_per_user)

# %% [markdown]
# Here are the three models side by side. In the sample these are the scores of simulated people, who never read a title: what titles tell about them was put there through genres.

# %%
if attempted(BertContentModel) and attempted(recall_per_user):
    models = {
        "BERT": BertContentModel(embeddings, train.items),
        "popularity": Popularity(),
        "ALS": ALS(64, 0.01, alpha=1),
    }
    per_user = recall_per_user(models, train.matrix, test.matrix, k=10)
    print(per_user.mean().round(3).to_string())

# %% [markdown]
# ## Step 4: A difference, with its interval (3 points)
#
# Two means differ, always. Write `paired_difference(a, b)` for the scores of two models, a value for each user, of the same users in the same order. Return three numbers: the mean of `a` less that of `b`, and the low and the high end of its 95 % interval.
#
# A bootstrap over users with at least 1,000 draws is right, and so is the mean plus and minus 1.96 standard errors; the check accepts both. For `a = [1, 0.5, 1, 0]` and `b = [0.5, 0.5, 0.5, 0]` the difference is 0.25.
#
# <details><summary>Hint 1: why paired?</summary>
#
# Some users are easy for every model. Take the difference user by user, and that part is gone. What is left spreads much less than either model's scores.
# </details>
#
# <details><summary>Hint 2: the standard error</summary>
#
# The standard deviation says how far single users spread. The mean of n users spreads by the standard deviation divided by the root of n.
# </details>
#
# <details><summary>Hint 3: the bootstrap</summary>
#
# Draw n users with replacement, `rng.integers(0, n, size=(1000, n))`, take the mean difference of each draw, and of these means the quantiles 0.025 and 0.975.
# </details>


# %%
def paired_difference(a, b):
    """Return the mean of a less that of b over users, and its 95 % interval: low, high."""
    ...  # your code here


# %%
check("lab03.q4", paired_difference)

# %% [markdown]
# ## Step 5: Better, worse, or cannot tell (2 points)
#
# Write `verdict(a, b)` for the same two rows of scores. It returns `"better"` when the whole interval of `a` less `b` lies above 0, `"worse"` when it lies below, and `"cannot tell"` otherwise.


# %%
def verdict(a, b):
    """Return "better", "worse" or "cannot tell" for a compared with b."""
    ...  # your code here


# %%
check("lab03.q5", verdict)

# %% [markdown]
# Now the answer for the program director:


# %%
def differences_table(per_user, against):
    rows = {}
    for name in per_user.columns.drop(against):
        numbers = np.round(paired_difference(per_user[name], per_user[against]), 3)
        rows[name] = [*numbers, verdict(per_user[name], per_user[against])]
    columns = ["difference", "low", "high", f"than {against}"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


solved = all(
    attempted(step) for step in (BertContentModel, recall_per_user, paired_difference, verdict)
)
if solved:
    print(differences_table(per_user, against="BERT"))

# %% [markdown]
# Ratings know more than titles do, if there are ratings. Do not tell the director yet that BERT is useless: this test set holds no film that nobody has rated. You come back to that at the end.
#
# ## Step 6: Other encoders
#
# Is it the idea that is weak, or the encoder? Try at least two others, and report which is better, and whether that is real.
#
# Complete `more`, a dictionary of `(model, pooling)` by name, as `encode_texts` takes them. Without a network you have these:
#
# - `"all-MiniLM-L6-v2"` with `"cls"`, the vector of the first token instead of the mean of all;
# - `"tfidf"`, which counts words and was never trained on anything but these texts. It is the baseline of encoders. Pooling means nothing to it.
#
# With a network, name any encoder of the Hugging Face hub: `"google-bert/bert-base-uncased"`, `"sentence-transformers/all-mpnet-base-v2"`, or one in your language. Each is downloaded once, of some hundred megabytes.

# %%
more = ...  # your answer

# %%
if solved and attempted(more):
    encoders = {"MiniLM, mean": BertContentModel(embeddings, train.items)}
    for name, (model, pooling) in more.items():
        encoded = encode_texts(texts, model, pooling=pooling, progress=False)
        own = Embeddings(encoded, ml.movies["movie_id"], model, pooling)
        encoders[name] = BertContentModel(own, train.items)
    by_encoder = recall_per_user(encoders, train.matrix, test.matrix, k=10)
    print(by_encoder.mean().round(3).to_string(), "\n")
    print(differences_table(by_encoder, against="MiniLM, mean"))

# %% [markdown]
# Write down three sentences: which encoder you would take, which of the others are really worse, and of which you cannot tell.
#
# <details><summary>How often have you asked?</summary>
#
# At 95 %, one of twenty comparisons of equals comes out "real". With two or three you may live with that; with ten encoders, correct for it: `course_utils.evaluation.compare(…, baseline=…)` does, in its column `p_holm`.
# </details>

# %% [markdown]
# ## Your points

# %%
summary("lab03")

# %% [markdown]
# ## An open question
#
# No check answers this one; write half a page, with at least two numbers of your own and their intervals.
#
# *Encoders give all film titles a large part in common: the vectors point more or less the same way. Subtract the mean vector of all films before you divide by the lengths. Does your model find more? Does the order of the encoders stay the same, and is what changes real? Then the director's films: leave out of the training set every rating of some films, and recommend only among those. Which of the three models would you still print in the letter?*
#
# <details><summary>Where to start</summary>
#
# `ContentModel(embeddings, train.items, center=True)` does the first, to compare yours with. For the second, encode the rest of the ratings with `items=train.items`, so that the films keep their columns. The course's models rank some columns only when `recommend` is given `items=columns`, and `course_utils.metrics.recall` judges lists.
# </details>

# %% [markdown]
# ## What you learned
#
# - A user vector is the mean of normalized film vectors, and its product with a film is a mean cosine.
# - Rows of embeddings are not columns of a matrix; align them once.
# - A content model needs no other person, and where there are ratings it loses to those who use them.
# - A difference between two models is a mean over users, with an interval; when the interval holds 0, you cannot tell.
#
# Next: [Hybrids and cold start](../10_hybrids.ipynb) puts what you have built and ALS into one model, for new people and new films.
