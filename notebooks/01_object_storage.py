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
# - say what a bucket, a key and a prefix are;
# - list, copy and delete objects with the AWS CLI and boto3, thousands at a time;
# - read a table from S3 into pandas, and move a fraction of its bytes;
# - say what a month costs, and read a policy;
# - keep credentials where they belong.
#
# **What you need first**: Python and a little pandas. No AWS account.
#
# **How long it takes**: about 60 minutes.

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
# S3, Amazon's object storage, keeps *objects*: bytes under a name, the *key*. They lie in a *bucket*, which works like a Python dictionary.

# %%
toy = {
    "films/movies.csv": b"movie_id,title\n1,Toy Story (1995)\n",
    "films/ratings.csv": b"user_id,movie_id,rating\n7,1,4.0\n",
    "films/old/ratings.csv": b"user_id,movie_id,rating\n",
    "notes.txt": b"Ask Ada about the tags.\n",
}
by_hand = [key for key in toy if key.startswith("films/r")]
by_hand

# %% [markdown]
# To S3 a slash is a character like any other: there are no folders. S3 lists the keys that begin with a *prefix*, such as `films/r`.
#
# ## A server to practice on
#
# `connect` returns a client of S3. With credentials on this machine, it talks to AWS; without, to a small S3 server that it starts here and that ends with the notebook.

# %% tags=["nbval-ignore-output"]
from course_cloud.storage import connect

s3 = connect()

# %% [markdown]
# On AWS, sign in first and set `COURSE_BUCKET` to a bucket of your own. Other servers that speak S3 (MinIO, Swift) are named by `AWS_ENDPOINT_URL`.
#
# Up to "Going further", this page writes only below one random prefix, so its clean-up touches no file of yours.

# %%
import os
import secrets  # random even though setup() has fixed the seeds

named = os.environ.get("COURSE_BUCKET", "").strip().removeprefix("s3://").rstrip("/")
bucket = named or "movielens-practice"
if "run" not in globals():  # running this cell again keeps the prefix, and so the clean-up
    run = f"lesson-01-{secrets.token_hex(4)}"
home = f"s3://{bucket}/{run}"


def status_of(name):
    try:
        return s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"]
    except s3.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def make_bucket(name):
    region = s3.meta.region_name
    where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **({} if region == "us-east-1" else where))


# %%
from course_utils.errors import StorageError

status = status_of(bucket)
on_this_machine = "//127.0.0.1" in s3.meta.endpoint_url or "//localhost" in s3.meta.endpoint_url
if status == 404 and on_this_machine:
    print(f"There is no bucket {bucket} yet, so this cell makes it.")
    make_bucket(bucket)
elif status == 404:
    raise StorageError(f"There is no bucket {bucket}; name one of your own in COURSE_BUCKET.")
elif status == 403:
    raise StorageError(
        f"You may not use the bucket {bucket}: it belongs to somebody else, or your rights do not "
        "reach it; name a bucket of your own in COURSE_BUCKET."
    )
elif status != 200:
    raise StorageError(f"S3 answers {status} for the bucket {bucket}; sign in again, then rerun.")

# %% [markdown]
# 404 says that there is no such bucket, 403 that you may not look. Usually the bucket is then somebody else's, because all accounts share one set of bucket names. On AWS this page makes no bucket up to "Going further".
#
# Put the toy into the bucket, and ask the server the question from above:

# %%
for key, content in toy.items():
    s3.put_object(Bucket=bucket, Key=f"{run}/toy/{key}", Body=content)

answer = s3.list_objects_v2(Bucket=bucket, Prefix=f"{run}/toy/films/r")
assert [found["Key"].removeprefix(f"{run}/toy/") for found in answer["Contents"]] == by_hand

# %% [markdown]
# With `Delimiter="/"`, the server cuts each key at the first slash after the prefix:

# %%
answer = s3.list_objects_v2(Bucket=bucket, Prefix=f"{run}/toy/films/", Delimiter="/")
folders = [found["Prefix"].removeprefix(f"{run}/toy/") for found in answer["CommonPrefixes"]]
folders, [found["Key"].removeprefix(f"{run}/toy/") for found in answer["Contents"]]

# %% [markdown]
# One "folder" and two keys: the AWS console draws folders in this way, and "renaming a folder" copies and deletes every object below it. End the prefix with a slash when you mean a folder: `ml-1` also finds `ml-10m/`.
#
# ### Your turn: folders out of keys
#
# Write `list_folder(keys, prefix)`, which returns two lists, as the server did: the folders directly below the prefix, each once and with its slash; and the keys that have no slash after the prefix. Both keep the prefix in front.

# %%
from course_labs import check


def list_folder(keys, prefix):
    """Return the folders and the keys that lie directly below a prefix."""
    ...


check("lesson01.a", list_folder)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def list_folder(keys, prefix):
#     rests = [key.removeprefix(prefix) for key in keys if key.startswith(prefix)]
#     folders = {prefix + rest.split("/")[0] + "/" for rest in rests if "/" in rest}
#     return sorted(folders), sorted(prefix + rest for rest in rests if "/" not in rest)
# ```
#
# The set keeps each folder once. Only what follows the prefix is cut.
# </details>

# %% [markdown]
# ## A release in the bucket
#
# `publish_movielens` writes every table as CSV and as Parquet, then a manifest with sizes and checksums.

# %%
import pandas as pd

from course_cloud.storage import list_keys, publish_movielens
from course_utils.datasets import load_movielens

ml = load_movielens()
publish_movielens(ml.name, bucket, f"{run}/data")
data = f"{home}/data/{ml.name}"
sizes = {found.key.rpartition("/")[2]: found.size / 1e6 for found in list_keys(f"{data}/")}
pd.Series(sizes, name="MB").round(2).to_frame()

# %% [markdown]
# The same ratings take 2.32 MB as CSV and 0.46 MB as Parquet.
#
# ## Two ways to say everything
#
# The AWS CLI is for the terminal, boto3 for programs; both send the same requests. `!` sends a line to the terminal. The first line installs the AWS CLI where it is missing, and changes no other package:

# %% tags=["nbval-ignore-output"]
# !command -v aws > /dev/null || pip install --quiet --no-deps awscli colorama
# !aws s3 ls {data}/

# %% [markdown]
# ### Copy one object
#
# Here are both. To upload, swap the arguments of `cp`, or call `s3.upload_file`.

# %%
import tempfile
from pathlib import Path

files = Path(tempfile.mkdtemp())
# !aws s3 cp {data}/movies.csv "{files}/by-cli.csv" --quiet
s3.download_file(bucket, f"{run}/data/{ml.name}/movies.csv", f"{files}/by-boto3.csv")
assert (files / "by-cli.csv").read_bytes() == (files / "by-boto3.csv").read_bytes()

# %% [markdown]
# ### Copy a prefix
#
# Copying a "folder" is a loop over a listing. `aws s3 sync` writes it for you, and so does `copy_prefix`:

# %%
from course_cloud.storage import copy_prefix

print(copy_prefix(f"{data}/", f"{home}/copy/"))
print(copy_prefix(f"{data}/", f"{home}/copy/"))

# %% [markdown]
# The first call copied 7 objects, on the server. The second found all 7 and copied none, so repeating a copy that broke off is cheap.
#
# ### Remove
#
# S3 asks no question, and without versioning it has no bin; `--dryrun` prints what would go:

# %% tags=["nbval-ignore-output"]
# !aws s3 rm {home}/copy/ --recursive --dryrun

# %% [markdown]
# `delete_objects` takes up to 1,000 keys a request. It raises no error for a key that it could not delete, but lists it under `Errors`.


# %%
def delete(bucket, objects):
    """Delete up to 1,000 objects by one request; return those that the server refused."""
    try:
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        return answer.get("Errors", [])
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "MalformedXML", "SlowDown"):
            raise
        # Swift wants a checksum that boto3 no longer sends
        for one in objects:
            s3.delete_object(Bucket=bucket, **one)
        return []


copies = [{"Key": found.key} for found in list_keys(f"{home}/copy/")]
refused = delete(bucket, copies)
print(f"{len(copies)} keys, {len(refused)} refused, {len(list_keys(f'{home}/copy/'))} left")

# %% [markdown]
# ### Your turn: no more than a thousand
#
# Write `batches(keys, size)`: lists of at most `size` keys, none of them empty, that hold all keys in their order.


# %%
def batches(keys, size=1000):
    """Return the keys in lists of at most `size`."""
    ...


check("lesson01.b", batches)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def batches(keys, size=1000):
#     return [keys[start : start + size] for start in range(0, len(keys), size)]
# ```
#
# A slice that reaches beyond the end stops there.
# </details>

# %% [markdown]
# ## A thousand keys, and then?
#
# A listing also comes in pages of at most 1,000 keys. Code that overlooks this loses data without an error. Pages of 3 show it:

# %%
answer = s3.list_objects_v2(Bucket=bucket, Prefix=f"{run}/data/", MaxKeys=3)
print(f"one request: {answer['KeyCount']} keys, more to come: {answer['IsTruncated']}")

paginator = s3.get_paginator("list_objects_v2")
where = {"Bucket": bucket, "Prefix": f"{run}/data/"}
listing = paginator.paginate(**where, PaginationConfig={"PageSize": 3})
pages = [len(page["Contents"]) for page in listing]
print(f"paginator: {len(pages)} requests with {pages} keys")
assert sum(pages) == len(list_keys(f"{home}/data/"))

# %% [markdown]
# A *paginator* asks until nothing is left: 3 requests for 7 keys. `list_keys` and the CLI use one, too.
#
# ## Straight into pandas
#
# An object's body is a stream, which pandas reads. `read_table` does it by address, and continues where a connection broke off.

# %%
from course_cloud.storage import read_table

body = s3.get_object(Bucket=bucket, Key=f"{run}/data/{ml.name}/ratings.csv")["Body"]
ratings = pd.read_csv(body)
assert read_table(f"{data}/ratings.csv").equals(ratings)
ratings.head(3)

# %% [markdown]
# (These are the columns of MovieLens' own CSV files.)
#
# Most code passes the address to pandas, which hands Parquet to pyarrow's own S3 client:

# %%
from pyarrow.fs import S3FileSystem

one_column = pd.read_parquet(f"{data}/ratings.parquet", columns=["rating"])

server = S3FileSystem(endpoint_override=s3.meta.endpoint_url, region=s3.meta.region_name)
path = f"{bucket}/{run}/data/{ml.name}/ratings.parquet"  # without s3://
assert pd.read_parquet(path, columns=["rating"], filesystem=server).equals(one_column)
one_column.shape

# %% [markdown]
# The short form finds server and credentials in the environment; the long form names the server. `pd.read_csv("s3://…")` fails here: for text, pandas asks for s3fs, which does not go with a current boto3.
#
# ## Move fewer bytes
#
# For the mean rating you need one column of four. boto3 reports the length of every answer:

# %%
lengths = []
s3.meta.events.register(  # boto3 calls this after each answer; unique_id: once, if run again
    "after-call.s3.GetObject",
    lambda parsed, **_: lengths.append(parsed["ContentLength"]),
    unique_id="lengths",
)


def bytes_of(file, columns=None):
    """Read a table, and return the bytes that each request moved."""
    lengths.clear()
    read_table(f"{data}/{file}", columns, client=s3)
    return lengths.copy()


moved = {
    "CSV, whole": bytes_of("ratings.csv"),
    "CSV, one column": bytes_of("ratings.csv", ["rating"]),
    "Parquet, whole": bytes_of("ratings.parquet"),
    "Parquet, one column": bytes_of("ratings.parquet", ["rating"]),
}
for way, each in moved.items():
    print(f"{way:20} {each}")

# %% mystnb={"image": {"alt": "Bar chart of the megabytes that one read of the ratings moves. CSV moves 2.32 for the whole table and for one column; Parquet moves 0.46 for the whole table and 0.10 for one column."}}
from course_utils import plots

axes = plots.bytes_moved({way: sum(each) / 1e6 for way, each in moved.items()})

# %% [markdown]
# From CSV, one column moves the same 2,321,375 bytes as all four, since ratings stand between the other fields. Parquet keeps each column together and says in its *footer*, at the end of the file, where each lies. `read_table` makes two requests: the last 65,536 bytes, with the footer, then 31,610 bytes of the column. Together that is 4 percent of the CSV.
#
# The footer describes every *row group*, so it grows with their number:

# %%
import io

import pyarrow.parquet as pq


def footer_kb(rows_a_group):
    file = io.BytesIO()
    ml.ratings.to_parquet(file, row_group_size=rows_a_group)
    return pq.read_metadata(file).serialized_size / 1e3


{f"{rows:,}": f"{footer_kb(rows):.0f} KB" for rows in (100_000, 10_000, 1_000, 100)}

# %% [markdown]
# With 100 rows a group it takes 422 KB, nearly as much as the whole file above. Write few, large groups.
#
# ## What does it cost?
#
# You pay for storage, for requests, and for bytes that leave AWS. The prices are assumptions, AWS' list for us-east-1 in 2025; pass your own.


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
# Each of 30 students reads 2 GB in 500 files once. Then one student's loop reads them a hundred times more; then somebody cuts a table into a million files that everybody reads; at last the class keeps a terabyte.

# %%
costs = pd.DataFrame(
    {
        "a quiet month": monthly_cost(2, reads=30 * 500, writes=100, gb_out=30 * 2),
        "one loop too many": monthly_cost(2, reads=130 * 500, writes=100, gb_out=130 * 2),
        "a million files": monthly_cost(2, reads=30 * 10**6, writes=10**6, gb_out=30 * 2),
        "a terabyte": monthly_cost(1000, reads=30 * 500, writes=100, gb_out=30 * 2),
    }
).T
costs.round(2)

# %% mystnb={"image": {"alt": "Stacked bars of a month's cost in dollars for four scenarios. A quiet month costs 0.05. One loop too many costs 14.47, nearly all for bytes that leave AWS. A million files cost 17.05, for reads and writes. A terabyte costs 23.01, all for storage."}}
axes = plots.monthly_bill(costs)

# %% [markdown]
# Each month has its own reason: the terabyte costs 23.00 for storage, the loop 14.40 for bytes that leave, the million files 12.00 for reads and 5.00 for writes. The quiet month costs 0.05.
#
# A machine in the bucket's region pays nothing for bytes, unless they pass a NAT gateway, which charges for them; a gateway endpoint for S3 is free.
#
# ## Who may do what
#
# AWS allows nothing that no *policy* allows. This one lets students list and read what lies below `data/`:

# %%
from fnmatch import fnmatchcase

arn = "arn:aws:s3:::uni-recsys-2027"
in_data = {"StringLike": {"s3:prefix": "data/*"}}
policy = [
    {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": arn, "Condition": in_data},
    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"{arn}/data/*"},
]


def matches(statement, action, resource):
    return action in statement["Action"] and fnmatchcase(resource, statement["Resource"])


for action, key in [("Get", "data/u.item"), ("Delete", "data/u.item"), ("Get", "exams/2027.pdf")]:
    print(action, key, matches(policy[1], f"s3:{action}Object", f"{arn}/{key}"))

# %% [markdown]
# Listing is a right on the bucket, reading one on its objects, hence two statements. This is *least privilege*: the rights that the task needs, and no others. A thief of these rights deletes nothing and reads no exam, but can download `data/` in a loop at your expense: set a budget alarm. (The practice server enforces no policy.)
#
# ### Your turn: who may?
#
# A policy can also hold statements with `"Effect": "Deny"`. A request is allowed if at least one matching statement allows it and none denies it, in whatever order. Write `may(statements, action, resource)`.


# %%
def may(statements, action, resource):
    """Return whether the statements allow this action on this resource."""
    ...


check("lesson01.c", may)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# from fnmatch import fnmatchcase
#
#
# def may(statements, action, resource):
#     effects = {
#         statement["Effect"]
#         for statement in statements
#         if action in statement["Action"] and fnmatchcase(resource, statement["Resource"])
#     }
#     return "Allow" in effects and "Deny" not in effects
# ```
#
# Without a match the set is empty, so the answer is no.
# </details>

# %% [markdown]
# ## Credentials
#
# boto3 and the CLI look for the key and secret that sign a request in this order: the environment; the profile in `~/.aws/config`, if it names a role or single sign-on; the long-lived keys in `~/.aws/credentials`; the role of the machine, if it runs in AWS. Where did this page's come from?

# %%
import boto3

boto3.session.Session().get_credentials().method

# %% [markdown]
# `env` is the environment: the practice server put two made-up words there. On your own account, use *single sign-on*:
#
# ```bash
# aws configure sso          # once: asks for your organization's start page, writes ~/.aws/config
# aws sso login              # each morning: opens the browser, you sign in as you do elsewhere
# export AWS_PROFILE=course  # which profile to use, in this terminal
# ```
#
# The sign-in expires after hours; a key in `~/.aws/credentials` works until somebody notices the leak.
#
# A notebook keeps what you print, and git keeps every version, so clearing the output does not help. When a key leaks:
#
# 1. **Deactivate** it first.
# 2. **Look** in CloudTrail, in every region, at what was done with it. It logs reads and deletes of objects only where you switched data events on.
# 3. **Delete** it, and use single sign-on instead of a new one.
# 4. **Take it out** of the notebook and its history.
#
# ## Leave nothing behind
#
# A bucket may keep old versions, so the clean-up lists versions, page by page, and deletes them in batches. It asks for this run's prefix only.

# %%
import shutil

versions = s3.get_paginator("list_object_versions")


def versions_of_this_run():
    found = []
    for page in versions.paginate(Bucket=bucket, Prefix=f"{run}/"):
        found += page.get("Versions", []) + page.get("DeleteMarkers", [])
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]


ours = versions_of_this_run()
for start in range(0, len(ours), 1000):
    for error in delete(bucket, ours[start : start + 1000]):
        print("not deleted:", error["Key"], error["Code"])

shutil.rmtree(files, ignore_errors=True)
print(f"{len(ours)} versions found, {len(versions_of_this_run())} left")

# %% [markdown]
# ## Check yourself
#
# **1. How many requests does it take to list 2,500 objects, and then to delete them with `delete_objects`?**
#
# <details><summary>a) 2: one listing and one delete.</summary>
#
# Both end at 1,000 keys a request.
# </details>
#
# <details><summary>b) 2,503: three listings and 2,500 deletes.</summary>
#
# `delete_object` would need those; `delete_objects` takes many keys.
# </details>
#
# <details class="right"><summary>c) 6: three listings and three deletes.</summary>
#
# Yes. 2,500 / 1,000 = 2.5: two full requests and one of 500, twice.
# </details>
#
# **2. You need one column of a 3 GB CSV in S3 every hour. What do you do?**
#
# <details class="right"><summary>a) Write it once as Parquet, and read that column.</summary>
#
# Yes. One request brings the footer, and one more the column in each row group.
# </details>
#
# <details><summary>b) Read it with <code>usecols=["rating"]</code>.</summary>
#
# pandas keeps one column, but all 3 GB come over the network.
# </details>
#
# <details><summary>c) Cut it into one file for each user.</summary>
#
# Then you pay for many requests: see "a million files".
# </details>
#
# **3. `head_bucket` answers 403. What do you know?**
#
# <details><summary>a) The name is free, and you may create the bucket.</summary>
#
# The answer for that is 404.
# </details>
#
# <details class="right"><summary>b) You may not use it; most likely the bucket exists.</summary>
#
# Yes. It is somebody else's, or you lack a right.
# </details>
#
# <details><summary>c) Your bucket exists, and it is still empty.</summary>
#
# An empty bucket of yours answers 200.
# </details>
#
# **4. You find your own secret key in a notebook on GitHub. What comes first?**
#
# <details class="right"><summary>a) Deactivating the key.</summary>
#
# Yes. Only this makes every copy of it worthless.
# </details>
#
# <details><summary>b) A commit that removes it.</summary>
#
# The history keeps it for whoever searches for keys.
# </details>
#
# <details><summary>c) Making the repository private.</summary>
#
# Copies and forks stay, and it still works.
# </details>

# %% [markdown]
# ## What you learned
#
# - A bucket is a dictionary from keys to bytes, without folders.
# - Listings and deletes take 1,000 keys a request.
# - One column moved 0.10 MB from Parquet and 2.32 MB from CSV.
# - A month cost 23.01 for a terabyte, 17.05 for a million files and 14.47 for one loop.
# - Credentials expire, carry few rights, and never stand in a notebook.
#
# Next: [Loading MovieLens](02_loading_movielens.ipynb) looks into the files themselves.

# %% [markdown]
# ## Going further
#
# Optional: large files, settings of a whole bucket, old versions, links and copies. A setting replaces the one that was there, so these cells never touch your bucket. They make a bucket of their own, under a name with eight random characters, and refuse one that exists.

# %%
if "extra" not in globals():  # running this cell again makes no second bucket
    name = f"{bucket[:54]}-{secrets.token_hex(4)}"
    if status_of(name) != 404:
        raise StorageError(f"A bucket {name} exists already; run this cell again.")
    make_bucket(name)
    extra = name

# %% [markdown]
# ### Nobody from outside, and nothing forever
#
# *Block Public Access* overrules every policy and access list that would open a bucket to the public. AWS switches it on for new buckets; state it anyway. A *lifecycle rule* lets S3 clean up by itself: here old versions after 30 days, and the parts of uploads that broke off after 7.

# %%
names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
rule = {
    "ID": "clean-up",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
try:
    s3.put_public_access_block(
        Bucket=extra, PublicAccessBlockConfiguration=dict.fromkeys(names, True)
    )
    s3.put_bucket_lifecycle_configuration(Bucket=extra, LifecycleConfiguration={"Rules": [rule]})
    print(s3.get_public_access_block(Bucket=extra)["PublicAccessBlockConfiguration"])
    rules = s3.get_bucket_lifecycle_configuration(Bucket=extra)["Rules"]
    print([one["ID"] for one in rules])
except s3.exceptions.ClientError as error:  # Swift, for one
    print("This server has no such setting:", error.response["Error"]["Code"])

# %% [markdown]
# The practice server stores both settings and acts on neither. `put_bucket_lifecycle_configuration` replaces all rules of a bucket, so read those of a real one first, and send them along.
#
# ### Large files go in parts
#
# One request uploads 5 GB at most. From 8 MB on, boto3 cuts a file into parts by itself, sends several at a time, and repeats only the part that failed. Here is a file of 12 MiB with parts of 5 MiB, the smallest that S3 takes:

# %%
from boto3.s3.transfer import TransferConfig

parts = TransferConfig(multipart_threshold=5 * 2**20, multipart_chunksize=5 * 2**20)
s3.upload_fileobj(io.BytesIO(bytes(12 * 2**20)), extra, "large.bin", Config=parts)
about = s3.head_object(Bucket=extra, Key="large.bin")
about["ContentLength"], about["ETag"].strip('"').rpartition("-")[2]

# %% [markdown]
# 12 MiB went up in 3 parts: 5, 5 and 2 MiB. The ETag of such an object ends in their number, and is no MD5 of the content.
#
# ### An upload that broke off
#
# Begin an upload, send one part, and do not complete it:

# %%
upload = {"Bucket": extra, "Key": "broken.bin"}
upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
s3.upload_part(**upload, PartNumber=1, Body=bytes(5 * 2**20))

unfinished = s3.list_multipart_uploads(Bucket=extra)["Uploads"]
paid = [part["Size"] for part in s3.list_parts(**upload)["Parts"]]
print("keys:", [found.key for found in list_keys(f"s3://{extra}")])
print("unfinished uploads:", len(unfinished), "with parts of", paid, "bytes")
answer = s3.abort_multipart_upload(**upload)
# %% [markdown]
# No key shows the 5,242,880 bytes, which you pay for until `abort_multipart_upload` or the rule removes them.
#
# ### Deleted by accident
#
# In a bucket with *versioning*, nothing is overwritten. Each upload adds a version, and deleting adds a marker that hides them.

# %%
s3.put_bucket_versioning(Bucket=extra, VersioningConfiguration={"Status": "Enabled"})
for text in (b"first draft", b"final"):
    s3.put_object(Bucket=extra, Key="essay.txt", Body=text)

gone = s3.delete_object(Bucket=extra, Key="essay.txt")
history = s3.list_object_versions(Bucket=extra, Prefix="essay.txt")
print("keys:", len(list_keys(f"s3://{extra}/essay")))
print("versions:", len(history["Versions"]), "markers:", len(history["DeleteMarkers"]))

# %% [markdown]
# The essay is gone from the listing, and both versions are still there. Remove the marker, and the essay is back:

# %%
s3.delete_object(Bucket=extra, Key="essay.txt", VersionId=gone["VersionId"])
s3.get_object(Bucket=extra, Key="essay.txt")["Body"].read()

# %% [markdown]
# Old versions cost as much to store as new ones, hence the first half of the rule above.
#
# ### A copy that the server makes
#
# No byte passes through this machine. The source may lie in another bucket, as long as you may read it.

# %%
source = {"Bucket": extra, "Key": "essay.txt"}
s3.copy_object(CopySource=source, Bucket=extra, Key="copy.txt")
s3.get_object(Bucket=extra, Key="copy.txt")["Body"].read()

# %% [markdown]
# ### A link for somebody without an account
#
# A *presigned link* carries a signature and an end. Until then, whoever has it can read that one object without credentials, so never print one into a notebook that you pass on. A link ends at the latest with the credentials that signed it.

# %%
from urllib.parse import parse_qs, urlsplit

from course_cloud.storage import presign

link = presign(f"s3://{extra}/essay.txt", expires=600)
query = parse_qs(urlsplit(link).query)
print(", ".join(query), "· valid for", query["X-Amz-Expires"][0], "seconds")

# %% [markdown]
# The signature covers the key, the time and the operation. A real server refuses a link in which one letter was changed; the practice server checks no signatures.
#
# ### Remove the bucket
#
# A bucket must be empty before it can go, of old versions and markers too. The bucket was made above, in this run, and S3 refuses to delete it if anything is left.

# %%
found = []
for page in versions.paginate(Bucket=extra):
    found += page.get("Versions", []) + page.get("DeleteMarkers", [])

refused = delete(extra, [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found])
s3.delete_bucket(Bucket=extra)
print(
    f"{len(found)} versions deleted, {len(refused)} refused; the bucket answers {status_of(extra)}"
)
