"""A cell of one's own: the documented one, states, number types."""

import doctest

import numpy as np
import pytest
from helpers import numbers
from recurrent_checks import MASK, Sums, check_recurrent

from lstmcore import Input, Model, Sequential, load_model
from lstmcore.layers import (
    RNN,
    Cell,
    Dense,
    GRUCell,
    LSTMCell,
)
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def example():
    """The class in the documentation of `Cell`, whose example is run on the way."""
    test = doctest.DocTestFinder(recurse=False).find(Cell, "Cell")[0]
    runner = doctest.DocTestRunner()
    runner.run(test, clear_globs=False)
    assert (runner.failures, runner.tries) == (0, 4)
    return test.globs["Leaky"]


def test_the_documented_cell():
    layer = RNN(example()(3), return_sequences=True, return_state=True, dtype="float64")
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK, states=[numbers(5, 3)])


def test_the_documented_cell_in_a_model(tmp_path):
    leaky = example()
    model = Sequential([Input((5, 2)), RNN([leaky(4), GRUCell(3)]), Dense(1)])
    model.compile(Adam(0.02), "mse")
    x = numbers(40, 5, 2)
    history = model.fit(x, x[:, -1, 0], epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors", custom_objects={"Leaky": leaky})
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    with pytest.raises(ValueError, match="unknown layer 'Leaky'"):
        load_model(tmp_path / "m.safetensors")


def test_a_cell_whose_output_is_no_state():
    layer = RNN(Sums(), return_sequences=True, return_state=True, dtype="float64")
    x = numbers(5, 5, 2)
    y, s, _ = layer(x, mask=MASK)
    np.testing.assert_allclose(s, 2 + (x * MASK[..., None]).sum(axis=1))
    assert (y[2, :2] == 0).all()  # before the first real step
    np.testing.assert_array_equal(y[1, 1], y[1, 0])
    np.testing.assert_array_equal(layer(x, training=True)[0], 2 * layer(x)[0])
    check_recurrent(layer, x, mask=MASK, states=[numbers(5, 2), numbers(5, 1)])
    assert layer.compute_output_shape((None, None, 2)) == ((None, None, 3), (None, 2), (None, 1))


def test_a_float64_cell_in_a_float32_model():
    class Careless(Sums):
        def step(self, x, states, training=False):
            return super().step(x.astype(float), states, training)

    y, *states = RNN(Careless(), return_state=True)(numbers(2, 3, 2), mask=np.eye(2, 3))
    assert {a.dtype for a in (y, *states)} == {np.dtype("float32")}


def test_a_cell_is_called_in_a_graph(tmp_path):
    """Step by step, as decoders are written: held to the layer of it."""
    x, h, c = Input((3, 2)), Input((4,)), Input((4,))
    cell = LSTMCell(4, name="cell")
    states, outputs = [h, c], []
    for t in range(3):
        y, states = cell(x[:, t], states)
        outputs.append(y)
    assert [s.shape for s in states] == [(None, 4), (None, 4)]
    model = Model([x, h, c], Dense(1)(outputs[-1]))
    layer = RNN(cell)
    data = [numbers(6, 3, 2).astype("f"), numbers(6, 4).astype("f"), numbers(4, 6).T.astype("f")]
    want = layer(data[0], initial_state=data[1:])
    np.testing.assert_allclose(Model([x, h, c], y).predict(data), want, atol=1e-6)
    model.compile("sgd", "mse")
    other = Model([x, h, c], Dense(1, name="end")(RNN(LSTMCell(4))(x, initial_state=[h, c])))
    other.set_weights([*cell.get_weights(), *model.layers[-1].get_weights()])
    other.compile("sgd", "mse")
    for one in (model, other):
        one.fit(data, data[0][:, 0, 0], epochs=2, verbose=0)
    mine = [*cell.get_weights(), *model.layers[-1].get_weights()]
    for got, right in zip(mine, other.get_weights(), strict=True):
        np.testing.assert_allclose(got, right, atol=1e-6)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(data), model.predict(data))
    y, state = GRUCell(3)(Input((2,)), Input((3,)))
    assert y.shape == state.shape == (None, 3)
