"""Encoders of the Hugging Face kind: load one, group texts into batches, and pool their tokens."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.errors import CourseWarning, ModelError
from course_utils.ranking import cores
from course_utils.text.sources import INSTALL, Source
from course_utils.validation import IntArray, need_choice

Vectors = npt.NDArray[np.float32]
Tokens = tuple[list[int], list[int]]  # numbers and types of a text's tokens

CPU_TOKENS, GPU_TOKENS = 2048, 65536  # in a batch
PADDING = 0.05  # largest share of padding in a small batch
ENOUGH = 4  # a batch is large when it holds at least a quarter of the tokens allowed
SEPARATOR = " [SEP] "  # between two pieces of one text, as `movie_texts` writes it
_UNLIMITED = 10**6  # tokens; a tokenizer without a limit states a far larger number


@dataclass(frozen=True, eq=False)
class Transformer:
    """A tokenizer and a model as `transformers` loads them, ready to encode."""

    tokenizer: Any
    model: Any  # in evaluation mode
    device: str  # of torch
    longest: int  # the most tokens of a text, special tokens included; the rest is truncated

    def encode(
        self, texts: list[str], pooling: str, batch_tokens: int | None
    ) -> Iterator[tuple[IntArray, Vectors]]:
        """Encode validated texts batch by batch, with pooling "cls" or "mean".

        Yields positions in `texts`, int64 of shape (n,), and their vectors, float32 of shape
        (n, d). A batch holds at most `batch_tokens` tokens; None takes a number that is fast on
        the device. A CourseWarning reports truncated texts and texts without a known word.

        A text with `SEPARATOR` is encoded as a pair: most tokenizers put a token of their own
        between the pieces, some put nothing there. An encoder with token types, such as BERT,
        gets type 0 for the first piece and 1 for the second.
        """
        import torch

        if pooling == "cls" and not self._first_token_reads_the_text():
            raise ModelError(
                "This model puts no token in front that reads the text after it, so pooling='cls' "
                "would give the same vector to different texts; use pooling='mean'."
            )
        tokens = self._tokens(texts)
        on_cpu = self.device == "cpu"
        size = batch_tokens or (CPU_TOKENS if on_cpu else GPU_TOKENS)
        batches = list(token_batches([len(ids) for ids, _ in tokens], size, PADDING))
        has_types = getattr(self.model.config, "type_vocab_size", 0) > 1

        def forward(batch: IntArray) -> tuple[IntArray, Vectors]:
            with torch.inference_mode():
                ids, types, mask = self._padded([tokens[i] for i in batch])
                more = {"token_type_ids": types} if has_types else {}
                hidden = self.model(input_ids=ids, attention_mask=mask, **more).last_hidden_state
                return batch, _pool(hidden, mask, pooling).float().cpu().numpy()

        try:
            yield from _in_parallel(forward, batches) if on_cpu else map(forward, batches)
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f"The model fails on these texts ({said}); choose another.") from None

    def _first_token_reads_the_text(self) -> bool:
        """Say whether texts begin with a special token whose vector depends on the next token."""
        import torch

        first, *_ = self.tokenizer("a")["input_ids"]
        if [first] == self.tokenizer("a", add_special_tokens=False)["input_ids"][:1]:
            return False
        probes = torch.tensor([[first, 1], [first, 2]], device=self.device)
        with torch.inference_mode():
            vectors = self.model(input_ids=probes).last_hidden_state[:, 0]
        return not torch.equal(*vectors)  # a decoder's token reads only what stands before it

    def _tokens(self, texts: list[str]) -> list[Tokens]:
        tokens = self._truncated(texts, self.longest)
        full = [n for n, (ids, _) in enumerate(tokens) if len(ids) >= self.longest]
        more = self._truncated([texts[n] for n in full], self.longest + 1) if full else []
        long = [texts[n] for n, (ids, _) in zip(full, more, strict=True) if len(ids) > self.longest]
        if long:
            what = (
                f"longer than the {self.longest} tokens that the model reads, and the end is cut, "
                "of a pair that of the longer piece; the first begins"
            )
            _warn(long, len(texts), what)
        special = {*self.tokenizer.all_special_ids}
        unread = [t for t, (ids, _) in zip(texts, tokens, strict=True) if special.issuperset(ids)]
        if unread:
            what = (
                "without any word that the model knows, and the vector says nothing; the first is"
            )
            _warn(unread, len(texts), what)
        return tokens

    def _truncated(self, texts: list[str], longest: int) -> list[Tokens]:
        pieces = [text.split(SEPARATOR, 1) for text in texts]
        encoded = self.tokenizer(
            [tuple(p) if len(p) == 2 and all(map(str.strip, p)) else SEPARATOR.join(p)
             for p in pieces],
            truncation=True, max_length=longest,
            return_attention_mask=False, return_token_type_ids=True,
        )  # fmt: skip
        return list(zip(encoded["input_ids"], encoded["token_type_ids"], strict=True))

    def _padded(self, tokens: list[Tokens]) -> tuple[Any, Any, Any]:
        """Return token ids, types and the mask of real tokens, each (n_texts, n_tokens)."""
        import torch

        lengths = torch.tensor([len(ids) for ids, _ in tokens])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        ids, types = torch.full(mask.shape, self.tokenizer.pad_token_id or 0), mask.long() * 0
        ids[mask] = torch.tensor([number for of_text, _ in tokens for number in of_text])
        types[mask] = torch.tensor([kind for _, of_text in tokens for kind in of_text])
        return ids.to(self.device), types.to(self.device), mask.long().to(self.device)


def need_device(device: object) -> str:
    """Return "cpu" or a CUDA device of torch, or raise a ModelError when it is not there.

    "auto" takes a GPU where torch sees one. Otherwise `device` is "cpu", "cuda", "cuda:1", ….
    """
    torch = _import("torch")
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if n_gpus else "cpu"
    kind, _, number = str(device).partition(":")  # torch.device has its name as text
    if kind not in ("cpu", "cuda") or not (number.isdecimal() or number == ""):
        raise ModelError(f"device must be 'auto', 'cpu', 'cuda' or 'cuda:0', not {device!r}.")
    if kind == "cuda" and int(number or 0) >= n_gpus:
        sees = f"only {n_gpus} of them" if n_gpus else "none"
        raise ModelError(
            f"device={device!r} needs a CUDA GPU, and torch sees {sees} here; choose 'cpu' or "
            "'auto'."
        )
    return str(device) if kind == "cuda" else "cpu"


@lru_cache(maxsize=2)
def load(source: Source, device: str, precision: str) -> Transformer:
    """Load an encoder on a device of `need_device`; two encoders stay in memory.

    Code among the files is never run. A ModelError says why an encoder cannot be loaded.
    """
    torch, transformers = _import("torch"), _import("transformers")
    dtype = getattr(torch, need_choice(precision, "precision", "float32", "bfloat16", "float16"))
    folder = source.folder
    try:
        with _quiet_transformers():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model, info = transformers.AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            longest = _longest(source, tokenizer, model.config)
            if len(tokenizer) <= len(tokenizer.all_special_ids):
                raise ValueError("its tokenizer has no words")
    except Exception as error:  # damaged files make transformers raise nearly anything
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:150].rstrip(".")
        raise ModelError(
            f"{source.name} cannot be loaded from {folder} ({said}); it is damaged, or no "
            "encoder that transformers knows."
        ) from None
    if model.config.is_encoder_decoder:
        raise ModelError(f"{source.name} is an encoder with a decoder; choose an encoder alone.")
    # the pooler may be initialized at random, because it is not used here
    missing = sorted(key for key in info["missing_keys"] if "pooler." not in key)
    if missing:
        raise ModelError(
            f"{source.name} has no weights for {missing[0]} and {len(missing) - 1} others, which "
            "would be random; it was saved from another kind of model."
        )
    model = model.eval().to(device=device, dtype=dtype)
    return Transformer(tokenizer, model, device, longest)


def token_batches(lengths: npt.ArrayLike, tokens: int, padding: float = 0.0) -> Iterator[IntArray]:
    """Yield the positions of texts that are encoded together, the longest texts first.

    Every text of a batch is padded to the longest, and padding costs as much as words. So texts
    are sorted by their `lengths` in tokens, and a batch ends where one more text would exceed
    `tokens`, padding included, or where the length changes and the batch is large already. A small
    batch continues while its share of padding is at most `padding`, because a model is slow on
    few tokens. Each position is in exactly one batch; a text longer than `tokens` is alone.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    start = 0
    while start < len(order):
        width = max(1, int(sizes[order[start]]))
        rest = sizes[order[start : start + max(1, tokens // width)]]
        rows = np.arange(1, len(rest) + 1)
        wasted = 1 - np.cumsum(rest) / (rows * width)
        n_alike = int(np.searchsorted(-rest, -width, side="right"))
        n_fit = int(rows[wasted <= padding].max(initial=1))
        large = n_alike * width >= tokens // ENOUGH
        stop = start + max(1, n_alike if large else n_fit)
        yield order[start:stop]
        start = stop


def _pool(hidden: Any, mask: Any, pooling: str) -> Any:
    """Pool token vectors, shape (n_texts, n_tokens, d), to text vectors, shape (n_texts, d).

    `mask` is 1 for a token and 0 for padding. Pooling "cls" takes the first token's vector, "mean"
    the mean over the tokens.
    """
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask[..., None].to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _in_parallel(forward: Any, batches: list[IntArray]) -> Iterator[Any]:
    """Call `forward` with each batch, one core for each batch.

    Cores that share a batch wait for each other after every matrix product. One core for each
    batch also makes the result independent of the number of cores.
    """
    import torch

    before = torch.get_num_threads()
    executor = ThreadPoolExecutor(
        min(cores(), len(batches)), "course-encode", torch.set_num_threads, (1,)
    )
    try:
        yield from executor.map(forward, batches)
    finally:
        executor.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def _longest(source: Source, tokenizer: Any, config: Any) -> int:
    """Return the largest number of tokens that the model reads."""
    limits = [tokenizer.model_max_length, getattr(config, "max_position_embeddings", _UNLIMITED)]
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        limits[1] -= (getattr(config, "pad_token_id", None) or 0) + 1  # positions start behind it
    settings = source.folder / "sentence_bert_config.json"  # the limit of a sentence encoder
    if settings.is_file():
        limits.append(json.loads(settings.read_text("utf-8")).get("max_seq_length") or _UNLIMITED)
    return int(min(_UNLIMITED, *(n for n in limits if n and n > 0)))  # -1 is no limit


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ModelError(
            f"{name} is not installed: {INSTALL}; model='tfidf' needs nothing more."
        ) from None


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Switch off the progress bar and the report on weights, which `load` validates itself."""
    logging: Any = _import("transformers").utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _warn(some: list[str], n_texts: int, what: str) -> None:
    are = "is" if len(some) == 1 else "are"
    message = f"{len(some):,} of the {n_texts:,} texts {are} {what} {some[0][:30]!r}."
    warnings.warn(message, CourseWarning, stacklevel=2)
