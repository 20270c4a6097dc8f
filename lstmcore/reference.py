"""The truth that the C core is held to: the LSTM in NumPy, and gradients without a backward pass.

Everything here is written for reading, not for speed, and needs NumPy alone, so that it cannot be
wrong in the way the core is wrong.  All functions also take complex arrays: a gradient is then the
imaginary part of the result when an argument is moved by a tiny imaginary step
(:func:`complex_step`), exact to rounding and without a line of backward code that could share an
error with the core's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STEP = 1e-200  # so small that its square is zero beside 1


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def lstm_step(x: Array, h: Array, c: Array, W: Array, R: Array, b: Array) -> tuple[Array, Array]:
    """One step of the LSTM of Gers et al. (2000), as Keras has it.

    Parameters
    ----------
    x : (B, I)
        The step's inputs.
    h, c : (B, H)
        Output and cell state of the step before.
    W, R, b : (I, 4H), (H, 4H), (4H,)
        Kernel, recurrent kernel and bias, gates in the order i, f, c, o.

    Returns
    -------
    h, c : (B, H)
        ``c' = f c + i g`` and ``h' = o tanh(c')``.
    """
    zi, zf, zg, zo = np.split(x @ W + h @ R + b, 4, axis=-1)
    c = sigmoid(zf) * c + sigmoid(zi) * np.tanh(zg)
    return sigmoid(zo) * np.tanh(c), c


def lstm(
    x: Array, W: Array, R: Array, b: Array, h0: Array, c0: Array
) -> tuple[Array, Array, Array]:
    """The LSTM over whole sequences.

    Parameters
    ----------
    x : (B, T, I)
        Inputs.
    W, R, b
        As in :func:`lstm_step`.
    h0, c0 : (B, H)
        Initial states.

    Returns
    -------
    y : (B, T, H)
        The output of every step.
    h, c : (B, H)
        The states after the last.
    """
    h, c, outputs = h0, c0, []
    for t in range(x.shape[1]):
        h, c = lstm_step(x[:, t], h, c, W, R, b)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


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
