"""Building a layer by hand, ``layer.build(shape)``: its weights are there at once, as in Keras."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

_PLACES = ("query_shape", "value_shape", "key_shape")  # of attention, in the order of its inputs


def builds_at_once(build: Callable[..., None]) -> Callable[..., None]:
    """Decorate a layer's `build`, which only declares weights; called by users it builds the layer.

    Within `Layer.build_for`, and for ``super().build(shape)`` in it, it is `build` itself.
    """

    @functools.wraps(build)
    def call(self: Any, *shapes: Any, **named: Any) -> None:
        if self.is_building:
            build(self, *shapes, **named)
        else:
            build_now(self, shapes, named)

    return call


def build_now(layer: Any, shapes: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Build a layer for the shapes given to `build` and give its weights memory.

    Parameters
    ----------
    layer : Layer
    shapes, named
        The arguments of `build`: the shape of the input, batch axis included, as a tuple or list.
        For a layer of several inputs a list or dict of them, or one argument for each.
    """
    given = [*shapes, *(named[n] for n in sorted(named, key=_place) if not n.startswith("initial"))]
    given = [as_shape(layer, shape) for shape in given if shape is not None]
    if not given:
        sample = layer._sample_shape
        given = [(None,) if sample is None else (None, *sample)]
    several = layer.several_inputs and not layer.overrides_call
    shape: Any = given[0] if len(given) == 1 or not several else given
    if several and isinstance(shape, dict):
        shape = [shape[key] for key in sorted(shape)]
    dtype = layer.dtype or layer.default_dtype
    if layer.overrides_call:
        layer.declare(shape, dtype)
    else:
        layer.build_for(shape, dtype)
    layer.materialize()


def _place(name: str) -> int:
    return _PLACES.index(name) if name in _PLACES else len(_PLACES)


def as_shape(layer: Any, shape: Any) -> Any:
    """Return a shape as a tuple of ints and None; a list or dict of shapes with each as a tuple."""
    if isinstance(shape, dict):
        return {key: as_shape(layer, part) for key, part in shape.items()}
    entries = list(shape) if hasattr(shape, "__iter__") else [shape]
    if any(isinstance(n, list | tuple) for n in entries):
        return [as_shape(layer, part) for part in entries]
    if not hasattr(shape, "__iter__") or not all(map(_is_size, entries)):
        raise layer.error("input_shape", "a tuple of sizes, batch axis included", repr(shape))
    return tuple(None if n is None else int(n) for n in entries)


def _is_size(n: Any) -> bool:
    return n is None or (isinstance(n, int | np.integer) and not isinstance(n, bool))
