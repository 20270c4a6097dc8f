"""Formats of model files: recognized by their content, chosen by their suffix when writing.

A `Format` names the module that reads and writes it. The module stands above `lstmcore.models`, as
the models' files must be built of layers, so it is imported by its name when it is first needed.
It has those of these functions that make sense for it:

    read_model(path, *, compile, allow_nonfinite) -> Model
    write_model(model, path)
    read_weights(model, path, *, by_name, skip_mismatch, allow_nonfinite)
    write_weights(model, path)
    describe(path) -> dict
"""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import dataclass
from typing import Any

from .zip_archive import open_zip

HDF5_START, ZIP_START = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
LCM_START = b"\x89LCM\r\n\x1a\n"
LARGEST_HEADER = 1 << 20  # bytes; a model of a thousand layers takes about half of it
_LARGEST_FOREIGN_HEADER = 100 << 20  # the safetensors library's own limit
_ACCEPTED = (
    "files of lstmcore (.safetensors), Keras (.keras, .h5), PyTorch (.pt, .safetensors) and ONNX"
)


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    name : str
        For messages: ``"Keras's .keras file"``.
    module : str
        The full name of the module that reads and writes it; "" for this library's own.
    quantized : bool
        An exported model keeps the formats that its weights are stored in.
    """

    name: str
    module: str = ""
    quantized: bool = False

    def function(self, name: str) -> Any:
        """Return a function of the format's module; raise ValueError if it has none."""
        found = getattr(importlib.import_module(self.module), name, None)
        if found is None:
            raise ValueError(f"{self.name}: there is no {name.replace('_', ' ')} for it")
        return found


NATIVE = Format("this library's file")
KERAS_ARCHIVE = Format("Keras's .keras file", "lstmcore.interchange.keras.archive")
KERAS_HDF5 = Format("Keras's HDF5 file", "lstmcore.interchange.keras.hdf5_file")
KERAS_JSON = Format("Keras's JSON", "lstmcore.interchange.keras.opening")
PYTORCH = Format("PyTorch's file", "lstmcore.interchange.pytorch.files")
ONNX = Format("an ONNX file", "lstmcore.interchange.onnx.files")
C = Format("a C file", "lstmcore.interchange.c")
LCM = Format("a model file of liblstmcore", "lstmcore.interchange.lcm.files", quantized=True)

# by the ends of their names: what `save`, `save_weights` and `export` write
_WRITTEN = {
    "save": {".keras": KERAS_ARCHIVE},
    "save_weights": {".weights.h5": KERAS_HDF5},
    "export": {".onnx": ONNX, ".c": C, ".lcm": LCM},
}


def written_as(filepath: str | os.PathLike[str], method: str) -> Format:
    """Return the format in which a method of a model writes a file of this name.

    Parameters
    ----------
    filepath : path-like
    method : {"save", "save_weights", "export"}
    """
    name = os.fspath(filepath).lower()
    found = (kind for end, kind in _WRITTEN[method].items() if name.endswith(end))
    return next(found, NATIVE)


def exported_as(filepath: str | os.PathLike[str], name: str | None = None) -> Format:
    """Return the format in which a model is exported, by a file's name or the format's own.

    Raises
    ------
    ValueError
        If it is none that models are exported in.
    """
    known = {end.removeprefix("."): kind for end, kind in _WRITTEN["export"].items()}
    if name is not None:
        if str(name).lower() not in known:
            wanted = " or ".join(map(repr, known))
            raise ValueError(f"export: format: expected {wanted}, got {name!r}")
        return known[str(name).lower()]
    found = written_as(filepath, "export")
    if found is NATIVE:
        ends = " or ".join(f".{end}" for end in known)
        raise ValueError(
            f"export: filepath: expected a name that ends in {ends}, got "
            f"{os.path.basename(os.fspath(filepath))!r}"
        )
    return found


def recognize(path: str) -> Format:
    """Return the format of a file by its content.

    Raises
    ------
    ValueError
        If it is none of a model or of weights; the message says what it seems to be.
    """
    with open(path, "rb") as file:
        start = file.read(16)
        size = os.fstat(file.fileno()).st_size
        header = int.from_bytes(start[:8], "little")
        if start[8:9] == b"{" and 2 <= header <= size - 8:
            return _safetensors(file, header)
    if start.startswith(HDF5_START):
        return KERAS_HDF5
    if start.startswith(ZIP_START):
        return _zip(path)
    if start.startswith(LCM_START):
        return LCM
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":  # a pickle
        return PYTORCH
    if _is_onnx(start):
        return ONNX
    if start[:1] == b"{" and b'"' in start:
        raise ValueError(
            "it is JSON: an architecture is read by lstmcore.models.model_from_json(text)"
        )
    if start[8:9] == b"{" or 2 <= header <= size - 8:  # seems to begin with a header's length
        return NATIVE
    raise ValueError(f"its first bytes, {start[:8]!r}, are of none of {_ACCEPTED}")


def _safetensors(file: Any, length: int) -> Format:
    """Return whose a safetensors file is; a damaged one is left to this library's reader."""
    if length > _LARGEST_FOREIGN_HEADER:
        return NATIVE
    file.seek(8)
    try:
        metadata = json.loads(file.read(length)).get("__metadata__", {})
        own = str(metadata.get("format", "")).startswith("lstmcore")
    except (ValueError, AttributeError, RecursionError):
        return NATIVE
    return NATIVE if own else PYTORCH


def _zip(path: str) -> Format:
    with open_zip(path) as archive:
        names = archive.namelist()
    if "model.weights.h5" in names or {"config.json", "metadata.json"} & set(names):
        return KERAS_ARCHIVE
    if any(name.endswith(("data.pkl", "constants.pkl")) or "/code/" in name for name in names):
        return PYTORCH
    if names and all(name.endswith(".npy") for name in names):
        raise ValueError(
            "it is NumPy's file of arrays: write model.set_weights("
            f"list(numpy.load('{os.path.basename(path)}').values()))"
        )
    raise ValueError(f"it is a zip archive, and of none of {_ACCEPTED}")


def _is_onnx(start: bytes) -> bool:
    """Return True for a protobuf whose first field is ir_version, a small number."""
    return len(start) > 2 and start[0] == 8 and 1 <= start[1] <= 40


def no_file(who: str, path: str) -> FileNotFoundError:
    """Return the error for a path that leads to no file; a folder may be TensorFlow's model."""
    if not os.path.isdir(path):
        return FileNotFoundError(f"{who}: no file {path}")
    saved = os.path.exists(os.path.join(path, "saved_model.pb"))
    advice = (
        ", TensorFlow's SavedModel: load it in Keras and save it as .keras or .h5, which are read"
        if saved
        else ""
    )
    return FileNotFoundError(f"{who}: no file {path}: it is a folder{advice}")
