"""The masks of arrays that layers have returned: they go with the array into the next layer.

Keras keeps a mask as an attribute of a tensor. An ndarray has none, so there is a table of them,
from which an entry goes when its array does. A box on a tape keeps its mask in its node.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from .validation import Array

_masks: dict[int, tuple[Any, Array]] = {}  # by the id of the array: a weak reference, the mask


def mask_of(x: Any) -> Array | None:
    """Return the mask with which a layer returned this array, or None."""
    node = getattr(x, "_node", None)
    if node is not None:
        mask: Array | None = getattr(node, "mask", None)
        return mask
    found = _masks.get(id(x))
    return found[1] if found is not None and found[0]() is x else None


def masks_of(x: Any) -> Any:
    """Return the list of the masks of several arrays, or None if none has one."""
    masks = [mask_of(part) for part in x] if isinstance(x, list | tuple) else [None]
    return None if all(mask is None for mask in masks) else masks


def with_mask(y: Any, mask: Any, given: Any = None) -> Any:
    """Return an output with its mask; for several outputs a list or tuple of masks.

    An output that is the very array that the user gave becomes a view of it: no array of the
    user's gets a mask.
    """
    if mask is None:
        return y
    if isinstance(y, list | tuple):
        several = mask if isinstance(mask, list | tuple) else [mask]
        masks = [*several, *[None] * (len(y) - len(several))]
        return type(y)([with_mask(a, m, given) for a, m in zip(y, masks, strict=True)])
    if type(y) is not np.ndarray:
        node = getattr(y, "_node", None)
        if node is not None:
            node.mask = mask
        return y
    if y is given or (isinstance(given, list | tuple) and any(y is part for part in given)):
        y = y.view()
    key = id(y)
    _masks[key] = (weakref.ref(y, lambda _: _masks.pop(key, None)), mask)
    return y
