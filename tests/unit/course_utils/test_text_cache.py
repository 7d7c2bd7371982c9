"""The cache of embeddings: it saves work, never changes an answer, and survives damage."""

import os
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from tiny_bert import save_tiny_bert

from course_utils.errors import CourseWarning
from course_utils.text import encode_texts
from course_utils.text.encoding import VectorCache
from course_utils.text.transformer import Transformer

VECTORS = {
    f"text {n} ü🎬": np.random.default_rng(n).normal(size=7).astype("f4") for n in range(1200)
}


@pytest.fixture
def cache(tmp_path):
    cache = VectorCache(tmp_path / "new", "revision", "mean")
    cache.write(VECTORS)
    return cache


def same(known, expected):
    return known.keys() == expected.keys() and all((known[t] == expected[t]).all() for t in known)


def test_what_was_written_is_read(cache):
    assert same(cache.read([*VECTORS, "another"]), VECTORS)
    assert VectorCache(cache.path.parent, "revision", "cls").read([*VECTORS]) == {}
    changed = {"text 0 ü🎬": np.ones(7, dtype="f4")}
    cache.write(changed)
    assert same(cache.read([*VECTORS]), VECTORS | changed)


def test_reading_what_is_not_there_makes_no_file(tmp_path):
    cache = VectorCache(tmp_path, "model")
    assert cache.read(["a"]) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_half_written_file_is_told_of_and_replaced(cache, share):
    size = cache.path.stat().st_size
    os.truncate(cache.path, int(share * size))
    with pytest.warns(CourseWarning, match=r"The cache of embeddings .* is damaged: it cannot be"):
        known = cache.read([*VECTORS])
    assert all((known[text] == VECTORS[text]).all() for text in known)
    cache.write(VECTORS)
    assert same(cache.read([*VECTORS]), VECTORS)


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_a_file_of_something_else(cache, content):
    cache.path.write_bytes(content)
    if content:
        with pytest.warns(CourseWarning, match="is damaged"):
            assert cache.read([*VECTORS]) == {}
    else:
        assert cache.read([*VECTORS]) == {}
    cache.write(VECTORS)
    assert same(cache.read([*VECTORS]), VECTORS)


def test_a_changed_vector_is_noticed(cache):
    with sqlite3.connect(cache.path) as database:
        database.execute("UPDATE vectors SET vector = zeroblob(28) WHERE rowid = 3")
    database.close()
    with pytest.warns(CourseWarning, match="1 of its vectors cannot be read"):
        known = cache.read([*VECTORS])
    assert len(known) == len(VECTORS) - 1
    assert all((known[text] == VECTORS[text]).all() for text in known)


def test_a_process_that_dies_while_writing_leaves_what_was_there(cache):
    code = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1])\n"
        "database.execute('PRAGMA cache_spill = 1'); database.execute('PRAGMA cache_size = 1')\n"
        "database.execute('UPDATE vectors SET vector = zeroblob(28)')\n"
        "os._exit(1)"
    )
    run = subprocess.run([sys.executable, "-c", code, cache.path], check=False)
    assert run.returncode == 1
    assert cache.path.with_name(cache.path.name + "-journal").exists()  # it was in the midst of it
    assert same(cache.read([*VECTORS]), VECTORS)


def test_a_folder_that_cannot_be_made_is_no_matter(tmp_path):
    (tmp_path / "file").touch()
    cache = VectorCache(tmp_path / "file" / "folder", "model")
    cache.write(VECTORS)
    assert cache.read([*VECTORS]) == {}


def test_another_process_that_keeps_it_locked_is_no_matter(cache, monkeypatch):
    monkeypatch.setattr("course_utils.text.encoding.PATIENCE", 0.05)
    other = sqlite3.connect(cache.path)
    other.execute("BEGIN EXCLUSIVE")
    assert cache.read([*VECTORS]) == {}
    cache.write({"more": np.ones(7, dtype="f4")})
    other.close()
    assert same(cache.read([*VECTORS, "more"]), VECTORS)


@pytest.fixture
def read(monkeypatch):
    """Return the texts that a model had to read so far."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("torch", reason="torch is not installed")
    read, encode = [], Transformer.encode

    def watch(self, texts, *options):
        read.extend(texts)
        return encode(self, texts, *options)

    monkeypatch.setattr(Transformer, "encode", watch)
    return read


def test_texts_are_read_once(read, tmp_path, cache_home):
    bert = save_tiny_bert(tmp_path / "bert")
    first = encode_texts(["toy", "sea war", "toy"], bert)
    assert read == ["toy", "sea war"]
    assert [*cache_home.rglob("*.sqlite")]  # in the user's cache
    again = encode_texts(["love", "sea war", "toy"], bert)
    assert read == ["toy", "sea war", "love"]
    assert (again[1:] == first[1:]).all()
    encode_texts(["toy"], bert, normalize=False)  # what is kept is not normalized
    moved = bert.rename(tmp_path / "moved")
    encode_texts(["toy"], moved)
    assert len(read) == 3
    encode_texts(["toy"], moved, "cls")
    encode_texts(["toy"], moved, precision="bfloat16")
    encode_texts(["toy"], moved, cache=tmp_path / "elsewhere")
    encode_texts(["toy"], moved, cache=False)
    assert read[3:] == ["toy"] * 4
    save_tiny_bert(moved, seed=1)  # other weights in the same folder
    encode_texts(["toy"], moved)
    assert read[7:] == ["toy"]


def test_a_damaged_cache_changes_no_vector(read, tmp_path):
    bert, texts = save_tiny_bert(tmp_path / "bert"), ["toy", "sea war", "love"]
    expected = encode_texts(texts, bert, cache=tmp_path / "kept")
    (file,) = (tmp_path / "kept").glob("*.sqlite")
    os.truncate(file, file.stat().st_size // 2)
    with pytest.warns(CourseWarning, match="what is missing is encoded again"):
        assert np.allclose(encode_texts(texts, bert, cache=tmp_path / "kept"), expected, atol=2e-6)
    assert len(read) == 6
    encode_texts(texts, bert, cache=tmp_path / "kept")
    assert len(read) == 6


def test_what_was_encoded_before_an_interruption_is_kept(read, tmp_path, monkeypatch):
    bert = save_tiny_bert(tmp_path / "bert")
    encode = Transformer.encode

    def interrupted(self, texts, *options):
        yield next(encode(self, texts, *options))
        raise KeyboardInterrupt

    texts = ["toy story of the sea", "war"]
    with monkeypatch.context() as patched:
        patched.setattr(Transformer, "encode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            encode_texts(texts, bert, batch_tokens=4)
    read.clear()
    encode_texts(texts, bert)
    assert read == ["war"]
