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
# # Object storage with S3
#
# You keep MovieLens in a bucket, read from it only what you need, and never type a key into a notebook.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/01_object_storage.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - say what a bucket, a key and a prefix are, and why there are no folders;
# - list, copy and remove objects with the AWS CLI and with boto3;
# - read a table from S3 into pandas, and move a fraction of its bytes;
# - bring back what somebody deleted, and say what a month costs;
# - read a policy, and keep credentials where they belong.
#
# **What you need first**: Python and a little pandas. No AWS account.
#
# **How long it takes**: about 75 minutes.

# %% tags=["setup"] extra="s3"
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:  # on Colab, say
    course = "course-utils[s3] @ https://github.com/your-org/movielens-course/archive/refs/heads/main.zip"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)
    importlib.invalidate_caches()

import course_utils

course_utils.setup()

# %% [markdown]
# ## A bucket is a dictionary
#
# S3, Amazon's object storage, keeps *objects*: bytes under a name, the *key*. Objects lie in a *bucket*. A Python dictionary is a fair model of one.

# %%
toy = {
    "films/movies.csv": b"movie_id,title\n1,Toy Story (1995)\n",
    "films/ratings.csv": b"user_id,movie_id,rating\n7,1,4.0\n",
    "films/old/ratings.csv": b"user_id,movie_id,rating\n",
    "notes.txt": b"Ask Ada about the tags.\n",
}

# %% [markdown]
# The slashes look like folders. They are not: a slash is a letter of the key like any other. What S3 offers instead is to list all keys that begin with a *prefix*.

# %%
[key for key in toy if key.startswith("films/r")]

# %% [markdown]
# No folder is called `films/r`, and the listing worked. Whatever shows you folders, the AWS console for instance, makes them up: it asks for a prefix, cuts each key at the next slash, and shows each beginning once.


# %%
def list_folder(keys, prefix):
    rests = [key.removeprefix(prefix) for key in sorted(keys) if key.startswith(prefix)]
    folders = {prefix + rest.split("/")[0] + "/" for rest in rests if "/" in rest}
    return sorted(folders), [prefix + rest for rest in rests if "/" not in rest]


list_folder(toy, "films/")

# %% [markdown]
# ## A server to practice on
#
# `connect` gives you a client of S3. If this machine has AWS credentials, it talks to AWS. If not, it starts a small S3 server on this very machine, and says so. That server is empty, and is gone when the notebook ends.

# %% tags=["nbval-ignore-output"]
from course_cloud.storage import connect

s3 = connect()

# %% [markdown]
# Every cell below is the same for both. To run this page on AWS, sign in and name a bucket that you may write to, before the notebook starts: `COURSE_BUCKET=your-bucket`. Everything stays under one prefix there, and the last section removes it. A second bucket of the same name with `-backup` after it comes and goes, too, so you need the right to make and delete buckets; in a class bucket, where you may only read, practice on the local server instead.
#
# Another server than AWS that speaks S3 (MinIO, Ceph, Swift) is named by `AWS_ENDPOINT_URL`.

# %%
import os

bucket = os.environ.get("COURSE_BUCKET", "movielens-practice")
backup = f"{bucket}-backup"
home = f"s3://{bucket}/lesson-01"


def make_bucket(name):
    try:
        s3.head_bucket(Bucket=name)
    except s3.exceptions.ClientError:  # it is not there yet
        region = s3.meta.region_name
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **({} if region == "us-east-1" else where))


make_bucket(bucket)
make_bucket(backup)
home

# %% [markdown]
# Bucket names are shared by everybody who uses S3, as names of websites are. On AWS, `movielens-practice` is most likely taken.
#
# Put the toy into the bucket, and ask the server the same question as before. With `Delimiter="/"` it does the cutting.

# %%
for key, data in toy.items():
    s3.put_object(Bucket=bucket, Key=f"lesson-01/toy/{key}", Body=data)

answer = s3.list_objects_v2(Bucket=bucket, Prefix="lesson-01/toy/films/", Delimiter="/")
folders = [found["Prefix"] for found in answer["CommonPrefixes"]]
keys = [found["Key"] for found in answer["Contents"]]
folders, keys

# %%
in_the_bucket = [f"lesson-01/toy/{key}" for key in toy]
assert (folders, keys) == list_folder(in_the_bucket, "lesson-01/toy/films/")

# %% [markdown]
# Your four lines and the server agree. Since folders are made up, there is nothing to create before you upload. What the console's "Create folder" makes is an object of zero bytes whose key ends in a slash. And "renaming a folder" copies every object below it and deletes the old ones.
#
# And a prefix is not a folder either. End it with a slash, or you get more than you meant:

# %%
releases = ["ml-1m/ratings.dat", "ml-10m/ratings.dat", "ml-100k/u.data"]
[key for key in releases if key.startswith("ml-1")]

# %% [markdown]
# ## A release in the bucket
#
# `publish_movielens` lays a release out as an instructor would for a class: every table as CSV and as Parquet, and a manifest with sizes and checksums, written last. The sample's people are simulated, so anybody may have it.

# %%
import pandas as pd

from course_cloud.storage import list_keys, publish_movielens
from course_utils.datasets import load_movielens

ml = load_movielens()
published = publish_movielens(ml.name, bucket, "lesson-01/data")
data = f"{home}/data/{ml.name}"

objects = pd.DataFrame(list_keys(f"{data}/"))
objects["file"] = objects["key"].str.rpartition("/")[2]
objects["MB"] = (objects["size"] / 1e6).round(2)
objects.set_index("file")[["MB"]]

# %% [markdown]
# Look at the two files of ratings: the same rows, and CSV takes several times the room.
#
# ## Two ways to say everything
#
# The AWS CLI is for the terminal, boto3 for programs. Both read the same settings and send the same requests, and you need both: one to look around, the other to build. A line that begins with `!` goes to the terminal.
#
# ### List

# %% tags=["nbval-ignore-output"]
# !aws s3 ls {data}/

# %%
answer = s3.list_objects_v2(Bucket=bucket, Prefix=f"lesson-01/data/{ml.name}/")
[found["Key"].rpartition("/")[2] for found in answer["Contents"]]

# %% [markdown]
# ### Copy one object
#
# From the bucket to a folder on this machine, and back under another key:

# %%
import shutil
from pathlib import Path

files = Path("lesson-01-files")
shutil.rmtree(files, ignore_errors=True)  # what an earlier run may have left
files.mkdir()

# %%
# !aws s3 cp {data}/movies.csv {files}/movies.csv --no-progress
# !aws s3 cp {files}/movies.csv {home}/copies/by-cli.csv --no-progress

# %%
s3.download_file(bucket, f"lesson-01/data/{ml.name}/movies.csv", f"{files}/movies.csv")
s3.upload_file(f"{files}/movies.csv", bucket, "lesson-01/copies/by-boto3.csv")

# %% [markdown]
# Within S3 you need not download at all. The server copies, and no byte passes through your machine:

# %%
source = {"Bucket": bucket, "Key": f"lesson-01/data/{ml.name}/movies.csv"}
copied = s3.copy_object(CopySource=source, Bucket=bucket, Key="lesson-01/copies/on-server.csv")
[found.key for found in list_keys(f"{home}/copies/")]

# %% [markdown]
# ### Copy a prefix
#
# S3 knows objects only, so "copy the folder" is a loop over a listing. The CLI writes it for you, and so does `copy_prefix`, many at a time. The CLI's lines come in the order in which its copies end, so they are sorted here.

# %%
# !aws s3 cp {data}/ {home}/by-cli/ --recursive --no-progress | sort

# %%
from course_cloud.storage import copy_prefix

copy_prefix(f"{data}/", f"{home}/by-python/")

# %% [markdown]
# A second call finds everything there, and copies nothing. That is what you want when the first one broke off in the middle. (`aws s3 sync` is the CLI's word for it.)

# %%
copy_prefix(f"{data}/", f"{home}/by-python/")

# %% [markdown]
# ### Copy between buckets
#
# Only the address changes. The bucket may belong to somebody else, as long as you may read the one and write the other.

# %%
# !aws s3 cp {data}/movies.csv s3://{backup}/movies.csv --no-progress

# %%
copied = s3.copy_object(CopySource=source, Bucket=backup, Key="movies.csv")
[found.address for found in list_keys(f"s3://{backup}")]

# %% [markdown]
# ### Remove
#
# There is no question whether you are sure, and no bin. `--dryrun` is the habit that saves you: it prints what would go.

# %%
# !aws s3 rm {home}/by-cli/ --recursive --dryrun | sort

# %%
# !aws s3 rm {home}/by-cli/ --recursive --quiet

# %%
for found in list_keys(f"{home}/by-python/"):
    s3.delete_object(Bucket=found.bucket, Key=found.key)

assert list_keys(f"{home}/by-python/") == []

# %% [markdown]
# ## A thousand keys, and then?
#
# One answer lists 1,000 keys at most. Code that was tried on a small bucket overlooks it, and drops data without an error. Make 1,005 small files and upload them: `upload_dir` sends many at a time.

# %%
from course_cloud.storage import download_dir, upload_dir

many = files / "many"
many.mkdir()
for user in range(1005):
    (many / f"user_{user:04}.csv").write_text(f"user_id\n{user}\n")

upload_dir(many, f"{home}/many", progress=False)

# %%
answer = s3.list_objects_v2(Bucket=bucket, Prefix="lesson-01/many/")
print(f"one request: {len(answer['Contents']):,} keys, more to come: {answer['IsTruncated']}")
print(f"list_keys: {len(list_keys(f'{home}/many/')):,} keys")

# %% [markdown]
# The way back is `download_dir`. It verifies every file, and never writes outside the folder that you name, whatever the keys are called. What is there already, it leaves alone: look at the second line.

# %%
print(download_dir(f"{home}/many", files / "back", progress=False))
print(download_dir(f"{home}/many", files / "back", progress=False))

# %% [markdown]
# ## Straight into pandas
#
# An object's body is a stream, and pandas reads streams. No file, no extra library:

# %%
body = s3.get_object(Bucket=bucket, Key=f"lesson-01/data/{ml.name}/ratings.csv")["Body"]
by_hand = pd.read_csv(body)
by_hand.head(3)

# %% [markdown]
# The columns are called as MovieLens' own CSV files call them; `load_movielens`, which you meet in the next lesson, calls them `user_id` and `movie_id` in every release.
#
# `read_table` does the same by address, for CSV, `.dat` and Parquet. If the connection breaks in the middle, it goes on where it broke; if the object changes meanwhile, it refuses to mix two versions.

# %%
from course_cloud.storage import read_table

ratings = read_table(f"{data}/ratings.csv")
assert ratings.equals(by_hand)

# %% [markdown]
# A key with a typing error is the most common mistake of all. The message says what the bucket has instead:

# %%
from course_utils.errors import StorageError

try:
    read_table(f"{data}/ratigns.csv")
except StorageError as error:
    print(error)

# %% [markdown]
# ## Move fewer bytes
#
# You want the mean rating, so one column of four. How many bytes does that move? boto3 tells you about every answer it gets; add up their lengths.

# %%
lengths = []
s3.meta.events.register(
    "after-call.s3.GetObject", lambda parsed, **_: lengths.append(parsed["ContentLength"])
)


def megabytes(key, columns=None):
    lengths.clear()
    read_table(f"{data}/{key}", columns, client=s3)
    return sum(lengths) / 1e6


# %%
moved = {
    "CSV, whole": megabytes("ratings.csv"),
    "CSV, one column": megabytes("ratings.csv", ["rating"]),
    "Parquet, whole": megabytes("ratings.parquet"),
    "Parquet, one column": megabytes("ratings.parquet", ["rating"]),
}

# %% mystnb={"image": {"alt": "Bar chart of the megabytes that one read of the ratings moves. CSV moves the same for the whole table and for one column; Parquet moves several times less for the whole table, and less still for one column."}}
from course_utils import plots

axes = plots.bytes_moved(moved)

# %% [markdown]
# From CSV, one column costs as much as all of them. In a CSV file the ratings stand between the other fields, row after row, so everything must come before a column can be picked out.
#
# Parquet keeps each column together, compressed, and says at the end of the file where each one lies. So a reader fetches the end first, and then asks for a range of bytes:

# %%
head = s3.get_object(
    Bucket=bucket, Key=f"lesson-01/data/{ml.name}/ratings.parquet", Range="bytes=-4"
)
head["Body"].read(), head["ContentRange"].partition("/")[0]

# %% [markdown]
# Those four bytes end every Parquet file. By asking for ranges, `read_table` gets one column without the others, at the price of a second request: first the end of the file, then the column. The bytes of each:

# %%
print("bytes of each request:", lengths)
share = moved["Parquet, one column"] / moved["CSV, one column"]
print(f"one column of Parquet moves {share:.0%} of what CSV moves")
assert (
    read_table(f"{data}/ratings.parquet", ["rating"])["rating"].mean()
    == ml.ratings["rating"].mean()
)

# %% [markdown]
# The look at the end takes the same few bytes of a table of any size, so the larger the table, the more you save.
#
# ## A link for somebody without an account
#
# A *presigned link* carries a signature and an end. Whoever has it can read that one object until then, with a browser or with pandas, without credentials.

# %%
from course_cloud.storage import presign

link = presign(f"{data}/movies.csv", expires=600)
pd.read_csv(link).head(2)

# %% [markdown]
# What is in it? Never print such a link into a notebook that you pass on: it works for everybody who sees it. Its parts are harmless by name.

# %%
from urllib.parse import parse_qs, urlsplit

parts = parse_qs(urlsplit(link).query)
print("parameters:", ", ".join(parts))
print("works for", parts["X-Amz-Expires"][0], "s")

# %% [markdown]
# The signature covers the key, the time and the operation. Change a letter of the key, and a real server refuses the link; the practice server of this page checks no signatures, so do not try it there. A link cannot outlive the credentials that signed it: with single sign-on, that is hours.
#
# ## Deleted by accident
#
# In a bucket with *versioning*, nothing is overwritten. Each upload adds a version, and deleting adds a marker that hides them.

# %%
s3.put_bucket_versioning(Bucket=backup, VersioningConfiguration={"Status": "Enabled"})
for text in (b"first draft", b"final"):
    s3.put_object(Bucket=backup, Key="essay.txt", Body=text)

gone = s3.delete_object(Bucket=backup, Key="essay.txt")
print([found.key for found in list_keys(f"s3://{backup}/essay")])

# %% [markdown]
# The essay is gone from the listing. Ask for the versions:

# %%
history = s3.list_object_versions(Bucket=backup, Prefix="essay.txt")
print(len(history["Versions"]), "versions and", len(history["DeleteMarkers"]), "marker")

# %% [markdown]
# Remove the marker, not the versions, and it is back:

# %%
s3.delete_object(Bucket=backup, Key="essay.txt", VersionId=gone["VersionId"])
s3.get_object(Bucket=backup, Key="essay.txt")["Body"].read()

# %% [markdown]
# The first draft is there as well, under a version id of its own:

# %%
for version in history["Versions"]:
    one = {"Key": "essay.txt", "VersionId": version["VersionId"]}
    print(s3.get_object(Bucket=backup, **one)["Body"].read(), "latest:", version["IsLatest"])

# %% [markdown]
# (The list is from before the marker went, so it calls neither the latest.) Old versions cost as much to store as new ones, which is why a bucket with versioning gets a *lifecycle rule* that deletes them after a month, say.

# %% [markdown]
# ## What does it cost?
#
# You pay for what lies there, for each request, and for what leaves AWS for the internet. The prices below are assumptions: AWS' list for us-east-1 as it was in 2025. Look them up before you rely on them, and pass your own.


# %%
def monthly_cost(
    stored_gb,
    reads,
    writes,
    gb_out,
    gb_month=0.023,
    per_1000_reads=0.0004,
    per_1000_writes=0.005,
    gb_leaving=0.09,
    gb_free=100,
):
    return {
        "storage": stored_gb * gb_month,
        "reads": reads / 1000 * per_1000_reads,
        "writes": writes / 1000 * per_1000_writes,
        "leaving AWS": max(0, gb_out - gb_free) * gb_leaving,
    }


# %% [markdown]
# Three months in the life of a class of 30, with 2 GB of tables in 500 files: everybody reads all of it once; one student's loop reads it a hundred times more; and somebody uploads a table cut into a million files, one for each user, which everybody reads.

# %%
costs = pd.DataFrame(
    {
        "a quiet month": monthly_cost(2, reads=30 * 500, writes=100, gb_out=30 * 2),
        "one loop too many": monthly_cost(2, reads=130 * 500, writes=100, gb_out=130 * 2),
        "a million files": monthly_cost(2, reads=30 * 10**6, writes=10**6, gb_out=30 * 2),
    }
).T
costs.round(2)

# %% mystnb={"image": {"alt": "Stacked bars of a month's cost in dollars for three scenarios. A quiet month costs next to nothing; one loop too many costs more, all of it for bytes that leave AWS; a million files cost most, for reads and writes."}}
axes = plots.monthly_bill(costs)

# %% [markdown]
# Storage is a matter of cents in all three. What costs is moving: bytes out of AWS, and requests when a table lies in too many pieces. A machine in the same region of AWS pays nothing for the bytes, so run there what reads a lot.
#
# ## Who may do what
#
# On AWS nobody may do anything that no *policy* allows. This one is for students: list and read what lies below `data/`, and nothing else. Read it aloud; it is meant to be readable.

# %%
arn = "arn:aws:s3:::uni-recsys-2027"
policy = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": arn,
            "Condition": {"StringLike": {"s3:prefix": "data/*"}},
        },
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"{arn}/data/*"},
    ],
}

# %% [markdown]
# Two statements, since listing is a right on the bucket and reading one on its objects. A condition narrows the first to a prefix. How AWS decides fits in a few lines: something must allow it, and nothing may deny it.

# %%
from fnmatch import fnmatchcase


def may(action, resource, prefix=""):
    effects = {
        s["Effect"]
        for s in policy["Statement"]
        if action in s["Action"]
        and fnmatchcase(resource, s["Resource"])
        and fnmatchcase(prefix, s.get("Condition", {}).get("StringLike", {}).get("s3:prefix", "*"))
    }
    return "Allow" in effects and "Deny" not in effects


pd.Series(
    {
        "list data/": may("s3:ListBucket", arn, prefix="data/ml-1m/"),
        "list everything": may("s3:ListBucket", arn),
        "read data/ml-1m/ratings.csv": may("s3:GetObject", f"{arn}/data/ml-1m/ratings.csv"),
        "read exams/2027.pdf": may("s3:GetObject", f"{arn}/exams/2027.pdf"),
        "delete data/ml-1m/ratings.csv": may("s3:DeleteObject", f"{arn}/data/ml-1m/ratings.csv"),
    },
    name="allowed",
).to_frame()

# %% [markdown]
# That is *least privilege*: the rights that the task needs, and no others. A student whose laptop is stolen with such rights loses you nothing. (The function leaves out much that the real rules know: wildcards in actions, other conditions, several policies at once.)
#
# ## Credentials
#
# A request to AWS is signed with a key and a secret. boto3 and the CLI look for them in one order: the environment, then the profile in `~/.aws/config`, which may lead to single sign-on, then the machine itself, if it runs in AWS and has a role. Nobody needs to pass them on, so nothing in this course takes a key as an argument. Where did this page's come from?

# %%
import boto3

boto3.session.Session().get_credentials().method

# %% [markdown]
# `env` is the environment: there the practice server has put two made-up words. On your own account, use *single sign-on* (SSO), once for each machine:
#
# ```bash
# aws configure sso          # once: asks for your organization's start page, writes ~/.aws/config
# aws sso login              # each morning: opens the browser, you sign in as you do elsewhere
# export AWS_PROFILE=course  # which profile to use, in this terminal
# ```
#
# `~/.aws/config` holds no secret, only where to sign in. What the sign-in brings lies in `~/.aws/sso/cache`, works for hours, and expires by itself. A long-lived key in `~/.aws/credentials` works until somebody notices that it has leaked.
#
# A notebook is the worst place for a key, because it keeps what you print. And deleting it is no cure. Here is a notebook with a made-up secret in an output; its author sees it, clears the output, and commits again.

# %%
import json
import subprocess

repository = files / "homework"
repository.mkdir()


def git(*words):
    who = ["-c", "user.name=you", "-c", "user.email=you@your-university.example"]
    command = ["git", "-C", repository, *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commit(outputs):
    cell = {"cell_type": "code", "source": "credentials.secret_key", "outputs": outputs}
    (repository / "homework.ipynb").write_text(json.dumps({"cells": [cell]}))
    git("add", "homework.ipynb")
    git("commit", "--quiet", "--message", "homework")


# %%
git("init", "--quiet")
commit(outputs=["'not-a-real-secret'"])
commit(outputs=[])
(repository / "homework.ipynb").read_text()

# %% [markdown]
# The file is clean. The repository is not:

# %%
git("show", "HEAD~1:homework.ipynb")

# %% [markdown]
# Everybody who clones the repository has that version, and there are programs that do nothing but search public repositories for keys. When a key leaks, act in this order:
#
# 1. **Deactivate** it, before you look for whose fault it is.
# 2. **Look** at what was done with it (CloudTrail), in every region.
# 3. **Delete** it, and use single sign-on instead of a new one.
# 4. **Take it out** of the notebook, and of the history if you can. This comes last, since only step 1 makes it worthless.
#
# `make test` of this course scans every file, the outputs of notebooks included.
#
# ## Leave nothing behind
#
# On AWS, what you forget costs money every month. A bucket must be empty before it can go, and with versioning "empty" includes old versions and markers.

# %%
shutil.rmtree(files)
for found in list_keys(f"{home}/"):
    s3.delete_object(Bucket=bucket, Key=found.key)

history = s3.list_object_versions(Bucket=backup)
for found in history.get("Versions", []) + history.get("DeleteMarkers", []):
    s3.delete_object(Bucket=backup, Key=found["Key"], VersionId=found["VersionId"])

s3.delete_bucket(Bucket=backup)
len(list_keys(f"{home}/"))

# %% [markdown]
# ## Check yourself
#
# **1. You list `s3://class/ml-1` and also get the objects of ml-10m. Why?**
#
# <details><summary>a) The bucket is damaged.</summary>
#
# No. It answered what you asked.
# </details>
#
# <details><summary>b) A prefix is a text, and "ml-10m/" begins with "ml-1".</summary>
#
# Yes. End the prefix with a slash when you mean one release: `s3://class/ml-1m/`.
# </details>
#
# <details><summary>c) Listings always include the parent folder.</summary>
#
# There are no folders, so there is no parent.
# </details>
#
# **2. You need the column `rating` of a 3 GB CSV in S3 every hour. What do you do?**
#
# <details><summary>a) Read it with <code>usecols=["rating"]</code>.</summary>
#
# pandas then keeps one column, but all 3 GB still come over the network. You have seen the two bars of equal length.
# </details>
#
# <details><summary>b) Write it once as Parquet, and read that column.</summary>
#
# Yes. One ranged request looks at the end of the file, a second brings the column, and that is all.
# </details>
#
# <details><summary>c) Cut it into one file for each user.</summary>
#
# Then each hour makes as many requests as there are users. The third bar of the bill shows where that leads.
# </details>
#
# **3. You find your own secret key in a notebook on GitHub. What comes first?**
#
# <details><summary>a) A commit that removes it.</summary>
#
# The history keeps it, and whoever searches for keys has it already.
# </details>
#
# <details><summary>b) Deactivating the key.</summary>
#
# Yes. From then on it is a text like any other.
# </details>
#
# <details><summary>c) Making the repository private.</summary>
#
# Copies and forks stay, and the key still works.
# </details>
#
# **4. Which of these credentials would you rather lose?**
#
# <details><summary>a) A session of single sign-on that may read one prefix.</summary>
#
# Yes. It ends within hours, and until then it reads what a class may read anyway.
# </details>
#
# <details><summary>b) The access key of an administrator, in <code>~/.aws/credentials</code>.</summary>
#
# It works until somebody notices, and it may do everything.
# </details>

# %% [markdown]
# ## What you learned
#
# - A bucket is a dictionary from keys to bytes. Folders are prefixes that a program draws.
# - A listing comes in pages of 1,000 keys. Use something that turns the pages.
# - Parquet lets you move the columns you need; CSV moves everything.
# - Versioning brings back what was deleted, for as long as you pay for it.
# - Requests and bytes that leave cost more than storage.
# - Credentials come from a sign-in that expires, carry few rights, and never stand in a notebook.
#
# Next: [Loading MovieLens](02_loading_movielens.ipynb) looks into the files themselves.
