"""AxesModel: samples along other axes than the first."""

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, layers
from lstmcore.models import AxesModel, Functional
from lstmcore.utils import set_random_seed


@pytest.fixture
def made():
    set_random_seed(1)
    x, h = Input((None, 3), name="x"), Input((4,), name="h")
    y, state = layers.GRU(4, return_sequences=True, return_state=True)(x, initial_state=h)
    return AxesModel([x, h], [y, state], [1, 0], [1, 0])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(7, 40, 3)), rng.normal(size=(40, 4))


def test_it_computes_what_the_model_with_the_batch_first_does(made, data):
    x, h = data
    y, state = made.predict([x, h], verbose=0, batch_size=16)  # the batch is cut, not time
    first = made.batch_first()
    assert type(first) is Functional
    right, end = first.predict([x.swapaxes(0, 1), h], verbose=0)
    np.testing.assert_array_equal(y, right.swapaxes(0, 1))
    np.testing.assert_array_equal(state, end)
    np.testing.assert_array_equal(made({"x": x, "h": h})[0], y)
    for part, whole in zip(made.predict_iter([x, h], batch_size=40), [y], strict=False):
        np.testing.assert_array_equal(part[0], whole)


def test_training(made, data):
    x, h = data
    made.compile("sgd", "mse")
    targets = [np.zeros((7, 40, 4)), np.zeros((40, 4))]
    losses = made.fit([x, h], targets, epochs=2, batch_size=8, verbose=0).history["loss"]
    assert losses[1] < losses[0]
    first = made.batch_first()
    first.compile("sgd", "mse")
    one = made.evaluate([x, h], [t + 1 for t in targets], verbose=0)
    other = first.evaluate(
        [x.swapaxes(0, 1), h], [targets[0].swapaxes(0, 1) + 1, targets[1] + 1], verbose=0
    )
    np.testing.assert_allclose(one, other, rtol=1e-6)
    with pytest.raises(ValueError, match="arrays x and y"):
        made.fit(iter([([x, h], targets)]), verbose=0)


def test_it_is_saved_with_its_axes(made, data, tmp_path):
    made.save(tmp_path / "m.safetensors")
    back = lstmcore.load_model(tmp_path / "m.safetensors")
    assert (back.input_axes, back.output_axes) == ([1, 0], [1, 0])
    for y, right in zip(back.predict(data, verbose=0), made.predict(data, verbose=0), strict=True):
        np.testing.assert_array_equal(y, right)


@pytest.mark.parametrize("axes", [[0], [1, 2], [3, 0], [-1, 0], ["a", 0], None, [True, 0]])
def test_axes_that_cannot_be(axes):
    x, h = Input((None, 3)), Input((4,))
    y = layers.GRU(4)(x, initial_state=h)
    with pytest.raises(ValueError, match="input_axes: expected an axis for each of 2 arrays"):
        AxesModel([x, h], y, axes, [0])


def test_arrays_without_the_axis(made, data):
    with pytest.raises(ValueError, match="expected an array with the batch along axis 1"):
        made.predict([data[0][0, 0], data[1]], verbose=0)
