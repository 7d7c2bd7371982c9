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
# # From notebook to service
#
# You put a model where a program answers for it day and night, and let a new one take over only after a test.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/11_service.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - save a model in files that cannot run code, and serve it;
# - let a gate decide whether a new model replaces the old one;
# - try it as a shadow and on some users, and roll back;
# - find what no error reports: wrong ids, stale histories, drift;
# - compute what a month costs.
#
# **What you need first**: lessons [01](01_object_storage.ipynb) (S3), [04](04_baselines.ipynb) (item-kNN), [05](05_als.ipynb) (ALS) and [06](06_evaluating_rankings.ipynb).
#
# **How long it takes**: about 90 minutes.

# %% tags=["setup"] extra="s3,serve"
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:  # on Colab, say
    course = "course-utils[s3,serve] @ https://github.com/your-org/movielens-course/archive/refs/heads/main.zip"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)
    importlib.invalidate_caches()

import course_utils

course_utils.setup()

# %% [markdown]
# ## What is left of a model
#
# All that a factor model learned is two tables of numbers, here of three users and four films. NumPy writes them into one file, `.npz`. The test of a saved model is a *fresh process*, which has none of your variables:

# %%
import tempfile
from pathlib import Path

import numpy as np

user_factors = np.array([[1.0, 0.2], [0.1, 0.9], [0.5, 0.5]])
item_factors = np.array([[0.9, 0.1], [0.8, 0.3], [0.1, 1.0], [0.2, 0.7]])
here = np.argsort(-(user_factors @ item_factors.T), axis=1)

folder = Path(tempfile.mkdtemp(prefix="lesson-11-"))
np.savez(folder / "toy.npz", user_factors=user_factors, item_factors=item_factors)
code = """
import sys, numpy as np
saved = np.load(sys.argv[1])
print(np.argsort(-(saved["user_factors"] @ saved["item_factors"].T), axis=1).tolist())
"""
command = [sys.executable, "-c", code, str(folder / "toy.npz")]
there = subprocess.run(command, capture_output=True, text=True, check=True).stdout
assert there.strip() == str(here.tolist())
there.strip()

# %% [markdown]
# The lists are the same. But they hold rows and columns, so the ids must be saved, too.
#
# Many tutorials use `pickle`, which saves any object in one line. Here is a harmless file:

# %%
import pickle


class Gift:
    def __reduce__(self):
        return print, ("code from the file is running",)


gift = pickle.dumps(Gift())
pickle.loads(gift)

# %% [markdown]
# A pickle is a program that builds an object, and `loads` runs it with your rights. It called `print`; it could have called anything. Use pickle only for your own short-lived files. Parquet, JSON and safetensors hold data only, and `np.load` refuses pickles in `.npz` unless told otherwise.
#
# ## A model and what belongs to it
#
# Now item-kNN, by the course's protocol: decisions are made on validation, whose likes here also play the part of what users do after training. The ratings of the embedded sample are simulated.

# %%
from course_utils.datasets import load_movielens
from course_utils.evaluation import evaluate
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS, EASE, ItemKNN, Popularity
from course_utils.splits import course_split

ml = load_movielens()
positives = to_implicit(ml.ratings)
split = course_split(positives)
train = encode(split.train)
val = encode(split.val, users=train.users, items=train.items)

model = ItemKNN().fit(train.matrix)
result = evaluate(model, train.matrix, val.matrix, progress=False)
print(f"recall@10 on validation {result.summary['recall@10']:.3f}")

# %% [markdown]
# `artifacts.save` writes an *artifact*: a folder with the model, the matrix it was fitted on with its ids, the films, and each user's recall on validation.

# %%
from course_cloud import artifacts

about = {"movies": ml.movies, "dataset": ml.name, "split": "course_split"}
manifest = artifacts.save(
    folder / "model", model=model, train=train, validation=(result, val), **about
)
print(manifest.model, manifest.settings, manifest.dataset, manifest.split)
print("versions of", ", ".join(sorted(manifest.versions)))
sorted(path.name for path in (folder / "model").iterdir())

# %% [markdown]
# The *manifest* says which settings, data and versions made a list. Its checksums find damage, not an attacker, who would change the manifest as well: decide who may write to the bucket.
#
# ## Into the bucket
#
# `connect` gives you AWS where you are signed in, else the practice server of [lesson 01](01_object_storage.ipynb).

# %% tags=["nbval-ignore-output"]
from course_cloud.storage import connect, list_keys

s3 = connect()

# %%
import os

bucket = os.environ.get("COURSE_BUCKET", "movielens-practice")
address = f"s3://{bucket}/lesson-11"
if "COURSE_BUCKET" not in os.environ:
    s3.create_bucket(Bucket=bucket)
runs, models = {}, {}  # run ids by name, models by run id


def publish(name, model, **options):
    """Save a fitted model and bring it to the bucket as a run of its own."""
    options = {"train": train} | options
    artifacts.save(folder / "model", model=model, **options, **about)
    runs[name] = artifacts.publish(folder / "model", address)
    models[runs[name]] = model


def named(text):
    """Put the names of runs in place of their long ids."""
    for name, run in runs.items():
        text = text.replace(run, f"“{name}”")
    return text


publish("item-kNN", model, validation=(result, val))
keys = [found.key.removeprefix("lesson-11/") for found in list_keys(f"{address}/")]
[named(key) for key in keys]

# %% [markdown]
# Each run has a prefix of its own and never changes. One small object, `latest.json`, names the run that counts. Only the first publish writes it; later `promote` or `point` does. A run's manifest is uploaded last, so an upload that breaks off changes nothing.
#
# ## A service, in a fresh process
#
# The service knows an address in S3 only. It fetches the latest run, checks it, and answers at `/health`.

# %%
import atexit
import secrets
import socket
import time

import requests

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

log = (folder / "service.log").open("w")
command = [sys.executable, "-m", "course_cloud.serving", address, "--port", str(port)]
token = secrets.token_hex()  # whoever has the token may change what is served
environment = os.environ | {"COURSE_RELOAD_TOKEN": token}
service = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
ended_anyway = atexit.register(service.kill)  # should the notebook end before its last section

http = requests.Session()
http.trust_env = False  # no proxy can reach this machine
http.headers["Authorization"] = f"Bearer {token}"
url = f"http://127.0.0.1:{port}"
for _ in range(600):
    try:
        health = http.get(f"{url}/health", timeout=30).json()
        break
    except requests.ConnectionError:
        assert service.poll() is None, (folder / "service.log").read_text()
        time.sleep(0.2)
{name: health[name] for name in ("status", "model", "dataset", "users", "items")}

# %% [markdown]
# The service takes MovieLens' user ids and answers with movie ids. Compare ten films for twenty users with the notebook's:


# %%
def ask(row, n=10):
    """Return the service's answer for a row of the matrix."""
    return http.get(f"{url}/recommend/{train.users[row]}", params={"n": n}).json()


def columns(answer):
    """Return the columns of the recommended films."""
    return train.columns_of([film["movie_id"] for film in answer["films"]])


def answers_as_the_notebook(row):
    answer = ask(row)
    ids, _ = models[answer["run_id"]].recommend(row, train.matrix[row], N=10)
    return columns(answer).tolist() == ids[ids >= 0].tolist()


assert all(answers_as_the_notebook(row) for row in range(20))

# %% [markdown]
# Where this test fails, an id may be taken for a row, a filter forgotten, or a list sorted once more.
#
# An unknown user gets what is popular, and the answer says so. A new user who sends liked films gets what the model says, with reasons:

# %%
unknown = http.get(f"{url}/recommend/{train.users.max() + 1}", params={"n": 3}).json()
print("unknown user:", unknown["strategy"])
liked = train.items[np.argsort(-train.matrix.getnnz(axis=0), kind="stable")[:3]].tolist()
answer = http.post(f"{url}/recommend", json={"liked": liked, "n": 3}).json()
print("new user:", answer["strategy"])
for film in answer["films"]:
    print(" ", film["title"], "- because of", film["why"][0]["title"])
refused = http.get(f"{url}/recommend/{train.users[0]}?n=1000")
print(refused.status_code, refused.json()["detail"])

# %% [markdown]
# The limit of 100 protects other users.
#
# ## The gate
#
# Three candidates wait: ALS, item-kNN with six neighbors instead of five, and popularity. A *gate* compares each with the current run on the same users, before it may go online.
#
# ### Your turn: the decision
#
# Write `is_better(candidate, current)`, from two arrays with the recall of the same users: True only where the 95 % interval of the mean difference, ± 1.96 standard errors, lies above 0.

# %%
from course_labs import check


def is_better(candidate, current):
    """Return whether the 95% interval of the paired difference lies above 0."""
    ...


check("lesson11.a", is_better)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def is_better(candidate, current):
#     difference = np.asarray(candidate) - np.asarray(current)
#     error = difference.std(ddof=1) / np.sqrt(len(difference))
#     return bool(difference.mean() - 1.96 * error > 0)
# ```
#
# Differences are taken per user, so users who are easy for both models cancel out.
# </details>
#
# `artifacts.promote` decides in this way, with a bootstrap interval. It also refuses runs measured on other held-out pairs: for a new split, measure the current model on it, too.

# %%
import pandas as pd

from course_utils.errors import ArtifactError
from course_utils.evaluation import beside_real, board, compare


def decision_on(name, **options):
    """Return what the gate says; it raises an error where it refuses."""
    try:
        return named(artifacts.promote(address, runs[name], **options))
    except ArtifactError as refusal:
        return named(str(refusal))


candidates = {"k = 6": ItemKNN(k=6), "popularity": Popularity(), "ALS": ALS(dtype="float64")}
results = {"item-kNN": result}
for name, candidate in candidates.items():
    candidate.fit(train.matrix)
    results[name] = evaluate(candidate, train.matrix, val.matrix, progress=False)
    publish(name, candidate, validation=(results[name], val))
    print(decision_on(name, move=False))  # only compare

# %%
table = compare(results, baseline="item-kNN", metrics=["recall@10"]).set_index("model")
passed = table["difference_low"].drop("item-kNN") > 0
gate = board(results, "item-kNN").assign(gate=passed.map({True: "passes", False: "refused"}))
beside_real("lesson11.gate", gate.drop("item-kNN"))

# %% [markdown]
# ALS passes with +0.051 [0.041, 0.059]. Popularity is worse, and six neighbors cannot be told apart from five. On real ml-latest-small the gate refuses ALS, too: +0.001 [−0.008, 0.011].
#
# Why refuse an equal run? Each change costs work and may break something, and under the rule “not worse” small losses add up. One equal candidate of forty passes by luck, so do not try variants until one passes.
#
# ## Shadow, then canary
#
# The gate judges lists that the notebook computed. A *shadow* answers requests inside the service; its answers are compared and not sent. A *canary* answers a small share of the users, always the same ones.
#
# ### Your turn: who is in the canary?
#
# Write `in_canary(user_id, share, salt)`: True for about this share of all users, the same in every process. A larger share keeps the users of a smaller one; another *salt*, a text, chooses other users. Hash salt and id with `hashlib`, and take the first bytes as a number.


# %%
def in_canary(user_id, share, salt):
    """Return whether a user belongs to a share of all users."""
    ...


check("lesson11.b", in_canary)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def in_canary(user_id, share, salt):
#     import hashlib
#
#     digest = hashlib.sha256(f"{salt}:{user_id}".encode()).digest()
#     return int.from_bytes(digest[:8], "big") / 2**64 < share
# ```
#
# In the service the salt is the run id by default, so each new model is tried on a new draw of users.
# </details>
#
# `POST /canary` starts both kinds. `/metrics` counts by run and *arm* (current, candidate or shadow), as text that the monitoring program Prometheus reads.

# %%
from prometheus_client.parser import text_string_to_metric_families


def count(name, **labels):
    """Return the sum of a metric over all samples with these labels."""
    families = text_string_to_metric_families(http.get(f"{url}/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(s.value for s in samples if labels.items() <= s.labels.items())


def try_out(name, rows, **options):
    """Start a trial, and return the answers to some users."""
    assert http.post(f"{url}/canary", json={"run_id": runs[name]} | options).status_code == 200
    return [ask(row) for row in rows]


def shadow_overlap(name, n):
    """Return the mean overlap of a shadow with `n` answers."""
    for _ in range(100):  # the last shadow is asked after the last answer
        if count("course_shadow_overlap_count", run_id=runs[name]) == n:
            break
        time.sleep(0.1)
    return count("course_shadow_overlap_sum", run_id=runs[name]) / n


everybody = np.flatnonzero(val.matrix.getnnz(axis=1))  # with validation films
answers = try_out("ALS", everybody, shadow=True, share=1)
print("answered by", {named(answer["run_id"]) for answer in answers})
overlap = shadow_overlap("ALS", len(everybody))
print(f"{overlap:.0%} of the films are recommended by the shadow, too")

# %% [markdown]
# ALS answers nobody yet, and would replace nearly half of the films. Now it answers a tenth of the users:

# %%
from course_utils.metrics import recall


def lists_of(answers):
    """Return the columns of the films that were sent, a row for each answer."""
    lists = np.full((len(answers), 10), -1)
    for place, answer in enumerate(answers):
        lists[place, : len(answer["films"])] = columns(answer)
    return lists


answers = try_out("ALS", everybody, share=0.1, salt="lesson 11")
arm = np.array([named(answer["run_id"]) for answer in answers])
found = recall(lists_of(answers), val.matrix[everybody])  # of what users liked next
arms = {name: found[arm == name] for name in np.unique(arm)}
for name, values in arms.items():
    print(f"{name}: {len(values)} users, recall {values.mean():.3f}")
error = 1.96 * np.sqrt(sum(values.var(ddof=1) / len(values) for values in arms.values()))
print(f"ALS − item-kNN: {arms['“ALS”'].mean() - arms['“item-kNN”'].mean():+.3f} ± {error:.3f}")
low, high = table.loc["ALS", ["difference_low", "difference_high"]]
print(f"at the gate: {table.loc['ALS', 'difference']:+.3f} ± {(high - low) / 2:.3f}")

# %% [markdown]
# 87 of the 951 users see ALS. The difference of the arms is +0.057 ± 0.045; the gate knew it to ± 0.009. So a canary finds failures and slow answers, not small gains. Where a candidate fails, the current run answers, and the failure is counted. A slow one delays everybody: try it as a shadow first, and watch `course_arm_seconds`.
#
# ## Promote, reload, roll back
#
# Without `move=False`, `promote` moves `latest`:

# %%
stopped = http.delete(f"{url}/canary")
print(decision_on("ALS"))

# %% [markdown]
# `POST /reload` makes the service look again. To roll back, `point` moves `latest` without a comparison. Is a request lost? Four threads ask all the time, while the service goes to ALS and back, twice:

# %%
from concurrent.futures import ThreadPoolExecutor

stop = False


def ask_until_told():
    seen = []
    while not stop:
        answer = http.get(f"{url}/recommend/{train.users[0]}")
        seen.append((answer.status_code, answer.json()["run_id"]))
    return seen


with ThreadPoolExecutor(4) as pool:
    asking = [pool.submit(ask_until_told) for _ in range(4)]
    for name in ("ALS", "item-kNN") * 2 + ("ALS",):
        artifacts.point(address, runs[name])
        assert http.post(f"{url}/reload").json()["run_id"] == runs[name]
    stop = True

seen = [one for future in asking for one in future.result()]
print("answered by", sorted({named(run) for _, run in seen}))
print("answers that were not 200:", sum(status != 200 for status, _ in seen))
assert all(answers_as_the_notebook(row) for row in range(20))

# %% [markdown]
# Every request was answered, with status 200. The service loads the new artifact beside the old one, checks it, and only then exchanges one reference. A broken run is refused:

# %%
key = f"lesson-11/runs/{runs['k = 6']}/model.npz"
whole = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
artifacts.point(address, runs["k = 6"])
s3.put_object(Bucket=bucket, Key=key, Body=whole[:1000])
refused = http.post(f"{url}/reload")
print(refused.status_code, named(refused.json()["detail"]).replace(bucket, "…"))
artifacts.point(address, runs["ALS"])

# %% [markdown]
# ## What no error shows
#
# Publish ALS twice more: as it is, and with each user id in the next user's row. Ask both as shadows, then the second as a canary for everybody.

# %%
from dataclasses import replace

publish("ALS, again", models[runs["ALS"]])
publish("shifted ids", models[runs["ALS"]], train=replace(train, users=np.roll(train.users, 1)))
some = everybody[:300]
for name in ("ALS, again", "shifted ids"):
    try_out(name, some, shadow=True, share=1)
    print(f"{name}: {shadow_overlap(name, len(some)):.0%} of the films as in the current run")


def failures():
    """Return how many fallbacks, errors and failures of a candidate were counted."""
    failed = count("course_answers_total", strategy="failed")
    return failed + count("course_fallbacks_total") + count("course_errors_total")


before = failures()
wrong = recall(lists_of(try_out("shifted ids", some, share=1)), val.matrix[some]).mean()
stopped = http.delete(f"{url}/canary")
print(f"fallbacks, errors and failures: {failures() - before:.0f}")
print(f"recall of what users liked next: {wrong:.3f}")
for name in ("ALS", "popularity"):
    print(f"{name} for the same users: {results[name].per_user['recall@10'].loc[some].mean():.3f}")

# %% [markdown]
# Users get each other's lists, and nothing fails: all ids are known, only permuted. Two numbers show it. The same model with right ids overlaps with the current run by 100 %, this one by 16 %. Recall of what users liked next falls from 0.204 to 0.062, below popularity's 0.130. These two runs carry no validation values; with them, `save` or `promote` would refuse, as the pairs differ. An id that goes wrong later, in the service, passes.
#
# ## Fresh likes
#
# Users go on liking films, while the service knows the histories of the artifact: *train/serve skew*. Of each user's five validation films, take the first three as liked since training and the last two as the future. `POST /recommend` takes the fresh likes of a known user.

# %%
from course_utils.evaluation import mean_and_interval

order = split.val.sort_values("timestamp", kind="stable").groupby("user_id").cumcount()
order = order.reindex(split.val.index)
ids = {"users": train.users, "items": train.items}
fresh, following = encode(split.val[order < 3], **ids), encode(split.val[order >= 3], **ids)


def ask_with(row):
    """Return the service's answer for a row, given its fresh likes."""
    likes = train.items[fresh.matrix[row].indices].tolist()
    body = {"user_id": int(train.users[row]), "liked": likes, "why": False}
    return http.post(f"{url}/recommend", json=body).json()


rows = np.flatnonzero(following.matrix.getnnz(axis=1))
history = train.matrix.maximum(fresh.matrix)[rows]
lists = {
    "ignored": lists_of([ask(row) for row in rows]),
    "only filtered": models[runs["ALS"]].recommend(rows, history, N=10)[0],  # in the notebook
    "sent": lists_of([ask_with(row) for row in rows]),
}
liked, above, skew = fresh.matrix[rows].toarray() > 0, np.full(len(rows), np.nan), {}
for name, shown in lists.items():
    found = recall(shown, following.matrix[rows])
    gain, low, high = (part.item() for part in mean_and_interval((found - above)[:, None]))
    skew[f"fresh likes {name}"] = {
        "liked already": f"{np.take_along_axis(liked, shown, axis=1)[shown >= 0].mean():.1%}",
        "recall of the next": f"{found.mean():.3f}",
        "gain on the row above": f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]" if gain == gain else "–",
    }
    above = found
beside_real("lesson11.skew", pd.DataFrame(skew).T)

# %% [markdown]
# Where the service ignores fresh likes, 6.6 % of its slots hold a film that the user liked already. Filtering them raises recall of the next two by 0.006 [0.003, 0.010]. Where they are sent, ALS also solves for the user's vector anew, the half-step of [lesson 05](05_als.ipynb): another 0.025 [0.016, 0.034]. On real ratings it is 3.2 % of the slots, and gains of 0.010 [0.004, 0.017] and 0.012 [0.002, 0.022]. The test of twenty users above could not find this: both sides used the same old histories.
#
# ## What to log, and what drifts
#
# The service writes a line for each request:

# %%
import json

lines = [line for line in (folder / "service.log").read_text().splitlines() if line[:1] == "{"]
requests_seen = pd.DataFrame([json.loads(line) for line in lines])
requests_seen["run_id"] = requests_seen["run_id"].fillna("").map(named)
shown = requests_seen.drop_duplicates(["route", "arm", "run_id", "strategy"])
shown = shown[shown["route"].str.startswith("/recommend") & (shown["status"] == 200)]
shown[["route", "status", "arm", "run_id", "strategy"]].reset_index(drop=True)

# %% [markdown]
# There is also the time, `ms`, and a shadow's `overlap`. The run tells you whether clicks dropped with a new model. The log holds no user ids, films or search words: they say a lot about somebody, and logs are copied.
#
# A model ages. Watch two numbers at `/metrics`: the share of requests by unknown users (`course_fallbacks_total` of the route `/recommend/{user_id}`), and of likes on films outside the training data (`course_likes_total`). Here are both, counted in likes, for a model of the first half of all likes, over the second half:

# %%
in_time = positives.sort_values("timestamp", kind="stable")
half = len(in_time) // 2
known, later = in_time[:half], in_time[half:]
part = np.array(["first quarter", "second", "third", "last"])[
    np.arange(len(later)) * 4 // len(later)
]
drift = pd.DataFrame(
    {
        "likes of unknown users": ~later["user_id"].isin(known["user_id"]),
        "likes of unknown films": ~later["movie_id"].isin(known["movie_id"]),
    }
)
drift = drift.groupby(part, sort=False).mean().map("{:.0%}".format)
beside_real("lesson11.drift", drift)

# %% [markdown]
# Films drift: likes of unknown ones rise from 4 % to 17 %, on real ratings from 20 % to 48 %. Most likes are of unknown users from the first quarter on. Unknown users can send their likes. Unknown films wait for the next fit, or for [lesson 10](10_hybrids.ipynb).
#
# ## What does it cost?
#
# Measure first, with a thousand requests:

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Rising curve of the share of answers that came within a time, over milliseconds on a logarithmic axis. It is steep up to the median, which is marked, and flat at the top, where the time of 99 of 100 answers is marked further to the right."}}
from course_utils import plots

times, bodies, headers = [], [], []
processor = count("process_cpu_seconds_total")
for row in np.resize(everybody, 1000):
    start = time.perf_counter()
    answer = http.get(f"{url}/recommend/{train.users[row]}?n=10")
    times.append(1000 * (time.perf_counter() - start))
    bodies.append(len(answer.content))
    headers.append(sum(len(f"{key}: {value}\r\n") for key, value in answer.headers.items()) + 19)
seconds = count("process_cpu_seconds_total") - processor  # for a thousand requests
print(f"{seconds:.1f} ms of a core per request")
axes = plots.answer_times(times)


# %%
def two_digits(number):
    return float(f"{number:.2g}")


body, header = two_digits(np.mean(bodies)), two_digits(np.mean(headers))
print(f"body about {body:,.0f} bytes, headers about {header:,.0f}")

# %% [markdown]
# Ten of the thousand answers took longer than the upper mark, *p99*; a mean would hide them.
#
# ### Your turn: a bill on paper
#
# An answer has 1,500 bytes of body and 300 of headers. A service gives 100 million answers a month. What leaves AWS costs $0.09 a GB (10⁹ bytes), the first 100 GB are free. How many dollars is that?

# %%
answer_c = ...
check("lesson11.c", answer_c)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer_c = (100e6 * 1_800 / 1e9 - 100) * 0.09
# ```
#
# 180 GB leave, 80 of them are paid: $7.20.
# </details>
#
# `monthly_cost` multiplies all of it: cores for the busiest second, a load balancer, bytes, logs, training. Prices are rounded from AWS' list of 2025 for us-east-1, and 5 ms of a core per request are assumed; the cell above measures yours.

# %%
from course_cloud.scaling import Assumptions, monthly_cost

sizes = {"a class": 600, "1 million a day": 200_000, "100 million a day": 20_000_000}  # users
assumed = {n: Assumptions(users=users, answer_bytes=body + header) for n, users in sizes.items()}
dollars = pd.DataFrame({n: monthly_cost(case)["dollars"] for n, case in assumed.items()})[:-1]
dollars.loc["all"] = dollars.sum()
requests_a_month = pd.Series(sizes) * 5 * 30  # five lists a day for each user
dollars.loc["per million requests"] = dollars.loc["all"] / requests_a_month * 1e6
dollars[dollars.any(axis=1)].map(lambda x: f"{two_digits(x):,.{int(x < 10)}f}").rename_axis(None)

# %% [markdown]
# At a million requests a day, nearly all of the bill is the two cores that must be there anyway, and the balancer's hours. At 100 million, cores make up three quarters.
#
# ## The board
#
# The test set is opened once, with models fitted on train and validation together.

# %%
known = encode(split.train_and_val)
test = encode(split.test, users=known.users, items=known.items)
final = {
    "popularity": Popularity(),
    "item-kNN": ItemKNN(),
    "EASE": EASE(),
    "ALS": ALS(dtype="float64"),
}
results = {
    name: evaluate(m.fit(known.matrix), known.matrix, test.matrix, progress=False)
    for name, m in final.items()
}
beside_real("lesson11.board", board(results, "item-kNN"))

# %% [markdown]
# On the sample ALS beats item-kNN, which it replaced, by 0.040 [0.031, 0.048]. On real ratings the two cannot be told apart, +0.006 [−0.004, 0.016], and nothing was replaced.
#
# Leave nothing behind:

# %%
import shutil

http.close()
service.terminate()
service.wait(timeout=30)
log.close()
for found in list_keys(f"{address}/"):
    s3.delete_object(Bucket=bucket, Key=found.key)
shutil.rmtree(folder)
len(list_keys(f"{address}/"))

# %% [markdown]
# ## Check yourself
#
# **1. Over 900 users a candidate gains 0.012 recall. The differences of single users have a standard deviation of 0.20. What does the gate do?**
#
# <details><summary>a) It promotes, because the gain is above 0.</summary>
#
# The gain is. The lower end of its interval is not.
# </details>
#
# <details class="right"><summary>b) It refuses: the interval reaches below 0.</summary>
#
# Yes. The standard error is 0.20 / 30 = 0.0067, so the interval is 0.012 ± 0.013.
# </details>
#
# <details><summary>c) It refuses: single users differ by 0.20, more than 0.012.</summary>
#
# That is how far users differ. The mean of 900 users is 30 times as certain.
# </details>
#
# **2. All answers have status 200, no user is unknown, none is slow, and users complain that their lists are for somebody else. Which number shows it?**
#
# <details class="right"><summary>a) The recall of what users liked after they asked.</summary>
#
# Yes. Lists of somebody else hold fewer of a user's next likes.
# </details>
#
# <details><summary>b) The share of answers by popularity.</summary>
#
# All ids are known, so no answer is a fallback.
# </details>
#
# <details><summary>c) The validation recall in the artifact of the run.</summary>
#
# It was computed in the notebook, before the ids were mixed up.
# </details>
#
# **3. A canary runs at 10 %. Its users' hashes lie below 0.1. You raise it to 20 %. Who sees the new model now?**
#
# <details><summary>a) Another 20 % of the users, drawn anew.</summary>
#
# With the same salt each user keeps the same hash.
# </details>
#
# <details><summary>b) Each user, in one request of five.</summary>
#
# Then everybody would see two models in turn. The arm belongs to the user.
# </details>
#
# <details class="right"><summary>c) The first 10 %, and as many others.</summary>
#
# Yes. Whose hash is below 0.1 is also below 0.2.
# </details>
#
# **4. The new model turns out to be worse. What comes first?**
#
# <details><summary>a) Finding out why, with the logs.</summary>
#
# Meanwhile everybody gets its lists. The run can be studied later.
# </details>
#
# <details class="right"><summary>b) Moving <code>latest</code> back, and reloading.</summary>
#
# Yes. It takes seconds, and that state is known.
# </details>
#
# <details><summary>c) Fitting a better one and passing it through the gate.</summary>
#
# That takes longer. Meanwhile the worse one answers.
# </details>

# %% [markdown]
# ## What you learned
#
# - A model is arrays, ids and settings; a pickle is a program.
# - The gate passed ALS with +0.051 [0.041, 0.059] and refused one that cannot be told apart and a worse one; on real ratings it refused all three.
# - A shadow compares, a canary answers some users, and going back moves `latest`.
# - Shifted ids raised no error; overlap, 16 %, and recall of the next likes, 0.062, showed them.
# - Fresh likes that were sent raised recall from 0.178 to 0.209; ignored, they filled 6.6 % of the slots.
#
# Next: [When one machine is not enough](12_scaling_out.ipynb) measures how far one machine goes.

# %% [markdown]
# ## Going further
#
# **In a container.** The machine that serves has neither your Python nor your libraries, so you send them along. A *container image* is a file system with everything in it, made from a recipe. This is `deploy/Dockerfile` of the course:
#
# ```dockerfile
# # The service of lesson 11 as an image. From the root of the repository:
# #   docker build -f deploy/Dockerfile -t films .
# #   docker run -p 8000:8000 -e ARTIFACT=s3://your-bucket/models -e COURSE_RELOAD_TOKEN films
# FROM python:3.11-slim
#
# # What implicit computes with on several cores.
# RUN apt-get update \
#     && apt-get install -y --no-install-recommends libgomp1 \
#     && rm -rf /var/lib/apt/lists/*
#
# WORKDIR /app
# COPY pyproject.toml requirements.txt README.md LICENSE ./
# COPY course_utils course_utils
# COPY course_cloud course_cloud
# COPY data/sample data/sample
# COPY book/_generated/real book/_generated/real
# # The versions that the course is tested with; of S3 the client alone.
# RUN pip install --no-cache-dir --constraint requirements.txt ".[serve]" boto3
#
# # Whoever breaks in is nobody.
# RUN useradd --create-home films
# USER films
#
# EXPOSE 8000
# HEALTHCHECK --start-period=60s CMD \
#     ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"]
# # Credentials come from the machine's role and stand nowhere in here.
# CMD ["sh", "-c", "exec python -m course_cloud.serving \"${ARTIFACT:?}\" --host 0.0.0.0"]
# ```
#
# Four things in it are worth copying. The versions are those the course is tested with. The model is *not* in the image: it comes from the bucket at start, so a new model needs no new image. The process is not root. And no credentials are in it; on EC2 they come from the machine's role, of lesson 01's least privilege: read one prefix. (This page cannot build it: that needs Docker, and a registry to get Python from.)
#
# **On EC2** it takes an instance with Docker, a role that may read `s3://your-bucket/models/`, a security group that lets port 8000 in from the load balancer only, and the load balancer, which keeps the certificate for HTTPS and asks `/health`. `/reload` and `/canary` need a token, which you give the container as `COURSE_RELOAD_TOKEN`. The service closes a connection that brings no whole request within 10 seconds, and it refuses a request with more than 100 headers or more than 16 KB of them. It does not limit the number of connections; let the load balancer do that. Each process has its own copy of the model, so with two machines you reload both; the same users are in the canary on both. `--canary RUN --share 0.1 --shadow` starts a trial with the service.
#
# **To try it**, run `make serve` on your own computer and open the address that it prints: search films, press those you liked, and see what comes and why. `/openapi.json` says what can be asked.
#
# **The last fit.** A model fitted on train and validation together has no validation left, so no gate can judge it. Pass the same settings, fitted on train, through the gate; then move `latest` to the refit with `point`.
#
# **Perhaps you need no service.** Ten films for each user, computed at night, fit into one table in the bucket. A service pays when users come whom you do not know yet, or when the list depends on what they did a minute ago.
