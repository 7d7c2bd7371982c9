"""An encoder's files from the Hugging Face hub: fetched once, and one sentence when that fails."""

from __future__ import annotations

from pathlib import Path

from course_utils.errors import ModelError

TIMEOUT = 10  # seconds to wait for the hub's first answer
# Weights as safetensors only: the other formats are pickles, which may run code when loaded.
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_UNWANTED = ["*/*"]  # the same weights once more, for other runtimes


def from_hub(name: str, revision: str | None) -> tuple[Path, str]:
    """Return the folder and the commit of a model; it is fetched unless this machine has it.

    Parameters
    ----------
    name
        "model" or "owner/model".
    revision
        Branch, tag or commit; left out, "main".

    Raises
    ------
    ModelError
        When there is no such model, the hub cannot be reached, or its weights are no safetensors.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ModelError(
            f"{name} needs transformers: pip install 'course-utils[bert]'; model='tfidf' needs "
            "nothing more."
        ) from None

    def fetch(offline: bool) -> Path:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=_WANTED,
                ignore_patterns=_UNWANTED,
                etag_timeout=TIMEOUT,
                local_files_only=offline,
            )
        )

    # What the client raises differs between its versions, down to the library it calls with.
    try:
        folder = fetch(offline=True)
        is_here = _has_weights(folder)
    except Exception:
        is_here = False
    if not is_here:
        try:
            folder = fetch(offline=False)
        except Exception as error:
            raise ModelError(_what_went_wrong(error, name, revision)) from None
    if not _has_weights(folder):
        raise ModelError(
            f"{name} has no weights as safetensors on the hub, only as pickles if any, which may "
            "run code when they are loaded; choose another model or revision."
        )
    return folder, folder.name  # the hub's cache calls a folder by its commit


def _has_weights(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def _what_went_wrong(error: Exception, name: str, revision: str | None) -> str:
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    otherwise = "or use the packaged model, which needs no network, or model='tfidf'"
    if isinstance(error, HFValidationError):
        return f"{name!r} is neither a folder nor a name of the Hugging Face hub; correct it."
    if isinstance(error, RevisionNotFoundError):
        return f"{name} has no revision {revision!r} on the Hugging Face hub; correct it."
    if isinstance(error, GatedRepoError):
        return f"{name} is only for those who accepted its terms; log in to the hub, {otherwise}."
    if isinstance(error, RepositoryNotFoundError):
        return f"The Hugging Face hub has no model {name}, or not for you; correct the name."
    status = getattr(getattr(error.__cause__ or error, "response", None), "status_code", None)
    why = f"the Hugging Face hub {f'answered {status}' if status else 'could not be reached'}"
    if constants.HF_HUB_OFFLINE:
        why = "HF_HUB_OFFLINE forbids to ask the Hugging Face hub"
    return f"{name} is not on this machine, and {why}; try again with a network, {otherwise}."
