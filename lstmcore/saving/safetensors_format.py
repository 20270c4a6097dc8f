"""The safetensors format: named arrays and texts in one file, read without a memory map.

A file is eight bytes, the length of the header as a little-endian number; the header, JSON in UTF-8
filled up with spaces; and the arrays' bytes, little-endian and in C order, without gaps::

    {"__metadata__": {text: text, ...},
     name: {"dtype": "F32", "shape": [2, 12], "data_offsets": [start, end]}, ...}

Offsets count from the end of the header. The specification is the README of
github.com/huggingface/safetensors. Reading goes through `read`, not a memory map, so that a file
that is cut short meanwhile is an error and not a signal that ends the process.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np

from ..quantization.storage import BFLOAT16
from ..validation import Array

ALIGNMENT = 8  # bytes, of the header's end
MOST_AXES = 64  # NumPy's limit
TYPES = {
    "BOOL": "bool",
    **{f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint"))
       for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BF16": "bfloat16",
}  # fmt: skip
_CODES = {name: code for code, name in TYPES.items()}
_OTHERS = {"F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "C64": 8}  # not read here


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the dtype of a name among `TYPES`."""
    return BFLOAT16 if name == "bfloat16" else np.dtype(name)


def name_of(dtype: np.dtype[Any]) -> str:
    """Return NumPy's name of a dtype, and "bfloat16" of that one."""
    return "bfloat16" if dtype == BFLOAT16 else dtype.name


_BYTES = {code: dtype_of(name).itemsize for code, name in TYPES.items()} | _OTHERS


class Entry(NamedTuple):
    """The place of an array in a file.

    Attributes
    ----------
    dtype : str
        NumPy's name or "bfloat16", or that of the format for a type that is not read.
    shape : tuple of int
    start, end : int
        In bytes from the beginning of the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


# -- writing -------------------------------------------------------------------------------


def make_header(metadata: Mapping[str, str], tensors: Mapping[str, Array]) -> bytes:
    """Return the first bytes of a file, up to the arrays: always the same for the same contents.

    Arrays stand in the order of `in_order`, the metadata in that of the mapping.

    Raises
    ------
    ValueError
        If an array's dtype is not one of the format's, or a name is not valid Unicode.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name in in_order(tensors):
        array = tensors[name]
        if name_of(array.dtype) not in _CODES:
            raise ValueError(f"{name!r}: expected numbers of a known type, got {array.dtype}")
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _CODES[name_of(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def in_order(tensors: Mapping[str, Array]) -> list[str]:
    """Return the names of arrays in a file's order: longer numbers first, so all are aligned."""
    return sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))


def little_endian(array: Array) -> Array:
    """Return an array as its bytes stand in a file; the array itself if they do already."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def write_arrays(file: IO[bytes], tensors: Mapping[str, Array]) -> None:
    """Write the arrays' bytes, which follow the header."""
    for name in in_order(tensors):
        file.write(little_endian(tensors[name]).reshape(-1).view(np.uint8).data)


# -- reading -------------------------------------------------------------------------------


class Reader:
    """An open file: its header is read and found consistent, its arrays are read one by one.

    Parameters
    ----------
    file : binary file
        Open for reading, without a buffer.
    largest : int
        The most bytes that the header may have.

    Attributes
    ----------
    metadata : dict of str to str
    entries : dict of str to Entry
        In the file's order.

    Raises
    ------
    ValueError
        If it is not such a file, is cut short, or its header is inconsistent. Nothing larger than
        the header has been read then.
    """

    def __init__(self, file: Any, largest: int) -> None:
        self._file = file
        size = os.fstat(file.fileno()).st_size
        first = file.read(8)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or length > size - 8:
            raise ValueError("it is no safetensors file, or cut short")
        check_length(length, largest)
        text = bytearray(length)
        _fill(file, text)
        header = json.loads(
            text.decode(), object_pairs_hook=_unique, parse_constant=refuse_constant
        )
        if not isinstance(header, dict):
            raise ValueError("its header is not a dict")
        self.metadata: dict[str, str] = header.pop("__metadata__", {})
        if not isinstance(self.metadata, dict) or any(
            not isinstance(text, str) for text in self.metadata.values()
        ):
            raise ValueError("its metadata are not texts")
        entries = {name: _entry(name, given, 8 + length) for name, given in header.items()}
        self.entries = dict(sorted(entries.items(), key=lambda item: item[1][2:]))
        _check_places(self.entries, 8 + length, size)

    def read(self, name: str) -> Array:
        """Return an array of its own memory."""
        entry = self.entries[name]
        if entry.dtype not in _CODES:
            raise ValueError(f"{name!r}: NumPy has no numbers of type {entry.dtype}")
        array = np.empty(entry.shape, dtype_of(entry.dtype))
        self.read_into(name, array)
        return array

    def read_into(self, name: str, array: Array) -> None:
        """Read an array into the memory of a C-contiguous one of its shape and dtype."""
        entry = self.entries[name]
        assert (name_of(array.dtype), array.shape) == entry[:2]
        assert array.flags.c_contiguous
        flat = array.reshape(-1)
        self._file.seek(entry.start)
        _fill(self._file, flat.view(np.uint8).data)
        if array.dtype == bool and (flat.view(np.uint8) > 1).any():
            raise ValueError(f"{name!r}: expected 0 and 1 alone")
        if array.dtype.newbyteorder("<") != array.dtype:
            flat.byteswap(inplace=True)


@contextmanager
def open_tensors(path: str, largest: int) -> Iterator[Reader]:
    """Open a file; see `Reader`, also for the errors."""
    with open(path, "rb", buffering=0) as file:
        yield Reader(file, largest)


def check_length(length: int, largest: int) -> None:
    """Raise ValueError if a header is too long."""
    if length > largest:
        raise ValueError(f"its header has {length} bytes, {largest} is the most")


def refuse_constant(name: str) -> None:
    """Raise ValueError: JSON has no NaN or infinities, though Python's reader takes them."""
    raise ValueError(f"{name} in JSON")


def _fill(file: Any, memory: Any) -> None:
    """Read bytes until the memory is full."""
    view = memoryview(memory)
    while len(view):
        count = file.readinto(view)
        if not count:
            raise ValueError("it is cut short, or another process is writing to it")
        view = view[count:]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a dict; raise ValueError if a key comes twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice in its header")
    return found


def _entry(name: str, given: Any, begin: int) -> Entry:
    """Return the place of an array, from its part of the header."""
    if not isinstance(given, dict) or given.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r}: expected dtype, shape and data_offsets in its header")
    code, shape, offsets = given["dtype"], given["shape"], given["data_offsets"]
    if not isinstance(code, str) or code not in _BYTES:
        raise ValueError(f"{name!r}: unknown type {code!r:.80}")
    if not _are_sizes(shape) or len(shape) > MOST_AXES:
        raise ValueError(f"{name!r}: expected a shape, got {shape!r:.80}")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{name!r}: expected two offsets, got {offsets!r:.80}")
    start, end = offsets
    if end - start != math.prod(shape) * _BYTES[code]:
        raise ValueError(f"{name!r}: {code} {tuple(shape)} has not {end - start} bytes")
    return Entry(TYPES.get(code, code), tuple(shape), begin + start, begin + end)


def _are_sizes(given: Any) -> bool:
    return isinstance(given, list) and all(type(n) is int and 0 <= n < 2**63 for n in given)


def _check_places(entries: Mapping[str, Entry], at: int, size: int) -> None:
    """Raise ValueError unless the arrays fill the file from one place on, without gaps."""
    for name, entry in entries.items():
        if entry.start != at:
            raise ValueError(f"{name!r}: expected it at byte {at}, its header says {entry.start}")
        at = entry.end
    if at != size:
        raise ValueError(f"its header describes {at} bytes, it has {size}")
