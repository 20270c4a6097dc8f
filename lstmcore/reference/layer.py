"""Cells over time: the one loop of all of them, and whole layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from .cells import Cell, states_of
from .functions import Array
from .gates import States, Weights, lstm_cell, lstm_step
from .gru import gru_cell, rnn_cell


def run(
    step: Callable[[Array, States], States],
    x: Array,
    states: States,
    mask: Array | None = None,
    keep: Sequence[Array | None] = (),
    zero_masked: bool = False,
) -> tuple[Array, States]:
    """Walk a cell over time: the one loop of all cells.

    Parameters
    ----------
    step
        From a step's inputs (B, I) and the states before it to the states after it.
    x : (B, T, I)
        Inputs.
    states
        Initial states; the first one is the output of a step.
    mask : (B, T)
        False where a step is none: the states stay as they are.
    keep : each (T, B, H)
        Zoneout for the first states: 1 where the old value stays, else 0.
    zero_masked
        The output of a masked step is zero, and not the output of the step before.

    Returns
    -------
    y : (B, T, H)
        The output of every step.
    states
        After the last step.
    """
    outputs = []
    for t in range(x.shape[1]):
        new = list(step(x[:, t], states))
        for k, stays in enumerate(keep):
            if stays is not None:
                new[k] = stays[t] * states[k] + (1 - stays[t]) * new[k]
        real = True if mask is None else mask[:, t, None]
        states = tuple(np.where(real, n, s) for n, s in zip(new, states, strict=True))
        outputs.append(np.where(real, states[0], 0) if zero_masked else states[0])
    return np.stack(outputs, axis=1), states


def forward(
    cell: Cell,
    weights: Weights,
    x: Array,
    states: States | None = None,
    *,
    mask: Array | None = None,
    x_scale: Array | None = None,
    h_scale: Array | None = None,
    keep_h: Array | None = None,
    keep_c: Array | None = None,
    zero_masked: bool = False,
) -> tuple[Array, States]:
    """A recurrent layer on whole sequences, with the arguments of the core.

    Arguments and results as for :func:`lstm_cell` and :func:`run`; weights that are missing at the
    end are None, and so are states that are zeros.  Dropout, ``x_scale`` (B, I) and ``h_scale``
    (B, H), multiplies what enters the products with the kernels, the same at every step; zoneout,
    ``keep_h`` and ``keep_c`` (T, B, H), is 1 where the old output or cell state stays.
    """
    weights = [*weights, None, None, None][:5]
    units = weights[1].shape[0]
    if states is None:
        widths = (units, units, 3 * units)[: states_of(cell)]
        states = tuple(np.zeros((x.shape[0], width), x.dtype) for width in widths)
    if x_scale is not None:
        x = x * x_scale[:, None]
    scale = 1 if h_scale is None else h_scale
    step = {"lstm": lstm_cell, "gru": gru_cell, "rnn": rnn_cell}[cell.kind]
    keep = (keep_h,) if keep_c is None else (keep_h, keep_c)
    walk = partial(step, cell, weights, scale=scale)
    return run(walk, x, tuple(states), mask, keep, zero_masked)


def lstm(
    x: Array, W: Array, R: Array, b: Array, h0: Array, c0: Array
) -> tuple[Array, Array, Array]:
    """The LSTM over whole sequences.

    Parameters
    ----------
    x : (B, T, I)
        Inputs.
    W, R, b : (I, 4H), (H, 4H), (4H,)
        Kernel, recurrent kernel and bias, gates in the order i, f, c, o.
    h0, c0 : (B, H)
        Initial states.

    Returns
    -------
    y : (B, T, H)
        The output of every step.
    h, c : (B, H)
        The states after the last.
    """
    y, (h, c) = run(lambda x, s: lstm_step(x, s[0], s[1], (W, R, b)), x, (h0, c0))
    return y, h, c
