"""Activations as ONNX operators: of whole tensors, and inside recurrent nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .... import activations
from ....activations import Activation
from ....layers import Lambda
from .builder import WHOLE, Builder, Call, Refused, Value
from .tracing import OwnCall, add_own_call
from .walk import add_graph

SELU = (1.6732632423543772848170429916717, 1.0507009873554804934193349852946)  # alpha, scale

Formula = Callable[..., str]


class InNode(NamedTuple):
    """An activation inside of a recurrent node: its name there, and what goes with it."""

    name: str
    alpha: tuple[float, ...] = ()
    beta: tuple[float, ...] = ()


# -- inside recurrent nodes ----------------------------------------------------------------------

_IN_NODES: dict[str, Callable[..., InNode | None]] = {
    "tanh": lambda: InNode("Tanh"),
    "sigmoid": lambda: InNode("Sigmoid"),
    "softsign": lambda: InNode("Softsign"),
    "softplus": lambda: InNode("Softplus"),
    "linear": lambda: InNode("Affine", (1.0,), (0.0,)),
    "affine": lambda alpha=1.0, beta=0.0: InNode("Affine", (alpha,), (beta,)),
    "scaled_tanh": lambda alpha=1.0, beta=1.0: InNode("ScaledTanh", (alpha,), (beta,)),
    "elu": lambda alpha=1.0: InNode("Elu", (alpha,)),
    "leaky_relu": lambda negative_slope=0.2: InNode("LeakyRelu", (negative_slope,)),
    "hard_sigmoid": lambda slope=1 / 6, offset=0.5: InNode("HardSigmoid", (slope,), (offset,)),
    "threshold": lambda threshold, default_value: (
        None if default_value else InNode("ThresholdedRelu", (threshold,))
    ),
    "relu": lambda negative_slope=0.0, max_value=None, threshold=0.0: _relu_in_node(
        negative_slope, max_value, threshold
    ),
}


def _relu_in_node(slope: float, most: float | None, threshold: float) -> InNode | None:
    if most is not None or (slope and threshold):
        return None
    if threshold:
        return InNode("ThresholdedRelu", (threshold,)) if threshold > 0 else None
    return InNode("LeakyRelu", (slope,)) if slope else InNode("Relu")


def in_node(call: Call, option: str, function: Activation) -> InNode:
    """Return a recurrent layer's, or cell's, activation as its node names it."""
    made = None
    if is_built_in(function) and function.__name__ in _IN_NODES:
        made = _IN_NODES[function.__name__](**function.options)
    if made is None:
        wanted = (
            "tanh, sigmoid, hard_sigmoid, relu, leaky_relu, elu, softplus, softsign, affine, "
            "scaled_tanh or linear"
        )
        raise call.refused(option, wanted, repr(function))
    return made


def without_clip(
    call: Call, functions: dict[str, Activation]
) -> tuple[dict[str, Activation], float | None]:
    """Return the activations of all pre-activations of a node, and the limit that cuts these.

    A node has one limit for all of them, its attribute clip.
    """
    limits = {f.options["limit"] if is_clipped(f) else None for f in functions.values()}
    limit = limits.pop() if len(limits) == 1 else None
    if limit is None and not limits:
        return functions, None
    if limit is None:
        wanted = "one limit for all activations before states, or none"
        raise call.refused(" and ".join(functions), wanted, f"{[*functions.values()]}")
    return {name: f.options["function"] for name, f in functions.items()}, float(limit)


def is_clipped(function: Activation) -> bool:
    """Return True for `lstmcore.activations.clipped`."""
    return function.__name__ == "clipped" and is_built_in(function)


def is_built_in(function: Activation) -> bool:
    """Return True for one of the library's own, with options or not, and not a namesake."""
    plain = function._without_options
    return getattr(activations, plain.__name__, None) is plain


# -- of whole tensors ----------------------------------------------------------------------------


def _clip(b: Builder, x: str, low: float, high: float) -> str:
    return b("Clip", x, low, high)


def _relu(
    b: Builder,
    x: str,
    ndim: int,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> str:
    above = float(threshold)
    y = b("Where", b("Greater", x, above), x, 0.0) if threshold else b("Relu", x)
    if max_value is not None:
        y = _clip(b, y, 0.0, float(max_value))
    if negative_slope:
        below = b("Min", b("Sub", x, above) if threshold else x, 0.0)
        y = b("Add", y, b("Mul", below, float(negative_slope)))
    return y


def _leaky(b: Builder, x: str, ndim: int, negative_slope: float = 0.2) -> str:
    return b("LeakyRelu", x, alpha=float(negative_slope))


def _celu(b: Builder, x: str, ndim: int, alpha: float = 1.0) -> str:
    curved = b("Sub", b("Exp", b("Div", b("Min", x, 0.0), float(alpha))), 1.0)
    return b("Where", b("Greater", x, 0.0), x, b("Mul", curved, float(alpha)))


def _gelu(b: Builder, x: str, ndim: int, approximate: bool = False) -> str:
    half = b("Mul", x, 0.5)
    if approximate:
        cube = b("Mul", b("Mul", b("Mul", x, x), x), 0.044715)
        inside = b("Mul", b("Add", x, cube), math.sqrt(2 / math.pi))
        return b("Mul", half, b("Add", b("Tanh", inside), 1.0))
    return b("Mul", half, b("Add", b("Erf", b("Mul", x, math.sqrt(0.5))), 1.0))


def _softplus(b: Builder, x: str) -> str:
    """Return log(1 + exp(x)) that does not overflow: Softplus does in some runtimes."""
    tail = b("Log", b("Add", b("Exp", b("Neg", b("Abs", x))), 1.0))
    return b("Add", b("Relu", x), tail)


def _squareplus(b: Builder, x: str, ndim: int, b_: float = 4) -> str:
    root = b("Sqrt", b("Add", b("Mul", x, x), float(b_)))
    return b("Mul", b("Add", x, root), 0.5)


def _sparse_plus(b: Builder, x: str, ndim: int) -> str:
    part = _clip(b, b("Add", x, 1.0), 0.0, 2.0)
    parabola = b("Mul", b("Mul", part, part), 0.25)
    return b("Where", b("GreaterOrEqual", x, 1.0), x, parabola)


def _hard_sigmoid(b: Builder, x: str, ndim: int, slope: float = 1 / 6, offset: float = 0.5) -> str:
    return b("HardSigmoid", x, alpha=float(slope), beta=float(offset))


def _soft_shrink(b: Builder, x: str, ndim: int, threshold: float = 0.5) -> str:
    return b("Sub", x, _clip(b, x, -float(threshold), float(threshold)))


def _hard_shrink(b: Builder, x: str, ndim: int, threshold: float = 0.5) -> str:
    return b("Where", b("Greater", b("Abs", x), float(threshold)), x, 0.0)


def softmax(b: Builder, x: str, ndim: int, axis: Any = -1) -> str:
    """Add a softmax over an axis or several."""
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    if len(axes) == 1:
        return b("Softmax", x, axis=int(axes[0]))
    axes = sorted(a % ndim for a in axes)
    shifted = b("Exp", b("Sub", x, b.reduced("ReduceMax", x, axes, keepdims=True)))
    return b("Div", shifted, b.reduced("ReduceSum", shifted, axes, keepdims=True))


def _log_softmax(b: Builder, x: str, ndim: int, axis: int = -1) -> str:
    """Add what LogSoftmax is to be: runtimes take the logarithm of a softmax, which may be 0."""
    axes = [axis % ndim]
    shifted = b("Sub", x, b.reduced("ReduceMax", x, axes, keepdims=True))
    total = b.reduced("ReduceSum", b("Exp", shifted), axes, keepdims=True)
    return b("Sub", shifted, b("Log", total))


def _glu(b: Builder, x: str, ndim: int, axis: int = -1) -> str:
    whole = b("Shape", x, start=axis % ndim, end=axis % ndim + 1)
    half = b("Div", whole, [2])
    kept, gate = b.several("Split", 2, x, b.joined(half, half), axis=int(axis))
    return b("Mul", kept, b("Sigmoid", gate))


def _sparsemax(b: Builder, x: str, ndim: int, axis: int = -1) -> str:
    """Add the projection on the simplex: x minus a cut that the sums of its largest values give."""
    order = list(range(ndim))
    order[axis], order[-1] = order[-1], order[axis]  # its own inverse
    x = b("Transpose", x, perm=order)
    size = b.sizes(x, ndim - 1)
    falling, _ = b.several("TopK", 2, x, size, axis=ndim - 1)
    excess = b("Sub", b("CumSum", falling, np.int64(ndim - 1)), 1.0)
    last = b("Squeeze", size, [0])
    numbers = b.cast(b("Range", np.int64(1), b("Add", last, np.int64(1)), np.int64(1)), b.dtype)
    inside = b.cast(b("Greater", b("Mul", falling, numbers), excess), WHOLE)
    count = b.reduced("ReduceSum", inside, [ndim - 1], keepdims=True)
    cut = b("GatherElements", excess, b("Sub", count, [1]), axis=ndim - 1)
    y = b("Max", b("Sub", x, b("Div", cut, b.cast(count, b.dtype))), 0.0)
    return b("Transpose", y, perm=order)


def _threshold(b: Builder, x: str, ndim: int, threshold: float, default_value: float) -> str:
    return b("Where", b("Greater", x, float(threshold)), x, float(default_value))


_FORMULAS: dict[str, Formula] = {
    "linear": lambda b, x, ndim: x,
    "tanh": lambda b, x, ndim: b("Tanh", x),
    "sigmoid": lambda b, x, ndim: b("Sigmoid", x),
    "hard_sigmoid": _hard_sigmoid,
    "relu": _relu,
    "relu6": lambda b, x, ndim: _clip(b, x, 0.0, 6.0),
    "leaky_relu": _leaky,
    "affine": lambda b, x, ndim, alpha=1.0, beta=0.0: b(
        "Add", b("Mul", x, float(alpha)), float(beta)
    ),
    "scaled_tanh": lambda b, x, ndim, alpha=1.0, beta=1.0: b(
        "Mul", b("Tanh", b("Mul", x, float(beta))), float(alpha)
    ),
    "elu": lambda b, x, ndim, alpha=1.0: b("Elu", x, alpha=float(alpha)),
    "celu": _celu,
    "selu": lambda b, x, ndim: b("Selu", x, alpha=SELU[0], gamma=SELU[1]),
    "gelu": _gelu,
    "softplus": lambda b, x, ndim: _softplus(b, x),
    "squareplus": _squareplus,
    "sparse_plus": _sparse_plus,
    "softsign": lambda b, x, ndim: b("Softsign", x),
    "exponential": lambda b, x, ndim: b("Exp", x),
    "log_sigmoid": lambda b, x, ndim: b("Neg", _softplus(b, b("Neg", x))),
    "sparse_sigmoid": lambda b, x, ndim: b("Mul", _clip(b, b("Add", x, 1.0), 0.0, 2.0), 0.5),
    "silu": lambda b, x, ndim: b("Mul", x, b("Sigmoid", x)),
    "hard_silu": lambda b, x, ndim: b("Mul", x, _hard_sigmoid(b, x, ndim)),
    "mish": lambda b, x, ndim: b("Mul", x, b("Tanh", _softplus(b, x))),
    "hard_tanh": lambda b, x, ndim: _clip(b, x, -1.0, 1.0),
    "tanh_shrink": lambda b, x, ndim: b("Sub", x, b("Tanh", x)),
    "soft_shrink": _soft_shrink,
    "hard_shrink": _hard_shrink,
    "softmax": softmax,
    "log_softmax": _log_softmax,
    "sparsemax": _sparsemax,
    "glu": _glu,
    "threshold": _threshold,
}


def activate(b: Builder, call: Call, function: Activation, x: str, ndim: int) -> str:
    """Add an activation of a tensor of `ndim` axes; raise Refused for one ONNX has nothing for."""
    name = function.__name__
    if is_clipped(function):
        limit = float(function.options["limit"])
        return activate(b, call, function.options["function"], _clip(b, x, -limit, limit), ndim)
    if function.derived_from is not None:
        return _own(b, call, function, x, ndim)
    if not is_built_in(function) or name not in _FORMULAS:
        wanted = "an activation that is made of ONNX's operators"
        raise call.refused("activation", wanted, repr(function))
    options = {"b_" if name == "b" else name: value for name, value in function.options.items()}
    return _FORMULAS[name](b, x, ndim, **options)


def _own(b: Builder, call: Call, function: Activation, x: str, ndim: int) -> str:
    """Add a user's function of `lstmcore.ops`."""
    layer = Lambda(function.derived_from, name="activation", dtype=b.dtype)
    value = Value(x, (None,) * ndim, b.dtype, kind=call.kind)
    try:
        with b.within(layer.name):
            (y,) = add_own_call(b, OwnCall(layer, [value], {}, None), add_graph)
    except Refused as error:
        raise call.refused("activation", "one made of lstmcore.ops", error) from error
    return y.name
