"""The truth that the C core is held to: the cells in NumPy, and gradients without a backward pass.

Everything here is written for reading, not for speed, and needs NumPy alone, so that it cannot be
wrong in the way the core is wrong.  All functions also take complex arrays: a gradient is then the
imaginary part of the result when an argument is moved by a tiny imaginary step
(:func:`complex_step`), exact to rounding and without a line of backward code that could share an
error with the core's.  Where a function has a kink, the side is chosen by the real part.

A cell is one function of a step; :func:`run` walks any of them over time, and :func:`forward` is
the whole layer with the arguments that the core takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
States = tuple[Array, ...]
Weights = Sequence[Any]

STEP = 1e-200  # so small that its square is zero beside 1


# ---- activations, as Keras 3 has them ----


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def hard_sigmoid(x: Array) -> Array:
    """``x / 6 + 1 / 2``, held between 0 and 1."""
    return np.where(x.real <= -3, 0, np.where(x.real >= 3, 1, x / 6 + 0.5))


def relu(x: Array) -> Array:
    """``x`` where it is positive, else 0."""
    return np.where(x.real > 0, x, 0)


def softsign(x: Array) -> Array:
    """``x / (1 + |x|)``."""
    y: Array = x / (1 + np.where(x.real < 0, -x, x))
    return y


def elu(x: Array) -> Array:
    """``x`` where it is positive, else ``exp(x) - 1``."""
    return np.where(x.real > 0, x, np.expm1(np.where(x.real > 0, 0, x)))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": np.tanh, "linear": np.positive} | {
    f.__name__: f for f in (sigmoid, hard_sigmoid, relu, softsign, elu)
}


# ---- the plain LSTM ----


def _sum_of(gate: str, x: Array, h: Array, W: Array, R: Array, b: Array) -> Array:
    """``x W + h R + b`` with the columns of one gate of i, f, c, o."""
    at = "ifco".index(gate)
    W, R, b = (np.split(a, 4, axis=-1)[at] for a in (W, R, b))
    z: Array = x @ W + h @ R + b
    return z


def input_gate(x: Array, h: Array, W: Array, R: Array, b: Array) -> Array:
    """How much of the candidate enters the cell: ``i = sigmoid(x Wi + h Ri + bi)``.

    Parameters as in :func:`lstm_step`: the weights of the whole layer.
    """
    return sigmoid(_sum_of("i", x, h, W, R, b))


def forget_gate(x: Array, h: Array, W: Array, R: Array, b: Array) -> Array:
    """How much of the cell state stays: ``f = sigmoid(x Wf + h Rf + bf)``."""
    return sigmoid(_sum_of("f", x, h, W, R, b))


def candidate(x: Array, h: Array, W: Array, R: Array, b: Array) -> Array:
    """What may enter the cell: ``g = tanh(x Wc + h Rc + bc)``."""
    return np.tanh(_sum_of("c", x, h, W, R, b))


def output_gate(x: Array, h: Array, W: Array, R: Array, b: Array) -> Array:
    """How much of the cell is shown: ``o = sigmoid(x Wo + h Ro + bo)``."""
    return sigmoid(_sum_of("o", x, h, W, R, b))


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
    i, f = input_gate(x, h, W, R, b), forget_gate(x, h, W, R, b)
    g, o = candidate(x, h, W, R, b), output_gate(x, h, W, R, b)
    c = f * c + i * g
    return o * np.tanh(c), c


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
    y, (h, c) = run(lambda x, s: lstm_step(x, s[0], s[1], W, R, b), x, (h0, c0))
    return y, h, c


# ---- all cells ----

LACKING = {"NIG": "i", "NFG": "f", "NOG": "o", "CIFG": "f"}
VARIANTS = ("vanilla", "peephole", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")


@dataclass(frozen=True)
class Cell:
    """What a layer computes in a step; functions here take any object with these attributes.

    The variants of the LSTM are those of Greff et al., *LSTM: A Search Space Odyssey* (2017): no
    input, forget or output gate (NIG, NFG, NOG), no input or output activation function (NIAF,
    NOAF), coupled input and forget gate (CIFG), no peepholes (NP), full gate recurrence (FGR).
    Only NP and vanilla, which is Keras's LSTM, have no peepholes.
    """

    kind: str  # lstm, gru or rnn
    variant: str = "vanilla"
    peephole: bool = False
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    reset_after: bool = True  # of a GRU
    clip: float = 0.0  # of an LSTM; 0 is none


def gates_of(cell: Cell) -> str:
    """The letters of the gates in the order of the columns of the weights."""
    if cell.kind == "lstm":
        return "ifco".replace(LACKING.get(cell.variant, " "), "")
    return {"gru": "zrh", "rnn": "h"}[cell.kind]


def peepholes_of(cell: Cell) -> str:
    """The gates that see the cell state, in the order of the rows of the peephole weights."""
    if cell.kind != "lstm" or (cell.variant in ("vanilla", "NP") and not cell.peephole):
        return ""
    return gates_of(cell).replace("c", "")


def states_of(cell: Cell) -> int:
    """The number of state arrays: h, c, and with full gate recurrence the gates (B, 3H)."""
    return {"lstm": 3 if cell.variant == "FGR" else 2}.get(cell.kind, 1)


def weight_shapes(cell: Cell, inputs: int, units: int) -> list[tuple[int, ...] | None]:
    """The shapes of kernel, recurrent kernel, bias, peepholes and gate kernel; None: has none."""
    wide, peepholes = len(gates_of(cell)) * units, len(peepholes_of(cell))
    two_biases = cell.kind == "gru" and cell.reset_after
    return [
        (inputs, wide),
        (units, wide),
        (2, wide) if two_biases else (wide,),
        (peepholes, units) if peepholes else None,
        (3 * units, 3 * units) if cell.variant == "FGR" else None,
    ]


def clip_cell(c: Array, limit: float) -> Array:
    """``c`` held between -limit and limit; a limit of 0 is none."""
    if not limit:
        return c
    return np.where(c.real > limit, limit, np.where(c.real < -limit, -limit, c))


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
    h, c, *before = states
    act, gate = ACTIVATIONS[cell.activation], ACTIVATIONS[cell.recurrent_activation]
    W, R, b, p, G = weights
    sums = x @ W + (h * scale) @ R + (0 if b is None else b)
    z = dict(zip(gates_of(cell), np.split(sums, len(gates_of(cell)), axis=-1), strict=True))
    if cell.variant == "FGR":
        for letter, recurrence in zip("ifo", np.split(before[0] @ G, 3, axis=-1), strict=True):
            z[letter] = z[letter] + recurrence
    peep = dict.fromkeys("ifo", 0)
    if p is not None:
        peep |= dict(zip(peepholes_of(cell), p, strict=True))

    one = np.ones_like(c)
    i = one if cell.variant == "NIG" else gate(z["i"] + peep["i"] * c)
    if cell.variant == "CIFG":
        f = 1 - i
    else:
        f = one if cell.variant == "NFG" else gate(z["f"] + peep["f"] * c)
    g = z["c"] if cell.variant == "NIAF" else act(z["c"])
    c = clip_cell(f * c + i * g, cell.clip)
    o = one if cell.variant == "NOG" else gate(z["o"] + peep["o"] * c)
    h = o * (c if cell.variant == "NOAF" else act(c))
    return (h, c, np.concatenate([i, f, o], axis=-1)) if cell.variant == "FGR" else (h, c)


def gru_cell(cell: Cell, weights: Weights, x: Array, states: States, scale: Any = 1) -> States:
    """One step of the GRU of Cho et al. (2014), as Keras has it; parameters as for the LSTM.

    The reset gate is applied after the product with the recurrent kernel, which then has a bias
    of its own, or before it.
    """
    (h,) = states
    act, gate = ACTIVATIONS[cell.activation], ACTIVATIONS[cell.recurrent_activation]
    W, R, b = weights[:3]
    bias, recurrent_bias = (0, 0) if b is None else b if cell.reset_after else (b, 0)
    xz, xr, xh = np.split(x @ W + bias, 3, axis=-1)
    Rz, Rr, Rh = np.split(R, 3, axis=-1)
    bz, br, bh = np.split(recurrent_bias + np.zeros(R.shape[1]), 3)
    seen = h * scale
    z = gate(xz + seen @ Rz + bz)
    r = gate(xr + seen @ Rr + br)
    recurrence = r * (seen @ Rh + bh) if cell.reset_after else (r * seen) @ Rh
    new = act(xh + recurrence)
    return (z * h + (1 - z) * new,)


def rnn_cell(cell: Cell, weights: Weights, x: Array, states: States, scale: Any = 1) -> States:
    """One step of the simple recurrent network of Elman (1990); parameters as for the LSTM."""
    (h,) = states
    W, R, b = weights[:3]
    return (ACTIVATIONS[cell.activation](x @ W + (h * scale) @ R + (0 if b is None else b)),)


# ---- over time ----


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


# ---- gradients ----


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
