"""Handlers of means, sums and extremes along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dense import constant
from .elementwise import activation_by_op
from .graph_reader import GraphReader, handler
from .views import Source, View, resolved

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
        from .... import layers

        return getattr(layers, layer)(**options)

    return reader.call(make, tensor, kind=name)
