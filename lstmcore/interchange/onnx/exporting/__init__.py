"""Models as ONNX files: every layer by standard operators, with its numbers, or an error.

`table.EXPORTS` has a function for each class of layers, in a module for each of their kinds;
`walk` calls them along the graph of a model, `model` makes the file's content.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ....names import nearest
from ....saving.atomic import atomic_write
from ...extras import needed

# they enter their layers in the table
from . import (  # noqa: F401
    attention,
    bidirectional,
    convolution,
    core,
    heads,
    merging,
    normalization,
    operations,
    pooling,
    preprocessing,
    recurrent,
    reshaping,
    wrappers,
)
from .builder import Refused
from .model import Options, model_proto

LARGEST = 2**31 - 1  # bytes: protobuf's limit of a message


def export_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Write a built model as an ONNX file of standard operators.

    Batch and time are of any size, where the layers allow it. A model of float64 becomes one of
    doubles, which the onnx package's evaluator runs (ONNX Runtime has no recurrent layers of
    doubles).

    Layers and models with a `call` of their own are what that records on symbolic tensors.

    Parameters
    ----------
    model : Model
        Built.
    path : path-like
    metadata : dict, optional
        Texts that the file carries beside the graph. Models of texts add their vocabulary and
        their classes, as JSON.
    opset : int, default 17
        From 17 to the newest that the installed onnx package has.
    stateful : bool, default False
        The streaming form: the states of every recurrent layer are inputs ``NAME_h`` (and
        ``NAME_c``), (batch, units), zeros to begin with, and outputs ``NAME_h_out``, to be given
        to the next chunk.
    lengths : bool, default False
        Add an input ``lengths``, int32 (batch,): the number of steps of each row, whose others
        are padding. Of several sequences each has its own, ``NAME_lengths``.
    padding : {"any", "trailing"}, default "any"
        Where masked steps stand. With "trailing" the graph is simpler: a mask counts as the
        length of its row, and steps that are masked elsewhere give wrong numbers.

    Raises
    ------
    ValueError
        If a layer or one of its options cannot be said by standard operators; the message names
        both. No file is written then.
    """
    data = model_bytes(model, metadata=metadata, **options)
    with atomic_write(path) as file:
        file.write(data)


def model_bytes(model: Any, *, metadata: Mapping[str, Any] | None = None, **options: Any) -> bytes:
    """Return the content of the file that `export_model` writes; equal models give equal bytes."""
    onnx = needed("onnx", "onnx")
    known = [field.name for field in fields(Options)]
    for name in options:
        if name not in known:
            raise TypeError(f"export: no option {name!r} of an ONNX file: {nearest(name, known)}")
    chosen = Options(**options)
    chosen.check()
    if not getattr(model, "built", False):
        raise ValueError(
            f"export: model {model.name!r} has no weights yet: give it an Input, call it or "
            "build(input_shape)"
        )
    proto = model_proto(model, chosen, metadata)
    if proto.ByteSize() > LARGEST:
        size = proto.ByteSize()
        raise Refused(f"export: model {model.name!r}: expected less than 2 GiB, got {size} bytes")
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data
