"""Pooling over time: by windows, over all steps, into a given number of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers import (
    AdaptiveAveragePooling1D,
    AdaptiveMaxPooling1D,
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from ....layers.convolution.adaptive_pooling import window_bounds
from .builder import WHOLE, Builder, Call, Value
from .convolution import features_first, mask_of_windows, pads, steps_of, used_mask, zeroed
from .table import exports

LOWEST = float("-inf")
MOST_SLICES = 64  # windows that are nodes each; more of them are one product or maximum


def _back(b: Builder, call: Call, y: str) -> str:
    """Return (batch, features, time) with the axes as the layer has them."""
    return y if call.layer.data_format == "channels_first" else b("Transpose", y, perm=[0, 2, 1])


def _as_features(b: Builder, mask: Value) -> str:
    """Return a mask as reals (batch, 1, time)."""
    return b("Unsqueeze", b.cast(mask, b.dtype), [1])


# -- windows ---------------------------------------------------------------------------------------


@exports(MaxPooling1D)
def _max_pooling(b: Builder, call: Call) -> Value:
    layer, mask = call.layer, used_mask(call)

    def pooled(x: str) -> str:
        x, around = pads(b, x, steps_of(call), layer._window, LOWEST)
        size, stride = list(layer.pool_size), list(layer.strides)
        return b("MaxPool", x, kernel_shape=size, strides=stride, pads=around)

    y = pooled(features_first(b, call, zeroed(b, call, LOWEST)))
    if mask is not None:  # 0 for windows in which every step is masked
        some = b("Greater", pooled(_as_features(b, mask)), 0.0)
        y = b("Where", some, y, 0.0)
    return call.output(_back(b, call, y), mask_of_windows(b, mask, layer._window))


@exports(AveragePooling1D)
def _average_pooling(b: Builder, call: Call) -> Value:
    layer, mask, steps = call.layer, used_mask(call), steps_of(call)
    size, stride = list(layer.pool_size), list(layer.strides)

    def pooled(x: str, count_pads: int) -> str:
        x, around = pads(b, x, steps, layer._window)
        kept = {"pads": around, "count_include_pad": count_pads}
        return b("AveragePool", x, kernel_shape=size, strides=stride, **kept)

    x = features_first(b, call, zeroed(b, call))
    if mask is None and (stride == [1] or steps is not None or layer.padding != "same"):
        y = pooled(x, 0)
    else:  # what is there of each window, and how much of it counts
        ones = b("Add", b("Mul", b.slice(x, 0, 1, 1), 0.0), 1.0)
        share = pooled(ones if mask is None else _as_features(b, mask), 1)
        y = b("Div", pooled(x, 1), b("Max", share, 1 / size[0]))
    return call.output(_back(b, call, y), mask_of_windows(b, mask, layer._window))


# -- all steps -------------------------------------------------------------------------------------


def _time_axis(call: Call) -> int:
    return 2 if call.layer.data_format == "channels_first" else 1


def _over_steps(b: Builder, call: Call, mask: Value, ndim: int = 3) -> str:
    """Return a mask in a form that spreads over x."""
    return b("Unsqueeze", mask, [3 - _time_axis(call)])


@exports(GlobalAveragePooling1D)
def _global_average(b: Builder, call: Call) -> Value:
    layer, mask, axis = call.layer, used_mask(call), _time_axis(call)
    if mask is None:
        return call.output(b.reduced("ReduceMean", call.x, [axis], layer.keepdims))
    total = b.reduced("ReduceSum", zeroed(b, call), [axis], keepdims=True)
    reals = b.cast(_over_steps(b, call, mask), b.dtype)
    count = b.reduced("ReduceSum", reals, [axis], keepdims=True)
    y = b("Div", total, b("Max", count, 1.0))
    return call.output(y if layer.keepdims else b("Squeeze", y, [axis]))


@exports(GlobalMaxPooling1D)
def _global_max(b: Builder, call: Call) -> Value:
    layer, mask, axis = call.layer, used_mask(call), _time_axis(call)
    y = b.reduced("ReduceMax", zeroed(b, call, LOWEST), [axis], keepdims=True)
    if mask is not None:
        reals = b.cast(_over_steps(b, call, mask), b.dtype)
        some = b("Greater", b.reduced("ReduceMax", reals, [axis], keepdims=True), 0.0)
        y = b("Where", some, y, 0.0)
    return call.output(y if layer.keepdims else b("Squeeze", y, [axis]))


# -- a given number of windows ---------------------------------------------------------------------


@exports(AdaptiveAveragePooling1D, AdaptiveMaxPooling1D)
def _adaptive(b: Builder, call: Call) -> Value:
    layer, mask = call.layer, used_mask(call)
    average = type(layer) is AdaptiveAveragePooling1D
    first = layer.data_format == "channels_first"
    x = b("Transpose", call.x, perm=[0, 2, 1]) if first else call.x.name
    if mask is None and layer.output_size[0] <= MOST_SLICES:
        y = _adaptive_all(b, call, x, average)
    else:
        y = _adaptive_masked(b, call, x, mask, average)
    return call.output(b("Transpose", y, perm=[0, 2, 1]) if first else y)


def _adaptive_all(b: Builder, call: Call, x: str, average: bool) -> str:
    """Return the windows (batch, count, features) of rows of one length."""
    count, steps = call.layer.output_size[0], steps_of(call)
    parts = []
    for k in range(count):
        if steps is None:
            part = b("Slice", x, *_bounds(b, b.sizes(x, 1, 2), k, count), [1])
        else:
            part = b.slice(x, *window_bounds(steps, count)[k], 1)
        op = "ReduceMean" if average else "ReduceMax"
        parts.append(b.reduced(op, part, [1], keepdims=True))
    return b("Concat", *parts, axis=1)


def _bounds(b: Builder, steps: str, k: Any, count: int) -> tuple[str, str]:
    """Return the first step of window k and the one after its last, of rows of these lengths."""
    start = b("Div", b("Mul", steps, np.asarray([k], WHOLE).reshape(-1)), [count])
    reached = b("Mul", steps, np.asarray([k], WHOLE).reshape(-1) + 1)
    return start, b("Div", b("Add", reached, [count - 1]), [count])


def _adaptive_masked(b: Builder, call: Call, x: str, mask: Value | None, average: bool) -> str:
    """Return the windows of rows that share their own unmasked steps."""
    count = call.layer.output_size[0]
    if mask is None:
        name = b("Expand", np.array(True), b.sizes(x, 0, 2))
        mask = Value(name, (None, None), "bool")
    whole = b.cast(mask, WHOLE)
    lengths = b.reduced("ReduceSum", whole, [1], keepdims=True)
    start, end = _bounds(b, lengths, np.arange(count), count)  # (batch, count)
    place = b("Unsqueeze", b("Sub", b("CumSum", whole, np.int64(1)), [1]), [1])
    inside = b(
        "And",
        b("GreaterOrEqual", place, b("Unsqueeze", start, [2])),
        b("Less", place, b("Unsqueeze", end, [2])),
    )
    inside = b("And", inside, b("Unsqueeze", mask, [1]))  # (batch, count, time)
    zeros = b("Where", b.expanded(mask, 3), x, 0.0)
    if average:
        weights = b.cast(inside, b.dtype)
        sizes = b.reduced("ReduceSum", weights, [2], keepdims=True)
        return b("Div", b("MatMul", weights, zeros), b("Max", sizes, 1.0))
    wide = b("Where", b("Unsqueeze", inside, [3]), b("Unsqueeze", zeros, [1]), LOWEST)
    most = b.reduced("ReduceMax", wide, [2])
    some = b("Greater", b("Unsqueeze", lengths, [2]), np.int64(0))
    return b("Where", some, most, 0.0)
