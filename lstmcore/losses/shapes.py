"""Shapes and dtypes of targets, predictions, sample weights and masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..validation import plain_array

Array = NDArray[Any]
total = np.add.reduce  # the sum of an array, without the overhead of ndarray.sum


def float_dtype(dtype: Any, what: str) -> str | None:
    """Return the name of a float dtype, "float32" or "float64"; None stays None."""
    if dtype is None:
        return None
    try:
        name = str(np.dtype(dtype))
    except TypeError:
        name = str(dtype)
    if name not in ("float32", "float64"):
        raise ValueError(f"{what}: dtype: expected 'float32', 'float64' or None, got {dtype!r}")
    return name


def whole_axis(axis: Any, what: str) -> int:
    """Return an axis as an int; raise ValueError if it is not a whole number."""
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise ValueError(f"{what}: axis: expected an int, got {axis!r}")
    return int(axis)


def same_rank(y: Array, shape: tuple[int, ...]) -> Array:
    """Add or remove a last axis of size 1, as Keras does before every loss."""
    if y.ndim == len(shape) - 1 and shape[-1] == 1:
        return y[..., None]
    if y.ndim == len(shape) + 1 and y.shape[-1] == 1:
        return y[..., 0]
    return y


def floating(x: Any, dtype: str | None = None, what: str = "x") -> Array:
    """Return an array of this dtype; by default float32 or float64, others become float32."""
    x = plain_array(x, what, dtype)
    y: Array = x if x.dtype in (np.float32, np.float64) else x.astype(np.float32)
    return y


def broadcast_weight(weight: Array, values: Array) -> Array:
    """Broadcast sample weights (batch,) or (batch, ...) to the shape of values (batch, ...)."""
    if weight.shape == values.shape:
        return weight
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    sizes = zip(weight.shape[1:], values.shape[1:], strict=False)
    fits = weight.ndim <= values.ndim and weight.shape[:1] == values.shape[: min(weight.ndim, 1)]
    if not fits or any(w not in (1, v) for w, v in sizes):
        raise ValueError(
            f"sample_weight: expected one weight a sample, shape {values.shape[:1]}, or one a "
            f"value, shape {values.shape}; got {weight.shape}"
        )
    return _broadcast(weight, values)


def broadcast_mask(mask: Array, values: Array, what: str) -> Array:
    """Return the mask (batch, time) broadcast to the shape of values (batch, time, ...)."""
    if mask.shape == values.shape:
        return mask
    if mask.shape != values.shape[: mask.ndim]:
        raise ValueError(
            f"{what}: the mask of the output is {mask.shape}, its values are {values.shape}: a "
            "layer that drops or changes the time axis must say so in its compute_mask"
        )
    return _broadcast(mask, values)


def _broadcast(weight: Array, values: Array) -> Array:
    weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    wide: Array = np.broadcast_to(weight, values.shape)
    return wide
