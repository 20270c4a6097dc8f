"""Layers that need a whole sequence: pooling over time, Flatten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ... import layers
from ...validation import Array
from .arithmetic import Numbers
from .expressions import Text
from .program import Op, Program, Value
from .refusal import refused
from .table import has_form


@dataclass(eq=False)
class Pooled(Op):
    """One number for each feature, of all steps."""

    whole: ClassVar[bool] = True
    helper: ClassVar[str]

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        o.helpers.add(self.helper)
        return [f"@{self.helper}({self.output.width}, steps, {xs[0]}, {y});"]


@dataclass(eq=False)
class Mean(Pooled):
    """The mean over time of each number; 0 of no steps."""

    helper: ClassVar[str] = "time_mean"

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        steps = xs[0].shape[1]
        total = np.zeros((len(xs[0]), self.output.width), np.float32)
        for t in range(steps):
            total = total + xs[0][:, t]
        return np.asarray(total * (np.float32(1) / np.float32(max(steps, 1))))


@dataclass(eq=False)
class Most(Pooled):
    """The largest over time of each number; 0 of no steps."""

    helper: ClassVar[str] = "time_most"

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        return np.asarray(xs[0].max(axis=1) if xs[0].shape[1] else xs[0].sum(axis=1))


@dataclass(eq=False)
class Flat(Op):
    """All steps as one row."""

    whole: ClassVar[bool] = True

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        o.helpers.add("copy")
        return [f"@copy({self.output.width}, {xs[0]}, {y});"]

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        return xs[0].reshape(len(xs[0]), -1)


@has_form(layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)
def global_pooling(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a number for each feature, over all steps."""
    (x,) = inputs
    if layer.data_format == "channels_first" or layer.keepdims:
        raise refused(layer, "keepdims=True" if layer.keepdims else "data_format='channels_first'")
    if program.skips_zero and not layer.use_mask:
        raise refused(layer, "use_mask=False behind mask_zero=True")
    kind = Mean if type(layer) is layers.GlobalAveragePooling1D else Most
    return program.add(kind(program, program.name_for(layer), [x], Value(x.width)))


@has_form(layers.Flatten)
def flatten(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add all steps as one row; of a row that has no steps, nothing."""
    (x,) = inputs
    if not x.timed:
        return x
    steps = program.model.inputs[0].shape[1]
    if steps is None or program.skips_zero:
        raise refused(layer, "x: any number of steps" if steps is None else "mask_zero=True")
    program.all_steps = int(steps)
    op = Flat(program, program.name_for(layer), [x], Value(x.width * int(steps)))
    return program.add(op)
