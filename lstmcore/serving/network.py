"""Network: any model of layers behind the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..inspection import inner_layers
from ..structure import flatten
from ..validation import STRING, Array
from .adapter import Adapter, Work
from .errors import BadRequestError
from .tensors import BYTES, DATATYPES_OF, NUMBERS, TensorSpec

LENGTHS = "lengths"


class Network(Adapter):
    """Any model of layers.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        layers = [layer for _, layer in inner_layers(model)]
        self._stateful = any(getattr(layer, "stateful", False) for layer in layers)
        self._streams = _streams(model)
        if self._streams and getattr(model, "vocabulary", None) is not None:
            self.details = {"generates": "text"}  # see generation.py
        mixed = any(layer.mixes_rows for layer in layers)
        named = hasattr(model, "graph")
        tensors = list(model.inputs)
        names = list(model.input_names) if named else ["input"]
        out_names = list(model.output_names)
        if not named and len(out_names) == 1:
            out_names = ["output"]
        in_axes = getattr(model, "input_axes", [0] * len(tensors))
        out_axes = getattr(model, "output_axes", [0] * len(model.outputs))
        self._axes = in_axes
        self.inputs = tuple(
            TensorSpec(name, _input_datatype(model, i), _shape(t.shape, axis))
            for i, (name, t, axis) in enumerate(zip(names, tensors, in_axes, strict=True))
        )
        self.outputs = tuple(
            TensorSpec(name, DATATYPES_OF[t.dtype or model.dtype], _shape(t.shape, axis))
            for name, t, axis in zip(out_names, model.outputs, out_axes, strict=True)
        )
        self._alone = mixed or any(
            axis or t.shape[0] is not None
            for axis, t in zip((*in_axes, *out_axes), (*tensors, *model.outputs), strict=True)
        )
        self._timed = [len(t.shape) > 1 and t.shape[1] is None for t in tensors]
        if self._timed == [True] and len(self.outputs) == 1 and not any(in_axes):
            lengths = TensorSpec(LENGTHS, "INT32", (-1,), optional=True)
            self.inputs = (*self.inputs, lengths)

    def accept(self, inputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> Work:
        arrays = self.checked(inputs)
        lengths = arrays.pop(LENGTHS, None)
        columns = [arrays[spec.name] for spec in self.inputs if spec.name in arrays]
        rows = {array.shape[axis] for array, axis in zip(columns, self._axes, strict=True)}
        if len(rows) > 1:
            raise BadRequestError(f"inputs: expected as many rows in each, got {sorted(rows)}")
        count = rows.pop()
        if lengths is not None:
            _check_lengths(lengths, columns[0].shape)
        steps = max((a.shape[1] for a, t in zip(columns, self._timed, strict=True) if t), default=1)
        key = tuple(array.shape[1:] for array in columns)
        return Work(
            (columns, lengths),
            None if self._alone else (key, lengths is None),
            count,
            steps,
        )

    def compute(self, payloads: list[Any]) -> Sequence[dict[str, Array]]:
        several = len(payloads) > 1
        given = [columns for columns, _ in payloads]
        columns = (
            [np.concatenate(parts) for parts in zip(*given, strict=True)] if several else given[0]
        )
        x: Any = columns if len(columns) > 1 else columns[0]
        lengths = [n for _, found in payloads if found is not None for n in found.tolist()]
        if lengths:
            x = [row[:n] for row, n in zip(x, lengths, strict=True)]
        y = self._predicted(x)
        if isinstance(y, list) and lengths:
            y = _padded(y, columns[0].shape[1])
        names = [spec.name for spec in self.outputs]
        whole = dict(zip(names, flatten(y) if len(names) > 1 else [y], strict=True))
        if not several:
            return [whole]
        ends = np.cumsum([len(columns[0]) for columns in given]).tolist()
        starts = [0, *ends[:-1]]
        return [
            {name: array[start:end] for name, array in whole.items()}
            for start, end in zip(starts, ends, strict=True)
        ]

    def _predicted(self, x: Any) -> Any:
        """Return the model's output; a stream gives the same bits as `predict`, and is shorter."""
        if self._streams and isinstance(x, np.ndarray):
            return self.model.stream(len(x)).feed(x)
        if self._stateful:
            self.model.reset_states()
        y = self.model.predict_on_batch(x)
        if self._stateful:
            self.model.reset_states()
        return y

    def warm(self) -> None:
        arrays = [
            np.zeros(
                [n if n > 0 else 1 if i == 0 else 4 for i, n in enumerate(spec.shape)],
                NUMBERS[spec.datatype],
            )
            for spec in self.inputs
            if not spec.optional and spec.datatype != BYTES
        ]
        if len(arrays) == len(self._axes):
            self.compute([(arrays, None)])


def _streams(model: Any) -> bool:
    try:
        model.stream()
    except (AttributeError, ValueError):  # a graph; a layer that needs the whole sequence
        return False
    return True


def _input_datatype(model: Any, position: int) -> str:
    kind = (
        model._dtype_for(model.inputs[position]) if hasattr(model, "graph") else model.input_dtype
    )
    return BYTES if kind == STRING else DATATYPES_OF[str(kind)]


def _shape(shape: Sequence[int | None], axis: int) -> tuple[int, ...]:
    """Return the shape of arrays whose samples lie along an axis, of one with them in front."""
    sizes = [-1 if size is None else size for size in shape]
    sizes.insert(axis, sizes.pop(0))
    return tuple(sizes)


def _check_lengths(lengths: Array, shape: tuple[int, ...]) -> None:
    rows, steps = shape[:2]
    if len(lengths) != rows or lengths.min() < 1 or lengths.max() > steps:
        raise BadRequestError(
            f"input {LENGTHS!r}: expected {rows} numbers from 1 to {steps}, got "
            f"{lengths.tolist()!s:.80}"
        )


def _padded(rows: Sequence[Array], steps: int) -> Array:
    """Return rows of different lengths as one array, zeros at their ends."""
    found = np.zeros((len(rows), steps, *rows[0].shape[1:]), rows[0].dtype)
    for target, row in zip(found, rows, strict=True):
        target[: len(row)] = row
    return found
