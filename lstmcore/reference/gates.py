"""The LSTM gate by gate: one step, in the terms of its papers.

What each function computes, ``x`` being a step's inputs (B, I), ``h`` and ``c`` the output and the
cell state (B, H) of the step before, and ``weights`` the list of ``layer.get_weights()``: kernel
``W`` (I, 4H), recurrent kernel ``R`` (H, 4H), bias ``b`` (4H,), their columns in the order of the
gates i, f, c, o; and, with peepholes, ``p`` (3, H) for i, f, o::

    i  = sigmoid(x Wi + h Ri + bi + pi c)      input gate
    f  = sigmoid(x Wf + h Rf + bf + pf c)      forget gate
    g  = tanh(x Wc + h Rc + bc)                candidate
    c' = f c + i g                             cell state
    o  = sigmoid(x Wo + h Ro + bo + po c')     output gate
    h' = o tanh(c')                            hidden state: the output

A `Cell` given as the last argument makes them those of its variant and its activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .cells import Cell, gates_of
from .functions import ACTIVATIONS, Array

States = tuple[Array, ...]
Weights = Sequence[Any]

VANILLA = Cell("lstm")


def _gate_sum(
    letter: str,
    x: Array,
    h: Array,
    c: Array | None,
    weights: Weights,
    cell: Cell,
    gates: Array | None = None,
) -> Array:
    """What a gate makes its decision of: the sum of all that it sees."""
    W, R, b, p, G = [*weights, None, None, None][:5]
    letters = gates_of(cell)

    def columns(a: Array) -> Array:
        return np.split(a, len(letters), axis=-1)[letters.index(letter)]

    z: Array = x @ columns(W) + h @ columns(R)
    if b is not None:
        z = z + columns(b)
    if p is not None and c is not None:
        z = z + p[letters.replace("c", "").index(letter)] * c
    if gates is not None:
        z = z + gates @ np.split(G, 3, axis=-1)["ifo".index(letter)]
    return z


def input_gate(
    x: Array,
    h: Array,
    c: Array,
    weights: Weights,
    cell: Cell = VANILLA,
    gates: Array | None = None,
) -> Array:
    """How much of the candidate enters the cell, from 0 to 1.

    Parameters
    ----------
    x : (B, I)
        The step's inputs.
    h, c : (B, H)
        Output and cell state of the step before; only peepholes see c.
    weights : list of arrays
        Of the whole layer: kernel, recurrent kernel, bias; then peepholes and gate kernel, where
        the cell has them. What is missing at the end is None.
    cell : Cell, optional
        The variant and its activations; by default Keras's LSTM.
    gates : (B, 3H), optional
        i, f and o of the step before, which full gate recurrence sees.

    Returns
    -------
    (B, H)
    """
    if cell.variant == "NIG":
        return np.ones_like(c)
    return ACTIVATIONS[cell.recurrent_activation](_gate_sum("i", x, h, c, weights, cell, gates))


def forget_gate(
    x: Array,
    h: Array,
    c: Array,
    weights: Weights,
    cell: Cell = VANILLA,
    gates: Array | None = None,
) -> Array:
    """How much of the cell state stays, from 0 to 1; parameters as of :func:`input_gate`.

    Gers et al. (2000) added it: before, all of it stayed (``Cell("lstm", "NFG")``).
    """
    if cell.variant == "NFG":
        return np.ones_like(c)
    if cell.variant == "CIFG":
        coupled: Array = 1 - input_gate(x, h, c, weights, cell, gates)
        return coupled
    return ACTIVATIONS[cell.recurrent_activation](_gate_sum("f", x, h, c, weights, cell, gates))


def candidate(x: Array, h: Array, weights: Weights, cell: Cell = VANILLA) -> Array:
    """What may enter the cell; parameters as of :func:`input_gate`."""
    activation = "linear" if cell.variant == "NIAF" else cell.activation
    return ACTIVATIONS[activation](_gate_sum("c", x, h, None, weights, cell))


def cell_state(f: Array, c: Array, i: Array, g: Array, cell: Cell = VANILLA) -> Array:
    """What the cell keeps of its state and what it takes in: ``f c + i g``.

    Parameters
    ----------
    f, i : (B, H)
        Forget gate and input gate.
    c : (B, H)
        The cell state of the step before.
    g : (B, H)
        The candidate.
    cell : Cell, optional
        Whose `clip` bounds the state.
    """
    return clip_cell(f * c + i * g, cell.clip)


def output_gate(
    x: Array,
    h: Array,
    c: Array,
    weights: Weights,
    cell: Cell = VANILLA,
    gates: Array | None = None,
) -> Array:
    """How much of the cell is shown, from 0 to 1; parameters as of :func:`input_gate`.

    Only, c is the cell state of this step and not of the one before: this gate comes last.
    """
    if cell.variant == "NOG":
        return np.ones_like(c)
    return ACTIVATIONS[cell.recurrent_activation](_gate_sum("o", x, h, c, weights, cell, gates))


def hidden_state(o: Array, c: Array, cell: Cell = VANILLA) -> Array:
    """The output, ``o tanh(c)``, of the output gate and the cell state of this step."""
    activation = "linear" if cell.variant == "NOAF" else cell.activation
    return o * ACTIVATIONS[activation](c)


def lstm_step(x: Array, h: Array, c: Array, weights: Weights) -> tuple[Array, Array]:
    """One step of Keras's LSTM, and of the one with peepholes if `weights` have them.

    Parameters
    ----------
    x : (B, I)
        The step's inputs.
    h, c : (B, H)
        Output and cell state of the step before.
    weights : list of arrays
        As of :func:`input_gate`.

    Returns
    -------
    h, c : (B, H)
        Output and cell state of this step.
    """
    h, c = lstm_cell(VANILLA, weights, x, (h, c))
    return h, c


def lstm_cell(cell: Cell, weights: Weights, x: Array, states: States, scale: Any = 1) -> States:
    """One step of any variant of the LSTM.

    Parameters
    ----------
    cell
        Which one.
    weights
        The five of :func:`weight_shapes`; None for what the cell has not.
    x : (B, I)
        The step's inputs.
    states
        h and c of the step before, and with full gate recurrence its gates i f o.
    scale : (B, H)
        Recurrent dropout: multiplies h where it meets the recurrent kernel.

    Returns
    -------
    states
        After the step; the first is its output.
    """
    h, c, *gates = states
    h = h * scale
    i = input_gate(x, h, c, weights, cell, *gates)
    f = forget_gate(x, h, c, weights, cell, *gates)
    g = candidate(x, h, weights, cell)
    c = cell_state(f, c, i, g, cell)
    o = output_gate(x, h, c, weights, cell, *gates)
    h = hidden_state(o, c, cell)
    return (h, c, np.concatenate([i, f, o], axis=-1)) if cell.variant == "FGR" else (h, c)


def clip_cell(c: Array, limit: float) -> Array:
    """``c`` held between -limit and limit; a limit of 0 is none."""
    if not limit:
        return c
    return np.where(c.real > limit, limit, np.where(c.real < -limit, -limit, c))
