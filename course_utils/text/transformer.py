"""An encoder of the Hugging Face kind: tokens in, one vector for each text out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.errors import CourseWarning
from course_utils.ranking import cores
from course_utils.text.batches import IntArray, token_batches

Vectors = npt.NDArray[np.float32]

CPU_TOKENS, GPU_TOKENS = 2048, 65536  # in a batch
PADDING = 0.05  # of a small batch, at most


@dataclass(frozen=True, eq=False)
class Transformer:
    """A tokenizer and a model that is ready to encode.

    Attributes
    ----------
    tokenizer, model
        As `transformers` loads them; the model is in evaluation mode.
    device
        Where the model is, as torch names it.
    longest
        The most tokens of a text, marks of its ends included; what follows is cut off.
    """

    tokenizer: Any
    model: Any
    device: str
    longest: int

    def encode(
        self, texts: list[str], pooling: str, batch_tokens: int | None
    ) -> Iterator[tuple[IntArray, Vectors]]:
        """Yield positions of texts and their vectors, batch by batch, until all are encoded.

        Parameters
        ----------
        texts
            Checked, at least one.
        pooling
            "cls" or "mean".
        batch_tokens
            The most tokens in a batch; left out, as many as are fast.

        Yields
        ------
        positions, vectors
            int64 of shape (n,), float32 of shape (n, d).

        Warns
        -----
        CourseWarning
            For texts that are cut off, and for texts without a word that the tokenizer knows.
        """
        import torch

        tokens = self._tokens(texts)
        on_cpu = self.device == "cpu"
        size = batch_tokens or (CPU_TOKENS if on_cpu else GPU_TOKENS)
        batches = list(token_batches([len(ids) for ids in tokens], size, PADDING))

        def forward(batch: IntArray) -> tuple[IntArray, Vectors]:
            with torch.inference_mode():
                ids, mask = self._padded([tokens[i] for i in batch])
                hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
                return batch, pool(hidden, mask, pooling).float().cpu().numpy()

        yield from _side_by_side(forward, batches) if on_cpu else map(forward, batches)

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        tokens = self._cut(texts, self.longest)
        full = [n for n, ids in enumerate(tokens) if len(ids) >= self.longest]
        more = self._cut([texts[n] for n in full], self.longest + 1) if full else []
        long = [texts[n] for n, ids in zip(full, more, strict=True) if len(ids) > self.longest]
        if long:
            _warn(
                f"{_texts(long, texts)} longer than the {self.longest} tokens that the model "
                f"reads, and only the beginning counts; the first begins {long[0][:30]!r}."
            )
        marks = {*self.tokenizer.all_special_ids}
        unread = [text for text, ids in zip(texts, tokens, strict=True) if marks.issuperset(ids)]
        if unread:
            _warn(
                f"{_texts(unread, texts)} without any word that the model knows, and the vector "
                f"says nothing; the first is {unread[0][:30]!r}."
            )
        return tokens

    def _cut(self, texts: list[str], longest: int) -> list[list[int]]:
        cut = self.tokenizer(
            texts, truncation=True, max_length=longest,
            return_attention_mask=False, return_token_type_ids=False,
        )  # fmt: skip
        tokens: list[list[int]] = cut["input_ids"]
        return tokens

    def _padded(self, tokens: list[list[int]]) -> tuple[Any, Any]:
        """Return token ids and which of them are no padding, both (n_texts, longest of them)."""
        import torch

        lengths = torch.tensor([len(ids) for ids in tokens])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        ids = torch.full(mask.shape, self.tokenizer.pad_token_id or 0)
        ids[mask] = torch.tensor([token for of_text in tokens for token in of_text])
        return ids.to(self.device), mask.long().to(self.device)


def pool(hidden: Any, mask: Any, pooling: str) -> Any:
    """Make one vector of the vectors of a text's tokens.

    Parameters
    ----------
    hidden
        Tensor, shape (n_texts, n_tokens, d): what the model's last layer says of each token.
    mask
        Integer tensor, shape (n_texts, n_tokens): 1 for a token, 0 for padding.
    pooling
        "cls", the first token's vector, or "mean", the mean over the tokens.

    Returns
    -------
    Tensor
        Shape (n_texts, d).
    """
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask[..., None].to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _side_by_side(forward: Any, batches: list[IntArray]) -> Iterator[Any]:
    """Call `forward` with each batch, one core a batch.

    Cores that share a batch wait for each other after every product. And on one core a batch
    gives the same numbers, however many cores there are.
    """
    import torch

    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(
        min(cores(), len(batches)), "course-encode", torch.set_num_threads, (1,)
    )
    try:
        yield from pool.map(forward, batches)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def _texts(some: list[str], all_of_them: list[str]) -> str:
    return f"{len(some):,} of the {len(all_of_them):,} texts {'is' if len(some) == 1 else 'are'}"


def _warn(message: str) -> None:
    warnings.warn(message, CourseWarning, stacklevel=2)
