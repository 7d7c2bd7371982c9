"""Metrics beyond accuracy: coverage, popularity, novelty, diversity, calibration.

Every function takes `recommended`, integers of shape (n_users, k_columns): item columns, with -1
for no item at any rank. Ids of -1 are ignored. Invalid lists raise a DataError. A metric with one
value per user returns float64, shape (n_users,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from course_utils.errors import DataError
from course_utils.validation import (
    NOTHING,
    FloatArray,
    IntArray,
    as_lists,
    as_pairs,
    need_positive,
)

__all__ = [
    "catalogue_coverage", "exposure_gini", "genre_calibration", "genre_diversity",
    "intra_list_diversity", "mean_popularity", "novelty", "personalization",
]  # fmt: skip

USERS_AT_ONCE = 8192  # bounds the memory of a batch: users × d float64


def catalogue_coverage(recommended: npt.ArrayLike, n_items: int) -> float:
    """Share of the `n_items` items that are recommended to at least one user, from 0 to 1.

    Ge, Delgado-Battenfeld & Jannach 2010, "Beyond accuracy" (catalog coverage).

    Examples
    --------
    >>> catalogue_coverage([[0, 1], [1, -1]], n_items=4)
    0.5
    """
    return float(np.count_nonzero(_exposure(recommended, n_items)) / n_items)


def exposure_gini(recommended: npt.ArrayLike, n_items: int) -> float:
    """Gini coefficient of how often each of `n_items` items is recommended.

    0 when all items are recommended equally often, 1 - 1/n_items when every recommendation is the
    same item, NaN when nothing is recommended. Items that are never recommended are included.
    With the counts x in ascending order: Σ (2i - n - 1) xᵢ ÷ (n Σ x), i = 1…n (Gini 1912).

    Examples
    --------
    >>> exposure_gini([[0, 1], [2, 3]], n_items=4), exposure_gini([[0], [0]], n_items=4)
    (0.0, 0.75)
    """
    counts = np.sort(_exposure(recommended, n_items))
    if not counts.any():
        return float("nan")
    weights = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(weights @ counts / (n_items * counts.sum()))


def mean_popularity(recommended: npt.ArrayLike, counts: npt.ArrayLike) -> FloatArray:
    """Mean of `counts` over each user's recommended items, in users per item.

    `counts`, shape (n_items,), is the number of users who have each item in the training set.
    NaN for a user without recommendations.

    Examples
    --------
    >>> mean_popularity([[0, 1], [2, -1]], counts=[30, 10, 5]).tolist()
    [20.0, 5.0]
    """
    return _mean_of(recommended, _as_counts(counts))


def novelty(recommended: npt.ArrayLike, counts: npt.ArrayLike, n_users: int) -> FloatArray:
    """Mean self-information, -log2(count ÷ n_users), of each user's recommended items, in bits.

    `counts`, shape (n_items,), is the number of users who have each item in the training set,
    which has `n_users` users. 0 bits: all users have all of the items. One bit more: half as many
    users have them. A count of 0 is clipped at 1, so an item that nobody has counts log2(n_users)
    bits. NaN for a user without recommendations.
    Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma", PNAS 107(10).

    Examples
    --------
    >>> novelty([[0, 1], [2, -1]], counts=[8, 2, 0], n_users=8).tolist()
    [1.0, 3.0]
    """
    people, counted = need_positive(n_users, "n_users"), _as_counts(counts)
    if (most := counted.max(initial=0)) > people:
        raise DataError(f"An item's count is {most:g}, more than there are users, {people}.")
    return _mean_of(recommended, np.log2(people) - np.log2(np.maximum(counted, 1)))


def personalization(recommended: npt.ArrayLike) -> float:
    """1 - the mean overlap of two users' lists, over all pairs of users.

    The overlap of two lists is the number of items they share ÷ √(length · length): shared ÷ k
    for full lists, and the cosine similarity of the two lists in general. 0 when all users get
    the same list, 1 when no two users share an item. The mean is exact, without a loop over
    pairs: an item in c lists is shared by c (c - 1) / 2 pairs. Users without recommendations are
    left out; NaN with fewer than two other users.
    Zhou et al. 2010, PNAS 107(10) (inter-user diversity).

    Examples
    --------
    >>> personalization([[0, 1], [0, 2], [3, 4]]) == 1 - (1 / 2 + 0 + 0) / 3
    True
    """
    ids = as_lists(recommended, np.iinfo(np.int64).max).ids
    here = ids != NOTHING
    lengths = here.sum(axis=1)
    n = np.count_nonzero(lengths)
    if n < 2:
        return float("nan")
    shares = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    items = ids[here]
    if items.max() > 10 * items.size:  # sparse ids: renumber them before bincount
        _, items = np.unique(items, return_inverse=True)
    per_item = np.bincount(items, weights=shares)
    overlap = (per_item @ per_item - n) / (n * (n - 1))  # minus the pairs of a user with itself
    return float(np.clip(1 - overlap, 0, 1))


def intra_list_diversity(
    recommended: npt.ArrayLike, vectors: npt.ArrayLike | sparse.csr_matrix
) -> FloatArray:
    """Mean of 1 - cosine over all pairs of items in each user's list.

    Ziegler et al. 2005, "Improving recommendation lists through topic diversification"; as a
    dissimilarity in Smyth & McClave 2001. The sum over all pairs follows from the norm of the sum
    of the unit vectors, without a loop over pairs.

    Parameters
    ----------
    recommended
        Item columns, shape (n_users, k_columns), -1 for no item.
    vectors
        A vector per item, shape (n_items, d), dense or sparse: genres, factors, embeddings. The
        cosine of a zero vector with any other counts as 0.

    Returns
    -------
    ndarray
        float64, shape (n_users,), from 0 (same direction) to 2; NaN with fewer than two items.

    Examples
    --------
    >>> intra_list_diversity([[0, 1], [0, 2]], [[1, 0], [2, 0], [0, 3]]).tolist()
    [0.0, 1.0]
    """
    unit, has_direction = _unit_rows(vectors)
    ids = as_lists(recommended, len(has_direction)).ids
    pieces = []
    for start in range(0, len(ids), USERS_AT_ONCE):
        chosen = _as_matrix(ids[start : start + USERS_AT_ONCE], len(has_direction))
        n = np.diff(chosen.indptr)
        cosines = _row_sums_of_squares(chosen @ unit) - chosen @ has_direction  # each pair twice
        pieces.append(np.clip(1 - _divide(cosines, n * (n - 1)), 0, 2))
    return np.concatenate([np.empty(0), *pieces])


def genre_diversity(recommended: npt.ArrayLike, genres: sparse.csr_matrix) -> FloatArray:
    """Distinct genres ÷ genre labels, in each user's list.

    `genres` is csr, shape (n_items, n_genres): any entry that is not 0 means the item has the
    genre. 1 when no genre is repeated; two comedies without another genre have 1/2. The value
    falls with the length of the list, so compare lists of equal length. NaN when no recommended
    item has a genre.

    Examples
    --------
    >>> genre_diversity([[0, 1]], sparse.csr_matrix([[1, 1, 0], [1, 0, 1]])).tolist()
    [0.75]
    """
    has_genre = _ones(genres, "The matrix of genres")
    ids = as_lists(recommended, has_genre.shape[0]).ids
    mentions = _as_matrix(ids, has_genre.shape[0]) @ has_genre
    return _divide(mentions.getnnz(axis=1), _row_sums(mentions))


def genre_calibration(
    recommended: npt.ArrayLike,
    history: sparse.csr_matrix,
    genres: sparse.csr_matrix,
    alpha: float = 0.01,
) -> FloatArray:
    """Divergence between the genres of each user's list and the genres of the user's history.

    The Kullback-Leibler divergence KL(p ‖ q̃) = Σ p ln(p ÷ q̃) of Steck 2018, "Calibrated
    recommendations" (RecSys), with q̃ = (1 - α) q + α p. p and q are the genre distributions of
    history and list: all items have the same weight, divided equally among the item's genres;
    items without a genre are left out. 0 is perfectly calibrated; -ln α is the worst value.

    Parameters
    ----------
    recommended
        Item columns, shape (n_users, k_columns), -1 for no item.
    history
        csr, shape (n_users, n_items): any entry that is not 0 is in the user's history.
    genres
        csr, shape (n_items, n_genres): any entry that is not 0 means the item has the genre.
    alpha
        α, above 0 and below 1; the smaller, the closer q̃ is to q.

    Returns
    -------
    ndarray
        float64, shape (n_users,), in nats; NaN when the history or the list has no genre.

    Examples
    --------
    >>> genres = sparse.csr_matrix([[1, 0], [0, 1]])
    >>> history = sparse.csr_matrix([[1, 1], [1, 1]])
    >>> genre_calibration([[0, 1], [0, -1]], history, genres).round(3).tolist()
    [0.0, 1.959]
    """
    if not 0 < alpha < 1:
        raise DataError(f"alpha must lie between 0 and 1, and is {alpha!r}.")
    has_genre = _ones(genres, "The matrix of genres")
    seen = _ones(history, "The history")
    n_items = has_genre.shape[0]
    if seen.shape[1] != n_items:
        raise DataError(f"The history has {seen.shape[1]} items, but the genres have {n_items}.")
    ids = as_lists(recommended, n_items, seen.shape[0]).ids
    spread = _scaled(has_genre, _row_sums(has_genre))
    pieces = []
    for start in range(0, len(ids), USERS_AT_ONCE):
        block = slice(start, start + USERS_AT_ONCE)
        p = _shares(seen[block] @ spread)
        q = _shares(_as_matrix(ids[block], n_items) @ spread)
        smooth = (1 - alpha) * q + alpha * p
        ratio = np.divide(p, smooth, out=np.ones_like(p), where=p != 0)  # 0 ln 0 = 0
        pieces.append(np.maximum((p * np.log(ratio)).sum(axis=1), 0))
    return np.concatenate([np.empty(0), *pieces])


def _exposure(recommended: npt.ArrayLike, n_items: int) -> IntArray:
    """Return the number of times that each item is recommended, shape (n_items,)."""
    ids = as_lists(recommended, need_positive(n_items, "n_items")).ids
    return np.bincount(ids[ids != NOTHING], minlength=n_items)


def _as_counts(counts: npt.ArrayLike) -> FloatArray:
    counted = np.asarray(counts)
    numbers = counted.ndim == 1 and counted.dtype.kind in "iuf"
    if not numbers or not (np.isfinite(counted) & (counted >= 0)).all():
        raise DataError("The counts must be one number per item, none of them negative or NaN.")
    return counted.astype(np.float64)


def _mean_of(recommended: npt.ArrayLike, values: FloatArray) -> FloatArray:
    """Return the mean of `values`, shape (n_items,), over each user's list."""
    ids = as_lists(recommended, len(values)).ids
    here = ids != NOTHING
    sums = np.where(here, np.append(values, 0)[ids], 0).sum(axis=1)
    return _divide(sums, here.sum(axis=1))


def _as_matrix(ids: npt.NDArray[Any], n_items: int) -> sparse.csr_matrix:
    """Return lists as a csr, shape (n_users, n_items), 1.0 where an item is recommended."""
    here = ids != NOTHING
    ends = np.append(0, np.cumsum(here.sum(axis=1)))
    columns = ids[here]
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(ids), n_items))


def _divide(above: npt.ArrayLike, below: npt.NDArray[Any]) -> FloatArray:
    """Divide, with NaN where `below` is 0."""
    quotient: FloatArray = np.full(below.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def _ones(matrix: sparse.csr_matrix, what: str) -> sparse.csr_matrix:
    """Return a csr with 1.0 wherever `matrix` is not 0."""
    return as_pairs(matrix, what).astype(bool).astype(np.float64)


def _row_sums(matrix: Any) -> FloatArray:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()


def _row_sums_of_squares(matrix: Any) -> FloatArray:
    return _row_sums(matrix.multiply(matrix) if sparse.issparse(matrix) else matrix * matrix)


def _scaled(rows: Any, by: FloatArray) -> Any:
    """Divide each row of a dense or sparse matrix by its number in `by`; 0 leaves the row as is."""
    return sparse.diags_array(1 / np.where(by > 0, by, 1)) @ rows


def _shares(weights: sparse.csr_matrix) -> FloatArray:
    """Return dense rows divided by their sums, NaN where the sum is 0."""
    return _divide(weights.toarray(), np.broadcast_to(_row_sums(weights)[:, None], weights.shape))


def _unit_rows(vectors: Any) -> tuple[Any, FloatArray]:
    """Return `vectors` with norm 1, and for each vector 1.0, or 0.0 when it is a zero vector."""
    if sparse.issparse(vectors):
        table = vectors.tocsr().astype(np.float64)
        peaks = abs(table).max(axis=1).toarray().ravel()
    else:
        table = np.asarray(vectors, dtype=np.float64)
        if table.ndim != 2:
            raise DataError(f"The vectors must have the shape (items, d), and have {table.shape}.")
        peaks = np.abs(table).max(axis=1, initial=0)
    if not np.isfinite(peaks).all():
        raise DataError("The vectors hold NaN or infinity; every number must be finite.")
    table = _scaled(table, peaks)  # first, to avoid overflow and underflow of the squares
    return _scaled(table, np.sqrt(_row_sums_of_squares(table))), (peaks > 0).astype(np.float64)
