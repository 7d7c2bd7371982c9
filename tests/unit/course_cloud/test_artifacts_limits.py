"""Artifacts of wrong types or absurd sizes are refused in a sentence, before any is unpacked."""

import dataclasses
import io
import json
import os
import shutil
import struct
import time
import zipfile

import artifact_cases as cases
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from course_cloud import artifacts
from course_utils.errors import ArtifactError, DataError

FILMS, TRAIN = cases.movies(), cases.interactions()
IDS, N = FILMS["movie_id"].to_numpy(), len(FILMS)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original") / "model"
    cases.save(folder, embeddings=cases.embeddings())
    artifacts.load(folder)  # imports what reading needs
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


def refused(folder):
    """Return the sentence with which a folder is refused, which takes less than a second."""
    start = time.perf_counter()
    with pytest.raises(ArtifactError) as failed:
        artifacts.load(folder)
    assert time.perf_counter() - start < 1
    said = str(failed.value)
    assert said.endswith(".")
    assert "\n" not in said
    return said


def packed(table):
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def with_columns(**columns):
    return packed(pa.Table.from_pandas(FILMS.assign(**columns)))


def repeated(text, rows):
    """Return a column of one text, which Parquet stores once."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([text]))


def table(rows, **columns):
    ids = {"movie_id": np.arange(rows), "title": repeated("x", rows)}
    return packed(pa.table(ids | columns))


MANY, LONG = 60_000_000, "x" * 10**6
TABLES = {
    "many rows": (
        lambda: packed(pa.table({n: repeated("x", MANY) for n in ("movie_id", "title")})),
        "120,000,000 values or bytes are too many",
    ),
    "a long title, often": (
        lambda: table(10**6, title=repeated(LONG, 10**6)), "1,000,008,125,000 values or bytes",
    ),
    "zeros": (lambda: table(1, x=pa.array([np.zeros(MANY, "i1")])), "'x' holds list"),
    "lists": (lambda: with_columns(cast=[["a"]] * N), "the column 'cast' holds list"),
    "long binaries": (lambda: table(1, x=pa.array([b"x"], pa.binary(1))), "'x' holds fixed_size"),
    "many columns": (
        lambda: table(1, **{f"c{n}": [1] for n in range(9_000)}), "more than 1,048,576 bytes",
    ),
    "text ids": (lambda: with_columns(movie_id=IDS.astype(str)), "must be integers"),
    "float ids": (lambda: with_columns(movie_id=IDS * 1.0), "must be integers"),
    "no ids": (
        lambda: with_columns(movie_id=pd.array([None, *IDS[1:]], "Int64")), "none missing",
    ),
    "negative ids": (lambda: with_columns(movie_id=-IDS), "must be integers"),
    "large ids": (lambda: with_columns(movie_id=IDS.astype("u8") + 2**63), "must be integers"),
    "an id twice": (lambda: with_columns(movie_id=IDS // 2), "hold 50 twice"),
    "text years": (lambda: with_columns(year="1999"), "year of movie 100 in `movies` is '1999'"),
    "no year": (lambda: with_columns(year=np.inf), "is inf, not a whole number"),
    "half a year": (lambda: with_columns(year=1995.5), "is 1995.5, not a whole number"),
    "numbers as titles": (lambda: with_columns(title=range(N)), "title of movie 100 in"),
    "no title": (lambda: with_columns(title=[None, *FILMS.title[1:]]), "is nan, not a text"),
    "numbers as genres": (lambda: with_columns(genres=1.5), "genres of movie 100 in"),
    "a name twice": (
        lambda: packed(pa.Table.from_arrays([pa.array(IDS)] * 3, ["movie_id", "title", "title"])),
        "two columns of one name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_none_of_films_is_refused(folder, name):
    content, why = TABLES[name]
    (folder / "movies.parquet").write_bytes(content())
    cases.reseal(folder)
    assert why in refused(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("users", TRAIN.users.astype(str)),
        ("users", TRAIN.users * np.nan),
        ("users", -TRAIN.users),
        ("users", TRAIN.users // 2),
        ("users", TRAIN.users[:, None]),
        ("items", TRAIN.items * 1.0),
        ("items", TRAIN.items.astype("i8") + 2**31),
        ("dropped", np.inf),
        ("matrix.data", TRAIN.matrix.data * np.nan),
        ("matrix.shape", np.array([30, 2**62])),
        ("matrix.shape", np.array([30, np.nan])),
    ],
)
def test_ids_and_values_that_are_none_are_refused(folder, name, value):
    with np.load(folder / "train.npz") as found:
        arrays = dict(found) | {name: value}
    np.savez(folder / "train.npz", **arrays)
    cases.reseal(folder)
    refused(folder)


def archive(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as new:
        for name, content in members.items():
            new.writestr(name, content)
    return file.getvalue()


def npy(n):
    file = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": (n,)}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


def overlapping(n):
    """Return an archive whose members are all one, of which the directory has `n` entries."""
    content = bytearray(archive({f"{name:04}.npy": npy(1000) + bytes(8000) for name in range(n)}))
    at, size = content.index(b"PK\1\2"), len(content)
    while (at := content.find(b"PK\1\2", at + 1, size)) > 0:
        content[at + 42 : at + 46] = bytes(4)  # where the member begins
    return bytes(content)


def lying():
    """Return an archive whose only member claims 4 GB, in both places that say its size."""
    content = bytearray(archive({"a.npy": npy(2**29 - 20)}))
    for sign, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        place = content.index(sign) + at
        content[place : place + 4] = struct.pack("<I", 2**32 - 32)
    return bytes(content)


def tensors(shape, end):
    vectors = {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}
    header = json.dumps({"vectors": vectors}).encode()
    return struct.pack("<Q", len(header)) + header


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.npz", archive({"a.npy": npy(2**40)})),
        ("model.npz", archive({"a.npy": npy(2**22) + bytes(2**25)}, zipfile.ZIP_DEFLATED)),
        ("model.npz", archive({f"{n}.npy": b"" for n in range(20_000)})),
        ("model.npz", archive({"a.npy": archive({"b.npy": npy(0)})})),
        ("model.npz", archive({"/etc/x.npy": npy(0), "../y.npy": npy(0)})),
        ("model.npz", lying()),
        ("model.npz", overlapping(50)),
        ("embeddings.safetensors", tensors([40, 62_500_000_000], 10**13)),
        ("embeddings.safetensors", tensors([0, 10**15], 0)),
        ("embeddings.safetensors", struct.pack("<Q", 2**63) + b"{}"),
        ("model.json", b"[" + b"[]," * 6_000_000 + b"[]]"),
        ("metrics.json", b'{"kind":"Series","index":{"name":null,"values":[1]},'
         b'"columns":[{"name":"a","dtype":"U999999999","values":[1]}]}'),
        ("metrics.json", b'{"kind":"Series","index":{"name":null,"values":[1]},'
         b'"columns":[{"name":"a","dtype":"int8","values":[1%s]}]}' % (b"0" * 40)),
    ],
)  # fmt: skip
def test_what_is_small_and_claims_much_is_refused(folder, name, content):
    (folder / name).write_bytes(content)
    cases.reseal(folder)
    refused(folder)


def test_absurd_files_are_refused_unread(folder):
    manifest = artifacts.load(folder).manifest
    os.truncate(folder / "model.npz", 10**13)
    files = manifest.files | {"model.npz": {"bytes": 10**13, "sha256": "0" * 64}}
    listed = dataclasses.replace(manifest, files=files)
    (folder / "manifest.json").write_bytes(listed.to_json())
    assert "lists more than 17,179,869,184 bytes of model.npz" in refused(folder)
    os.truncate(folder / "manifest.json", 10**9)
    assert "larger than any manifest" in refused(folder)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"movies": FILMS.assign(year="1999")}, "is '1999', not a whole number"),
        ({"movies": FILMS.assign(year=True)}, "is True, not a whole number"),
        ({"movies": FILMS.assign(title=range(N))}, "is 0, not a text"),
        ({"movies": FILMS.assign(title=None)}, "is None, not a text"),
        (
            {"movies": FILMS.assign(movie_id=IDS.astype(str))},
            "movie ids of `movies` must be integers",
        ),
        ({"movies": FILMS.assign(genres=[["a|b"]] * N)}, r"is \['a|b'\], not texts without"),
        ({"movies": FILMS.assign(genres=[[1]] * N)}, r"is \[1\], not texts without"),
        ({"movies": FILMS.assign(genres=[{"War"}] * N)}, "is {'War'}, not texts without"),
        ({"movies": FILMS.assign(cast=[["a"]] * N)}, "the column 'cast' holds list"),
        ({"train": dataclasses.replace(TRAIN, users=TRAIN.users * np.nan)}, "The user ids of"),
        ({"train": dataclasses.replace(TRAIN, users=-TRAIN.users)}, "The user ids of `train` must"),
        ({"dataset": "x" * 2**20}, "larger than any manifest"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(tmp_path, options, why):
    with pytest.raises(DataError, match=why):
        cases.save(tmp_path / "model", **options)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "columns",
    [
        {"genres": [["Action", "War"]] * N},
        {"genres": [("Action", "War"), *[["Action", "War"]] * (N - 1)]},
        {"genres": pd.Categorical(FILMS.genres)},
        {"title": pd.Categorical(FILMS.title)},
        {"year": FILMS.year.astype(float)},
        {"movie_id": pd.array(IDS, "Int64"), "extra": pd.Categorical(IDS)},
    ],
)
def test_other_forms_of_the_same_table_are_loaded_as_they_are_shown(tmp_path, columns):
    before = FILMS.assign(**columns).copy()
    cases.save(tmp_path / "model", movies=before)
    loaded = artifacts.load(tmp_path / "model").movies
    assert [*loaded["genres"]] == [*FILMS["genres"]]
    assert [*loaded["title"]] == [*FILMS["title"]]
    assert loaded["year"].fillna(0).tolist() == FILMS["year"].fillna(0).tolist()
    pd.testing.assert_frame_equal(before, FILMS.assign(**columns))


def test_gaps_in_genres_and_years_stay_gaps(tmp_path):
    movies = FILMS.assign(genres=[None, np.nan, ["War"], [], *["War|Action"] * (N - 4)])
    cases.save(tmp_path / "model", movies=movies)
    loaded = artifacts.load(tmp_path / "model").movies
    assert loaded["genres"].isna().tolist()[:5] == [True, True, False, False, False]
    assert loaded["genres"].tolist()[2:5] == ["War", "", "War|Action"]
