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
# You take a model out of the notebook it was made in, put it where a program answers for it day and night, and bring yesterday's back when today's is worse.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/11_service.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - save a model with everything it needs, in files that cannot run code;
# - start a service in a process of its own, and show that it answers as the notebook does;
# - serve people whom the model has never seen, and say so in the answer;
# - exchange the model while requests come in, and roll back;
# - say what to log, what not to, and what a month on EC2 costs.
#
# **What you need first**: [Object storage with S3](01_object_storage.ipynb) and [ALS](05_als.ipynb).
#
# **How long it takes**: about 75 minutes.

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
# A notebook ends, and its variables end with it. What must survive? Take a factor model of three people and four films. All it learned is two tables of numbers, and a recommendation is their product.

# %%
import numpy as np

user_factors = np.array([[1.0, 0.2], [0.1, 0.9], [0.5, 0.5]])
item_factors = np.array([[0.9, 0.1], [0.8, 0.3], [0.1, 1.0], [0.2, 0.7]])
here = np.argsort(-(user_factors @ item_factors.T), axis=1)
here

# %% [markdown]
# Row by row, the films of each person, best first. NumPy writes several arrays into one file, `.npz`, which holds numbers, shapes and types, and nothing else.

# %%
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp(prefix="lesson-11-"))
np.savez(folder / "toy.npz", user_factors=user_factors, item_factors=item_factors)

# %% [markdown]
# The test of a saved model is a *fresh process*. It has none of your variables, so whatever you forgot to save is missing there.

# %%
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
# The same lists. Something is missing all the same: these are numbers of rows and columns. Which person is row 2, and which film is column 3? Without `train.users` and `train.items` a model recommends, and nobody knows what.
#
# ## Why not pickle
#
# Python has a module that saves any object in one line. Many a tutorial uses it for models. Here is a harmless file that somebody could send you:

# %%
import pickle


class Gift:
    def __reduce__(self):
        return print, ("code from the file is running",)


gift = pickle.dumps(Gift())

# %% [markdown]
# You only want to look at what is in it:

# %%
pickle.loads(gift)

# %% [markdown]
# A pickle is no list of numbers. It is a program that builds an object, and `loads` runs it: here it called `print`, and it could have called anything that Python can, with your rights. No check afterwards helps, because afterwards is too late. So a pickle is for yourself, from today until tomorrow. It is no file format for what comes from a bucket, a colleague or the internet, and a model downloaded as `.pkl` or `.joblib` is a program from a stranger.
#
# NumPy can put pickles into its files, for arrays of objects, and has refused to read them unless you ask for it. Leave it at that.

# %%
np.save(folder / "gift.npy", np.array([Gift()]), allow_pickle=True)
try:
    np.load(folder / "gift.npy")
except ValueError as error:
    print(error)

# %% [markdown]
# Nothing ran. The course saves arrays as `.npz`, tables as Parquet, settings as JSON, and embeddings as safetensors, a format made for weights. All four hold data only.
#
# ## A model and what belongs to it
#
# Now a real one. Measure it first, as in [lesson 06](06_evaluating_rankings.ipynb), so that the numbers travel with it. The people of the embedded sample are simulated; its films are real.

# %%
from course_utils.datasets import load_movielens
from course_utils.evaluation import evaluate
from course_utils.interactions import encode, to_implicit
from course_utils.models import ALS
from course_utils.splits import leave_last_out

ml = load_movielens()
split = leave_last_out(to_implicit(ml.ratings), n_test=5, min_train=5)
train = encode(split.train)
test = encode(split.test, users=train.users, items=train.items)
model = ALS(32, 0.01, alpha=1, dtype="float64").fit(train.matrix)
result = evaluate(model, train.matrix, test.matrix, k=10)
print(f"recall@10 {result.summary['recall@10']:.3f}")

# %% [markdown]
# `artifacts.save` writes an *artifact*: a folder with the model, the matrix it was fitted on with the ids of its rows and columns, the films, and the metrics. The folder appears whole or not at all, even if the machine stops in the middle.

# %%
from course_cloud import artifacts

about = {"dataset": ml.name, "split": "leave_last_out(n_test=5, min_train=5)"}
first = artifacts.save(
    folder / "model", model=model, train=train, movies=ml.movies, metrics=result.summary, **about
)
sorted(path.name for path in (folder / "model").iterdir())

# %% [markdown]
# The *manifest* says what this is. Half a year from now, somebody asks which settings, which data and which version of which library made the list on the screen. Here is the answer, or there is none.

# %%
print(first.model, first.settings, first.dataset, first.split, sep="\n")
print("versions of", ", ".join(sorted(first.versions)))

# %% [markdown]
# It also has the size and a checksum of every file. `load` compares them before it looks at anything else, and then gives you back a model that answers as before:

# %%
saved = artifacts.load(folder / "model")
ids, scores = model.recommend(0, train.matrix[0])
ids_again, scores_again = saved.model.recommend(0, saved.train.matrix[0])
assert (ids == ids_again).all()
assert (scores == scores_again).all()

# %% [markdown]
# Let one bit of the file with the factors turn over, as a bad disk does:

# %%
from course_utils.errors import ArtifactError

path = folder / "model" / "model.npz"
good = path.read_bytes()
path.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
try:
    artifacts.load(folder / "model")
except ArtifactError as error:
    print(str(error).replace(str(folder), "…"))
restored = path.write_bytes(good)

# %% [markdown]
# One bit, and the artifact is refused. A model with a wrong number in it would have answered as if nothing were the matter.
#
# A checksum finds accidents. It does not find an attacker, who would change the manifest as well; against those, decide who may write to the bucket.
#
# ## Into the bucket
#
# The machine that serves is another one than yours, so the artifact goes where both can reach it. `connect` gives you AWS where you are signed in, and the practice server of [lesson 01](01_object_storage.ipynb) otherwise.

# %% tags=["nbval-ignore-output"]
from course_cloud.storage import connect, list_keys

s3 = connect()

# %%
import os

bucket = os.environ.get("COURSE_BUCKET", "movielens-practice")
address = f"s3://{bucket}/lesson-11"
if "COURSE_BUCKET" not in os.environ:
    s3.create_bucket(Bucket=bucket)
first_run = artifacts.publish(folder / "model", address)


def names_in_bucket():
    keys = [found.key.removeprefix("lesson-11/") for found in list_keys(f"{address}/")]
    return [key.replace(first_run, "FIRST") for key in keys]


names_in_bucket()

# %% [markdown]
# (The run id is long, so it reads `FIRST` here. It begins with the time, so that later runs sort behind earlier ones.)
#
# Each run has a prefix of its own, and nothing in it is ever changed again. One small object, `latest.json`, names the run that counts. It is written last: whoever looks in the middle of an upload still finds the run before.
#
# ## A service, in a fresh process
#
# This command starts it. You could type it into a terminal; here Python does. It knows an address in S3 and nothing of this notebook.

# %%
import atexit
import socket

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

log = (folder / "service.log").open("w")
command = [sys.executable, "-m", "course_cloud.serving", address, "--port", str(port)]
service = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
ended_anyway = atexit.register(service.kill)  # should the notebook end before its last section

# %% [markdown]
# It fetches the latest run, checks it, and begins to answer at `/health`. Programs that watch over services ask there, and so do you until it is up.

# %%
import time

import requests

http = requests.Session()
http.trust_env = False  # no proxy can reach this machine
url = f"http://127.0.0.1:{port}"


def wait_for(service):
    for _ in range(600):
        try:
            return http.get(f"{url}/health", timeout=30).json()
        except requests.ConnectionError:
            assert service.poll() is None, (folder / "service.log").read_text()
            time.sleep(0.2)
    raise TimeoutError("the service does not answer")


health = wait_for(service)
assert health["run_id"] == first_run
{name: health[name] for name in ("status", "model", "dataset", "users", "search")}

# %% [markdown]
# Ask for three films for the first user of the matrix. Outside the notebook there are no rows and columns: the service takes the user id of MovieLens and answers with movie ids.

# %%
user = int(train.users[0])
answer = http.get(f"{url}/recommend/{user}", params={"n": 3}).json()
[(film["movie_id"], film["title"]) for film in answer["films"]]

# %% [markdown]
# Is it what the notebook says? Do not trust your eyes with this. Compare ten films for twenty people, ids and scores:

# %%
for row in range(20):
    films = http.get(f"{url}/recommend/{train.users[row]}?n=10").json()["films"]
    ids, scores = model.recommend(row, train.matrix[row], N=10)
    assert [film["movie_id"] for film in films] == train.items[ids].tolist()
    assert [film["score"] for film in films] == scores.tolist()

# %% [markdown]
# This is the most useful test that a service can have. What differs between notebook and service is most often not the model: it is an id taken for a row, a filter that one of the two forgot, or a list that was sorted once more.
#
# ## Somebody it does not know
#
# Sooner or later a user comes who was not there when the model was fitted. An error helps nobody, so the service falls back to what is popular. It does not pretend:

# %%
stranger = int(train.users.max()) + 1
answer = http.get(f"{url}/recommend/{stranger}", params={"n": 3}).json()
print(answer["strategy"], "-", answer["reason"].replace(str(stranger), "…"))

# %% [markdown]
# Without that line, a service whose user table is out of date looks healthy: every answer has ten films in it. With it, you can count the fallbacks.
#
# Somebody new who tells you a few films they liked is not cold any more. Send the ids; ALS works out a vector from them, with the films held fixed, as in [lesson 10](10_hybrids.ipynb). Here, three films that many people like:

# %%
liked = train.items[np.argsort(-np.diff(train.matrix.tocsc().indptr), kind="stable")[:3]]
answer = http.post(f"{url}/recommend", json={"liked": liked.tolist(), "n": 3}).json()
print("answered by the", answer["strategy"])
for film in answer["films"]:
    print(film["title"], "- because of", film["why"][0]["title"])

# %% [markdown]
# `why` lists the liked films that add most to the score, the `explain` of lesson 05. The notebook can check this too:

# %%
from scipy import sparse

columns = train.columns_of(liked)
history = sparse.csr_matrix((np.ones(3), (np.zeros(3, int), columns)), (1, len(train.items)))
ids, _ = model.recommend(len(train.users), history, N=3)
assert [film["movie_id"] for film in answer["films"]] == train.items[ids].tolist()

# %% [markdown]
# What is wrong with a request is said in one sentence, and the status tells whose fault it is: 4xx the asker's, 5xx the service's.

# %%
for path in ("/recommend/ada", f"/recommend/{user}?n=1000", "/similar/0"):
    refused = http.get(url + path)
    print(refused.status_code, refused.json()["detail"])

# %% [markdown]
# A limit of 100 films is no stinginess. Without limits one request can ask for everything, and all others wait.
#
# At `/` the service has a page to try it: search films, press those you liked, and see what comes and why. Run `make serve` on your own computer and open the address that it prints; `/docs` says what can be asked, and `/openapi.json` says so to programs.
#
# ## What to log
#
# A service writes a line for each request. Look at the last ones, the waiting for `/health` left out:

# %%
import json

import pandas as pd

lines = [line for line in (folder / "service.log").read_text().splitlines() if line[:1] == "{"]
requests_seen = pd.DataFrame([json.loads(line) for line in lines])
requests_seen = requests_seen[requests_seen["route"] != "/health"]
requests_seen.tail(5)[["route", "method", "status", "strategy"]].fillna("")

# %% [markdown]
# There is also how long it took, `ms`, and the run that answered. The run is the column that people forget: on the day the clicks drop, you want to know whether they dropped with a model.
#
# What is *not* there matters as much. The log has the route, `/recommend/{user_id}`, and no id; it has no films that anybody liked and no words that anybody searched for. What a person watches says a lot about them, logs are copied to many places, and they live long. Log what you need to run the service. If you want to learn from what people do, that is a data set of its own, with their consent, a purpose, and a day on which it is deleted.
#
# Lines are for looking into one case. To see how things are going, count. `/metrics` has the counts in the format of Prometheus, a program that collects them every few seconds and draws them.

# %%
counts = http.get(f"{url}/metrics").text.splitlines()
[line for line in counts if line.startswith(("course_fallbacks_total", "course_errors_total"))]

# %% [markdown]
# A counter appears when it first counts something, so there is no line for errors, of which there were none. Watch four things: requests, errors, the slowest of a hundred answers, and the share of fallbacks. A model that was saved with the wrong users makes no errors and is not slow. Only the last number moves.
#
# ## A second version
#
# You try more factors. Measured on the same split, is it better?

# %%
bigger = ALS(64, 0.01, alpha=1, dtype="float64").fit(train.matrix)
again = evaluate(bigger, train.matrix, test.matrix, k=10)
pd.Series(
    {"32 factors": result.summary["recall@10"], "64 factors": again.summary["recall@10"]}
).round(3)

# %% [markdown]
# Whether that difference is real is a question for lesson 06; here it stands for whatever you change. Save it, publish it, and ask the service for nothing but to look again:

# %%
artifacts.save(
    folder / "model", model=bigger, train=train, movies=ml.movies, metrics=again.summary, **about
)
second_run = artifacts.publish(folder / "model", address)
reloaded = http.post(f"{url}/reload").json()
assert reloaded["before"] == first_run
assert reloaded["run_id"] == second_run
films = http.get(f"{url}/recommend/{user}?n=10").json()["films"]
ids, _ = bigger.recommend(0, train.matrix[0], N=10)
assert [film["movie_id"] for film in films] == train.items[ids].tolist()

# %% [markdown]
# The new model answers, and nothing was restarted. The service loads the new artifact beside the old one, checks it, and only then exchanges one reference. A request that came before gets its answer from the old model, one that comes after from the new one. For that while it needs memory for both.
#
# `/reload` is not for everybody: without a token, only somebody on the same machine may.
#
# ## Back to yesterday
#
# Somebody calls: the lists are strange. You do not look for the reason now. You go back first, and look afterwards. The old run is still in the bucket, so going back is a matter of moving `latest`:

# %%
artifacts.point(address, first_run)
print(http.post(f"{url}/reload").json()["run_id"] == first_run)
films = http.get(f"{url}/recommend/{user}?n=10").json()["films"]
ids, _ = model.recommend(0, train.matrix[0], N=10)
assert [film["movie_id"] for film in films] == train.items[ids].tolist()

# %% [markdown]
# This works because runs are never changed and never written over. If a new model were saved over the old one under the same name, there would be nothing to go back to.
#
# What if the new run is broken? Cut the second one short, in the bucket, and reload:

# %%
key = f"lesson-11/runs/{second_run}/model.npz"
whole = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
artifacts.point(address, second_run)
s3.put_object(Bucket=bucket, Key=key, Body=whole[:1000])
refused = http.post(f"{url}/reload")
print(refused.status_code)
print(refused.json()["detail"].replace(first_run, "FIRST").replace(second_run, "SECOND"))

# %% [markdown]
# The service refuses it and goes on with the model it has. Nobody who asked in that moment noticed:

# %%
restored = s3.put_object(Bucket=bucket, Key=key, Body=whole)
assert http.get(f"{url}/health").json()["run_id"] == first_run

# %% [markdown]
# ## Not one request lost
#
# "Nobody noticed" can be tested. Four threads ask all the time, while the service changes to and fro between the two runs.

# %%
from concurrent.futures import ThreadPoolExecutor

stop = False


def ask_until_told():
    statuses = []
    while not stop:
        statuses.append(http.get(f"{url}/recommend/{user}").status_code)
    return statuses


with ThreadPoolExecutor(4) as pool:
    asking = [pool.submit(ask_until_told) for _ in range(4)]
    for run in (second_run, first_run) * 2:
        artifacts.point(address, run)
        assert http.post(f"{url}/reload").status_code == 200
    stop = True

statuses = [status for future in asking for status in future.result()]
assert len(statuses) > 20
print("answers that were not 200:", sum(status != 200 for status in statuses))

# %% [markdown]
# ## In a container
#
# Your machine has the right Python and the right libraries. The one that serves has neither, so you send them along: a *container image* is a file system with everything in it, made from a recipe. This is `deploy/Dockerfile` of the course:
#
# ```dockerfile
# # The service of lesson 11 as an image. From the root of the repository:
# #   docker build -f deploy/Dockerfile -t films .
# #   docker run -p 8000:8000 -e ARTIFACT=s3://your-bucket/models films
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
# Four things in it are worth copying. The versions are those the course is tested with. The model is *not* in the image: it comes from the bucket at start, so that a new model needs no new image. The process is not root. And no credentials are in it; on EC2 they come from the machine's role, of lesson 01's least privilege: read one prefix.
#
# (This page cannot build it: that needs Docker, and a registry to get Python from.)
#
# On EC2 it takes: an instance with Docker, a role that may read `s3://your-bucket/models/`, a security group that lets port 8000 in from the load balancer only, and the load balancer, which keeps the certificate for HTTPS and asks `/health`. From elsewhere `/reload` needs a token, which you give the container as `COURSE_RELOAD_TOKEN`. Each process answers with its own copy of the model, so with two machines you reload both.
#
# ## What does it cost?
#
# How large is an answer?

# %%
answer = http.get(f"{url}/recommend/{user}?n=10")
kilobytes = round(len(answer.content) / 1000)
print(f"about {kilobytes} kB")

# %% [markdown]
# And how long does it take, one after the other?

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Rising curve of the share of answers that came within a time, over milliseconds on a logarithmic axis. It is steep up to the median, which is marked, and flat at the top, where the time of 99 of 100 answers is marked further to the right."}}
from course_utils import plots

times = []
for _ in range(300):
    start = time.perf_counter()
    http.get(f"{url}/recommend/{user}?n=10")
    times.append(1000 * (time.perf_counter() - start))
axes = plots.answer_times(times)

# %% [markdown]
# Read it from the top: one answer of a hundred takes longer than the upper mark, and somebody who looks at ten pages a day meets it about every tenth day. Means hide such waits, so services are judged by a high percentile, *p99*.
#
# Much of that is spent in Python on both ends. `make bench` measures with several connections at once, beside a service that only says hello.
#
# The rest are assumptions, as in lesson 01: AWS' list for us-east-1 as it was in 2025. Look them up and pass your own. The first argument to doubt is how many requests a second one machine answers; put in what you measured on it.


# %%
def monthly_cost(
    requests,
    peak_factor=5,
    per_machine=100,
    at_least=2,
    machine_hour=0.0416,
    balancer_hour=0.0225,
    kb_answer=2,
    gb_leaving=0.09,
    gb_free=100,
    bytes_logged=150,
    gb_logged=0.50,
):
    per_second = requests / (30 * 24 * 3600)
    machines = max(at_least, -(-per_second * peak_factor // per_machine))
    return {
        "machines": machines * machine_hour * 24 * 30,
        "load balancer": balancer_hour * 24 * 30,
        "leaving AWS": max(0, requests * kb_answer / 1e6 - gb_free) * gb_leaving,
        "logs": requests * bytes_logged / 1e9 * gb_logged,
    }


# %% [markdown]
# `requests` is a month's. The busiest second has five times the mean, and there are never fewer than two machines, because one of them will fail. Three months: a class, a small shop with a million requests a day, and a hundred million a day.

# %%
months = {"a class": 1e5, "1 million a day": 30e6, "100 million a day": 3e9}
costs = pd.DataFrame({name: monthly_cost(n, kb_answer=kilobytes) for name, n in months.items()}).T
costs.round(0).astype(int)

# %% mystnb={"image": {"alt": "Stacked bars of a month's cost in dollars for a class, one million and one hundred million requests a day. The first two are nearly alike and small beside the third; the machines are the largest part of each."}}
axes = plots.monthly_bill(costs)

# %% [markdown]
# For a class and for the small shop, the two machines that must be there anyway cost most, and the model could be ten times as slow without changing the bill. Only in the last row do speed and the size of an answer pay. Divide it by its requests before you worry:

# %%
per_million = costs.sum(axis=1) / pd.Series(months) * 1e6
per_million.round(2).rename("dollars per million requests").to_frame()

# %% [markdown]
# The class pays most per request. Perhaps it does not need a service at all: ten films for each user, computed at night, fit into one table in the bucket, and reading a table needs no machine. A service pays when people come whom you do not know yet, or when the list depends on what they did a minute ago.
#
# ## Leave nothing behind

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
# **1. A colleague sends you `model.pkl` and says: "look into it before you use it." What do you do?**
#
# <details><summary>a) Load it, and look at the object.</summary>
#
# Loading is what runs it. By the time you look, it is done.
# </details>
#
# <details><summary>b) Load it on a machine without a network.</summary>
#
# Better, and still its code runs with your rights on that machine's files. And you know nothing about what it does tomorrow, with a network.
# </details>
#
# <details><summary>c) Ask for the arrays instead.</summary>
#
# Yes. Factors and ids as `.npz` and the settings as JSON are all that the model is.
# </details>
#
# **2. All answers have status 200, none is slow, and people complain that everybody sees the same films. Which number shows it?**
#
# <details><summary>a) The errors.</summary>
#
# A fallback is no error. There are none.
# </details>
#
# <details><summary>b) The share of answers by popularity.</summary>
#
# Yes. If it is near one, the service knows hardly anybody who asks: the artifact has other user ids than the shop, say.
# </details>
#
# <details><summary>c) The age of the artifact.</summary>
#
# It may explain it, when new users are many. But an old artifact that knows the users serves them.
# </details>
#
# **3. Why is `latest.json` written after all the other objects?**
#
# <details><summary>a) Because it is the smallest.</summary>
#
# Its size has nothing to do with it.
# </details>
#
# <details><summary>b) So that an upload that breaks off changes nothing for those who read.</summary>
#
# Yes. Until that one write they find the run before, whole; after it the new one, whole.
# </details>
#
# <details><summary>c) Because S3 lists keys in the order of the alphabet.</summary>
#
# It does, and it plays no part: readers do not list, they read that one object.
# </details>
#
# **4. The new model is worse. What comes first?**
#
# <details><summary>a) Finding out why.</summary>
#
# Meanwhile everybody gets its lists. The run is in the bucket; it can be studied at leisure.
# </details>
#
# <details><summary>b) Fitting a better one.</summary>
#
# That takes hours, and who says that it is better?
# </details>
#
# <details><summary>c) Moving <code>latest</code> back, and reloading.</summary>
#
# Yes. A minute's work, and the state afterwards is one you have seen before.
# </details>

# %% [markdown]
# ## What you learned
#
# - A model is arrays, ids and settings. A pickle is a program, and none of yours.
# - An artifact carries its films, its metrics, its versions and its checksums, and is refused when one bit is wrong.
# - The test of a service is that it answers as the notebook does, from a fresh process.
# - Unknown users get something sensible, and the answer says that it is a fallback, so that you can count them.
# - Runs are never written over. A small pointer moves forward, and back.
#
# Next: [When one machine is not enough](12_scaling_out.ipynb) measures how far one machine goes, and what comes after.
