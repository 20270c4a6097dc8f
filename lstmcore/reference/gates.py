"""The LSTM gate by gate: one time step, in the terms of its papers.

``x`` are the inputs of a time step (B, I); ``h`` and ``c`` the output and the cell state (B, H) of
the previous step; ``weights`` the list of ``layer.get_weights()``: kernel ``W`` (I, 4H), recurrent
kernel ``R`` (H, 4H), bias ``b`` (4H,), their columns in the order of the gates i, f, c, o; and,
with peepholes, ``p`` (3, H) for i, f, o.  The functions compute::

    i  = sigmoid(x Wi + h Ri + bi + pi c)      input gate
    f  = sigmoid(x Wf + h Rf + bf + pf c)      forget gate
    g  = tanh(x Wc + h Rc + bc)                candidate
    c' = f c + i g                             cell state
    o  = sigmoid(x Wo + h Ro + bo + po c')     output gate
    h' = o tanh(c')                            hidden state: the output

A `Cell` as the last argument selects its variant and activations, and whether the output is
projected, ``h' = (o tanh(c')) Rp``, or sums are normalized (:mod:`.normalization`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .cells import Cell, gates_of, padded
from .functions import Array, activation_of
from .normalization import normalized

States = tuple[Array, ...]
Weights = Sequence[Any]

VANILLA = Cell("lstm")


def _pre_activation(
    letter: str,
    x: Array,
    h: Array,
    c: Array | None,
    weights: Weights,
    cell: Cell,
    gates: Array | None = None,
) -> Array:
    """Return the pre-activation of a gate: the sum of its products, peephole and bias."""
    W, R, b, p, G, _, gain, _ = padded(weights)
    letters = gates_of(cell)

    def columns(a: Array) -> Array:
        return np.split(a, len(letters), axis=-1)[letters.index(letter)]

    z: Array
    if cell.layer_norm == "both":  # over the sums of all gates
        z = columns(gain[0] * normalized(x @ W, cell.epsilon))
        z = z + columns(gain[1] * normalized(h @ R, cell.epsilon))
    else:
        z = x @ columns(W) + h @ columns(R)
    if p is not None and c is not None:
        z = z + p[letters.replace("c", "").index(letter)] * c
    if gates is not None:
        z = z + gates @ np.split(G, 3, axis=-1)["ifo".index(letter)]
    if cell.layer_norm == "sum":
        z = columns(gain) * normalized(z, cell.epsilon)
    return z if b is None else z + columns(b)


def input_gate(
    x: Array,
    h: Array,
    c: Array,
    weights: Weights,
    cell: Cell = VANILLA,
    gates: Array | None = None,
) -> Array:
    """Return the input gate: the share of the candidate that enters the cell, from 0 to 1.

    Parameters
    ----------
    x : (B, I)
        The step's inputs.
    h : (B, H)
        The output of the previous step; behind a projection (B, P).
    c : (B, H)
        The cell state of the previous step; only peepholes use it.
    weights : list of arrays
        Of the whole layer: kernel, recurrent kernel, bias; then what else :func:`weight_shapes`
        has, where the cell has it. Missing ones at the end count as None.
    cell : Cell, optional
        The variant and its activations; by default Keras's LSTM.
    gates : (B, 3H), optional
        i, f and o of the previous step, which full gate recurrence uses.

    Returns
    -------
    (B, H)
    """
    if cell.variant == "NIG":
        return np.ones_like(c)
    return activation_of(cell.recurrent_activation)(
        _pre_activation("i", x, h, c, weights, cell, gates)
    )


def forget_gate(
    x: Array,
    h: Array,
    c: Array,
    weights: Weights,
    cell: Cell = VANILLA,
    gates: Array | None = None,
) -> Array:
    """Return the forget gate: the share of the cell state that is kept, from 0 to 1.

    Parameters as of :func:`input_gate`.  Gers et al. (2000) added this gate; the LSTM without it
    is ``Cell("lstm", "NFG")``.
    """
    if cell.variant == "NFG":
        return np.ones_like(c)
    if cell.variant == "CIFG":
        coupled: Array = 1 - input_gate(x, h, c, weights, cell, gates)
        return coupled
    return activation_of(cell.recurrent_activation)(
        _pre_activation("f", x, h, c, weights, cell, gates)
    )


def candidate(x: Array, h: Array, weights: Weights, cell: Cell = VANILLA) -> Array:
    """Return the candidate for the cell state; parameters as of :func:`input_gate`."""
    activation = "linear" if cell.variant == "NIAF" else cell.activation
    return activation_of(activation)(_pre_activation("c", x, h, None, weights, cell))


def cell_state(f: Array, c: Array, i: Array, g: Array, cell: Cell = VANILLA) -> Array:
    """Return the new cell state ``f c + i g``, clipped if the cell has a `clip`.

    Parameters
    ----------
    f, i : (B, H)
        Forget gate and input gate.
    c : (B, H)
        The cell state of the previous step.
    g : (B, H)
        The candidate.
    cell : Cell, optional
        Its `clip` bounds the state.
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
    """Return the output gate: the share of the cell state that is output, from 0 to 1.

    Parameters as of :func:`input_gate`, but c is the cell state of this step, not of the previous
    one: this gate is computed last.
    """
    if cell.variant == "NOG":
        return np.ones_like(c)
    return activation_of(cell.recurrent_activation)(
        _pre_activation("o", x, h, c, weights, cell, gates)
    )


def hidden_state(o: Array, c: Array, cell: Cell = VANILLA, weights: Weights = ()) -> Array:
    """Return the output ``o tanh(c)``, from the output gate and the cell state of this step.

    The cell's `output_activation` takes the place of tanh.  With a projection (`weights` are needed
    for it, and for the normalization of the cell state) the output is ``(o tanh(c)) Rp``.
    """
    *_, projection, _, state_norm = padded(weights)
    if cell.layer_norm == "both":
        gain, offset = state_norm
        c = gain * normalized(c, cell.epsilon) + offset
    activation = "linear" if cell.variant == "NOAF" else cell.output_activation or cell.activation
    h = o * activation_of(activation)(c)
    return h @ projection if cell.projection else h


def lstm_step(x: Array, h: Array, c: Array, weights: Weights) -> tuple[Array, Array]:
    """Compute one time step of Keras's LSTM, with peepholes if `weights` has them.

    Parameters
    ----------
    x : (B, I)
        The step's inputs.
    h, c : (B, H)
        Output and cell state of the previous step.
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
    """Compute one time step of any variant of the LSTM.

    Parameters
    ----------
    cell
        The variant and its activations.
    weights
        Those of :func:`weight_shapes`; None for those the cell lacks.
    x : (B, I)
        The step's inputs.
    states
        h and c of the previous step, and with full gate recurrence its gates i, f and o.
    scale : (B, H)
        Recurrent dropout: multiplies h in the product with the recurrent kernel; as wide as h.

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
    h = hidden_state(o, c, cell, weights)
    return (h, c, np.concatenate([i, f, o], axis=-1)) if cell.variant == "FGR" else (h, c)


def clip_cell(c: Array, limit: float) -> Array:
    """Return ``c`` clipped to -limit ... limit, or ``c`` itself if the limit is 0."""
    if not limit:
        return c
    return np.where(c.real > limit, limit, np.where(c.real < -limit, -limit, c))
