"""Subset fonts, for the extensions that reduce the size of the site."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fontTools import subset

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it logs every table of a font


def keep_signs(font: Path, signs: Iterable[str], target: Path, **options: Any) -> None:
    """Write the subset of a font with these characters as WOFF.

    Parameters
    ----------
    font
        The whole font; characters that it lacks are ignored.
    signs
        Single characters.
    target
        The file to write.
    **options
        Options of ``fontTools.subset.Options``.
    """
    chosen = subset.Options(flavor="woff", **options)
    loaded = subset.load_font(str(font), chosen)
    of_signs = subset.Subsetter(chosen)
    of_signs.populate(unicodes=[ord(sign) for sign in signs])
    of_signs.subset(loaded)
    subset.save_font(loaded, str(target), chosen)
