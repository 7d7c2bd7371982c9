"""Random draws that are the same, byte for byte, on every machine and every NumPy 2.x.

NumPy promises that the *raw* 64-bit output of a bit generator never changes, but makes no
such promise for `Generator.normal`, `choice` or `permutation`. Floating-point sums, BLAS
products and vectorised `exp`/`log` can differ in the last bit between processors, and one bit
is enough to turn 3 stars into 4. So the whole simulation works on int64 in fixed point
(`ONE` stands for 1.0), where every operation is exact, and starts from raw bits.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

SHIFT = 16
ONE = 1 << SHIFT
LN_2 = 45_426  # ln 2 in fixed point
LOG2_LN_2 = -34_653  # log2(ln 2) in fixed point


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
    """

    def __init__(self, seed: int, purpose: str) -> None:
        # The key is spelled out instead of hashed: Python's hash() changes from run to run.
        name = int.from_bytes(purpose.encode("ascii")[:8], "big")
        self._bits = np.random.Philox(key=(seed << 64) | name)

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
        uniform = (self.raw(*shape) >> np.uint64(32)) | np.uint64(1)
        return times((32 << SHIFT) - log2(uniform), LN_2)

    def gumbel(self, *shape: int) -> Ints:
        """Return Gumbel fixed-point numbers.

        The n largest of ``log(weight) + gumbel`` are a draw of n films without replacement, in
        proportion to their weights.
        """
        uniform = (self.raw(*shape) >> np.uint64(32)) | np.uint64(1)
        minus_log2 = np.maximum((32 << SHIFT) - log2(uniform), 1).astype(np.uint64)
        return times((SHIFT << SHIFT) - log2(minus_log2) - LOG2_LN_2, LN_2)

    def pick(self, weights: Sequence[int], n: int) -> Ints:
        """Return `n` positions in `weights`, each as often as its weight says."""
        ends = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(ends, self.below(int(ends[-1]), n), side="right").astype(np.int64)


def log2(numbers: npt.NDArray[np.uint64]) -> Ints:
    """Return the base-2 logarithm in fixed point of integers from 1 to 2**32 - 1.

    `np.log2` may round differently on another processor. This squares instead: each squaring
    doubles the logarithm, and whether the number passes 2 is its next binary digit.
    """
    mantissa = numbers.copy()
    whole = np.full(numbers.shape, 31, dtype=np.int64)
    for step in (16, 8, 4, 2, 1):
        small = mantissa < np.uint64(1 << (32 - step))
        mantissa = np.where(small, mantissa << np.uint64(step), mantissa)
        whole -= step * small
    result = whole << SHIFT
    for digit in range(SHIFT - 1, -1, -1):
        mantissa = (mantissa * mantissa) >> np.uint64(31)
        large = mantissa >= np.uint64(1 << 32)
        mantissa = np.where(large, mantissa >> np.uint64(1), mantissa)
        result += large.astype(np.int64) << digit
    return result
