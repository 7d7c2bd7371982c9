"""What must hold before texts are encoded, each checked with one clear sentence."""

from __future__ import annotations

from collections.abc import Iterable

from course_utils.errors import DataError


def need_texts(texts: Iterable[object]) -> list[str]:
    """Return the texts as a list, or raise a DataError that names the first that is no text."""
    if isinstance(texts, str | bytes):
        raise DataError(f"`texts` is one text; give a list of texts: [{texts[:30]!r}].")
    listed = list(texts)
    if not listed:
        raise DataError("There is nothing to encode: the list of texts is empty.")
    return [_need_text(text, number) for number, text in enumerate(listed)]


def _need_text(text: object, number: int) -> str:
    if not isinstance(text, str):
        raise DataError(
            f"Text {number} is {text!r}, no string; leave it out, or write what is known of it."
        )
    if not text.strip():
        raise DataError(
            f"Text {number} is empty, so a vector of it would say nothing; leave it out, or write "
            "what is known of it."
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"Text {number}, {text[:30]!a}, is not valid Unicode; it was decoded wrongly."
        ) from None
    return str(text)
