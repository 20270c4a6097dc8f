"""Convolutions over time, and what adds, cuts off or repeats steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....layers import (
    Conv1D,
    Conv1DTranspose,
    Cropping1D,
    DepthwiseConv1D,
    SeparableConv1D,
    UpSampling1D,
    ZeroPadding1D,
)
from ....layers.convolution.window_layer import padding_sizes
from ....validation import Array
from .activations import activate
from .builder import Builder, Call, Value
from .table import exports

# -- windows ---------------------------------------------------------------------------------------


def features_first(b: Builder, call: Call, x: str) -> str:
    """Return x as ONNX's windows have it, (batch, features, time)."""
    if call.layer.data_format == "channels_first":
        return x
    return b("Transpose", x, perm=[0, 2, 1])


def used_mask(call: Call) -> Value | None:
    """Return the mask, if the layer uses it."""
    return call.mask if call.layer.use_mask else None


def zeroed(b: Builder, call: Call, value: float = 0.0) -> str:
    """Return x, with a number at masked steps if the layer uses the mask."""
    mask = used_mask(call)
    if mask is None:
        return call.x.name
    if call.layer.data_format == "channels_first":
        return b("Where", b("Unsqueeze", mask, [1]), call.x, value)
    return b.zeroed(call.x, mask, 3, value)


def steps_of(call: Call) -> int | None:
    """Return the number of steps, None if it is free."""
    return call.x.shape[2 if call.layer.data_format == "channels_first" else 1]


def pads(
    b: Builder, x: str, steps: int | None, window: tuple[int, int, str], value: float = 0.0
) -> tuple[str, list[int]]:
    """Return x and the steps of padding before and after, for an operator that pads.

    Where they depend on a free number of steps, x comes padded, with `value`, and they are 0.

    Parameters
    ----------
    b : Builder
    x : str
        (batch, features, time)
    steps : int or None
    window : (int, int, str)
        The extent of a window, the stride, the padding.
    value : float
    """
    size, stride, padding = window
    if stride == 1 or padding != "same" or steps is not None:
        return x, list(padding_sizes(size if steps is None else steps, *window))
    count = b.sizes(x, 2, 3)
    windows = b("Div", b("Add", count, [stride - 1]), [stride])
    whole = b("Add", b("Mul", b("Sub", windows, [1]), [stride]), [size])
    total = b("Max", b("Sub", whole, count), np.array([0]))
    before = b("Div", total, [2])
    after = b("Sub", total, before)
    return b("Pad", x, b.joined([0, 0], before, [0, 0], after), value), [0, 0]


def mask_of_windows(b: Builder, mask: Value | None, window: tuple[int, int, str]) -> Value | None:
    """Return the mask of the windows; see `lstmcore.layers.convolution.window_layer`."""
    if mask is None:
        return None
    size, stride, padding = window
    if padding != "valid":
        name = b("Slice", mask, [0], [2**31], [1], [stride]) if stride > 1 else mask.name
        shape = mask.shape if stride == 1 else (mask.shape[0], None)
        return Value(name, shape, "bool", trailing=mask.trailing)
    masked = b("Unsqueeze", b.cast(b("Not", mask), b.dtype), [1])
    most = b("MaxPool", masked, kernel_shape=[size], strides=[stride])
    name = b("Not", b.cast(b("Squeeze", most, [1]), "bool"))
    return Value(name, (mask.shape[0], None), "bool", trailing=mask.trailing)


# -- convolutions ----------------------------------------------------------------------------------


def _convolved(
    b: Builder, call: Call, add: Callable[[str, list[int]], str], steps: int | None
) -> Value:
    """Return a convolution of x, which `add` makes of its padded form, with its activation."""
    layer = call.layer
    x = features_first(b, call, zeroed(b, call))
    y = add(*pads(b, x, steps, layer._window))
    if layer.data_format != "channels_first":
        y = b("Transpose", y, perm=[0, 2, 1])
    y = activate(b, call, layer.activation, y, 3)
    return call.output(y, mask_of_windows(b, used_mask(call), layer._window))


def _check_features(call: Call) -> None:
    call.x.size(1 if call.layer.data_format == "channels_first" else 2)


def _attributes(layer: Any) -> dict[str, Any]:
    return {
        "kernel_shape": list(layer.kernel_size),
        "strides": list(layer.strides),
        "dilations": list(layer.dilation_rate),
    }


@exports(Conv1D)
def _conv1d(b: Builder, call: Call) -> Value:
    layer = call.layer
    kernel = np.ascontiguousarray(layer.kernel.value.transpose(2, 1, 0))
    return _in_groups(b, call, b.constant(kernel, "kernel"), layer.groups)


def _in_groups(b: Builder, call: Call, kernel: str, groups: int) -> Value:
    """Return the output of one convolution with the layer's bias."""
    layer = call.layer
    _check_features(call)
    bias = None if layer.bias is None else b.weight(layer.bias)

    def add(x: str, around: list[int]) -> str:
        return b("Conv", x, kernel, bias, pads=around, group=groups, **_attributes(layer))

    return _convolved(b, call, add, steps_of(call))


def _depthwise_kernel(b: Builder, param: Any) -> str:
    """Return a kernel (size, features, multiplier) as that of groups of one feature."""
    size = param.value.shape[0]
    made: Array = param.value.transpose(1, 2, 0).reshape(-1, 1, size)
    return b.constant(np.ascontiguousarray(made), param.name)


@exports(DepthwiseConv1D)
def _depthwise(b: Builder, call: Call) -> Value:
    kernel = call.layer.kernel
    return _in_groups(b, call, _depthwise_kernel(b, kernel), kernel.shape[1])


@exports(SeparableConv1D)
def _separable(b: Builder, call: Call) -> Value:
    layer = call.layer
    _check_features(call)
    kernel = _depthwise_kernel(b, layer.depthwise_kernel)
    pointwise = np.ascontiguousarray(layer.pointwise_kernel.value.transpose(2, 1, 0))
    mixing = b.constant(pointwise, "pointwise_kernel")
    bias = None if layer.bias is None else b.weight(layer.bias)

    def add(x: str, around: list[int]) -> str:
        groups = layer.depthwise_kernel.shape[1]
        between = b("Conv", x, kernel, pads=around, group=groups, **_attributes(layer))
        return b("Conv", between, mixing, bias, kernel_shape=[1])

    return _convolved(b, call, add, steps_of(call))


@exports(Conv1DTranspose)
def _transposed(b: Builder, call: Call) -> Value:
    layer = call.layer
    _check_features(call)
    kernel = b.constant(np.ascontiguousarray(layer.kernel.value.transpose(2, 1, 0)), "kernel")
    bias = None if layer.bias is None else b.weight(layer.bias)
    front, left = layer._cut
    behind = layer._extent - front - left
    y = b(
        "ConvTranspose",
        features_first(b, call, zeroed(b, call)),
        kernel,
        bias,
        pads=[front, max(behind, 0)],
        output_padding=[max(-behind, 0)],
        **_attributes(layer),
    )
    if layer.data_format != "channels_first":
        y = b("Transpose", y, perm=[0, 2, 1])
    y = activate(b, call, layer.activation, y, 3)
    return call.output(y, _transposed_mask(b, call))


def _transposed_mask(b: Builder, call: Call) -> Value | None:
    """Return the mask of the steps that an unmasked one begins, or is spread over."""
    mask, layer = used_mask(call), call.layer
    if mask is None:
        return None
    stride, left = layer.strides[0], layer._cut[1]
    width = max(left, stride)
    ones = np.ones((1, 1, width), b.dtype)
    reals = b("Unsqueeze", b.cast(mask, b.dtype), [1])
    spread = b("ConvTranspose", reals, ones, kernel_shape=[width], strides=[stride])
    spread = b("Squeeze", spread, [1])
    numbers = b("Add", b.steps(mask), np.int64(1))
    last = b("Where", mask, numbers, np.int64(0))
    last = b.reduced("ReduceMax", last, [1], keepdims=True)
    ends = b("Add", b("Mul", b("Sub", last, [1]), [stride]), [left])
    count = b("Add", b("Mul", b("Sub", b.sizes(mask, 1, 2), [1]), [stride]), [left])
    spread = b("Slice", spread, [0], count, [1])
    known = b("Less", b.steps(spread), ends)
    name = b("And", b.cast(spread, "bool"), known)
    return Value(name, (mask.shape[0], None), "bool", trailing=mask.trailing)


# -- steps more or fewer ---------------------------------------------------------------------------


def _axis(call: Call) -> int:
    return 2 if call.layer.data_format == "channels_first" else 1


@exports(ZeroPadding1D)
def _zero_padding(b: Builder, call: Call) -> Value:
    before, after = call.layer.padding
    around = [0, before, 0, 0, after, 0] if _axis(call) == 1 else [0, 0, before, 0, 0, after]
    y = b("Pad", call.x, around, np.array(0, call.x.dtype))
    mask = used_mask(call)
    if mask is not None:
        name = b("Pad", b.cast(mask, "int32"), [0, before, 0, after], np.int32(0))
        mask = Value(b.cast(name, "bool"), (mask.shape[0], None), "bool")
    return call.output(y, mask)


@exports(Cropping1D)
def _cropping(b: Builder, call: Call) -> Value:
    before, after = call.layer.cropping

    def cut(x: Any, axis: int) -> str:
        return b.slice(x, before, -after if after else 2**31, axis)

    mask = used_mask(call)
    if mask is not None:
        mask = Value(cut(mask, 1), (mask.shape[0], None), "bool", trailing=mask.trailing)
    return call.output(cut(call.x, _axis(call)), mask)


@exports(UpSampling1D)
def _up_sampling(b: Builder, call: Call) -> Value:
    size, x, mask, axis = call.layer.size, call.x, used_mask(call), _axis(call)
    times = [1, 1, 1, 1]
    times[axis + 1] = size
    repeated = b("Tile", b("Unsqueeze", x, [axis + 1]), times)
    sizes = [b.sizes(x, 0, axis), [-1], *([b.sizes(x, 2)] if axis == 1 else [])]
    y = b("Reshape", repeated, b.joined(*sizes))
    if mask is not None:
        wide = b("Tile", b("Unsqueeze", mask, [2]), [1, 1, size])
        name = b("Reshape", wide, b.joined(b.sizes(x, 0, 1), [-1]))
        mask = Value(name, (mask.shape[0], None), "bool", trailing=mask.trailing)
    return call.output(y, mask)
