"""Tensor: an array that a layer, a model or an op returned, with the mask that goes with it.

Keras keeps a mask as an attribute of a tensor, so that the next layer finds it. Here the arrays of
eager calls are of a subclass of ndarray that has such an attribute; a box on a tape keeps its mask
in its node.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..structure import flatten, is_nested, pack_like
from ..validation import Array


class Tensor(np.ndarray[Any, Any]):
    """An ndarray with `numpy` and, from a layer, a mask; slices and sums of it have no mask.

    Attributes
    ----------
    mask : ndarray of bool, (batch, time), or None
        True at unmasked steps.
    """

    mask: Array | None = None

    def numpy(self) -> Array:
        """Return it as an ndarray, which shares the memory."""
        return self.view(np.ndarray)

    def __repr__(self) -> str:
        return repr(self.numpy())

    def __str__(self) -> str:
        return str(self.numpy())


class Number(float):
    """A float with `numpy`, as an eager loss is."""

    def numpy(self) -> np.float64:
        """Return it as a number of NumPy."""
        return np.float64(self)


def tensor(y: Any) -> Any:
    """Return an array or a NumPy number as a `Tensor`, each of several in a list or tuple."""
    if isinstance(y, np.ndarray):
        return y if isinstance(y, Tensor) else y.view(Tensor)
    if isinstance(y, np.generic):
        return np.asarray(y).view(Tensor)
    return type(y)([tensor(part) for part in y]) if type(y) in (list, tuple) else y


def detached(x: Any) -> Any:
    """Return the array in a box, a constant; anything else as it is."""
    while hasattr(x, "_node"):
        x = x._value
    return x


def mask_of(x: Any) -> Array | None:
    """Return the mask with which a layer returned this array, or None."""
    if isinstance(x, Tensor):
        return x.mask
    node = getattr(x, "_node", None)
    mask: Array | None = getattr(node, "mask", None)
    return mask


def masks_of(x: Any) -> Any:
    """Return the list of the masks of several arrays, or None if none has one."""
    masks = [mask_of(part) for part in x] if isinstance(x, list | tuple) else [None]
    return None if all(mask is None for mask in masks) else masks


def with_mask(y: Any, mask: Any) -> Any:
    """Return an output as a `Tensor` with its mask; for several outputs a list of masks."""
    if is_nested(y):
        parts, masks = flatten(y), flatten(mask)
        masks += [None] * (len(parts) - len(masks))
        return pack_like(y, [with_mask(a, m) for a, m in zip(parts, masks, strict=True)])
    if isinstance(y, np.ndarray):
        y = y.view(Tensor)  # a new object: no array of the user's gets a mask
        if mask is not None:
            y.mask = mask
    elif mask is not None and hasattr(y, "_node"):
        y._node.mask = mask
    return y
