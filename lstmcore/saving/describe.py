"""Description of a model file of any format, without reading its arrays."""

from __future__ import annotations

import os
from typing import Any

from . import model_file, weights_file
from .formats import NATIVE, recognize
from .safetensors_file import open_file, read_config


def describe_file(filepath: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the format, config and tensors' shapes of a file, without reading an array.

    Parameters
    ----------
    filepath : path-like

    Returns
    -------
    dict
        ``format``; ``bytes``; ``config``, as it was written; ``tensors``: by name the shape and
        the dtype. Of other libraries' files also what their format says besides.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of no known format.
    """
    path = os.fspath(filepath)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no file {path}")
    with model_file.untrusted_file("describe_file", path, "model or weights"):
        foreign = recognize(path)
        if foreign is not NATIVE:
            said: dict[str, Any] = foreign.function("describe")(path)
            return {"format": foreign.name, "bytes": os.path.getsize(path), **said}
        with open_file(path) as file:
            config, _, _ = read_config(file, model_file.FORMAT, weights_file.FORMAT)
            tensors = {name: (e.shape, e.dtype) for name, e in sorted(file.entries.items())}
            kind = file.metadata["format"]
    return {"format": kind, "bytes": os.path.getsize(path), "config": config, "tensors": tensors}
