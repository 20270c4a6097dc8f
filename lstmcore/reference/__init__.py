"""The NumPy reference of the C core: the cells, and gradients without a backward pass.

Everything here is written for reading, not for speed, and needs NumPy alone, so that it shares no
error with the core.  All functions also take complex arrays: a gradient is then the imaginary part
of the result when an argument is moved by a tiny imaginary step (:func:`complex_step`), exact to
rounding and without backward code.  Where a function has a kink, the side is chosen by the real
part.

A time step of the LSTM is made of its gates: :func:`input_gate`, :func:`forget_gate`,
:func:`candidate`, :func:`cell_state`, :func:`output_gate`, :func:`hidden_state`; :func:`lstm_step`
combines them.  A cell is one function of a time step; :func:`run` is the time loop of any cell, and
:func:`forward` is the whole layer with the arguments of the core.  Attention is in the module of
that name, ``lstmcore.reference.attention``.
"""

from .cells import (
    LACKING,
    VARIANTS,
    Cell,
    gates_of,
    kernel_columns,
    peepholes_of,
    recurrent_columns,
    states_of,
    weight_shapes,
    widths_of,
)
from .derivatives import STEP, complex_step, gradient
from .functions import ACTIVATIONS, activation_of, elu, hard_sigmoid, relu, sigmoid, softsign
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
from .mutations import mut_cell
from .normalization import normalized

__all__ = [
    "ACTIVATIONS",
    "LACKING",
    "STEP",
    "VARIANTS",
    "Cell",
    "activation_of",
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
    "kernel_columns",
    "lstm",
    "lstm_cell",
    "lstm_step",
    "mut_cell",
    "normalized",
    "output_gate",
    "peepholes_of",
    "recurrent_columns",
    "relu",
    "rnn_cell",
    "run",
    "sigmoid",
    "softsign",
    "states_of",
    "weight_shapes",
    "widths_of",
]
