"""The truth that the C core is held to: the cells in NumPy, and gradients without a backward pass.

Everything here is written for reading, not for speed, and needs NumPy alone, so that it cannot be
wrong in the way the core is wrong.  All functions also take complex arrays: a gradient is then the
imaginary part of the result when an argument is moved by a tiny imaginary step
(:func:`complex_step`), exact to rounding and without a line of backward code that could share an
error with the core's.  Where a function has a kink, the side is chosen by the real part.

An LSTM's step is made of its gates: :func:`input_gate`, :func:`forget_gate`, :func:`candidate`,
:func:`cell_state`, :func:`output_gate`, :func:`hidden_state`; :func:`lstm_step` puts them together.
A cell is one function of a step; :func:`run` walks any of them over time, and :func:`forward` is
the whole layer with the arguments that the core takes.
"""

from .cells import LACKING, VARIANTS, Cell, gates_of, peepholes_of, states_of, weight_shapes
from .derivatives import STEP, complex_step, gradient
from .functions import ACTIVATIONS, elu, hard_sigmoid, relu, sigmoid, softsign
from .gates import (
    candidate,
    cell_state,
    clip_cell,
    forget_gate,
    hidden_state,
    input_gate,
    lstm_cell,
    lstm_step,
    output_gate,
)
from .gru import gru_cell, rnn_cell
from .layer import forward, lstm, run

__all__ = [
    "ACTIVATIONS",
    "LACKING",
    "STEP",
    "VARIANTS",
    "Cell",
    "candidate",
    "cell_state",
    "clip_cell",
    "complex_step",
    "elu",
    "forget_gate",
    "forward",
    "gates_of",
    "gradient",
    "gru_cell",
    "hard_sigmoid",
    "hidden_state",
    "input_gate",
    "lstm",
    "lstm_cell",
    "lstm_step",
    "output_gate",
    "peepholes_of",
    "relu",
    "rnn_cell",
    "run",
    "sigmoid",
    "softsign",
    "states_of",
    "weight_shapes",
]
