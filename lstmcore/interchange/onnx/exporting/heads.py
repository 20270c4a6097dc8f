"""MultiHeadAttention and GroupQueryAttention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....layers import GroupQueryAttention, MultiHeadAttention
from ....layers.attention.attended_axes import AttendedAxes
from .attention import mask_of, seen_before, weights_of
from .builder import WHOLE, Builder, Call, Value
from .masks import both
from .table import exports


class _Flat:
    """Inputs as (samples, steps, ...): the attended axes as one, all others as samples."""

    def __init__(self, b: Builder, axes: AttendedAxes) -> None:
        self.b, self.axes = b, axes

    def flatten(self, x: str, of: Value, ends: list[int]) -> str:
        """Return x, which has the first axes of an input and one more, so, with these ends."""
        b, axes = self.b, self.axes
        if axes.plain:
            return b("Reshape", x, [0, 0, *ends])
        moved = b("Transpose", x, perm=[*axes.order, len(axes.order)])
        return b("Reshape", moved, b.joined([-1], self.steps(of), ends))

    def unflatten(self, y: str, of: Value, size: int) -> str:
        """Return (samples, steps, ...) with the first axes of an input and one of this size."""
        b, axes = self.b, self.axes
        if axes.plain:
            return b("Reshape", y, [0, 0, size])
        sizes = [b.sizes(of, a, a + 1) for a in axes.order]
        whole = b("Reshape", y, b.joined(*sizes, [size]))
        back = [int(a) for a in np.argsort(axes.order)]
        return b("Transpose", whole, perm=[*back, len(back)])

    def steps(self, of: Value) -> str:
        """Return the product of the sizes of the attended axes, in one axis."""
        b = self.b
        found = [b.sizes(of, a, a + 1) for a in self.axes.axes]
        made = found[0]
        for size in found[1:]:
            made = b("Mul", made, size)
        return made

    def mask(self, mask: Value | None, of: Value) -> str | None:
        """Return the mask of an input as one of (samples, steps)."""
        if mask is None:
            return None
        b, ndim = self.b, of.ndim - 1
        if self.axes.plain:
            return mask.name
        whole = b("Expand", b.expanded(mask, ndim), b("Shape", of, end=ndim))
        moved = b("Transpose", whole, perm=self.axes.order)
        return b("Reshape", moved, b.joined([-1], self.steps(of)))


def _projected(b: Builder, call: Call, name: str, x: Any) -> str:
    """Return a projection of x, its new axes as one."""
    layer = call.layer._projections[name]
    n, m = math.prod(layer.inputs), math.prod(layer.outputs)
    with b.within(name):
        y = b("MatMul", x, b.constant(layer.kernel.value.reshape(n, m), "kernel"))
        if layer.bias is not None:
            y = b("Add", y, b.constant(layer.bias.value.reshape(m), "bias"))
        return b("Sigmoid", y) if name == "gate" else y


def _own_masks(b: Builder, call: Call) -> list[Value | None]:
    """Return the masks of query, value and key, those that the call gives among them."""
    found = [mask_of(call, k) for k in range(3)]
    for k, name in enumerate(("query_mask", "value_mask", "key_mask")):
        given = call.options.get(name)
        if given is not None:
            found[k] = Value(b.cast(_tensor(call, name, given), "bool"), given.shape, "bool")
    return found


def _tensor(call: Call, name: str, given: Any) -> Value:
    if not isinstance(given, Value):
        raise call.refused(name, "the output of a layer, or none", type(given).__name__)
    return given


@exports(MultiHeadAttention, GroupQueryAttention)
def _heads(b: Builder, call: Call) -> list[Value]:
    layer, (query, value) = call.layer, call.inputs[:2]
    key = call.inputs[-1]
    for x in call.inputs:
        x.size(-1)
    axes = layer._attended([x.shape for x in call.inputs])
    flat, masks = _Flat(b, axes), _own_masks(b, call)
    seen = both(b, masks[1], masks[2])
    unmasked = _unmasked(b, call, flat, masks[0], seen)
    pairs, heads = layer.key_value_heads or layer.num_heads, layer.num_heads
    zeroed = b.zeroed(value, seen, value.ndim)  # a masked step may hold NaN
    q = flat.flatten(_projected(b, call, "query", query), query, [heads, layer.key_dim])
    k = flat.flatten(_projected(b, call, "key", key), key, [pairs, layer.key_dim])
    v = flat.flatten(_projected(b, call, "value", zeroed), value, [pairs, layer.value_dim])
    if pairs != heads:
        places = np.repeat(np.arange(pairs), heads // pairs).astype(WHOLE)
        k, v = (b("Gather", part, places, axis=2) for part in (k, v))
    q = b("Mul", q, 1 / math.sqrt(layer.key_dim))
    scores = b("MatMul", b("Transpose", q, perm=[0, 2, 1, 3]), b("Transpose", k, perm=[0, 2, 3, 1]))
    weights = weights_of(b, scores, unmasked)
    context = b("MatMul", weights, b("Transpose", v, perm=[0, 2, 1, 3]))
    context = b("Transpose", context, perm=[0, 2, 1, 3])
    context = flat.unflatten(context, query, heads * layer.value_dim)
    if layer.use_gate:
        context = b("Mul", context, _projected(b, call, "gate", query))
    y = _projected(b, call, "attention_output", context)
    ends = layer._projections["attention_output"].outputs
    if len(ends) > 1:
        y = b("Reshape", y, b.joined(b.sizes(query, 0, query.ndim - 1), list(ends)))
    made = [call.value(y, layer.compute_output_shape(call.shapes()), masks[0])]
    if call.options.get("return_attention_scores"):
        made.append(_scores_out(b, call, flat, weights))
    return made


def _scores_out(b: Builder, call: Call, flat: _Flat, weights: str) -> Value:
    """Return the weights with all their axes."""
    query, value, heads, axes = call.inputs[0], call.inputs[1], call.layer.num_heads, flat.axes
    shape = axes.scores_shape(query.shape, value.shape, heads)
    if not axes.plain:
        first = [b.sizes(query, a, a + 1) for a in (0, *axes.free)]
        ends = [b.sizes(x, a, a + 1) for x in (query, value) for a in axes.axes]
        weights = b("Reshape", weights, b.joined(*first, [heads], *ends))
    return call.value(weights, shape)


def _unmasked(
    b: Builder, call: Call, flat: _Flat, query_mask: Value | None, seen: Value | None
) -> str | None:
    """Return the mask of the scores (samples, heads, queries, keys), or what spreads to it."""
    layer, (query, value) = call.layer, call.inputs[:2]
    queries, keys = flat.mask(query_mask, query), flat.mask(seen, value)
    unmasked = b.either(
        None if queries is None else b("Unsqueeze", queries, [1, 3]),
        None if keys is None else b("Unsqueeze", keys, [1, 2]),
    )
    causal, window = call.options.get("use_causal_mask"), layer.sliding_window
    if causal or window is not None:
        axis = flat.axes.axes[0]
        steps = [
            b("Range", np.int64(0), b("Squeeze", b.sizes(x, axis, axis + 1), [0]), np.int64(1))
            for x in (query, value)
        ]
        if window is not None:
            away = b("Sub", b("Unsqueeze", steps[0], [1]), b("Unsqueeze", steps[1], [0]))
            near = b("Less", b("Abs", away), np.int64(window))
            unmasked = b.either(unmasked, near)
        if causal:
            unmasked = b.either(unmasked, seen_before(b, steps[0], steps[1]))
    given = call.options.get("attention_mask")
    if given is None:
        found: str | None = unmasked
        return found
    both_masks: str = b.either(unmasked, _attention_mask(b, call, flat, given))
    return both_masks


def _attention_mask(b: Builder, call: Call, flat: _Flat, given: Any) -> str:
    if not flat.axes.plain:
        wanted = "None where other than the steps of three axes are attended"
        raise call.refused("attention_mask", wanted, "a mask")
    mask = _tensor(call, "attention_mask", given)
    name = b.cast(mask, "bool")
    return name if mask.ndim != 3 else b("Unsqueeze", name, [1])
