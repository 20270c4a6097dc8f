"""Cells over time: the time loop that all cells share, and whole layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from .cells import Cell, kernel_columns, padded, widths_of
from .functions import Array
from .gates import States, Weights, lstm_cell, lstm_step
from .gru import gru_cell, rnn_cell
from .mutations import mut_cell

STEPS = {"lstm": lstm_cell, "gru": gru_cell, "rnn": rnn_cell} | dict.fromkeys(
    ("mut1", "mut2", "mut3"), mut_cell
)


def run(
    step: Callable[[Array, States], States],
    x: Array,
    states: States,
    mask: Array | None = None,
    keep: Sequence[Array | None] = (),
    zero_masked: bool = False,
) -> tuple[Array, States]:
    """Run the time loop of a cell.

    Parameters
    ----------
    step
        Function of a step's inputs (B, I) and the previous states that returns the new states.
    x : (B, T, I)
        Inputs.
    states
        Initial states; the first one is the output of a step.
    mask : (B, T)
        False at masked steps: the states do not change.
    keep : each (T, B, H)
        Zoneout of the first states: 1 where the old value is kept, else 0.
    zero_masked
        Output zero at a masked step, and not the output of the previous step.

    Returns
    -------
    y : (B, T, H)
        The output of every step.
    states
        The states after the last step.
    """
    outputs = []
    for t in range(x.shape[1]):
        new = list(step(x[:, t], states))
        for k, stays in enumerate(keep):
            if stays is not None:
                new[k] = stays[t] * states[k] + (1 - stays[t]) * new[k]
        unmasked = True if mask is None else mask[:, t, None]
        states = tuple(np.where(unmasked, n, s) for n, s in zip(new, states, strict=True))
        outputs.append(np.where(unmasked, states[0], 0) if zero_masked else states[0])
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
    """Compute a recurrent layer on whole sequences, with the arguments of the core.

    Arguments and results as for :func:`lstm_cell` and :func:`run`; missing weights at the end count
    as None, and states that are None as zeros.  Dropout, ``x_scale`` (B, I) and ``h_scale`` (B, H),
    multiplies the inputs of the products with the kernels, equally at every step; zoneout,
    ``keep_h`` and ``keep_c`` (T, B, H), is 1 where the old output or cell state is kept.  Behind a
    projection the output, its dropout and its zoneout are of that width.
    """
    weights = padded(weights)
    if states is None:
        widths = widths_of(cell, weights[0].shape[1] // len(kernel_columns(cell)))
        states = tuple(np.zeros((x.shape[0], width), x.dtype) for width in widths)
    if x_scale is not None:
        x = x * x_scale[:, None]
    scale = 1 if h_scale is None else h_scale
    keep = (keep_h,) if keep_c is None else (keep_h, keep_c)
    one_step = partial(STEPS[cell.kind], cell, weights, scale=scale)
    return run(one_step, x, tuple(states), mask, keep, zero_masked)


def lstm(
    x: Array, W: Array, R: Array, b: Array, h0: Array, c0: Array
) -> tuple[Array, Array, Array]:
    """Compute Keras's LSTM over whole sequences.

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
        The states after the last step.
    """
    y, (h, c) = run(lambda x, s: lstm_step(x, s[0], s[1], (W, R, b)), x, (h0, c0))
    return y, h, c
