"""A font with a few of its signs, for the extensions that make the site light."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fontTools import subset

logging.getLogger("fontTools").setLevel(logging.WARNING)  # a line for every table is no news


def keep_signs(font: Path, signs: Iterable[str], target: Path, **options: Any) -> None:
    """Write a font that draws these signs, and no others, as WOFF.

    Parameters
    ----------
    font
        The whole font; signs that it lacks are passed over.
    signs
        Single characters.
    target
        The file to write.
    **options
        Of ``fontTools.subset.Options``.
    """
    chosen = subset.Options(flavor="woff", **options)
    loaded = subset.load_font(str(font), chosen)
    of_signs = subset.Subsetter(chosen)
    of_signs.populate(unicodes=[ord(sign) for sign in signs])
    of_signs.subset(loaded)
    subset.save_font(loaded, str(target), chosen)
