"""Normalization layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from ....layers.normalization.layer_normalization import TINY, axes_of
from .builder import Builder, Call, Value
from .table import exports


def _axes(call: Call, least: int = 1) -> tuple[int, ...]:
    return axes_of(call.layer, call.layer.axis, call.x.shape, least)


def _after_time(call: Call) -> bool:
    """Return True if no axis of the layer is that of time."""
    return all(axis > 1 for axis in _axes(call, 0))


def _check_sizes(call: Call, axes: tuple[int, ...]) -> None:
    for axis in axes:
        call.x.size(axis)


def _moved(b: Builder, x: Any, ndim: int, axes: tuple[int, ...], front: int) -> tuple[str, Any]:
    """Return x with these axes from place `front` on, and the order that brings them back."""
    others = [a for a in range(ndim) if a not in axes]
    order = [*others[:front], *axes, *others[front:]]
    name = x.name if isinstance(x, Value) else x
    if order == list(range(ndim)):
        return name, None
    return b("Transpose", name, perm=order), [int(a) for a in np.argsort(order)]


def _back(b: Builder, y: str, order: Any) -> str:
    return y if order is None else b("Transpose", y, perm=order)


def _rescaling(b: Builder, layer: Any) -> tuple[str, str]:
    """Return gamma and beta; ones and zeros where the layer has none."""
    size = layer._sizes
    ones, zeros = np.ones(size, layer.dtype), np.zeros(size, layer.dtype)
    gamma = b.constant(ones, "ones") if layer.gamma is None else b.weight(layer.gamma)
    beta = b.constant(zeros, "zeros") if layer.beta is None else b.weight(layer.beta)
    return gamma, beta


@exports(BatchNormalization, by_step=_after_time)
def _batch(b: Builder, call: Call) -> Value:
    layer, axes = call.layer, _axes(call)
    _check_sizes(call, axes)
    x, order = _moved(b, call.x, call.x.ndim, axes, 1)
    weights = (*_rescaling(b, layer), b.weight(layer.moving_mean), b.weight(layer.moving_variance))
    y = b("BatchNormalization", x, *weights, epsilon=layer.epsilon)
    return call.output(_back(b, y, order), call.mask)


@exports(LayerNormalization, by_step=_after_time)
def _layer(b: Builder, call: Call) -> Value:
    layer, axes = call.layer, _axes(call)
    _check_sizes(call, axes)
    first = call.x.ndim - len(axes)
    x, order = _moved(b, call.x, call.x.ndim, axes, first)
    gamma, beta = _rescaling(b, layer)
    y = b("LayerNormalization", x, gamma, beta, axis=first, epsilon=layer.epsilon)
    return call.output(_back(b, y, order), call.mask)


@exports(GroupNormalization, by_step=False)
def _group(b: Builder, call: Call) -> Value:
    layer, axes, ndim = call.layer, _axes(call), call.x.ndim
    _check_sizes(call, axes)
    x, order = _moved(b, call.x, ndim, axes, 1)
    whole = [0, layer._groups, -1]
    rows = b("Reshape", x, whole)
    if call.mask is None:
        centred = b("Sub", rows, b.reduced("ReduceMean", rows, [2], keepdims=True))
        variance = b.reduced("ReduceMean", b("Mul", centred, centred), [2], keepdims=True)
    else:
        wide = b("Expand", b.expanded(call.mask, ndim), b("Shape", call.x))
        mask = b("Reshape", _moved(b, wide, ndim, axes, 1)[0], whole)
        reals = b.cast(mask, b.dtype)
        count = b("Max", b.reduced("ReduceSum", reals, [2], keepdims=True), 1.0)
        total = b.reduced("ReduceSum", b("Where", mask, rows, 0.0), [2], keepdims=True)
        centred = b("Where", mask, b("Sub", rows, b("Div", total, count)), 0.0)
        squares = b.reduced("ReduceSum", b("Mul", centred, centred), [2], keepdims=True)
        variance = b("Div", squares, count)
    normal = b("Div", centred, b("Sqrt", b("Add", variance, layer.epsilon)))
    y = _back(b, b("Reshape", normal, b("Shape", x)), order)
    for op, param in (("Mul", layer.gamma), ("Add", layer.beta)):
        if param is not None:
            shape = [n if a in axes else 1 for a, n in enumerate(call.x.shape)]
            y = b(op, y, b.constant(param.value.reshape(shape), param.name))
    return call.output(y, call.mask)


@exports(RMSNormalization, by_step=_after_time)
def _root_mean_square(b: Builder, call: Call) -> Value:
    layer, axes, x = call.layer, _axes(call), call.x
    _check_sizes(call, axes)
    square = b.reduced("ReduceMean", b("Mul", x, x), axes, keepdims=True)
    normal = b("Div", x, b("Sqrt", b("Add", square, layer.epsilon)))
    shape = [n if a in axes else 1 for a, n in enumerate(x.shape)]
    scale = b.constant(layer.scale.value.reshape(shape), "scale")
    return call.output(b("Mul", normal, scale), call.mask)


@exports(UnitNormalization, by_step=_after_time)
def _unit(b: Builder, call: Call) -> Value:
    axes, x, mask = _axes(call, 0), call.x, call.mask
    if axes[0] == 0:
        raise call.refused("axis", "axes after that of the batch", call.layer.axis)
    used = mask if mask is not None and any(axis < mask.ndim for axis in axes) else None
    y = b.zeroed(x, used, x.ndim)
    norm = b("Sqrt", b.reduced("ReduceSum", b("Mul", y, y), axes, keepdims=True))
    return call.output(b("Div", y, b("Max", norm, TINY)), mask)
