"""Handlers of functions of each number, of two arrays, along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .constants import Spread, is_sizes
from .graph_reader import GraphReader, check_size, handler
from .layer_handlers import constant, with_bias
from .shape_handlers import sizes_by
from .views import Source, View, resolved, size

# -- functions of each number ----------------------------------------------------------------------

_ACTIVATIONS = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus"}
_ACTIVATIONS |= {"Softsign": "softsign", "Mish": "mish", "HardSwish": "hard_silu"}
_OPS = {"Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Abs": "abs", "Neg": "negative", "Erf": "erf"}
_OPS |= {"Reciprocal": "reciprocal", "Floor": "floor", "Ceil": "ceil", "Sign": "sign"}
_OPS |= {"Sin": "sin", "Cos": "cos", "Round": "round"}


def activation(reader: GraphReader, x: View, name: str, **options: Any) -> View:
    """Return a view of an Activation layer."""

    def make(**more: Any) -> Any:
        from ... import activations
        from ...layers import Activation

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
        from ... import activations
        from ...layers import Activation, Softmax

        if name == "softmax" and not last:
            return Softmax(axis=place, **more)
        function = activations.get(name)
        return Activation(function if last else function.using(axis=place), **more)

    made = reader.call(make, tensor, kind=name)
    return [x.on(Source(lambda: made, tuple(axes)), x.axes)]


# -- functions of two arrays -----------------------------------------------------------------------

_LAYERS = {"Add": "Add", "Sub": "Subtract", "Mul": "Multiply", "Max": "Maximum", "Min": "Minimum"}
_TWO = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Pow": "power"}
_TWO |= {"Max": "maximum", "Min": "minimum", "Sum": "add"}


@handler(*_TWO)
def of_two(reader: GraphReader, node: Any, *given: Any) -> list[Any]:
    """Read a sum, difference, product, quotient, power, maximum or minimum."""
    name = "Add" if node.op_type == "Sum" else node.op_type
    if len(given) > 1 and all(isinstance(a, np.ndarray) for a in given):  # of sizes
        if name not in ("Add", "Sub", "Mul", "Div"):
            raise ValueError("of sizes that are not known")
        return [sizes_by(name, given[0], given[1])]
    result, names = given[0], list(node.input)
    for k, other in enumerate(given[1:]):
        result = combined(reader, name, result, other, names[0], names[k + 1])
        names[0] = ""
    return [result]


def combined(
    reader: GraphReader, name: str, a: Any, b: Any, name_a: str = "", name_b: str = ""
) -> View:
    """Return the view of a function of two arrays, of which one may be constant."""
    if isinstance(a, View) and isinstance(b, View):
        return _of_two_views(reader, name, a, b)
    view, other = (a, b) if isinstance(a, View) else (b, a)
    if isinstance(other, Spread):
        other = other.array
    if not isinstance(view, View) or not isinstance(other, np.ndarray) or is_sizes(other):
        raise ValueError("of what is not known before the graph runs")
    if name == "Add":
        biased = with_bias(reader, name_a if view is a else name_b, view, other)
        if biased is not None:
            return biased
    return _with_constant(reader, name, view, other, view is a)


def _with_constant(reader: GraphReader, name: str, x: View, other: Any, view_first: bool) -> View:
    if x.kind != "f":
        raise ValueError("arithmetic of integers or truth values")
    tensor, axes, value = on_output(reader, x, other)
    if not reader.makes_layers:
        made = None
    elif name in ("Add", "Sub", "Mul", "Div"):
        made = reader.named(_by_operator(name, tensor, value, view_first), name.lower())
    else:
        pair = (tensor, value) if view_first else (value, tensor)
        made = reader.op(_TWO[name], *pair)
    return x.on(Source(lambda: made, tuple(axes)), x.axes)


def on_output(reader: GraphReader, x: View, other: Any) -> tuple[Any, Any, Any]:
    """Return a view's output, its axes, and a constant with axes in the same order.

    Raises
    ------
    ValueError
        If the constant does not fit the view.
    """
    if other.size == 1:
        return x.source.tensor, x.source.axes, other.reshape(()).item()
    full = (
        other.reshape((1,) * (x.ndim - other.ndim) + other.shape) if other.ndim <= x.ndim else None
    )
    if full is None or any(n not in (1, m) for n, m in zip(full.shape, x.shape, strict=True)):
        raise ValueError(f"of a constant {other.shape} and an array {x.shape}")
    axes = [resolved(axis) for axis in x.source.axes]
    wholes = [resolved(axis) for axis in x.axes]
    long = [k for k, n in enumerate(full.shape) if n > 1]
    if all(wholes[k] in axes for k in long):
        tensor, places = x.source.tensor, [axes.index(wholes[k]) for k in long]
    else:
        tensor, order, ordered = reader.standard(x)
        axes, places = list(ordered), [order.index(k) for k in long]
    flat = full.reshape([full.shape[k] for k in long])
    flat = flat.transpose(np.argsort(places)) if len(long) > 1 else flat
    shape = [1] * len(axes)
    for place, n in zip(sorted(places), flat.shape, strict=True):
        shape[place] = n
    value = flat.reshape(shape).astype(reader.dtype if other.dtype.kind == "f" else other.dtype)
    while value.ndim > 1 and value.shape[0] == 1:
        value = value[0]
    return tensor, axes, value


def _by_operator(name: str, tensor: Any, value: Any, first: bool) -> Any:
    """Return ``tensor + value`` and its like, which symbolic tensors make layers of."""
    a, b = (tensor, value) if first else (value, tensor)
    if name == "Add":
        return tensor + value
    if name == "Mul":
        return tensor * value
    return a - b if name == "Sub" else a / b


def _structure(x: View) -> Any:
    """Return where each axis of a view lies in the layer's output."""
    places = {
        id(atom): (k, i)
        for k, axis in enumerate(x.source.axes)
        for i, atom in enumerate(resolved(axis))
    }
    shape = [tuple(a.size for a in resolved(axis)) for axis in x.source.axes]
    return shape, [[places.get(id(atom)) for atom in resolved(axis)] for axis in x.axes]


def _of_two_views(reader: GraphReader, name: str, a: View, b: View) -> View:
    if {a.kind, b.kind} != {"f"}:
        raise ValueError("arithmetic of integers or truth values")
    one, other, source, axes = aligned(reader, a, b)
    made = _pair(reader, name, one, other)
    return a.on(Source(lambda: made, source), axes)


def aligned(reader: GraphReader, a: View, b: View) -> tuple[Any, Any, Any, Any]:
    """Return the outputs of two views with their axes in the same order.

    Returns
    -------
    one, other : SymbolicTensor
    source : tuple of tuple of Atom
        The axes of a function of both.
    axes : tuple of tuple of Atom
        The axes of its view.
    """
    if a.order is not b.order:
        raise ValueError("of arrays whose rows are in different orders")
    if a.shape == b.shape and _structure(a) == _structure(b):
        return a.source.tensor, b.source.tensor, a.source.axes, a.axes
    count = max(a.ndim, b.ndim)
    a, b = (x.with_axes([()] * (count - x.ndim) + list(x.axes)) for x in (a, b))
    if not reader.makes_layers:  # sizes of different names may turn out to be the same
        axes = tuple(
            y if all(atom.is_one for atom in resolved(x)) else x
            for x, y in zip(a.axes, b.axes, strict=True)
        )
        a.source.tensor, b.source.tensor  # noqa: B018  # they are used
        return None, None, axes, axes
    pairs = [_paired(x, y) for x, y in zip(a.axes, b.axes, strict=True)]
    atoms = [pair for axis in pairs for pair in axis]
    check_size([p[0] or p[1] for p in atoms])
    batch = [p for p in atoms if p[0] is not None and (p[0],) == resolved(a.source.axes[0])]
    if not batch or batch[0][1] is None or (batch[0][1],) != resolved(b.source.axes[0]):
        raise ValueError("of arrays that have the batch elsewhere")
    groups = [batch, *_groups(pairs, batch[0])]
    wanted = [[tuple(p[k] for p in group if p[k] is not None) for group in groups] for k in (0, 1)]
    one, other = (reader.materialized(x, own) for x, own in zip((a, b), wanted, strict=True))
    source = tuple(tuple(p[0] or p[1] for p in group) for group in groups)
    return one, other, source, tuple(tuple(p[0] or p[1] for p in axis) for axis in pairs)


def _groups(pairs: list[Any], batch: Any) -> list[Any]:
    """Return the axes of the outputs after the batch: those of the view, without the batch."""
    groups = []
    for axis in pairs:
        rest = [p for p in axis if p is not batch]
        if len(axis) > len(rest) and len(rest) > 0:
            groups += [[p] for p in rest]  # (batch, time) on one axis of the view
        elif len(axis) == len(rest):
            groups.append(rest)
    return groups


def _paired(x: Any, y: Any) -> list[tuple[Any, Any]]:
    """Return the atoms of one axis in two views, side by side; None where one has size 1."""
    x, y = (list(resolved(axis)) for axis in (x, y))
    if [a.size for a in x] == [a.size for a in y]:
        return list(zip(x, y, strict=True))
    if all(a.is_one for a in y):
        return [(a, None) for a in x]
    if all(a.is_one for a in x):
        return [(None, a) for a in y]
    if size(x) == size(y) and not any(a.origin for a in (*x, *y)):
        return [(tuple(x), tuple(y))]
    raise ValueError(f"of sizes {size(x)} and {size(y)}")


def _pair(reader: GraphReader, name: str, a: Any, b: Any) -> Any:
    if not reader.makes_layers:
        return None
    same = a.shape == b.shape
    if name not in _LAYERS or not same:
        return reader.op(_TWO[name], a, b)

    def make(**options: Any) -> Any:
        from ... import layers

        return getattr(layers, _LAYERS[name])(**options)

    return reader.call(make, a, b, kind=_LAYERS[name].lower())


# -- along axes ------------------------------------------------------------------------------------

_REDUCTIONS: dict[str, tuple[str, str]] = {
    "ReduceMean": ("mean", "GlobalAveragePooling1D"),
    "ReduceMax": ("max", "GlobalMaxPooling1D"),
    "ReduceSum": ("sum", ""),
    "ReduceMin": ("min", ""),
    "ReduceLogSumExp": ("logsumexp", ""),
    "ReduceSumSquare": ("sum", ""),
    "ReduceL2": ("sum", ""),
}


@handler(*_REDUCTIONS)
def reduction(reader: GraphReader, node: Any, x: View, given: Any = None) -> list[Any]:
    """Read a mean, maximum, sum or minimum along axes."""
    axes = reader.attribute(node, "axes") if given is None else constant(given, "axes").tolist()
    if not isinstance(x, View):
        raise ValueError("of sizes that are not known")
    if not axes:
        if reader.attribute(node, "noop_with_empty_axes", 0):
            return [x]
        raise ValueError("over all axes, the batch too")
    found = sorted(int(k) % x.ndim for k in axes)
    name, layer = _REDUCTIONS[node.op_type]
    if node.op_type in ("ReduceSumSquare", "ReduceL2"):
        x = activation_by_op(reader, x, "square")
    y = reduced(reader, x, found, bool(reader.attribute(node, "keepdims", 1)), name, layer)
    return [activation_by_op(reader, y, "sqrt") if node.op_type == "ReduceL2" else y]


def reduced(
    reader: GraphReader, x: View, axes: Sequence[int], keep: bool, name: str, layer: str
) -> View:
    """Return the view of a reduction."""
    if any(reader.is_batch(x, x.axes[k]) for k in axes):
        raise ValueError("over the batch")
    rest = [() if k in axes else a for k, a in enumerate(x.axes)]
    if not keep:
        rest = [a for k, a in enumerate(rest) if k not in axes]
    axes = [k for k in axes if resolved(x.axes[k])]  # not along axes of size 1
    if not axes:
        return x.with_axes(rest)
    others = [resolved(a) for a in x.source.axes]
    wholes = [resolved(x.axes[k]) for k in axes]
    if all(whole in others for whole in wholes):
        tensor, phys = x.source.tensor, others
        places = sorted(others.index(whole) for whole in wholes)
    else:
        tensor, order, standard = reader.standard(x)
        phys, places = list(standard), sorted(order.index(k) for k in axes)
    left = tuple(a for k, a in enumerate(phys) if k not in places)
    made = _reduce(reader, tensor, places, name, layer if len(phys) == 3 else "")
    return x.on(Source(lambda: made, left), rest)


def _reduce(reader: GraphReader, tensor: Any, places: list[int], name: str, layer: str) -> Any:
    if not layer or places != [1]:
        axis = places if len(places) > 1 else places[0]
        return reader.op(name, tensor, axis=tuple(axis) if isinstance(axis, list) else axis)

    def make(**options: Any) -> Any:
        from ... import layers

        return getattr(layers, layer)(**options)

    return reader.call(make, tensor, kind=name)
