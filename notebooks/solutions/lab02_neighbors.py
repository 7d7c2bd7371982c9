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
# # Lab 2: Neighbors · solution
#
# You build the shelf "if you liked this film" from nothing but ratings, turn it into a recommender, and find out how far it agrees with a library's.
#
# [![Open in Colab](../../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/solutions/lab02_neighbors.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - measure how alike two films are by who rated them, and how;
# - answer for a list of films at once, in movie ids and not in columns;
# - write a recommender as a class, to the protocol of the course;
# - say how far two recommenders agree, and why not all the way.
#
# **What you need first**: [From ratings to interactions](../03_interactions_and_splits.ipynb) and [Evaluating rankings](../06_evaluating_rankings.ipynb).
#
# **How long it takes**: about two hours.
#
# **How it works**: each step has a cell to complete, where it says `...`. The cell with `check` below it tells you whether your answer is right, and if not, what to look at. It calls your code with other numbers than the page shows. You may try as often as you like.

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
# ## The story
#
# A small cinema shows old films. Next to each poster it wants to say which three films to see next, and its members want a letter with ten films of their own. There is no text, no trailer and no budget: there are ratings.
#
# The idea is old and hard to beat. Two films are alike if the same people rated them, and rated them alike. A film is a column of the ratings matrix, and the angle between two columns says how alike they are: its cosine is 1 for the same direction, and 0 for two films that nobody has both rated.
#
# Here are three people and four films; a 0 is a film they have not rated.

# %%
import numpy as np
from scipy import sparse

from course_labs import attempted, check, summary

toy_items = np.array([10, 20, 30, 40])  # the movie id of each column
toy_stars = sparse.csr_matrix(np.array([[5.0, 4, 0, 0], [3, 4, 0, 2], [0, 0, 4, 5]]))
toy_stars.toarray()

# %% [markdown]
# By hand: films 10 and 20 are the columns $(5, 3, 0)$ and $(4, 4, 0)$. Their product is $5 \cdot 4 + 3 \cdot 4 = 32$, their lengths are $\sqrt{34}$ and $\sqrt{32}$.

# %%
print(f"cosine of films 10 and 20: {32 / np.sqrt(34 * 32):.4f}")

# %% [markdown]
# ## Step 1: One film against all (2 points)
#
# Write `similarity_to(stars, column)`. It returns the cosine between one column and each column of a sparse matrix: one number for each film, also for the film itself. A film without any rating has no direction; give it 0.
#
# <details><summary>Hint 1: which product?</summary>
#
# The transposed matrix, films × users, times the one column, users × 1, gives the product with every film at once: `stars.T @ stars[:, [column]]`.
# </details>
#
# <details><summary>Hint 2: which lengths?</summary>
#
# The length of a column is the root of the sum of its squares. `stars.multiply(stars)` squares a sparse matrix, and `.sum(axis=0)` adds up each column.
# </details>
#
# <details><summary>Hint 3: the result has a strange shape</summary>
#
# Sums and products of sparse matrices are tables. `np.asarray(table).ravel()` makes one row of them, after `.toarray()` where the table is sparse.
# </details>


# %%
def similarity_to(stars, column):
    """Return the cosine of one column with every column, shape (n_items,)."""
    # BEGIN SOLUTION
    lengths = np.sqrt(np.asarray(stars.multiply(stars).sum(axis=0)).ravel())
    lengths[lengths == 0] = 1
    products = (stars.T @ stars[:, [column]]).toarray().ravel()
    return products / (lengths * lengths[column])
    # END SOLUTION


# %%
check("lab02.q1", similarity_to)

# %% [markdown] tags=["solution"]
# *Why it is right.* One sparse product gives the numerators for all films. The denominators are the product of two lengths, and a length of 0 is replaced by 1: such a film has only zeros above, so it gets 0 / 1.
#
# *What goes wrong most often.* `stars @ stars.T` compares people. Dividing by one length only, or by none, lets films with many ratings win. Squaring `stars.data` in place is fast and changes the matrix for everybody who uses it later.

# %% [markdown]
# On the toy example, film 20 should be most like itself, then like film 10, and share nobody with film 30:

# %%
if attempted(similarity_to):
    print(similarity_to(toy_stars, 1).round(2))

# %% [markdown]
# ## Step 2: Neighbors of a list of films (4 points)
#
# Write `most_similar(stars, items, movie_ids, k)`. The cinema knows movie ids, not columns; `items` holds the movie id of each column, ascending. For each film of the list, in its order, return
#
# - `ids`: the movie ids of the `k` most similar films, best first, shape `(len(movie_ids), k)`;
# - `scores`: their cosines, in the same shape.
#
# A film is not its own neighbor. Films with similarity 0 are no neighbors either: where fewer than `k` are left, the row ends in id −1 and score −∞. So `most_similar(toy_stars, toy_items, [20], k=2)` is `[[10, 40]]` and, rounded, `[[0.97, 0.26]]`.
#
# <details><summary>Hint 1: from ids to columns and back</summary>
#
# `np.searchsorted(items, movie_ids)` gives the columns, in the order of the list, and `items[columns]` the ids.
# </details>
#
# <details><summary>Hint 2: the k best of each row</summary>
#
# `course_utils.ranking.top_k(scores, k)` returns the columns and scores of the k best of each row, and fills up with −1 and −∞. It never takes what has the score −∞, so that is what to give a film that must not be listed.
# </details>
#
# <details><summary>Hint 3: the −1 must stay</summary>
#
# `items[-1]` is the last film. `np.where(columns >= 0, items[columns], -1)` keeps the −1.
# </details>

# %%
from course_utils.ranking import top_k


def most_similar(stars, items, movie_ids, k=10):
    """Return ids and cosines of the k films most similar to each of a list of films."""
    # BEGIN SOLUTION
    columns = np.searchsorted(items, movie_ids)
    scores = np.stack([similarity_to(stars, column) for column in columns])
    scores[np.arange(len(columns)), columns] = 0  # not its own neighbor
    best, best_scores = top_k(np.where(scores > 0, scores, -np.inf), k)
    return np.where(best >= 0, items[best], -1), best_scores
    # END SOLUTION


# %%
check("lab02.q2", most_similar)

# %% [markdown] tags=["solution"]
# *Why it is right.* The ids become columns once, at the start, and ids again once, at the end. In between there are only columns. What must not be listed is −∞ before the best are chosen, so that no list is cut short afterwards.
#
# *What goes wrong most often.* Taking the `k` best and then dropping the film itself leaves `k − 1`. A mask, `np.isin(items, movie_ids)`, finds the right columns in the wrong order. And an id used as a column fails only for large ids; for small ones it gives somebody else's neighbors without a word.

# %% [markdown]
# Now for real films. In the sample the people are simulated, so the neighbors tell you how they were simulated; with `COURSE_DATASET=ml-latest-small` they are those of real people.

# %%
from course_utils.datasets import load_movielens
from course_utils.interactions import encode

ml = load_movielens()
films = encode(ml.ratings)
rows, columns = films.rows_of(ml.ratings["user_id"]), films.columns_of(ml.ratings["movie_id"])
ratings = ml.ratings["rating"].to_numpy(dtype=float)
stars = sparse.csr_matrix((ratings, (rows, columns)), shape=films.matrix.shape)
titles = ml.movies.set_index("movie_id")["title"]

# %%
counts = ml.ratings["movie_id"].value_counts().sort_index()
popular = counts.nlargest(30).index.to_numpy()[::10]  # the first, eleventh and twenty-first
if attempted(most_similar):
    for film, ids in zip(popular, most_similar(stars, films.items, popular, k=3)[0], strict=True):
        print(f"{titles[film]}\n   → " + "\n   → ".join(titles[ids]))

# %% [markdown]
# Popular films have popular neighbors. That is no mistake of yours: many people have rated both, whatever the two are about. Keep it in mind for the open question.
#
# ## Step 3: The class ItemCF (4 points)
#
# The letter to the members needs a recommender. Write it to the protocol of the course:
#
# - `fit(user_items)` takes the matrix, users × films, and keeps for each film $j$ its `k` most similar films with their cosines $s_{ji}$, the film itself left out. All other similarities count as 0 from then on.
# - `recommend(userids, user_items, N)` takes some users and *their* rows of the matrix. The score of film $i$ for user $u$ is $\sum_j r_{uj} s_{ji}$: each of the user's films speaks for its `k` neighbors, the louder the more stars it got.
#
# Films that the user has rated already are not recommended, nor are films with score 0. It returns columns and scores, each of shape `(len(userids), N)`; a row with fewer than `N` ends in −1 and −∞.
#
# <details><summary>Hint 1: all similarities, without all the memory</summary>
#
# Divide each column by its length once. Then `normalized.T @ normalized` holds all the cosines. On a large release, go through it in blocks of some hundred films: `normalized[:, start:stop].T @ normalized`.
# </details>
#
# <details><summary>Hint 2: what to keep</summary>
#
# `top_k` gives you the `k` best of each row. A sparse matrix with the scores in row $j$ and column $i$ is a good place for them, and then `user_items @ neighbors` is the whole of the sum.
# </details>
#
# <details><summary>Hint 3: what was rated already</summary>
#
# `scores[user_items.nonzero()] = -np.inf`, before the best are chosen.
# </details>


# %%
class ItemCF:
    """Recommend what is similar to what a user has rated.

    Parameters
    ----------
    k
        How many neighbors each film keeps.
    """

    def __init__(self, k=20):
        self.k = k

    def fit(self, user_items):
        """Keep the k most similar films of each film."""
        # BEGIN SOLUTION
        lengths = np.sqrt(np.asarray(user_items.multiply(user_items).sum(axis=0)).ravel())
        lengths[lengths == 0] = 1
        normalized = (user_items @ sparse.diags_array(1 / lengths)).tocsr()
        blocks = []
        for start in range(0, user_items.shape[1], 500):
            block = (normalized[:, start : start + 500].T @ normalized).toarray()
            own = np.arange(len(block))
            block[own, start + own] = 0  # a film is not its own neighbor
            blocks.append(self._only_nearest(block))
        self.neighbors = sparse.vstack(blocks).tocsr()
        return self
        # END SOLUTION

    def recommend(self, userids, user_items, N=10):
        """Return columns and scores of the N best films of each user."""
        # BEGIN SOLUTION
        scores = (user_items @ self.neighbors).toarray()
        scores[user_items.nonzero()] = -np.inf
        scores[scores <= 0] = -np.inf
        return top_k(scores, N)

    def _only_nearest(self, similarity):
        best, scores = top_k(np.where(similarity > 0, similarity, -np.inf), self.k)
        row, place = np.nonzero(best >= 0)
        entries = (scores[row, place], (row, best[row, place]))
        return sparse.csr_matrix(entries, shape=similarity.shape)
        # END SOLUTION


# %%
check("lab02.q3", ItemCF)

# %% [markdown] tags=["solution"]
# *Why it is right.* Row $j$ of `neighbors` holds the neighbors of film $j$, so the product of a user's row with it adds up what each of their films says. Users are not looked up again: `user_items` holds their rows, in order. `userids` is there for models that have learned something about each user.
#
# *What goes wrong most often.* Writing `user_items[userids]`, which takes the rows of other people once the list is not the whole matrix. Keeping k neighbors of which the first is the film itself. Turning the matrix around, which asks whose neighbor a film is: the film then decides who may speak for it, and a popular film is heard by everybody. Taking a mean, so that one similar film weighs as much as ten.

# %% [markdown]
# Is it any good? Hold out the last five positives of everybody, as in lesson 06, and lay it beside popularity. The scores of the sample are those of simulated people.

# %%
import pandas as pd

from course_utils.evaluation import evaluate
from course_utils.interactions import to_implicit
from course_utils.splits import leave_last_out


class Popularity:
    def fit(self, user_items):
        self.scores = np.asarray(user_items.sum(axis=0)).ravel()

    def recommend(self, userids, user_items, N=10):
        scores = np.tile(self.scores, (len(userids), 1))
        scores[user_items.nonzero()] = -np.inf
        return top_k(scores, N)


split = leave_last_out(to_implicit(ml.ratings), n_test=5, min_train=5)
train = encode(split.train)
test = encode(split.test, users=train.users, items=train.items)

# %%
if attempted(ItemCF):
    models = {"popularity": Popularity(), "ItemCF": ItemCF(k=20)}
    for model in models.values():
        model.fit(train.matrix)
    results = {
        name: evaluate(model, train.matrix, test.matrix, k=10, progress=False).summary
        for name, model in models.items()
    }
    print(pd.DataFrame(results).T[["recall@10", "ndcg@10", "coverage@10"]].round(3))

# %% [markdown]
# ## Step 4: How far two models agree (2 points)
#
# `implicit` has the same model. If you both compute what you think you compute, your neighbors are its neighbors. Write `overlap(mine, theirs)` for two tables of ids with a row for each film: which share of *their* ids is in *my* row as well, at any rank? Return the mean of the rows' shares. A −1 is no film, on neither side; each of their rows has at least one film.
#
# <details><summary>Hint: a small case to try</summary>
#
# `overlap([[1, 2], [3, -1]], [[2, 5], [4, -1]])` is 0.25: half of the first row, nothing of the second.
# </details>


# %%
def overlap(mine, theirs):
    """Return the mean share of their ids that are in the same row of mine."""
    # BEGIN SOLUTION
    shares = []
    for own, other in zip(mine, theirs, strict=True):
        wanted = set(other) - {-1}
        shares.append(len(wanted & set(own)) / len(wanted))
    return float(np.mean(shares))
    # END SOLUTION


# %%
check("lab02.q4", overlap)

# %% [markdown] tags=["solution"]
# *Why it is right.* Sets do not care about ranks, and taking the −1 out of their set takes it out of the intersection too. The mean is over rows, so that each film counts once.
#
# *What goes wrong most often.* `(mine == theirs).mean()` compares rank by rank, so one film too many at the top makes everything differ. Dividing by k counts a short list as a disagreement.

# %% [markdown]
# Now ask `implicit` for the neighbors of the hundred most rated films. It lists each film as its own first neighbor, and counts it among its `K`, so you ask for one more and leave it out. Do the same with the hundred least rated ones.

# %%
import warnings

from implicit.nearest_neighbours import CosineRecommender

warnings.filterwarnings("ignore", message="Method expects CSR")  # implicit, about itself
theirs = CosineRecommender(K=11)
theirs.fit(stars, show_progress=False)


def their_neighbors(columns):
    ids = theirs.similar_items(columns, N=11)[0]
    lists = zip(ids, columns, strict=True)
    return np.array([[i for i in row if i != own][:10] for row, own in lists])


# %%
order = np.argsort(-stars.getnnz(axis=0), kind="stable")
if attempted(most_similar) and attempted(overlap):
    for name, chosen in [("most rated", order[:100]), ("least rated", order[-100:])]:
        ids, _ = most_similar(stars, films.items, films.items[chosen], k=10)
        others = their_neighbors(chosen)
        others = np.where(others >= 0, films.items[others], -1)
        print(f"{name}: {overlap(ids, others):.1%} of implicit's neighbors are yours too")

# %% [markdown]
# Where the two part, look at the scores: they are equal, and the list is cut through a tie. Films that only one person has rated, and the same one, are all equally similar to any other film, and each program keeps other ones of them. Nobody is wrong, and a list made of such ties is not worth showing.

# %% [markdown]
# ## Your points

# %%
summary("lab02")

# %% [markdown]
# ## An open question
#
# No check answers this one; write half a page, with at least one number of your own.
#
# *A film that two people have rated, both with five stars, has neighbors with a cosine of 1. A film that many people have rated has none of that kind: somebody always disagrees. Which of the two lists would you print next to a poster, and what would you change in `most_similar` so that it knows the difference? Try it, and show what it does to the neighbors of three films you know, and to the table of step 3.*
#
# <details><summary>Where to start</summary>
#
# The glossary's entry on [shrinkage](../../book/glossary.md) is one way: a constant in the denominator. A least number of people in common is another. Both have a number to choose, so say how you chose it, and on which data.
# </details>

# %% [markdown] tags=["solution"]
# *What a good answer has.* It says that a cosine from two people is thin evidence: with few ratings, 1 is what chance gives. It adds a constant to the denominator, or asks for a least number of people in common, and shows that the neighbors of rarely rated films change and those of popular ones hardly do. It chooses the constant on a validation set and not on the test set, and says whether the recall of step 3 moved by more than its interval. It may find that the recommender improves a little and the shelf a lot: a recommender adds up many neighbors, while a shelf shows three.

# %% [markdown]
# ## What you learned
#
# - A film is a column; the cosine of two columns says how alike their audiences are.
# - Ids become columns once and columns ids once; what must not be listed goes before the best are chosen.
# - An item-based recommender is a sparse product with the neighbors of each film.
# - Two right programs differ where scores tie, and ties come from thin evidence.
#
# Next: [Evaluating rankings](../06_evaluating_rankings.ipynb) tells you how to say whether your change of the open question was real.
