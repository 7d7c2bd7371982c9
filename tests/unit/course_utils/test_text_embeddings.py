"""Embeddings, their files, and films found by meaning."""

import pickle
import struct

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from course_utils.errors import DataError
from course_utils.text import (
    Embeddings,
    TfidfEncoder,
    encode_texts,
    load_embeddings,
    movie_texts,
    save_embeddings,
    search,
)

IDS = np.array([50, 7, 31, 2])
VECTORS = np.arange(12, dtype=np.float64).reshape(4, 3)


def test_rows_follow_the_ids_asked_for():
    films = Embeddings(VECTORS, pd.Series(IDS), "a model", "cls")
    assert films.vectors.dtype == np.float32
    assert films.movie_ids.dtype == np.int32
    some = films.aligned([2, 50])
    assert some.vectors.tolist() == [[9, 10, 11], [0, 1, 2]]
    assert some.movie_ids.tolist() == [2, 50]
    assert (some.model, some.pooling) == ("a model", "cls")
    assert repr(some) == "Embeddings(2 films × 3, a model, cls)"
    assert len(films) == 4


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([7, 8, 9, 1, 3], r"4 of the 5 films have no embedding: movies 8, 9, 1, …"),
        ([7, 8], "1 of the 2 films have no embedding: movies 8;"),
        ([7, 7], "The id 7 stands twice in `movie_ids`"),
        ([7.5], "holds 7.5, which is no integer"),
    ],
)
def test_ids_that_do_not_match(ids, message):
    with pytest.raises(DataError, match=message):
        Embeddings(VECTORS, IDS).aligned(ids)


@pytest.mark.parametrize(
    ("vectors", "ids", "message"),
    [
        (VECTORS, IDS[:3], "There are 4 vectors and 3 movie ids"),
        (np.full((4, 3), 1e20), IDS, "The vector of movie 50 holds NaN"),
        ([[1], [1, 2], [1], [1]], IDS, "The vectors are no array of numbers"),
        (sparse.csr_matrix(VECTORS), IDS, r"a sparse matrix; give vectors.toarray\(\)"),
        (VECTORS[0], IDS[:3], "must be a table of numbers, films × dimensions"),
        (np.array([["a"]]), [1], "must be a table of numbers"),
        (np.where(VECTORS == 4, np.nan, VECTORS), IDS, "vector of movie 7 holds NaN or infinity"),
        (np.where(VECTORS == 9, 1e300, VECTORS), IDS, "vector of movie 2 holds NaN or infinity"),
        (VECTORS, [1, 2, 3, 1], "The id 1 stands twice"),
        (VECTORS, [1, 2, 3, -1], "holds -1, but needs ids"),
        (VECTORS, [1, 2, 3, 2**31], "holds 2147483648, but needs ids"),
    ],
)
def test_what_is_no_embedding(vectors, ids, message):
    with pytest.raises(DataError, match=message):
        Embeddings(vectors, ids)


def test_a_file_keeps_numbers_ids_and_origin(tmp_path):
    path = save_embeddings(tmp_path / "films.safetensors", VECTORS, IDS, model="m", pooling="cls")
    read = load_embeddings(path)
    assert (read.vectors == VECTORS).all()
    assert read.movie_ids.tolist() == IDS.tolist()
    assert (read.model, read.pooling) == ("m", "cls")
    assert load_embeddings(str(path), movie_ids=[31, 7]).vectors.tolist() == [[6, 7, 8], [3, 4, 5]]
    again = save_embeddings(path, read.aligned([2, 7]))  # in the place of the first
    assert load_embeddings(again).movie_ids.tolist() == [2, 7]
    assert load_embeddings(again).model == "m"
    assert [file.name for file in tmp_path.iterdir()] == ["films.safetensors"]
    save_embeddings(path, VECTORS, IDS)
    assert load_embeddings(path).model is None


@pytest.mark.parametrize("n", range(1, 40))
def test_no_length_of_the_header_is_taken_for_a_pickle(tmp_path, n):
    path = save_embeddings(tmp_path / "films", VECTORS, IDS, model="m" * 8 * n)
    assert load_embeddings(path).model == "m" * 8 * n


def test_others_can_read_the_file(tmp_path):
    from safetensors.numpy import load_file

    tensors = load_file(save_embeddings(tmp_path / "films.safetensors", VECTORS, IDS))
    assert sorted(tensors) == ["movie_ids", "vectors"]


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path, monkeypatch):
    path = save_embeddings(tmp_path / "films.safetensors", VECTORS, IDS)

    def full(self, content):
        self.touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            save_embeddings(path, VECTORS + 1, IDS)
    assert (load_embeddings(path).vectors == VECTORS).all()
    assert len([*tmp_path.iterdir()]) == 1


def test_what_cannot_be_saved(tmp_path):
    path = tmp_path / "films.safetensors"
    with pytest.raises(DataError, match="Vectors alone do not say whose they are"):
        save_embeddings(path, VECTORS)
    with pytest.raises(DataError, match="have movie ids of their own"):
        save_embeddings(path, Embeddings(VECTORS, IDS), IDS)
    with pytest.raises(DataError, match="movie 50 holds NaN"):
        save_embeddings(path, np.full((4, 3), np.nan), IDS)
    assert not path.exists()


def write(path, **tensors):
    from safetensors.numpy import save_file

    save_file(tensors, path)


def test_files_that_are_refused(tmp_path):
    path = tmp_path / "films.safetensors"
    with pytest.raises(DataError, match="There is no file"):
        load_embeddings(path)
    ids = IDS.astype(np.int32)
    write(path, vectors=VECTORS, movie_ids=np.append(ids[:3], 50).astype(np.int32))
    with pytest.raises(DataError, match=r"films.safetensors: The id 50 stands twice"):
        load_embeddings(path)
    write(path, vectors=np.full((4, 3), np.inf), movie_ids=ids)
    with pytest.raises(DataError, match=r"films.safetensors: The vector of movie 50 holds NaN or"):
        load_embeddings(path)
    write(path, vectors=VECTORS)
    with pytest.raises(DataError, match=r"holds no movie_ids, only vectors; it was not written by"):
        load_embeddings(path)
    save_embeddings(path, VECTORS, IDS)
    with pytest.raises(DataError, match="1 of the 2 films have no embedding: movies 8"):
        load_embeddings(path, movie_ids=[7, 8])


@pytest.mark.parametrize("cut", [0, 4, 60, -5])
def test_half_a_file(tmp_path, cut):
    path = save_embeddings(tmp_path / "films.safetensors", VECTORS, IDS)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match="is damaged, or no file of safetensors"):
        load_embeddings(path)


def test_a_header_that_promises_too_much(tmp_path):
    path = tmp_path / "films.safetensors"
    path.write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(DataError, match="is damaged"):
        load_embeddings(path)


class Dangerous:
    def __reduce__(self):
        return (pytest.fail, ("the pickle ran code",))


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "films.pt"
    path.write_bytes(pickle.dumps(Dangerous()))
    with pytest.raises(
        DataError, match=r"is a pickle or an archive .* which may run code when it is loaded"
    ):
        load_embeddings(path)
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.save({"vectors": torch.ones(2, 3)}, path)
    with pytest.raises(DataError, match="is a pickle"):
        load_embeddings(path)


MOVIES = pd.DataFrame(
    {
        "movie_id": [4, 9, 6, 8],
        "title": ["Das Boot", "Submarine, The", "Love Story", "Toy Story"],
        "genres": ["War|Drama", "Thriller", "Romance", "Comedy"],
    },
    index=[7, 7, 1, 0],
)


@pytest.fixture(scope="module")
def encoder():
    return TfidfEncoder().fit(movie_texts(MOVIES))


def test_search_finds_the_closest_films(encoder):
    vectors = encode_texts(movie_texts(MOVIES), encoder, normalize=False)
    found = search("a submarine thriller", vectors * 3, MOVIES, n=2, model=encoder)
    assert found["movie_id"].tolist()[0] == 9
    assert found.columns.tolist() == ["movie_id", "title", "genres", "score"]
    asked = encoder.encode(["a submarine thriller"])[0]
    cosine = vectors[1] @ asked / np.linalg.norm(vectors[1]) / np.linalg.norm(asked)
    assert found["score"][0] == pytest.approx(cosine, abs=1e-6)
    assert found["score"].is_monotonic_decreasing
    assert len(search("love", vectors, MOVIES, n=50, model=encoder)) == 4


def test_search_goes_by_ids_not_by_rows(encoder):
    vectors = encode_texts(movie_texts(MOVIES), encoder)
    films = Embeddings(vectors, MOVIES["movie_id"]).aligned([8, 9])
    found = search("submarine", films, MOVIES, model=encoder)
    assert found["movie_id"].tolist() == [9, 8]


def test_search_encodes_the_query_as_the_films_were(monkeypatch):
    asked = []

    def encode(texts, model, pooling, **options):
        asked.append((model, pooling))
        return np.array([[1.0, 0.0]], dtype=np.float32)

    monkeypatch.setattr("course_utils.text.embeddings.encode_texts", encode)
    vectors = np.eye(4, 2)
    search("war", Embeddings(vectors, MOVIES["movie_id"], "owner/model", "cls"), MOVIES)
    search("war", vectors, MOVIES)
    search("war", vectors, MOVIES, model="another", pooling="cls")
    assert asked == [("owner/model", "cls"), ("all-MiniLM-L6-v2", "mean"), ("another", "cls")]


def test_what_cannot_be_searched(encoder):
    vectors = encode_texts(movie_texts(MOVIES), encoder)
    with pytest.raises(DataError, match="TF-IDF learns its words from the films"):
        search("war", Embeddings(vectors, MOVIES["movie_id"], "tfidf"), MOVIES)
    with pytest.raises(DataError, match=r"No word of the query 'zzz' is known"):
        search("zzz", vectors, MOVIES, model=encoder)
    with pytest.raises(DataError, match=r"The query has \d dimensions and the films have 2"):
        search("war", vectors[:, :2], MOVIES, model=encoder)
    with pytest.raises(DataError, match="Text 0 is empty"):
        search("  ", vectors, MOVIES, model=encoder)
    with pytest.raises(DataError, match="The query must be one text"):
        search(["war", "love"], vectors, MOVIES, model=encoder)
    with pytest.raises(DataError, match="There are 3 vectors and 4 movie ids"):
        search("war", vectors[:3], MOVIES, model=encoder)
    with pytest.raises(DataError, match="Movie 3 has an embedding but no row"):
        search("war", Embeddings(vectors, [4, 9, 6, 3]), MOVIES, model=encoder)
    with pytest.raises(DataError, match="no column 'movie_id'"):
        search("war", vectors, MOVIES[["title"]], model=encoder)
    with pytest.raises(DataError, match="k must be an integer"):
        search("war", vectors, MOVIES, n=0, model=encoder)
