"""Parts shared by the attention layers: checks, masks, softmax and the weighted mean of values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import _core
from ..._binding.numpy_blas import matmul
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


def causal_mask(queries: int, keys: int) -> Array:
    """Return the mask (queries, keys) that lets each query see the steps up to its own."""
    return np.tri(queries, keys, dtype=np.bool_)


def combine_masks(one: Array | None, other: Array | None) -> Array | None:
    """Return the logical and of two masks; None stands for all True."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def pooled_empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialized array on memory from the core's pool.

    NumPy takes arrays of this size from the operating system and returns them to it; the page
    faults would cost as much as the matrix products.
    """
    buffer = _core.Buffer(math.prod(shape) * np.dtype(dtype).itemsize)
    return np.ndarray(shape, dtype, memoryview(buffer))


def matmul_transposed(one: Array, other: Array) -> Array:
    """Return ``one @ other.T`` for stacks of matrices, with a copy: BLAS is slower on a view."""
    stack, n = one.shape[:-2], other.shape[-2]
    flipped = pooled_empty((*stack, other.shape[-1], n), other.dtype)
    np.copyto(flipped, other.swapaxes(-1, -2))
    return matmul(one, flipped, out=pooled_empty((*stack, one.shape[-2], n), one.dtype))


def softmax(scores: Array, unmasked: Array | None) -> Array:
    """Turn scores into weights that sum to 1, in place; all 0 where every score is masked."""
    if unmasked is None:
        _core.activate("softmax", scores)
        return scores
    masked = ~unmasked
    np.copyto(scores, np.finfo(scores.dtype).min / 2, where=masked)
    _core.activate("softmax", scores)
    np.copyto(scores, 0, where=masked)
    return scores


def attend(
    scores: Array, value: Array, unmasked: Array | None, factors: Array | None, out: Array
) -> tuple[Array, Array, Callable[..., Array]]:
    """Write the mean of values, weighted by the scores' softmax, into an array.

    Parameters
    ----------
    scores : ndarray, (..., queries, keys)
        Overwritten.
    value : ndarray, (..., keys, n)
    unmasked : ndarray of bool or None
        True for the scores that count; can be broadcast to them.
    factors : ndarray or None
        Dropout's factors for the weights.
    out : ndarray, (..., queries, n)

    Returns
    -------
    weights : ndarray
        The weights before dropout.
    used : ndarray
        The weights after dropout.
    back : callable
        ``back(dout, dvalue, dweights, dused)`` returns the gradient of the scores and writes
        the gradient of the values into `dvalue`. The others may be None, but not all of them.
    """
    weights = softmax(scores, unmasked)
    used = weights if factors is None else weights * factors
    matmul(used, value, out=out)

    def back(
        dout: Array | None, dvalue: Array, dweights: Array | None, dused: Array | None
    ) -> Array:
        if dout is None:
            d = np.zeros_like(weights)
            dvalue[...] = 0
        else:
            d = matmul_transposed(dout, value)
            matmul(used.swapaxes(-1, -2), dout, out=dvalue)
        if dused is not None:
            d += dused
        if factors is not None:
            d *= factors
        if dweights is not None:
            d += dweights
        d -= np.einsum("...i,...i->...", weights, d)[..., None]
        d *= weights
        return d

    return weights, used, back
