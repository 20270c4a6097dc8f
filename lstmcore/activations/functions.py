"""Activation functions with their gradients, by name.

Each is an `Activation`. Call it on an array for the value, ``relu(x, max_value=6)``; backward
functions of layers call `gradient`. Pass a layer ``relu.using(max_value=6)`` to set options.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..registry import custom_objects as with_names
from ..serialization import to_json
from .base import KERNELS, Array, derived, kernel_form, with_gradient
from .base import Activation as Activation
from .base import registry as registry

# Keras's constants of selu
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@with_gradient(lambda dy, x, y: dy)
def linear(x: Array) -> Array:
    """x"""
    return x


@with_gradient(lambda dy, x, y: dy * (1 - y * y))
def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return np.tanh(x)


@with_gradient(lambda dy, x, y: dy * y * (1 - y))
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1, e) / (1 + e)
    return y


def _hard_sigmoid_gradient(
    dy: Array, x: Array, y: Array, slope: float = 1 / 6, offset: float = 0.5
) -> Array:
    low, high = sorted((-offset / slope, (1 - offset) / slope)) if slope else (0, 0)
    return dy * ((x > low) & (x < high)) * slope


@with_gradient(_hard_sigmoid_gradient)
def hard_sigmoid(x: Array, *, slope: float = 1 / 6, offset: float = 0.5) -> Array:
    """`slope` x + `offset`, cut at 0 and 1; the default is Keras 3's, 0.2 and 0.5 Keras 2's."""
    line = x / 6 if slope == 1 / 6 else slope * x
    return np.clip(line + offset, 0, 1)


def _relu_gradient(
    dy: Array,
    x: Array,
    y: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    if negative_slope == 0 and max_value is None and threshold == 0:
        return dy * (y > 0)
    rises = x > threshold
    if max_value is not None:
        rises &= (x > 0) & (x < max_value)
    dx: Array = np.where(x < threshold, negative_slope * dy, rises * dy)
    return dx


@with_gradient(_relu_gradient)
def relu(
    x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Array:
    """max(x, 0); with options a threshold, a maximum, and a slope below the threshold."""
    if negative_slope == 0 and max_value is None and threshold == 0:
        return np.maximum(x, 0)
    y: Array = np.where(x > threshold, x, 0)
    if max_value is not None:
        y = np.clip(y, 0, max_value)
    if negative_slope != 0:
        y = y + negative_slope * np.minimum(x - threshold, 0)
    return y


@with_gradient(lambda dy, x, y: dy * ((x > 0) & (x < 6)))
def relu6(x: Array) -> Array:
    """max(x, 0), cut at 6."""
    return np.clip(x, 0, 6)


@with_gradient(
    lambda dy, x, y, negative_slope=0.2: np.where(x >= 0, dy, negative_slope * dy),
)
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """x for x >= 0, `negative_slope` x below."""
    return np.where(x >= 0, x, negative_slope * x)


@with_gradient(lambda dy, x, y, alpha=1.0: np.where(x > 0, dy, dy * (y + alpha)))
def elu(x: Array, alpha: float = 1.0) -> Array:
    """x for x > 0, `alpha` (exp(x) - 1) below."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@with_gradient(lambda dy, x, y, alpha=1.0: np.where(x > 0, dy, dy * (y / alpha + 1)))
def celu(x: Array, alpha: float = 1.0) -> Array:
    """x for x > 0, `alpha` (exp(x / `alpha`) - 1) below."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


@with_gradient(
    lambda dy, x, y: np.where(x > 0, _SELU_SCALE * dy, dy * (y + _SELU_SCALE * _SELU_ALPHA))
)
def selu(x: Array) -> Array:
    """elu, scaled so that it preserves mean 0 and variance 1."""
    return _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def _gelu_gradient(dy: Array, x: Array, y: Array, approximate: bool = False) -> Array:
    if approximate:
        t = _gelu_tanh(x)
        inner_derivative = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
        dx: Array = dy * 0.5 * (1 + t + x * (1 - t * t) * inner_derivative)
        return dx
    from scipy.special import erfc

    density = np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    dx = dy * (0.5 * erfc(-math.sqrt(0.5) * x) + x * density)
    return dx


def _gelu_tanh(x: Array) -> Array:
    t: Array = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))
    return t


@with_gradient(_gelu_gradient)
def gelu(x: Array, approximate: bool = False) -> Array:
    """x times the normal distribution function of x, or its approximation by tanh."""
    if approximate:
        y: Array = 0.5 * x * (1 + _gelu_tanh(x))
        return y
    from scipy.special import erfc

    y = 0.5 * x * erfc(-math.sqrt(0.5) * x)
    return y


@with_gradient(lambda dy, x, y: dy * -np.expm1(-y))
def softplus(x: Array) -> Array:
    """log(exp(x) + 1)"""
    return np.logaddexp(x, np.zeros((), x.dtype))


@with_gradient(lambda dy, x, y, b=4: dy * (0.5 + 0.5 * x / np.sqrt(x * x + b)))
def squareplus(x: Array, b: float = 4) -> Array:
    """(x + sqrt(x**2 + `b`)) / 2"""
    y: Array = 0.5 * (x + np.sqrt(x * x + b))
    return y


@with_gradient(lambda dy, x, y: dy * np.clip(0.5 * (x + 1), 0, 1))
def sparse_plus(x: Array) -> Array:
    """0 up to -1, x from 1 on, and a parabola between."""
    y: Array = np.where(x >= 1, x, 0.25 * np.clip(x + 1, 0, 2) ** 2)
    return y


@with_gradient(lambda dy, x, y: dy * (1 - np.abs(y)) ** 2)
def softsign(x: Array) -> Array:
    """x / (1 + abs(x))"""
    y: Array = x / (1 + np.abs(x))
    return y


@with_gradient(lambda dy, x, y: dy * y)
def exponential(x: Array) -> Array:
    """exp(x)"""
    return np.exp(x)


@with_gradient(lambda dy, x, y: dy * -np.expm1(y))
def log_sigmoid(x: Array) -> Array:
    """log(sigmoid(x))"""
    y: Array = -np.logaddexp(-x, np.zeros((), x.dtype))
    return y


@with_gradient(lambda dy, x, y: dy * 0.5 * ((x > -1) & (x < 1)))
def sparse_sigmoid(x: Array) -> Array:
    """(x + 1) / 2, cut at 0 and 1."""
    y: Array = 0.5 * np.clip(x + 1, 0, 2)
    return y


def _silu_gradient(dy: Array, x: Array, y: Array) -> Array:
    s = sigmoid(x)
    dx: Array = dy * (s + y * (1 - s))
    return dx


@with_gradient(_silu_gradient, "swish")
def silu(x: Array) -> Array:
    """x sigmoid(x)"""
    return x * sigmoid(x)


@with_gradient(
    lambda dy, x, y: dy * np.where(np.abs(x) < 3, x * (1 / 3) + 0.5, x > 0), "hard_swish"
)
def hard_silu(x: Array) -> Array:
    """x hard_sigmoid(x)"""
    return x * hard_sigmoid(x)


def _mish_gradient(dy: Array, x: Array, y: Array) -> Array:
    t = np.tanh(softplus(x))
    dx: Array = dy * (t + x * (1 - t * t) * sigmoid(x))
    return dx


@with_gradient(_mish_gradient)
def mish(x: Array) -> Array:
    """x tanh(softplus(x))"""
    return x * np.tanh(softplus(x))


@with_gradient(lambda dy, x, y: dy * ((x > -1) & (x < 1)))
def hard_tanh(x: Array) -> Array:
    """x, cut at -1 and 1."""
    return np.clip(x, -1, 1)


@with_gradient(lambda dy, x, y: dy * (x - y) ** 2)
def tanh_shrink(x: Array) -> Array:
    """x - tanh(x)"""
    return x - np.tanh(x)


@with_gradient(lambda dy, x, y, threshold=0.5: dy * (np.abs(x) > threshold))
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """x moved towards 0 by `threshold`, but not past 0."""
    y: Array = x - np.clip(x, -threshold, threshold)
    return y


@with_gradient(lambda dy, x, y, threshold=0.5: dy * (np.abs(x) > threshold))
def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """x where abs(x) > `threshold`, otherwise 0."""
    return np.where(np.abs(x) > threshold, x, 0)


def _softmax_gradient(dy: Array, x: Array, y: Array, axis: Any = -1) -> Array:
    axis = tuple(axis) if isinstance(axis, list) else axis
    dx: Array = y * (dy - (dy * y).sum(axis=axis, keepdims=True))
    return dx


@with_gradient(_softmax_gradient)
def softmax(x: Array, axis: Any = -1) -> Array:
    """exp(x) divided by its sum over an axis, or several; the last one by default."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    e /= e.sum(axis=axis, keepdims=True)
    y: Array = e
    return y


@with_gradient(lambda dy, x, y, axis=-1: dy - np.exp(y) * dy.sum(axis=axis, keepdims=True))
def log_softmax(x: Array, axis: int = -1) -> Array:
    """The logarithm of softmax, without loss of precision."""
    y: Array = x - x.max(axis=axis, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=axis, keepdims=True))
    return y


def _sparsemax_gradient(dy: Array, x: Array, y: Array, axis: int = -1) -> Array:
    support = y > 0
    mean = (support * dy).sum(axis=axis, keepdims=True) / support.sum(
        axis=axis, keepdims=True, dtype=dy.dtype
    )
    dx: Array = support * (dy - mean)
    return dx


@with_gradient(_sparsemax_gradient)
def sparsemax(x: Array, axis: int = -1) -> Array:
    """The Euclidean projection of x on the probability simplex; many entries are 0."""
    x = np.moveaxis(x, axis, -1)
    falling = -np.sort(-x, axis=-1)
    excess = falling.cumsum(axis=-1) - 1
    count = (falling * np.arange(1, x.shape[-1] + 1, dtype=x.dtype) > excess).sum(
        axis=-1, keepdims=True
    )
    cut = np.take_along_axis(excess, count - 1, axis=-1) / count.astype(x.dtype)
    y: Array = np.moveaxis(np.maximum(x - cut, 0), -1, axis)
    return y


def _glu_gradient(dy: Array, x: Array, y: Array, axis: int = -1) -> Array:
    s = sigmoid(np.split(x, 2, axis=axis)[1])
    return np.concatenate([dy * s, dy * y * (1 - s)], axis=axis)


@with_gradient(_glu_gradient)
def glu(x: Array, axis: int = -1) -> Array:
    """a sigmoid(b), where a and b are the halves of x along an axis: it is halved."""
    if x.shape[axis] % 2:
        raise ValueError(
            f"activation glu: x: expected an even size along axis {axis}, to halve, got {x.shape}"
        )
    a, b = np.split(x, 2, axis=axis)
    y: Array = a * sigmoid(np.ascontiguousarray(b))
    return y


glu.halves = True


def _threshold_gradient(
    dy: Array, x: Array, y: Array, threshold: float, default_value: float
) -> Array:
    return dy * (x > threshold)


@with_gradient(_threshold_gradient)
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """x where x > `threshold`, otherwise `default_value`; with 0 it is ONNX's ThresholdedRelu."""
    return np.where(x > threshold, x, np.asarray(default_value, x.dtype))


swish = silu
hard_swish = hard_silu


def get(identifier: Any) -> Activation:
    """Return the activation of a name, a config, an `Activation` or a function.

    None is ``linear``; ``functools.partial(relu, max_value=6)`` is ``relu.using(max_value=6)``; a
    layer such as ``LeakyReLU(0.1)`` is its function. A function of an array is made of
    `lstmcore.ops` and is derived.

    Raises
    ------
    ValueError
        If there is no activation of this name.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, functools.partial) and isinstance(identifier.func, Activation):
        return identifier.func.using(**identifier.keywords)
    if isinstance(getattr(identifier, "function", None), Activation):
        return identifier.function  # type: ignore[no-any-return]
    if isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        named = registry.find(identifier["function"])
        if not isinstance(named, Activation):
            identifier = named
    if isinstance(identifier, str):
        identifier = registry.find(identifier)
    if callable(identifier) and not isinstance(identifier, Activation):
        return derived(identifier)
    found = registry.get(identifier, Activation)
    options = identifier.get("options") if isinstance(identifier, dict) else None
    return found.using(**options) if options else found


def core_form(activation: Activation) -> Any:
    """Return how the kernels take an activation; None if they do not compute it.

    It is the name or, of a `hard_sigmoid` with options, ``(name, slope, offset)``. An activation
    that only has the name of one of theirs is not computed by them.
    """
    name = activation.__name__
    if name not in KERNELS or globals()[name] is not activation._without_options:
        return None
    return kernel_form(name, activation.options)


def in_the_core(activation: Activation) -> bool:
    """Return True if the kernels compute this activation, and not just one of the same name."""
    return core_form(activation) is not None


def serialize(activation: Any) -> Any:
    """Return a name, or a config if there are options, for `deserialize` and `get`."""
    found = get(activation)
    return to_json(found) if found.options else found.__name__


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Activation:
    """Return the activation of a name or a config."""
    with with_names(custom_objects):
        return get(config)
