"""AxesModel: a functional model whose samples lie along other axes than the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..layers.base import registry
from ..layers.symbolic import is_symbolic
from ..structure import flatten, pack_like
from .functional import Functional


@registry.add()
class AxesModel(Functional):
    """A functional model for arrays such as (time, batch, features).

    Its layers have the batch first, as always; arrays that come in and go out have it where
    `input_axes` and `output_axes` say. `lstmcore.load_model` makes such models of ONNX graphs that
    were exported time first.

    Parameters
    ----------
    inputs, outputs : SymbolicTensor, or list or dict of SymbolicTensor
        With the batch first.
    input_axes, output_axes : sequence of int
        For each input and output the axis of arrays that has the samples.
    **kwargs
        See `Functional`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore import Input, layers
    >>> from lstmcore.models import AxesModel
    >>> x = Input((None, 3))
    >>> model = AxesModel(x, layers.LSTM(8, return_sequences=True)(x), [1], [1])
    >>> model.predict(np.zeros((5, 2, 3)), verbose=0).shape  # time, batch
    (5, 2, 8)
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        input_axes: Sequence[int],
        output_axes: Sequence[int],
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        pairs = (input_axes, self.inputs, "input_axes"), (output_axes, self.outputs, "output_axes")
        for axes, tensors, what in pairs:
            fits = isinstance(axes, list | tuple) and len(axes) == len(tensors)
            if not fits or not all(
                type(k) is int and 0 <= k < t.ndim for k, t in zip(axes, tensors, strict=True)
            ):
                raise self.error(what, f"an axis for each of {len(tensors)} arrays", repr(axes))
        self.input_axes, self.output_axes = list(input_axes), list(output_axes)

    def batch_first(self) -> Functional:
        """Return the model of the same layers for arrays that have the batch first."""
        return Functional(self._in_form, self._out_form, name=self.name)

    def get_config(self) -> dict[str, Any]:
        """Return the config of the graph, and the axes."""
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        return {**super().get_config(), **axes}

    def convert_inputs(self, x: Any, what: str = "x") -> list[Any]:
        """Convert a user's arrays to columns with the samples first."""
        entries = zip(self._entries(x, what), self.input_axes, strict=True)
        moved = [
            value if value is None else _moved(value, axis, 0, name)
            for (name, value), axis in entries
        ]
        return super().convert_inputs(moved if len(moved) > 1 else moved[0], what)

    def pack_outputs(self, outputs: list[Any]) -> Any:
        """Return outputs in the structure of `output`, the samples along their own axes."""
        if not is_symbolic(outputs):
            pairs = zip(outputs, self.output_axes, strict=True)
            outputs = [np.moveaxis(y, 0, axis) if axis else y for y, axis in pairs]
        return super().pack_outputs(outputs)

    def _data(self, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        """Convert data of `fit` and `evaluate`, targets as the outputs are."""
        if y is None or not hasattr(x, "__len__"):
            raise self.error("x", "arrays x and y, for the batch is not their first axis", type(x))
        leaves = flatten(y) if isinstance(y, list | tuple | dict) else [y]
        if len(leaves) == len(self.output_axes):
            pairs = zip(leaves, self.output_axes, strict=True)
            moved = [_moved(part, axis, 0, "y") for part, axis in pairs]
            y = pack_like(y, moved) if isinstance(y, list | tuple | dict) else moved[0]
        return super()._data(x, y, *args, **kwargs)


def _moved(value: Any, source: int, to: int, what: str) -> Any:
    if not source:
        return value
    array = np.asarray(value)
    if array.ndim <= source:
        raise ValueError(f"{what}: expected an array with the batch along axis {source}")
    return np.moveaxis(array, source, to)
