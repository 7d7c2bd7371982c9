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
# # Loading MovieLens
#
# You turn any release of MovieLens into the same tidy tables, and you learn to tell when you can trust them.
#
# [![Open in Colab](../book/images/colab.svg)](https://colab.research.google.com/github/your-org/movielens-course/blob/main/notebooks/02_loading_movielens.ipynb)

# %% [markdown]
# **What you will be able to do**
#
# - choose a release of MovieLens and say how it differs from the others;
# - read `::` files in latin-1 without corrupting a title;
# - check a table before you build on it, and read the message when a row is refused;
# - turn timestamps into dates without losing a day;
# - describe the four shapes of MovieLens data.
#
# **What you need first**: Python and a little pandas. [Object storage with S3](01_object_storage.ipynb) can wait.
#
# **How long it takes**: about 45 minutes.

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
# ## Which MovieLens?
#
# GroupLens, a research lab at the University of Minnesota, has published ratings from its film site [movielens.org](https://movielens.org) since 1998. There is not one MovieLens but a family of releases, and a paper's number means little until you know which release it is about.

# %%
import pandas as pd

from course_utils.datasets import RELEASES, load_movielens

pd.DataFrame(
    {
        name: {
            "year": release.year or "–",
            "files": {"100k": "tabs and pipes", "dat": "::", "csv": "CSV"}[release.layout],
            "encoding": release.encoding,
            "stars": "{:g} to {:g} by {:g}".format(*release.scale),
            "archive, MB": round(release.size / 1e6, 1) if release.size else "–",
        }
        for name, release in RELEASES.items()
    }
).T

# %% [markdown]
# Three columns of this table decide how you read a release:
#
# - **The files.** The oldest release separates fields by tabs and pipes, the next two by `::`, and everything since 2015 is CSV.
# - **The encoding.** How bytes become letters. Take it wrong and "Misérables" is garbled, or cannot be read at all.
# - **The stars.** Whole ones at first, half ones since ml-10m. A rating of 3.5 in ml-1m is an error; in ml-10m it is normal.
#
# The year tells you what a result is worth to others. A release with a year is frozen: download ml-1m today and you get what was published in 2003. `ml-latest` and `ml-latest-small` are remade now and then, so a result on them may not be comparable with last year's; of `ml-latest-small` the course accepts one edition, that of September 2018. The sample has neither year nor archive, because it comes with the course.

# %% [markdown]
# <div class="admonition important">
# <p class="admonition-title">The sample is simulated</p>
# <p><code>sample</code>, which this page shows unless you ask for another release, holds real film titles, years and genres, but the <strong>people and their ratings are simulated</strong>. It exists so that the course runs anywhere, at once and offline. It says nothing about what anybody thinks of a film.</p>
# </div>
#
# `load_movielens()` loads the release that the environment variable `COURSE_DATASET` names, and the sample when it names none.

# %%
ml = load_movielens()
ml

# %% [markdown]
# To run this very page on real ratings, set the variable before the notebook starts: `COURSE_DATASET=ml-latest-small`. In Colab, put `import os; os.environ["COURSE_DATASET"] = "ml-latest-small"` into a new first cell. The release is downloaded once, compared with the checksum that the course has on record, and kept in your user cache.
#
# ## The same tables, whatever the release
#
# A rating says who rated what, how, and when.

# %%
ml.ratings.head()

# %% [markdown]
# A movie has an id, a title as published, its genres, and a year, which `load_movielens` takes from the end of the title.

# %%
ml.movies.head()

# %% [markdown]
# Some titles look odd at first, with their article behind a comma:

# %%
ml.movies[ml.movies["title"].str.contains(", The ")].head(3)

# %% [markdown]
# That is how MovieLens sorts them, and the tables keep it so: a title you change is a title you can no longer look up.
#
# Users, tags and links exist in some releases only. Where a release has none, the table is `None`.

# %%
for table in ("ratings", "movies", "users", "tags", "links"):
    rows = getattr(ml, table)
    print(f"{table:8}", "none in this release" if rows is None else f"{len(rows):,} rows")

# %% [markdown]
# ## A `::` file by hand
#
# Before you trust a loader, read a file without one. Here are three lines of a `movies.dat` as they lie on disk: bytes, in latin-1, with two colons between fields.

# %%
movies_dat = (
    b"1::Toy Story (1995)::Animation|Children's|Comedy\n"
    b"73::Mis\xe9rables, Les (1995)::Drama|Musical\n"
    b"260::Star Wars: Episode IV - A New Hope (1977)::Action|Adventure|Fantasy|Sci-Fi\n"
)

# %% [markdown]
# A program that takes the bytes for UTF-8, as most do today, stops at the é:

# %%
try:
    movies_dat.decode("utf-8")
except UnicodeDecodeError as error:
    print(error)

# %% [markdown]
# In latin-1 every byte is one character, and `0xe9` is é.

# %%
rows = [line.split("::") for line in movies_dat.decode("latin-1").splitlines()]
by_hand = pd.DataFrame(rows, columns=["movie_id", "title", "genres"])
by_hand

# %% [markdown]
# Now the same with the loader. It takes a release from a folder, so you give it one: three movies, two people and four ratings, in the format of ml-1m.

# %%
from pathlib import Path

folder = Path("tiny/ml-1m")
folder.mkdir(parents=True, exist_ok=True)
(folder / "movies.dat").write_bytes(movies_dat)
(folder / "users.dat").write_text("1::F::25::10::00001\n2::M::35::0::00002\n")
ratings_dat = "1::1::5::978300760\n1::260::4::978300760\n2::73::3::978302109\n2::1::4::978301968\n"
(folder / "ratings.dat").write_text(ratings_dat)

tiny = load_movielens("ml-1m", data_home="tiny", download=False)
tiny.movies

# %% [markdown]
# The loader gives the titles and genres you split by hand. It also makes the ids integers and takes the year from the title.

# %%
assert tiny.movies["title"].tolist() == by_hand["title"].tolist()
assert tiny.movies["genres"].tolist() == by_hand["genres"].tolist()

# %% [markdown]
# ## The single-colon trick, and where it bites
#
# Ask pandas to split at `::` and it falls back to a reader written in Python, because its fast one splits at single characters only. Many notebooks stop there and wait. The trick that others use: split at a *single* colon and keep every second column.

# %%
import io

names = ["user_id", "movie_id", "rating", "timestamp"]

slow = pd.read_csv(io.StringIO(ratings_dat), sep="::", engine="python", names=names)
fast = pd.read_csv(io.StringIO(ratings_dat), sep=":", header=None, usecols=[0, 2, 4, 6])
fast.columns = names

assert slow.equals(fast)
fast

# %% [markdown]
# For `ratings.dat` the trick is right: between the colons there are only numbers. How much faster it is depends on your machine, so measure it there. This cell writes ratings you loaded as a `::` file and reads them both ways.

# %% tags=["nbval-ignore-output"]
from time import perf_counter

some = ml.ratings.head(100_000)
text = some.to_csv(sep=":", header=False, index=False).replace(":", "::")

start = perf_counter()
pd.read_csv(io.StringIO(text), sep="::", engine="python", header=None)
python_engine = perf_counter() - start

start = perf_counter()
pd.read_csv(io.StringIO(text), sep=":", header=None, usecols=[0, 2, 4, 6])
single_colon = perf_counter() - start

ratio = python_engine / single_colon
print(f"{len(some):,} rows: the python engine takes {ratio:.0f} times as long")

# %% [markdown]
# For `movies.dat` the trick is wrong, and it does not say so. Split the three movies above at single colons:

# %%
split_wrongly = [line.split(":")[0::2] for line in movies_dat.decode("latin-1").splitlines()]
pd.DataFrame(split_wrongly)

# %% [markdown]
# Star Wars has lost half of its title and all of its genres. No error, no warning: the table has rows and columns and looks like data. How many titles of your release hold a colon?

# %%
with_colon = ml.movies[ml.movies["title"].str.contains(":")]
share = len(with_colon) / len(ml.movies)
print(f"{len(with_colon)} of {len(ml.movies)} titles hold a colon, {share:.1%}")
with_colon["title"].head(3).to_list()

# %% [markdown]
# That is why the course reads the two files in two ways: `ratings.dat` fast, with a reader in C++ that splits at single colons and checks that nothing stands between a pair; `movies.dat` line by line, at `::` only.
#
# ## Types
#
# pandas stores every number in 8 bytes unless you tell it otherwise. No MovieLens id needs more than 4, and no rating more than the 7 digits of a `float32`. Timestamps keep their 8: those after January 2038 will not fit in 4.

# %%
ml.ratings.dtypes

# %%
defaults = ml.ratings.astype({"user_id": "int64", "movie_id": "int64", "rating": "float64"})
ours, theirs = (table.memory_usage(index=False).sum() for table in (ml.ratings, defaults))
print(f"{ours / 1e6:.1f} MB here, {theirs / 1e6:.1f} MB with pandas' defaults")
print(f"{1 - ours / theirs:.0%} saved")

# %% [markdown]
# The years are `Int16` with a capital I: an integer column that may have gaps. With a plain `int16`, a title without a year would be an error; with a float, 1995 would print as 1995.0.

# %%
no_year = ml.movies[ml.movies["year"].isna()]
print(f"{len(no_year)} titles have no year at their end")
no_year["title"].head(3).to_list()

# %% [markdown]
# In the sample every title has its year. Real releases have some without, a series such as "Babylon 5", and a model that uses the year has to cope.
#
# ## Checks before trust
#
# Four questions tell you whether a ratings table can be right. Ask them by hand once:

# %%
print("pairs that stand twice:      ", ml.ratings.duplicated(["user_id", "movie_id"]).sum())
print("ratings of unknown movies:   ", (~ml.ratings["movie_id"].isin(ml.movies["movie_id"])).sum())
print("values that are missing:     ", ml.ratings.isna().sum().sum())
print("ratings there are:           ", sorted(ml.ratings["rating"].unique().tolist()))

# %% [markdown]
# `load_movielens` asks them when it reads a release. A rating of an unknown movie is worth a warning; a missing value, a pair that stands twice in a frozen release, or a rating off the scale stops it. What it never does is repair: a loader that drops rows on its own decides about your data behind your back. Damage the tiny release and see:

# %%
from course_utils.errors import DataError

(folder / "ratings.dat").write_text(ratings_dat.replace("2::73::3::", "2::73::3.5::"))

try:
    load_movielens("ml-1m", data_home="tiny", download=False)
except DataError as error:
    print(error)

# %% [markdown]
# The message gives you the file, the line, the value and the rule it breaks. A field that is missing reads like this:

# %%
(folder / "ratings.dat").write_text(ratings_dat.replace("2::73::3::", "2::73::"))

try:
    load_movielens("ml-1m", data_home="tiny", download=False)
except DataError as error:
    print(error)

# %% [markdown]
# ## Dates and time zones
#
# A timestamp counts the seconds since midnight of 1 January 1970 in UTC, the time zone that clocks are compared with. Say both when you convert: that the numbers are seconds, and that they are UTC.

# %%
when = pd.to_datetime(ml.ratings["timestamp"], unit="s", utc=True)
print(f"from {when.min():%d %B %Y} to {when.max():%d %B %Y}")

# %% [markdown]
# Forget `unit="s"` and pandas takes the numbers for nanoseconds. Every rating then falls within the first seconds of 1970:

# %%
print(f"to {pd.to_datetime(ml.ratings['timestamp']).max():%d %B %Y, %H:%M:%S}")

# %% [markdown]
# Use your own time zone instead, as Python's `datetime.fromtimestamp` does, and ratings move to another day. In Tokyo, nine hours ahead, it happens to each rating given after 15:00 UTC. A split by date is then another split in every time zone.

# %%
in_tokyo = when.dt.tz_convert("Asia/Tokyo")
moved = (when.dt.date != in_tokyo.dt.date).mean()
print(f"{moved:.0%} of the ratings fall on another date in Tokyo than in UTC")

# %% [markdown]
# ## Four shapes you will meet again
#
# **The long tail.** Count the ratings of each film and sort. The first tenth of the films has several times its share; the many films at the end have a few ratings each. This is the shape that makes popularity a strong baseline, and recommending the rest worthwhile.

# %%
counts = ml.ratings["movie_id"].value_counts()
top = counts.head(round(len(counts) / 10))
print(f"the top 10% of the rated films hold {top.sum() / counts.sum():.0%} of the ratings")
print(f"{(~ml.movies['movie_id'].isin(counts.index)).sum()} films have no rating at all")

# %% mystnb={"image": {"alt": "Area chart of the number of ratings of each film, films sorted from the most to the least rated. The curve starts high, falls steeply and ends in a long flat tail; the top tenth of the films is shaded dark and labeled with its share of all ratings."}}
from course_utils import plots

axes = plots.long_tail(ml.ratings)

# %% [markdown]
# **Ratings per person.** The axis of the next figure is logarithmic: each step to the right multiplies. Half of the people are left of the median; the most active have rated ten times as much and more. A model that treats every rating alike listens to the most active tenth far more than to any other.

# %%
per_user = ml.ratings["user_id"].value_counts()
print(f"fewest {per_user.min()}, median {per_user.median():.0f}, most {per_user.max()}")

most_active = per_user.head(round(len(per_user) / 10))
print(f"the most active tenth gave {most_active.sum() / per_user.sum():.0%} of the ratings")

# %% mystnb={"image": {"alt": "Histogram of the number of ratings of each person on a logarithmic axis. It begins with its tallest bar at a sharp edge on the left and thins out to the right; a vertical line marks the median."}}
axes = plots.ratings_per_user(ml.ratings)

# %% [markdown]
# Notice the sharp edge at the left. In most releases everybody has at least 20 ratings, because GroupLens left out people with fewer. Real newcomers are not in the data at all.
#
# **The rating scale.** The mean lies well above the middle of the scale. One likely reason: people choose what they watch, and rate what they expected to like. A high mean is then not a happy audience but a selected one.

# %%
stars = ml.ratings["rating"]
print(f"mean {stars.mean():.2f}, share of 4 stars or more {(stars >= 4).mean():.0%}")

# %% mystnb={"image": {"alt": "Bar chart of the share of each rating from the lowest to the highest number of stars. Low ratings are rare, and four stars is among the most frequent; ratings of four stars or more are drawn darker."}}
axes = plots.rating_scale(ml.ratings)

# %% [markdown]
# **Activity over time.** Ratings do not come evenly. Neither do those of one person: many people sit down once, rate all they can think of within a day, and never come back.

# %%
times = ml.ratings.groupby("user_id")["timestamp"]
one_day = (times.max() - times.min()) < 24 * 60 * 60
print(f"{one_day.mean():.0%} of the people gave all their ratings within 24 hours")

# %% [markdown]
# At that pace several ratings fall into one second. For the people counted next, "the last film they rated" is a coin toss among two or more:

# %%
is_last = ml.ratings["timestamp"] == times.transform("max")
n_last = is_last.groupby(ml.ratings["user_id"]).sum()
print(f"{(n_last > 1).mean():.0%} of the people have several ratings at their last timestamp")

# %% mystnb={"image": {"alt": "Bar chart of the number of ratings in each month of the period. Activity is uneven: some months have many times the ratings of others."}}
axes = plots.activity_over_time(ml.ratings)

# %% [markdown]
# ## Check yourself
#
# **1. A colleague reads ml-1m with `pd.read_csv("movies.dat", sep=":", header=None, usecols=[0, 2, 4], encoding="latin-1")` and gets a table without an error. What is wrong with it?**
#
# <details><summary>a) Nothing: the trick that works for ratings.dat works here as well.</summary>
#
# No. It works for ratings because between two colons there are only numbers. Titles hold colons of their own.
# </details>
#
# <details><summary>b) The titles that hold a colon are cut, and their genres are lost.</summary>
#
# Yes. And nothing tells your colleague so. You find it by counting: the films without genres, or the titles without a year at their end.
# </details>
#
# <details><summary>c) The accents are garbled.</summary>
#
# They are right, because the encoding is given. Without it the reader stops at the first é, which is at least an error you can see.
# </details>
#
# **2. You load ml-1m, and the loader refuses line 731 of `ratings.dat` because of a rating of 3.5. What do you do?**
#
# <details><summary>a) Round it to 4 and go on.</summary>
#
# No. ml-1m holds whole stars only, so this file is not ml-1m as it was published. You cannot know what else is different.
# </details>
#
# <details><summary>b) Get the release again and compare its checksum.</summary>
#
# Yes. A release is frozen: one wrong line means that the file was changed, cut or mixed up with another release.
# </details>
#
# <details><summary>c) Drop the line: one of a million does not matter.</summary>
#
# The line may not matter; what made it does. Files rarely break in one place only.
# </details>
#
# **3. Two students split the same ratings "by date", one in Lima, one in Tokyo, and get different test sets. Why?**
#
# <details><summary>a) They used different random seeds.</summary>
#
# A split by date draws no random numbers.
# </details>
#
# <details><summary>b) They turned timestamps into dates in their local time zone.</summary>
#
# Yes. The same second falls on different dates in Lima and in Tokyo. Stay in UTC, and both get the same days.
# </details>
#
# <details><summary>c) Timestamps are rounded to days.</summary>
#
# They are seconds. It is the step from a second to a date that needs a time zone.
# </details>

# %% [markdown]
# ## What you learned
#
# - A result belongs to a release: name it, and prefer the frozen ones.
# - `load_movielens` gives the same tables for all of them, and refuses a row that cannot be right by file and line.
# - `::` in ratings may be read as two colons; in titles it may not.
# - Timestamps are seconds in UTC, and they tie.
# - Look for four shapes in any release: a long tail of films, a few very active people, a scale tilted to the good, and bursts in time.
#
# Next: [From ratings to interactions](03_interactions_and_splits.ipynb) turns the ratings into the matrix that every model of the course learns from.
