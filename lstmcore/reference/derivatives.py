"""Derivatives by the complex step: exact to rounding, without backward code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .functions import Array

STEP = 1e-200  # so small that its square vanishes


def complex_step(
    loss: Callable[..., Any], arguments: Sequence[Array], directions: Sequence[Array | None]
) -> float:
    """Return the directional derivative of a real function of arrays, exact to rounding.

    Parameters
    ----------
    loss
        Function of the arrays, made of operations that take complex numbers.
    arguments
        The arrays at which the derivative is taken.
    directions
        One array per argument, or None for an argument that is held fixed.
    """
    moved = [
        a if d is None else a + 1j * STEP * d for a, d in zip(arguments, directions, strict=True)
    ]
    return float(np.imag(loss(*moved)) / STEP)


def gradient(loss: Callable[..., Any], arguments: Sequence[Array], which: int) -> Array:
    """Return the gradient with respect to one argument, one :func:`complex_step` per element."""
    out = np.zeros(arguments[which].shape)
    for index in np.ndindex(out.shape):
        directions: list[Array | None] = [None] * len(arguments)
        unit = np.zeros(out.shape)
        unit[index] = 1
        directions[which] = unit
        out[index] = complex_step(loss, arguments, directions)
    return out
