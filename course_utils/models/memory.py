"""How much memory is free, and whether an array will fit, before it is made."""

from __future__ import annotations

import math
import os
from pathlib import Path

from course_utils.errors import DataError

GB = 10**9
PER_PAIR = 4.5  # bytes: a float32, and an eighth more for everything that is smaller


def available_bytes() -> int | None:
    """Return how many bytes can be had without swapping, or None where nobody says."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except OSError:  # no Linux
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows, macOS
        return None


def need_pairs_of_items(model: str, n_items: int, per_item: float = 0.0) -> None:
    """Raise a DataError when a float32 for each pair of items will not fit into memory.

    Parameters
    ----------
    model
        How the message names it.
    n_items
        How many items it is to be fitted on.
    per_item
        How many bytes each item takes besides.
    """
    needed, available = n_items * (PER_PAIR * n_items + per_item), available_bytes()
    if available is not None and needed > available:
        root = math.sqrt(per_item**2 + 4 * PER_PAIR * available)
        n_fit = int((root - per_item) / (2 * PER_PAIR))  # solves the line above for n_items
        raise DataError(
            f"{model} on {n_items:,} items needs {needed / GB:.2f} GB, most of it for the pairs of "
            f"items, and this machine has {available / GB:.2f} GB free; keep the {n_fit:,} most "
            "popular items, or fewer."
        )
