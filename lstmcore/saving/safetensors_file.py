"""Safetensors files: written atomically, and read as untrusted data.

    metadata   format   the kind of file
               config   JSON
               crc32    of the config and of all tensors, to detect damage

A file is data from outside: every size is checked before memory is taken for it.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..validation import Array
from .atomic import atomic_write
from .formats import LARGEST_HEADER, NATIVE, written_as

_TYPES = {"F32": "float32", "F64": "float64"}
# names of other formats, whatever can be written of them; ".weights.h5" before ".h5"
_OTHERS = (".keras", ".weights.h5", ".h5", ".hdf5", ".onnx", ".pt", ".pth", ".pb", ".tflite")
_OWN = {"save": ".safetensors", "save_weights": ".weights.safetensors"}
_SUFFIXES = {"save": ".keras", "save_weights": ".weights.h5"}


def check_name(
    filepath: str | os.PathLike[str], what: str, method: str, overwrite: bool = True
) -> str:
    """Return the absolute path of a file to write; raise an error if it is not a valid one.

    Parameters
    ----------
    filepath : path-like
    what : str
        Prefix of error messages.
    method : {"save", "save_weights"}
        The kind of file.
    overwrite : bool, default True
        Accept the path of an existing file.
    """
    path = os.path.realpath(os.fspath(filepath))
    name = os.path.basename(path)
    if written_as(name, method) is NATIVE and name.lower().endswith(_OTHERS):
        raise ValueError(
            f"{what}: {name!r} names another format; write {_renamed(name, method)!r} instead"
        )
    if os.path.isdir(path):
        raise IsADirectoryError(f"{what}: {path} is a folder")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{what}: {path} exists, and overwrite is False")
    return path


def _renamed(name: str, method: str) -> str:
    """Return a file's name with a suffix that the method writes: Keras's for one of Keras's."""
    suffix = next(s for s in _OTHERS if name.lower().endswith(s))
    stem = name[: -len(suffix)].removesuffix(".weights") or "model"
    ends = _SUFFIXES if suffix.endswith((".keras", ".h5", ".hdf5")) else _OWN
    return stem + ends[method]


def write(path: str, kind: str, config: str, tensors: Mapping[str, Array]) -> None:
    """Write a file atomically."""
    from safetensors.numpy import save

    metadata = {"format": kind, "config": config, "crc32": checksum(config, tensors)}
    content = save(dict(tensors), metadata)
    _check_length(int.from_bytes(content[:8], "little"))
    with atomic_write(path) as file:
        file.write(content)


def checksum(config: str, tensors: Mapping[str, Array]) -> str:
    """Return the CRC-32 of a config and tensors, independent of their order."""
    crc = zlib.crc32(config.encode())
    for name in sorted(tensors):
        array = tensors[name]
        crc = zlib.crc32(f"{name} {array.dtype.name} {array.shape}".encode(), crc)
        crc = zlib.crc32(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data, crc)
    return f"{crc:08x}"


def check_header(path: str) -> None:
    """Raise ValueError unless the length of the header is plausible, before it is read."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > size - 8:
        raise ValueError("it is no safetensors file, or cut short")
    _check_length(length)


def _check_length(length: int) -> None:
    if length > LARGEST_HEADER:
        raise ValueError(f"its header has {length} bytes, {LARGEST_HEADER} is the most")


def read_config(file: Any, *kinds: str) -> tuple[Any, str, str | None]:
    """Return the config of an open file of one of these formats, its text and the checksum."""
    metadata = file.metadata() or {}
    if metadata.get("format") not in kinds:
        wanted = " or ".join(map(repr, kinds))
        raise ValueError(f"expected format {wanted}, got {metadata.get('format')!r}")
    text = metadata["config"]
    return json.loads(text, parse_constant=_refuse_constant), text, metadata.get("crc32")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} in the config")


def shape_and_type(file: Any, name: str) -> tuple[tuple[int, ...], str]:
    """Return the shape and dtype of a tensor from the header of an open file."""
    view = file.get_slice(name)
    kind = view.get_dtype()
    return tuple(view.get_shape()), _TYPES.get(kind, kind)


def check_tensors(
    text: str, tensors: Mapping[str, Array], crc32: str | None, allow_nonfinite: bool
) -> None:
    """Raise ValueError if the checksum is wrong or tensors have NaN or infinities."""
    if checksum(text, tensors) != crc32:
        raise ValueError("it is damaged: its checksum is wrong")
    for name, array in tensors.items():
        if not allow_nonfinite and not np.isfinite(array).all():
            raise ValueError(f"{name!r} has NaN or infinities (allow_nonfinite=True reads it)")


def few(names: Iterable[str]) -> str:
    """Return the first three names and the number of the others, for an error message."""
    several = sorted(names)
    return ", ".join(several[:3]) + (f" and {len(several) - 3} more" if len(several) > 3 else "")
