"""The C file's arithmetic in NumPy: float32, each operation rounded as the C file rounds it.

What the exporter computes with it stands in the file as the bits that its self-test expects. It is
that of the kernels: sums are chains of multiply-adds in rising k, e^x is a polynomial. "plain"
rounds the product of a multiply-add, as the baseline of x86-64 does; "fma" does not, as AVX2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array

SMALLEST = np.finfo(np.float32).tiny  # numbers nearer to 0 are 0 to the kernels
# log2(e), and (2^f - 1)/f, highest power first: as src_c/kernels/simd.h has them
LOG2E = float(np.float32(1.44269504088896340736))
EXP2_TERMS = (
    *(1.5453162945120690177e-4, 1.3390863364671234381e-3, 9.6180825572778514913e-3),
    *(5.5503571142190778186e-2, 2.4022650760568126945e-1, 6.9314718802622878106e-1),
)
MAGIC = np.float32(1.5 * 2**23)  # adding it rounds to a whole number
WIDE, NARROW = 87.0, 9.5  # beyond these exp and tanh do not change
LANES = {"plain": 4, "fma": 8}  # numbers in a register: sums over a row are made lane by lane


class Numbers:
    """Operations on float32 arrays; `Text` in `expressions.py` has the same as C expressions.

    Parameters
    ----------
    arithmetic : {"plain", "fma"}
    """

    def __init__(self, arithmetic: str) -> None:
        self.fused, self.lanes = arithmetic == "fma", LANES[arithmetic]

    def let(self, name: str, x: Any) -> Any:
        """Return x, which has a name in C."""
        return x

    def madd(self, a: Any, b: Any, c: Any) -> Array:
        """Return ``a * b + c``."""
        a, b, c = (np.asarray(x, np.float32) for x in (a, b, c))
        return _fused(a, b, c) if self.fused else np.asarray(a * b + c)

    def where_less(self, a: Any, b: Any, x: Any, y: Any) -> Array:
        """Return x where a < b, y elsewhere."""
        return np.asarray(np.where(a < b, x, y), np.float32)

    def flush(self, x: Array) -> Array:
        """Return x with 0 for what is nearer to 0 than the smallest normal number."""
        return np.where(np.abs(x) < SMALLEST, x * np.float32(0), x)

    def clamp(self, x: Array, limit: float) -> Array:
        """Return x cut at -limit and limit; NaN stays NaN."""
        low, high = np.float32(-limit), np.float32(limit)
        return np.asarray(np.where(x < low, low, np.where(x > high, high, x)))

    def sigmoid(self, x: Array) -> Array:
        """Return 1 / (1 + e^-x)."""
        p, s = self._powers(self.clamp(x, WIDE), -LOG2E)
        y: Array = np.float32(1) / self.madd(p, s, s + np.float32(1))
        return y

    def tanh(self, x: Array) -> Array:
        """Return the hyperbolic tangent."""
        p, s = self._powers(self.clamp(x, NARROW), 2 * LOG2E)
        e = self.madd(p, s, s - np.float32(1))
        y: Array = e * (np.float32(1) / (e + np.float32(2)))
        return y

    def exp(self, x: Array) -> Array:
        """Return e^x; 0 below -87."""
        p, s = self._powers(self.clamp(x, WIDE), LOG2E)
        return self.where_less(x, -WIDE, 0, self.madd(s, p, s))

    def _powers(self, x: Array, a: Any) -> tuple[Array, Array]:
        """Return 2^f - 1 and 2^m, where 2^(a x) is their product, m whole and f in [-1/2, 1/2]."""
        m = self.madd(x, a, MAGIC)
        f = self.madd(x, a, -(m - MAGIC))
        scale = ((m.view(np.int32) << 23) + np.int32(0x7F << 23)).view(np.float32)
        p: Array = np.full_like(x, EXP2_TERMS[0])
        for term in EXP2_TERMS[1:]:
            p = self.madd(p, f, np.float32(term))
        return p * f, scale

    # -- rows: (..., width) ----------------------------------------------------------------

    def product(self, z: Array, x: Array, w: Array) -> Array:
        """Return ``z + x @ w``, each element a chain in rising k."""
        for k in range(len(w)):
            z = self.madd(x[..., k : k + 1], w[k].astype(np.float32), z)
        return z

    def lane_sums(self, x: Array, squares: bool = False) -> list[Array]:
        """Return the sum of each lane of a row, or of its squares."""
        short = -x.shape[-1] % self.lanes
        wide = np.concatenate([x, np.zeros((*x.shape[:-1], short), np.float32)], axis=-1)
        sums = np.zeros((*x.shape[:-1], self.lanes), np.float32)
        for i in range(0, x.shape[-1], self.lanes):
            part = wide[..., i : i + self.lanes]
            sums = self.madd(part, part, sums) if squares else sums + part
        return [sums[..., i : i + 1] for i in range(self.lanes)]

    def softmax(self, x: Array) -> Array:
        """Return the softmax of each row."""
        e = self.exp(x - x.max(axis=-1, keepdims=True))
        total = np.zeros((*x.shape[:-1], 1), np.float32)
        for lane in self.lane_sums(e):
            total = total + lane
        return e / total

    def across(self, x: Array) -> Array:
        """Return the sum of a row as the normalized cells make it: halves of the lanes added up."""
        return _halves(self.lane_sums(x))

    def squares_across(self, x: Array) -> Array:
        """Return the sum of a row's squares, as `across`."""
        return _halves(self.lane_sums(x, squares=True))


def _halves(lanes: list[Array]) -> Array:
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [lanes[i] + lanes[i + half] for i in range(half)]
    return lanes[0]


def _fused(a: Array, b: Array, c: Array) -> Array:
    """Return a b + c, rounded once.

    The product is exact in float64, its sum with c is rounded to odd: one of the two neighbours of
    the exact sum that has an odd last bit. Rounding this to float32 is rounding the exact sum.
    """
    p, c64 = a.astype(np.float64) * b, c.astype(np.float64)
    total = np.asarray(p + c64)
    behind = total - p
    error = (p - (total - behind)) + (c64 - behind)
    even = (total.view(np.int64) & 1) == 0
    inexact = (error != 0) & even & np.isfinite(total)
    odd = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where(inexact, odd, total).astype(np.float32)
