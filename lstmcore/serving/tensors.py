"""Tensors of the Open Inference Protocol: datatypes, and arrays from numbers and from bytes."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..validation import Array
from .errors import BadRequestError

BYTES = "BYTES"
NUMBERS = {"FP32": "<f4", "FP64": "<f8", "INT32": "<i4", "INT64": "<i8"}
DATATYPES = (*NUMBERS, BYTES)
DATATYPES_OF = {"float32": "FP32", "float64": "FP64", "int32": "INT32", "int64": "INT64"}
_NAMES = {np.dtype(code): name for name, code in NUMBERS.items()}
LARGEST = 2**31 - 1  # of an axis
MOST_AXES = 8


@dataclass(frozen=True)
class TensorSpec:
    """Name, datatype and shape of an input or an output.

    Parameters
    ----------
    name : str
    datatype : {"FP32", "FP64", "INT32", "INT64", "BYTES"}
    shape : tuple of int
        Batch axis included; -1 where the size is free.
    optional : bool, default False
        An input that a request may lack.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    optional: bool = False

    def describe(self) -> dict[str, Any]:
        """Return what the model's metadata say of it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


def datatype_of(array: Array) -> str:
    """Return the datatype of an array of numbers, or of texts."""
    return BYTES if array.dtype.kind in "OUS" else _NAMES[array.dtype.newbyteorder("<")]


def check_datatype(value: Any, what: str) -> str:
    """Return a datatype; raise BadRequestError unless it is a known one."""
    if not isinstance(value, str) or value not in DATATYPES:
        raise BadRequestError(
            f"{what}: datatype: expected one of {', '.join(DATATYPES)}, got {value!r:.80}"
        )
    return value


def check_shape(value: Any, what: str) -> tuple[int, ...]:
    """Return a shape as a tuple; raise BadRequestError unless it is a list of sizes."""
    if not isinstance(value, list | tuple) or len(value) > MOST_AXES:
        raise BadRequestError(
            f"{what}: shape: expected a list of up to {MOST_AXES} sizes, got {value!r:.80}"
        )
    for size in value:
        if type(size) is not int or not 0 <= size <= LARGEST:
            raise BadRequestError(
                f"{what}: shape: expected whole numbers from 0 to {LARGEST}, got {size!r:.80}"
            )
    return tuple(value)


def from_bytes(raw: memoryview, datatype: str, shape: tuple[int, ...], what: str) -> Array:
    """Return the array whose elements, little-endian, are these bytes.

    An array of numbers is a view of the bytes, aligned or not; texts are copied.
    """
    count = math.prod(shape)
    if datatype == BYTES:
        return _texts_from_bytes(raw, count, what).reshape(shape)
    dtype = np.dtype(NUMBERS[datatype])
    if len(raw) != count * dtype.itemsize:
        raise BadRequestError(
            f"{what}: expected {count * dtype.itemsize} bytes, as {count} numbers of {datatype} "
            f"take, got {len(raw)}"
        )
    return np.frombuffer(raw, dtype).reshape(shape)


def _texts_from_bytes(raw: memoryview, count: int, what: str) -> Array:
    """Return texts, each behind its length in 4 bytes."""
    if count * 4 > len(raw):  # before memory is taken for what is only claimed
        raise BadRequestError(
            f"{what}: expected {count} texts, each behind its length in 4 bytes, got {len(raw)} "
            "bytes"
        )
    found, at = np.empty(count, object), 0
    for i in range(count):
        end = at + 4
        length = struct.unpack_from("<I", raw, at)[0] if end <= len(raw) else len(raw)
        if end + length > len(raw):
            raise BadRequestError(f"{what}: text {i}: it ends beyond the {len(raw)} bytes there")
        found[i] = _text(bytes(raw[end : end + length]), f"{what}: text {i}")
        at = end + length
    if at != len(raw):
        raise BadRequestError(f"{what}: {len(raw) - at} bytes are left after the last text")
    return found


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"{what}: expected UTF-8, got byte {error.start} of none") from None


def from_texts(texts: Sequence[bytes], shape: tuple[int, ...], what: str) -> Array:
    """Return an array of texts from their bytes, which are UTF-8."""
    if len(texts) != math.prod(shape):
        raise BadRequestError(f"{what}: expected {math.prod(shape)} texts, got {len(texts)}")
    found = np.empty(len(texts), object)
    for i, raw in enumerate(texts):
        found[i] = _text(raw, f"{what}: text {i}")
    return found.reshape(shape)


def from_data(data: Any, datatype: str, shape: tuple[int, ...], what: str) -> Array:
    """Return the array of a list of numbers or texts from JSON, flat or nested as the shape is."""
    if not isinstance(data, list):
        raise BadRequestError(f"{what}: data: expected a list, got a {type(data).__name__}")
    if datatype == BYTES:
        return _texts_from_data(data, shape, what)
    try:
        array = np.array(data)
    except (ValueError, OverflowError):
        raise BadRequestError(f"{what}: data: expected rows of equal lengths") from None
    if array.dtype.kind not in ("iu" if datatype.startswith("INT") else "iuf") and array.size:
        kind = "whole numbers" if datatype.startswith("INT") else "numbers"
        raise BadRequestError(f"{what}: data: expected {kind}, got {_sample(data)}")
    array = _sized(array, shape, what)
    with np.errstate(over="ignore"):
        found = array.astype(NUMBERS[datatype])
    beyond = ~np.isfinite(found) if found.dtype.kind == "f" else found != array
    if beyond.any():
        raise BadRequestError(
            f"{what}: data: expected numbers of {datatype}, got {array[beyond].flat[0]!s:.80}"
        )
    return found


def _sample(data: Any) -> str:
    """Return the first entry that is neither a list nor an int, for a message."""
    waiting = [data]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, list):
            waiting.extend(reversed(entry))
        elif type(entry) is not int:
            return f"{entry!r:.80}"
    return "a number that is too large"


def _texts_from_data(data: list[Any], shape: tuple[int, ...], what: str) -> Array:
    flat: list[Any] = data
    while flat and isinstance(flat[0], list):
        if not all(isinstance(part, list) for part in flat):
            raise BadRequestError(f"{what}: data: expected rows of equal lengths")
        flat = [entry for part in flat for entry in part]
    found = np.empty(len(flat), object)
    for i, entry in enumerate(flat):
        if not isinstance(entry, str):
            raise BadRequestError(f"{what}: data: expected texts, got {entry!r:.80}")
        found[i] = entry
    return _sized(found, shape, what)


def _sized(array: Array, shape: tuple[int, ...], what: str) -> Array:
    """Return the array in the shape claimed; it may be flat, or has that shape already."""
    if array.size != math.prod(shape) or (array.ndim > 1 and array.shape != shape):
        raise BadRequestError(
            f"{what}: data: expected {math.prod(shape)} elements, as shape {list(shape)} has, got "
            f"shape {list(array.shape)}"
        )
    return array.reshape(shape)


def to_bytes(array: Array) -> bytes:
    """Return the elements, little-endian, and texts behind their lengths."""
    if array.dtype.kind in "OUS":
        texts = [str(text).encode("utf-8", "surrogatepass") for text in array.reshape(-1).tolist()]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def to_json_text(array: Array, what: str) -> str:
    """Return the elements as a flat JSON list; floats in the fewest digits that give them again.

    Raises
    ------
    BadRequestError
        If a number is NaN or infinite, which JSON has no word for.
    """
    flat = array.reshape(-1)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        raise BadRequestError(
            f"{what}: it has NaN or infinite numbers, which JSON cannot say: ask for it as binary "
            "data"
        )
    if flat.dtype == np.float32:  # a float64 would need up to 17 digits for the same number
        return f"[{','.join(flat.astype(np.str_).tolist())}]"
    return json.dumps(flat.tolist(), separators=(",", ":"))
