"""Random draws that are the same, byte for byte, on every machine and every NumPy 2.x.

NumPy promises that the *raw* 64-bit output of a bit generator never changes, but makes no
such promise for `Generator.normal`, `choice` or `permutation`. Floating-point sums, BLAS
products and vectorised `exp`/`log` can differ in the last bit between processors, and one bit
is enough to turn 3 stars into 4. So the whole simulation works on int64 in fixed point
(`ONE` stands for 1.0), where every operation is exact, and starts from raw bits.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

SHIFT = 16
ONE = 1 << SHIFT
LN_2 = 45_426  # ln 2 in fixed point
LOG2_LN_2 = -34_653  # log2(ln 2) in fixed point
STEPS = 1 << 16  # quantiles that a curve is drawn through


def fixed(value: float) -> int:
    """Return `value` in fixed point; a product with a power of two is exact, so this is too."""
    return round(value * ONE)


def times(left: Ints, right: Ints | int) -> Ints:
    """Multiply two fixed-point numbers, rounding down."""
    return (left * right) >> SHIFT


class Chance:
    """An endless stream of raw random bits, one per purpose.

    Parameters
    ----------
    seed : int
        The seed of the whole sample, 0 or more.
    purpose : str
        A name such as ``"tastes"``. Streams with different names never overlap, so a draw more
        in one step leaves every other step as it was.
    part : int
        The number of a part of the work. Parts have streams of their own, so it does not matter
        in which order, or in which process, they are done.
    """

    def __init__(self, seed: int, purpose: str, part: int = 0) -> None:
        # The key is spelled out instead of hashed: Python's hash() changes from run to run.
        name = int.from_bytes(purpose.encode("ascii")[:8], "big")
        self._bits = np.random.Philox(key=(seed << 64) | name, counter=part << 128)

    def raw(self, *shape: int) -> npt.NDArray[np.uint64]:
        """Return uniform 64-bit integers."""
        drawn: npt.NDArray[np.uint64] = self._bits.random_raw(int(np.prod(shape)))
        return drawn.reshape(shape)

    def below(self, bound: Ints | int, *shape: int) -> Ints:
        """Return uniform integers from 0 to `bound` - 1 (`bound` under 2**31)."""
        drawn = (self.raw(*shape) >> np.uint64(32)).astype(np.int64)
        return (drawn * bound) >> 32

    def share(self, *shape: int) -> Ints:
        """Return uniform fixed-point numbers in [0, 1)."""
        return self.below(ONE, *shape)

    def bell(self, *shape: int) -> Ints:
        """Return roughly normal fixed-point numbers with mean 0 and standard deviation 1.

        Twelve uniform numbers have variance 1 together, and a sum of integers does not depend
        on the order of its terms. Each raw draw holds four of the twelve.
        """
        drawn = self.raw(3, *shape)
        total = np.full(shape, -6 * ONE, dtype=np.int64)
        for word in drawn:
            for part in range(4):
                total += ((word >> np.uint64(16 * part)) & np.uint64(0xFFFF)).astype(np.int64)
        return total

    def exponential(self, *shape: int) -> Ints:
        """Return exponential fixed-point numbers with mean 1."""
        return self._along(exponential_curve(), *shape)

    def gumbel(self, *shape: int) -> Ints:
        """Return Gumbel fixed-point numbers.

        The n largest of ``log(weight) + gumbel`` are a draw of n films without replacement, in
        proportion to their weights.
        """
        return self._along(gumbel_curve(), *shape)

    def _along(self, curve: Ints, *shape: int) -> Ints:
        """Return numbers whose quantiles are `curve`, by straight lines between its points."""
        drawn = self.below(1 << 31, *shape)
        left, part = drawn >> 15, drawn & 0x7FFF
        low = curve[left]
        found: Ints = low + (((curve[left + 1] - low) * part) >> 15)
        return found

    def pick(self, weights: Sequence[int], n: int) -> Ints:
        """Return `n` positions in `weights`, each as often as its weight says."""
        ends = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(ends, self.below(int(ends[-1]), n), side="right").astype(np.int64)


@lru_cache(maxsize=1)
def exponential_curve() -> Ints:
    """Return the quantiles of the exponential distribution, highest first: ``-ln(share)``."""
    return times((32 << SHIFT) - log2(shares()), LN_2)


@lru_cache(maxsize=1)
def gumbel_curve() -> Ints:
    """Return the quantiles of the Gumbel distribution: ``-ln(-ln(share))``."""
    digits = 28  # a share near 1 has a logarithm near 0, of which 16 digits would leave none
    minus_log2 = np.maximum((32 << digits) - log2(shares(), digits), 1)
    # log2() takes 32 bits, and -log2 of the lowest share has 33.
    shortened = (minus_log2 >> 4).astype(np.uint64)
    return times(((digits - 4) << SHIFT) - log2(shortened) - LOG2_LN_2, LN_2)


def shares() -> npt.NDArray[np.uint64]:
    """Return the ends of `STEPS` equal parts of (0, 1) as 32-bit integers, 0 and 1 left out."""
    ends = np.arange(STEPS + 1, dtype=np.int64) * ((1 << 32) // STEPS)
    ends[0] = ends[1] // 3  # about the median of what lies beyond
    ends[-1] = (1 << 32) - ends[0]
    return ends.astype(np.uint64)


def natural_log(numbers: Ints) -> Ints:
    """Return the natural logarithm in fixed point of integers from 1 to 2**32 - 1."""
    return times(log2(numbers.astype(np.uint64)), LN_2)


def log2(numbers: npt.NDArray[np.uint64], digits: int = SHIFT) -> Ints:
    """Return the base-2 logarithm of integers from 1 to 2**32 - 1, with `digits` binary digits.

    `np.log2` may round differently on another processor. This squares instead: each squaring
    doubles the logarithm, and whether the number passes 2 is its next binary digit.
    """
    mantissa = numbers.copy()
    whole = np.full(numbers.shape, 31, dtype=np.int64)
    for step in (16, 8, 4, 2, 1):
        small = mantissa < np.uint64(1 << (32 - step))
        mantissa = np.where(small, mantissa << np.uint64(step), mantissa)
        whole -= step * small
    result = whole << digits
    for digit in range(digits - 1, -1, -1):
        mantissa = (mantissa * mantissa) >> np.uint64(31)
        large = mantissa >= np.uint64(1 << 32)
        mantissa = np.where(large, mantissa >> np.uint64(1), mantissa)
        result += large.astype(np.int64) << digit
    return result
