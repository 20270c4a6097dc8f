"""Dropout masks: rates and seeds checked, and the random numbers of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..validation import Array
from .generator import generator

if TYPE_CHECKING:
    from ..layers.base import Layer


def check_rate(layer: Layer, argument: str, value: Any, end: float = 1.0) -> float:
    """Return a rate as a float; raise ValueError unless it is from 0 to below `end`."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value < end:
        wanted = f"from 0 to below {end:g}" if np.isfinite(end) else ">= 0, finite"
        raise layer.error(argument, f"a number {wanted}", repr(value))
    return float(value)


def check_seed(layer: Layer, seed: Any) -> np.random.Generator | None:
    """Return the random generator for a layer's seed; None for the library's."""
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise layer.error("seed", "an int >= 0", repr(seed))
    return generator(seed)


class Draws:
    """The random numbers of one call.

    A single key is drawn from the generator, and a counter-based generator with this key draws
    everything else. So later draws do not depend on the shapes of this call, and nothing depends
    on the number of threads. Draws are in float32 for both types, so that a seed drops the same
    elements in both.

    Parameters
    ----------
    own : Generator or None
        The layer's own generator; None for the library's.
    """

    def __init__(self, own: np.random.Generator | None) -> None:
        key = (own or generator()).integers(0, 2**63, 2, np.uint64)
        self._random = np.random.Generator(np.random.Philox(key=key))

    def scale(self, shape: tuple[int, ...], rate: float, dtype: Any) -> Array:
        """Draw dropout factors: 0 for a fraction `rate` of the elements, else 1 / (1 - rate)."""
        kept = (self._random.random(shape, np.float32) >= rate).astype(dtype)
        kept *= 1 / (1 - rate)
        return kept

    def zoneout(self, shape: tuple[int, ...], rate: float, dtype: Any) -> Array:
        """Draw a zoneout mask: 1 for a fraction `rate` of the elements, else 0."""
        return (self._random.random(shape, np.float32) < rate).astype(dtype)

    def normal(self, shape: tuple[int, ...], deviation: float, dtype: Any) -> Array:
        """Draw Gaussian noise of mean 0."""
        numbers = self._random.standard_normal(shape, np.float32) * np.float32(deviation)
        return numbers.astype(dtype, copy=False)
