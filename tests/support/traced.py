"""The truth about what happens inside a recurrent layer, by the formulas of lstmcore.reference."""

from unittest import mock

import numpy as np

from lstmcore import reference


def lstm_gates(cell, weights, x, states, new_c, scale):
    """The gates of one step by their letters, and the candidate as c."""
    h, c, *before = states
    h = h * scale
    known = {
        "i": lambda: reference.input_gate(x, h, c, weights, cell, *before),
        "f": lambda: reference.forget_gate(x, h, c, weights, cell, *before),
        "c": lambda: reference.candidate(x, h, weights, cell),
        "o": lambda: reference.output_gate(x, h, new_c, weights, cell, *before),
    }
    return [known[letter]() for letter in reference.gates_of(cell)]


def gru_gates(cell, weights, x, states, scale):
    W, R, b = weights[:3]
    act, gate = reference.ACTIVATIONS[cell.activation], reference.ACTIVATIONS["sigmoid"]
    bias, other = (0, 0) if b is None else b if cell.reset_after else (b, 0)
    h = states[0] * scale
    a = np.split(x @ W + bias, 3, axis=-1)
    c = np.split(h @ R + other, 3, axis=-1)
    z, r = gate(a[0] + c[0]), gate(a[1] + c[1])
    before = (r * h) @ np.split(R, 3, axis=-1)[2]
    return [z, r, act(a[2] + (r * c[2] if cell.reset_after else before))]


def recompute(cell, weights, x, states=None, **options):
    """Gates (G, B, T, H), NaN where the mask is False, cells (B, T, H) and outputs (B, T, H).

    Arguments as of `reference.forward`, which runs; its steps are looked at as they pass.
    """
    step = reference.layer.STEPS[cell.kind]
    gates, befores = [], []

    def spy(cell, weights, x, states, scale=1):
        new = step(cell, weights, x, states, scale)
        if cell.kind == "lstm":
            gates.append(lstm_gates(cell, weights, x, states, new[1], scale))
        else:
            gates.append(
                gru_gates(cell, weights, x, states, scale) if cell.kind == "gru" else [new[0]]
            )
        befores.append(states)
        return new

    with mock.patch.dict(reference.layer.STEPS, {cell.kind: spy}):
        y, last = reference.forward(cell, weights, x, states, **options)
    values = np.array(gates).transpose(1, 2, 0, 3)
    if options.get("mask") is not None:
        values[:, ~options["mask"]] = np.nan
    cells = None
    if cell.kind == "lstm":
        cells = np.stack([states[1] for states in (*befores[1:], last)], axis=1)
    return values, cells, y
