"""The gates of an LSTM layer as NumPy functions, step by step.

Usage: python gates.py

docs/lstm_equations.md explains the equations.
"""

import numpy as np

from lstmcore.layers import LSTM
from lstmcore.reference import (
    candidate,
    cell_state,
    forget_gate,
    hidden_state,
    input_gate,
    output_gate,
)
from lstmcore.utils import set_random_seed

set_random_seed(0)
batch, steps, features, units = 4, 12, 3, 8
sequences = np.random.default_rng(0).standard_normal((batch, steps, features))

layer = LSTM(units, return_sequences=True, dtype="float64")
outputs = layer(sequences)
weights = layer.get_weights()  # kernel, recurrent kernel, bias

h = np.zeros((batch, units))  # the hidden state, which is the output
c = np.zeros((batch, units))  # the cell state, which is the memory
furthest = 0.0
for t in range(steps):
    x = sequences[:, t]
    f = forget_gate(x, h, c, weights)  # how much of the memory is retained
    i = input_gate(x, h, c, weights)  # how much of the candidate is added
    g = candidate(x, h, weights)  # the candidate
    c = cell_state(f, c, i, g)
    o = output_gate(x, h, c, weights)  # how much of the memory is output
    h = hidden_state(o, c)
    furthest = max(furthest, np.abs(h - outputs[:, t]).max())
    print(
        f"step {t:2}, first unit: forget {f[0, 0]:.3f}  input {i[0, 0]:.3f}  "
        f"output {o[0, 0]:.3f}  cell {c[0, 0]:+.3f}  hidden {h[0, 0]:+.3f}"
    )
print(f"largest difference from the compiled layer: {furthest:.1e}")
assert furthest < 1e-12

# `trace` returns the gates of the compiled layer.
trace = layer.trace(sequences)
print(f"the same forget gates by layer.trace: {np.allclose(trace.gates['f'][:, -1], f)}")
