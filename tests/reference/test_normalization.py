"""The layer-normalized LSTM of the reference: the formulas of its papers, row by row."""

import numpy as np
import pytest

from lstmcore import reference
from lstmcore.reference import Cell

B, I, H = 3, 2, 5


def make(cell):
    """Weights, the inputs of a step and the states before it."""
    rng = np.random.default_rng(0)
    shapes = reference.weight_shapes(cell, I, H)
    weights = [None if s is None else rng.normal(size=s) for s in shapes]
    return weights, rng.normal(size=(B, I)), tuple(rng.normal(size=(B, H)) for _ in "hc")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def layer_norm(a, gain, offset=0):
    """Equation 15 of Ba et al. (2016), of one row."""
    return gain * (a - np.mean(a)) / np.sqrt(np.var(a) + 1e-5) + offset


def test_products_and_cell_state_are_normalized_apart():
    """Ba et al. (2016), supplement, equations 20 to 22, row by row."""
    cell = Cell("lstm", layer_norm="both")
    weights, x, (h, c) = make(cell)
    W, R, b, _, _, _, gain, (state_gain, state_offset) = weights
    assert gain.shape == (2, 4 * H)
    h1, c1 = reference.lstm_cell(cell, weights, x, (h, c))
    for row in range(B):
        z = layer_norm(x[row] @ W, gain[0]) + layer_norm(h[row] @ R, gain[1]) + b
        i, f, g, o = np.split(z, 4)
        new = sigmoid(f) * c[row] + sigmoid(i) * np.tanh(g)
        np.testing.assert_allclose(c1[row], new, rtol=1e-12)
        out = sigmoid(o) * np.tanh(layer_norm(new, state_gain, state_offset))
        np.testing.assert_allclose(h1[row], out, rtol=1e-12)


@pytest.mark.parametrize("peephole", [False, True])
def test_the_sum_of_each_gate_is_normalized(peephole):
    """TensorFlow Lite's layer-normalized LSTM, row by row."""
    cell = Cell("lstm", layer_norm="sum", peephole=peephole)
    weights, x, (h, c) = make(cell)
    W, R, b, p, _, _, gain, state_norm = weights
    assert gain.shape == (4 * H,)
    assert state_norm is None
    gain = gain.reshape(4, H)
    h1, c1 = reference.lstm_cell(cell, weights, x, (h, c))
    for row in range(B):
        i, f, g, o = np.split(x[row] @ W + h[row] @ R, 4)
        bi, bf, bc, bo = np.split(b, 4)
        if peephole:
            i, f = i + p[0] * c[row], f + p[1] * c[row]
        i, f = sigmoid(layer_norm(i, gain[0], bi)), sigmoid(layer_norm(f, gain[1], bf))
        new = f * c[row] + i * np.tanh(layer_norm(g, gain[2], bc))
        if peephole:
            o = o + p[2] * new
        np.testing.assert_allclose(c1[row], new, rtol=1e-12)
        out = sigmoid(layer_norm(o, gain[3], bo)) * np.tanh(new)
        np.testing.assert_allclose(h1[row], out, rtol=1e-12)


def test_cells_with_fewer_gates_have_fewer_gains():
    for variant in ("NIG", "NFG", "NOG", "CIFG"):
        shapes = {
            form: reference.weight_shapes(Cell("lstm", variant, layer_norm=form), I, H)
            for form in ("both", "sum")
        }
        assert shapes["both"][6:] == [(2, 3 * H), (2, H)]
        assert shapes["sum"][6:] == [(3 * H,), None]
