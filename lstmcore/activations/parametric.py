"""Activations that ONNX's recurrent operators have beside Keras's, and any hard sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Activation, Array, is_finite, with_gradient
from .functions import get, hard_sigmoid


def HardSigmoid(slope: float = 1 / 6, offset: float = 0.5) -> Activation:
    """Return `hard_sigmoid` with a slope and an offset: clip(slope x + offset, 0, 1).

    Parameters
    ----------
    slope : float, default 1/6
        ONNX's alpha. Keras 1 and 2 had 0.2; 1/6 is Keras 3's and PyTorch's.
    offset : float, default 0.5
        The value at 0; ONNX's beta.

    Returns
    -------
    Activation
        The kernels compute it, as they do `hard_sigmoid`, which it is with the defaults. Configs
        and model files have its options.

    Raises
    ------
    ValueError
        If a number is not finite.

    Examples
    --------
    >>> from lstmcore.activations import HardSigmoid
    >>> HardSigmoid(0.2)([-3.0, 0.0, 1.0])
    array([0. , 0.5, 0.7])
    """
    given = hard_sigmoid.using(slope=slope, offset=offset)
    return hard_sigmoid if (slope, offset) == (1 / 6, 0.5) else given


@with_gradient(lambda dy, x, y, alpha=1.0, beta=0.0: alpha * dy)
def affine(x: Array, alpha: float = 1.0, beta: float = 0.0) -> Array:
    """`alpha` x + `beta`"""
    y: Array = alpha * x + beta
    return y


def _scaled_tanh_gradient(
    dy: Array, x: Array, y: Array, alpha: float = 1.0, beta: float = 1.0
) -> Array:
    t = np.tanh(beta * x)
    dx: Array = alpha * beta * dy * (1 - t * t)
    return dx


@with_gradient(_scaled_tanh_gradient)
def scaled_tanh(x: Array, alpha: float = 1.0, beta: float = 1.0) -> Array:
    """`alpha` tanh(`beta` x)"""
    y: Array = alpha * np.tanh(beta * x)
    return y


def _clipped_gradient(dy: Array, x: Array, y: Array, function: Activation, limit: float) -> Array:
    dx: Array = function.gradient(dy, np.clip(x, -limit, limit), y)
    return dx * ((x > -limit) & (x < limit))


@with_gradient(_clipped_gradient)
def clipped(x: Array, function: Any, limit: float) -> Array:
    """Another activation, `function`, of x cut at -`limit` and `limit`.

    It is what the attribute ``clip`` of ONNX's LSTM, GRU and RNN makes of each of their
    activations: ``clipped.using(function="tanh", limit=3.0)``. Both options must be given;
    `function` is whatever `get` takes.
    """
    y: Array = function.forward(np.clip(x, -limit, limit))
    return y


def _inner(value: Any) -> Activation:
    """Return the activation that `clipped` is to have; ValueError for one that it cannot have."""
    found = get(value)
    lacks = found.lacks()
    if found.__name__ == "clipped" or found.halves or lacks:
        wanted = (
            f"{found.__name__} with {', '.join(lacks)}" if lacks else "one that keeps the shape"
        )
        if found.__name__ == "clipped":
            wanted = "one that is not clipped itself"
        raise ValueError(f"activation clipped: function: expected {wanted}, got {value!r:.80}")
    return found


def _limit(value: Any) -> float:
    if not is_finite(value) or value <= 0:
        raise ValueError(
            f"activation clipped: limit: expected a finite number > 0, got {value!r:.80}"
        )
    return float(value)


clipped.convert = {"function": _inner, "limit": _limit}
