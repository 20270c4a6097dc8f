"""Formats in which weights are stored for inference, and how weights are rounded to them.

    float16    2 bytes, 11 bits of precision, up to 65,504
    bfloat16   2 bytes, 8 bits of precision, the range of float32
    int8       1 byte: whole numbers q from -127 to 127, and a float32 scale for each column

The two short floats are rounded to the nearest, ties to even. An int8 weight is ``q * scale``; its
scale is the largest absolute value of the column divided by 127 and rounded up to 16 significant
bits, so that ``q * scale`` is exact in float32. A column of zeros has the scale 0, one with NaN or
infinities NaN. Rounding weights that are rounded already changes no bit, then, which files rely on.

A column is what the sums of one product have in common: a unit of `Dense`, a gate of a unit of
`LSTM` (over the inputs and the state), a row of the table of `Embedding`.

The C core packs float32 weights by this same rule; here it serves files and embeddings, and tests
that hold the core to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FORMATS = ("float16", "bfloat16", "int8")
# NumPy has no bfloat16: its bits, the upper half of a float32, under a name that files know
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
LARGEST = 127  # of a weight in int8
_DTYPES: dict[str, Any] = {"float16": np.dtype("f2"), "bfloat16": BFLOAT16, "int8": np.dtype("i1")}
_REST = np.uint32(0xFF)  # the bits of a float32's significand behind the first 16


class Product(NamedTuple):
    """Weights that are multiplied into the same sums, and so have one scale a column.

    Attributes
    ----------
    weights : tuple
        Arrays or `Param`s.
    summed : tuple of int
        The axes of each of them that the sums run over; the others are the columns.
    columns : tuple
        For each weight after the first: which of the first one's columns (of the last axis) its
        own belong to. ``()``: they have the same columns.
    """

    weights: tuple[Any, ...]
    summed: tuple[int, ...] = (0,)
    columns: tuple[Any, ...] = ()

    def scale_shape(self) -> tuple[int, ...]:
        """Return the shape of the scales: that of the first weight without the summed axes."""
        shape = self.weights[0].shape
        return tuple(n for axis, n in enumerate(shape) if axis not in self.summed)

    def of_scale(self, scale: Array) -> list[Array]:
        """Return the scale of each weight's columns, in a shape that fits the weight's."""
        first = np.expand_dims(scale, self.summed)
        return [first, *(first[..., at] for at in self._columns())]

    def _columns(self) -> tuple[Any, ...]:
        return self.columns or (slice(None),) * (len(self.weights) - 1)

    def store(self, arrays: Sequence[Array], storage: str) -> tuple[list[Array], Array | None]:
        """Round float32 arrays, one for each weight; return them in the format, and the scales."""
        if storage != "int8":
            return [to_short(array, storage) for array in arrays], None
        scale = self.scales(arrays)
        pairs = zip(arrays, self.of_scale(scale), strict=True)
        return [_to_int8(array, of_array) for array, of_array in pairs], scale

    def widen(self, stored: Sequence[Array], scale: Array | None) -> list[Array]:
        """Return the float32 arrays that stored ones stand for."""
        if scale is None:
            return [from_short(array) for array in stored]
        pairs = zip(stored, self.of_scale(scale), strict=True)
        return [scaled(array, of_array) for array, of_array in pairs]

    def round(self, arrays: Sequence[Array], storage: str) -> list[Array]:
        """Return float32 arrays as they are once stored."""
        return self.widen(*self.store(arrays, storage))

    def _largest(self, array: Array) -> Array:
        """Return the largest absolute value of each column, without a copy of the array."""
        axes: dict[str, Any] = {"axis": self.summed, "keepdims": True, "initial": 0}
        largest: Array = np.maximum(array.max(**axes), -array.min(**axes))
        return largest

    def scales(self, arrays: Sequence[Array]) -> Array:
        """Return the scale of each column for int8."""
        most, *others = (self._largest(array) for array in arrays)
        for at, other in zip(self._columns(), others, strict=True):
            most[..., at] = np.maximum(most[..., at], other)
        least = np.ascontiguousarray(most / np.float32(LARGEST)).view(np.uint32)
        scale = ((least + _REST) & ~_REST).view(np.float32)
        scale[most <= scale / 2] = 0  # numbers next to the least that float32 has become 0
        scale[~np.isfinite(most)] = np.nan
        return scale.squeeze(self.summed)


def dtype_of(storage: str) -> np.dtype[Any]:
    """Return the dtype of arrays in a format."""
    found: np.dtype[Any] = _DTYPES[storage]
    return found


def to_short(array: Array, storage: str) -> Array:
    """Round a float32 array to float16 or bfloat16, to the nearest, ties to even."""
    array = np.ascontiguousarray(array, np.float32)
    if storage == "float16":
        with np.errstate(over="ignore"):
            return array.astype(np.float16)
    bits = array.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16
    rounded = np.where(np.isnan(array), bits >> 16 | 0x40, rounded)
    return np.ascontiguousarray(rounded, np.uint16).view(BFLOAT16)


def from_short(array: Array) -> Array:
    """Return the float32 numbers of an array of float16 or bfloat16."""
    if array.dtype != BFLOAT16:
        return array.astype(np.float32)
    bits = np.ascontiguousarray(array).view(np.uint16).astype(np.uint32)
    return (bits << 16).view(np.float32)


def scaled(array: Array, scale: Array) -> Array:
    """Return the float32 numbers of whole ones times their scale."""
    numbers = array.astype(np.float32)
    numbers *= scale
    return numbers


def _to_int8(array: Array, scale: Array) -> Array:
    """Return whole numbers from -127 to 127; 0 where the scale is 0 or NaN."""
    quotient = np.divide(array, scale, out=np.zeros_like(array), where=scale > 0)
    np.rint(quotient, out=quotient)
    return np.clip(quotient, -LARGEST, LARGEST, out=quotient).astype(np.int8)
