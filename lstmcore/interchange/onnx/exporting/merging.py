"""Layers that merge several inputs into one."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np

from ....layers import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from .builder import Builder, Call, Value
from .masks import any_of, both
from .table import exports

_OPS: dict[type, str] = {
    **{Add: "Add", Average: "Add", Subtract: "Sub", Multiply: "Mul"},
    **{Maximum: "Max", Minimum: "Min"},
}
_EPSILON = 1e-7  # the least norm that a vector is divided by


def _aligned(b: Builder, call: Call) -> list[Value]:
    """Return the inputs with one number of axes: new ones follow the batch."""
    ndim = max(x.ndim for x in call.inputs)
    return [
        x
        if x.ndim == ndim
        else Value(
            b("Unsqueeze", x, list(range(1, 1 + ndim - x.ndim))),
            (x.shape[0], *[1] * (ndim - x.ndim), *x.shape[1:]),
            x.dtype,
        )
        for x in call.inputs
    ]


def _same_ranks(call: Call) -> bool:
    return len({x.ndim for x in call.inputs}) == 1


@exports(Add, Average, Subtract, Multiply, Maximum, Minimum, by_step=_same_ranks)
def _elementwise(b: Builder, call: Call) -> Value:
    cls, inputs = type(call.layer), _aligned(b, call)
    masks = [x.mask for x in call.inputs]
    used: list[Value | None] = [None] * len(masks)
    if call.layer.unmasked == "any":  # an input with fewer axes has no steps in the output
        pairs = zip(call.inputs, inputs, strict=True)
        used = [x.mask if x.ndim == wide.ndim else None for x, wide in pairs]
    if cls is Multiply:
        y = _product(b, inputs, used)
    elif cls in (Maximum, Minimum):
        y = _extreme(b, inputs, used, _OPS[cls])
    else:
        y = reduce(lambda a, x: b(_OPS[cls], a, x), inputs[1:], inputs[0].name)
    if cls is Average:
        y = b("Div", y, float(len(inputs)))
    return call.output(y, _combined(b, call, masks))


def _combined(b: Builder, call: Call, masks: list[Value | None]) -> Value | None:
    """Return the mask of the output, of the inputs' masks."""
    return any_of(b, masks) if call.layer.unmasked == "any" else reduce(partial(both, b), masks)


def _product(b: Builder, inputs: list[Value], masks: list[Value | None]) -> str:
    """Return the product, in which masked steps count as 1; 0 where all are masked."""
    one = np.array(1, inputs[0].dtype)
    parts = [
        x.name if m is None else b("Where", b.expanded(m, x.ndim), x, one)
        for x, m in zip(inputs, masks, strict=True)
    ]
    y = reduce(lambda a, x: b("Mul", a, x), parts)
    unmasked = any_of(b, masks)
    zero = np.array(0, inputs[0].dtype)
    return y if unmasked is None else b("Where", b.expanded(unmasked, inputs[0].ndim), y, zero)


def _extreme(b: Builder, inputs: list[Value], masks: list[Value | None], op: str) -> str:
    """Return the largest or smallest values; masked steps do not count."""
    y, unmasked = inputs[0].name, masks[0]
    for x, m in zip(inputs[1:], masks[1:], strict=True):
        best = b(op, y, x)
        if m is not None:
            best = b("Where", b.expanded(m, x.ndim), best, y)
        if unmasked is not None:  # masked in all so far: this one, unless it is masked, too
            own = b.expanded(unmasked, x.ndim)
            kept = own if m is None else b("Or", own, b("Not", b.expanded(m, x.ndim)))
            best = b("Where", kept, best, x)
        y, unmasked = best, any_of(b, [unmasked, m])
    return y


@exports(Concatenate, by_step=lambda call: call.layer.axis % call.x.ndim > 1)
def _concatenate(b: Builder, call: Call) -> Value:
    axis = call.layer.axis % call.x.ndim
    return call.output(b("Concat", *call.inputs, axis=axis), _joined_masks(b, call, axis))


def _joined_masks(b: Builder, call: Call, axis: int) -> Value | None:
    masks = [x.mask for x in call.inputs]
    known = [m for m in masks if m is not None]
    if not known:
        return None
    ndim = max(m.ndim for m in known)
    if axis >= ndim:
        return _combined(b, call, masks)
    parts = []
    for x, m in zip(call.inputs, masks, strict=True):
        whole = b("Shape", x, end=ndim)
        parts.append(b("Expand", np.array(True) if m is None else b.expanded(m, ndim), whole))
    return Value(b("Concat", *parts, axis=axis), (call.x.shape[0], *[None] * (ndim - 1)), "bool")


@exports(Dot)
def _dot(b: Builder, call: Call) -> Value:
    layer = call.layer
    axes = layer._check_axes([x.shape for x in call.inputs])
    rows = []
    for x, axis in zip(call.inputs, axes, strict=True):
        order = [a for a in range(x.ndim) if a != axis] + [axis]
        moved = b("Transpose", x, perm=order)
        flat = b.joined(b.sizes(x, 0, 1), [-1], b.sizes(moved, -1))
        row = moved if x.ndim == 3 else b("Reshape", moved, flat)
        if layer.normalize:
            squares = b.reduced("ReduceSum", b("Mul", row, row), [-1], keepdims=True)
            row = b("Div", row, b("Max", b("Sqrt", squares), _EPSILON))
        rows.append(row)
    y = b("MatMul", rows[0], b("Transpose", rows[1], perm=[0, 2, 1]))
    rest = [
        b.joined(*(b.sizes(x, a, a + 1) for a in range(1, x.ndim) if a != axis))
        for x, axis in zip(call.inputs, axes, strict=True)
        if x.ndim > 2
    ]
    sizes = b.joined(b.sizes(call.x, 0, 1), *rest, *([] if rest else [[1]]))
    return call.output(b("Reshape", y, sizes), dtype=call.x.dtype)
