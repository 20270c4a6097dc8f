"""Layers that work on each row by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...activations import linear
from ...validation import Array
from .activations import formula, is_softmax
from .program import Program, Value
from .refusal import refused
from .rows import Linear, Lookup, Pointwise, Softmax
from .table import add_form, has_form

NOTHING = (
    *(layers.Dropout, layers.SpatialDropout1D, layers.GaussianDropout, layers.GaussianNoise),
    *(layers.AlphaDropout, layers.ActivityRegularization, layers.Identity, layers.InputLayer),
)


@has_form(*NOTHING)
def nothing(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add nothing: the layer does nothing at inference."""
    return inputs[0]


@has_form(layers.Dense)
def dense(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a product with bias and activation."""
    (x,) = inputs
    program.store(layer)
    op = Linear(program, program.name_for(layer), [x], Value(layer.units, x.timed))
    op.matrix = program.matrix(op, "kernel", layer.kernel)
    if layer.bias is not None:
        op.bias = op.array("bias", program.take(layer.bias))
    if not is_softmax(layer.activation):
        op.formula = formula(layer, layer.activation)
    op.scratch = 0 if op.matrix.scale is None else layer.units
    return program.add(op)


@has_form(layers.Embedding)
def embedding(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a table that the model's tokens are looked up in."""
    (x,) = inputs
    if x is not program.input:
        raise refused(layer, "x: tokens that are not the model's inputs")
    program.store(layer)
    op = Lookup(program, program.name_for(layer), [x], Value(layer.output_dim, x.timed))
    op.table = program.matrix(op, "embeddings", layer.embeddings)
    others = [op for op in program.ops if isinstance(op, Lookup)]
    if others and program.skips_zero != layer.mask_zero:
        raise refused(layer, f"mask_zero={layer.mask_zero} beside an Embedding with another")
    program.skips_zero = layer.mask_zero
    return program.add(op)


@has_form(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU)
def activation(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add an activation."""
    (x,) = inputs
    if is_softmax(layer.function):
        return softmax(program, layer, inputs)
    if layer.function is linear:
        return x
    found = formula(layer, layer.function)
    return pointwise(program, layer, inputs, lambda o, x: o.flush(found(o, x)), {})


@has_form(layers.Softmax)
def softmax(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a softmax over the last axis."""
    (x,) = inputs
    if getattr(layer, "axis", -1) not in (-1, [-1], (-1,)):
        raise refused(layer, f"axis={layer.axis}")
    return program.add(Softmax(program, program.name_for(layer), [x], Value(x.width, x.timed)))


def pointwise(
    program: Program, layer: Any, inputs: list[Value], made: Any, constants: dict[str, Array]
) -> Value:
    """Add a formula of each number, its constants in rows as wide as the inputs."""
    x = inputs[0]
    op = Pointwise(program, program.name_for(layer), inputs, Value(x.width, x.timed), formula=made)
    for name, data in constants.items():
        op.array(name, np.broadcast_to(np.asarray(data, np.float32), (x.width,)))
    return program.add(op)


@has_form(layers.TimeDistributed)
def time_distributed(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add the layer inside, which works on rows anyway."""
    inner = layer.layer
    if type(inner) not in (layers.Dense, layers.Activation, layers.BatchNormalization, *NOTHING):
        raise refused(layer, f"layer={type(inner).__name__}")
    return add_form(program, inner, inputs)
