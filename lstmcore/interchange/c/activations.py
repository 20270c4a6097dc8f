"""Activations as formulas that give C text and numbers alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...activations import Activation, get
from .refusal import refused

Formula = Callable[..., Any]  # (o, x, **options) -> y, element-wise; o: `Text` or `Numbers`


def _relu(
    o: Any, x: Any, negative_slope: float = 0, max_value: Any = None, threshold: float = 0
) -> Any:
    x = o.let("x_", x)
    if not negative_slope and max_value is None and not threshold:
        return o.where_less(x, 0, 0, x)
    y = o.let("y_", o.where_less(threshold, x, x, 0))
    if max_value is not None:
        y = o.let("y_", o.where_less(y, 0, 0, y))
        y = o.let("y_", o.where_less(max_value, y, max_value, y))
    if negative_slope:
        below = o.let("below", x - np.float32(threshold))
        y = y + np.float32(negative_slope) * o.let("below", o.where_less(0, below, 0, below))
    return y


def _leaky_relu(o: Any, x: Any, negative_slope: float = 0.2) -> Any:
    x = o.let("x_", x)
    return o.where_less(x, 0, o.let("below", np.float32(negative_slope) * x), x)


def _hard_sigmoid(o: Any, x: Any, slope: float = 1 / 6, offset: float = 0.5) -> Any:
    """About 1/2, as the kernels compute it, so that its ends are 0 and 1 exactly."""
    line = o.madd(x, np.float32(slope), np.float32(offset - 0.5))
    return o.clamp(line, 0.5) + np.float32(0.5)


def _softsign(o: Any, x: Any) -> Any:
    x = o.let("x_", x)
    return x / (np.float32(1) + o.let("size", o.where_less(x, 0, -x, x)))


def _elu(o: Any, x: Any, alpha: float = 1) -> Any:
    """e^x - 1 is 2 t / (1 - t), t = tanh(x / 2)."""
    x = o.let("x_", x)
    t = o.let("t_", o.tanh(x * np.float32(0.5)))
    below = np.float32(2) * t / (np.float32(1) - t)
    return o.where_less(0, x, x, o.let("below", below if alpha == 1 else np.float32(alpha) * below))


def _silu(o: Any, x: Any) -> Any:
    x = o.let("x_", x)
    return x * o.sigmoid(x)


FORMULAS: dict[str, Formula] = {
    "linear": lambda o, x: x,
    "tanh": lambda o, x: o.tanh(x),
    "sigmoid": lambda o, x: o.sigmoid(x),
    "hard_sigmoid": _hard_sigmoid,
    "relu": _relu,
    "softsign": _softsign,
    "elu": _elu,
    "leaky_relu": _leaky_relu,
    "relu6": lambda o, x: _relu(o, x, max_value=6),
    "hard_tanh": lambda o, x: o.clamp(x, 1),
    "silu": _silu,
}


def formula(layer: Any, activation: Activation, argument: str = "activation") -> Formula:
    """Return the formula of an element-wise activation.

    Raises
    ------
    Refused
        If there is none; the message names the layer, the argument and the activation.
    """
    name, options = activation.__name__, activation.options
    if name not in FORMULAS or get(name) is not activation._without_options:
        raise refused(layer, f"{argument}={name!r}")
    found = FORMULAS[name]
    return (lambda o, x: found(o, x, **options)) if options else found


def is_softmax(activation: Activation) -> bool:
    """Return True for softmax over the last axis, which is computed row by row."""
    plain = get("softmax") is activation._without_options
    return plain and activation.options.get("axis", -1) == -1
