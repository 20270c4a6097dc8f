"""Normalization: means and variances, and arrays scaled by them."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np

from .linalg import norm
from .operation import op
from .types import axes_of, cast_to, floating


@op
def moments(
    x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False
) -> tuple[Any, Any]:
    """Return mean and variance over axes."""
    x, axes = floating(x), axes_of(axes)
    return np.mean(x, axis=axes, keepdims=keepdims), np.var(x, axis=axes, keepdims=keepdims)


@op
def normalize(x: Any, axis: int = -1, order: Any = 2, epsilon: float | None = None) -> Any:
    """Return x divided by its norm along an axis, or by `epsilon` (1e-7) if that is larger."""
    x = floating(x)
    size = norm(x, ord=order, axis=axis, keepdims=True)
    return x / np.maximum(size, 1e-7 if epsilon is None else epsilon)


@op
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Any:
    """Return (x - mean) / sqrt(variance + epsilon) * scale + offset, vectors along an axis."""
    x = floating(x)
    shape = [1] * np.ndim(x)
    shape[axis] = -1

    def wide(vector: Any) -> Any:
        return np.reshape(cast_to(floating(vector), x.dtype), shape)

    factor = 1 / np.sqrt(wide(variance) + epsilon)
    if scale is not None:
        factor = factor * wide(scale)
    y = (x - wide(mean)) * factor
    return y if offset is None else y + wide(offset)


@op
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Any:
    """Return x with mean 0 and variance 1 over axes, times `gamma`, plus `beta`."""
    if kwargs:
        raise TypeError(f"layer_normalization has no argument {next(iter(kwargs))!r}")
    x, axis = floating(x), axes_of(axis)
    mean, variance = moments(x, axis, keepdims=True)
    y = (x - mean) / np.sqrt(variance + (1e-7 if epsilon is None else epsilon))
    if gamma is not None:
        y = y * _along(gamma, x, axis)
    return y if beta is None else y + _along(beta, x, axis)


@op
def rms_normalization(
    x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Any:
    """Return x divided by the root of its mean square over axes, times `scale`."""
    x, axis = floating(x), axes_of(axis)
    square = np.mean(x * x, axis=axis, keepdims=True)
    y = x / np.sqrt(square + (1e-7 if epsilon is None else epsilon))
    return y if scale is None else y * _along(scale, x, axis)


def _along(vector: Any, x: Any, axis: Any) -> Any:
    """Return a scale or an offset in the shape that is broadcast along x's axes."""
    axes = [a % np.ndim(x) for a in (axis if isinstance(axis, tuple) else (axis,))]
    shape = [n if i in axes else 1 for i, n in enumerate(np.shape(x))]
    return np.reshape(cast_to(floating(vector), x.dtype), shape)
