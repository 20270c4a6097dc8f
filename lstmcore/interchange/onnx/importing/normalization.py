"""Handlers of LayerNormalization and BatchNormalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....validation import Array
from .constants import Spread
from .dense import constant
from .elementwise import activation_by_op
from .graph_reader import GraphReader, handler
from .pairs import combined
from .views import Source, View, size


@handler("LayerNormalization")
def layer_normalization(
    reader: GraphReader, node: Any, x: View, scale: Any, bias: Any = None
) -> list[Any]:
    """Read a LayerNormalization over the last axes."""
    if len([name for name in node.output if name]) > 1:
        raise ValueError("its mean and deviation are used")
    first = reader.attribute(node, "axis", -1) % x.ndim
    tensor, order, axes = reader.standard(x)
    places = [order.index(k) for k in range(first, x.ndim)]
    if reader.makes_layers and (0 in places or places != sorted(places)):
        raise ValueError("over the axis of the batch")
    shape = [size(x.axes[k]) for k in range(first, x.ndim)]
    weights = [_filling(constant(a, "Scale and B"), shape) for a in (scale, bias) if a is not None]
    epsilon, center = reader.attribute(node, "epsilon", 1e-5), bias is not None

    def make(**options: Any) -> Any:
        from ....layers import LayerNormalization

        axis = places if len(places) > 1 else places[0]
        return LayerNormalization(axis=axis, epsilon=float(epsilon), center=center, **options)

    made = reader.call(make, tensor, kind="layer_normalization", weights=weights)
    return [x.on(Source(lambda: made, axes), x.axes)]


def _filling(a: Array, shape: list[Any]) -> Array:
    if any(not isinstance(n, int) for n in shape):
        raise ValueError("over an axis whose size is not known")
    return np.ascontiguousarray(np.broadcast_to(a, shape))


@handler("BatchNormalization")
def batch_normalization(
    reader: GraphReader, node: Any, x: View, scale: Any, bias: Any, mean: Any, var: Any
) -> list[Any]:
    """Read a BatchNormalization of the features, which are axis 1."""
    outputs = [name for name in node.output if name]
    if len(outputs) > 1 or reader.attribute(node, "training_mode", 0):
        raise ValueError("its training mode")
    if reader.attribute(node, "spatial", 1) != 1 or x.ndim < 2:
        raise ValueError(f"of an array {x.shape}, spatial=0")
    if isinstance(mean, View):
        return [_normalized(reader, node, x, (scale, bias, mean, var))]
    reader.note_batch(x.axes[0])
    weights = [constant(a, "scale, B, mean and var") for a in (scale, bias, mean, var)]
    tensor = reader.materialized(x, _channels_last(x))
    epsilon = float(reader.attribute(node, "epsilon", 1e-5))
    momentum = float(reader.attribute(node, "momentum", 0.9))

    def make(**options: Any) -> Any:
        from ....layers import BatchNormalization

        return BatchNormalization(epsilon=epsilon, momentum=momentum, **options)

    made = reader.call(make, tensor, kind="batch_normalization", weights=weights)
    return [x.on(Source(lambda: made, _channels_last(x)), x.axes)]


def _normalized(reader: GraphReader, node: Any, x: View, given: tuple[Any, ...]) -> View:
    """Return a normalization by a mean and variance that were computed.

    TensorFlow writes LayerNormalization so, with rows and steps as channels.
    """

    def along_channels(a: Any) -> Any:
        if isinstance(a, View):
            return a.with_axes([(), a.axes[0], *[()] * (x.ndim - 2)])
        a = a.array if isinstance(a, Spread) else constant(a, "scale and B")
        return a.reshape(-1, *[1] * (x.ndim - 2))

    scale, bias, mean, var = (along_channels(a) for a in given)
    epsilon = np.array(reader.attribute(node, "epsilon", 1e-5), reader.dtype)
    deviation = activation_by_op(reader, combined(reader, "Add", var, epsilon), "sqrt")
    y = combined(reader, "Div", combined(reader, "Sub", x, mean), deviation)
    made: View = combined(reader, "Add", combined(reader, "Mul", y, scale), bias)
    return made


def _channels_last(x: View) -> Any:
    return (x.axes[0], *x.axes[2:], x.axes[1])
