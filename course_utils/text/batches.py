"""Which texts go through a model together: those of about one length, up to a number of tokens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

ENOUGH = 4  # a batch is large enough when it holds a quarter of the tokens it may hold


def token_batches(lengths: npt.ArrayLike, tokens: int, padding: float = 0.0) -> Iterator[IntArray]:
    """Yield the positions of texts that are encoded together, the longest first.

    A batch is as wide as its longest text, and what others lack is padding that costs as much as
    words do. So texts are sorted by length, and a batch ends where the next text would be one
    token too many, or where lengths change and the batch is large enough already. A small one
    goes on as long as little of it is padding: a model is slow on few tokens.

    Parameters
    ----------
    lengths
        Tokens of each text, shape (n_texts,).
    tokens
        The most tokens in one batch, padding included; a longer text goes alone.
    padding
        The largest share of a small batch that may be padding.

    Yields
    ------
    ndarray
        int64, positions in `lengths`; together they are all positions, each once.
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
