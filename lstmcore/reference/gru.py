"""GRU and the simple recurrent network: one time step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cells import Cell
from .functions import Array, activation_of
from .gates import States, Weights


def gru_cell(cell: Cell, weights: Weights, x: Array, states: States, scale: Any = 1) -> States:
    """Compute one time step of Keras's GRU; parameters as of :func:`lstm_cell`.

    The GRU is that of Cho et al. (2014). With `reset_after` the reset gate is applied after the
    product with the recurrent kernel, which then has a bias of its own; otherwise before it.
    """
    (h,) = states
    act, gate = activation_of(cell.activation), activation_of(cell.recurrent_activation)
    W, R, b = weights[:3]
    bias, recurrent_bias = (0, 0) if b is None else b if cell.reset_after else (b, 0)
    xz, xr, xh = np.split(x @ W + bias, 3, axis=-1)
    Rz, Rr, Rh = np.split(R, 3, axis=-1)
    bz, br, bh = np.split(recurrent_bias + np.zeros(R.shape[1]), 3)
    scaled = h * scale
    z = gate(xz + scaled @ Rz + bz)
    r = gate(xr + scaled @ Rr + br)
    recurrence = r * (scaled @ Rh + bh) if cell.reset_after else (r * scaled) @ Rh
    new = act(xh + recurrence)
    return (z * h + (1 - z) * new,)


def rnn_cell(cell: Cell, weights: Weights, x: Array, states: States, scale: Any = 1) -> States:
    """Compute one time step of Elman's (1990) simple recurrent network, Keras's SimpleRNN.

    Parameters as of :func:`lstm_cell`.
    """
    (h,) = states
    W, R, b = weights[:3]
    return (activation_of(cell.activation)(x @ W + (h * scale) @ R + (0 if b is None else b)),)
