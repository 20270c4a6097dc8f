"""Handlers of comparisons, logic and choice."""

from __future__ import annotations

from typing import Any

import numpy as np

from .constants import Spread, is_sizes, sizes
from .dims import Dim
from .graph_reader import GraphReader, handler
from .pairs import aligned, along, on_output
from .views import Source, View

_COMPARISONS = {"Equal": "equal", "Greater": "greater", "Less": "less"}
_COMPARISONS |= {"GreaterOrEqual": "greater_equal", "LessOrEqual": "less_equal"}
_LOGIC = {"And": "logical_and", "Or": "logical_or", "Xor": "logical_xor"}


@handler(*_COMPARISONS, *_LOGIC)
def comparison(reader: GraphReader, node: Any, a: Any, b: Any) -> list[Any]:
    """Read a comparison of two arrays, or of sizes with numbers that they cannot be."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return [_of_sizes(node.op_type, a, b)]
    name = (_COMPARISONS | _LOGIC)[node.op_type]
    if isinstance(a, View) and isinstance(b, View):
        if "t" in a.kind + b.kind:
            raise ValueError("of numbers without their fraction")
        one, other, source, axes = aligned(reader, a, b)
        made = reader.op(name, one, other)
        return [a.on(Source(lambda: made, source), axes, "b")]
    view, constant = (a, b) if isinstance(a, View) else (b, a)
    if isinstance(constant, Spread) and isinstance(view, View):
        constant = along(reader, view, constant)
    known = isinstance(constant, np.ndarray) and not is_sizes(constant)
    if not isinstance(view, View) or not known:
        raise ValueError("of what is not known before the graph runs")
    if view is a and node.op_type == "Less" and constant.size == 1 and not constant.any():
        found = _below_zero(reader, view)
        if found is not None:
            return [found]
    if view.kind == "t":
        raise ValueError("of numbers without their fraction")
    tensor, axes, value = on_output(reader, view, constant)
    pair = (tensor, value) if view is a else (value, tensor)
    made = reader.op(name, *pair)
    return [view.on(Source(lambda: made, tuple(axes)), view.axes, "b")]


def _below_zero(reader: GraphReader, x: View) -> Spread | None:
    """Return False for token numbers that are compared with 0; None for other numbers.

    Keras 3 and TensorFlow count rows of a table from its end for numbers below 0. An Embedding
    takes none of those: it is an error, so that nothing is lost.
    """
    names = {atom.origin[0] for axis in x.source.axes for atom in axis if atom.origin}
    known = reader.plan is None or names <= reader.plan.embedded
    if x.kind not in "it" or len(names) != 1 or not known:
        return None
    return Spread(np.zeros((1,) * x.ndim, bool), x.shape)


def _of_sizes(name: str, a: Any, b: Any) -> Any:
    """Compare sizes, which are 1 or more, with numbers."""
    if name != "Equal":
        raise ValueError("of sizes that are not known")
    pairs = np.broadcast(np.asarray(a, object), np.asarray(b, object))
    found = []
    for one, other in pairs:
        number = next((n for n in (one, other) if not isinstance(n, Dim)), None)
        if one != other and (number is None or number > 0) and Dim in (type(one), type(other)):
            raise ValueError(f"of sizes {one} and {other}")
        found.append(one == other)
    return np.array(found, bool).reshape(pairs.shape)


@handler("Not")
def negation(reader: GraphReader, node: Any, x: Any) -> list[Any]:
    """Read a negation."""
    if isinstance(x, Spread):
        return [Spread(~x.array, x.shape)]
    made = reader.op("logical_not", x.source.tensor)
    return [x.on(Source(lambda: made, x.source.axes), x.axes, "b")]


@handler("Where")
def where(reader: GraphReader, node: Any, condition: Any, a: Any, b: Any) -> list[Any]:
    """Read a choice between two arrays, number by number."""
    if isinstance(condition, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            raise ValueError("a constant choice between what depends on the inputs")
        return [sizes(np.where(condition, np.asarray(a, object), np.asarray(b, object)))]
    if isinstance(condition, Spread) and condition.uniform:
        return [a if condition.array.all() else b]
    if not isinstance(condition, View):
        raise ValueError("a choice that is not known")
    chosen: list[Any] = []
    view = condition
    for other in (a, b):
        if isinstance(other, View):
            tensor, own, axes, view_axes = aligned(reader, view, other)
            view = view.on(_made(tensor, axes), view_axes)
            chosen.append(own)
        else:
            chosen.append(along(reader, view, other) if isinstance(other, Spread) else other)
    if any(isinstance(c, np.ndarray) and c.size != 1 for c in chosen):
        raise ValueError("a choice between constants of several numbers")
    given = [c.item() if isinstance(c, np.ndarray) else c for c in chosen]
    made = reader.op("where", view.source.tensor, *given)
    return [view.on(Source(lambda: made, view.source.axes), view.axes, "f")]


def _made(tensor: Any, axes: Any) -> Source:
    return Source(lambda: tensor, axes)
