"""Safetensors files: written atomically, and read as untrusted data.

    metadata   format   the kind of file
               config   JSON
               crc32    of the config and of all tensors, to detect damage

A file is data from outside: every size is checked before memory is taken for it.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
import zlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .. import _core
from ..quantization.storage import BFLOAT16, from_short
from ..validation import Array
from .atomic import atomic_write
from .formats import LARGEST_HEADER, NATIVE, written_as
from .safetensors_format import (
    Reader,
    little_endian,
    make_header,
    name_of,
    open_tensors,
    write_arrays,
)

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
    """Write a file atomically. The same contents give the same bytes."""
    metadata = {"format": kind, "config": config, "crc32": checksum(config, tensors)}
    header = make_header(metadata, tensors)
    if len(header) - 8 > LARGEST_HEADER:  # no reader would take it
        raise ValueError(
            f"save: the config of this model, with names and vocabularies, takes {len(header) - 8} "
            f"bytes, {LARGEST_HEADER} is the most"
        )
    with atomic_write(path) as file:
        file.write(header)
        write_arrays(file, tensors)


def checksum(config: str, tensors: Mapping[str, Array]) -> str:
    """Return the CRC-32 of a config and tensors, independent of their order."""
    crc = zlib.crc32(config.encode())
    for name in sorted(tensors):
        array = tensors[name]
        crc = zlib.crc32(f"{name} {name_of(array.dtype)} {array.shape}".encode(), crc)
        crc = zlib.crc32(little_endian(array).data, crc)
    return f"{crc:08x}"


def open_file(path: str) -> AbstractContextManager[Reader]:
    """Open a file of this library; see `open_tensors`, also for the errors."""
    return open_tensors(path, LARGEST_HEADER)


def read_config(file: Reader, *kinds: str) -> tuple[Any, str, str | None]:
    """Return the config of an open file of one of these formats, its text and the checksum."""
    metadata = file.metadata
    if metadata.get("format") not in kinds:
        wanted = " or ".join(map(repr, kinds))
        raise ValueError(f"expected format {wanted}, got {metadata.get('format')!r:.80}")
    text = metadata["config"]
    return json.loads(text, parse_constant=_refuse_constant), text, metadata.get("crc32")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} in the config")


def check_tensors(
    text: str, tensors: Mapping[str, Array], crc32: str | None, allow_nonfinite: bool
) -> None:
    """Raise ValueError if the checksum is wrong or tensors have NaN or infinities."""
    if checksum(text, tensors) != crc32:
        raise ValueError("it is damaged: its checksum is wrong")
    refuse_not_finite(tensors, allow_nonfinite)


def refuse_not_finite(tensors: Mapping[str, Array], allow_nonfinite: bool) -> None:
    """Raise ValueError if a tensor has NaN or infinities, unless that is allowed."""
    if not allow_nonfinite and (names := not_finite(tensors)):
        raise ValueError(f"{names[0]!r} has NaN or infinities (allow_nonfinite=True reads it)")


def not_finite(tensors: Mapping[str, Array]) -> list[str]:
    """Return the names of the arrays that have NaN or infinities."""
    return [name for name, array in tensors.items() if not _is_finite(array)]


def _is_finite(array: Array) -> bool:
    if array.dtype in (np.float32, np.float64) and array.flags.c_contiguous:
        return _core.finite(array)  # takes no memory
    return bool(np.isfinite(from_short(array) if array.dtype == BFLOAT16 else array).all())


def warn_of_not_finite(who: str, tensors: Mapping[str, Array], reader: str) -> None:
    """Warn, at the line of the user's, that a file will be refused by its reader."""
    if names := not_finite(tensors):
        warnings.warn(
            f"{who}: {few(names)} have NaN or infinities, as after training that diverged: "
            f"{reader} refuses this file without allow_nonfinite=True",
            stacklevel=depth_of_the_user(),
        )


def depth_of_the_user() -> int:
    """Return the ``stacklevel`` for the caller of the first frame outside of this library."""
    package = os.path.dirname(os.path.dirname(__file__)) + os.sep
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, depth = frame.f_back, depth + 1
    return depth


def few(names: Iterable[str]) -> str:
    """Return the first three names and the number of the others, for an error message."""
    several = sorted(names)
    return ", ".join(several[:3]) + (f" and {len(several) - 3} more" if len(several) > 3 else "")
