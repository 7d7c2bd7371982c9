"""How sure a mean over users is: the bootstrap, the paired t-test, and Holm's correction."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from course_utils.validation import FloatArray

DRAWS = 2**22  # users drawn at once: 32 MB


def mean_and_interval(
    values: npt.ArrayLike, n_boot: int = 1000, seed: int = 42, level: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return means over users, with percentile bootstrap intervals.

    Users are drawn with replacement, as many as there are, `n_boot` times, and the mean is taken
    each time; the interval holds the middle `level` of these means (Efron & Tibshirani 1993,
    section 13.3). The same draws serve all columns, so that they can be compared.

    Parameters
    ----------
    values
        Shape (n_users, n_columns); NaN where a user has no value, and is left out.
    n_boot
        How often to draw.
    seed
        Of the draws.
    level
        How much of the resampled means the interval holds.

    Returns
    -------
    mean, low, high
        Each of shape (n_columns,); NaN for a column without values.

    Notes
    -----
    The interval says how far the mean would move with other users of the same kind. It knows
    nothing of another split or another run of the training. With fewer than about 30 users it is
    too narrow.

    Examples
    --------
    >>> mean, low, high = mean_and_interval([[0.0], [1.0], [1.0], [0.0]], seed=0)
    >>> mean.tolist(), low.tolist(), high.tolist()
    ([0.5], [0.0], [1.0])
    """
    table = np.asarray(values, dtype=np.float64)
    here = ~np.isnan(table)
    n_users, n_columns = table.shape
    mean, low, high = (np.full(n_columns, np.nan) for _ in range(3))
    full = here.any(axis=0)
    if not full.any():
        return mean, low, high
    filled, here = np.where(here, table, 0.0)[:, full], here[:, full]
    mean[full] = filled.sum(axis=0) / here.sum(axis=0)

    rng = np.random.default_rng(seed)
    resampled = np.empty((n_boot, int(full.sum())))
    step = max(1, DRAWS // n_users)
    for start in range(0, n_boot, step):
        n = min(step, n_boot - start)
        drawn = rng.integers(0, n_users, size=(n, n_users)) + np.arange(n)[:, None] * n_users
        times = np.bincount(drawn.ravel(), minlength=n * n_users).reshape(n, n_users)
        weights = times.astype(np.float64)
        below = np.full(filled.shape[1], n_users) if here.all() else weights @ here
        with np.errstate(invalid="ignore"):  # a draw without any user who has a value
            resampled[start : start + n] = weights @ filled / below
    tail = (1 - level) / 2
    low[full], high[full] = np.nanquantile(resampled, [tail, 1 - tail], axis=0)
    return mean, low, high


def paired_t_test(differences: npt.ArrayLike) -> FloatArray:
    """Return the two-sided p-value of each column's mean being 0: the paired t-test.

    For ranking metrics it agrees with the randomization test and the bootstrap (Smucker, Allan &
    Carterette 2007, CIKM), and keeps its promise best of all (Urbano, Lima & Hanjalic 2019,
    SIGIR).

    Parameters
    ----------
    differences
        One model's values less another's, shape (n_users, n_columns); NaN is left out.

    Returns
    -------
    ndarray
        float64, shape (n_columns,). 1 when all differences are 0, NaN with fewer than two users.

    Examples
    --------
    >>> paired_t_test([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]).round(4).tolist()
    [0.0742, 1.0]
    """
    from scipy import stats

    p_values = []
    for column in np.asarray(differences, dtype=np.float64).T:
        known = column[~np.isnan(column)]
        if len(known) < 2:
            p_values.append(np.nan)
        elif np.ptp(known) == 0:  # no spread: t is 0 / 0, or infinite
            p_values.append(1.0 if known[0] == 0 else 0.0)
        else:
            t = known.mean() / (known.std(ddof=1) / np.sqrt(len(known)))
            p_values.append(2 * float(stats.t.sf(abs(t), len(known) - 1)))
    return np.array(p_values, dtype=np.float64)


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Adjust p-values for how many there are, by Holm's step-down method.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may be smaller than
    the one before it, or larger than 1. To call all below 0.05 real is then wrong, anywhere among
    the m, in at most 5 % of the cases (Holm 1979, Scandinavian Journal of Statistics 6).

    Parameters
    ----------
    p_values
        Of any shape; NaN stays NaN and is not counted.

    Returns
    -------
    ndarray
        float64, of the same shape.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p.ravel()[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted.ravel()[order] = np.minimum(np.maximum.accumulate(p.ravel()[order] * factors), 1)
    return adjusted
