"""Load an encoder's tokenizer and weights with transformers, or say in one sentence why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from course_utils.errors import ModelError
from course_utils.text.sources import INSTALL, Source, need_published
from course_utils.text.transformer import Transformer
from course_utils.validation import choose

_UNLIMITED = 10**6  # tokens; a tokenizer that knows no longest text says far more than this


def need_device(device: str) -> str:
    """Return "cpu" or a CUDA device of torch, or raise a ModelError when it is not there.

    Parameters
    ----------
    device
        "auto" takes a GPU where torch sees one. Otherwise "cpu", "cuda", "cuda:1" and so on.
    """
    torch = _import("torch")
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if n_gpus else "cpu"
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or not (number.isdecimal() or number == ""):
        raise ModelError(f"device must be 'auto', 'cpu', 'cuda' or 'cuda:0', not {device!r}.")
    if kind == "cuda" and int(number or 0) >= n_gpus:
        sees = f"only {n_gpus} of them" if n_gpus else "none"
        raise ModelError(
            f"device={device!r} needs a CUDA GPU, and torch sees {sees} here; choose 'cpu' or "
            "'auto'."
        )
    return device if kind == "cuda" else "cpu"


@lru_cache(maxsize=2)
def load(source: Source, device: str, precision: str) -> Transformer:
    """Load an encoder; the last two are kept in memory.

    Parameters
    ----------
    source
        Where its files are. No code that lies among them is ever run.
    device
        What :func:`need_device` returned.
    precision
        "float32", "bfloat16" or "float16".

    Raises
    ------
    ModelError
        When the weights are not those that were published, something is damaged or missing, the
        model is no encoder, or torch or transformers is not installed.
    """
    torch, transformers = _import("torch"), _import("transformers")
    dtype = choose(
        precision, "precision",
        float32=torch.float32, bfloat16=torch.bfloat16, float16=torch.float16,
    )  # fmt: skip
    need_published(source)
    try:
        with _silence():
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                source.folder, local_files_only=True
            )
            model, info = transformers.AutoModel.from_pretrained(
                source.folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except Exception as error:  # whatever is wrong with the files, and in whatever words
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:150].rstrip(".")
        raise ModelError(
            f"{source.name} cannot be loaded from {source.folder} ({said}); it is damaged, or no "
            "encoder that transformers knows."
        ) from None
    if model.config.is_encoder_decoder:
        raise ModelError(f"{source.name} is an encoder with a decoder; choose an encoder alone.")
    # what the pooler lacks is made up, and is not used here
    missing = sorted(key for key in info["missing_keys"] if "pooler." not in key)
    if missing:
        raise ModelError(
            f"{source.name} has no weights for {missing[0]} and {len(missing) - 1} others, which "
            "would be random; it was saved from another kind of model."
        )
    model = model.eval().to(device=device, dtype=dtype)
    return Transformer(tokenizer, model, device, _longest(source, tokenizer, model.config))


def _longest(source: Source, tokenizer: Any, config: Any) -> int:
    """Return how many tokens of a text the model reads."""
    limits = [tokenizer.model_max_length, getattr(config, "max_position_embeddings", _UNLIMITED)]
    padding = getattr(config, "pad_token_id", None)
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        limits[1] -= (padding or 0) + 1  # they count positions from behind that of the padding
    settings = source.folder / "sentence_bert_config.json"  # what a sentence encoder was made for
    if settings.is_file():
        limits.append(json.loads(settings.read_text("utf-8")).get("max_seq_length") or _UNLIMITED)
    return int(min(_UNLIMITED, *limits))


def _import(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise ModelError(
            f"{name} is not installed: {INSTALL}; model='tfidf' needs nothing more."
        ) from None


@contextmanager
def _silence() -> Iterator[None]:
    """Keep transformers from drawing a bar and listing weights; what matters is checked here."""
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
