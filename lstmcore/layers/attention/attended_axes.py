"""AttendedAxes: attention over any axes of its inputs, as attention over one axis of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...validation import Array, plain_array
from ..base import Layer, Shape
from ..calls import expand_mask
from .scoring import PARTS, combine_masks, sizes_agree


class AttendedAxes:
    """The axes over which a layer attends; all others, heads apart, count as samples.

    Arrays ``(batch, ..., features)`` become ``(samples, steps, features)``, and back. For three
    axes, of which the middle one is attended, that changes nothing.

    Parameters
    ----------
    layer : Layer
        For error messages.
    axes : sequence of int, or None
        Of the inputs; all between batch and features if None.
    ndim : int
        The number of axes of the inputs.

    Raises
    ------
    ValueError
        If one is not between batch and features, or is there twice.
    """

    def __init__(self, layer: Layer, axes: Sequence[int] | None, ndim: int) -> None:
        chosen = range(1, ndim - 1) if axes is None else [a + ndim * (a < 0) for a in axes]
        self.axes = list(chosen)
        if not all(0 < a < ndim - 1 for a in self.axes) or len(set(self.axes)) < len(self.axes):
            wanted = f"different axes between batch and features of x, which has {ndim}"
            raise layer.error("attention_axes", wanted, f"{axes}")
        self.free = [a for a in range(1, ndim - 1) if a not in self.axes]
        self.order = [0, *self.free, *self.axes]
        self.plain = self.order == list(range(ndim - 1)) and ndim == 3

    def check(self, layer: Layer, shapes: Sequence[Shape]) -> None:
        """Raise ValueError unless these shapes of query, value and key fit each other."""
        query, value, key = shapes[0], shapes[1], shapes[-1]
        for name, shape in zip(PARTS[1:], (value, key), strict=True):
            for axis in self.free:
                if not sizes_agree(query[axis], shape[axis]):
                    wanted = (
                        f"size {query[axis]} of axis {axis}, which is not attended, as query has"
                    )
                    raise layer.error(name, wanted, f"shape {tuple(shape)}")
        if not all(map(sizes_agree, value[1:-1], key[1:-1])):
            wanted = f"as many steps as value has, {value[1] if len(value) == 3 else value[1:-1]}"
            raise layer.error("key", wanted, key[1] if len(key) == 3 else key[1:-1])

    def steps(self, shape: Shape) -> tuple[Any, ...]:
        """Return the sizes of the attended axes of an input."""
        return tuple(shape[a] for a in self.axes)

    def scores_shape(self, query: Shape, value: Shape, heads: int) -> Shape:
        """Return the shape of the scores: (batch, ..., heads, steps of query, steps of value)."""
        free = (query[a] for a in self.free)
        return (query[0], *free, heads, *self.steps(query), *self.steps(value))

    def flatten(self, x: Array) -> Array:
        """Return x as (samples, steps, features)."""
        if self.plain:
            return x
        moved = x.transpose([*self.order, *range(len(self.order), x.ndim)])
        rows = math.prod(moved.shape[: 1 + len(self.free)])
        steps = math.prod(moved.shape[1 + len(self.free) : len(self.order)])
        return np.ascontiguousarray(moved).reshape(rows, steps, *moved.shape[len(self.order) :])

    def unflatten(self, y: Array, shape: Shape) -> Array:
        """Return (samples, steps, ...) with the axes of an input of this shape."""
        if self.plain:
            return y
        ends = y.shape[2:]
        moved = y.reshape([shape[a] for a in self.order] + list(ends))
        back = [*np.argsort(self.order), *range(len(self.order), moved.ndim)]
        return np.ascontiguousarray(moved.transpose(back))

    def whole_mask(self, mask: Array | None, shape: tuple[int, ...]) -> Array | None:
        """Return a mask of the first axes of an input as one of all but its features."""
        if mask is None or mask.ndim == len(shape) - 1:
            return mask
        return np.broadcast_to(expand_mask(mask, len(shape) - 1), shape[:-1])

    def flatten_mask(self, mask: Array | None) -> Array | None:
        """Return a mask of all axes but the features as one of (samples, steps)."""
        return None if mask is None else self.flatten(mask[..., None])[..., 0]

    def flatten_seen(self, seen: Array, scores: tuple[int, ...]) -> Array:
        """Return an attention mask as one of the scores (samples, heads or 1, steps, steps).

        `scores` is their shape with all axes. A mask has the last axes of it, those of the steps,
        and may have some of the first.

        Raises
        ------
        ValueError
            If it cannot be broadcast.
        """
        ends = 2 * len(self.axes)
        gap = len(scores) - seen.ndim
        if gap > 0:
            at = max(seen.ndim - ends, 0)
            seen = seen.reshape(*seen.shape[:at], *(1,) * gap, *seen.shape[at:])
        first, heads = len(self.free) + 1, seen.shape[-ends - 1]
        whole = (*scores[:first], heads, *scores[first + 1 :])
        np.broadcast_to(seen, scores)
        queries, keys = whole[-ends : -ends // 2], whole[-ends // 2 :]
        flat = (math.prod(whole[:first]), heads, math.prod(queries), math.prod(keys))
        return np.broadcast_to(seen, whole).reshape(flat)

    def scores_masks(
        self, layer: Layer, masks: Sequence[Array | None], given: Any, shape: Any
    ) -> tuple[Array, ...]:
        """Return masks that can be broadcast to (samples, heads, T, S); all of them hold.

        Parameters
        ----------
        layer : Layer
            For error messages.
        masks : sequence of ndarray or None
            Of all axes but the features of query, value and key.
        given : array_like of bool, optional
            The call's `attention_mask`.
        shape : tuple of int
            Of the scores, with all their axes.
        """
        query = self.flatten_mask(masks[0])
        values = self.flatten_mask(combine_masks(masks[1], masks[2]))
        found = [
            None if query is None else query[:, None, :, None],
            None if values is None else values[:, None, None],
            None if given is None else self._seen(layer, given, shape),
        ]
        return tuple(mask for mask in found if mask is not None)

    def check_order(self, layer: Layer, ordered: bool) -> None:
        """Raise ValueError if steps shall have an order, and there are several axes of them."""
        if ordered and len(self.axes) > 1:
            wanted = "one attended axis with use_causal_mask or sliding_window: set attention_axes"
            raise layer.error("attention_axes", wanted, f"{len(self.axes)}: {self.axes}")

    def _seen(self, layer: Layer, given: Any, shape: Any) -> Array:
        """Return a call's attention mask for scores (samples, heads or 1, T, S)."""
        seen = plain_array(given, f"layer {layer.name!r}: attention_mask")
        if seen.dtype.kind not in "biuf":
            raise layer.error("attention_mask", "truth values", f"dtype {seen.dtype}")
        try:
            return self.flatten_seen(seen.astype(np.bool_, copy=False), shape)
        except (ValueError, IndexError):
            wanted = f"shape {(*shape[:1], *shape[-2 * len(self.axes) :])}"
            wanted += ", or what can be broadcast to it"
            raise layer.error("attention_mask", wanted, f"shape {seen.shape}") from None

    def scores(self, flat: Array, shape: Any) -> Array:
        """Return scores (samples, heads, steps, steps) with all their axes."""
        return flat if self.plain else flat.reshape(shape)


def check_attended(
    layer: Layer, shapes: Any, attention_axes: Sequence[int] | None, most: int | None
) -> AttendedAxes:
    """Check the shapes of query, value and perhaps key; return the attended axes."""
    listed = isinstance(shapes, list | tuple) and all(isinstance(s, tuple | list) for s in shapes)
    if not listed or len(shapes) not in (2, 3):
        got = f"{len(shapes)} arrays" if listed else f"one of shape {shapes}"
        raise layer.error("x", "a list of query and value, or query, value and key", got)
    ndim = len(shapes[0])
    for name, shape in zip(PARTS, shapes, strict=False):
        fits = 3 <= len(shape) <= (most or len(shape))
        if not fits or len(shape) != ndim:
            wanted = "an array of shape (batch, time, features)"
            if fits:
                wanted = f"{ndim} axes, as query has"
            raise layer.error(name, wanted, f"shape {tuple(shape)}")
    if not all(sizes_agree(shapes[0][0], shape[0]) for shape in shapes):
        batches = ", ".join(str(shape[0]) for shape in shapes)
        raise layer.error("x", "as many samples in each array", f"{batches} of them")
    axes = AttendedAxes(layer, attention_axes, ndim)
    axes.check(layer, shapes)
    return axes
