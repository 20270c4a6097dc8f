"""Cells: one step with Keras's numbers, names and shapes of weights."""

import numpy as np
import pytest
from helpers import numbers

from lstmcore import reference
from lstmcore.layers import (
    RNN,
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
)
from lstmcore.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


# Keras 3's numbers for the weights and inputs below
KERAS = [
    (
        LSTMCell(2, dtype="float64"),
        [[-0.3823414598718232, 0.3476806475086582], [-0.4535623900030022, 0.48914629743012816]],
    ),
    (
        LSTMCell(2, "relu", "hard_sigmoid", dtype="float64"),
        [[0.22602111436381048, 0.4520485319874753], [0.26093174265865765, 0.6474505606556186]],
    ),
    (GRUCell(2, dtype="float64"), [[0.4747328075844724, -0.20325595191054338]]),
    (
        GRUCell(2, "elu", reset_after=False, dtype="float64"),
        [[0.4398605045708224, -0.14840407862572277]],
    ),
    (SimpleRNNCell(2, "softsign", dtype="float64"), [[0.6638502079855232, 0.3948317700703227]]),
]


@pytest.mark.parametrize(("cell", "want"), KERAS)
def test_one_step_has_kerass_numbers(cell, want):
    cell.build_for((1, 3), "float64")
    cell.materialize()
    cell.set_weights([np.cos(np.arange(p.value.size)).reshape(p.shape) for p in cell.weights])
    states = [np.array([[0.5, -0.25]]) * (k + 1) for k in range(len(want))]
    y, new = cell(np.sin(np.arange(1, 4)).reshape(1, 3), states)
    np.testing.assert_allclose(np.concatenate(new), want, rtol=1e-6)
    np.testing.assert_array_equal(y, new[0])


def test_weights_have_kerass_names_and_shapes():
    sizes = {}
    for cell in (LSTMCell(2), GRUCell(2), GRUCell(2, reset_after=False), SimpleRNNCell(2)):
        cell.build_for((None, 3), "float32")
        sizes[cell.name] = [(p.name, p.shape) for p in cell.weights]
    assert [[s for _, s in v] for v in sizes.values()] == [
        [(3, 8), (2, 8), (8,)],
        [(3, 6), (2, 6), (2, 6)],
        [(3, 6), (2, 6), (6,)],
        [(3, 2), (2, 2), (2,)],
    ]
    names = {n for v in sizes.values() for n, _ in v}
    assert names == {"kernel", "recurrent_kernel", "bias"}


def test_lstm_cell_is_the_reference(dtype):
    layer = RNN(LSTMCell(4), return_sequences=True, return_state=True, dtype=dtype)
    x, h0, c0 = numbers(3, 5, 2).astype(dtype), numbers(3, 4), numbers(4, 3).T
    y, h, c = layer(x, initial_state=[h0, c0])
    assert {y.dtype, h.dtype, c.dtype} == {dtype}
    weights = [w.astype(float) for w in layer.get_weights()]
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    for got, want in zip((y, h, c), reference.lstm(x, *weights, h0, c0), strict=True):
        np.testing.assert_allclose(got, want, atol=tolerance)


def test_forget_bias():
    for unit, want in ((True, 1), (False, 0)):
        cell = LSTMCell(2, unit_forget_bias=unit)
        cell(np.ones((1, 3)), cell.get_initial_state(1))
        assert (cell.get_weights()[2][2:4] == want).all()
