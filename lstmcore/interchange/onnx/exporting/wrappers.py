"""Layers around other layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....inspection import inner_layers
from ....layers import Pipeline, SpectralNormalization, TimeDistributed
from ....layers.normalization.spectral_normalization import _with_weight
from ....layers.parameters import Flat, Param
from .builder import Builder, Call, SizeNeeded, Value
from .masks import both, of_steps
from .table import exports
from .walk import add_layer


@exports(TimeDistributed, by_step=True)
def _time_distributed(b: Builder, call: Call) -> Value:
    layer, x, mask = call.layer.layer, call.x, call.mask
    for _, inner in inner_layers(call.layer):
        if inner.stateful:
            wanted = f"stateful=False of {inner.name!r}, which each step begins anew"
            raise call.refused("layer", wanted, True)
    if None in x.shape[2:]:
        raise SizeNeeded
    parts = None
    if mask is not None and mask.ndim > 2:
        wide = (None, *mask.shape[2:])
        merged = b("Reshape", mask, b.joined([-1], b.sizes(mask, 2)))
        parts = Value(merged, wide, "bool", trailing=mask.trailing)
    rows = b("Reshape", x, b.joined([-1], b.sizes(x, 2)))
    inner = Value(rows, (None, *x.shape[2:]), x.dtype, parts)
    with b.each_step_apart():
        (y,) = add_layer(b, layer, [inner], {})
    whole = b("Reshape", y, b.joined(b.sizes(x, 0, 2), b.sizes(y, 1)))
    return call.output(whole, _mask_of_steps(b, x, mask, y.mask), dtype=y.dtype)


def _mask_of_steps(b: Builder, x: Value, mask: Value | None, inner: Value | None) -> Value | None:
    """Return the mask of the output, of that of the rows and of the input's."""
    if inner is None:
        return of_steps(b, mask)
    sizes = b.joined(b.sizes(x, 0, 2), *([b.sizes(inner, 1)] if inner.ndim > 1 else []))
    shape = (*x.shape[:2], *inner.shape[1:])
    rows = Value(b("Reshape", inner, sizes), shape, "bool", trailing=inner.trailing)
    return rows if mask is None or mask.ndim > 2 else both(b, mask, rows)


@exports(Pipeline, by_step=True)
def _pipeline(b: Builder, call: Call) -> list[Value]:
    found = list(call.inputs)
    for layer in call.layer.layers:
        found = add_layer(b, layer, found, {})
    return found


@exports(SpectralNormalization, by_step=True)
def _spectral(b: Builder, call: Call) -> list[Value]:
    layer: Any = call.layer
    kernel = layer.kernel
    normal = Param(kernel.name, kernel.shape, kernel.initializer, kernel.trainable)
    Flat([(normal, True)], str(kernel.value.dtype), initialize=False)
    normal.assign(layer.normalized_weights()[1])
    inner = _with_weight(layer.layer, kernel, normal)
    return [replace(value) for value in add_layer(b, inner, call.inputs, {})]
