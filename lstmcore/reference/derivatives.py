"""Derivatives to rounding, without a line of backward code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .functions import Array

STEP = 1e-200  # so small that its square is zero beside 1


def complex_step(
    loss: Callable[..., Any], arguments: Sequence[Array], directions: Sequence[Array | None]
) -> float:
    """The derivative of a real function of arrays along a direction, exact to rounding.

    Parameters
    ----------
    loss
        Function of the arrays, built of operations that take complex numbers.
    arguments
        Where the derivative is taken.
    directions
        One array per argument, or None for an argument that stays.
    """
    moved = [
        a if d is None else a + 1j * STEP * d for a, d in zip(arguments, directions, strict=True)
    ]
    return float(np.imag(loss(*moved)) / STEP)


def gradient(loss: Callable[..., Any], arguments: Sequence[Array], which: int) -> Array:
    """The gradient with respect to one argument, element by element by :func:`complex_step`."""
    out = np.zeros(arguments[which].shape)
    for index in np.ndindex(out.shape):
        directions: list[Array | None] = [None] * len(arguments)
        unit = np.zeros(out.shape)
        unit[index] = 1
        directions[which] = unit
        out[index] = complex_step(loss, arguments, directions)
    return out
