"""Layers that are a function of each number or row: values, gradients, masks, refusals."""

import json

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import Input, Sequential, activations, layers
from lstmcore.layers import (
    ELU,
    Activation,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)

# -- functions -----------------------------------------------------------------------------

FUNCTIONS = {
    "tanh": lambda: Activation("tanh"),
    "relu": lambda: ReLU(),
    "relu_all": lambda: ReLU(1.1, 0.2, 0.3),
    "leaky": lambda: LeakyReLU(0.4),
    "elu": lambda: ELU(0.7),
    "prelu": lambda: PReLU("random_normal"),
    "prelu_shared": lambda: PReLU("random_normal", shared_axes=[1]),
    "softmax": lambda: Softmax(),
    "softmax_all": lambda: Softmax([1, 2]),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_backward(name):
    check_backward(FUNCTIONS[name](), numbers(2, 3, 4))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_types_stay(name, dtype):
    layer, x = FUNCTIONS[name](), numbers(2, 3, 4).astype(dtype)
    layer.build_for(x.shape, dtype.name)
    layer.materialize()
    kept = x.copy()
    y, back = layer.forward(x, True)
    assert y.dtype == back(np.ones_like(y)).dtype == dtype
    np.testing.assert_array_equal(x, kept)  # nobody writes into the inputs
    assert layer.forward(x)[1] is None
    assert layer.compute_output_shape(x.shape) == y.shape


def test_values():
    x = np.array([-10, -5, 0.0, 5, 10])
    got = ReLU(max_value=10, negative_slope=0.5)(x)
    np.testing.assert_array_equal(got, [-5, -2.5, 0, 5, 10])
    np.testing.assert_allclose(LeakyReLU()(x), [-3, -1.5, 0, 5, 10], rtol=1e-6)
    np.testing.assert_allclose(LeakyReLU(alpha=0.5)(x), [-5, -2.5, 0, 5, 10])
    np.testing.assert_array_equal(PReLU("ones")(x[:, None]), x[:, None])
    square = activations.Activation("square", lambda x: x * x, lambda dy, x, y: 2 * x * dy)
    np.testing.assert_array_equal(Activation(square)(x), x * x)
    assert (Activation(None)(x) == x).all()


def test_relu_without_options_is_the_kernels_relu():
    assert ReLU().function is activations.relu
    assert Activation("relu").function is activations.relu


def test_prelu_learns_a_slope_for_each_number():
    layer = PReLU()
    layer(np.ones((2, 3, 4)))
    assert layer.alpha.shape == (3, 4)
    shared = PReLU(shared_axes=1)
    shared(np.ones((2, 3, 4)))
    assert shared.alpha.shape == (1, 4)
    assert shared(np.ones((2, 7, 4))).shape == (2, 7, 4)
    with pytest.raises(ValueError, match=r"slopes of shape \(batch, 3, 4\), got shape"):
        layer(np.ones((2, 1, 4)))


# -- Softmax and its mask ------------------------------------------------------------------


def test_softmax_s_mask_is_of_steps_or_spreads():
    x = numbers(2, 3, 3)
    steps = np.array([[1, 1, 0], [1, 0, 0]], bool)
    over_time = Softmax(1, dtype="float64")(x, mask=steps)
    np.testing.assert_allclose(over_time.sum(axis=1), 1)
    assert (over_time[~steps] == 0).all()
    numbers_of = Softmax(dtype="float64")(x, mask=x > 0)
    assert ((numbers_of > 0) == (x > 0)).all()
    row = Softmax(dtype="float64")(x, mask=[1.0, 0.0, 1.0])
    assert (row[..., 1] == 0).all()
    layer = Softmax(1)
    assert layer.compute_mask(x, steps) is steps
    assert layer.compute_mask(x, x > 0) is None


def test_softmax_with_a_mask_has_a_gradient():
    mask = np.array([[1, 1, 0], [0, 0, 0]], bool)
    check_backward(Softmax(1), numbers(2, 3, 2), mask=mask)
    check_backward(Softmax(), numbers(2, 3), mask=mask)


def test_softmax_over_the_real_steps_of_a_model():
    model = Sequential([Input((3, 1)), layers.Masking(), Softmax(1)])
    y = model.predict(np.array([[[1.0], [1.0], [0.0]]]), verbose=0)
    np.testing.assert_allclose(y[0, :, 0], [0.5, 0.5, 0])


# -- reshaping -----------------------------------------------------------------------------


# -- configs and what is refused -----------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        *(make() for make in FUNCTIONS.values()),
        PReLU("ones", "l2", "non_neg", [1]),
        LeakyReLU(alpha=0.1),
    ],
)
def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    again = layers.get({"class_name": type(layer).__name__, "config": config})
    assert again.get_config() == layer.get_config()
    assert set(config) == set(type(layer).arguments) - set(layer.init_only)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Activation("tanhh"), "did you mean 'tanh'"),
        (lambda: ReLU(max_value=-1), "max_value: expected a finite number >= 0"),
        (lambda: ReLU(negative_slope=None), "negative_slope: expected a finite number"),
        (lambda: LeakyReLU(-0.1), "negative_slope: expected a finite number >= 0"),
        (lambda: LeakyReLU(alpha="x"), "negative_slope: expected a finite number"),
        (lambda: ELU(float("nan")), "alpha: expected a finite number"),
        (lambda: PReLU(shared_axes=[0]), "shared_axes: expected a whole number from 1"),
        (lambda: PReLU(shared_axes=3)(np.ones((2, 3))), "shared_axes: expected axes from 1 to 1"),
        (lambda: Sequential([Input((None, 3)), PReLU()]), "sizes that are known"),
        (lambda: Softmax("1"), "axis: expected an int"),
        (lambda: Softmax(3)(np.ones((2, 3))), "axis: expected an axis of x, which has 2, got 3"),
        (lambda: Softmax()(np.ones((2, 3)), mask=np.ones((2, 2))), r"spreads over that of x, \(2"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
