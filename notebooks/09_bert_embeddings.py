# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Words into vectors: BERT embeddings
#
# You turn titles and genres into vectors with a BERT, recommend and search with them, and measure what the net adds to counting words.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/09_bert_embeddings.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - follow a title from its letters to one vector, with either pooling;
# - give each column of the matrix its own film's vector;
# - measure and mend what all vectors share;
# - compare encoders with word counts, and test what a gain is made of;
# - fine-tune an encoder on likes, and keep vectors safely.
#
# **What you need first**: [Baselines](04_baselines.ipynb) and [Evaluating rankings](06_evaluating_rankings.ipynb), and what ALS is, from lesson 05.
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
# ## What there is to read
#
# So far a film was a column of likes. Now only its title and genres count. They are real in the embedded sample, too; its users are simulated. The films are those that somebody liked before the test.

# %%
import numpy as np
import pandas as pd

from course_utils.datasets import load_movielens
from course_utils.interactions import encode, to_implicit
from course_utils.splits import course_split
from course_utils.text import movie_texts

ml = load_movielens()
split = course_split(to_implicit(ml.ratings))
train, known = encode(split.train), encode(split.train_and_val)
val = encode(split.val, users=train.users, items=train.items)

movies = ml.movies[ml.movies["movie_id"].isin(known.items)].reset_index(drop=True)
texts = movie_texts(movies)
print(f"{len(texts):,} films", *texts[:3], sep="\n  ")

# %% [markdown]
# `movie_texts` turns "Matrix, The" into "The Matrix". Between title and genres it writes `[SEP]`, with which BERT divides a pair of texts.
#
# ## One title, token by token
#
# An *encoder* is a network that turns a text into a vector. Yours is `all-MiniLM-L6-v2`, a [BERT](https://doi.org/10.18653/v1/N19-1423) of six layers. It comes as a Python package.

# %%
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from course_utils.text.sources import find_source

logging.disable_progress_bar()
torch.set_num_threads(1)  # so that the result does not depend on the number of cores
folder = find_source("all-MiniLM-L6-v2").folder
tokenizer = AutoTokenizer.from_pretrained(folder)
bert = AutoModel.from_pretrained(folder).eval()

# %% [markdown]
# The tokenizer cuts a text into *tokens* and looks each up in its dictionary. Give it title and genres as a *pair*:

# %%
batch = tokenizer("Ghostbusters (1984)", "Comedy Horror", return_tensors="pt")
tokens = tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
with torch.inference_mode():
    hidden = bert(**batch).last_hidden_state
pd.DataFrame({"number": batch["input_ids"][0], "type": batch["token_type_ids"][0]}, tokens).T

# %% [markdown]
# `##` marks a piece that continues a word. `[CLS]` in front belongs to no word. The *token type* is 0 for the title and 1 for the genres; in one text with `[SEP]` inside, all types would be 0.
#
# The network returns a vector of 384 numbers for each token, computed from *all* tokens. Take every film here with the word "fly" in its title, and three invented texts:


# %%
def vector_of(word, text):
    batch = tokenizer(*text.split(" [SEP] ", 1), return_tensors="pt")
    place = tokenizer.convert_ids_to_tokens(batch["input_ids"][0]).index(word)
    with torch.inference_mode():
        return bert(**batch).last_hidden_state[0, place]


flies = [text for text in texts if "fly" in text.lower().split()]
flies += [f"Learning to Fly{end}" for end in (" (1986) [SEP] Horror Sci-Fi", " (1986)", " a plane")]
fly = vector_of("fly", "The Fly (1986) [SEP] Horror Sci-Fi")
pd.Series(
    [torch.cosine_similarity(fly, vector_of("fly", text), 0).item() for text in flies],
    flies,
    name="cosine with The Fly (1986)",
).sort_values(ascending=False).round(2)

# %% [markdown]
# The invented horror film scores 0.94, close to the insects, although its fly is a verb; without genres it has 0.91, and "Learning to Fly a plane" 0.74. A word's vector depends on its whole text.
#
# ## From many vectors to one
#
# A film needs *one* vector. *Pooling* makes it: take the vector of `[CLS]`, or the mean over all tokens.

# %% mystnb={"image": {"alt": "Table of small colored squares: a row for each token of the Ghostbusters text with the first eight numbers of its vector, and below them two rows, cls pooling, which repeats the row of [CLS], and mean pooling, the mean of all rows."}}
from course_utils import plots

axes = plots.token_vectors(tokens, hidden[0].numpy())

# %% [markdown]
# In a batch the shorter text is filled up with padding; a *mask* is 1 for a token and 0 for padding.
#
# ### Your turn: the mean with a mask
#
# Write `masked_mean(hidden, mask)` in NumPy: `hidden` has the shape texts × tokens × numbers, `mask` texts × tokens. Return texts × numbers.


# %%
from course_labs import check


def masked_mean(hidden, mask):
    """Return the mean of each text's token vectors, without padding."""
    ...


check("lesson09.a", masked_mean)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def masked_mean(hidden, mask):
#     total = (hidden * mask[:, :, None]).sum(axis=1)
#     return total / mask.sum(axis=1, keepdims=True)
# ```
#
# Divide by the number of tokens of each text, not by the width of the batch.
# </details>
#
# Two texts in one batch, with the mask and without:

# %%
from course_utils.text import encode_texts

two = ["Jaws (1975) [SEP] Action Horror", "Dr. Strangelove (1963) [SEP] Comedy War"]
batch = tokenizer(
    [tuple(text.split(" [SEP] ", 1)) for text in two], padding=True, return_tensors="pt"
)
with torch.inference_mode():
    hidden = bert(**batch).last_hidden_state
mask = batch["attention_mask"][:, :, None]
mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
careless = hidden.mean(dim=1)
assert np.allclose(mean, encode_texts(two, normalize=False, progress=False), atol=1e-5)
print("padding:", *(1 - mask[:, :, 0]).sum(dim=1).tolist(), "tokens")
print("cosine without and with mask:", *torch.cosine_similarity(careless, mean).numpy().round(2))

# %% [markdown]
# Without the mask the vector of Jaws has a cosine of 0.96 with the right one, because of the longer text beside it: a film's vector depends on its batch.
#
# ## Length and direction
#
# Three films with two numbers each, small enough to compute by hand: by the dot product Titanic is more similar to Solaris (6.0) than Alien is (2.2), only because its vector is long. Scale all vectors to length 1, and the dot product is the *cosine*: 0.80 for Titanic, 0.96 for Alien.

# %% mystnb={"image": {"alt": "Three arrows from the origin with the axes space and love. Titanic is the longest and points toward love; Solaris and Alien point toward space. A dot on a dashed quarter circle marks where each ends at length 1, and those of Solaris and Alien lie close together."}}
toy = pd.DataFrame(
    {"space": [2.0, 1.0, 1.5], "love": [1.0, 0.2, 3.0]}, index=["Solaris", "Alien", "Titanic"]
)
unit = toy.div(np.linalg.norm(toy, axis=1), axis=0)
print((toy @ toy.T).loc["Solaris"].round(1).to_dict())
print((unit @ unit.T).loc["Solaris"].round(2).to_dict())
axes = plots.arrows(toy)

# %% [markdown]
# `read` does all of this for batches of texts of similar length. It also keeps each text's token vectors before the last layer, for fine-tuning below.


# %%
def read(texts, net=bert):
    """Return vectors by either pooling, and the token vectors before the last layer."""
    vectors = {pooling: np.zeros((len(texts), 384), np.float32) for pooling in ("cls", "mean")}
    before_last = [None] * len(texts)
    order = np.argsort([len(text) for text in texts], kind="stable")
    for some in np.array_split(order, len(order) // 64 + 1):
        pairs = [tuple(texts[i].split(" [SEP] ", 1)) for i in some]
        pairs = [pair if len(pair) == 2 else pair[0] for pair in pairs]
        batch = tokenizer(pairs, padding=True, return_tensors="pt")
        with torch.inference_mode():
            layers = net(**batch, output_hidden_states=True).hidden_states
        mask = batch["attention_mask"][:, :, None]
        vectors["cls"][some] = layers[-1][:, 0]
        vectors["mean"][some] = (layers[-1] * mask).sum(dim=1) / mask.sum(dim=1)
        for i, states, n in zip(some, layers[-2], mask.sum(dim=(1, 2)), strict=True):
            before_last[i] = states[:n].clone()
    return vectors, before_last


minilm, _ = read(texts)
assert np.allclose(
    minilm["mean"][:9], encode_texts(texts[:9], normalize=False, progress=False), atol=1e-4
)

# %% [markdown]
# `Embeddings` holds vectors with the ids of their films. The films nearest to three known ones:

# %%
from course_utils.text import Embeddings
from course_utils.text.encoding import unit_length

films = Embeddings(minilm["mean"], movies["movie_id"], "all-MiniLM-L6-v2", "mean")
title = movies["title"].to_numpy()
cosines = unit_length(films.vectors) @ unit_length(films.vectors).T
np.fill_diagonal(cosines, -1)
shown = ["Toy Story (1995)", "Godfather, The (1972)", "Matrix, The (1999)"]
near = {name: title[cosines[title == name][0].argsort()[::-1][:4]] for name in shown}
pd.DataFrame(near, index=range(1, 5))

# %% [markdown]
# Three of the four nearest to The Matrix share its year.
#
# ## Whose row is it?
#
# The vectors stand in the order of `movies`, the columns of the matrix in that of `train.items`, which lacks some films. Many notebooks cut the vectors to fit. The right way asks for each column where its film stands:

# %%
cut = films.vectors[: len(train.items)]
right = films.movie_ids[: len(train.items)] == train.items
row_of_column = pd.Index(films.movie_ids).get_indexer(train.items)
aligned = films.aligned(train.items)
assert (aligned.vectors == films.vectors[row_of_column]).all()
assert (aligned.movie_ids == train.items).all()
print(
    f"{len(films):,} vectors, {len(train.items):,} columns; cut to fit, {right.mean():.1%} are right"
)

# %% [markdown]
# ## More of what you liked
#
# Add up the unit vectors of a user's films, and rank the others by their cosine with this *profile*. `ContentModel` does the same:

# %%
from course_utils.models import ContentModel, Popularity

content = ContentModel(films, train.items).fit(train.matrix)
row = int(np.abs(np.diff(train.matrix.indptr) - 6).argmin())  # a user with a short history
history = train.matrix[row].indices
vectors = unit_length(aligned.vectors)
by_hand = unit_length(vectors[history].sum(axis=0)[None])[0] @ vectors.T
columns, scores = content.recommend(row, train.matrix[row], N=6)
assert np.allclose(scores, by_hand[columns], atol=1e-5)
titles = movies.set_index("movie_id")["title"].loc[train.items].to_numpy()
pd.concat(
    [pd.Series(titles[history], name="likes"), pd.Series(titles[columns], name="gets")], axis=1
)

# %% [markdown]
# What do such lists find on validation, and what does cutting to fit cost?

# %%
from course_utils.evaluation import beside_real, board, evaluate, mean_and_interval


def judged(model):
    return evaluate(model.fit(train.matrix), train.matrix, val.matrix, k=10, progress=False)


def content_of(vectors, center=True):
    """Evaluate the content model with a vector for each row of `movies`."""
    return judged(ContentModel(Embeddings(vectors, movies["movie_id"]), train.items, center=center))


results = {
    "popularity": judged(Popularity()),
    "aligned": judged(content),
    "cut to fit": judged(ContentModel(cut)),
}
beside_real("lesson09.rows", board(results, "aligned"))

# %% [markdown]
# Cut to fit, recall falls from 0.036 to 0.015, on real ratings from 0.012 to 0.003, and nothing fails. Aligned, the vectors still find far less than popularity, 0.132.
#
# ## What all texts share
#
# How similar are unrelated texts? All pairs of six plain sentences, and of the films:

# %%
plain = [
    "The bus is late again.",
    "Add two eggs and stir.",
    "Interest rates fell in May.",
    "My tooth hurts.",
    "The lake freezes in winter.",
    "She repairs old clocks.",
]


def mean_cosine(vectors):
    unit = unit_length(vectors)
    n = len(unit)
    return ((unit.sum(axis=0) ** 2).sum() - n) / (n * (n - 1))  # all pairs of different texts


of_plain, _ = read(plain)
alike = {
    pooling: [mean_cosine(of_plain[pooling]), mean_cosine(minilm[pooling])] for pooling in minilm
}
pd.DataFrame(alike, index=["plain sentences", "films"]).round(2)

# %% [markdown]
# With `[CLS]`, unrelated sentences have a mean cosine of 0.54: all vectors share a direction, which is called *anisotropy*. With the mean, for which this encoder was trained, they have 0.08. Films have 0.35 even so. What all share is in every user's profile, too.
#
# ### Your turn: subtract what is shared
#
# Write `centered(vectors)`: scale each row to length 1, subtract the mean of all rows, scale to length 1 again.


# %%
def centered(vectors):
    """Return vectors of length 1 without their mean."""
    ...


check("lesson09.b", centered)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def centered(vectors):
#     unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
#     rest = unit - unit.mean(axis=0)
#     return rest / np.linalg.norm(rest, axis=1, keepdims=True)
# ```
#
# Without the first step long vectors would count more in the mean.
# </details>
#
# `ContentModel(center=True)` does it. *Whitening* also scales the first 128 principal axes to the same spread.

# %%
from sklearn.decomposition import PCA


def whitened(vectors, n=128):
    unit = unit_length(vectors)
    return PCA(n, whiten=True, svd_solver="full").fit(unit[row_of_column]).transform(unit)


results = {}
for pooling, vectors in minilm.items():
    results[f"{pooling}, as it is"] = content_of(vectors, center=False)
    results[f"{pooling}, centered"] = content_of(vectors)
    results[f"{pooling}, whitened"] = content_of(whitened(vectors), center=False)
beside_real("lesson09.center", board(results, "mean, centered"))

# %% [markdown]
# Centering lifts the mean from 0.036 to 0.062 and `[CLS]` from 0.027 to 0.066, on real ratings from 0.012 to 0.025 and from 0.007 to 0.024. Neither the pooling nor whitening differs measurably from the centered mean. From here on everything is centered.
#
# ## What the text says
#
# Short texts that share a year look similar. How many of each film's ten nearest are of its year?

# %%
from course_utils.ranking import top_k

year = movies["year"].to_numpy(dtype=float, na_value=np.nan)
nearest, _ = top_k(cosines, 10)
same = (year[nearest] == year[:, None]).mean()
counts = movies["year"].value_counts().to_numpy()
chance = (counts * (counts - 1)).sum() / (len(movies) * (len(movies) - 1))
print(f"{same:.0%} of the ten nearest share the year, {chance:.0%} of random pairs")

# %% [markdown]
# Read all texts again without years:

# %%
no_year = [text.replace(f" ({when:.0f})", "") for text, when in zip(texts, year, strict=True)]
yearless, before_last = read(no_year)
said = {
    "with years": content_of(minilm["mean"]),
    "without years": content_of(yearless["mean"]),
}
beside_real("lesson09.texts", board(said, "with years"))

# %% [markdown]
# On the sample dropping them gains 0.008, with an interval above 0. On real ratings it *loses* 0.008, with an interval below 0. So the text is a setting, and validation decides it.
#
# ## Counting words, or reading them?
#
# TF-IDF has a column for each word, with larger weights for rarer words, and no network. It is often squeezed into 128 dimensions by an SVD, as `encode_texts(texts, "tfidf")` does. Genres alone are a column for each genre. A BERT with random weights shows what training is worth.

# %%
from sklearn.feature_extraction.text import TfidfVectorizer


def tfidf_of(texts):
    counter = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    return counter.fit_transform(texts).toarray()


torch.manual_seed(42)
untrained, _ = read(texts, AutoModel.from_config(bert.config).eval())
genres = movies["genres"].str.get_dummies("|").to_numpy(np.float32)
encoders = {
    "genres": genres,
    "TF-IDF": tfidf_of(texts),
    "TF-IDF, 128 dimensions": encode_texts(texts, "tfidf"),
    "MiniLM, mean": minilm["mean"],
    "MiniLM, cls": minilm["cls"],
    "random BERT, mean": untrained["mean"],
}
compared = {"popularity": judged(Popularity())}
compared |= {name: content_of(vectors) for name, vectors in encoders.items()}
compared["TF-IDF, not centered"] = content_of(encoders["TF-IDF"], center=False)
beside_real("lesson09.encoders", board(compared, "TF-IDF"))

# %% [markdown]
# Against squeezed TF-IDF, 0.035, the net would seem far ahead. Raw TF-IDF finds 0.057, and the net's mean, 0.062, cannot be told apart from it; only `[CLS]` is ahead, by 0.009, but not on the test below. On real ratings neither is. With random weights BERT finds 0.038, as genres alone do.
#
# ## Memory or taste?
#
# [Large language models have memorized part of MovieLens-1M](https://arxiv.org/abs/2505.10212). How much of what our net finds lies in knowing these titles, and how much in genre words? Rename, in ten random ways: give each film the title of a film with exactly the same genres. Years would move along, so they are left out.


# %%
def renamed(seed):
    """Return for each film the row of the film whose title it gets."""
    rng = np.random.default_rng(seed)
    names = np.arange(len(movies))
    for same_genres in movies.groupby("genres").indices.values():
        names[same_genres] = rng.permutation(same_genres)
    return names


def recalls(result):
    return result.per_user["recall@10"].to_numpy()


def interval(gain):
    (mean,), (low,), (high,) = mean_and_interval(gain[:, None])
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


own_titles, drawn = np.arange(len(movies)), [renamed(seed) for seed in range(10)]
print(f"{np.mean([names == own_titles for names in drawn]):.0%} keep their title")
counted = tfidf_of(no_year)
own, other = {}, {}  # each user's recall, with own titles and the mean over ten renamings
for name, vectors in {"genres": genres, "TF-IDF": counted, "MiniLM": yearless["mean"]}.items():
    own[name] = recalls(content_of(vectors))
    shuffled = drawn if name != "genres" else [own_titles]  # genres are exchanged for the same
    other[name] = np.mean([recalls(content_of(vectors[names])) for names in shuffled], axis=0)
naming = {
    name: {
        "own titles": f"{own[name].mean():.3f}",
        "renamed": f"{other[name].mean():.3f}",
        "own − renamed": interval(own[name] - other[name]),
    }
    for name in own
}
beside_real("lesson09.renamed", pd.DataFrame(naming).T)

# %%
leads = {"own titles": own["MiniLM"] - own["TF-IDF"], "renamed": other["MiniLM"] - other["TF-IDF"]}
leads["difference"] = leads["own titles"] - leads["renamed"]
lead = {way: interval(of_users) for way, of_users in leads.items()}
beside_real("lesson09.lead", pd.Series(lead, name="MiniLM − TF-IDF"))

# %% [markdown]
# Renamed, MiniLM falls from 0.070 to 0.045 and TF-IDF from 0.060 to 0.041, toward the 0.038 of genres. The net's lead shrinks from 0.010 to 0.003. That would be what the net knows of these titles, but the interval of the difference, 0.007, just reaches 0. On real ratings there is no measurable lead without years.
#
# ## Fine-tuning on likes
#
# *Fine-tuning* changes the weights so that two films liked by the same user get similar vectors. A batch holds $n$ users with two liked films each, the *anchor* $a_i$ and the *positive* $b_i$. With the cosines $s_{ij} = \cos(a_i, b_j)$ and a temperature $\tau$, the loss *InfoNCE* asks each anchor to pick its own positive from the batch:
#
# $$L = -\frac{1}{n} \sum_i \log \frac{e^{s_{ii} / \tau}}{\sum_j e^{s_{ij} / \tau}}$$
#
# A small $\tau$ makes the largest cosines count most.
#
# ### Your turn: InfoNCE
#
# Write `info_nce(s, temperature)` for a square matrix of cosines, in NumPy.


# %%
def info_nce(s, temperature):
    """Return the mean InfoNCE loss; row i's own positive is column i."""
    ...


check("lesson09.c", info_nce)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def info_nce(s, temperature):
#     logits = s / temperature
#     total = np.log(np.exp(logits).sum(axis=1))
#     return (total - np.diag(logits)).mean()
# ```
#
# In torch it is `cross_entropy(s / temperature, arange(n))`.
# </details>
#
# Only the last of six layers is trained, on training likes; `read` computed the output of the others once.

# %%
from copy import deepcopy

from torch.nn.functional import cross_entropy, normalize
from torch.nn.utils.rnn import pad_sequence


def pooled(layer, which):
    """Return the mean vectors of some texts after a last layer; similar lengths share a batch."""
    lengths = np.array([len(before_last[i]) for i in which])
    order = np.argsort(lengths, kind="stable")
    parts = []
    for some in np.array_split(order, len(order) // 32 + 1):
        states = pad_sequence([before_last[which[i]] for i in some], batch_first=True)
        n = torch.from_numpy(lengths[some])[:, None]
        mask = torch.arange(states.shape[1]) < n
        hide = torch.where(mask, 0.0, torch.finfo(torch.float32).min)
        out = layer(states, attention_mask=hide[:, None, None])
        out = out[0] if isinstance(out, tuple) else out  # depends on the version of transformers
        parts.append((out * mask[:, :, None]).sum(dim=1) / n)
    return torch.cat(parts)[np.argsort(order)]


last = bert.encoder.layer[-1]
with torch.inference_mode():
    assert np.allclose(pooled(last, own_titles), yearless["mean"], atol=1e-4)


# %%
def fine_tuned(steps=60, batch=96, rate=3e-4, temperature=0.05, seed=42):
    """Train a copy of the last layer on pairs of co-liked films; return the vectors and losses."""
    rng = np.random.default_rng(seed)
    layer = deepcopy(last)  # in evaluation mode: no dropout
    optimizer = torch.optim.AdamW(layer.parameters(), lr=rate)
    liked = np.split(row_of_column[train.matrix.indices], train.matrix.indptr[1:-1])
    liked = [of_user for of_user in liked if len(of_user) > 1]
    losses = []
    for step in range(steps):
        users = rng.choice(len(liked), batch, replace=False)
        pairs = np.array([rng.choice(liked[u], 2, replace=False) for u in users])
        distinct, where = np.unique(pairs, return_inverse=True)
        vectors = normalize(pooled(layer, distinct))[where.reshape(pairs.shape)]
        s = vectors[:, 0] @ vectors[:, 1].T
        anchor, positive = pairs.T
        own_film = (positive[:, None] == positive) | (anchor[:, None] == positive)
        own_film &= ~np.eye(batch, dtype=bool)
        s = s.masked_fill(torch.from_numpy(own_film), -1)  # a row's own films are no negatives
        loss = cross_entropy(s / temperature, torch.arange(batch))
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.inference_mode():
        return pooled(layer, own_titles).numpy(), losses


tuned, losses = fine_tuned()
print(f"loss {np.mean(losses[:5]):.2f} at first, {np.mean(losses[-5:]):.2f} at the end")
print(f"log 96 = {np.log(96):.2f}")
before_after = [mean_cosine(vectors) for vectors in (yearless["mean"], tuned)]
print("mean cosine of two films: {:.2f} before, {:.2f} after".format(*before_after))

# %% [markdown]
# The loss ends near log 96, as if all cosines were equal, and they nearly are: the mean cosine of two films rose from 0.36 to 0.95.

# %%
models = {"MiniLM, no years": said["without years"], "fine-tuned": content_of(tuned)}
beside_real("lesson09.tuned", board(models, "MiniLM, no years"))

# %% [markdown]
# Fine-tuning gains nothing measurable, on the sample or on real ratings. Sixty batches are few; more were not tried.
#
# ## The test
#
# Validation chooses the content model. Then all models are fitted on training and validation together; only fine-tuning and whitening stay as they are.

# %%
from course_utils.models import ALS, EASE, ItemKNN

candidates = {
    "MiniLM": minilm["mean"],
    "MiniLM, cls": minilm["cls"],
    "MiniLM, whitened": whitened(minilm["mean"]),
    "MiniLM, no years": yearless["mean"],
    "MiniLM, no years, whitened": whitened(yearless["mean"]),
    "MiniLM, fine-tuned": tuned,
}
tried = {name: content_of(vectors).summary["recall@10"] for name, vectors in candidates.items()}
best = max(tried, key=tried.get)
print(f"chosen on validation: {best}, {tried[best]:.3f}")
beside_real("lesson09.chosen", pd.Series({"chosen": best}, name="content model"))

# %%
test = encode(split.test, users=known.users, items=known.items)


def of_known(vectors):
    return ContentModel(Embeddings(vectors, movies["movie_id"]), known.items, center=True)


models = {
    "popularity": Popularity(),
    "item-kNN": ItemKNN(),
    "EASE": EASE(),
    "ALS": ALS(dtype="float64"),
    "genres": of_known(genres),
    "TF-IDF": of_known(encoders["TF-IDF"]),
    "TF-IDF, no years": of_known(counted),
    "MiniLM": of_known(minilm["mean"]),
    "MiniLM, cls": of_known(minilm["cls"]),
    "MiniLM, no years": of_known(yearless["mean"]),
    "best content model": of_known(candidates[best]),
}
results = {
    name: evaluate(m.fit(known.matrix), known.matrix, test.matrix, progress=False)
    for name, m in models.items()
}
beside_real("lesson09.board", board(results))

# %%
pairs = [
    ("MiniLM", "TF-IDF"),
    ("MiniLM, cls", "TF-IDF"),
    ("MiniLM, no years", "TF-IDF, no years"),
    ("MiniLM, no years", "MiniLM"),
    ("best content model", "TF-IDF"),
    ("best content model", "popularity"),
]
on_test = {f"{a} − {b}": interval(recalls(results[a]) - recalls(results[b])) for a, b in pairs}
beside_real("lesson09.on_test", pd.Series(on_test, name="recall@10 on test"))

# %% [markdown]
# Chosen are whitened vectors without years on the sample and MiniLM with years on real ratings. Neither can be told apart from TF-IDF, and popularity is ahead by 0.037 and 0.027. The lead of `[CLS]` is gone: +0.001, with an interval around 0. Dropping years does what it did on validation: +0.013 on the sample, −0.011 on real ratings. Without years the net cannot be told apart from TF-IDF on the sample, and is behind by 0.006 on real ratings.
#
# ## Ask in words
#
# A query is a text, so it has a vector, if it is encoded as the films were. Raw TF-IDF stands beside the net:

# %%
from course_utils.text import search

found = search("submarine thriller", films, movies, n=6)
counter = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit(texts)
hits = (counter.transform(texts) @ counter.transform(["submarine thriller"]).T).toarray().ravel()
pd.DataFrame({"MiniLM": found["title"], "TF-IDF": title[np.argsort(-hits, kind="stable")[:6]]})

# %% [markdown]
# TF-IDF finds one title with "submarine"; then its ranking is driven by "thriller". The net finds films of the sea whose titles lack the word. Yellow Submarine, an animated musical, matches by its title only.
#
# ## Keep them, safely
#
# `torch.save` writes a pickle, which may run any code when it is opened. `torch.load(…, weights_only=True)`, the default since torch 2.6, builds tensors, plain values such as lists and a short list of other types; it refuses the rest, NumPy arrays among them. Two ways around it were found: up to torch 2.5.1 a file could run code (CVE-2025-32434), up to 2.9.1 corrupt memory (CVE-2026-24747). So this course requires 2.10.


# %%
import pickle
import tempfile
from pathlib import Path


class Gift:
    def __reduce__(self):
        return print, ("This line ran because you opened a file.",)


place = Path(tempfile.mkdtemp())
torch.save(Gift(), place / "gift.pt")
torch.save([1, "x", {"k": 2}], place / "list.pt")
(place / "plain.pkl").write_bytes(pickle.dumps([1, "x"], protocol=2))
torch.load(place / "gift.pt", weights_only=False)
print("list.pt:", torch.load(place / "list.pt", weights_only=True))
for name in ("gift.pt", "plain.pkl"):
    try:
        torch.load(place / name, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError):
        print(f"{name}: refused")

# %% [markdown]
# A plain pickle is refused, because it does not begin as files of `torch.save` do. *safetensors* files hold nothing that can run. `save_embeddings` writes one, with the ids:

# %%
from course_utils.text import load_embeddings, save_embeddings

path = save_embeddings(place / "films.safetensors", films)
back = load_embeddings(path, train.items)  # in the order of the columns
assert (back.vectors == aligned.vectors).all()
print(back)

# %% [markdown]
# ## Check yourself
#
# **1. A batch holds two texts, of 4 and of 8 tokens. Each real token of the first has the vector (2, 0), and padding gives (0, 1). What does <code>hidden.mean(dim=1)</code> return for the first?**
#
# <details><summary>a) (2, 0), since padding is ignored.</summary>
#
# Nothing ignores it: <code>mean</code> knows no mask.
# </details>
#
# <details><summary>b) (2, 1), as padding is added on top.</summary>
#
# A mean divides by all 8 places.
# </details>
#
# <details class="right"><summary>c) (1, 0.5), half of it being padding.</summary>
#
# Yes. (4 · 2 + 4 · 0) / 8 = 1, and (4 · 0 + 4 · 1) / 8 = 0.5. With the mask it is (2, 0).
# </details>
#
# **2. InfoNCE with $\tau = 1$ for two users, where all four cosines are equal. What is the loss?**
#
# <details class="right"><summary>a) log 2 = 0.69, as for a guess between two.</summary>
#
# Yes. Each term is log(e<sup>s</sup> / 2e<sup>s</sup>) = −log 2, whatever s is.
# </details>
#
# <details><summary>b) 0, because no cosine is larger than another.</summary>
#
# That needs all the probability on the own positive.
# </details>
#
# <details><summary>c) It depends on how large the four cosines are.</summary>
#
# A constant added to all of them cancels.
# </details>
#
# **3. "BERT beats our TF-IDF", says a blog, where TF-IDF has 128 dimensions. What do you ask for first?**
#
# <details><summary>a) A larger encoder, to see whether the lead grows.</summary>
#
# The lead itself is in doubt.
# </details>
#
# <details class="right"><summary>b) The row of raw TF-IDF, with a paired interval.</summary>
#
# Yes. Here squeezed TF-IDF found 0.035 and raw TF-IDF 0.057.
# </details>
#
# <details><summary>c) Ten seeds of the encoder, with their spread.</summary>
#
# The encoder is fixed; there is nothing to draw.
# </details>
#
# **4. Your net leads the counts. With titles exchanged within genres it leads by less, and the difference of the two leads has an interval above 0. What was lost?**
#
# <details class="right"><summary>a) What it knows of these particular titles.</summary>
#
# Yes. Only which title belongs to which film changed.
# </details>
#
# <details><summary>b) A better reading of the genre words.</summary>
#
# Genres stayed, so that part remains.
# </details>
#
# <details><summary>c) Nothing: renaming makes any test unfair.</summary>
#
# It takes one source away, and shows how much it gave.
# </details>

# %% [markdown]
# ## What you learned
#
# - Pool with the mask, and align vectors with columns by id.
# - Vectors share a part; subtracting it lifts recall from 0.036 to 0.062 on the sample, and doubles it on real ratings.
# - With years the net's mean cannot be told apart from raw TF-IDF. Without years it leads by 0.010 on the sample's validation; on the real test it is behind by 0.006.
# - Dropping years gains 0.008 on the sample and loses 0.008 on real ratings: choose the text on validation.
# - Fine-tuning gains nothing measurable, on the sample or on real ratings.
#
# Next: [Hybrids and cold start](10_hybrids.ipynb) puts words to work where likes are missing, for new users and new films.

# %% [markdown]
# ## Going further
#
# ### Other encoders
#
# `encode_texts` fetches most encoders of the Hugging Face hub by their names, once, a few hundred megabytes each. Start Jupyter with
#
# `COURSE_ENCODERS=google-bert/bert-base-uncased,BAAI/bge-small-en-v1.5`
#
# and they join the comparison. It was not set for the output that you see here. Reading is paid once for each film, not for each user: ten million texts of this length cost a few dollars of computing time at the prices of lesson 12.

# %%
import os

names = filter(None, os.environ.get("COURSE_ENCODERS", "").split(","))
more = {name: content_of(encode_texts(texts, name, progress=False)) for name in names}
board({"TF-IDF": compared["TF-IDF"]} | more, "TF-IDF")
