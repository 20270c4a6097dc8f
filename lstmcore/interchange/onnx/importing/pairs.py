"""Handlers of functions of two arrays, of which one may be constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from .constants import Spread, is_sizes
from .dense import with_bias
from .elementwise import activation, activation_by_op
from .graph_reader import GraphReader, handler
from .plan import check_size, same_size
from .shapes import sizes_by
from .views import Atom, Source, View, is_one, resolved, size

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
) -> Any:
    """Return the view of a function of two arrays, of which one may be constant."""
    if isinstance(a, View) and isinstance(b, View):
        return _of_two_views(reader, name, a, b)
    view, other = (a, b) if isinstance(a, View) else (b, a)
    if isinstance(view, View) and view.kind in "it" and name in ("Add", "Mul"):
        return _of_tokens(name, view, other)
    if isinstance(other, Spread) and isinstance(view, View):
        other = along(reader, view, other)
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
    if _is_wider(x, other):
        return _widened(reader, name, x, other, view_first)
    tensor, axes, value = on_output(reader, x, other)
    if not reader.makes_layers:
        made = None
    elif name in ("Add", "Sub", "Mul", "Div"):
        made = reader.named(_by_operator(name, tensor, value, view_first), name.lower())
    else:
        pair = (tensor, value) if view_first else (value, tensor)
        made = reader.op(_TWO[name], *pair)
    return x.on(Source(lambda: made, tuple(axes)), x.axes)


def _of_tokens(name: str, x: View, other: Any) -> Any:
    """Return the sum or product of token numbers and a constant.

    They are x and 0 where a look-up counts rows below 0; nobody can ask for any others.
    """
    array = other.array if isinstance(other, Spread) else other
    if not isinstance(array, np.ndarray) or is_sizes(array) or array.size != 1:
        raise ValueError("arithmetic of integers or truth values")
    number = array.reshape(()).item()
    if number == (0 if name == "Add" else 1):
        return x
    if name == "Mul" and number == 0:
        return Spread(np.zeros((1,) * x.ndim, array.dtype), x.shape)
    return x.on(Source(_refuse, x.source.axes), x.axes)


def _refuse() -> Any:
    raise ValueError("arithmetic of integers or truth values")


def _is_wider(x: View, other: Any) -> bool:
    """Return True if a constant has several places along an axis where a view has one."""
    pairs = zip(other.shape[::-1], x.shape[::-1], strict=False)
    return other.ndim <= x.ndim and any(
        n > 1 and isinstance(m, int) and m == 1 and not resolved(axis)
        for (n, m), axis in zip(pairs, x.axes[::-1], strict=False)
    )


def _widened(reader: GraphReader, name: str, x: View, other: Any, view_first: bool) -> View:
    """Return the view of a function of an array and a constant that repeats it."""
    full = other.reshape((1,) * (x.ndim - other.ndim) + other.shape)
    if any(n != 1 and m != n and not is_one(m) for n, m in zip(full.shape, x.shape, strict=True)):
        raise ValueError(f"of a constant {other.shape} and an array {x.shape}")
    tensor, order, axes = reader.standard(x)
    value = full.transpose(order).astype(reader.dtype)
    pair = (tensor, value) if view_first else (value, tensor)
    new = tuple(
        a if is_one(n) or not is_one(size(a)) else (Atom(n),)
        for a, n in zip(axes, value.shape, strict=True)
    )
    check_size([(Atom(max(value.size, 1)),), *new[1:]])
    made = reader.op(_TWO[name], *pair)
    found: list[Any] = [()] * x.ndim
    for place, k in enumerate(order):
        found[k] = new[place]
    return x.on(Source(lambda: made, new), found)


def along(reader: GraphReader, x: View, other: Spread) -> Any:
    """Return a constant that is repeated along a view, without the repetitions."""
    pairs = zip(other.shape[::-1], x.shape[::-1], strict=False)
    fits = len(other.shape) <= x.ndim and all(m == 1 or m == n for m, n in pairs)
    if reader.makes_layers and not fits:
        raise ValueError(f"of a constant {other.shape} and an array {x.shape}")
    return other.array


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
    same_size(size(x), size(y))
    raise ValueError(f"of sizes {size(x)} and {size(y)}")


def _pair(reader: GraphReader, name: str, a: Any, b: Any) -> Any:
    if not reader.makes_layers:
        return None
    same = a.shape == b.shape
    if name not in _LAYERS or not same:
        return reader.op(_TWO[name], a, b)

    def make(**options: Any) -> Any:
        from .... import layers

        return getattr(layers, _LAYERS[name])(**options)

    return reader.call(make, a, b, kind=_LAYERS[name].lower())


@handler("PRelu")
def leaky(reader: GraphReader, node: Any, x: View, slope: Any) -> list[Any]:
    """Read a slope below 0, one for each feature, as a sum of two layers."""
    below = combined(reader, "Mul", activation_by_op(reader, x, "minimum", 0.0), slope)
    return [combined(reader, "Add", activation(reader, x, "relu"), below)]
