"""Parts shared by the attention layers: checks and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...context import in_training
from ...random.masks import Draws
from ...validation import Array
from ..base import Layer

PARTS = ("query", "value", "key")


def check_parts(layer: Layer, shapes: Any) -> None:
    """Raise ValueError unless these are the shapes of a query, a value and perhaps a key."""
    listed = isinstance(shapes, list | tuple) and all(isinstance(s, tuple | list) for s in shapes)
    if not listed or len(shapes) not in (2, 3):
        got = f"{len(shapes)} arrays" if listed else f"one of shape {shapes}"
        raise layer.error("x", "a list of query and value, or query, value and key", got)
    for name, shape in zip(PARTS, shapes, strict=False):
        if len(shape) != 3:
            raise layer.error(name, "an array of shape (batch, time, features)", f"shape {shape}")
    query, value, key = shapes[0], shapes[1], shapes[-1]
    if not sizes_agree(query[0], value[0]) or not sizes_agree(query[0], key[0]):
        batches = ", ".join(str(shape[0]) for shape in shapes)
        raise layer.error("x", "as many samples in each array", f"{batches} of them")
    if not sizes_agree(value[1], key[1]):
        raise layer.error("key", f"as many steps as value has, {value[1]}", key[1])


def sizes_agree(one: int | None, other: int | None) -> bool:
    """Return True if two sizes can be equal; None stands for any size."""
    return one is None or other is None or one == other


def masks_of(x: Sequence[Array], mask: Any) -> list[Array | None]:
    """Return the masks of query, value and key; None where all steps are unmasked."""
    given = [] if mask is None else list(mask)
    return [*given, *[None] * (3 - len(given))][:3]


def clear_masked(x: Array, mask: Array | None) -> Array:
    """Return x with masked steps set to 0 if any is NaN or Inf, since 0 * NaN is not 0."""
    if mask is None or np.isfinite(x[~mask]).all():
        return x
    return np.where(mask[..., None], x, x.dtype.type(0))


def combine_masks(one: Array | None, other: Array | None) -> Array | None:
    """Return the logical and of two masks; None stands for all True."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def in_rows(x: Array) -> Array:
    """Return x, or a copy if its vectors do not lie in memory as the core reads them."""
    apart = x.shape[-1] > 1 and x.strides[-1] != x.itemsize
    return np.ascontiguousarray(x) if apart or not x.flags.aligned else x


def dropout_factors(
    rate: float, own: np.random.Generator | None, shape: tuple[int, ...], grad: bool, dtype: Any
) -> Array | None:
    """Return dropout's factors for weights of this shape; None outside training."""
    return Draws(own).scale(shape, rate, dtype) if rate and in_training(grad) else None
