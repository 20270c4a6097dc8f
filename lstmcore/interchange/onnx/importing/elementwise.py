"""Handlers of functions of each number, and of Softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dense import constant
from .graph_reader import GraphReader, handler
from .views import Source, View, resolved

# -- functions of each number ----------------------------------------------------------------------

_ACTIVATIONS = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus"}
_ACTIVATIONS |= {"Softsign": "softsign", "Mish": "mish", "HardSwish": "hard_silu"}
_OPS = {"Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Abs": "abs", "Neg": "negative", "Erf": "erf"}
_OPS |= {"Reciprocal": "reciprocal", "Floor": "floor", "Ceil": "ceil", "Sign": "sign"}
_OPS |= {"Sin": "sin", "Cos": "cos", "Round": "round"}


def activation(reader: GraphReader, x: View, name: str, **options: Any) -> View:
    """Return a view of an Activation layer."""

    def make(**more: Any) -> Any:
        from .... import activations
        from ....layers import Activation

        function = activations.get(name)
        return Activation(function.using(**options) if options else function, **more)

    made = reader.call(make, x.source.tensor, kind=name)
    return x.on(Source(lambda: made, x.source.axes), x.axes)


def activation_by_op(
    reader: GraphReader, x: View, name: str, *arguments: Any, **options: Any
) -> View:
    """Return a view of an op on each number."""
    made = reader.op(name, x.source.tensor, *arguments, **options)
    return x.on(Source(lambda: made, x.source.axes), x.axes)


def _number(reader: GraphReader, node: Any, name: str, default: float) -> float:
    return float(reader.attribute(node, name, default))


@handler(*_ACTIVATIONS)
def plain_activation(reader: GraphReader, node: Any, x: View) -> list[Any]:
    """Read a function that layers have."""
    return [activation(reader, x, _ACTIVATIONS[node.op_type])]


@handler(*_OPS)
def plain_op(reader: GraphReader, node: Any, x: View) -> list[Any]:
    """Read a function that `lstmcore.ops` has."""
    return [activation_by_op(reader, x, _OPS[node.op_type])]


@handler("Elu", "Celu", "LeakyRelu", "HardSigmoid", "Gelu", "Selu", "ThresholdedRelu")
def activation_with_numbers(reader: GraphReader, node: Any, x: View) -> list[Any]:
    """Read a function that has parameters."""
    kind = node.op_type
    alpha = _number(reader, node, "alpha", {"LeakyRelu": 0.01, "HardSigmoid": 0.2}.get(kind, 1.0))
    if kind in ("Elu", "Celu"):
        options = {} if alpha == 1 else {"alpha": alpha}
        return [activation(reader, x, kind.lower(), **options)]
    if kind == "LeakyRelu":
        return [activation(reader, x, "leaky_relu", negative_slope=alpha)]
    if kind == "HardSigmoid":
        beta = _number(reader, node, "beta", 0.5)
        return [activation(reader, x, "hard_sigmoid", slope=alpha, offset=beta)]
    if kind == "ThresholdedRelu":
        return [activation(reader, x, "threshold", threshold=alpha, default_value=0.0)]
    if kind == "Gelu":
        approximate = reader.attribute(node, "approximate", b"none") == b"tanh"
        return [activation(reader, x, "gelu", approximate=approximate)]
    numbers = _number(reader, node, "alpha", 1.67326319), _number(reader, node, "gamma", 1.050701)
    if not np.allclose(numbers, (1.67326319, 1.05070102), atol=1e-5):
        raise ValueError(f"alpha and gamma: expected those of SELU, got {numbers}")
    return [activation(reader, x, "selu")]


@handler("Clip")
def clip(reader: GraphReader, node: Any, x: View, low: Any = None, high: Any = None) -> list[Any]:
    """Bound each number."""
    low = reader.attribute(node, "min") if low is None else float(constant(low, "min").item())
    high = reader.attribute(node, "max") if high is None else float(constant(high, "max").item())
    low = -np.inf if low is None else low
    high = np.inf if high is None else high
    if low == 0 and high == 6:
        return [activation(reader, x, "relu6")]
    if low == 0 and high > 3e38:
        return [activation(reader, x, "relu")]
    largest = float(np.finfo(reader.dtype).max)
    return [
        activation_by_op(reader, x, "clip", max(float(low), -largest), min(float(high), largest))
    ]


@handler("Softmax", "LogSoftmax")
def softmax(reader: GraphReader, node: Any, x: View) -> list[Any]:
    """Read a Softmax along one axis."""
    old = reader.version < 13
    axis = reader.attribute(node, "axis", 1 if old else -1) % x.ndim
    if old and any(not (isinstance(n, int) and n == 1) for n in x.shape[axis + 1 :]):
        raise ValueError("before opset 13 it is over several axes together")
    whole, others = resolved(x.axes[axis]), [resolved(a) for a in x.source.axes]
    if reader.is_batch(x, whole):
        raise ValueError("along the axis of the batch")
    if whole in others:
        tensor, place, axes = x.source.tensor, others.index(whole), others
    else:
        tensor, order, ordered = reader.standard(x)
        place, axes = order.index(axis), list(ordered)
    name = "softmax" if node.op_type == "Softmax" else "log_softmax"
    last = place == len(axes) - 1

    def make(**more: Any) -> Any:
        from .... import activations
        from ....layers import Activation, Softmax

        if name == "softmax" and not last:
            return Softmax(axis=place, **more)
        function = activations.get(name)
        return Activation(function if last else function.using(axis=place), **more)

    made = reader.call(make, tensor, kind=name)
    return [x.on(Source(lambda: made, tuple(axes)), x.axes)]
