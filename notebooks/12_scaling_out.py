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
# # When one machine is not enough
#
# You measure how far one machine goes, run the same pipeline on Apache Spark, and learn to tell when it pays, and what it takes to answer millions of people.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/12_scaling_out.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - say from measurements how many ratings one machine can take;
# - split work among machines, and say what must travel between them;
# - run split, ALS and lists on Spark, measure them, and prove that nothing changed;
# - tell with numbers when Spark pays;
# - find candidates among very many items, and weigh what an index misses against what it saves;
# - compute what a million users cost, from assumptions you can change.
#
# **What you need first**: [ALS](05_als.ipynb) and [Evaluating rankings](06_evaluating_rankings.ipynb).
#
# **How long it takes**: about 75 minutes.

# %% tags=["setup"] extra="spark"
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:  # on Colab, say
    course = "course-utils[spark] @ https://github.com/your-org/movielens-course/archive/refs/heads/main.zip"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)
    importlib.invalidate_caches()

import course_utils

course_utils.setup()

# %% [markdown]
# Spark runs on Java, which `pip` does not install. Where there is none, the cells on Spark do nothing, the next one says why, and all others work.

# %% tags=["nbval-ignore-output"]
from course_cloud import spark as on_spark

no_spark = on_spark.why_not()
print(no_spark or "Spark can run here.")

# %% [markdown]
# ## How far does one machine go?
#
# Take the whole pipeline of the course: split, encode, fit, evaluate. How its cost grows with the data you can only measure. As everywhere in the course, the people of the embedded sample are simulated.

# %%
from time import perf_counter

import numpy as np
import pandas as pd

from course_utils.datasets import load_movielens
from course_utils.evaluation import evaluate
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS
from course_utils.splits import leave_last_out

ml = load_movielens()


def run(ratings):
    clock = [perf_counter()]
    split = leave_last_out(to_implicit(ratings), n_test=5, min_train=5)
    clock.append(perf_counter())
    train = encode(split.train)
    test = encode(split.test, users=train.users, items=train.items)
    clock.append(perf_counter())
    model = ALS(64, 0.01, iterations=10, alpha=1).fit(train.matrix)
    clock.append(perf_counter())
    evaluate(model, train.matrix, test.matrix, progress=False)
    clock.append(perf_counter())
    return dict(zip(["split", "encode", "fit", "evaluate"], np.diff(clock), strict=True))


# %% [markdown]
# More data than the sample has is quickly made: take its people several times over, as if each had twins. That says nothing about taste, but costs what real people would cost.


# %%
def several_times(ratings, times):
    step = ratings["user_id"].max() + 1
    return pd.concat([ratings.assign(user_id=ratings["user_id"] + i * step) for i in range(times)])


grown = {times: several_times(ml.ratings, times) for times in (1, 2, 3)}
{times: f"{len(ratings):,} ratings" for times, ratings in grown.items()}

# %% tags=["nbval-ignore-output"]
seconds = pd.DataFrame({len(ratings): run(ratings) for ratings in grown.values()}).T
seconds.round(2)

# %% [markdown]
# You see your own machine here. Whatever it is, fitting takes most, and none of it takes long.
#
# A lesson cannot wait for 32 million ratings, so larger sizes come from a record that is part of the course: simulated people in the shapes of the MovieLens releases, each run in a process of its own. `benchmarks/scale.py` writes it.

# %%
from course_cloud.scaling import recorded

record = recorded()
cores, memory = record.machine["cores"], record.machine["memory_gb"]
print(f"measured on {record.made}, on a machine with {cores} cores and {memory:.0f} GB")
steps = ["fit", "evaluate", "load", "split", "encode"]
alone = record.runs[record.runs["way"] == "one machine"].set_index("ratings")
alone[["users", "items", *steps, "total", "peak_gb", "recall@10", "busy"]].round(2)

# %% [markdown]
# The last column says how many other programs wanted the machine when a run began, on average, where somebody looked. Where they are more than none, the seconds are longer than they had to be: read them as upper bounds.

# %% mystnb={"image": {"alt": "Line chart with logarithmic axes of the seconds that each step takes against the number of ratings, as recorded. All lines rise; fitting is on top, evaluating grows faster than the others."}}
from course_utils import plots

axes = plots.seconds_by_size(alone[steps], "One machine, step by step")

# %% [markdown]
# Both axes are logarithmic, so a straight line that climbs one decade per decade is a cost in proportion to the data. Evaluating climbs faster: everybody is scored against every film, and larger releases have more of both.
#
# Time is patient, memory is not: a run that needs more than there is does not run slowly, it dies.

# %% mystnb={"image": {"alt": "Line chart with logarithmic axes of the gigabytes that a run needs against the number of ratings, as recorded, with dashed lines for a machine of 12 gigabytes and for the machine that was measured; the curve stays under both."}}
limits = {"12 GB": 12, f"{memory:.0f} GB, this record's machine": memory}
axes = plots.memory_by_size(alone["peak_gb"], limits)

# %% [markdown]
# Memory is nearly a straight line, so you can ask it where it meets a limit. A thousand gigabytes is a machine that every large cloud rents by the hour.

# %%
slope, start = np.polyfit(alone.index, alone["peak_gb"], 1)
for limit in (12, memory, 1000):
    print(f"{limit:6,.0f} GB: about {(limit - start) / slope / 1e6:,.0f} million ratings")

# %% [markdown]
# Beyond the measured sizes this is an extrapolation: an order of magnitude to plan with, no promise. It says that the first answer to "too much data" is a larger machine. The second is below.
#
# ## Share the work
#
# Whatever runs on many machines is made of two moves. The first: *each counts what it has, then the counts are merged*. Two workers and eight views:

# %%
from collections import Counter

views = np.array(["Alien", "Brazil", "Alien", "Clue", "Alien", "Brazil", "Clue", "Alien"])
shares = np.array_split(views, 2)
counted = [Counter(share.tolist()) for share in shares]
merged = sum(counted, Counter())
assert merged == Counter(views.tolist())
merged.most_common()

# %% [markdown]
# Only counts travel, and those are small. ALS has a sum of this kind in every half-step: $Q^\top Q$, over all items, is the sum of the same product over each worker's items. What travels is a matrix of factors × factors, however many items there are.

# %%
rng = np.random.default_rng(42)
Q = rng.normal(size=(1000, 8))
merged = sum(part.T @ part for part in np.array_split(Q, 4))
assert np.allclose(merged, Q.T @ Q)

# %% [markdown]
# The second move is dearer: *rows that belong together must first come together*. Nobody can hold out the last positives of a user who is spread over two workers. So each row travels to the worker that its user id says; this is called a *shuffle*. Then everybody works alone:

# %%
positives = to_implicit(ml.ratings)
worker = positives["user_id"] % 2
alone_each = [leave_last_out(positives[worker == i], n_test=5, min_train=5) for i in (0, 1)]
split = leave_last_out(positives, n_test=5, min_train=5)
together = pd.concat([part.test for part in alone_each]).sort_index()
assert together.equals(split.test)

# %% [markdown]
# With `positives["movie_id"] % 2` the assertion would fail. Choosing what to shuffle by is most of the art.
#
# ## The same pipeline on Spark
#
# Spark makes both moves for you. You describe tables, called DataFrames, and Spark decides which worker does what. Without a cluster, `local[2]` lets two threads of this machine play the workers; a cluster differs by one address, the *master URL*.

# %% tags=["nbval-ignore-output"]
spark = None if no_spark else on_spark.session()
if spark:
    print(f"Spark {spark.version} on {spark.sparkContext.master}")

# %% [markdown]
# A DataFrame has no order, so the place of a row in its file, which settles ties in time, becomes a column. And it is lazy: the next lines compute nothing until `count` asks, and `cache` keeps what was computed.

# %% tags=["nbval-ignore-output"]
if spark:
    likes = on_spark.to_implicit(on_spark.to_spark(spark, ml.ratings))
    parts = on_spark.leave_last_out(likes, n_test=5, min_train=5)
    train_rows, test_rows = parts.train.cache(), parts.test.cache()
    print(f"{train_rows.count():,} rows to train on, {test_rows.count():,} to test on")

# %% [markdown]
# Behind it is a *window*: partition by user, order by time, number the rows. The partition is the shuffle. Are they the rows that you know?


# %% tags=["nbval-ignore-output"]
def pairs_in(table):
    return set(zip(table["user_id"].tolist(), table["movie_id"].tolist(), strict=True))


if spark:
    assert pairs_in(test_rows.toArrow().to_pandas()) == pairs_in(split.test)

# %% [markdown]
# Now ALS, of `pyspark.ml`. Its objective is the one of [lesson 05](05_als.ipynb), with one difference that moves every score: Spark multiplies $\lambda$ with the number of positives of each user and film.

# %% tags=["nbval-ignore-output"]
if spark:
    spark_model = on_spark.fit_als(train_rows, factors=64, regularization=0.01, iterations=10)
    print(f"{spark_model.userFactors.count():,} users, {spark_model.itemFactors.count():,} films")

# %% [markdown]
# The lists. Spark's own `recommendForAllUsers` does not leave out what a user has had. `recommend` sends the factors of all films to every worker, since they are small, and each ranks for its share of the users, exactly.

# %% tags=["nbval-ignore-output"]
if spark:
    lists = on_spark.recommend(spark_model, train_rows, k=10).cache()
    lists.where(lists["user_id"] == int(split.test["user_id"].iloc[0])).orderBy("rank").show()

# %% [markdown]
# And the metrics. The lists are small, ten rows for each user, so `evaluate` collects them and both parts of the split on the *driver*, here this process, and calls the course's own metrics. To see that nothing was lost on the way, encode the same lists and the same test set by hand, and give them to `ranking_metrics`.

# %% tags=["nbval-ignore-output"]
from course_utils import metrics

train = encode(split.train)
test = encode(split.test, users=train.users, items=train.items)
if spark:
    theirs = on_spark.evaluate(lists, train_rows, test_rows, k=10)
    table = lists.toArrow().to_pandas()
    ids = np.full((len(train.users), 10), -1)
    ids[train.rows_of(table["user_id"]), table["rank"] - 1] = train.columns_of(table["movie_id"])
    for name, values in metrics.ranking_metrics(ids, test.matrix, 10).items():
        assert abs(np.nanmean(values) - theirs[name]) < 1e-9
    print("six metrics agree to nine digits")

# %% [markdown]
# So a difference between the next two columns is one of the models, not of the yardstick.

# %% tags=["nbval-ignore-output"]
model = ALS(64, 0.01, iterations=10, alpha=1, dtype=np.float64).fit(train.matrix)
ours = evaluate(model, train.matrix, test.matrix, progress=False).summary
pd.DataFrame({"implicit": ours} | ({"Spark": theirs} if spark else {})).round(3)

# %% [markdown]
# They are neighbors, not twins: another $\lambda$, and other random vectors to start from.
#
# ## When does Spark pay?
#
# You just waited for it. The record has the same pipeline both ways, on one and the same machine:

# %% mystnb={"image": {"alt": "Line chart with logarithmic axes of the seconds of the whole pipeline against the number of ratings, as recorded, for one machine and for Spark with two local threads. Spark's line is above at every size that was measured."}}
totals = record.runs.pivot(index="ratings", columns="way", values="total")
axes = plots.seconds_by_size(totals, "The whole pipeline, both ways")

# %%
both = totals.dropna()
busy = record.runs[record.runs["way"] == "Spark, local[2]"].set_index("ratings")["busy"]
both.assign(times=both["Spark, local[2]"] / both["one machine"], busy=busy).round(1)

# %% [markdown]
# `times` says how many times as long Spark takes, and `busy` what its runs had to share the machine with. Read it as a number of machines, too: even if Spark shared its work perfectly, it would need that many machines like this one to draw level. And nothing is shared perfectly. If a share $s$ of the work cannot be shared, $n$ machines are at most $1 / (s + (1 - s) / n)$ times as fast (Amdahl's law):

# %%
machines = np.array([2, 4, 8, 16, 64])
law = {f"{s:.0%} not shared": 1 / (s + (1 - s) / machines) for s in (0.01, 0.05, 0.2)}
pd.DataFrame(law, index=pd.Index(machines, name="machines")).round(1)

# %% [markdown]
# So Spark does not make a job that fits one machine faster. It pays
#
# - when the data does not fit any machine you can rent, or stands in a lake of files that a cluster reads anyway;
# - when a job must survive the death of a machine: Spark does the lost share again, from what it remembers about where it came from;
# - when others in your house run it already, so that keeping a cluster alive is not your cost.
#
# It does not pay for a lesson, nor at any size in the table above. How to take this very pipeline to EMR, or any other managed Spark, is on [a page of its own](../book/spark-cluster.md).

# %% tags=["nbval-ignore-output"]
if spark:
    spark.stop()

# %% [markdown]
# ## Among very many items
#
# Training happens once a night. Answering happens a thousand times a second, and scoring all items costs time in proportion to their number. First, the exact search, from the library `faiss`, beside the course's own:

# %%
import faiss

from course_utils.ranking import top_k

faiss.omp_set_num_threads(1)
films = model.item_factors.astype(np.float32)
people = model.user_factors[:200].astype(np.float32)
exact = faiss.IndexFlatIP(films.shape[1])
exact.add(films)
scores, _ = exact.search(people, 10)
assert np.allclose(scores, top_k(people @ films.T, 10)[1], atol=1e-5)

# %% [markdown]
# An *index* answers without looking at everything. The simplest deals the items into cells, each around a center, and looks only into the cells whose centers score best for the user. By hand: the first eight films as centers, two cells looked into.

# %%
centers = films[:8]
cell_of = (films @ centers.T).argmax(axis=1)
person = people[0]
looked_into = np.argsort(-(centers @ person))[:2]
members = np.flatnonzero(np.isin(cell_of, looked_into))
by_hand = members[np.argsort(-(films[members] @ person))][:10]
print(f"looked at {len(members) / len(films):.0%} of the films")

# %% [markdown]
# The library calls this IVF, for inverted file, and finds the same films with the same centers:

# %%
quantizer = faiss.IndexFlatIP(films.shape[1])
quantizer.add(centers)
cells = faiss.IndexIVFFlat(quantizer, films.shape[1], 8, faiss.METRIC_INNER_PRODUCT)
cells.add(films)
cells.nprobe = 2
_, found = cells.search(people[:1], 10)
assert set(found[0]) == set(by_hand)

# %% [markdown]
# How many of the truly best ten does it find? The price of an index is a recall of its own, and you set it: more cells, more found, more time.

# %%
best = exact.search(people, 10)[1]


def share_found(index, queries, best):
    found = index.search(queries, 10)[1]
    return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, best, strict=True)])


for n in (1, 2, 4, 8):
    cells.nprobe = n
    print(f"{n} of 8 cells: {share_found(cells, people, best):.2f} of the best ten")

# %% [markdown]
# For a catalogue of this size nobody needs an index. So make one up: 40,000 *made-up* items, each the factors of one of these films, shaken. They stand for no film; they only cost what so many items cost.

# %%
rng = np.random.default_rng(42)
originals = films[rng.integers(len(films), size=40_000)]
spread = films.std(axis=0)
made_up = originals + rng.normal(size=originals.shape, scale=0.5) * spread
made_up = made_up.astype(np.float32)
everything = faiss.IndexFlatIP(made_up.shape[1])
everything.add(made_up)
best = everything.search(people, 10)[1]

# %% [markdown]
# Two kinds of index compete. IVF, now with 256 cells and centers found by k-means. And HNSW, a graph whose nodes are items and whose edges lead to near ones: a search walks along the edges to ever better items.

# %% tags=["nbval-ignore-output"]
start = perf_counter()
d = made_up.shape[1]
ivf = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, 256, faiss.METRIC_INNER_PRODUCT)
ivf.train(made_up)
ivf.add(made_up)
built = perf_counter()
hnsw = faiss.IndexHNSWFlat(d, 16, faiss.METRIC_INNER_PRODUCT)
hnsw.add(made_up)
print(f"IVF built in {built - start:.1f} s, HNSW in {perf_counter() - built:.1f} s")

# %% [markdown]
# Ask each for the best ten of 200 people, one person at a time, as a service is asked.


# %% tags=["nbval-ignore-output"]
def milliseconds(index):
    start = perf_counter()
    for query in people:
        index.search(query[None], 10)
    return 1000 * (perf_counter() - start) / len(people)


rows = []
for n in (1, 4, 16, 64):
    ivf.nprobe = n
    rows.append(("IVF, cells", n, milliseconds(ivf), share_found(ivf, people, best)))
for n in (16, 64, 256):
    hnsw.hnsw.efSearch = n
    rows.append(("HNSW, candidates", n, milliseconds(hnsw), share_found(hnsw, people, best)))
measured = pd.DataFrame(rows, columns=["index", "setting", "milliseconds", "recall"])
flat = milliseconds(everything)
print(f"everything: {flat:.2f} ms")
measured.round(3)

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Line chart of recall at 10 against milliseconds for one question, with a point for each setting of two indexes, and a dotted line for the exact search. Recall rises with time for both."}}
axes = plots.recall_and_latency(measured, flat)

# %% [markdown]
# Read it from the top left, where an index would be both fast and right. Left of the dotted line an index saves time; how much recall you may lose for it, the page on which the list is shown decides. And measure on *your* vectors: these are made up, and real ones may be kinder or harsher.
#
# Note what this recall is: the share of the model's own best ten. That of [lesson 06](06_evaluating_rankings.ipynb), what people liked, moves less, for what an index misses is often nearly as good.
#
# ## Shards, and what goes stale
#
# When the items' factors do not fit one server, they are cut into *shards*, each on a server of its own. Every shard answers with its best ten, and the best ten of those are the best of all:

# %%
shards = np.array_split(np.arange(len(films)), 4)
from_each = [top_k(people @ films[shard].T, 10) for shard in shards]
ids = np.hstack([shard[ids] for shard, (ids, _) in zip(shards, from_each, strict=True)])
scores = np.hstack([scores for _, scores in from_each])
places, merged = top_k(scores, 10)
assert np.allclose(merged, top_k(people @ films.T, 10)[1], atol=1e-6)
np.take_along_axis(ids, places, axis=1)[0]

# %% [markdown]
# Users need no merging: each is on one shard, named by the id, and only that shard is asked. It is the shuffle of before, made once.
#
# Factors grow old. Between two fits, a user who likes something new needs a new vector now, not tonight: with the items held fixed, that is one small system of equations, which `recommend(..., recalculate_user=True)` solves in [lesson 05](05_als.ipynb). A new film has no factors before the next fit; [lesson 10](10_hybrids.ipynb) said what to do until then.
#
# ## What do a million users cost?
#
# Now on paper, with the `monthly_cost` of [lesson 11](11_service.ipynb): multiplications of assumptions that you can change. One of them you need not assume: the record says how long a core is busy with a million ratings.

# %%
from course_cloud.scaling import Assumptions, monthly_cost

largest = alone.iloc[-1]
core_seconds = largest["fit"] * cores / (largest.name / 1e6)
assumed = Assumptions(fit_core_seconds_per_million=core_seconds)
pd.Series(vars(assumed), name="assumed").round(2).to_frame()

# %% [markdown]
# The prices are rounded from a list of 2025; look up those of your cloud.

# %%
monthly_cost(assumed).round(2)

# %% [markdown]
# Look at which row is the largest before you optimize anything. Then change an assumption, and look again:

# %%
from dataclasses import replace

what_if = {
    "as assumed": assumed,
    "ten times the users": replace(assumed, users=10 * assumed.users),
    "a thousand times": replace(assumed, users=1000 * assumed.users),
    "50 ms of a core per request": replace(assumed, core_ms_per_request=50.0),
    "trained every hour": replace(assumed, fits_per_day=24.0),
}
dollars = pd.DataFrame({name: monthly_cost(case)["dollars"] for name, case in what_if.items()})
dollars.loc[["cores that answer", "training", "all, per million users"]].round(0).T

# %% [markdown]
# The last column is what matters: dollars a month for each million users. What the table leaves out is most of a real bill: people, pages and films.
#
# ## Check yourself
#
# **1. A pipeline takes 20 minutes on one machine. A colleague wants it on Spark "to make it faster". What do you ask first?**
#
# <details><summary>a) How many machines there are.</summary>
#
# Not first. If it fits one machine, several must first make up for what Spark costs; you have seen how many that takes.
# </details>
#
# <details><summary>b) Which step takes the 20 minutes, and whether memory is short.</summary>
#
# Yes. A step that waits for one thread, or a table that is read twice, is mended faster than a cluster is set up. If memory is short, a larger machine is the next question.
# </details>
#
# <details><summary>c) Which version of Spark.</summary>
#
# That matters on the day you need it, and not before.
# </details>
#
# **2. Which of these needs a shuffle?**
#
# <details><summary>a) Keeping the ratings of four stars and more.</summary>
#
# No. Each worker decides on each of its rows alone.
# </details>
#
# <details><summary>b) Holding out each user's last positives, when the file is ordered by film.</summary>
#
# Yes. A user's rows are spread over all workers and have to come together.
# </details>
#
# <details><summary>c) Counting all ratings.</summary>
#
# No. Each counts its own, and only the counts travel.
# </details>
#
# **3. An index finds 90% of the exact top ten in a tenth of the time. Do you use it?**
#
# <details><summary>a) Yes, always.</summary>
#
# If exact search takes a millisecond, you save what nobody notices, and add a part that has to be built, tuned and rebuilt.
# </details>
#
# <details><summary>b) No, a tenth of the list is wrong.</summary>
#
# It is not wrong, only not the model's first choice. Measure what people lose: recall against the test set, with and without.
# </details>
#
# <details><summary>c) It depends on what exact search costs, and on what the loss does to the metrics that count.</summary>
#
# Yes. Both can be measured, and you have the code for it.
# </details>

# %% [markdown]
# ## What you learned
#
# - Measure first: one machine goes far, and its memory, not its speed, is the limit that ends a run.
# - Work that is shared is made of two moves, merging small results and shuffling rows; the second is what costs.
# - Spark gives the same split, and the same code measures its lists. It pays when data or machines fail to fit, not when a job is merely slow.
# - Among very many items an index trades recall for time. Shards and their merged lists lose nothing.
# - Costs are multiplications of assumptions: write them down, and look for the largest row.
#
# This was the last lesson. The [labs](labs/lab01_bucket.ipynb) are yours now.
