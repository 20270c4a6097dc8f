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


def hard_sigmoid(x: Array, slope: float = 1 / 6, offset: float = 0.5) -> Array:
    """Return ``slope x + offset``, clipped to 0 ... 1; by default Keras 3's."""
    y = slope * x + offset
    return np.where(y.real <= 0, 0, np.where(y.real >= 1, 1, y))


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


ACTIVATIONS: dict[str, Callable[..., Array]] = {"tanh": np.tanh, "linear": np.positive} | {
    f.__name__: f for f in (sigmoid, hard_sigmoid, relu, softsign, elu)
}


def activation_of(form: str | tuple[Any, ...]) -> Callable[[Array], Array]:
    """Return the function of a name, or of a name and its parameters in one tuple."""
    name, *parameters = (form,) if isinstance(form, str) else form

    def function(x: Array) -> Array:
        return ACTIVATIONS[name](x, *parameters)

    return function
