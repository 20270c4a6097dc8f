"""Writes a model as the flat file that `lc_model_open` of the C core takes.

A file is little-endian: a header, a record for each layer, then arrays that begin at multiples of
64 bytes, in Keras's layout. `src_c/model.c` has the same two structs, and checks what is read; the
numbers in records are those of the enums in `src_c/lstmcore.h`. Weights of quantized layers stand
as the float32 numbers that they were rounded to, beside the number of their format: packing rounds
them again, which changes no bit.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import _core
from ...layers.core.dense import Dense
from ...layers.rnn.recurrent import Recurrent
from ...layers.rnn.time_distributed import TimeDistributed
from ...saving.atomic import atomic_write
from ...saving.formats import LCM_START
from ...streaming import Stream, StreamProgram, stream_parts
from ...validation import Array

VERSION = 1
PROBE_STEPS = 16
_HEADER = struct.Struct("<8sIIQiiqQQQ")
_RECORD = struct.Struct("<10i3q8d8Q")
_RECURRENT, _DENSE, _EMBEDDING = range(3)  # lc_op.kind
_GATES = ("cell", "variant", "activation", "output_activation", "gate_activation", "layer_norm")
_NO_CELL = {"projection": 0, "clip": 0.0, "epsilon": 0.0, "ramps": (0.0,) * 6}


@dataclass
class _Op:
    """A layer: the numbers of its record, and its arrays in the order of `lc_weights`."""

    kind: int
    inputs: int
    units: int
    arrays: Sequence[Array | None]
    sequences: bool = False
    storage: str | None = None
    numbers: dict[str, Any] = field(default_factory=dict)

    def record(self, places: Sequence[int]) -> bytes:
        """Return the record; an array that there is not has the place 0."""
        has = {**_NO_CELL, **self.numbers}
        words = [has.get(name, 0) for name in _GATES]
        return _RECORD.pack(
            *(self.kind, self.sequences, *words, _core.storage_number(self.storage), 0),
            *(self.inputs, self.units, has["projection"], has["clip"], has["epsilon"]),
            *(*has["ramps"], *places, *[0] * (8 - len(places))),
        )


def export_model(model: Any, filepath: str | os.PathLike[str]) -> None:
    """Write a model as it is now as a file for liblstmcore.

    Parameters
    ----------
    model : Sequential
        A built model that can be streamed.
    filepath : path-like

    Raises
    ------
    ValueError
        If a layer cannot be streamed, or has weights that are not its own; the message names it.
    """
    data = model_bytes(model)
    with atomic_write(filepath) as file:
        file.write(data)


def model_bytes(model: Any) -> bytes:
    """Return the bytes of a model's file."""
    model.stream()  # its errors: a graph, not built, several outputs
    program = StreamProgram(model)
    inputs, outputs = _probe(program)
    ops = _ops(model)
    out = _Arrays(_HEADER.size + len(ops) * _RECORD.size)
    dtype = np.dtype(program.program.dtype).newbyteorder("<")
    table = b"".join(
        op.record([0 if a is None else out.add(a, dtype) for a in op.arrays]) for op in ops
    )
    x = out.add(inputs, "<i8" if program.lookup is not None else dtype)
    y = out.add(outputs, dtype)
    body = table + out.data[_HEADER.size + len(table) :]
    size = _HEADER.size + len(body)
    wide = program.program.dtype == "float64"
    header = (size, wide, len(ops), PROBE_STEPS, x, y, 0)
    return _HEADER.pack(LCM_START, VERSION, zlib.crc32(body), *header) + body


class _Arrays:
    """The bytes of a file, of which the first `start` are filled in later."""

    def __init__(self, start: int) -> None:
        self.data = bytearray(start)

    def add(self, array: Array, dtype: Any) -> int:
        """Append an array; return where it begins."""
        self.data += bytes(-len(self.data) % 64)
        place = len(self.data)
        self.data += np.ascontiguousarray(array, dtype).tobytes()
        return place


def _probe(program: StreamProgram) -> tuple[Array, Array]:
    """Return inputs of one row and what the model makes of them."""
    inputs = program.program.inputs
    if program.lookup is not None:
        x = np.arange(PROBE_STEPS) * 7 % len(program.table)
    else:
        x = np.sin(np.arange(PROBE_STEPS * inputs) * 0.7).reshape(PROBE_STEPS, inputs)
    return x, Stream(program).feed(x[None])


def _ops(model: Any) -> list[_Op]:
    lookup, _, chain = stream_parts(model)
    ops = []
    if lookup is not None:
        table = lookup.look_up(np.arange(lookup.input_dim))
        ops.append(_Op(_EMBEDDING, lookup.input_dim, lookup.output_dim, [table]))
    return [*ops, *(_op(path, layer, part) for path, layer, part in chain)]


def _op(path: str, layer: Any, part: Any) -> _Op:
    while isinstance(layer, TimeDistributed):
        layer = layer.layer
    # a subclass that streams something else has weights of which nothing is known here
    if type(layer).stream_part is Recurrent.stream_part:
        return _recurrent(layer, *part)
    if type(layer).stream_part is Dense.stream_part:
        return _dense(layer, part[0], part[2])
    kind = type(layer).__name__
    wanted = "expected a recurrent layer, Dense or Embedding of lstmcore"
    raise ValueError(f"layer {path!r}: export: lcm: {wanted}, got {kind}")


def _recurrent(layer: Recurrent, packed: _core.Packed, sequences: bool) -> _Op:
    arrays = [None if p is None else p.value for p in layer.core_weights]
    numbers = packed.cell.numbers()
    return _Op(_RECURRENT, *packed.shape, arrays, sequences, packed.storage, numbers)


def _dense(layer: Dense, packed: _core.PackedDense, activation: Any) -> _Op:
    number, ramp = _core.activation_numbers(activation)
    arrays = [layer.kernel.value, None, None if layer.bias is None else layer.bias.value]
    numbers = {"activation": number, "ramps": (*ramp, 0.0, 0.0, 0.0, 0.0)}
    shape = packed.inputs, packed.units
    return _Op(_DENSE, *shape, arrays, storage=packed.storage, numbers=numbers)
