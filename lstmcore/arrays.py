"""Arrays from users: checked, converted once, and cut into batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .utils import generator

Array = NDArray[Any]
Batch = tuple[Array, Array, Array | None]


def as_array(value: Any, dtype: Any, what: str) -> Array:
    """Return numbers of any kind and memory layout as a native, C-contiguous array.

    Parameters
    ----------
    value : array_like
    dtype : dtype or None
        What to convert to; None keeps the type.
    what : str
        What to call the value in error messages.

    Raises
    ------
    TypeError
        If they are no real numbers (objects, strings, dates, complex).
    ValueError
        If rows differ in length, or there is nothing in the array.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{what}: expected an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what}: expected real numbers, got an array of dtype {array.dtype}")
    if array.size == 0:
        raise ValueError(f"{what}: expected at least one number, got shape {array.shape}")
    return np.ascontiguousarray(array, dtype) if array.ndim else array.astype(dtype)


def matching(array: Array, x: Array, what: str) -> Array:
    """Return the array if it has as many samples as x."""
    if array.ndim == 0 or len(array) != len(x):
        got = len(array) if array.ndim else "one number"
        raise ValueError(f"{what}: expected {len(x)} samples, as many as x has, got {got}")
    return array


def whole(argument: str, value: Any, default: int, least: int = 1) -> int:
    """Return a count as an int, the default for None, or say what is wrong with it."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{argument}: expected a whole number >= {least}, got {value!r}")
    return int(value)


class Batches:
    """Samples in memory, cut into batches: targets and weights go with their inputs.

    Parameters
    ----------
    x, y : ndarray, (samples, ...)
    weight : ndarray, (samples, ...), optional
    batch_size : int, default 32
    shuffle : bool, default False
        Draw a new order each time through. Then a batch is valid until the next one is made:
        all are gathered into the same memory.
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        weight: Array | None = None,
        batch_size: int | None = None,
        shuffle: bool = False,
    ) -> None:
        self.arrays: Batch = (x, y, weight)
        self.samples = len(x)
        self.batch_size = min(whole("batch_size", batch_size, 32), self.samples)
        self.steps = math.ceil(self.samples / self.batch_size)
        self.shuffle = bool(shuffle)

    def split(self, share: float) -> tuple[Batches, Batches]:
        """Return all but the last `share` of the samples, and these, divided as Keras does."""
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ValueError(f"validation_split: expected a number from 0 to 1, got {share!r}")
        at = math.floor(self.samples * (1.0 - share))
        if at == 0:
            raise ValueError(
                f"validation_split: {share:g} of {self.samples} samples leaves none to train on"
            )
        x, y, weight = self.arrays
        head, tail = slice(at), slice(at, None)
        return (
            Batches(
                x[head],
                y[head],
                None if weight is None else weight[head],
                self.batch_size,
                self.shuffle,
            ),
            Batches(x[tail], y[tail], None if weight is None else weight[tail], self.batch_size),
        )

    def __iter__(self) -> Iterator[Batch]:
        size, (x, y, weight) = self.batch_size, self.arrays
        if not self.shuffle:
            for start in range(0, self.samples, size):
                part = slice(start, start + size)
                yield x[part], y[part], None if weight is None else weight[part]
            return
        order = generator().permutation(self.samples)
        x_memory, y_memory = np.empty_like(x[:size]), np.empty_like(y[:size])
        for start in range(0, self.samples, size):
            rows = order[start : start + size]
            n = len(rows)
            # mode="clip": with "raise" NumPy gathers into a buffer of its own first
            yield (
                x.take(rows, 0, x_memory[:n], "clip"),
                y.take(rows, 0, y_memory[:n], "clip"),
                None if weight is None else weight[rows],
            )
