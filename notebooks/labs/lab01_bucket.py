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
# # Lab 1: Bucket to DataFrame
#
# You take over a bucket that you know nothing about, and end with tables you can vouch for.
#
# [![Open in Colab](../../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/labs/lab01_bucket.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - say what lies in a bucket, however many keys it has;
# - copy a folder to another bucket without a byte passing through your machine;
# - read one column of a table in several files, and move little else;
# - publish a release that is there as a whole or not at all;
# - find what is wrong with a release, file by file and row by row.
#
# **What you need first**: [Object storage with S3](../01_object_storage.ipynb). No AWS account.
#
# **How long it takes**: two to three hours.
#
# **How it works**: each step has a cell to complete, where it says `...`. The cell with `check` below it tells you whether your answer is right, and if not, what to look at. It calls your code with other buckets than the page shows. You may try as often as you like.

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
# ## The story
#
# On Monday at nine, sixty students open their first notebook. Their data lie in a bucket that a colleague has filled over the years. The colleague has left, and now the bucket is yours. Is everything there? Is it what it should be? And what happens to a student who reads while you are still writing?
#
# You find out on the practice server of lesson 01, which runs on this machine and forgets everything when the notebook ends. This lab uses it even if you have an account: nothing here costs money, and nothing can be broken.

# %%
import hashlib
import json

import numpy as np
import pandas as pd

from course_cloud.storage import list_keys, local_s3, presign, publish_movielens, read_table
from course_labs import attempted, check, summary
from course_utils.datasets import load_movielens

s3 = local_s3().client()
bucket, backup = "movielens-class", "movielens-backup"
for name in (bucket, backup):
    s3.create_bucket(Bucket=name)

# %% [markdown]
# The colleague's bucket holds a release, as `publish_movielens` lays it out, and this and that. In the sample the ratings are simulated; with `COURSE_DATASET=ml-latest-small` they are real.

# %%
ml = load_movielens()
published = publish_movielens(ml.name, bucket, "releases", client=s3)
for key in ("releases/read me.txt", "releases/test/a.csv", "releases-2019/ratings.csv"):
    s3.put_object(Bucket=bucket, Key=key, Body=b"user_id,movie_id,rating\n")

# %% [markdown]
# Every function that you write here takes a `client` as its first argument and uses no other. On this page that is `s3`; a check passes the client of a server of its own, which counts requests and bytes.
#
# ## Step 1: What lies where? (2 points)
#
# Write `folder_sizes(client, bucket, prefix)`. It returns a dict with the bytes in each folder right below `prefix`, whatever is further down included: `{"test": 24}` for a folder `releases/test/` with one file of 24 bytes, when the prefix is `releases`. Objects that lie in no folder below the prefix count under the name `""`.
#
# The prefix may come with a slash at its end or without; both mean the folder. The empty prefix means the whole bucket. Expect more than a thousand keys.
#
# By hand, with four keys and the prefix `films`:
#
# | key | size | after the prefix | folder |
# | --- | --- | --- | --- |
# | `films/old/a.csv` | 10 | `old/a.csv` | `old` |
# | `films/old/deep/b.csv` | 20 | `old/deep/b.csv` | `old` |
# | `films/notes.txt` | 5 | `notes.txt` | `""` |
# | `films-2019/c.csv` | 40 | – | not below `films/` |
#
# so the answer is `{"old": 30, "": 5}`.
#
# <details><summary>Hint 1: all the pages</summary>
#
# `client.get_paginator("list_objects_v2").paginate(Bucket=…, Prefix=…)` gives one page after another. A page without keys has no `"Contents"`: `page.get("Contents", [])`. Or take `list_keys(address, client=client)`, which turns the pages for you.
# </details>
#
# <details><summary>Hint 2: cutting the key</summary>
#
# `key.removeprefix(folder).partition("/")` gives what stands before the slash, the slash itself, and the rest. If there is no slash, the second part is empty.
# </details>
#
# <details><summary>Hint 3: one slash, and sometimes none</summary>
#
# `prefix.rstrip("/") + "/"` has exactly one at its end. For the empty prefix that would be `/`, and no key begins with it.
# </details>


# %%
def folder_sizes(client, bucket, prefix):
    """Return the bytes in each folder right below a prefix, as a dict."""
    ...  # your code here


# %%
check("lab01.q1", folder_sizes)

# %% [markdown]
# What lies in the colleague's bucket?

# %%
if attempted(folder_sizes):
    for name, size in folder_sizes(s3, bucket, "releases").items():
        print(f"{name!r}: {size / 1e6:.1f} MB")

# %% [markdown]
# ## Step 2: A copy, before you touch anything (3 points)
#
# Write `copy_folder(client, bucket, prefix, to_bucket, to_prefix)`. It copies every object below `prefix` to another bucket, and returns how many. What follows the prefix stays as it is: with `prefix="films"` and `to_prefix="2027"`, the object `films/old/a.csv` is copied to `2027/old/a.csv`. An empty `to_prefix` means the root of the bucket.
#
# The server copies. No object is downloaded, nothing changes in the source, and what else lies in the target stays. Keys may hold spaces, percent signs and letters such as é.
#
# <details><summary>Hint 1: what copies?</summary>
#
# `client.copy_object(CopySource={"Bucket": …, "Key": …}, Bucket=…, Key=…)`: the first says where from, the others where to.
# </details>
#
# <details><summary>Hint 2: odd letters</summary>
#
# With `CopySource` as a dict, boto3 encodes the key as it must. Do not encode anything yourself.
# </details>
#
# <details><summary>Hint 3: may I use the course's own?</summary>
#
# Yes: `copy_prefix` of lesson 01 is a right answer, with `client=client`. Write the loop at least once, though; there is no better way to see that a folder is a loop over a listing.
# </details>


# %%
def copy_folder(client, bucket, prefix, to_bucket, to_prefix):
    """Copy every object below a prefix to another bucket; return how many."""
    ...  # your code here


# %%
check("lab01.q2", copy_folder)

# %%
if attempted(copy_folder):
    print(copy_folder(s3, bucket, f"releases/{ml.name}", backup, "before-monday"), "objects copied")
    print([found.key for found in list_keys(f"s3://{backup}/", client=s3)][:3], "…")

# %% [markdown]
# ## Step 3: One column, few bytes (3 points)
#
# A large table often lies in several files. Here are the ratings in three Parquet files of different lengths, with the whole as CSV beside them:

# %%
parts = np.split(np.arange(len(ml.ratings)), [len(ml.ratings) // 6, len(ml.ratings) // 2])
for n, rows in enumerate(parts):
    data = ml.ratings.iloc[rows].to_parquet(index=False)
    s3.put_object(Bucket=bucket, Key=f"parts/ratings/part-{n}.parquet", Body=data)
whole = ml.ratings.to_csv(index=False).encode()
s3.put_object(Bucket=bucket, Key="parts/ratings/ratings.csv", Body=whole)
[len(rows) for rows in parts]

# %% [markdown]
# Write `mean_rating(client, bucket, prefix)`. It returns the mean of the column `rating` over all Parquet files below the prefix, as one number. Other files lie there too, and do not count. Move at most a third of the bytes of the Parquet files.
#
# <details><summary>Hint 1: one column</summary>
#
# `read_table(address, ["rating"], client=client)` fetches the end of a Parquet file, which says where each column lies, and then the column. It takes what `list_keys` returns as an address, too.
# </details>
#
# <details><summary>Hint 2: a mean of means?</summary>
#
# The mean of 4 and 4 and 4 and of the single 1 is 3.25; the mean of their means is 2.5. Keep a sum and a number of rows, and divide at the end.
# </details>


# %%
def mean_rating(client, bucket, prefix):
    """Return the mean of the column `rating` over all Parquet files below a prefix."""
    ...  # your code here


# %%
check("lab01.q3", mean_rating)

# %%
lengths = []
s3.meta.events.register(
    "after-call.s3.GetObject", lambda parsed, **_: lengths.append(parsed["ContentLength"])
)
if attempted(mean_rating):
    print(f"yours: {mean_rating(s3, bucket, 'parts/ratings'):.3f}")
    print(f"pandas: {ml.ratings['rating'].mean():.3f}")
    print(f"you moved {sum(lengths) / len(whole):.0%} of the bytes that the CSV has")

# %% [markdown]
# ## Step 4: Whole or not at all (4 points)
#
# On Monday at nine the first students read while you may still be writing. A reader must be able to tell a whole release from half a one. The usual agreement: a *manifest* lists all files, and where it is, everything it lists is there. Here is one with a single entry, by hand:

# %%
data = "movie_id,title\n1,Amélie (2001)\n".encode()
entry = {"file": "movies.csv", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
print(json.dumps({"files": [{**entry, "rows": 1}]}, indent=2))

# %% [markdown]
# The title has an é: one character, two bytes. The size counts bytes.
#
# Somebody without an account reads an object through a presigned link. You use one without ever showing it:

# %%
link = presign(f"s3://{bucket}/releases/read me.txt", expires=60, client=s3)
pd.read_csv(link).columns.tolist()

# %% [markdown]
# Write `publish(client, bucket, prefix, tables)`, for a dict of tables such as `{"ratings": …, "movies": …}`. Below the prefix it writes
#
# - each table twice, as `ratings.csv` and as `ratings.parquet`, without the index;
# - `manifest.json`, of the form `{"files": [{"file": "ratings.csv", "size": …, "sha256": …, "rows": …}, …]}`: the name below the prefix, bytes, SHA-256 of the bytes as 64 hexadecimal digits, and rows of the table.
#
# At no moment may there be a manifest that is not true: not before all files are there, not when an upload is refused on the way, and not while the files of an earlier release are being replaced. If something is refused, the caller must hear of it: let the error through.
#
# It returns a presigned link to the manifest, which works for 600 seconds, for a colleague without an account. It does not print it.
#
# <details><summary>Hint 1: bytes first</summary>
#
# Size and checksum belong to the bytes that you upload, so make these first: `table.to_csv(index=False).encode()` and `table.to_parquet(index=False)`. Then `len(data)` and `hashlib.sha256(data).hexdigest()`, and `put_object(…, Body=data)`.
# </details>
#
# <details><summary>Hint 2: the order</summary>
#
# Delete the old manifest, write the files, write the new manifest. Deleting what is not there is no error in S3. And if the third upload fails, the last line is never reached.
# </details>
#
# <details><summary>Hint 3: the link</summary>
#
# `presign(address, expires=600, client=client)`.
# </details>


# %%
def publish(client, bucket, prefix, tables):
    """Publish tables with a manifest written last; return a link to the manifest."""
    ...  # your code here


# %%
check("lab01.q4", publish)

# %% [markdown]
# Publish the release anew, and let the colleague look at it through the link. The link itself stays in a variable.

# %%
if attempted(publish):
    tables = {"ratings": ml.ratings, "movies": ml.movies}
    link = publish(s3, bucket, "monday", tables)
    print(pd.DataFrame(pd.read_json(link)["files"].tolist())[["file", "rows"]])

# %% [markdown]
# ## Step 5: A damaged release (4 points)
#
# The release that the colleague laid out looked fine. This one was copied by hand one night, and students report odd things.

# %%
from course_cloud.storage.publish import publish_damaged

damaged = publish_damaged(ml.name, bucket, "by-hand", client=s3)

# %% [markdown]
# Write `audit(client, bucket, prefix)`. It compares what lies below the prefix with what `manifest.json` there says, and returns a list of pairs `(file, problem)`, in any order, with the names of the manifest:
#
# | problem | what it means |
# | --- | --- |
# | `"missing"` | the manifest lists it, and it is not there |
# | `"extra"` | it is there, also in a folder further down, and the manifest does not list it |
# | `"size"` | it has another size than listed |
# | `"content"` | it has the listed size, and another SHA-256 |
#
# Each file has one problem at most. A healthy release gives the empty list. Without a manifest, the only finding is `("manifest.json", "missing")`. Some files were uploaded in parts.
#
# <details><summary>Hint 1: two dicts</summary>
#
# One from names to what the listing says, one from names to what the manifest says. Their keys, as sets, give `missing` and `extra`; do not forget that the manifest does not list itself.
# </details>
#
# <details><summary>Hint 2: cheap before dear</summary>
#
# The listing knows all sizes. Read only a file of which the size is right.
# </details>
#
# <details><summary>Hint 3: is the ETag not a checksum?</summary>
#
# For an object that was uploaded in one piece it is the MD5 of its content, as the server stored it: also of a damaged content. For one in parts it is something else. Compute the SHA-256 from the bytes you read.
# </details>


# %%
def audit(client, bucket, prefix):
    """Return what is wrong with a release, as pairs of a file and a problem."""
    ...  # your code here


# %%
check("lab01.q5", audit)

# %%
if attempted(audit):
    for prefix in (f"releases/{ml.name}", damaged):
        print(f"{prefix}: {len(audit(s3, bucket, prefix))} findings")
    print(*sorted(audit(s3, bucket, damaged)), sep="\n")

# %% [markdown]
# ## Step 6: Row by row (2 points)
#
# `ratings.parquet` of the damaged release is not among the findings: its bytes are those that were published. That says nothing about what was published. Write `audit_rows(ratings, movies)`, for two tables of the course. It returns a dict with three numbers of rows, 0 where all is well:
#
# - `"unknown movie"`: ratings of a film that is not in `movies`;
# - `"rated twice"`: ratings too many, where somebody has rated a film more than once: of three, two are too many;
# - `"off the scale"`: ratings that are none of 0.5, 1, 1.5, …, 5, or missing.
#
# <details><summary>Hint</summary>
#
# `isin` and `duplicated` give a column of truths, `~` its opposite, and `.sum()` counts them. `duplicated` takes the columns to look at.
# </details>


# %%
def audit_rows(ratings, movies):
    """Return how many ratings are of an unknown movie, too many, or off the scale."""
    ...  # your code here


# %%
check("lab01.q6", audit_rows)

# %%
if attempted(audit_rows):
    for folder in (f"releases/{ml.name}", damaged):
        ratings = read_table(f"s3://{bucket}/{folder}/ratings.parquet", client=s3)
        movies = read_table(f"s3://{bucket}/{folder}/movies.parquet", client=s3)
        counts = audit_rows(ratings, movies)
        print(folder, {problem: int(count) for problem, count in counts.items()})

# %% [markdown]
# ## Your points

# %%
summary("lab01")

# %% [markdown]
# ## An open question
#
# No check answers this one; write half a page, with at least one number of your own.
#
# *Your `audit` reads nearly every byte of a release to say that it is whole. How many bytes does it move for this one, and how many would it move for a release of 1 GB that sixty students audit each morning? Who should audit, how often, and what could be had for fewer bytes without being fooled by a changed byte? And who audits the manifest?*
#
# <details><summary>Where to start</summary>
#
# Step 3 shows how to count bytes. S3 can compute a SHA-256 itself while an object is uploaded, and tells it on request without sending the content: look for `ChecksumAlgorithm` and `ChecksumMode` in boto3's manual. Think about what it protects you from, and from what it does not. Versioning, from lesson 01, is another way.
# </details>

# %% [markdown]
# ## What you learned
#
# - A folder is a prefix with one slash at its end, and whatever is done to it is a loop over all pages of a listing.
# - The server copies; a listing knows sizes; a range of bytes brings one column. Most reading can be saved.
# - Several objects become one by a manifest that is written last and deleted first.
# - Sizes and ETags do not tell whether a file is what it was; a checksum of your own does. It does not tell whether it ever was right.
#
# Next: [Loading MovieLens](../02_loading_movielens.ipynb) checks the tables themselves, and [Lab 2](lab02_neighbors.ipynb) makes neighbors of them.
