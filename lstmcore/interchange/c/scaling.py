"""Layers that scale and shift: Normalization, Rescaling, BatchNormalization, LayerNormalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...layers.preprocessing.rescaling import _EPSILON
from ...validation import Array
from .program import Program, Value
from .refusal import refused
from .rows import Normalized
from .simple import pointwise
from .table import has_form


def _check_axis(layer: Any, axes: Any, x: Value) -> None:
    """Raise Refused unless the axis is that of the features."""
    listed = axes if isinstance(axes, list | tuple) else [axes]
    if any(axis not in (-1, 2 if x.timed else 1) for axis in listed) or len(listed) > 1:
        raise refused(layer, f"axis={axes}")


@has_form(layers.Rescaling)
def rescaling(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add ``x * scale + offset``."""
    scale, offset = _row(layer, "scale", inputs[0]), _row(layer, "offset", inputs[0])
    return _scaled(program, layer, inputs, scale, offset)


def _row(layer: Any, name: str, x: Value) -> Array:
    numbers = np.asarray(getattr(layer, name), np.float32)
    if numbers.size > 1 and numbers.shape[-1] != numbers.size:
        raise refused(layer, f"{name} of shape {numbers.shape}")
    return np.broadcast_to(numbers.reshape(-1), (x.width,))


def _scaled(program: Program, layer: Any, inputs: list[Value], scale: Array, to: Array) -> Value:
    constants = {"scale": scale, "offset": to}
    return pointwise(program, layer, inputs, lambda o, x, a, b: x * a + b, constants)


@has_form(layers.BatchNormalization)
def batch_normalization(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a scale and an offset that moving averages, gamma and beta come to."""
    _check_axis(layer, layer.axis, inputs[0])
    mean, variance = program.take(layer.moving_mean), program.take(layer.moving_variance)
    scale = 1 / np.sqrt(variance + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * program.take(layer.gamma)
    beta = 0 if layer.beta is None else program.take(layer.beta)
    return _scaled(program, layer, inputs, scale, beta - mean * scale)


@has_form(layers.Normalization)
def normalization(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add ``(x - mean) / deviation``, or its inverse."""
    if layer.axis:
        _check_axis(layer, layer.axis, inputs[0])
    for param in layer.weights:  # the third, a count, is for adapt
        program.take(param)
    shape = (1, 1, inputs[0].width) if inputs[0].timed else (1, inputs[0].width)
    mean, variance = layer._statistics(shape)
    deviation = np.maximum(np.sqrt(variance), variance.dtype.type(_EPSILON))
    constants = {"mean": mean.reshape(-1), "deviation": deviation.reshape(-1)}
    made = (
        (lambda o, x, mean, deviation: mean + x * deviation)
        if layer.invert
        else (lambda o, x, mean, deviation: (x - mean) / deviation)
    )
    return pointwise(program, layer, inputs, made, constants)


@has_form(layers.LayerNormalization)
def layer_normalization(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a row's normalization."""
    (x,) = inputs
    _check_axis(layer, layer.axis, x)
    op = Normalized(program, program.name_for(layer), [x], Value(x.width, x.timed))
    op.epsilon = layer.epsilon
    for name in ("gamma", "beta"):
        param = getattr(layer, name)
        if param is not None:
            op.array(name, program.take(param))
    return program.add(op)
