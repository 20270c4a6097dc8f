"""Convolutions and pooling along one axis, time: (batch, time, features).

x is padded, and cut into windows (batch, steps, size, features); the rest is a product or a sum.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp

from ..autodiff.derivatives import primitive
from ..validation import Array
from .einstein import einsum
from .operation import op
from .types import floating, floats, tensor

FORMATS = (None, "channels_last", "channels_first")


@primitive
def _windows(x: Array, size: int, stride: int, dilation: int) -> Array:
    """Return the windows of the time axis, (batch, steps, size, features)."""
    span = (size - 1) * dilation + 1
    found = numpy.lib.stride_tricks.sliding_window_view(x, span, axis=1)
    return numpy.moveaxis(found[:, ::stride, :, ::dilation], -1, 2)


def _of_windows(y: Any, x: Any, size: int, stride: int, dilation: int) -> Any:
    def vjp(g: Any) -> Any:
        dx = numpy.zeros(x.shape, x.dtype)
        for k in range(size):
            first = k * dilation
            dx[:, first : first + (g.shape[1] - 1) * stride + 1 : stride] += g[:, :, k]
        return dx

    return vjp


defvjp(_windows, _of_windows)


def _one(what: str, argument: str, value: Any) -> int:
    """Return a size for the only axis, given as a number or as a list of one."""
    parts = value if isinstance(value, list | tuple) else (value,)
    if len(parts) != 1:
        raise ValueError(f"{what}: {argument}: expected one size, for time, got {value!r}")
    return int(parts[0])


def _last(what: str, x: Any, data_format: str | None) -> Any:
    """Return x with the features on the last axis."""
    if data_format not in FORMATS:
        raise ValueError(f"{what}: data_format: expected one of {FORMATS}, got {data_format!r}")
    if np.ndim(x) != 3:
        raise ValueError(
            f"{what}: inputs: expected sequences of three axes (batch, time, features), got "
            f"shape {np.shape(x)}"
        )
    return np.swapaxes(x, 1, 2) if data_format == "channels_first" else x


def _back(y: Any, data_format: str | None) -> Any:
    return np.swapaxes(y, 1, 2) if data_format == "channels_first" else y


def _padded(what: str, x: Any, span: int, stride: int, padding: str, fill: float = 0.0) -> Any:
    """Return x with the steps that a padding adds before and after."""
    kind = str(padding).lower()
    if kind not in ("valid", "same", "causal"):
        raise ValueError(f"{what}: padding: expected 'valid', 'same' or 'causal', got {padding!r}")
    if kind == "valid":
        return x
    steps = np.shape(x)[1]
    total = span - 1
    if kind == "same":
        total = max((-(-steps // stride) - 1) * stride + span - steps, 0)
    before = total if kind == "causal" else total // 2
    batch, features = np.shape(x)[0], np.shape(x)[2]
    parts = [numpy.full((batch, n, features), fill, x.dtype) for n in (before, total - before)]
    return np.concatenate([parts[0], x, parts[1]], axis=1)


def _cut(what: str, x: Any, size: int, stride: int, padding: str, dilation: int = 1) -> Any:
    x = _padded(what, x, (size - 1) * dilation + 1, stride, padding)
    if np.shape(x)[1] < (size - 1) * dilation + 1:
        raise ValueError(
            f"{what}: expected at least {(size - 1) * dilation + 1} steps, got {np.shape(x)[1]}"
        )
    return _windows(x, size, stride, dilation)


@op
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return the convolution of sequences (batch, time, features) with a kernel.

    Parameters
    ----------
    inputs : array_like, (batch, time, features)
    kernel : array_like, (size, features / groups, filters)
    strides, dilation_rate : int, default 1
    padding : {"valid", "same", "causal"}, default "valid"
    data_format : {"channels_last", "channels_first"}, optional
        The default is last.
    """
    x, kernel = floats(tensor(inputs), tensor(kernel))
    x = _last("conv", x, data_format)
    stride, dilation = (
        _one("conv", "strides", strides),
        _one("conv", "dilation_rate", dilation_rate),
    )
    size, features, filters = np.shape(kernel)
    windows = _cut("conv", x, size, stride, padding, dilation)
    groups = np.shape(x)[2] // features
    if groups * features != np.shape(x)[2] or filters % groups:
        raise ValueError(
            f"conv: kernel: expected (size, features, filters) that fit {np.shape(x)[2]} "
            f"features, got {np.shape(kernel)}"
        )
    if groups == 1:
        return _back(einsum("btsi,sio->bto", windows, kernel), data_format)
    batch, steps = np.shape(windows)[:2]
    parts = np.reshape(windows, (batch, steps, size, groups, features))
    kernels = np.reshape(kernel, (size, features, groups, filters // groups))
    y = np.reshape(einsum("btsgi,sigo->btgo", parts, kernels), (batch, steps, filters))
    return _back(y, data_format)


@op
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return the convolution of every feature by itself; kernel (size, features, multiplier)."""
    x, kernel = floats(tensor(inputs), tensor(kernel))
    x = _last("depthwise_conv", x, data_format)
    stride = _one("depthwise_conv", "strides", strides)
    dilation = _one("depthwise_conv", "dilation_rate", dilation_rate)
    windows = _cut("depthwise_conv", x, np.shape(kernel)[0], stride, padding, dilation)
    y = einsum("btsi,sim->btim", windows, kernel)
    return _back(np.reshape(y, (*np.shape(y)[:2], -1)), data_format)


@op
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return a depthwise convolution and after it one over features alone."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, 1, "valid", data_format)


@op
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return the transposed convolution, of more steps; kernel (size, filters, features).

    Without `output_padding` there are steps * strides steps with padding "same", and with "valid"
    max(size - strides, 0) more.
    """
    what = "conv_transpose"
    x, kernel = floats(tensor(inputs), tensor(kernel))
    x = _last(what, x, data_format)
    stride, dilation = _one(what, "strides", strides), _one(what, "dilation_rate", dilation_rate)
    size = np.shape(kernel)[0]
    span, steps = (size - 1) * dilation + 1, np.shape(x)[1]
    extra = None if output_padding is None else _one(what, "output_padding", output_padding)
    kind = str(padding).lower()
    if kind not in ("valid", "same"):
        raise ValueError(f"{what}: padding: expected 'valid' or 'same', got {padding!r}")
    wide = (steps - 1) * stride + span
    if kind == "valid":
        before, total = 0, wide + (max(stride - span, 0) if extra is None else extra)
    else:  # as many zeros around the steps as Keras on JAX adds
        zeros = stride + span - 2 if extra is None else span + span % 2 - 2 + extra
        before = span - 1 - min(zeros // 2 + zeros % 2, span - 1)
        total = (steps - 1) * stride + 2 + zeros - span
    places = numpy.arange(steps)[:, None] * stride + numpy.arange(size) * dilation
    taps = einsum("bti,soi->btso", x, kernel)
    y = _summed(taps, places, max(wide, before + total))
    return _back(y[:, before : before + total], data_format)


@primitive
def _summed(taps: Array, places: Array, total: int) -> Array:
    y = numpy.zeros((len(taps), total, taps.shape[-1]), taps.dtype)
    for k in range(places.shape[1]):
        y[:, places[:, k]] += taps[:, :, k]  # the places of one tap are different
    return y


defvjp(_summed, lambda y, taps, places, total: lambda g: g[:, places])


@op
def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Return the maxima of windows of time; `strides` is by default `pool_size`."""
    return _pooled("max_pool", inputs, pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Return the means of windows of time, without the padding; `strides` as in `max_pool`."""
    return _pooled("average_pool", inputs, pool_size, strides, padding, data_format)


def _pooled(what: str, x: Any, size: Any, strides: Any, padding: str, form: str | None) -> Any:
    x = _last(what, floating(x), form)
    size = _one(what, "pool_size", size)
    stride = size if strides is None else _one(what, "strides", strides)
    most = what == "max_pool"
    wide = _padded(what, x, size, stride, padding, -numpy.inf if most else 0.0)
    windows = _windows(wide, size, stride, 1)
    if most:
        return _back(np.max(windows, axis=2), form)
    ones = _padded(what, numpy.ones((1, np.shape(x)[1], 1), x.dtype), size, stride, padding)
    counts = _windows(ones, size, stride, 1).sum(axis=2)
    return _back(np.sum(windows, axis=2) / counts, form)


@op
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """Return the maxima of `output_size` windows of time that together are all steps."""
    return _adaptive("adaptive_max_pool", np.max, inputs, output_size, data_format)


@op
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """Return the means of `output_size` windows of time that together are all steps."""
    return _adaptive("adaptive_average_pool", np.mean, inputs, output_size, data_format)


def _adaptive(what: str, over: Any, x: Any, size: Any, form: str | None) -> Any:
    x = _last(what, floating(x), form)
    count, steps = _one(what, "output_size", size), np.shape(x)[1]
    parts = [
        over(x[:, i * steps // count : -(-(i + 1) * steps // count)], axis=1, keepdims=True)
        for i in range(count)
    ]
    return _back(np.concatenate(parts, axis=1), form)
