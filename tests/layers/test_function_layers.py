"""Dense with all its arguments, layers that are a function, layers that reshape."""

import json

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers
from hypothesis import given
from hypothesis import strategies as st

from lstmcore import Input, Sequential, activations, layers
from lstmcore.constraints import MaxNorm, NonNeg
from lstmcore.layers import (
    ELU,
    LSTM,
    Activation,
    Dense,
    Flatten,
    LeakyReLU,
    Permute,
    PReLU,
    ReLU,
    RepeatVector,
    Reshape,
    Softmax,
)
from lstmcore.regularizers import L1, L2
from lstmcore.utils import set_random_seed

# -- Dense ---------------------------------------------------------------------------------


def test_dense_takes_keras_s_arguments_in_keras_s_order():
    layer = Dense(
        3, "tanh", True, "ones", "zeros", "l1", L2(0.5), "l2", MaxNorm(2), NonNeg(), name="d"
    )
    layer(np.ones((2, 4)))
    kernel, bias = layer.weights
    assert isinstance(kernel.regularizer, L1)
    assert bias.regularizer.l2 == 0.5
    assert isinstance(layer.activity_regularizer, L2)
    assert isinstance(kernel.constraint, MaxNorm)
    assert isinstance(bias.constraint, NonNeg)
    again = Dense.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()
    with pytest.raises(TypeError, match="Dense has no argument 'lora_rank'"):
        Dense(3, lora_rank=2)


def test_dense_s_activity_counts(dtype):
    layer = Dense(3, activity_regularizer=L2(0.1), dtype=dtype)
    x = numbers(4, 2).astype(dtype)
    y = layer(x)
    _, back, _ = layer.run(x, True)
    back(np.zeros_like(y))
    want = x.T @ (0.2 * y / 4)
    np.testing.assert_allclose(layer.weights[0].grad, want, rtol=1e-5, atol=1e-7)


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
def test_way_back(name):
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
    assert ReLU()._function is activations.relu
    assert Activation("relu")._function is activations.relu


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

SHAPING = {
    "flatten": (Flatten(), (2, 3, 4)),
    "first": (Flatten("channels_first"), (2, 3, 4)),
    "reshape": (Reshape((4, -1)), (2, 3, 4)),
    "permute": (Permute((2, 1)), (2, 3, 4)),
    "repeat": (RepeatVector(3), (2, 4)),
}


@pytest.mark.parametrize("name", sorted(SHAPING))
def test_shaping_way_back(name):
    layer, shape = SHAPING[name]
    check_backward(layer, numbers(*shape))
    assert layer.compute_mask(None, np.ones((2, 3), bool)) is None


@pytest.mark.parametrize("name", sorted(SHAPING))
def test_rows_lie_side_by_side_however_x_lies(name, dtype):
    layer, (batch, *rest) = SHAPING[name]
    x = numbers(*rest[:1], batch, *rest[1:], 2)[..., :1].astype(dtype).swapaxes(0, 1)
    x = x.reshape(x.shape[:-1]) if len(rest) == 1 else x[..., 0].copy(order="K")
    y, back = layer.forward(x, True)
    assert y.flags.c_contiguous
    np.testing.assert_array_equal(y, layer.forward(np.ascontiguousarray(x))[0])
    dy = np.asfortranarray(y)
    assert back(dy).shape == x.shape
    np.testing.assert_array_equal(back(dy), layer.forward(x.copy(), True)[1](y))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_reshape_finds_what_is_left(sizes, data):
    total = int(np.prod(sizes))
    first = data.draw(st.sampled_from([d for d in range(1, total + 1) if total % d == 0]))
    layer = Reshape((first, -1))
    x = numbers(2, *sizes)
    y = layer(x)
    assert y.shape == layer.compute_output_shape(x.shape) == (2, first, total // first)
    np.testing.assert_array_equal(y.reshape(-1), x.astype(np.float32).reshape(-1))
    with pytest.raises(ValueError, match="samples that go into the shape"):
        Reshape((total + 1, -1))(x)


def test_shapes_of_any_size():
    assert Flatten().compute_output_shape((None, None, 3)) == (None, None)
    assert Flatten().compute_output_shape((None, 4, 3)) == (None, 12)
    assert Flatten().compute_output_shape((None,)) == (None, 1)
    assert Reshape((-1, 2)).compute_output_shape((None, None, 3)) == (None, None, 2)
    assert Reshape((-1, 2)).compute_output_shape((None, 4, 3)) == (None, 6, 2)
    assert Permute((2, 1)).compute_output_shape((None, None, 3)) == (None, 3, None)
    assert RepeatVector(4).compute_output_shape((None, 3)) == (None, 4, 3)


def test_an_encoder_and_a_decoder_train():
    set_random_seed(1)
    model = Sequential(
        [
            Input((5, 2)),
            LSTM(4),
            RepeatVector(5),
            LSTM(4, return_sequences=True),
            Permute((2, 1)),
            Flatten(),
            PReLU(),
            Dense(10),
            Activation("tanh"),
            Reshape((5, 2)),
        ]
    )
    model.compile("adam", "mse")
    x = numbers(30, 5, 2)
    losses = model.fit(x, np.tanh(x), batch_size=5, epochs=40, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    with pytest.raises(ValueError, match=r"RepeatVector\) cannot be streamed"):
        model.stream()


# -- configs and what is refused -----------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        *(make() for make in FUNCTIONS.values()),
        *(layer for layer, _ in SHAPING.values()),
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
        (lambda: Flatten("last"), "data_format: expected channels_last or channels_first"),
        (lambda: Reshape((-1, -1)), "target_shape: expected a tuple of sizes, at most one"),
        (lambda: Reshape(4), "target_shape: expected a tuple"),
        (lambda: Reshape((-2, 3)), "target_shape: expected a whole number"),
        (lambda: Reshape((2, 3))(np.ones((2, 5))), r"into the shape \(2, 3\), got .* \(5,\)"),
        (lambda: Permute((1, 3)), "dims: expected each number from 1"),
        (lambda: Permute(2), "dims: expected each number from 1"),
        (lambda: Permute((2, 1))(np.ones((2, 3))), "3 axes, the batch and 2, got shape"),
        (lambda: RepeatVector(0), "n: expected a whole number from 1"),
        (lambda: RepeatVector(2)(np.ones((2, 3, 4))), r"\(batch, features\), got shape"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
