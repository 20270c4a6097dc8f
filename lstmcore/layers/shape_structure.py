"""Structures of shapes: a tuple of sizes is a leaf, other lists and dicts are structure."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..structure import pack_like


def is_shape(entry: Any) -> bool:
    return isinstance(entry, list | tuple) and all(
        n is None or isinstance(n, int | np.integer) for n in entry
    )


def leaves_of_shapes(shapes: Any) -> list[Any]:
    """Return the shapes in a structure, in the order of `flatten`."""
    if is_shape(shapes):
        return [tuple(shapes)]
    keys = sorted(shapes) if isinstance(shapes, dict) else range(len(shapes))
    return [leaf for key in keys for leaf in leaves_of_shapes(shapes[key])]


def like_shapes(shapes: Any, leaves: list[Any]) -> Any:
    """Return the structure with these leaves in the place of the shapes."""
    return pack_like(marked(shapes), leaves)


def marked(shapes: Any) -> Any:
    """Return the structure of shapes with None in the place of each."""
    if shapes is None or is_shape(shapes):
        return None
    if isinstance(shapes, dict):
        return {key: marked(part) for key, part in shapes.items()}
    return [marked(part) for part in shapes]


def has_none(shapes: Any) -> bool:
    return any(n is None for shape in leaves_of_shapes(shapes) for n in shape)
