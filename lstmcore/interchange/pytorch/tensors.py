"""Tensors of PyTorch as its files describe them: a window on a storage, with sizes and strides.

Nothing here takes memory for what a file claims: a description is checked against the number of
elements of its storage, and that against the bytes of the file, before any array is made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...validation import Array

# PyTorch's name of a type, that of its storages, and NumPy's code; "bf" is bfloat16, which NumPy
# does not have
_TYPES = (
    ("float32", "Float", "f4"),
    ("float64", "Double", "f8"),
    ("float16", "Half", "f2"),
    ("bfloat16", "BFloat16", "bf"),
    ("int64", "Long", "i8"),
    ("int32", "Int", "i4"),
    ("int16", "Short", "i2"),
    ("int8", "Char", "i1"),
    ("uint8", "Byte", "u1"),
    ("bool", "Bool", "?"),
    ("complex64", "ComplexFloat", "c8"),
    ("complex128", "ComplexDouble", "c16"),
    ("uint16", "", "u2"),
    ("uint32", "", "u4"),
    ("uint64", "", "u8"),
)
CODES = {name: code for name, _, code in _TYPES}
STORAGES = {f"{storage}Storage": name for name, storage, _ in _TYPES if storage}
MOST_AXES = 32


def item_size(dtype: str) -> int:
    """Return the bytes of an element of one of PyTorch's types, by its name."""
    return 2 if dtype == "bfloat16" else np.dtype(CODES[dtype]).itemsize


def widened(dtype: str) -> str:
    """Return the name of the NumPy type that tensors of this type are read as.

    Those of 16 bits become float32, which holds each of their values exactly.
    """
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def as_numbers(content: Any, dtype: str, byteorder: str) -> Array:
    """Return the elements in a buffer of bytes, one axis, in the machine's byte order.

    Parameters
    ----------
    content : buffer
        A writable one makes a writable array, of the same memory where the types agree.
    dtype : str
        PyTorch's name of the type.
    byteorder : {"little", "big"}
    """
    order: Literal["<", ">"] = "<" if byteorder == "little" else ">"
    if dtype == "bfloat16":  # the upper half of a float32
        upper = np.frombuffer(content, f"{order}u2").astype(np.uint32)
        upper <<= np.uint32(16)
        return upper.view(np.float32)
    found = np.frombuffer(content, np.dtype(CODES[dtype]).newbyteorder(order))
    return found.astype(np.dtype(widened(dtype)), copy=False)


@dataclass(frozen=True)
class Storage:
    """A storage of a file: `count` elements of a type, in the record ``data/<key>``."""

    key: str
    dtype: str | None  # None: bytes, whose type the tensor says
    count: int

    def elements(self, dtype: str) -> int:
        """Return the number of elements if they are of this type."""
        return self.count if self.dtype else self.count // item_size(dtype)

    def bytes(self) -> int:
        """Return the number of bytes that the record must have."""
        return self.count * (item_size(self.dtype) if self.dtype else 1)


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file: the elements of a storage at an offset, by sizes and strides."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def check(self) -> None:
        """Raise ValueError unless all elements lie within the storage, and are not more."""
        numbers = (self.offset, *self.shape, *self.strides)
        if any(type(n) is not int or not 0 <= n < 1 << 62 for n in numbers):
            raise ValueError("a tensor's offset, size and stride: expected whole numbers >= 0")
        if len(self.shape) != len(self.strides) or len(self.shape) > MOST_AXES:
            raise ValueError(
                f"a tensor's size and stride: expected as many, at most {MOST_AXES}, "
                f"got {len(self.shape)} and {len(self.strides)}"
            )
        if 0 in self.shape:
            if math.prod(n or 1 for n in self.shape) >= 1 << 48:
                raise ValueError("an empty tensor's sizes are too large")
            return
        held = self.storage.elements(self.dtype)
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if last >= held:
            raise ValueError(
                f"a tensor reaches to element {last} of storage {self.storage.key!r:.80}, "
                f"which has {held}"
            )
        if math.prod(self.shape) > held:
            raise ValueError(
                f"a tensor of {math.prod(self.shape)} elements repeats those of storage "
                f"{self.storage.key!r:.80}, which has {held}; in PyTorch save "
                "tensor.contiguous() instead of what expand() returned"
            )

    def view(self, elements: Array) -> Array:
        """Return the tensor as a view of its storage's elements, after `check`."""
        if 0 in self.shape:
            return np.zeros(self.shape, elements.dtype)
        strides = tuple(s * elements.itemsize for s in self.strides)
        return np.lib.stride_tricks.as_strided(elements[self.offset :], self.shape, strides)
