"""Ops that reshape, reorder, join, cut and pad, by ONNX's operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....layers.module import DTYPES
from .builder import WHOLE, Value
from .op_arguments import OpCall
from .reshaping import indexed


def _reshape(o: OpCall) -> str:
    sizes = o.whole("newshape")
    return o.b("Reshape", o.input(), sizes)


def _transpose(o: OpCall) -> str:
    x = o.input()
    axes = range(x.ndim)[::-1] if o.given["axes"] is None else o.axes(x.ndim, "axes")
    return o.b("Transpose", x, perm=list(axes))


def _swapaxes(o: OpCall) -> str:
    x = o.input()
    order = list(range(x.ndim))
    one, other = (o.axes(x.ndim, name)[0] for name in ("axis1", "axis2"))
    order[one], order[other] = other, one
    return o.b("Transpose", x, perm=order)


def _moveaxis(o: OpCall) -> str:
    x = o.input()
    source, target = (o.axes(x.ndim, name) for name in ("source", "destination"))
    order = [a for a in range(x.ndim) if a not in source]
    for place, axis in sorted(zip(target, source, strict=True)):
        order.insert(place, axis)
    return o.b("Transpose", x, perm=order)


def _expand_dims(o: OpCall) -> str:
    x, numbers = o.input(), o.whole("axis")
    return o.b("Unsqueeze", x, sorted(n % (x.ndim + len(numbers)) for n in numbers))


def _squeeze(o: OpCall) -> str:
    x = o.input()
    if o.given["axis"] is None:
        raise o.refused("axis", None)
    return o.b("Squeeze", x, o.axes(x.ndim))


def _joined(o: OpCall) -> str:
    parts: Any = o.given.get("xs", o.given.get("x"))
    tensors = [o.tensor(leaf) for leaf in parts]
    axis = o.whole("axis")[0]
    if o.op == "stack":
        ndim = o.call.x.ndim + 1
        tensors = [o.b("Unsqueeze", t, [axis % ndim]) for t in tensors]
    return o.b("Concat", *tensors, axis=axis)


def _flip(o: OpCall) -> str:
    x = o.input()
    y = x.name
    for axis in o.axes(x.ndim):
        y = o.b.reversed(y, axis)
    return y


def _tile(o: OpCall) -> str:
    x, repeats = o.input(), o.whole("repeats")
    if len(repeats) != x.ndim:
        raise o.refused("repeats", repeats)
    return o.b("Tile", x, repeats)


def _like(o: OpCall) -> str:
    if o.given["dtype"] is not None or o.input().dtype not in DTYPES:
        raise o.refused("dtype", o.given["dtype"])
    value = 1.0 if o.op == "ones_like" else 0.0
    return o.b("Expand", value, o.b("Shape", o.input()))


def _take(o: OpCall) -> str:
    x, indices = o.input(), o.value("indices")
    if o.given["axis"] is None:
        raise o.refused("axis", None)
    if not isinstance(indices, Value):
        indices = np.asarray(indices)
        if indices.dtype.kind not in "iu":
            raise o.refused("indices", indices)
        indices = indices.astype(WHOLE)
    elif indices.dtype in DTYPES:
        indices = o.b.cast(indices, WHOLE)
    return o.b("Gather", x, indices, axis=o.whole("axis")[0])


def _pad(o: OpCall) -> str:
    x, mode = o.input(), o.given["mode"]
    if mode not in ("constant", "reflect", "edge"):
        raise o.refused("mode", mode)
    pairs = np.broadcast_to(np.asarray(o.given["pad_width"]), (x.ndim, 2))
    around = [int(n) for n in (*pairs[:, 0], *pairs[:, 1])]
    value = np.array(o.given["constant_values"] or 0, x.dtype) if mode == "constant" else None
    return o.b("Pad", x, around, value, mode=mode)


def _get_item(o: OpCall) -> str:
    key = o.given["key"]
    parts = list(key) if isinstance(key, tuple) else [key]
    if sum(p is Ellipsis for p in parts) > 1 or any(not _is_plain(p) for p in parts):
        raise o.refused("key", key)
    x = o.input()
    named = sum(p is not None and p is not Ellipsis for p in parts)
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    rest = [slice(None)] * (x.ndim - named)
    parts = [*parts[:at], *rest, *parts[at + 1 :]]
    return indexed(
        o.b, x.name, [[p.start, p.stop, p.step] if isinstance(p, slice) else p for p in parts]
    )


def _is_plain(part: Any) -> bool:
    numbers = [part.start, part.stop, part.step] if isinstance(part, slice) else [part]
    return part is Ellipsis or all(
        n is None or (isinstance(n, int | np.integer) and not isinstance(n, bool)) for n in numbers
    )


MAKERS: dict[str, Callable[[OpCall], str]] = {
    **{"reshape": _reshape, "transpose": _transpose, "swapaxes": _swapaxes, "moveaxis": _moveaxis},
    **{"expand_dims": _expand_dims, "squeeze": _squeeze, "concatenate": _joined, "stack": _joined},
    **{"flip": _flip, "tile": _tile, "get_item": _get_item, "take": _take, "pad": _pad},
    **{"ones_like": _like, "zeros_like": _like},
}
