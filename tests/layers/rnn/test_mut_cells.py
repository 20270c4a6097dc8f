"""MUT1, MUT2 and MUT3: against the reference, and their gradients."""

import numpy as np
import pytest
from helpers import numbers
from recurrent_checks import MASK, check_recurrent

from lstmcore import Input, Sequential, load_model, reference
from lstmcore.layers import RNN, Dense, MUT1Cell, MUT2Cell, MUT3Cell
from lstmcore.utils import set_random_seed

CELLS = {"mut1": MUT1Cell, "mut2": MUT2Cell, "mut3": MUT3Cell}
every_cell = pytest.mark.parametrize("kind", CELLS)


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def inputs(kind):
    return numbers(5, 5, 3 if kind == "mut3" else 4)


def made(kind, dtype="float64", **options):
    """The cell in its layer, built, with weights of which none is 0."""
    cell = CELLS[kind](4, dtype=dtype, **options)
    layer = RNN(cell, return_sequences=True, return_state=True)
    layer(inputs(kind).astype(dtype))
    for i, p in enumerate(layer.weights):
        p.assign(p.numpy() + 0.2 * np.cos(np.arange(p.value.size) + i).reshape(p.shape))
    return layer


@every_cell
@pytest.mark.parametrize("use_bias", [True, False])
def test_it_is_the_reference(dtype, kind, use_bias):
    layer = made(kind, dtype.name, use_bias=use_bias, activation="softsign")
    x, h = inputs(kind), numbers(5, 4) / 2
    weights = [p.numpy().astype(float) for p in layer.weights]
    told = reference.Cell(kind, activation="softsign")
    want, (last,) = reference.forward(told, weights, x.astype(dtype), (h,), mask=MASK)
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    for got, right in zip(layer(x, initial_state=h, mask=MASK), (want, last), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, right, atol=tolerance)


@every_cell
@pytest.mark.parametrize("options", [{}, {"recurrent_activation": "softsign", "use_bias": False}])
def test_gradients(kind, options):
    states = [numbers(3, 4) / 2]
    layer = made(kind, **options)
    check_recurrent(layer, inputs(kind)[:3, :3].copy(), mask=MASK[1:4, :3], states=states)


@every_cell
def test_dropout_is_the_references(kind):
    layer = made(kind, dropout=0.4, recurrent_dropout=0.4, seed=3)
    x, h, cell = inputs(kind), numbers(5, 4) / 2, layer.cell
    start = cell._generator.bit_generator.state
    step = cell.start(5, True)
    x_scale, h_scale = step.args[0]
    cell._generator.bit_generator.state = start
    want, _ = reference.forward(
        reference.Cell(kind), layer.get_weights(), x, (h,), x_scale=x_scale, h_scale=h_scale
    )
    np.testing.assert_allclose(layer(x, initial_state=h, training=True)[0], want, atol=1e-13)

    def before():
        cell._generator.bit_generator.state = start

    check_recurrent(layer, x[:3, :3].copy(), states=[h[:3]], before=before)


@every_cell
def test_weights_have_the_shapes_of_the_reference(kind):
    layer = made(kind)
    shapes = reference.weight_shapes(reference.Cell(kind), inputs(kind).shape[-1], 4)
    assert [p.shape for p in layer.weights] == shapes[:3]
    assert [p.name for p in layer.weights] == ["kernel", "recurrent_kernel", "bias"]


@every_cell
def test_it_learns_and_is_saved(tmp_path, kind):
    x = inputs(kind).astype("float32")
    model = Sequential([Input(x.shape[1:]), RNN(CELLS[kind](4)), Dense(1)])
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0, :1], epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("cls", [MUT1Cell, MUT2Cell])
def test_inputs_that_enter_themselves_are_as_many_as_units(cls):
    with pytest.raises(ValueError, match=rf"\({cls.__name__}\): x: expected as many features as"):
        RNN(cls(4))(numbers(2, 3, 5))
