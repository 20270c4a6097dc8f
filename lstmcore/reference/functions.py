"""Activation functions as defined by Keras 3, for real and complex arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def sigmoid(x: Array) -> Array:
    """Return ``1 / (1 + exp(-x))``."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def hard_sigmoid(x: Array) -> Array:
    """Return ``x / 6 + 1 / 2``, clipped to 0 ... 1."""
    return np.where(x.real <= -3, 0, np.where(x.real >= 3, 1, x / 6 + 0.5))


def relu(x: Array) -> Array:
    """Return ``x`` where it is positive, else 0."""
    return np.where(x.real > 0, x, 0)


def softsign(x: Array) -> Array:
    """Return ``x / (1 + |x|)``."""
    y: Array = x / (1 + np.where(x.real < 0, -x, x))
    return y


def elu(x: Array) -> Array:
    """Return ``x`` where it is positive, else ``exp(x) - 1``."""
    return np.where(x.real > 0, x, np.expm1(np.where(x.real > 0, 0, x)))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": np.tanh, "linear": np.positive} | {
    f.__name__: f for f in (sigmoid, hard_sigmoid, relu, softsign, elu)
}
