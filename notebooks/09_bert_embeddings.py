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
# # Words into vectors: BERT embeddings
#
# You turn titles and genres into vectors with a BERT, recommend with them, search in plain English, and find out with numbers what words are worth beside likes.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/09_bert_embeddings.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - follow one title from its letters to a single vector, by hand, with either pooling;
# - say why vectors are normalized, and which list changes when they are not;
# - put each vector beside the right column of the matrix, and prove it;
# - compare encoders by what they find and by what they cost;
# - keep vectors in a file that cannot run code.
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
# So far a film was a column of likes. Now you ask nobody: all that counts is what the film is called and what kind of film it is. As everywhere in the course, the people of the embedded sample are simulated; the titles and genres are real.

# %%
from course_utils.datasets import load_movielens
from course_utils.text import movie_texts

ml = load_movielens()
texts = movie_texts(ml.movies)
print(f"{len(texts):,} films", *texts[:4], sep="\n  ")

# %% [markdown]
# `movie_texts` moves an article back to where people say it, so that "Matrix, The" becomes "The Matrix". Between title and genres it writes `[SEP]`, the mark with which BERT keeps two pieces of text apart. You will see it work in a minute.
#
# ## One title, token by token
#
# An *encoder* is a network that turns a text into a vector. Yours is `all-MiniLM-L6-v2`, a small BERT of six layers. It comes as a Python package, so this page needs no network. `find_source` returns the folder that holds it, once it has checked that the weights are the published ones.

# %%
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from course_utils.text.sources import find_source

logging.disable_progress_bar()
folder = find_source("all-MiniLM-L6-v2").folder
tokenizer = AutoTokenizer.from_pretrained(folder)
bert = AutoModel.from_pretrained(folder).eval()

# %% [markdown]
# The first half of the work is a dictionary. It cuts a text into *tokens* and gives each its number:

# %%
text = "Ghostbusters (1984) [SEP] Comedy Horror"
numbers = tokenizer(text)["input_ids"]
tokens = tokenizer.convert_ids_to_tokens(numbers)
print(*(f"{number:6} {token}" for number, token in zip(numbers, tokens, strict=True)), sep="\n")

# %% [markdown]
# Three things to notice. A word that the dictionary lacks is cut into pieces, and `##` marks a piece that continues a word. The `[SEP]` in the text became one token, not five letters, and another one stands at the end. And in front stands `[CLS]`, which is in no text: its vector belongs to no word, and is free to speak for all of them.
#
# The second half is the network. It returns a vector for each token:

# %%
with torch.inference_mode():
    hidden = bert(**tokenizer(text, return_tensors="pt")).last_hidden_state
print("texts × tokens × numbers:", tuple(hidden.shape))

# %% [markdown]
# Each vector is computed from *all* tokens of the text. So the same word gets another vector in other company. Take "fly" in three texts:


# %%
def vector_of(word, text):
    batch = tokenizer(text, return_tensors="pt")
    place = tokenizer.convert_ids_to_tokens(batch["input_ids"][0]).index(word)
    with torch.inference_mode():
        return bert(**batch).last_hidden_state[0, place]


insect = vector_of("fly", "The Fly (1986) [SEP] Horror Sci-Fi")
horror = vector_of("fly", "A monstrous fly [SEP] Horror")
travel = vector_of("fly", "Learning to fly an airplane")
for name, other in (("the other insect", horror), ("the airplane", travel)):
    print(f"cosine of The Fly's fly with {name}: {torch.cosine_similarity(insect, other, 0):.2f}")

# %% [markdown]
# One number in the dictionary, three vectors. This is what [BERT](https://doi.org/10.18653/v1/N19-1423) has over a list of word counts, where "fly" is "fly".
#
# ## From many vectors to one
#
# A film needs *one* vector, and the text has as many as tokens. Making one of them is called *pooling*, and there are two usual ways: take the vector of `[CLS]`, or the mean of all.

# %% mystnb={"image": {"alt": "Table of small colored squares: a row for each token of the Ghostbusters text with the first eight numbers of its vector, and below them two rows, cls pooling, which repeats the row of [CLS], and mean pooling, the mean of all rows."}}
from course_utils import plots

axes = plots.token_vectors(tokens, hidden[0].numpy())

# %% [markdown]
# By hand, for two texts of different length. A network wants a rectangle, so the tokenizer fills the shorter text up with padding, and a *mask* says what is a token and what is not:

# %%
two = ["Jaws (1975) [SEP] Action Horror", "Dr. Strangelove (1963) [SEP] Comedy War"]
batch = tokenizer(two, padding=True, return_tensors="pt")
with torch.inference_mode():
    hidden = bert(**batch).last_hidden_state
mask = batch["attention_mask"]
print(mask.numpy())

# %% [markdown]
# A mean over the rectangle would count the padding. Multiply by the mask, and divide by the number of tokens:

# %%
cls = hidden[:, 0]
mean = (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
careless = hidden.mean(dim=1)
print("largest error of either text:", *(f"{e:.2f}" for e in (careless - mean).abs().amax(dim=1)))

# %% [markdown]
# The longer text has no padding, and its mean is right. The shorter one's is wrong, by as much as the text beside it happens to be longer: a film whose vector depends on its neighbors in the batch.
#
# `encode_texts` does the same for any number of texts. It sorts them by length, so that there is hardly any padding.

# %%
import numpy as np

from course_utils.text import encode_texts

for pooling, by_hand in (("cls", cls), ("mean", mean)):
    vectors = encode_texts(two, pooling=pooling, normalize=False, progress=False)
    assert np.allclose(vectors, by_hand, atol=1e-5)
print(vectors.shape, vectors.dtype)

# %% [markdown]
# Which of the two is better? Nobody can tell from the formula. This encoder was trained with the mean, as [Sentence-BERT](https://doi.org/10.18653/v1/D19-1410) was, and others were trained with `[CLS]`. Further down you measure it.
#
# ## Cosine, and why vectors are normalized
#
# Two texts are alike when their vectors point the same way. Three films, two numbers each, made up for paper:

# %%
import pandas as pd

toy = pd.DataFrame(
    {"space": [2.0, 1.0, 1.5], "love": [1.0, 0.2, 3.0]}, index=["Solaris", "Alien", "Titanic"]
)
dot = toy @ toy.T
dot.loc["Solaris"]

# %% [markdown]
# Take the largest dot product, and the film most like Solaris is Titanic, even before Solaris itself. The reason is length: Titanic's vector is long, and a long vector has large products with everything. Divide each vector by its length, and the product is the *cosine* of the angle:

# %%
unit = toy.div(np.linalg.norm(toy, axis=1), axis=0)
(unit @ unit.T).loc["Solaris"].round(2)

# %% mystnb={"image": {"alt": "Three arrows from the origin with the axes space and love. Titanic is the longest and points toward love; Solaris and Alien point toward space. A dot on a dashed quarter circle marks where each ends at length 1, and those of Solaris and Alien lie close together."}}
axes = plots.arrows(toy)

# %% [markdown]
# Once all vectors have length 1, one habit replaces three: the dot product *is* the cosine, and the Euclidean distance gives the same order, because $\lVert a - b \rVert^2 = 2 - 2\cos(a, b)$.

# %%
distance = np.linalg.norm(unit.to_numpy()[:, None] - unit.to_numpy(), axis=2)
assert np.allclose(distance**2, 2 - 2 * unit @ unit.T)

# %% [markdown]
# Now all films. Encode them once, without normalizing, and see whether length matters here. What was encoded is kept in the user's cache, so a second run of this cell takes no time.

# %%
raw = encode_texts(texts, normalize=False, progress=False)
lengths = np.linalg.norm(raw, axis=1, keepdims=True)
vectors = raw / lengths
assert np.allclose(vectors[:3], encode_texts(texts[:3], progress=False), atol=1e-5)
print(f"{vectors.shape[0]:,} × {vectors.shape[1]}")
print(f"lengths from {lengths.min():.1f} to {lengths.max():.1f}")

# %%
by_dot, by_cosine = (v @ v.T for v in (raw, vectors))
for products in (by_dot, by_cosine):
    np.fill_diagonal(products, -np.inf)
other = by_dot.argmax(axis=1) != by_cosine.argmax(axis=1)
print(f"{other.mean():.0%} of the films have another nearest film by dot product than by cosine")

# %% [markdown]
# `encode_texts` normalizes unless you ask it not to.
#
# ## Similar films
#
# `Embeddings` holds vectors together with the films they belong to. Why that matters is the subject of the next section; for now it says what made them.

# %%
from course_utils.text import Embeddings

films = Embeddings(vectors, ml.movies["movie_id"], "all-MiniLM-L6-v2", "mean")
films

# %%
title = ml.movies["title"].to_numpy()
known = ["Toy Story (1995)", "Godfather, The (1972)", "Matrix, The (1999)"]
nearest = {name: by_cosine[title == name][0].argsort()[::-1][:6] for name in known if name in title}
pd.DataFrame({name: title[rows] for name, rows in nearest.items()}, index=range(1, 7))

# %% [markdown]
# Sequels come first, then films of the same kind, and nobody's likes were needed. Then look at the years. The text says "(1999)", and a text of ten words is alike another one that shares a year, whether or not that means anything to a viewer.
#
# Count it: of the ten nearest films of each film, how many share a genre, and how many the year? Chance is there to compare with.

# %%
from course_utils.ranking import top_k

year = ml.movies["year"].to_numpy(dtype=float, na_value=np.nan)
has_genre = ml.movies["genres"].str.get_dummies("|").to_numpy()


def shared(near):
    same_genre = [(has_genre[near[i]] @ has_genre[i] > 0).mean() for i in range(len(near))]
    return np.mean(same_genre), (year[near] == year[:, None]).mean()


near, _ = top_k(by_cosine, 10)
chance = np.random.default_rng(42).integers(len(texts), size=near.shape)
columns = ["share a genre", "share the year"]
pd.DataFrame([shared(near), shared(chance)], ["the ten nearest", "ten at random"], columns).round(2)

# %% [markdown]
# An encoder does not know what matters to people who choose a film. It knows which texts are alike. Keep this table in mind when you come to the scores.
#
# ## Whose row is it?
#
# Here is the mistake that nearly everybody makes once. There are two orders. The vectors stand in the order of `ml.movies`. The columns of the matrix stand in the order of `train.items`, which holds only films that somebody liked. Hold out five positives of each person to choose by, and the last five for the end, as in lesson 04:

# %%
from course_utils.interactions import encode, to_implicit
from course_utils.splits import leave_last_out

split = leave_last_out(to_implicit(ml.ratings), n_test=5, n_val=5, min_train=5)
train = encode(split.train)
val = encode(split.val, users=train.users, items=train.items)
print(f"{len(films):,} vectors, {len(train.items):,} columns")

# %% [markdown]
# The matrix has fewer columns, so many notebooks cut the vectors to fit. It runs. Which films do the columns get?

# %%
cut = films.vectors[: len(train.items)]
theirs = films.movie_ids[: len(train.items)]
print(f"{(theirs == train.items).mean():.1%} of the columns have the vector of their own film")

# %% [markdown]
# From the first film that nobody liked, everything is shifted. Each vector is a perfectly good one, of another film. The right way asks for each column where its film stands:

# %%
rows = pd.Index(films.movie_ids).get_indexer(train.items)
aligned = films.aligned(train.items)
assert (aligned.vectors == films.vectors[rows]).all()
assert (aligned.movie_ids == train.items).all()

# %% [markdown]
# The last line belongs in every notebook that has embeddings and a matrix. What does it cost to leave it out? Give `ContentModel`, which you take apart in the next section, both:

# %%
from course_utils.evaluation import evaluate
from course_utils.models import ContentModel, Random


def on_validation(model):
    return evaluate(model, train.matrix, val.matrix, k=10, progress=False)


right = ContentModel(films, train.items).fit(train.matrix)
shifted = ContentModel(cut).fit(train.matrix)
models = {"rows cut to fit": shifted, "aligned": right, "random": Random().fit(train.matrix)}
scores = {name: on_validation(model).summary["recall@10"] for name, model in models.items()}
pd.Series(scores, name="recall@10").round(3)

# %%
assert scores["aligned"] > 2 * scores["rows cut to fit"]

# %% [markdown]
# No error and no warning, and what is left is close to chance. A colleague who sees that number concludes that BERT is useless for films.
#
# A shuffle is a good test of your own code: put the rows into another order, together with their ids, and nothing may change. Vectors without ids are refused, when you let the code check:

# %%
from course_utils.errors import DataError

order = np.random.default_rng(42).permutation(len(films))
mixed = Embeddings(films.vectors[order], films.movie_ids[order])
assert (ContentModel(mixed, train.items).vectors == right.vectors).all()
try:
    ContentModel(films)
except DataError as error:
    print(error)

# %% [markdown]
# ## More of what you liked
#
# How do vectors of films become recommendations? Take somebody who likes Solaris and Alien, and add their vectors. The sum points between them; it is the mean but for its length, and the cosine ignores that. Rank the others by the cosine with it:

# %%
toy.loc["Gravity"] = [4.0, 1.0]
unit = toy.div(np.linalg.norm(toy, axis=1), axis=0).to_numpy()
profile = unit[[0, 1]].mean(axis=0)
by_hand = unit @ profile / np.linalg.norm(profile)
pd.Series(by_hand, toy.index)[["Titanic", "Gravity"]].round(2)

# %%
from scipy import sparse

liked = sparse.csr_matrix([[1.0, 1.0, 0.0, 0.0]])
columns, cosines = ContentModel(unit).fit(liked).recommend(0, liked, N=2)
assert toy.index[columns].tolist() == ["Gravity", "Titanic"]
assert np.allclose(cosines, by_hand[columns])

# %% [markdown]
# Now the films of the release, and one person with a short history:

# %%
titles = ml.movies.set_index("movie_id")["title"].loc[train.items].to_numpy()
row = int(np.abs(np.diff(train.matrix.indptr) - 6).argmin())
columns, _ = right.recommend(row, train.matrix[row], N=6)
pd.DataFrame({"likes": titles[train.matrix[row].indices], "is recommended": titles[columns]})

# %% [markdown]
# Nothing was learned from anybody else: `fit` only checks the shape. So this model serves a person it has never seen, and a film that nobody has rated, as long as it has a text. Lesson 10 makes use of both.
#
# ### What all films have in common
#
# How alike are two films drawn at random?

# %%
typical = right.vectors @ right.vectors.T
print(f"mean cosine of two films: {typical[~np.eye(len(typical), dtype=bool)].mean():.2f}")

# %% [markdown]
# Not 0. All these texts are titles with a year and some genres, so all vectors share a large part, and so does the mean of anybody's films. That part says nothing about taste. Subtract the mean of all films first, which is `center=True`:

# %%
centered = ContentModel(films, train.items, center=True).fit(train.matrix)
rest = right.vectors - right.vectors.mean(axis=0)
assert np.allclose(centered.vectors, rest / np.linalg.norm(rest, axis=1, keepdims=True), atol=1e-5)

scores["centered"] = on_validation(centered).summary["recall@10"]
pd.Series(scores, name="recall@10").round(3)[["aligned", "centered"]]

# %% [markdown]
# One subtraction, and the model finds more. From here on every `ContentModel` of this page does it.
#
# ## Which encoder?
#
# There are thousands. You compare three without a network: the packaged MiniLM with either pooling, and TF-IDF with an SVD, which counts words and has no neural net.
#
# With a network, add any encoder of the Hugging Face hub by its name. Start Jupyter with this variable, or write `%env` before it and run it in a cell of its own:
#
# `COURSE_ENCODERS=google-bert/bert-base-uncased,sentence-transformers/all-mpnet-base-v2,BAAI/bge-small-en-v1.5`
#
# Each is fetched once, a few hundred megabytes, and joins the comparison. The first of them is the model that BERT was published as. Without the variable nothing is fetched, whether there is a network or not, so that the page is the same everywhere. It was not set for the outputs that you see here; the next cell says which encoders ran.

# %%
import os

from course_utils.errors import ModelError

encoders = {
    "MiniLM, mean": ("all-MiniLM-L6-v2", "mean"),
    "MiniLM, cls": ("all-MiniLM-L6-v2", "cls"),
    "TF-IDF + SVD": ("tfidf", "mean"),
}
for name in filter(None, os.environ.get("COURSE_ENCODERS", "").split(",")):
    try:
        encode_texts(texts[:1], name, progress=False)
        encoders[name.rsplit("/")[-1]] = (name, "mean")
    except ModelError as error:
        print(error)
print("in the comparison:", *encoders, sep="\n  ")

# %%
embedded = {
    name: Embeddings(encode_texts(texts, model, pooling, progress=False), ml.movies["movie_id"])
    for name, (model, pooling) in encoders.items()
}
results = {
    name: on_validation(ContentModel(of_films, train.items, center=True).fit(train.matrix))
    for name, of_films in embedded.items()
}

# %% [markdown]
# Two questions at once: does a neural net beat counting words, and does the pooling matter? The net with the mean is the baseline for both, and a star marks a difference from it.

# %%
from course_utils.evaluation import compare, readable

table = compare(results, baseline="MiniLM, mean", metrics=["recall@10", "ndcg@10"])
readable(table)

# %% [markdown]
# The net is ahead of the word counts. Then look at the row of `cls`, which this encoder was not trained for: is it any worse for that? What an encoder was trained with tells you where to begin, and a measurement on your own task where to end.
#
# And the price? Encode some films afresh, without the cache, and scale the time to 1,000 films. Your times differ from these.

# %% tags=["nbval-ignore-output"]
import time


def seconds_per_1000(model, pooling, n=200):
    some = texts[:: len(texts) // n][:n]
    encode_texts(some[:2], model, pooling, cache=False, progress=False)  # loads the model
    start = time.perf_counter()
    encode_texts(some, model, pooling, cache=False, progress=False)
    return (time.perf_counter() - start) * 1000 / len(some)


recalls = table[table["metric"] == "recall@10"].set_index("model")[["mean", "low", "high"]]
recalls["seconds"] = [seconds_per_1000(*encoders[name]) for name in recalls.index]
recalls.round({"mean": 3, "low": 3, "high": 3, "seconds": 2})

# %% mystnb={"image": {"alt": "Dot plot with intervals of recall at 10 against the seconds that 1,000 films take, on a logarithmic axis: TF-IDF is cheapest and lowest; MiniLM with either pooling takes many times longer and is higher."}}
axes = plots.accuracy_and_cost(recalls, "recall@10 on validation")

# %% [markdown]
# The price is paid once for each film, not for each person, so at this size any of these is affordable. With ten million products it is a bill.
#
# ## What words are worth
#
# Now the honest question. Somebody has a history, the films have been rated: what do words find, beside models that learn from likes? Choose the best encoder by validation, let all models learn from everything before the test set, and judge once.

# %%
from course_utils.models import ALS, EASE, Popularity

best = max(results, key=lambda name: results[name].summary["recall@10"])
before = encode(pd.concat([split.train, split.val]))
test = encode(split.test, users=before.users, items=before.items)
words = f"words: {best}"
models = {
    "random": Random(),
    words: ContentModel(embedded[best], before.items, center=True),
    "popularity": Popularity(),
    "ALS": ALS(64, 0.01, alpha=1, dtype=np.float64),
    "EASE": EASE(l2=250),
}

# %%
judged = {
    name: evaluate(model.fit(before.matrix), before.matrix, test.matrix, k=10, progress=False)
    for name, model in models.items()
}
final = compare(judged, baseline="popularity", metrics=["recall@10"]).set_index("model")
lead = final[["mean", "difference", "difference_low", "difference_high"]]
lead.map(lambda value: "–" if pd.isna(value) else f"{value:.3f}")

# %% mystnb={"image": {"alt": "Dot plot with intervals of recall at 10, the best on top: EASE, ALS, popularity, words, and random near zero."}}
axes = plots.models_with_intervals(final, "recall@10")

# %% [markdown]
# Words are well ahead of chance. But a list that is the same for everybody beats them: in the sample, and in ml-latest-small as well, the interval of their difference from popularity lies below 0. Models that learn from likes are out of reach. A title, a year and some genres say what a film is called and what kind of film it is. They do not say whether it is any good, nor whether anybody has heard of it.
#
# Recall is one side. What does each model show?

# %%
beyond = ["coverage@10", "popularity@10", "personalization@10"]
pd.DataFrame({name: result.summary[beyond] for name, result in judged.items()}).T.round(2)

# %% [markdown]
# Words reach a far larger part of the catalogue than popularity does, and films that fewer people know. That alone is no merit, since random covers most of all. But it says where words may earn their keep: not instead of likes, but where there are none. New films, and blends of words and likes, are the subject of lesson 10.
#
# When you read that BERT embeddings "improve recommendations", look for two rows in the table, popularity and a model that learns from likes. Where they are missing, you do not know.
#
# ## The map of films, from words
#
# [Lesson 05](05_als.ipynb) draws a map of well-known films from what people like. Here is one of the same kind from words: t-SNE places films so that those with similar vectors lie close together. Point at a mark, or touch it, to see its title.

# %%
likes = np.asarray(before.matrix.sum(axis=0)).ravel()
famous = np.argsort(-likes, kind="stable")[:300]
movies = ml.movies.set_index("movie_id").loc[before.items[famous]]
telling = ["Children's", "Children", "Horror", "Sci-Fi", "Crime", "Romance"]
group = [next((g for g in telling if g in genres), "other") for genres in movies["genres"]]
named = np.flatnonzero(movies["title"].isin([*known, "Alien (1979)", "Titanic (1997)"])).tolist()

# %% tags=["nbval-ignore-output"]
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

of_famous = films.aligned(before.items[famous])
with threadpool_limits(1):  # 300 films are too few for threads to help
    layout = TSNE(metric="cosine", perplexity=20, init="pca", random_state=42)
    points = layout.fit_transform(of_famous.vectors)
plots.film_map(points, movies["title"].tolist(), group, title="Films by their words", named=named)

# %% [markdown]
# Marks of one kind often lie together, as they must: the genre stands in the text. That is worth remembering when somebody shows you such a map as evidence. Ask what the vectors were made of; a map that shows what was put in proves nothing. On the map of lesson 05 the genres were not put in.
#
# ## Ask in words
#
# Some things only words can do. A query is a text, so it has a vector, and the films closest to it answer it:

# %%
from course_utils.text import search

search("submarine thriller", films, ml.movies, n=6)[["title", "genres", "score"]].round(
    {"score": 2}
)

# %% [markdown]
# How many of these titles hold the word "submarine"? The encoder had read a great deal before it came to you, and knows what belongs to the sea. Look also for a film that is merely called so: a title is all there is to read.
#
# TF-IDF knows no more than the words of these texts:

# %%
from course_utils.text import TfidfEncoder

counts = TfidfEncoder().fit(texts)
counted = Embeddings(counts.encode(texts), ml.movies["movie_id"])
found = search("submarine thriller", counted, ml.movies, n=4, model=counts)
found[["title", "genres"]]

# %% [markdown]
# "Thriller" stands in many texts, and is what it goes by. A rare word hardly counts in so few dimensions, and a word that stands in no text counts nothing.
#
# By hand, a search is three lines: encode, multiply, sort.

# %%
asked = encode_texts(["submarine thriller"], progress=False)
first = (films.vectors @ asked[0]).argmax()
print(title[first])
assert title[first] == search("submarine thriller", films, ml.movies, n=1)["title"][0]

# %% [markdown]
# The query goes through the same model and the same pooling as the films. Another encoder's vectors may have the same number of numbers, and then nothing fails.
#
# ## Keep them, safely
#
# Vectors are costly, so you keep them. Many notebooks write them with `torch.save` or `pickle`, and read files from others in the same way. A pickle is not data, though. It is a small program that builds an object, and it may build whatever it likes:


# %%
class Gift:
    def __reduce__(self):
        return print, ("This line ran because you opened a file.",)


# %%
import tempfile
from pathlib import Path

place = Path(tempfile.mkdtemp())
torch.save(Gift(), place / "embeddings.pt")
nothing = torch.load(place / "embeddings.pt", weights_only=False)

# %% [markdown]
# Here it prints. It could have sent your files away just as well. Two things refuse it: `weights_only=True`, which builds tensors and nothing else, and the course's own reader, which opens no pickle at all.

# %%
import pickle

try:
    torch.load(place / "embeddings.pt", weights_only=True)
except pickle.UnpicklingError:
    print("refused: it holds more than tensors")

# %%
from course_utils.text import load_embeddings, save_embeddings

try:
    load_embeddings(place / "embeddings.pt")
except DataError as error:
    print(str(error).replace(f"{place}{os.sep}", ""))

# %% [markdown]
# Since version 2.6 `weights_only=True` is what torch does when you say nothing. Say it all the same, because your code may meet an older one.
#
# *safetensors* is a file format that holds numbers, and text that describes them. There is nothing in it to run. `save_embeddings` writes it with the movie ids, so that the file itself knows whose the rows are:

# %%
path = save_embeddings(place / "films.safetensors", films)
back = load_embeddings(path, train.items)
assert (back.vectors == aligned.vectors).all()
print(back)
print(f"{path.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# You gave `train.items`, and what came back is in the order of its columns. The head of the file is plain text that anybody can read:

# %%
import json

content = path.read_bytes()
length = int.from_bytes(content[:8], "little")
head = json.loads(content[8 : 8 + length])
for name in sorted(head):
    print(name, dict(sorted(head[name].items())))

# %% [markdown]
# ## Check yourself
#
# **1. Your embeddings are an array of 9,742 rows, your matrix has 6,000 columns. What do you do?**
#
# <details><summary>a) Take the first 6,000 rows.</summary>
#
# It runs, and nearly every column gets the vector of another film. You have seen what that leaves of the recall.
# </details>
#
# <details><summary>b) Look up the row of each column's movie id, and assert that the ids agree.</summary>
#
# Yes. And do it even where both have the same length: equal lengths do not mean equal order.
# </details>
#
# <details><summary>c) Train a new encoder with 6,000 outputs.</summary>
#
# The number of films has nothing to do with the encoder. It reads one text at a time.
# </details>
#
# **2. A classmate pools with `hidden.mean(dim=1)`, and gets slightly other vectors each time the batch is put together otherwise. Why?**
#
# <details><summary>a) The network is random.</summary>
#
# Not in evaluation mode. The same batch gives the same numbers.
# </details>
#
# <details><summary>b) The mean counts padding.</summary>
#
# Yes. How much there is depends on the longest text of the batch. Multiply by the mask, and divide by the number of tokens.
# </details>
#
# <details><summary>c) Floating-point sums depend on the order.</summary>
#
# They do, in the sixth digit or so. This one is off in the first or second.
# </details>
#
# **3. All your cosines lie between 0.6 and 0.9. Is the encoder broken?**
#
# <details><summary>a) Yes: unrelated films should have a cosine of 0.</summary>
#
# They would if texts of one kind had nothing in common. Yours all look like titles with genres.
# </details>
#
# <details><summary>b) No. Compare cosines with each other, or subtract the common part.</summary>
#
# Yes. The order is what ranks films, and a threshold such as "above 0.5 is similar" means nothing until you know what two films at random have.
# </details>
#
# <details><summary>c) No, all films are similar.</summary>
#
# All *texts* are, in form. The encoder does not tell form from content unless you help it.
# </details>
#
# **4. Somebody sends you `embeddings.pkl`. How do you open it?**
#
# <details><summary>a) With <code>pickle.load</code>, in a notebook where nothing important is open.</summary>
#
# A notebook has all the rights that you have, whatever is open in it.
# </details>
#
# <details><summary>b) You look at its first bytes, to see whether it is harmless.</summary>
#
# A harmful pickle begins as a harmless one does.
# </details>
#
# <details><summary>c) You ask for safetensors, or load it with <code>torch.load(…, weights_only=True)</code>.</summary>
#
# Yes. The one has nothing to run, the other refuses what is no tensor.
# </details>

# %% [markdown]
# ## What you learned
#
# - An encoder gives each token a vector that depends on the whole text; pooling makes one of them, and padding must not count.
# - At length 1 the dot product is the cosine. Cosines of texts of one kind share a large part, which you subtract.
# - Row order is not column order. Look the rows up by id, and assert it.
# - Words alone find far more than chance, and less than likes, where there are likes. Report both, with popularity beside them.
# - Keep vectors as safetensors with their ids, and never open a pickle that is not yours.
#
# Next: [Hybrids and cold start](10_hybrids.ipynb) puts words to work where likes are missing, for new people and new films. Until then, run this page on real ratings with `COURSE_DATASET=ml-latest-small`, or with other encoders through `COURSE_ENCODERS`.
